package kb

import (
	"context"
	"math"
	"math/bits"

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

// scores are the sums of one search. They are used again by the reader's next search.
type scores struct {
	text, title []float32 // by document
	mask        []uint32  // by document: the terms that it holds, a bit each
	found       bitset
	ranked      bitset          // those of found that can be on a page
	weights     [4][256]float32 // of the terms in each byte of a mask
	mass        float32         // weight of all terms
	codes       map[int]float32 // what the codes of a document are worth; absent: nothing
}

// zeroScores returns the reader's sums, set to zero.
func (r *reader) zeroScores() *scores {
	s := r.scores
	if s == nil {
		s = &scores{text: make([]float32, r.docs), title: make([]float32, r.docs),
			mask: make([]uint32, r.docs), found: newBitset(r.docs), codes: map[int]float32{}}
		r.scores = s
		return s
	}
	clear(s.text)
	clear(s.title)
	clear(s.mask)
	clear(s.found)
	clear(s.codes)
	s.mass = 0
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
}

// held is the weight of the terms in a mask.
func (s *scores) held(mask uint32) float32 {
	return s.weights[0][mask&0xff] + s.weights[1][mask>>8&0xff] + s.weights[2][mask>>16&0xff] + s.weights[3][mask>>24]
}

// weigh looks the terms up in the index.
func (r *reader) weigh(ctx context.Context, terms []queryTerm) ([]weighted, error) {
	out := make([]weighted, 0, len(terms))
	for i, t := range terms {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w := weighted{term: t.term, word: t.word, lists: make([]segment.PostingsList, len(r.parts))}
		for i := range r.parts {
			list, err := r.postings(i, fieldText, t.term)
			if err != nil {
				return nil, err
			}
			if n := int(list.Count()); n > 0 {
				w.lists[i] = list
				w.df += n
			}
		}
		w.weight = idf(r.manifest.Articles, w.df) * t.share
		out = append(out, w)
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

// score adds up the scores of all admitted documents that hold a term or a code.
func (r *reader) score(ctx context.Context, q *query, terms []weighted, admitted bitset) (*scores, error) {
	s := r.zeroScores()
	s.setWeights(terms)
	if err := r.findCodes(q.codes, s, admitted); err != nil {
		return nil, err
	}
	most, read, common := 1.0, 0, len(terms)
	for i, t := range terms {
		most += t.weight * (k1 + 1) * (1 + titleWeight)
		if read > q.postings {
			common = min(common, i)
			continue
		}
		read += t.df
		if err := r.addText(ctx, t, 1<<i, s, admitted); err != nil {
			return nil, err
		}
		if err := r.addTitle(ctx, t, s); err != nil {
			return nil, err
		}
	}
	s.ranked = s.found
	if common < len(terms) {
		if err := r.addCommon(ctx, terms, common, s); err != nil {
			return nil, err
		}
	}
	for doc := range s.ranked.all() {
		s.text[doc] = r.total(s, doc)
	}
	if err := r.preferCategory(q.Category, s); err != nil {
		return nil, err
	}
	for doc, n := range s.codes { // an article that explains a code goes before all that do not: it is worth more than all words
		s.codes[doc] = n * float32(most*categoryGain)
		s.text[doc] += s.codes[doc]
	}
	return s, nil
}

// total is the score of a document from its sums.
func (r *reader) total(s *scores, doc int) float32 {
	title := s.title[doc]
	if r.generic.has(doc) {
		title = max(title, untitled*s.text[doc])
	}
	return (s.text[doc] + title) * coverageFactor(s.held(s.mask[doc]), s.mass)
}

// addCommon narrows the ranking to the best candidates and adds the common terms that they hold, those from the given one
// on, each as if it stood there once in a text of usual length.
func (r *reader) addCommon(ctx context.Context, terms []weighted, common int, s *scores) error {
	best := topper{r: r, most: maxCandidates}
	for doc := range s.found.all() {
		best.offer(scored{doc: doc, score: float64(r.total(s, doc))})
	}
	if best.err != nil {
		return best.err
	}
	s.ranked = newBitset(r.docs)
	for _, c := range best.heap {
		s.ranked.add(c.doc)
	}
	for doc := range s.codes {
		s.ranked.add(doc)
	}
	for n := common; n < len(terms); n++ {
		t := &terms[n]
		if err := ctx.Err(); err != nil {
			return err
		}
		text := newNorm(t.weight, b, r.average(fieldText)).usual()
		title := newNorm(t.weight*titleWeight, titleB, r.average(fieldTitle)).usual()
		for i, list := range t.lists {
			if list == nil {
				continue
			}
			titles, err := r.postings(i, fieldTitle, t.term)
			if err != nil {
				return err
			}
			inText, inTitle, base := contains(list), contains(titles), r.parts[i].base
			for doc := range s.ranked.between(base, base+int(r.parts[i].FullSize())) {
				if inText(doc - base) {
					s.text[doc] += text
					s.mask[doc] |= 1 << n
				}
				if inTitle(doc - base) {
					s.title[doc] += title
				}
			}
		}
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

// preferCategory raises the articles of the likely category a little.
func (r *reader) preferCategory(category string, s *scores) error {
	if category == "" {
		return nil
	}
	holders, err := r.holders(fieldCategory, category)
	if err != nil {
		return err
	}
	for doc := range holders.all() {
		s.text[doc] *= categoryGain
	}
	return nil
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

func (r *reader) addText(ctx context.Context, t weighted, bit uint32, s *scores, admitted bitset) error {
	norm := newNorm(t.weight, b, r.average(fieldText))
	for i, list := range t.lists {
		if list == nil {
			continue
		}
		base := r.parts[i].base
		err := visit(ctx, list, func(local uint64, freq, length uint64) {
			if doc := base + int(local); admitted.has(doc) {
				s.found.add(doc)
				s.text[doc] += norm.score(freq, length)
				s.mask[doc] |= bit
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) addTitle(ctx context.Context, t weighted, s *scores) error {
	norm := newNorm(t.weight*titleWeight, titleB, r.average(fieldTitle))
	for i, p := range r.parts {
		if t.lists[i] == nil {
			continue // the text holds the title
		}
		list, err := r.postings(i, fieldTitle, t.term)
		if err != nil {
			return err
		}
		err = visit(ctx, list, func(local uint64, freq, length uint64) {
			s.title[p.base+int(local)] += norm.score(freq, length)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// average is the mean length of a field in tokens. Bleve's own figure counts distinct terms per segment; the manifest
// has the true total.
func (r *reader) average(field string) float64 {
	return max(1, float64(r.manifest.Tokens[field])/float64(max(1, r.manifest.Articles)))
}

// norm is BM25 for one term: weight·tf·(k1+1) / (tf + k1·(1−b+b·length/average)).
type norm struct{ factor, fixed, slope float32 }

func newNorm(weight, b, average float64) norm {
	return norm{factor: float32(weight * (k1 + 1)), fixed: float32(k1 * (1 - b)), slope: float32(k1 * b / average)}
}

func (n norm) score(freq, length uint64) float32 {
	tf := float32(freq)
	return n.factor * tf / (tf + n.fixed + n.slope*float32(length))
}

// usual is the score of a single occurrence in a field of average length.
func (n norm) usual() float32 { return n.factor / (1 + k1) }

// lengthed is a posting that knows the exact length of its document's field in tokens; its Norm is a rounded function.
type lengthed interface{ NormUint64() uint64 }

// visit calls do for every posting of a list with its document in the segment, frequency and field length.
func visit(ctx context.Context, list segment.PostingsList, do func(local, freq, length uint64)) error {
	it := list.Iterator(true, true, false, nil)
	for n := 1; ; n++ {
		posting, err := it.Next()
		if err != nil || posting == nil {
			return err
		}
		do(posting.Number(), posting.Frequency(), posting.(lengthed).NormUint64())
		if n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
