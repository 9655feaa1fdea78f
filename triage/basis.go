package triage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"prediag"
)

// Basis is what a decision was made of, so that another policy can decide again, exactly and without the model or the
// index: the facts before any threshold was looked at, and without the texts on which no rule rests.
type Basis struct {
	Facts       Facts // Solved is not set, Degraded lacks what the policy has a say in: the draft and the age of the index
	Features    Features
	IndexAge    time.Duration // since the index was known to hold what its sources hold; 0: unknown
	DraftFailed bool          // the hits could not be quoted
}

// Decide makes the decision under a policy: the probability that the first hit solves the ticket, the outcome and its
// reasons.
func (b Basis) Decide(p Policy) (solved float64, outcome prediag.Outcome, reasons []prediag.Reason) {
	f := b.facts(p)
	outcome, reasons = Decide(f, p)
	return f.Solved, outcome, reasons
}

// facts are completed by what depends on the policy.
func (b Basis) facts(p Policy) Facts {
	f := b.Facts
	f.Solved = b.solved(p)
	f.Degraded = slices.Clone(f.Degraded)
	if b.DraftFailed && b.shown(p) {
		f.Degraded = append(f.Degraded, prediag.DegradedDraft)
	}
	if b.IndexAge > time.Duration(p.IndexMaxAge) {
		f.Degraded = append(f.Degraded, prediag.DegradedIndexStale)
	}
	return f
}

func (b Basis) solved(p Policy) float64 {
	if len(b.Facts.Hits) == 0 {
		return 0
	}
	return p.SolvedModel.Probability(b.Features)
}

// shown reports whether the first hit is worth quoting under a policy.
func (b Basis) shown(p Policy) bool { return len(b.Facts.Hits) > 0 && b.solved(p) >= p.Solved.Show }

// trimmed leaves out what is long and what no rule looks at.
func (b Basis) trimmed() Basis {
	f := &b.Facts
	f.Verdict.Fields = slices.Clone(f.Verdict.Fields)
	for i := range f.Verdict.Fields {
		f.Verdict.Fields[i].Evidence = nil
	}
	f.Hits = slices.Clone(f.Hits)
	for i, h := range f.Hits {
		f.Hits[i] = prediag.Hit{
			ArticleID: h.ArticleID, Revision: h.Revision, Language: h.Language, Product: h.Product, Category: h.Category, Kind: h.Kind,
			Group: h.Group, Score: h.Score, Coverage: h.Coverage,
		}
	}
	f.Draft.Statements, f.Draft.Missing = nil, nil
	return b
}

// encode is the basis as JSON, without values that are zero: a kilobyte or so.
func (b Basis) encode() ([]byte, error) {
	raw, err := json.Marshal(b.trimmed())
	if err != nil {
		return nil, fmt.Errorf("encode the facts: %w", err)
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // numbers keep their digits
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode the facts: %w", err)
	}
	return json.Marshal(withoutZeros(tree))
}

// zeroTime is how JSON has a time.Time that was never set.
const zeroTime = "0001-01-01T00:00:00Z"

// withoutZeros drops what decodes to a zero value when it is absent. The places in a list stay.
func withoutZeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			if child = withoutZeros(child); child == nil {
				delete(v, k)
			} else {
				v[k] = child
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i, child := range v {
			if v[i] = withoutZeros(child); v[i] == nil {
				v[i] = zeroLike(child)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" || v == zeroTime {
			return nil
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// zeroLike is what stands for a zero value within a list.
func zeroLike(v any) any {
	if _, ok := v.(map[string]any); ok {
		return map[string]any{}
	}
	return v
}

// ParseBasis reads Diagnosis.Facts. What is absent or was not written here is of kind prediag.ErrInvalid.
func ParseBasis(raw []byte) (Basis, error) {
	var b Basis
	if len(raw) == 0 {
		return b, prediag.Invalid("FACTS_ABSENT", "facts", "the decision was kept without its facts, by an older version of the program")
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "FACTS_INVALID", Field: "facts", Err: err,
			Message: "the facts of a decision cannot be read"}
	}
	return b, nil
}
