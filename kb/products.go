package kb

import (
	"strings"
	"unicode"
)

// maxProducts bounds the products whose names are looked for in queries; where there are more, a name says little.
const maxProducts = 1024

// productGain is for an article of the product that the query names best, less for one that it names less well.
const productGain = 0.1

// products tells which product an article is about, and the words of the products' keys.
type products struct {
	of    []uint16                 // by document: the product's number plus 1; 0: none; nil: there are no products
	words map[string][]productWord // by term
	count int
}

// productWord is a word of a product's key with its information among all products.
type productWord struct {
	product uint16
	weight  float64
}

// loadProducts reads the products of a generation.
func (r *reader) loadProducts() (products, error) {
	var p products
	keys, err := r.productKeys()
	if err != nil || len(keys) == 0 || len(keys) > maxProducts {
		return p, err
	}
	p.of, p.words, p.count = make([]uint16, r.docs), map[string][]productWord{}, len(keys)
	r.analyzer.speak("en")
	for n, key := range keys {
		holders, err := r.readHolders(fieldProduct, key)
		if err != nil {
			return p, err
		}
		for doc := range holders.all() {
			p.of[doc] = uint16(n + 1)
		}
		seen := map[string]bool{}
		for _, t := range r.analyzer.terms(strings.Map(wordRune, key)) {
			if !seen[t] {
				seen[t] = true
				p.words[t] = append(p.words[t], productWord{product: uint16(n + 1)})
			}
		}
	}
	for _, list := range p.words {
		for i := range list {
			list[i].weight = idf(len(keys), len(list))
		}
	}
	return p, nil
}

// wordRune makes a space of what parts the words of a key.
func wordRune(c rune) rune {
	if unicode.IsLetter(c) || unicode.IsDigit(c) {
		return c
	}
	return ' '
}

// productKeys are the products of the index in alphabetical order, at most one more than maxProducts.
func (r *reader) productKeys() ([]string, error) {
	heads := make([]dictWalk, len(r.parts))
	for i := range r.parts {
		d, err := r.dict(i, fieldProduct)
		if err != nil {
			return nil, err
		}
		heads[i].it = d.AutomatonIterator(nil, nil, nil)
		if err := heads[i].next(); err != nil {
			return nil, err
		}
	}
	var keys []string
	for len(keys) <= maxProducts {
		key, ok := least(heads)
		if !ok {
			break
		}
		keys = append(keys, key)
		for i := range heads {
			if h := &heads[i]; h.entry != nil && h.entry.Term == key {
				if err := h.next(); err != nil {
					return nil, err
				}
			}
		}
	}
	return keys, nil
}

// named fills in how well the query's terms name each product, the best of them with 1. It returns nil where they name none.
func (p *products) named(terms []queryTerm, dst []float64) []float64 {
	if p.count == 0 {
		return nil
	}
	dst = append(dst[:0], make([]float64, p.count+1)...)
	best := 0.0
	for _, t := range terms {
		for _, w := range p.words[t.term] {
			dst[w.product] += w.weight
			best = max(best, dst[w.product])
		}
	}
	if best == 0 {
		return nil
	}
	for i := range dst {
		dst[i] /= best
	}
	return dst
}
