// Package concept relates the terms of one language to those of another, without a language model: a graph that is
// learned from pages that exist in several languages, and a glossary that people write.
//
// In the middle of the graph stand the terms of one language, the pivot: that in which most of the pages exist. An edge
// joins a term of another language to one of the pivot with a probability each way. The way between two other languages
// leads over the pivot.
package concept

import (
	"cmp"
	"slices"
	"strings"
)

// Edge joins a term of a language to a term of the pivot.
type Edge struct {
	Language string
	Term     string
	Pivot    string
	Forward  float64 // probability that Pivot translates Term, 0 to 1
	Back     float64 // probability that Term translates Pivot, 0 to 1
}

// Alternative is a term of another language that stands for a given one.
type Alternative struct {
	Language string
	Term     string
	Weight   float64 // probability, 0 to 1
}

// Graph holds the edges. It is immutable and serves many goroutines; nil is an empty one.
type Graph struct {
	pivot     string
	signature string
	edges     []Edge // by Language, Term, Forward falling, Pivot
	back      []int  // numbers of the edges by Pivot, Language, Back falling, Term
}

// NewGraph returns the graph of the edges, which it keeps. The signature names what it was learned from.
func NewGraph(pivot, signature string, edges []Edge) *Graph {
	g := &Graph{pivot: pivot, signature: signature, edges: edges, back: make([]int, len(edges))}
	slices.SortFunc(edges, func(a, b Edge) int {
		return cmp.Or(strings.Compare(a.Language, b.Language), strings.Compare(a.Term, b.Term),
			cmp.Compare(b.Forward, a.Forward), strings.Compare(a.Pivot, b.Pivot))
	})
	for i := range g.back {
		g.back[i] = i
	}
	slices.SortFunc(g.back, func(x, y int) int {
		a, b := &edges[x], &edges[y]
		return cmp.Or(strings.Compare(a.Pivot, b.Pivot), strings.Compare(a.Language, b.Language),
			cmp.Compare(b.Back, a.Back), strings.Compare(a.Term, b.Term))
	})
	return g
}

// Pivot is the language in the middle; empty where there are no edges.
func (g *Graph) Pivot() string {
	if g == nil {
		return ""
	}
	return g.pivot
}

// Signature names what the graph was learned from.
func (g *Graph) Signature() string {
	if g == nil {
		return ""
	}
	return g.signature
}

// Edges are all edges in a fixed order. They must not be changed.
func (g *Graph) Edges() []Edge {
	if g == nil {
		return nil
	}
	return g.edges
}

// Translate appends the terms of the target languages that stand for a term of a language, those of the first target
// first and of each the likeliest first, at most four per target.
func (g *Graph) Translate(dst []Alternative, language, term string, targets []string) []Alternative {
	if g == nil || len(g.edges) == 0 {
		return dst
	}
	for _, target := range targets {
		switch {
		case target == language:
		case language == g.pivot:
			dst = g.fromPivot(dst, term, target, 1)
		case target == g.pivot:
			for _, e := range g.of(language, term) {
				dst = append(dst, Alternative{target, e.Pivot, e.Forward})
			}
		default:
			dst = g.across(dst, language, term, target)
		}
	}
	return dst
}

// maxAlternatives bounds the alternatives to a term in one language.
const maxAlternatives = 4

// of are the edges of a term, the likeliest first.
func (g *Graph) of(language, term string) []Edge {
	from, _ := slices.BinarySearchFunc(g.edges, term, func(e Edge, term string) int {
		return cmp.Or(strings.Compare(e.Language, language), strings.Compare(e.Term, term))
	})
	to := from
	for to < len(g.edges) && to-from < maxAlternatives && g.edges[to].Language == language && g.edges[to].Term == term {
		to++
	}
	return g.edges[from:to]
}

// fromPivot appends the terms of the target language for a term of the pivot.
func (g *Graph) fromPivot(dst []Alternative, pivot, target string, weight float64) []Alternative {
	i, _ := slices.BinarySearchFunc(g.back, pivot, func(n int, pivot string) int {
		return cmp.Or(strings.Compare(g.edges[n].Pivot, pivot), strings.Compare(g.edges[n].Language, target))
	})
	for n := 0; n < maxAlternatives && i+n < len(g.back); n++ {
		e := &g.edges[g.back[i+n]]
		if e.Pivot != pivot || e.Language != target {
			break
		}
		dst = append(dst, Alternative{target, e.Term, weight * e.Back})
	}
	return dst
}

// across appends the terms of the target language over the pivot's.
func (g *Graph) across(dst []Alternative, language, term, target string) []Alternative {
	var found []Alternative
	for _, e := range g.of(language, term) {
		for _, a := range g.fromPivot(nil, e.Pivot, target, e.Forward) {
			if i := slices.IndexFunc(found, func(b Alternative) bool { return b.Term == a.Term }); i >= 0 {
				found[i].Weight += a.Weight
			} else {
				found = append(found, a)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Alternative) int { return cmp.Compare(b.Weight, a.Weight) })
	return append(dst, found[:min(len(found), maxAlternatives)]...)
}
