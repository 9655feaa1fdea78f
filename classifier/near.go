package classifier

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"

	"prediag"
)

// Neighbour is a labelled ticket of the training data that reads like the one at hand.
type Neighbour struct {
	ID     string  // the ticket system's own; may be empty
	Text   string  // the beginning of the ticket, without secrets and personal data
	Label  string  // its label of the model's first field
	Cosine float64 // 0 to 1, of the hidden units of both
}

// maxNeighbours is how many neighbours serve as evidence.
const maxNeighbours = 3

// nearIndex is the compact index of training tickets: the hidden units of each as a direction, in eight bits, and one bit a
// unit by which the scan for candidates goes. Among words, character sequences and hidden units, the hidden units found
// most neighbours of the right label for tickets that the network had not seen.
type nearIndex struct {
	units   int       // hidden units, a multiple of 8
	split   []float32 // by unit: over it the unit's bit is set
	labels  []int32   // of the first field, by ticket
	ids     []string
	texts   []string
	scale   []float32 // by ticket: turns its codes into a vector of length one
	codes   []byte    // tickets × units
	bits    []uint64  // tickets × words
	classes classes
	pool    sync.Pool
}

// words is how many words of 64 bits hold one bit a unit.
func (n *nearIndex) words() int { return (n.units + 63) / 64 }

// nearScratch is what one search works with.
type nearScratch struct {
	unit      []float32 // direction of the query
	signature []uint64
	distances []uint16
	count     []int32 // rows by distance
	query     whole
	found     []neighbour
}

// neighbour is a row of the index with its cosine.
type neighbour struct {
	row    int32
	cosine float32
}

// rerank is how many candidates of the scan are compared exactly: enough to find 99.9 % of the three nearest of short
// questions among ten thousand.
const rerank = 500

// search lists at most k rows that lie nearest to the hidden units h, nearest first, equal ones by row. Rows that skip
// refuses do not count.
func (n *nearIndex) search(h []float32, k int, skip func(row int32, found []neighbour) bool) []neighbour {
	if n == nil || len(n.labels) == 0 || k <= 0 {
		return nil
	}
	norm := length(h)
	if norm == 0 {
		return nil
	}
	s := n.scratch()
	defer n.pool.Put(s)
	s.set(h, norm)
	n.sign(s.unit, s.signature)
	limit := n.scan(s)
	s.found = s.found[:0]
	for row, d := range s.distances {
		if d <= limit {
			s.found = append(s.found, neighbour{int32(row), n.cosine(row, &s.query)})
		}
	}
	var out []neighbour
	for len(out) < k && len(s.found) > 0 {
		f := takeNearest(&s.found)
		if skip == nil || !skip(f.row, out) {
			out = append(out, f)
		}
	}
	return out
}

// takeNearest takes the nearest one out of the list, of equal ones the first row: few are wanted of many.
func takeNearest(list *[]neighbour) neighbour {
	l, best := *list, 0
	for i, f := range l {
		if b := l[best]; f.cosine > b.cosine || f.cosine == b.cosine && f.row < b.row {
			best = i
		}
	}
	f := l[best]
	l[best] = l[len(l)-1]
	*list = l[:len(l)-1]
	return f
}

func (n *nearIndex) scratch() *nearScratch {
	if s, ok := n.pool.Get().(*nearScratch); ok {
		return s
	}
	return &nearScratch{
		signature: make([]uint64, n.words()), distances: make([]uint16, len(n.labels)), count: make([]int32, n.units+1),
	}
}

// sign writes one bit a unit.
func (n *nearIndex) sign(h []float32, out []uint64) {
	clear(out)
	for j, v := range h {
		if v > n.split[j] {
			out[j/64] |= 1 << (j % 64)
		}
	}
}

// scan fills the Hamming distances and returns the one within which about rerank rows lie.
func (n *nearIndex) scan(s *nearScratch) uint16 {
	count, w := s.count, len(s.signature)
	clear(count)
	if w == 2 { // the usual size, without an inner loop
		a, b := s.signature[0], s.signature[1]
		for i := range s.distances {
			d := bits.OnesCount64(n.bits[2*i]^a) + bits.OnesCount64(n.bits[2*i+1]^b)
			s.distances[i] = uint16(d)
			count[d]++
		}
	} else {
		for i := range s.distances {
			d := 0
			for j, x := range n.bits[i*w : (i+1)*w] {
				d += bits.OnesCount64(x ^ s.signature[j])
			}
			s.distances[i] = uint16(d)
			count[d]++
		}
	}
	sum := 0
	for d, c := range count {
		if sum += int(c); sum >= rerank {
			return uint16(d)
		}
	}
	return uint16(n.units)
}

// set makes h, of length norm, the query: as a direction, and in whole numbers, which multiply faster with the codes.
func (s *nearScratch) set(h []float32, norm float32) {
	s.unit = s.unit[:0]
	s.query.reset()
	for _, v := range h {
		s.unit = append(s.unit, v/norm)
		s.query.add(int(v/norm*nearFine + 0.5))
	}
}

// nearFine is the coefficient of a unit that alone is on.
const nearFine = 1 << 16

// cosine compares a ticket with the query.
func (n *nearIndex) cosine(row int, query *whole) float32 {
	return min(float32(query.dot(n.codes[row*n.units:(row+1)*n.units]))/nearFine*n.scale[row], 1)
}

// put stores the direction of the hidden units h of the next ticket.
func (n *nearIndex) put(h []float32) {
	var top, square float32
	for _, v := range h {
		top = max(top, v)
	}
	for _, v := range h {
		q := float32(0)
		if top > 0 {
			q = float32(math.Round(float64(v / top * 255)))
		}
		n.codes = append(n.codes, byte(q))
		square += q * q
	}
	scale := float32(0)
	if square > 0 {
		scale = 1 / float32(math.Sqrt(float64(square)))
	}
	n.scale = append(n.scale, scale)
}

// index derives the bits from the codes and the splits.
func (n *nearIndex) index() {
	w := n.words()
	n.bits = make([]uint64, len(n.labels)*w)
	h := make([]float32, n.units)
	for i := range n.labels {
		for j, c := range n.codes[i*n.units : (i+1)*n.units] {
			h[j] = float32(c) * n.scale[i]
		}
		n.sign(h, n.bits[i*w:(i+1)*w])
	}
}

// halve sets each unit's split to its mean over the tickets, so that its bit says much.
func (n *nearIndex) halve() {
	n.split = make([]float32, n.units)
	for i, s := range n.scale {
		for j, c := range n.codes[i*n.units : (i+1)*n.units] {
			n.split[j] += float32(c) * s
		}
	}
	for j := range n.split {
		n.split[j] /= float32(max(1, len(n.scale)))
	}
}

// Nearest lists at most n labelled tickets of the training data that read most like t, nearest first; none from a model
// without an index or for a text in which the model knows nothing. Tickets with the same text and label count once.
func (m *Model) Nearest(t prediag.Ticket, n int) []Neighbour {
	if m == nil || m.near == nil || len(m.heads) == 0 {
		return nil
	}
	s := m.scratch()
	defer m.pool.Put(s)
	s.vec = s.vectoriser.vector(s.extractor.extract(t), m.recipe)
	if len(s.vec.ids) == 0 {
		return nil
	}
	s.coefs = m.embed.activate(s.vec, s.hidden, s.coefs)
	return m.nearest(s.hidden, n)
}

// nearest is Nearest for the hidden units of a text.
func (m *Model) nearest(hidden []float32, n int) []Neighbour {
	x := m.near
	same := func(row int32, found []neighbour) bool {
		return slices.ContainsFunc(found, func(f neighbour) bool {
			return x.labels[f.row] == x.labels[row] && x.texts[f.row] == x.texts[row]
		})
	}
	var out []Neighbour
	for _, f := range x.search(hidden, n, same) {
		out = append(out, Neighbour{x.ids[f.row], x.texts[f.row], m.heads[0].labels[x.labels[f.row]], float64(f.cosine)})
	}
	return out
}

// Explain is Classify with the nearest labelled tickets among the evidence of the first field, after its strongest
// n-grams.
func (m *Model) Explain(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	return m.classify(ctx, t, withNeighbours)
}

// addNeighbours puts the nearest tickets after the strongest evidence.
func (m *Model) addNeighbours(f *prediag.FieldVerdict, hidden []float32) {
	found := m.nearest(hidden, maxNeighbours)
	f.Evidence = f.Evidence[:min(len(f.Evidence), maxEvidence-len(found))]
	for _, n := range found {
		f.Evidence = append(f.Evidence, prediag.Evidence{Kind: prediag.EvidenceNearest, Text: n.String(), Weight: n.Cosine})
	}
}

// String is the neighbour in one line: ID, text, label.
func (n Neighbour) String() string {
	if n.ID == "" {
		return fmt.Sprintf("%q → %s", n.Text, n.Label)
	}
	return fmt.Sprintf("%s: %q → %s", n.ID, n.Text, n.Label)
}
