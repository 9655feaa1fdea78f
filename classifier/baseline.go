package classifier

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/lang"
)

// Baseline is the classifier that does nothing: every ticket gets each field's most frequent label, with the labels'
// shares of the examples as probabilities. A real classifier's figures mean something only beside its.
type Baseline struct {
	fields  []prediag.FieldVerdict
	version string
}

// NewBaseline counts the labels of the examples; without fields, of every field that they label. A field that no
// example labels is left out; without any the baseline is untrained.
func NewBaseline(examples []prediag.Example, fields []string) *Baseline {
	if len(fields) == 0 {
		fields, _ = chooseFields(examples, nil) // fails for unknown fields only
	}
	chosen := slices.Clone(fields)
	sortFields(chosen)
	b := &Baseline{}
	var id strings.Builder
	for _, f := range slices.Compact(chosen) {
		labels := shares(examples, f)
		if len(labels) == 0 {
			continue
		}
		id.WriteString(f + "\x00" + labels[0].Value + "\x00")
		b.fields = append(b.fields, prediag.FieldVerdict{Field: f, Label: labels[0].Value, Probability: labels[0].Probability,
			Alternatives: labels[1:min(len(labels), 1+maxAlternatives)]})
	}
	b.version = "baseline-" + short([]byte(id.String()))
	return b
}

// shares lists the labels of a field, the most frequent first, equally frequent ones by name.
func shares(examples []prediag.Example, field string) []prediag.Label {
	count, total := map[string]int{}, 0
	for _, e := range examples {
		if l := e.Labels[field]; l != "" && !e.Ticket.Blank() {
			count[l]++
			total++
		}
	}
	var labels []prediag.Label
	for l, n := range count {
		labels = append(labels, prediag.Label{Value: l, Probability: float64(n) / float64(total)})
	}
	slices.SortFunc(labels, func(a, b prediag.Label) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), strings.Compare(a.Value, b.Value))
	})
	return labels
}

// Classify returns the prior; see prediag.Classifier.
func (b *Baseline) Classify(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	if b == nil || len(b.fields) == 0 {
		return prediag.Verdict{}, notTrained()
	}
	if err := ctx.Err(); err != nil {
		return prediag.Verdict{}, err
	}
	v := prediag.Verdict{Model: b.version, InScope: 1}
	v.Language, v.LanguageConfidence = lang.Detect(cut(t.Text(), maxBodyBytes))
	for _, f := range b.fields {
		f.Alternatives = slices.Clone(f.Alternatives)
		v.Fields = append(v.Fields, f)
	}
	return v, nil
}
