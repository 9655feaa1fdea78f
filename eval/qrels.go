package eval

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Qrels are relevance judgements: query ID → document ID → grade. A grade of 1 or more is relevant, 0 is judged not
// relevant, a negative one is in the pool but not judged (as in trec_eval).
type Qrels map[string]map[string]int

// maxGrade bounds a grade, so that gains stay far from overflow.
const maxGrade = 1 << 20

// ReadQrels reads judgements in TREC's format, one a line: query, iteration (ignored), document, grade, separated by
// white space. Plain or gzipped. A wrong line, a pair judged twice or an input over the limits is of kind ErrInvalid or
// ErrTooLarge and names the line.
func ReadQrels(r io.Reader) (Qrels, error) {
	qrels := Qrels{}
	err := eachLine(r, "qrels", func(fields []string) error {
		if len(fields) != 4 {
			return fmt.Errorf("%d columns; want 4: query, iteration, document, grade", len(fields))
		}
		grade, err := strconv.Atoi(fields[3])
		if err != nil || grade > maxGrade || grade < -maxGrade {
			return fmt.Errorf("grade %.40q; want a whole number, at most %d", fields[3], maxGrade)
		}
		if _, twice := qrels[fields[0]][fields[2]]; twice {
			return fmt.Errorf("document %.80q of query %.80q is judged twice; keep one line", fields[2], fields[0])
		}
		if qrels[fields[0]] == nil {
			qrels[fields[0]] = map[string]int{}
		}
		qrels[fields[0]][fields[2]] = grade
		return nil
	})
	if err != nil {
		return nil, err
	}
	return qrels, nil
}

// WriteQrels writes judgements in the format that ReadQrels reads, by query and document ID.
func WriteQrels(w io.Writer, qrels Qrels) error {
	out := bufio.NewWriter(w)
	for _, query := range slices.Sorted(maps.Keys(qrels)) {
		for _, doc := range slices.Sorted(maps.Keys(qrels[query])) {
			if err := checkIDs(query, doc); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s 0 %s %d\n", query, doc, qrels[query][doc]) // Flush reports what a write failed with
		}
	}
	return out.Flush()
}
