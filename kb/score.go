package kb

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"slices"

	segment "github.com/blevesearch/scorch_segment_api/v2"

	"prediag"
)

// The parameters of the ranking, chosen once for all collections: question answering in English and Chinese, twelve
// languages of encyclopaedia paragraphs, alarm pages (relevance_test.go measures them).
const (
	k1           = 2.0  // BM25's saturation of the term frequency
	b            = 0.9  // BM25's strength of the length normalisation
	titleB       = 0.75 // b for the title field
	titleWeight  = 1.0  // of the title field's BM25 beside that of the whole text
	untitled     = 0.75 // share of the text's score that stands in for a title that says nothing
	categoryGain = 1.05 // factor for an article of the likely category
)

// cell is what a search knows about a document.
type cell struct {
	text, title float32 // BM25
	mask        uint32  // the terms that it holds, a bit each
}

// scores are the sums of one search. They are used again by the reader's next search.
type scores struct {
	cells   []cell             // by document
	found   bitset             // documents that hold a term or a code; the cells of all others are zero
	weights [4][256]float32    // of the terms in each byte of a mask
	mass    float32            // weight of all terms
	alone   [maxScored]float32 // by term the factor for the coverage of a document that holds no other
	counted int                // terms whose documents were all visited, the most informative ones
	codes   map[int]float32    // what the codes of a document are worth; absent: nothing
}

// zeroScores returns the reader's sums, set to zero.
func (r *reader) zeroScores() *scores {
	s := r.scores
	if s == nil {
		s = &scores{cells: make([]cell, r.docs), found: newBitset(r.docs), codes: map[int]float32{}}
		r.scores = s
		return s
	}
	if s.found.count() < r.docs/8 {
		for doc := range s.found.all() {
			s.cells[doc] = cell{}
		}
	} else {
		clear(s.cells)
	}
	clear(s.found)
	clear(s.codes)
	return s
}

// setWeights prepares held.
func (s *scores) setWeights(terms []weighted) {
	s.mass = 0
	for _, t := range terms {
		s.mass += float32(t.weight)
	}
	for i := range s.weights {
		for set := 1; set < 256; set++ {
			low, w := bits.TrailingZeros(uint(set)), float32(0)
			if n := 8*i + low; n < len(terms) {
				w = float32(terms[n].weight)
			}
			s.weights[i][set] = s.weights[i][set&(set-1)] + w
		}
	}
	for i := range terms {
		s.alone[i] = coverageFactor(s.held(1<<i), s.mass)
	}
}

// factor is coverageFactor of the terms in a mask.
func (s *scores) factor(mask uint32) float32 {
	if mask != 0 && mask&(mask-1) == 0 { // most documents
		return s.alone[bits.TrailingZeros32(mask)]
	}
	return coverageFactor(s.held(mask), s.mass)
}

// held is the weight of the terms in a mask.
func (s *scores) held(mask uint32) float32 {
	return s.weights[0][mask&0xff] + s.weights[1][mask>>8&0xff] + s.weights[2][mask>>16&0xff] + s.weights[3][mask>>24]
}

// coverage is the share of the query's weight that the terms in a mask have, 0 to 1.
func (s *scores) coverage(mask uint32) float64 {
	if s.mass <= 0 {
		return 0
	}
	return min(1, float64(s.held(mask)/s.mass))
}

// fullest is the largest coverage among candidates; 1 where all hold nothing.
func (s *scores) fullest(list []scored) float64 {
	most := 0.0
	for _, c := range list {
		most = max(most, s.coverage(s.cells[c.doc].mask))
	}
	if most == 0 {
		return 1
	}
	return most
}

// weigh looks the terms up in the index.
func (r *reader) weigh(ctx context.Context, terms []queryTerm) ([]weighted, error) {
	out := make([]weighted, 0, len(terms))
	for i, t := range terms {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		df, err := r.df(t.term)
		if err != nil {
			return nil, err
		}
		out = append(out, weighted{term: t.term, word: t.word, df: df, weight: idf(r.view.articles, df) * t.share * t.gain, share: t.share, gain: t.gain, rigid: t.rigid})
	}
	return out, nil
}

// Bounds on the work of one search. Terms are scored in the order of their weight until the postings read pass
// maxPostings; the common terms that are left cannot bring an article up from nowhere, so they are scored only on the
// best candidates so far, and there by presence.
const (
	maxPostings   = 60_000
	maxCandidates = prediag.MaxOffset + 2*prediag.MaxPageSize
)

// score adds up the scores of all admitted documents that hold a term or a code, and returns the best maxCandidates of
// them, in no order.
func (r *reader) score(ctx context.Context, q *query, terms []weighted, admitted bitset) (*scores, []scored, error) {
	s := r.zeroScores()
	s.setWeights(terms)
	if err := r.findCodes(q.codes, s, admitted); err != nil {
		return nil, nil, err
	}
	most, read, common := 1.0, 0, len(terms)
	for i, t := range terms {
		most += t.weight * (k1 + 1) * (1 + titleWeight)
		if read > q.postings {
			common = min(common, i)
			continue
		}
		read += t.df + t.altDF
		if err := r.addTerm(ctx, s, t, 1<<i, admitted); err != nil {
			return nil, nil, err
		}
	}
	s.counted = common
	best := r.best(s)
	if err := r.addCommon(ctx, terms, common, s, best); err != nil {
		return nil, nil, err
	}
	preferred, err := r.preferred(q.Category)
	if err != nil {
		return nil, nil, err
	}
	for i, c := range best {
		score := r.total(&s.cells[c.doc], c.doc, s)
		if preferred.has(c.doc) {
			score *= categoryGain
		}
		if n, ok := s.codes[c.doc]; ok { // what explains a code goes before all that does not: it is worth more than all words
			s.codes[c.doc] = n * float32(most*categoryGain)
			score += s.codes[c.doc]
		}
		best[i].score = float64(score)
	}
	return s, best, nil
}

// addTerm adds the scores of the documents of a term and of what stands for it.
func (r *reader) addTerm(ctx context.Context, s *scores, t weighted, bit uint32, admitted bitset) error {
	l, err := r.lists(ctx, t.term)
	if err != nil {
		return err
	}
	s.add(l, float32(t.weight), bit, admitted)
	for _, a := range t.alts {
		if l, err = r.lists(ctx, a.term); err != nil {
			return err
		}
		s.add(l, float32(t.weight*a.weight), bit, admitted)
	}
	return nil
}

// add adds the scores of a term's documents.
func (s *scores) add(l *termLists, weight float32, bit uint32, admitted bitset) {
	weight *= satStep
	s.addText(&l.text, weight, bit, admitted)
	s.addTitle(&l.title, titleWeight*weight)
}

func (s *scores) addText(l *list, weight float32, bit uint32, admitted bitset) {
	for i, d := range l.docs {
		if doc := int(d); admitted.has(doc) {
			s.found.add(doc)
			c := &s.cells[doc]
			c.text += weight * float32(l.sats[i])
			c.mask |= bit
		}
	}
	before := 0 // members in the words so far
	for at, word := range l.set {
		both := word & admitted[at]
		s.found[at] |= both
		for ; both != 0; both &= both - 1 {
			low := both & -both
			c := &s.cells[at<<6+bits.TrailingZeros64(both)]
			c.text += weight * float32(l.sats[before+bits.OnesCount64(word&(low-1))])
			c.mask |= bit
		}
		before += bits.OnesCount64(word)
	}
}

// addTitle adds to documents that were found.
func (s *scores) addTitle(l *list, weight float32) {
	for i, d := range l.docs {
		if doc := int(d); s.found.has(doc) {
			s.cells[doc].title += weight * float32(l.sats[i])
		}
	}
	before := 0
	for at, word := range l.set {
		for both := word & s.found[at]; both != 0; both &= both - 1 {
			low := both & -both
			s.cells[at<<6+bits.TrailingZeros64(both)].title += weight * float32(l.sats[before+bits.OnesCount64(word&(low-1))])
		}
		before += bits.OnesCount64(word)
	}
}

// total is the score of a document from its sums.
func (r *reader) total(c *cell, doc int, s *scores) float32 {
	title := c.title
	if r.view.generic.has(doc) {
		title = max(title, untitled*c.text)
	}
	return (c.text + title) * s.factor(c.mask)
}

// best selects the maxCandidates documents with the greatest scores, equal ones by their number, and all that explain a
// code.
func (r *reader) best(s *scores) []scored {
	keep := newKeeper(maxCandidates)
	for at, word := range s.found {
		for ; word != 0; word &= word - 1 {
			doc := at<<6 + bits.TrailingZeros64(word)
			c := &s.cells[doc]
			if c.text+c.title < keep.least && ((1+untitled)*c.text < keep.least || !r.view.generic.has(doc)) {
				continue // the factor for coverage is at most 1
			}
			keep.offer(ranked{r.total(c, doc, s), uint32(doc)})
		}
	}
	keep.cut()
	out := make([]scored, 0, len(keep.list)+len(s.codes))
	for _, c := range keep.list {
		if _, ok := s.codes[int(c.doc)]; !ok {
			out = append(out, scored{doc: int(c.doc)})
		}
	}
	for doc := range s.codes {
		out = append(out, scored{doc: doc})
	}
	return out
}

// addCommon adds to the candidates the common terms that they hold, those from the given one on, each as if it stood there
// once in a text of usual length.
func (r *reader) addCommon(ctx context.Context, terms []weighted, common int, s *scores, best []scored) error {
	if common == len(terms) {
		return nil
	}
	slices.SortFunc(best, func(x, y scored) int { return cmp.Compare(x.doc, y.doc) })
	for n := common; n < len(terms); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		weight, bit := float32(terms[n].weight), uint32(1)<<n
		err := r.among(terms[n].term, best, func(doc int, inText, inTitle bool) {
			c := &s.cells[doc]
			if inText {
				c.text += weight
				c.mask |= bit
			}
			if inTitle {
				c.title += titleWeight * weight
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// among says of documents in rising order where they hold a term.
func (r *reader) among(term string, docs []scored, do func(doc int, inText, inTitle bool)) error {
	if e, ok := r.terms.get(term); ok && e.lists != nil {
		text, title := e.lists.text.search(), e.lists.title.search()
		for _, c := range docs {
			do(c.doc, text.has(c.doc), title.has(c.doc))
		}
		return nil
	}
	for len(docs) > 0 {
		i := r.partNumber(docs[0].doc)
		base := r.parts[i].base
		n, _ := slices.BinarySearchFunc(docs, base+int(r.parts[i].FullSize()), func(c scored, doc int) int { return cmp.Compare(c.doc, doc) })
		text, err := r.postings(i, fieldText, term)
		if err != nil {
			return err
		}
		title, err := r.postings(i, fieldTitle, term)
		if err != nil {
			return err
		}
		inText, inTitle := contains(text), contains(title)
		for _, c := range docs[:n] {
			do(c.doc, inText(c.doc-base), inTitle(c.doc-base))
		}
		docs = docs[n:]
	}
	return nil
}

// contains returns the membership test of a postings list.
func contains(list segment.PostingsList) func(local int) bool {
	it, ok := list.Iterator(false, false, false, nil).(segment.OptimizablePostingsIterator)
	if !ok {
		return func(int) bool { return false } // the empty list's
	}
	if one, ok := it.DocNum1Hit(); ok {
		return func(local int) bool { return uint64(local) == one }
	}
	set := it.ActualBitmap()
	return func(local int) bool { return set != nil && set.Contains(uint32(local)) }
}

// coverageFactor prefers an article that holds most of the query to one that holds a part of it often: the fourth root of
// the share of the query's weight that it holds.
func coverageFactor(held, mass float32) float32 {
	if mass == 0 {
		return 0
	}
	return float32(math.Sqrt(math.Sqrt(float64(min(1, held/mass)))))
}

// preferred are the articles of the likely category.
func (r *reader) preferred(category string) (bitset, error) {
	if category == "" {
		return r.nothing, nil
	}
	return r.holders(fieldCategory, category)
}

// findCodes counts for each admitted document how many of the codes it explains.
func (r *reader) findCodes(codes []string, s *scores, admitted bitset) error {
	for _, c := range codes {
		holders, err := r.readHolders(fieldCodes, c)
		if err != nil {
			return err
		}
		for doc := range holders.all() {
			if admitted.has(doc) {
				s.found.add(doc)
				s.codes[doc]++
			}
		}
	}
	return nil
}

// average is the mean length of a field in tokens. Bleve's own figure counts distinct terms per segment; the manifest
// has the true total.
func (r *reader) average(field string) float64 {
	return max(1, float64(r.manifest.Tokens[field])/float64(max(1, r.manifest.Counted)))
}
