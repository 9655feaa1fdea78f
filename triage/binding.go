package triage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Binding names what probabilities depend on. Thresholds that were fitted on one binding say nothing about another: where
// a policy and the service differ in a part that the policy names, nothing is done automatically until it is fitted again.
//
// The articles themselves are not part of it, because the index is renewed every few hours: what changes the articles
// changes which tickets find one, as any day changes the tickets. How a search scores is.
type Binding struct {
	Model    string `yaml:"model" json:"model"`                 // version of the model; empty: not compared, as with the others
	Taxonomy string `yaml:"taxonomy,omitempty" json:"taxonomy"` // version of the category labels
	Search   string `yaml:"search,omitempty" json:"search"`     // version of the index's analysis and scoring, and of Features
	Embedder string `yaml:"embedder,omitempty" json:"embedder"` // "none" where no vectors are used
}

// NoEmbedder is the Binding.Embedder of a service without vectors.
const NoEmbedder = "none"

// featuresVersion changes whenever Features are read off a search in another way.
const featuresVersion = "2"

// SearchVersion joins the version of the index's settings with the version of how its results are read.
func SearchVersion(settings string) string { return settings + "/" + featuresVersion }

// Difference is a part of a Binding in which a policy and the service differ.
type Difference struct {
	What   string `json:"what"`   // "model", "taxonomy", "search" or "embedder"
	Fitted string `json:"fitted"` // what the policy was fitted on
	Serves string `json:"serves"` // what there is now
}

// String says the difference in a sentence.
func (d Difference) String() string {
	return fmt.Sprintf("the policy was fitted on %s %q, this is %q: fit it again with prediag policy fit", d.What, d.Fitted, d.Serves)
}

// Differences are the parts that the policy names and that differ from what serves. None: the policy may act.
func (p Policy) Differences(serves Binding) []Difference {
	var out []Difference
	for _, d := range []Difference{
		{"model", p.CalibratedOn.Model, serves.Model},
		{"taxonomy", p.CalibratedOn.Taxonomy, serves.Taxonomy},
		{"search", p.CalibratedOn.Search, serves.Search},
		{"embedder", p.CalibratedOn.Embedder, serves.Embedder},
	} {
		if d.Fitted != "" && d.Fitted != d.Serves {
			out = append(out, d)
		}
	}
	return out
}

// Warranty is what a fitted policy promises, and the evidence.
type Warranty struct {
	At         time.Time `yaml:"at" json:"at"`
	Confidence float64   `yaml:"confidence" json:"confidence"` // with which each promise holds
	Seed       uint64    `yaml:"seed" json:"seed"`
	Data       Data      `yaml:"data" json:"data"`
	Promises   []Promise `yaml:"promises" json:"promises"`
	Notes      []string  `yaml:"notes,omitempty" json:"notes,omitempty"` // what speaks against trusting it
	Checksum   string    `yaml:"checksum" json:"checksum"`               // over all that the promises depend on
}

// Data names the calibration tickets.
type Data struct {
	SHA256  string `yaml:"sha256" json:"sha256"`
	Tickets int    `yaml:"tickets" json:"tickets"`
}

// Promise is what one action keeps: of the tickets that it takes, at least the target share is treated rightly.
type Promise struct {
	Action     string   `yaml:"action" json:"action"` // "answer", "route", or a field; followed by " (show)" where it is about showing
	Target     float64  `yaml:"target" json:"target"`
	Horizon    int      `yaml:"horizon" json:"horizon"` // see FitOptions
	Thresholds []Fitted `yaml:"thresholds" json:"thresholds"`
}

// Origin says where thresholds come from.
type Origin string

// The origins.
const (
	OriginFitted Origin = "fitted"      // by policy fit, and not changed since
	OriginHand   Origin = "set by hand" // no promise
	OriginEdited Origin = "edited"      // fitted once and changed since: counts as set by hand
)

// Origin says whether the thresholds are those that were fitted. It looks at the checksum over everything that the
// promises depend on; deadlines, the audit sample and the age of the index are free to change.
func (p Policy) Origin() Origin {
	switch {
	case p.Warranty == nil:
		return OriginHand
	case p.Warranty.Checksum != p.checksum():
		return OriginEdited
	}
	return OriginFitted
}

// checksum is over the JSON of what the promises depend on, whose keys are in a fixed order.
func (p Policy) checksum() string {
	w := Warranty{}
	if p.Warranty != nil {
		w = *p.Warranty
	}
	w.Checksum, w.At = "", w.At.UTC()
	part := struct {
		Fields       map[string]FieldThreshold
		Solved       SolvedThreshold
		SolvedModel  SolvedModel
		Scope        [2]float64
		Languages    []string
		HumanOnly    []string
		CalibratedOn Binding
		Warranty     Warranty
	}{p.Fields, p.Solved, p.SolvedModel, [2]float64{p.MinInScope, p.MinLanguage}, append([]string{}, p.Languages...),
		append([]string{}, p.HumanOnly...), p.CalibratedOn, w}
	raw, err := json.Marshal(part)
	if err != nil { // a number that is not finite: no policy that was parsed holds one
		return "none"
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
