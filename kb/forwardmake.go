package kb

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"prediag"
	"prediag/internal/lang"
)

// forwardTries is how many seeds are tried per width of the hashes.
const forwardTries = 16

// forwardMaker makes forward records. It is for one goroutine.
type forwardMaker struct {
	hashes   map[string]uint64 // of the article's terms
	title    []uint64          // tokens as their terms' hashes
	body     []uint64
	headings []uint64
	starts   []int // of the body's tokens, in bytes
	seen     map[uint64]struct{}
}

func newForwardMaker() *forwardMaker {
	return &forwardMaker{hashes: map[string]uint64{}, seen: map[uint64]struct{}{}}
}

func (f *forwardMaker) append(dst []uint64, terms []string) []uint64 {
	for _, t := range terms {
		h, ok := f.hashes[t]
		if !ok {
			h = termHash(t)
			f.hashes[t] = h
		}
		dst = append(dst, h)
	}
	return dst
}

// addTitle takes over the terms of the article's title.
func (f *forwardMaker) addTitle(terms []string) { f.title = f.append(f.title, terms) }

// addBody takes over the terms of the article's body, which begin at the bytes starts.
func (f *forwardMaker) addBody(terms []string, starts []int) {
	n, _ := slices.BinarySearch(starts, maxScannedBytes)
	f.body = f.append(f.body, terms[:n])
	f.starts = append(f.starts, starts[:n]...)
}

// record is the forward record of an article whose title and body were added. It analyses the headings with a.
func (f *forwardMaker) record(article *prediag.Article, a *analyzer) []byte {
	spans := f.spans(article, a)
	width, seed := f.fit()
	language := lang.Base(article.Language)
	out := make([]byte, 0, 32+len(language)+len(spans)+width*(len(f.title)+len(f.body)+len(f.headings)))
	out = append(out, byte(width))
	out = binary.AppendUvarint(out, seed)
	out = binary.AppendUvarint(out, uint64(len(language)))
	out = append(out, language...)
	out = append(out, rawTitleKey(givenTitle(article))...)
	near, _ := slices.BinarySearch(f.starts, maxRerankBytes)
	for _, n := range []int{len(f.title), near, len(f.body), len(f.headings)} {
		out = binary.AppendUvarint(out, uint64(n))
	}
	var raw [8]byte
	for _, stream := range [][]uint64{f.title, f.body, f.headings} {
		for _, h := range stream {
			binary.LittleEndian.PutUint64(raw[:], seeded(h, seed))
			out = append(out, raw[:width]...)
		}
	}
	return append(out, spans...)
}

// rawTitleKey is the title key as bytes; zeros: no title.
func rawTitleKey(title string) []byte {
	key := make([]byte, titleKeySize)
	if k, err := hex.DecodeString(titleKey(title)); err == nil {
		copy(key, k)
	}
	return key
}

// spans encodes the sections that begin within maxScannedBytes, and adds the terms of their headings.
func (f *forwardMaker) spans(article *prediag.Article, a *analyzer) []byte {
	count, end := 0, 0
	var out []byte
	var before []string
	for _, s := range sectionsOf(article) {
		if s.Span.Start > maxScannedBytes {
			break
		}
		count++
		from, _ := slices.BinarySearch(f.starts, s.Span.Start)
		to, _ := slices.BinarySearch(f.starts, s.Span.End)
		to = max(from, to)
		out = binary.AppendVarint(out, int64(from-end))
		out = binary.AppendUvarint(out, uint64(to-from))
		end = to
		out = f.addHeadings(out, before, s.Path, a)
		before = s.Path
	}
	return append(binary.AppendUvarint(nil, uint64(count)), out...)
}

// addHeadings encodes what the headings of one section share with those of the section before and what they add.
func (f *forwardMaker) addHeadings(out []byte, before, path []string, a *analyzer) []byte {
	shared := 0
	for shared < min(len(before), len(path)) && before[shared] == path[shared] {
		shared++
	}
	out = binary.AppendUvarint(out, uint64(shared))
	out = binary.AppendUvarint(out, uint64(len(path)-shared))
	for _, h := range path[shared:] {
		var terms []string
		if len(f.headings) < maxScannedBytes {
			terms = a.terms(h)
		}
		out = binary.AppendUvarint(out, uint64(len(terms)))
		f.headings = f.append(f.headings, terms)
	}
	return out
}

// fit chooses width and seed so that the terms differ in their hashes. A width that so many terms make hopeless is not
// tried: with n terms and m hashes no two are equal with a probability of about exp(-n²/2m).
func (f *forwardMaker) fit() (width int, seed uint64) {
	pairs := float64(len(f.hashes)) * float64(len(f.hashes)) / 2
	for _, width := range []int{2, 3, 4} {
		if pairs > 3*float64(widthMask(width)) {
			continue
		}
		for seed := range uint64(forwardTries) {
			if f.distinct(width, seed) {
				return width, seed
			}
		}
	}
	return 8, 0
}

func (f *forwardMaker) distinct(width int, seed uint64) bool {
	clear(f.seen)
	for _, h := range f.hashes {
		h = seeded(h, seed) & widthMask(width)
		if _, ok := f.seen[h]; ok {
			return false
		}
		f.seen[h] = struct{}{}
	}
	return true
}
