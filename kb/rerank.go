package kb

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"prediag/internal/lang"
	"prediag/internal/vector"
)

// The second stage looks into the forward records of the ranking's first articles for what postings do not tell: where in
// the article the query's terms stand. Its parameters hold for all collections; docs/search.md says what each of them gives.
const (
	rerankDepth    = 40       // articles that are read
	shortDepth     = 100      // where their mean length is shortArticle or less
	maxRerankBytes = 32 << 10 // of an article's body that are read
	windowTokens   = 100      // length of a passage
	windowStep     = 50       // between the beginnings of two passages
	maxPairs       = 4096     // neighbours in a query
	nearTokens     = 8        // distance within which two words of the query stand together
	nearK1, nearB  = 1.2, 0.5 // BM25's parameters for such pairs
	passageWeight  = 0.7      // of the best passage, where articles are long
	nearWeight     = 0.4      // of the pairs, where articles are long
	coveragePower  = 1.0      // of the share of the query that an article holds, where articles are long
	tightGain      = 0.3      // for an article that holds the whole query within tightTokens, where articles are long
	tightTokens    = 15       // length of a sentence
	shortArticle   = 250      // mean tokens up to which an article is a passage itself
	longArticle    = 750      // mean tokens from which on passages and all that is for long articles count fully
	earlyGain      = 0.3      // for an article that names the query's terms at its beginning
	earlyTokens    = 20       // scale of "beginning"
	languageGain   = 0.3      // for an article in the query's language
	twinShare      = 0.7      // of its score that an article takes from the best one of the same title
)

// candidate is an article of the first ranking.
type candidate struct {
	scored
	via   int                // number of the document that the query found in place of this translation of it, plus 1; 0: none
	title [titleKeySize]byte // zeros: none, or one that says nothing
	near  *vector.Match      // nil: the article is not among the nearest by vectors
	words float64            // score without what codes are worth
	early float64            // see reranker.early
	codes float64

	features *features // nil: nobody asks for them
}

// reranker scores the candidates of one query again. It is for one goroutine; its memory is used again and again.
type reranker struct {
	r        *reader
	finder   finder
	terms    []weighted
	number   map[string]int32             // by term
	pairs    [maxScored * maxScored]int16 // of two terms, smaller number first: 1 + the position in weights; 0: no neighbours
	weights  []float64                    // of the pairs
	mass     float64
	language string  // of the query; empty: not clear
	long     float64 // 0 where articles are short, 1 where they are long
	whole    float64 // power of the share of the query that an article holds, beside the largest one
	fullest  float64 // that largest share
	tight    float64 // gain for the whole query in one sentence
	matches  []match
	freq     []int
	counts   []int

	history  [][]uint64 // titles of lists of changes that the query does not ask for
	named    []float64  // by product: how well the query names it; nil: it names none
	fix, faq bitset     // articles of these kinds; nil: not looked up
	features []features // of the candidates; reused
}

// begin prepares for another query.
func (x *reranker) begin(r *reader, q *query, terms []weighted) {
	x.r, x.terms, x.mass = r, terms, 0
	x.finder.reset(terms)
	x.number = make(map[string]int32, len(terms))
	x.freq = make([]int, len(terms))
	for i, t := range terms {
		x.number[t.term] = int32(i)
		x.mass += t.weight
	}
	clear(x.pairs[:])
	x.weights = x.weights[:0]
	x.neighbours(q.order)
	x.counts = make([]int, len(x.weights))
	x.language = ""
	if q.sure >= sureLanguage {
		x.language = lang.Base(q.detected)
	}
	x.long = r.long()
	step := smooth(x.long)
	x.whole, x.tight = coveragePower*step, tightGain*step
	if !r.searchesOwn(q) { // what a translation lacks says little
		x.whole = 0
	}
	x.history = unasked(q.history, x.finder.hashes, x.history)
	x.named = r.products.named(q.terms, x.named)
}

// long is 0 where articles are short, 1 where they are long.
func (r *reader) long() float64 {
	return min(max((r.average(fieldText)-shortArticle)/(longArticle-shortArticle), 0), 1)
}

// smooth leads from 0 to 1 without a bend at either end (Perlin 2002, "Improving noise"): what counts much among long articles hardly begins
// among those that are little longer than a passage.
func smooth(x float64) float64 { return x * x * x * (x*(6*x-15) + 10) }

// sureLanguage is the confidence from which on the query's language counts.
const sureLanguage = 0.5

// pair is the position of two terms in pairs.
func pair(a, b int32) int32 { return min(a, b)*maxScored + max(a, b) }

// neighbours pairs the query's words that follow each other, function words left out. A pair tells as much as its lesser
// word.
func (x *reranker) neighbours(order []queryTerm) {
	last := int32(-1)
	for _, t := range order {
		n, ok := x.number[t.term]
		if !ok || t.share < 1 {
			continue
		}
		if last >= 0 && last != n {
			if p := &x.pairs[pair(last, n)]; *p == 0 && len(x.weights) < maxPairs {
				x.weights = append(x.weights, min(x.terms[last].weight, x.terms[n].weight))
				*p = int16(len(x.weights))
			}
		}
		last = n
	}
}

// rerank looks into the first articles of a ranking and orders them anew; those behind them keep their order, with scores
// that are no greater.
func (r *reader) rerank(ctx context.Context, q *query, ranking []scored, s *scores, terms []weighted) ([]candidate, error) {
	out := make([]candidate, len(ranking))
	depth := min(len(ranking), q.depth)
	x := &r.reranker
	x.begin(r, q, terms)
	if err := x.prepare(q); err != nil {
		return nil, err
	}
	x.fullest = s.fullest(ranking[:depth])
	for i, c := range ranking {
		out[i] = candidate{scored: c, codes: float64(s.codes[c.doc])}
		if i >= depth {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if q.observes() {
			x.features = append(x.features, features{})
			out[i].features = &x.features[i]
		}
		if err := x.score(&out[i], &s.cells[c.doc], s); err != nil {
			return nil, err
		}
	}
	shareTitles(out[:depth])
	q.learnt(out[:depth], x.mass)
	least := math.Inf(1)
	for i := range out[:depth] {
		out[i].score = out[i].words + out[i].codes
		least = min(least, out[i].score)
	}
	for i := depth; i < len(out); i++ {
		out[i].score = min(out[i].score, least)
	}
	slices.SortFunc(out[:depth], func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.id, b.id))
	})
	return out, nil
}

// score fills in the title, the words' score and the features of a candidate.
func (x *reranker) score(c *candidate, cell *cell, s *scores) (err error) {
	if c.id, err = x.r.id(c.doc); err != nil {
		return err
	}
	return x.r.forward(c.doc, func(f *forward) error {
		if !x.r.view.generic.has(c.doc) {
			copy(c.title[:], f.titleKey)
		}
		c.words, c.early = x.words(f, cell.mask, c.score-c.codes, s.coverage(cell.mask)/x.fullest)
		c.words *= 1 + productGain*x.product(c.doc)
		if c.features != nil {
			return x.observe(c.features, f, c, cell, s)
		}
		return nil
	})
}

// words is the score of an article for the query's words, given that of the first stage and how much of the query it holds beside the
// article that holds most, and how early it names them. The longer articles are, the less it says that one holds a word, and the more that it lacks one.
func (x *reranker) words(f *forward, mask uint32, base, coverage float64) (score, early float64) {
	tokens := x.find(f, mask)
	score, early = base, x.early()
	if x.long > 0 {
		score *= math.Pow(coverage, x.whole)
		score += x.long * (passageWeight*x.passage(tokens) + nearWeight*x.near(tokens))
		score *= 1 + x.tight*x.within(tightTokens)/max(x.mass, 1e-9)
	}
	score *= 1 + earlyGain*early
	if x.language != "" && string(f.language) == x.language {
		score *= 1 + languageGain
	}
	if isHistory(f, x.history) {
		score *= historyShare
	}
	return score, early
}

// find lists the query's terms in the title and the body, and returns how many tokens these have.
func (x *reranker) find(f *forward, mask uint32) (tokens int) {
	x.finder.begin(f, mask)
	body := f.tokens(f.title) + 1 // no window of two words reaches over the title's end by chance
	x.matches = x.finder.find(x.matches[:0], f.title, f.width, 0)
	x.matches = x.finder.find(x.matches, f.body[:f.near*f.width], f.width, int32(body))
	return body + f.near + 1
}

// passage is the BM25 score of the best window.
func (x *reranker) passage(tokens int) float64 {
	best, from := 0.0, 0
	for start := 0; start == 0 || start+windowStep < tokens; start += windowStep {
		for from < len(x.matches) && int(x.matches[from].at) < start {
			from++
		}
		clear(x.freq)
		found := false
		for _, m := range x.matches[from:] {
			if int(m.at) >= start+windowTokens {
				break
			}
			x.freq[m.term]++
			found = true
		}
		if found {
			best = max(best, x.window(min(windowTokens, tokens-start)))
		}
	}
	return best
}

// window is the BM25 score of the frequencies in x.freq for a window of so many tokens.
func (x *reranker) window(length int) float64 {
	sum := 0.0
	for t, n := range x.freq {
		if n > 0 {
			tf := float64(n)
			sum += x.terms[t].weight * tf * (passageK1 + 1) / (tf + passageK1*(1-passageB+passageB*float64(length)/windowTokens))
		}
	}
	return sum
}

// near is the BM25 score of the query's neighbouring words that stand near each other, in any order (the unordered windows
// of Metzler and Croft 2005, "A Markov random field model for term dependencies").
func (x *reranker) near(tokens int) float64 {
	clear(x.counts)
	for i, m := range x.matches {
		for _, n := range x.matches[i+1:] {
			if n.at-m.at > nearTokens {
				break
			}
			if p := x.pairs[pair(m.term, n.term)]; p > 0 {
				x.counts[p-1]++
			}
		}
	}
	sum, length := 0.0, float64(tokens)/x.r.average(fieldText)
	for p, n := range x.counts {
		if n > 0 {
			tf := float64(n)
			sum += x.weights[p] * tf * (nearK1 + 1) / (tf + nearK1*(1-nearB+nearB*length))
		}
	}
	return sum
}

// early is the share of the query's weight that the article names, the less of each term the later it comes first, 0 to 1.
func (x *reranker) early() float64 {
	if x.mass == 0 {
		return 0
	}
	clear(x.freq)
	sum := 0.0
	for _, m := range x.matches {
		if x.freq[m.term]++; x.freq[m.term] == 1 {
			sum += x.terms[m.term].weight / (1 + math.Log1p(float64(m.at)/earlyTokens))
		}
	}
	return sum / x.mass
}

// shareTitles lets articles of one title, which are about one subject, share the score of the best of them: the words that
// one of them lacks stand in the other. Titles that say nothing share nothing.
func shareTitles(list []candidate) {
	best := map[[titleKeySize]byte]float64{}
	none := [titleKeySize]byte{}
	for _, c := range list {
		if c.title != none {
			best[c.title] = max(best[c.title], c.words)
		}
	}
	for i := range list {
		if c := &list[i]; c.title != none {
			c.words += twinShare * (best[c.title] - c.words)
		}
	}
}
