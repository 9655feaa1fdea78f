package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prediag"
	"prediag/review"
	"prediag/triage"
)

// record is the state of record with what only the model and the redaction know: labels that are in the taxonomy, and
// tickets that may be stored.
type record struct {
	*review.Store
	labels func(field string) []string // that the model knows; none: not asked
}

// Resolve refuses a label that the model does not know, unless it is said to be meant. What a label check asks about is
// always a label.
func (r record) Resolve(ctx context.Context, key prediag.RequestKey, id string, res prediag.Resolution) (prediag.Case, error) {
	if len(res.Labels) > 0 && !res.NewLabel {
		c, err := r.Case(ctx, id)
		if err != nil {
			return prediag.Case{}, err
		}
		if err := r.known(res.Labels, c.Check); err != nil {
			return prediag.Case{}, err
		}
	}
	return r.Store.Resolve(ctx, key, id, res)
}

func (r record) known(labels map[string]string, check *prediag.LabelCheck) error {
	for _, field := range slices.Sorted(maps.Keys(labels)) { // sorted: the same call always gives the same error
		label, known := labels[field], r.labels(field)
		if check != nil && field == check.Field {
			if label == check.Label || label == check.Suggested {
				continue
			}
			known = append(slices.Clone(known), check.Label, check.Suggested)
		}
		if len(known) == 0 || label == prediag.LabelOutOfScope || slices.Contains(known, label) {
			continue
		}
		return prediag.Invalid("LABEL_UNKNOWN", "resolution.labels", fmt.Sprintf(
			"%s %q is not a label that the model knows; near it: %s; when a new label is meant, say so with --new-label (new_label in the API)",
			field, label, strings.Join(near(label, known, 5), ", ")))
	}
	return nil
}

// AddLabelChecks removes secrets and personal data from the tickets before they are stored.
func (r record) AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (int, error) {
	clean := slices.Clone(checks)
	for i := range clean {
		var err error
		if clean[i].Ticket, _, err = triage.Clean(clean[i].Ticket); err != nil {
			return 0, fmt.Errorf("label check %d: %w", i, err)
		}
	}
	return r.Store.AddLabelChecks(ctx, key, clean)
}

// near are up to n of the labels that read most like one: by edit distance, where a label that holds the other, or ends
// with its last part, counts as close.
func near(label string, labels []string, n int) []string {
	folded := strings.ToLower(label)
	_, leaf, _ := strings.Cut(folded, "/")
	distance := func(l string) int {
		l = strings.ToLower(l)
		d := editDistance(folded, l)
		if strings.Contains(l, folded) || leaf != "" && strings.HasSuffix(l, "/"+leaf) {
			d = min(d, 1)
		}
		return d
	}
	out := slices.Compact(slices.Sorted(slices.Values(labels)))
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return out[:min(n, len(out))]
}

// editDistance is the number of characters to insert, delete or replace that make b of a (Levenshtein, 1966).
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			cost := diagonal
			if r != s {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(to)]
}
