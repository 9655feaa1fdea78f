package kb

import "math/bits"

// match is an occurrence of a query term in an article.
type match struct{ at, term int32 }

// finder looks for the terms of a query in forward records. It is for one goroutine.
type finder struct {
	hashes []uint64             // of the query's terms, by number
	filter [1 << 16 / 64]uint64 // the low 16 bits of what is looked for in the article at hand
	sought []sought
	also   []sought // what stands for terms of the query
}

type sought struct {
	hash uint64
	term int32
}

// reset takes over the terms of another query.
func (f *finder) reset(terms []weighted) {
	f.hashes, f.also = f.hashes[:0], f.also[:0]
	for i, t := range terms {
		f.hashes = append(f.hashes, termHash(t.term))
		for _, a := range t.alts {
			f.also = append(f.also, sought{termHash(a.term), int32(i)})
		}
	}
}

// begin prepares to look in the parts of a record for the terms in mask, which the article is known to hold. Where an article
// holds only one of a term and its alternatives, another word may rarely be taken for one of those that it lacks.
func (f *finder) begin(fw *forward, mask uint32) {
	for _, s := range f.sought {
		f.filter[s.hash&0xffff>>6] = 0
	}
	f.sought = f.sought[:0]
	for rest := mask; rest != 0; rest &= rest - 1 {
		term := bits.TrailingZeros32(rest)
		f.seek(fw, f.hashes[term], int32(term))
	}
	for _, a := range f.also {
		if mask&(1<<a.term) != 0 {
			f.seek(fw, a.hash, a.term)
		}
	}
}

func (f *finder) seek(fw *forward, hash uint64, term int32) {
	h := seeded(hash, fw.seed) & widthMask(fw.width)
	f.filter[h&0xffff>>6] |= 1 << (h & 63)
	f.sought = append(f.sought, sought{h, term})
}

// find appends the occurrences in a part of the record, of which the first token has the number at.
func (f *finder) find(dst []match, part []byte, width int, at int32) []match {
	if width == 2 { // nearly all articles
		for ; len(part) >= 2; part = part[2:] {
			h := uint64(part[0]) | uint64(part[1])<<8
			if f.filter[h>>6]&(1<<(h&63)) != 0 {
				dst = f.look(dst, h, at)
			}
			at++
		}
		return dst
	}
	for ; len(part) >= width; part = part[width:] {
		h := uint64(0)
		for i := range width {
			h |= uint64(part[i]) << (8 * i)
		}
		if f.filter[h&0xffff>>6]&(1<<(h&63)) != 0 {
			dst = f.look(dst, h, at)
		}
		at++
	}
	return dst
}

func (f *finder) look(dst []match, hash uint64, at int32) []match {
	for _, s := range f.sought {
		if s.hash == hash {
			return append(dst, match{at, s.term})
		}
	}
	return dst
}
