package triage

import (
	"strings"

	"prediag"
)

// FieldTrial is what acting on a field's label would do with a ticket whose verdict and true label are known. The rule
// gives the margin and whether the parents of a category count; its thresholds play no part. Tickets under minInScope, and
// those whose label says that they are out of scope, are never taken when the field is the category.
func FieldTrial(v prediag.Verdict, field, truth string, rule FieldThreshold, minInScope float64) Trial {
	f, ok := v.Field(field)
	if !ok || field == prediag.FieldCategory && !inScope(v, f, minInScope) {
		return Trial{Category: f.Label}
	}
	t := Trial{Category: f.Label}
	for _, l := range rule.candidates(f) {
		right := truth == l.Value || strings.HasPrefix(truth, l.Value+"/")
		if n := len(t.Steps); n > 0 && t.Steps[n-1].At <= l.Probability {
			t.Steps[n-1] = Step{At: l.Probability, Right: right} // as sure as of its parent: the more exact one is said
			continue
		}
		t.Steps = append(t.Steps, Step{At: l.Probability, Right: right})
	}
	return t
}

func inScope(v prediag.Verdict, category prediag.FieldVerdict, least float64) bool {
	return v.InScope >= least && category.Label != prediag.LabelOutOfScope
}

// candidates are the labels that may be acted on, the most general first: the parents of the best label where they count,
// and the best label itself unless the second is too close. A parent's probability is the sum over the labels under it that
// the verdict names.
func (t FieldThreshold) candidates(f prediag.FieldVerdict) []prediag.Label {
	var out []prediag.Label
	if t.Parents {
		for i := range len(f.Label) {
			if f.Label[i] == '/' {
				out = append(out, prediag.Label{Value: f.Label[:i], Probability: branch(f, f.Label[:i+1])})
			}
		}
	}
	if len(f.Alternatives) == 0 || f.Margin() >= t.Margin {
		out = append(out, prediag.Label{Value: f.Label, Probability: f.Probability})
	}
	return out
}

// branch is the probability of all labels that begin with prefix, as far as the verdict names them.
func branch(f prediag.FieldVerdict, prefix string) float64 {
	sum := f.Probability
	for _, a := range f.Alternatives {
		if strings.HasPrefix(a.Value, prefix) {
			sum += a.Probability
		}
	}
	return min(sum, 1)
}

// act is the label of a field that may be acted on: the most exact of the candidates that reach the threshold. ok is false
// when none does, or when the policy has no rule for the field.
func (p Policy) act(f prediag.FieldVerdict) (label prediag.Label, ok bool) {
	rule, judged := p.Fields[f.Field]
	if !judged {
		return prediag.Label{}, false
	}
	least, off := rule.limit(f.Label)
	if off != "" {
		return prediag.Label{}, false
	}
	for _, l := range rule.candidates(f) {
		if l.Probability >= least {
			label, ok = l, true
		}
	}
	return label, ok
}
