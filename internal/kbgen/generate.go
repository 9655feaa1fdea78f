package main

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// article is one record, of a corpus and of the output.
type article struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Body    string `json:"body"`
	URL     string `json:"url,omitempty"`
	Lang    string `json:"lang,omitempty"`
	Product string `json:"product,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Group   string `json:"group,omitempty"`
	Updated string `json:"updated,omitempty"`
}

// options say what to make.
type options struct {
	n        int
	seed     uint64
	size     int     // bytes of a piece, about
	change   float64 // share that differs
	revision uint64
}

// generator makes articles out of pieces.
type generator struct {
	options
	pieces []article
	strata map[string][]int // language and product → pieces
}

// generate yields the articles in a fixed order.
func generate(corpus []article, o options) iter.Seq[article] {
	g := generator{options: o, strata: map[string][]int{}}
	for i := range corpus {
		g.pieces = append(g.pieces, split(&corpus[i], o.size)...)
	}
	for i := range g.pieces {
		key := g.pieces[i].stratum()
		g.strata[key] = append(g.strata[key], i)
	}
	return func(yield func(article) bool) {
		left := o.n
		for round := 0; left > 0 && len(g.pieces) > 0; round++ {
			for _, i := range g.sample(round, left) {
				for _, a := range g.revised(g.variant(i, strconv.Itoa(round)), i) {
					if !yield(a) {
						return
					}
				}
			}
			left -= len(g.pieces)
		}
	}
}

func (a *article) stratum() string { return a.Lang + "\x00" + a.Product }

// sample lists the pieces of a round in order: all, or as many as are wanted, drawn without replacement.
func (g *generator) sample(round, want int) []int {
	all := make([]int, len(g.pieces))
	for i := range all {
		all[i] = i
	}
	if want >= len(all) {
		return all
	}
	r := g.draws("sample", strconv.Itoa(round))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:want]
	slices.Sort(all)
	return all
}

// draws is a source of randomness that depends on nothing but the seed and what it is for.
func (g *generator) draws(about ...string) *rand.Rand {
	h := fnv.New64a()
	for _, s := range about {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(g.seed, h.Sum64()))
}

// variant is piece i in a round. In round 0 it is the piece itself.
func (g *generator) variant(i int, round string) article {
	a := g.pieces[i]
	if round == "0" {
		return a
	}
	r := g.draws("variant", round, a.ID)
	a.ID += "~" + round
	if a.URL != "" {
		a.URL += "~" + round
	}
	if a.Group != "" {
		a.Group += "~" + round
	}
	own := paragraphs(a.Body)
	for range 1 + len(own)/3 {
		g.exchange(own, i, r)
	}
	a.Body = g.renumber(strings.Join(own, "\n\n"), round)
	a.Title = g.renumber(a.Title, round)
	return a
}

// exchange replaces a paragraph by one of another piece of the same language and product.
func (g *generator) exchange(own []string, i int, r *rand.Rand) {
	others := g.strata[g.pieces[i].stratum()]
	other := paragraphs(g.pieces[others[r.IntN(len(others))]].Body)
	own[r.IntN(len(own))] = other[r.IntN(len(other))]
}

// revised is what the state that was asked for holds in an article's place: nothing, it, or it and a new one.
func (g *generator) revised(a article, i int) []article {
	state := strconv.FormatUint(g.revision, 10)
	r := g.draws("revision", state, a.ID)
	if g.change == 0 || r.Float64() >= g.change {
		return []article{a}
	}
	switch r.IntN(10) {
	case 0:
		return nil
	case 1:
		return []article{a, g.variant(i, a.ID[len(g.pieces[i].ID):]+"r"+state)}
	}
	own := paragraphs(a.Body)
	g.exchange(own, i, r)
	a.Body = strings.Join(own, "\n\n") + "\n\n" + fmt.Sprintf("%08x", r.Uint32()) // never the same, whatever was drawn
	return []article{a}
}

// renumber redraws the numbers of four and more digits, years excepted.
func (g *generator) renumber(s, round string) string {
	var out strings.Builder
	for len(s) > 0 {
		start := strings.IndexFunc(s, isDigit)
		if start < 0 {
			break
		}
		end := start + len(s[start:]) - len(strings.TrimLeftFunc(s[start:], isDigit))
		out.WriteString(s[:start])
		out.WriteString(g.number(s[start:end], round))
		s = s[end:]
	}
	out.WriteString(s)
	return out.String()
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// number is what a number becomes in a round.
func (g *generator) number(digits, round string) string {
	year := len(digits) == 4 && (strings.HasPrefix(digits, "19") || strings.HasPrefix(digits, "20"))
	if len(digits) < 4 || year {
		return digits
	}
	r := g.draws("number", round, digits)
	other := []byte(digits)
	for i := range other {
		other[i] = byte('0' + r.IntN(10))
	}
	return string(other)
}
