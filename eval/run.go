package eval

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Run is what a search returned: query ID → documents. The order of the documents is of no account: the measures rank
// them by score, ties by document ID descending, as trec_eval does.
type Run map[string][]ScoredDoc

// ScoredDoc is one document that a search returned.
type ScoredDoc struct {
	ID    string
	Score float64
}

// rank returns the documents in trec_eval's order (form_res_rels.c): score descending, ties by ID descending.
func rank(docs []ScoredDoc) []ScoredDoc {
	sorted := slices.Clone(docs)
	slices.SortFunc(sorted, func(a, b ScoredDoc) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.ID, a.ID))
	})
	return sorted
}

// ReadRun reads a run in TREC's format, one document a line: query, "Q0", document, rank, score, tag, separated by
// white space; the second, the fourth and what follows the score are ignored. Plain or gzipped. A wrong line, a document listed
// twice for a query or an input over the limits is of kind ErrInvalid or ErrTooLarge and names the line.
func ReadRun(r io.Reader) (Run, error) {
	run := Run{}
	seen := map[[2]string]bool{}
	err := eachLine(r, "run", func(fields []string) error {
		if len(fields) < 6 {
			return fmt.Errorf("%d columns; want 6: query, Q0, document, rank, score, tag", len(fields))
		}
		score, err := strconv.ParseFloat(fields[4], 64)
		if err != nil || math.IsNaN(score) || math.IsInf(score, 0) {
			return fmt.Errorf("score %.40q; want a finite number", fields[4])
		}
		key := [2]string{fields[0], fields[2]}
		if seen[key] {
			return fmt.Errorf("document %.80q of query %.80q is listed twice; keep one line", fields[2], fields[0])
		}
		seen[key] = true
		run[fields[0]] = append(run[fields[0]], ScoredDoc{ID: fields[2], Score: score})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// WriteRun writes a run in the format that ReadRun reads: by query ID, within a query by rank from 1. Scores read back
// as the same values. An ID that is empty or holds white space, or a score that is not finite, is of kind ErrInvalid.
func WriteRun(w io.Writer, run Run, tag string) error {
	if err := checkIDs(tag); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	for _, query := range slices.Sorted(maps.Keys(run)) {
		for i, d := range rank(run[query]) {
			if err := checkIDs(query, d.ID); err != nil {
				return err
			}
			if math.IsNaN(d.Score) || math.IsInf(d.Score, 0) {
				return invalidScore(query, d)
			}
			score := strconv.FormatFloat(d.Score, 'g', -1, 64)
			fmt.Fprintf(out, "%s Q0 %s %d %s %s\n", query, d.ID, i+1, score, tag) // Flush reports what a write failed with
		}
	}
	return out.Flush()
}
