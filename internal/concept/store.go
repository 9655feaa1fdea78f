package concept

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"prediag"
)

// The stored form is text: a head of format, pivot and signature, then a line per edge in the order of Graph.Edges:
// language, term, pivot's term, and the probabilities each way in thousandths. Columns are separated by tabs, which no
// term holds.

const (
	storeHead = "concepts 1"
	// maxStored bounds the stored form in bytes, and with it the memory of a graph that is read.
	maxStored = 64 << 20
	thousand  = 1000
)

// Encode is the stored form. Probabilities are rounded to thousandths.
func (g *Graph) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\t%s\t%s\n", storeHead, g.Pivot(), g.Signature())
	for _, e := range g.Edges() {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%d\t%d\n", e.Language, e.Term, e.Pivot, rounded(e.Forward), rounded(e.Back))
	}
	return b.Bytes()
}

func rounded(p float64) int { return int(p*thousand + 0.5) }

// Decode reads the stored form. An error is of kind prediag.ErrDamaged.
func Decode(r io.Reader) (*Graph, error) {
	s := bufio.NewScanner(io.LimitReader(r, maxStored))
	s.Buffer(make([]byte, 64<<10), 1<<20)
	if !s.Scan() {
		return nil, fmt.Errorf("concept graph: no head: %w", prediag.ErrDamaged)
	}
	head := strings.Split(s.Text(), "\t")
	if len(head) != 3 || head[0] != storeHead {
		return nil, fmt.Errorf("concept graph: head %.40q: %w", s.Text(), prediag.ErrDamaged)
	}
	interned := map[string]string{}
	var edges []Edge
	for s.Scan() {
		e, ok := parseEdge(s.Text(), interned)
		if !ok {
			return nil, fmt.Errorf("concept graph: line %d: %w", len(edges)+2, prediag.ErrDamaged)
		}
		edges = append(edges, e)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("concept graph: %w: %w", prediag.ErrDamaged, err)
	}
	return NewGraph(head[1], head[2], edges), nil
}

// parseEdge reads a line. Strings that return, as languages and the pivot's terms do, are kept once.
func parseEdge(line string, interned map[string]string) (Edge, bool) {
	cols := strings.Split(line, "\t")
	if len(cols) != 5 {
		return Edge{}, false
	}
	forward, ok := probability(cols[3])
	back, ok2 := probability(cols[4])
	once := func(s string) string {
		if known, ok := interned[s]; ok {
			return known
		}
		s = strings.Clone(s)
		interned[s] = s
		return s
	}
	return Edge{once(cols[0]), once(cols[1]), once(cols[2]), forward, back}, ok && ok2
}

func probability(s string) (float64, bool) {
	n, err := strconv.Atoi(s)
	return float64(n) / thousand, err == nil && n >= 0 && n <= thousand && strconv.Itoa(n) == s
}
