package triage

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the default policy
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"prediag"
	"prediag/internal/signal"
)

// Policy says when the machine may act: the thresholds, the categories that stay with humans, and the deadlines.
//
// It is read from a YAML file whose keys are the yaml names below; an unknown key is an error. Probabilities are 0 to 1.
type Policy struct {
	Name         string                    `yaml:"name"`          // for humans, e.g. "default"
	Fields       map[string]FieldThreshold `yaml:"fields"`        // per field of the verdict that the outcome depends on
	Solved       SolvedThreshold           `yaml:"solved"`        // on the probability that the first hit solves the ticket
	SolvedModel  SolvedModel               `yaml:"solved_model"`  // how that probability is computed
	MinInScope   float64                   `yaml:"min_in_scope"`  // under it a ticket is out of scope
	MinLanguage  float64                   `yaml:"min_language"`  // confidence under which the language counts as unknown
	Languages    []string                  `yaml:"languages"`     // supported ones; empty: all that are recognised
	HumanOnly    []string                  `yaml:"human_only"`    // categories, or parents of categories, that are never answered
	AuditSample  float64                   `yaml:"audit_sample"`  // share of answerable tickets that a human checks all the same
	IndexMaxAge  Duration                  `yaml:"index_max_age"` // older: the answer says that it is degraded
	Deadlines    Deadlines                 `yaml:"deadlines"`     // by which a human must act
	CalibratedOn Binding                   `yaml:"calibrated_on"` // what the thresholds were fitted on; empty: set by hand
	Warranty     *Warranty                 `yaml:"warranty"`      // what they promise and why; written by policy fit; nil: set by hand
	Signals      []signal.Table            `yaml:"signals"`       // phrases beside the built-in ones; a kept decision is replayed with the phrases of its time

	version string
	finder  *signal.Finder // of the built-in phrases and Signals; nil: of the built-in ones
}

// FieldThreshold holds the thresholds of one field.
type FieldThreshold struct {
	Act     float64        `yaml:"act"`               // probability at or above which the label may be acted on
	Show    float64        `yaml:"show"`              // probability under which the label is not worth showing
	Margin  float64        `yaml:"margin,omitempty"`  // distance to the second label under which the two are ambiguous
	Parents bool           `yaml:"parents,omitempty"` // where the label is unsure its parent is acted on, if that is sure; the queue then follows what may be acted on
	Own     map[string]Own `yaml:"own,omitempty"`     // labels with a threshold of their own in place of Act
	Off     string         `yaml:"off,omitempty"`     // why no label is acted on, whatever Act says; empty: Act says
}

// SolvedThreshold holds the thresholds on the answer.
type SolvedThreshold struct {
	Act  float64         `yaml:"act"`            // at or above it the draft may be sent
	Show float64         `yaml:"show"`           // under it no article counts as relevant
	Own  map[string]Own  `yaml:"own,omitempty"`  // categories with a threshold of their own in place of Act
	Off  string          `yaml:"off,omitempty"`  // why nothing is sent, whatever Act says; empty: Act says
	Gate map[string]Gate `yaml:"gate,omitempty"` // what fields must reach before a draft is sent; empty: what they need to be acted on
}

// Gate is what the best label of a field must reach before a draft is sent. It stands apart from the field's own thresholds
// so that these can be fitted without changing which drafts the threshold for answers was fitted on.
type Gate struct {
	Act    float64 `yaml:"act"`
	Margin float64 `yaml:"margin,omitempty"`
}

// Deadlines are the times by which a human must act, from the moment of the diagnosis.
type Deadlines struct {
	L1            Duration `yaml:"L1"`
	L2            Duration `yaml:"L2"`
	L3            Duration `yaml:"L3"`
	MajorIncident Duration `yaml:"major_incident"`
}

// Duration is a time.Duration that is written as "15m" in the policy file.
type Duration time.Duration

// UnmarshalYAML reads a duration as time.ParseDuration does.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	v, err := time.ParseDuration(node.Value)
	if err != nil || v <= 0 {
		return fmt.Errorf("line %d: %q is not a duration such as 15m", node.Line, node.Value)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML writes the duration as UnmarshalYAML reads it.
func (d Duration) MarshalYAML() (any, error) {
	s := time.Duration(d).String() // e.g. 12h0m0s
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s, nil
}

// maxPolicyBytes is far above any policy: a larger file is some other file.
const maxPolicyBytes = 1 << 20

//go:embed policy.yaml
var defaultPolicy []byte

// DefaultPolicyFile is the policy that the service starts with, as its file's content.
func DefaultPolicyFile() []byte { return slices.Clone(defaultPolicy) }

// LoadPolicy reads a policy file. A missing file is of kind prediag.ErrNotFound, a faulty one of kind
// prediag.ErrInvalid with the file, the key and what was expected.
func LoadPolicy(path string) (Policy, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Policy{}, fmt.Errorf("policy file %q: %w", path, prediag.ErrNotFound)
	}
	if err != nil {
		return Policy{}, fmt.Errorf("open policy file: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxPolicyBytes+1))
	if err != nil {
		return Policy{}, fmt.Errorf("read policy file %q: %w", path, err)
	}
	p, err := ParsePolicy(raw)
	if err != nil {
		return Policy{}, fmt.Errorf("policy file %q: %w", path, err)
	}
	return p, nil
}

// ParsePolicy reads a policy. Any fault is of kind prediag.ErrInvalid.
func ParsePolicy(raw []byte) (Policy, error) {
	if len(raw) > maxPolicyBytes {
		return Policy{}, prediag.Invalid("POLICY_INVALID", "", fmt.Sprintf("it has more than %d bytes", maxPolicyBytes))
	}
	var p Policy
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		return Policy{}, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "POLICY_INVALID", Message: "not a policy", Err: err}
	}
	if err := p.validate(); err != nil {
		return Policy{}, err
	}
	if len(p.Signals) > 0 { // else the built-in phrases, which are compiled for who asks them: that takes a tenth of a second
		finder, err := signal.New(p.Signals...)
		if err != nil {
			return Policy{}, err
		}
		p.finder = finder
	}
	sum := sha256.Sum256(raw)
	p.version = p.Name + "-" + hex.EncodeToString(sum[:4])
	return p, nil
}

// Version names the policy: its name and the hash of its file.
func (p Policy) Version() string { return p.version }

func (p Policy) validate() error {
	if p.Name == "" {
		return prediag.Invalid("POLICY_INVALID", "name", "name is missing: give the policy a name")
	}
	for key, share := range p.shares() {
		if !(share >= 0 && share <= 1) { // also refuses NaN
			return prediag.Invalid("POLICY_INVALID", key, fmt.Sprintf("%s is %v, expected a number from 0 to 1", key, share))
		}
	}
	for name, f := range p.Fields {
		if f.Show > f.Act {
			return prediag.Invalid("POLICY_INVALID", name, fmt.Sprintf("fields.%s: show %v is above act %v", name, f.Show, f.Act))
		}
	}
	if p.Solved.Show > p.Solved.Act {
		return prediag.Invalid("POLICY_INVALID", "solved", fmt.Sprintf("solved: show %v is above act %v", p.Solved.Show, p.Solved.Act))
	}
	for key, d := range map[string]Duration{
		"index_max_age": p.IndexMaxAge, "deadlines.L1": p.Deadlines.L1, "deadlines.L2": p.Deadlines.L2,
		"deadlines.L3": p.Deadlines.L3, "deadlines.major_incident": p.Deadlines.MajorIncident,
	} {
		if d <= 0 {
			return prediag.Invalid("POLICY_INVALID", key, key+" is missing: give a duration such as 15m")
		}
	}
	return nil
}

func (p Policy) shares() map[string]float64 {
	out := map[string]float64{
		"solved.act": p.Solved.Act, "solved.show": p.Solved.Show, "min_in_scope": p.MinInScope,
		"min_language": p.MinLanguage, "audit_sample": p.AuditSample,
	}
	for name, f := range p.Fields {
		out["fields."+name+".act"], out["fields."+name+".show"], out["fields."+name+".margin"] = f.Act, f.Show, f.Margin
		for label, o := range f.Own {
			out["fields."+name+".own."+label+".act"] = o.Act
		}
	}
	for category, o := range p.Solved.Own {
		out["solved.own."+category+".act"] = o.Act
	}
	for field, g := range p.Solved.Gate {
		out["solved.gate."+field+".act"], out["solved.gate."+field+".margin"] = g.Act, g.Margin
	}
	return out
}

// humanOnly reports whether the policy keeps a category, or one of its parents, for humans.
func (p Policy) humanOnly(category string) bool {
	return slices.ContainsFunc(p.HumanOnly, func(c string) bool {
		return category == c || strings.HasPrefix(category, c+"/")
	})
}

// within is the time in which a human must act on a ticket of a tier.
func (d Deadlines) within(tier string) time.Duration {
	switch tier {
	case "L3":
		return time.Duration(d.L3)
	case "L2":
		return time.Duration(d.L2)
	}
	return time.Duration(d.L1)
}
