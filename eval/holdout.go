package eval

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"prediag"
	"prediag/internal/lang"
	"prediag/internal/text"
)

// HeldOut is what is taken out of a judged collection so that about half of its queries have no answer.
type HeldOut struct {
	Articles map[string]bool           // to leave out of the index, by ID
	Judged   int                       // of them relevant to a query, or the same page in another language
	Twins    int                       // the others: they say what one of the former says, and nobody judged them
	Entries  map[string][]prediag.Span // of the bodies of articles that stay: lines that are a query, word for word
}

// HoldOut chooses them. Articles that are relevant to one query stay or go together, and so do the queries that they join:
// every query keeps all its relevant articles or none. An article that goes takes the same page in other languages along
// (Article.Group, or an ID that differs in the name of the language alone), and every unjudged article with which it shares
// half of the shorter one's text: a copy under another ID would be an answer that the judgements do not know. Entries in tables
// of contents go as well, of queries with and without an answer alike: a query that was taken from its answer's title would
// find the entry first, which answers nothing, and tells that the answer is there. The same collection and seed give the same choice.
func HoldOut(articles []prediag.Article, queries []Query, qrels Qrels, seed uint64) HeldOut {
	groups := make(map[string]string, len(articles))
	for _, a := range articles {
		groups[a.ID] = cmp.Or(a.Group, "\x00"+lang.WithoutTag(a.ID, a.Language))
	}
	sets := unions{}
	for query, grades := range qrels {
		for id, grade := range grades {
			if grade > 0 {
				sets.join("\x01"+query, cmp.Or(groups[id], "\x00"+id))
			}
		}
	}
	names := sets.names()
	h := HeldOut{Articles: map[string]bool{}, Entries: map[string][]prediag.Span{}}
	var lost []prediag.Article
	for _, a := range articles {
		if name := names[groups[a.ID]]; name != "" && drawn(name, seed) {
			h.Articles[a.ID] = true
			lost = append(lost, a)
		}
	}
	h.Judged = len(lost)
	copies := newCopies(lost)
	for _, a := range articles {
		if names[groups[a.ID]] == "" && copies.has(a.Body) {
			h.Articles[a.ID] = true
			h.Twins++
		}
	}
	h.findEntries(articles, queries)
	return h
}

// findEntries looks in the articles that stay for the lines that are a query.
func (h *HeldOut) findEntries(articles []prediag.Article, queries []Query) {
	asked := map[string]bool{}
	for _, q := range queries {
		asked[plainWords(q.Text)] = true
	}
	delete(asked, "")
	for _, a := range articles {
		if h.Articles[a.ID] {
			continue
		}
		at := 0
		for line := range strings.Lines(a.Body) {
			if asked[plainWords(line)] {
				h.Entries[a.ID] = append(h.Entries[a.ID], prediag.Span{Start: at, End: at + len(strings.TrimRight(line, "\r\n"))})
			}
			at += len(line)
		}
	}
}

// plainWords are a text's tokens with a space between them: what is left without marks of lists, quotes and the end of a sentence.
func plainWords(s string) string {
	if len(s) > 4*prediag.MaxQueryRunes {
		return "" // no query is as long
	}
	var b strings.Builder
	for _, t := range text.Tokens(s) {
		b.WriteString(t.Text)
		b.WriteByte(' ')
	}
	return b.String()
}

// Left is an article as it stays in the index, its entries blanked out; nil: it goes.
func (h HeldOut) Left(a *prediag.Article) *prediag.Article {
	if h.Articles[a.ID] {
		return nil
	}
	spans := h.Entries[a.ID]
	if len(spans) == 0 {
		return a
	}
	left, body := *a, []byte(a.Body)
	for _, s := range spans {
		for i := s.Start; i < s.End; i++ {
			body[i] = ' ' // as long as before: sections stay where they are
		}
	}
	left.Body = string(body)
	return &left
}

// Answerable reports whether a relevant article is left for a query with these judgements.
func (h HeldOut) Answerable(grades map[string]int) bool {
	for id, grade := range grades {
		if grade > 0 && !h.Articles[id] {
			return true
		}
	}
	return false
}

// drawn is a fair coin for a name.
func drawn(name string, seed uint64) bool {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendUint(nil, seed, 10)) // never fails
	_, _ = h.Write([]byte("\x00" + name))
	return mixed(h.Sum64())>>63 == 1
}

// mixed gives every bit of a hash a say in every bit (the finalizer of MurmurHash3).
func mixed(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// unions are disjoint sets of names (Tarjan 1975).
type unions map[string]string

func (u unions) find(x string) string {
	p, ok := u[x]
	if !ok {
		u[x] = x
		return x
	}
	for p != u[p] {
		u[x] = u[p]
		x, p = p, u[p]
	}
	return p
}

func (u unions) join(a, b string) { u[u.find(a)] = u.find(b) }

// names gives every member the least name in its set, whatever the order of joining.
func (u unions) names() map[string]string {
	least := map[string]string{}
	for _, x := range slices.Sorted(maps.Keys(u)) {
		if root := u.find(x); least[root] == "" {
			least[root] = x
		}
	}
	names := make(map[string]string, len(u))
	for x := range u {
		names[x] = least[u.find(x)]
	}
	return names
}

// Shingles by which texts are compared (Broder 1997, "On the resemblance and containment of documents").
const (
	shingleTokens = 5   // in a row
	shingleShare  = 0.5 // of the shorter text's shingles that make two texts say the same
	shingleFewest = 3   // shared at least
)

// copies finds texts that share much with given ones. All shingles are compared: of a sample a short text that stands in a
// long one would lose most of what they share.
type copies struct {
	sizes  []int
	owners map[uint64][]int32 // shingle → the texts that hold it
}

func newCopies(articles []prediag.Article) *copies {
	c := &copies{owners: map[uint64][]int32{}}
	for i, a := range articles {
		set := shinglesOf(a.Body)
		for s := range set {
			c.owners[s] = append(c.owners[s], int32(i))
		}
		c.sizes = append(c.sizes, len(set))
	}
	return c
}

func (c *copies) has(body string) bool {
	if len(c.sizes) == 0 {
		return false
	}
	set := shinglesOf(body)
	shared := map[int32]int{}
	for s := range set {
		for _, owner := range c.owners[s] {
			shared[owner]++
		}
	}
	for owner, n := range shared {
		if n >= shingleFewest && float64(n) >= shingleShare*float64(min(len(set), c.sizes[owner])) {
			return true
		}
	}
	return false
}

// shinglesOf are the hashes of the text's runs of shingleTokens tokens.
func shinglesOf(body string) map[uint64]bool {
	tokens := text.Tokens(body)
	hashes := make([]uint64, len(tokens))
	for i, t := range tokens {
		h := fnv.New64a()
		_, _ = h.Write([]byte(t.Text)) // never fails
		hashes[i] = h.Sum64()
	}
	set := map[uint64]bool{}
	for i := 0; i+shingleTokens <= len(hashes); i++ {
		var s uint64
		for _, h := range hashes[i : i+shingleTokens] {
			s = mixed(s ^ h)
		}
		set[s] = true
	}
	return set
}
