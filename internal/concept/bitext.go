package concept

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"prediag"
)

// Bitext is what pages and their translations teach, pair by pair, so that a graph is learned again after a few of them
// changed without reading the others.
type Bitext struct {
	terms  []string
	number map[string]int32
	pairs  []Pair
	at     map[PairKey]int
}

// PairKey names the content of two pages: pairs with one key are the same.
type PairKey [12]byte

// Pair is a page and its translation in the pivot's language.
type Pair struct {
	Key        PairKey
	Own, Pivot int // bytes of text that the pages were read to
	Segments   []Segment
}

// Segment is the terms of a piece of text in a language and in the pivot's, by their numbers in the Bitext: distinct, in the
// order of the text, at most MaxSegmentTerms of each.
type Segment struct{ Own, Pivot []int32 }

// NewBitext returns an empty bitext that numbers terms as another does and may get pairs of it; nil: there is no other.
// The other must not be used any more.
func NewBitext(other *Bitext) *Bitext {
	b := &Bitext{number: map[string]int32{}, at: map[PairKey]int{}}
	if other != nil {
		b.terms, b.number = other.terms, other.number
	}
	return b
}

// Add enters a pair; one with a known key changes nothing.
func (b *Bitext) Add(p Pair) {
	if _, ok := b.at[p.Key]; !ok {
		b.at[p.Key] = len(b.pairs)
		b.pairs = append(b.pairs, p)
	}
}

// Find returns the pair of a key, which must not be changed. There is none in nil.
func (b *Bitext) Find(key PairKey) (Pair, bool) {
	if b == nil {
		return Pair{}, false
	}
	i, ok := b.at[key]
	if !ok {
		return Pair{}, false
	}
	return b.pairs[i], true
}

// Segment makes a segment of corresponding pieces of text, given in terms.
func (b *Bitext) Segment(own, pivot []string) Segment {
	return Segment{b.distinct(own), b.distinct(pivot)}
}

// distinct are the numbers of the first MaxSegmentTerms different terms.
func (b *Bitext) distinct(terms []string) []int32 {
	out := make([]int32, 0, min(len(terms), MaxSegmentTerms))
	for _, t := range terms {
		n, ok := b.number[t]
		if !ok {
			n = int32(len(b.terms))
			b.number[t] = n
			b.terms = append(b.terms, t)
		}
		if len(out) < MaxSegmentTerms && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// The stored form is a head and, compressed by flate, the terms by falling frequency, each once, and the pairs in their order with the
// numbers of their terms. All numbers are uvarints.
const bitextHead = "bitext 1\n"

// maxBitext bounds the memory of a bitext that is read, in bytes before compression. What the limits of learning let through takes less
// than a third of it.
const maxBitext = 256 << 20

// Encode is the stored form.
func (b *Bitext) Encode() ([]byte, error) {
	used, number := b.used()
	raw := binary.AppendUvarint(nil, uint64(len(used)))
	for _, n := range used {
		raw = append(binary.AppendUvarint(raw, uint64(len(b.terms[n]))), b.terms[n]...)
	}
	raw = binary.AppendUvarint(raw, uint64(len(b.pairs)))
	for _, p := range b.pairs {
		raw = append(raw, p.Key[:]...)
		for _, n := range [...]int{p.Own, p.Pivot, len(p.Segments)} {
			raw = binary.AppendUvarint(raw, uint64(n))
		}
		for _, s := range p.Segments {
			for _, side := range [...][]int32{s.Own, s.Pivot} {
				raw = binary.AppendUvarint(raw, uint64(len(side)))
				for _, n := range side {
					raw = binary.AppendUvarint(raw, uint64(number[n]))
				}
			}
		}
	}
	out := bytes.NewBufferString(bitextHead)
	w, err := flate.NewWriter(out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(raw)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// used lists the terms that pairs hold by falling frequency, so that most numbers are short, and gives each its place.
func (b *Bitext) used() (terms, number []int32) {
	count := make([]int32, len(b.terms))
	for _, p := range b.pairs {
		for _, s := range p.Segments {
			for _, side := range [...][]int32{s.Own, s.Pivot} {
				for _, n := range side {
					count[n]++
				}
			}
		}
	}
	for n, c := range count {
		if c > 0 {
			terms = append(terms, int32(n))
		}
	}
	slices.SortFunc(terms, func(x, y int32) int { return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y)) })
	for i, n := range terms {
		count[n] = int32(i)
	}
	return terms, count
}

// DecodeBitext reads the stored form. Data of another version is an empty bitext; any other fault is an error of kind
// prediag.ErrDamaged.
func DecodeBitext(data []byte) (*Bitext, error) {
	b := NewBitext(nil)
	packed, ok := bytes.CutPrefix(data, []byte(bitextHead))
	if !ok {
		return b, nil
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxBitext))
	if err != nil {
		return nil, fmt.Errorf("bitext: %w: %w", prediag.ErrDamaged, err)
	}
	d := bitextDecoder{rest: raw}
	for i := range d.count(1) {
		t := string(d.next(d.count(1)))
		b.number[t] = int32(i)
		b.terms = append(b.terms, t)
	}
	d.terms = len(b.terms)
	for range d.count(len(PairKey{})) {
		b.Add(d.pair())
	}
	if d.bad || len(d.rest) > 0 || len(b.number) < len(b.terms) {
		return nil, fmt.Errorf("bitext: impossible numbers: %w", prediag.ErrDamaged)
	}
	return b, nil
}

// bitextDecoder reads numbers one by one; after the first impossible one there is nothing left.
type bitextDecoder struct {
	rest  []byte
	terms int // that there are
	bad   bool
}

func (d *bitextDecoder) fail() { d.bad, d.rest = true, nil }

func (d *bitextDecoder) number() int {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > maxBitext {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return int(n)
}

// count is a number of things of which each takes at least some bytes.
func (d *bitextDecoder) count(bytes int) int {
	n := d.number()
	if n > len(d.rest)/bytes {
		d.fail()
		return 0
	}
	return n
}

func (d *bitextDecoder) next(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

func (d *bitextDecoder) pair() Pair {
	var p Pair
	copy(p.Key[:], d.next(len(p.Key)))
	p.Own, p.Pivot = d.number(), d.number()
	for range d.count(2) {
		p.Segments = append(p.Segments, Segment{d.side(), d.side()})
	}
	return p
}

// side reads the numbers of one side of a segment: of terms that there are, none twice.
func (d *bitextDecoder) side() []int32 {
	count := d.count(1)
	if count > MaxSegmentTerms {
		d.fail()
		return nil
	}
	out := make([]int32, 0, count)
	for range count {
		n := d.number()
		if n >= d.terms || slices.Contains(out, int32(n)) {
			d.fail()
			return nil
		}
		out = append(out, int32(n))
	}
	return out
}
