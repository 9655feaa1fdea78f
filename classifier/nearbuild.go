package classifier

import (
	"context"
	"sort"
	"strings"

	"prediag"
	"prediag/internal/redact"
)

// Limits of the index of neighbours.
const (
	maxNear      = 200_000 // tickets; of more, the large classes keep a sample
	maxNearText  = 160     // bytes of a ticket's text
	maxNearID    = 64      // bytes of its ID
	nearReadable = 1 << 10 // bytes of a ticket that are looked at to make its text
)

// neighbours indexes the examples under the model that learned from them.
func (t *trainer) neighbours(ctx context.Context, m *Model) (*nearIndex, error) {
	rows := sample(t.task.heads[0], maxNear)
	n := &nearIndex{units: m.embed.hidden, labels: make([]int32, len(rows)), ids: make([]string, len(rows)), texts: make([]string, len(rows)),
		scale: make([]float32, 0, len(rows)), codes: make([]byte, 0, len(rows)*m.embed.hidden)}
	err := t.each(ctx, len(rows), func(i int) {
		e := t.examples[rows[i]]
		n.labels[i] = t.task.heads[0].y[rows[i]]
		n.ids[i], n.texts[i] = nearID(e.Ticket.ID), nearText(e.Ticket)
	})
	if err != nil {
		return nil, err
	}
	h := make([]float32, n.units)
	var coefs []uint16
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		coefs = m.embed.activate(t.task.x.row(r), h, coefs)
		n.put(h)
	}
	n.halve()
	n.index()
	n.group(t.task.heads[0].classes)
	return n, nil
}

// each calls f for 0 to n-1 on all workers.
func (t *trainer) each(ctx context.Context, n int, f func(i int)) error {
	return t.parallel(ctx, n, func(_, from, to int) {
		for i := from; i < to && ctx.Err() == nil; i++ {
			f(i)
		}
	})
}

// sample lists the labelled rows, at most limit: every class keeps all of its rows up to a number that is the same for
// all. Which ones stay follows from the order of the examples, which is that of a hash.
func sample(t target, limit int) []int {
	count := make([]int, t.classes)
	for _, y := range t.y {
		if y >= 0 {
			count[y]++
		}
	}
	quota := max(1, sort.Search(len(t.y), func(q int) bool { return !fits(count, q+1, limit) }))
	var rows []int
	clear(count)
	for i, y := range t.y {
		if y >= 0 && count[y] < quota && len(rows) < limit {
			count[y]++
			rows = append(rows, i)
		}
	}
	return rows
}

// fits reports whether at most limit rows stay when every class keeps at most quota.
func fits(count []int, quota, limit int) bool {
	sum := 0
	for _, c := range count {
		sum += min(c, quota)
	}
	return sum <= limit
}

func nearID(id string) string { return strings.ToValidUTF8(cut(id, maxNearID), "") }

// nearText is the beginning of a ticket without secrets and personal data, in one line. It is redacted before it is cut,
// since half a secret is not recognised.
func nearText(t prediag.Ticket) string {
	clean, _ := redact.Text(strings.ToValidUTF8(cut(t.Text(), nearReadable), ""))
	line := strings.Join(strings.Fields(clean), " ")
	if len(line) <= maxNearText {
		return line
	}
	line = cut(line, maxNearText-len("…"))
	if at := strings.LastIndexByte(line, ' '); at > maxNearText/2 {
		line = line[:at]
	}
	return line + "…"
}
