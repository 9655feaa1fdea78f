package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"prediag"
)

// checkKnown refuses a label that the model does not know, unless it is said to be meant. What a label check asks about is
// always a label.
func (s *Store) checkKnown(r prediag.Resolution, check *prediag.LabelCheck) error {
	if s.opt.Labels == nil || r.NewLabel {
		return nil
	}
	for _, field := range slices.Sorted(maps.Keys(r.Labels)) { // sorted: the same call always gives the same error
		label, known := r.Labels[field], s.opt.Labels(field)
		if check != nil && field == check.Field {
			known = append(slices.Clone(known), check.Label, check.Suggested)
		}
		if len(known) == 0 || label == prediag.LabelOutOfScope || slices.Contains(known, label) {
			continue
		}
		return invalid("LABEL_UNKNOWN", "resolution.labels",
			"%s %.64q is not a label that the model knows; near it: %s; when a new label is meant, say so (new_label, --new-label)",
			field, label, strings.Join(near(label, known, 5), ", "))
	}
	return nil
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
