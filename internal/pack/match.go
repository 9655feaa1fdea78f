package pack

import (
	"encoding/binary"
	"math/bits"
)

const (
	hashBits  = 16
	maxChain  = 6  // places that are tried for a match, in the history and in the text
	longMatch = 24 // a match from which on nothing else is looked for
	endless   = 1 << 30
)

// chains finds earlier places with the same four bytes.
type chains struct {
	heads []int32 // by hash: 1 + the last such place
	next  []int32 // by place: 1 + the one before
}

func newChains(text []byte) *chains {
	c := &chains{heads: make([]int32, 1<<hashBits)}
	c.reset(len(text))
	for i := range max(0, len(text)-minMatch+1) {
		c.add(text, i)
	}
	return c
}

func (c *chains) reset(n int) {
	clear(c.heads)
	if cap(c.next) < n {
		c.next = make([]int32, n)
	}
	c.next = c.next[:n]
}

func hashOf(text []byte, at int) uint32 {
	return binary.LittleEndian.Uint32(text[at:]) * 0x9e3779b1 >> (32 - hashBits)
}

func (c *chains) add(text []byte, at int) {
	h := hashOf(text, at)
	c.next[at] = c.heads[h]
	c.heads[h] = int32(at + 1)
}

// Packer packs texts against a Dict. It is for one goroutine; its memory is used again and again.
type Packer struct {
	d     *Dict
	own   chains
	index *chains
	steps []step
	ends  []int32 // of the pieces, from the last
	out   bitWriter

	counts *counts // of what was written; nil: nobody asks
}

// step is the cheapest way found to reach a place of the text.
type step struct {
	cost   int32 // in bits
	length int32 // of the last piece; 0: a literal
	last   int32 // distance of the last match within the text
	from   int32 // of the last match: distance within the text, or, negative, -1 less the place in the history from its end
}

// NewPacker returns a packer for a Dict.
func (d *Dict) NewPacker() *Packer {
	return &Packer{d: d, index: d.index(), own: chains{heads: make([]int32, 1<<hashBits)}}
}

// Pack appends the packed text, of at most 32 MiB; longer ones are cut.
func (p *Packer) Pack(dst, text []byte) []byte {
	text = text[:min(len(text), maxText)]
	p.parse(text)
	p.out.out = binary.AppendUvarint(dst, uint64(len(text)))
	p.write(text)
	return p.out.end()
}

// parse finds the steps.
func (p *Packer) parse(text []byte) {
	p.own.reset(len(text))
	if cap(p.steps) < len(text)+1 {
		p.steps = make([]step, len(text)+1)
	}
	p.steps = p.steps[:len(text)+1]
	for i := range p.steps {
		p.steps[i] = step{cost: endless}
	}
	p.steps[0] = step{last: 1}
	before, skip := byte(0), 0
	for i := range text {
		c := p.d.after[before]
		before = text[i]
		here := &p.steps[i]
		if cost := here.cost + int32(c.sizes[before]); cost < p.steps[i+1].cost {
			p.steps[i+1] = step{cost: cost, last: here.last}
		}
		if i+minMatch > len(text) {
			continue
		}
		if i >= skip {
			if n := p.matches(text, i, c); n >= longMatch {
				skip = i + n
			}
		}
		p.own.add(text, i)
	}
}

// matches tries the matches at a place, and returns the length of the longest.
func (p *Packer) matches(text []byte, at int, c *code) int {
	here, longest := p.steps[at], minMatch-1
	if last := int(here.last); last <= at {
		if n := same(text[at-last:], text[at:]); n >= minMatch {
			p.offer(at, n, minMatch, step{cost: int32(p.d.far.sizes[repeat]), last: here.last, from: here.last}, c)
			longest = max(longest, min(n, 2*minMatch)) // a far match must be clearly longer
		}
	}
	h := hashOf(text, at)
	place := p.own.heads[h]
	for range maxChain {
		if place == 0 {
			break
		}
		from := int(place - 1)
		if n := longer(text[from:], text[at:], longest); n > longest {
			p.offer(at, n, longest+1, step{cost: p.farCost(at - from), last: int32(at - from), from: int32(at - from)}, c)
			longest = n
		}
		place = p.own.next[from]
	}
	best := minMatch - 1 // what lies in the history may be cheaper than what is near
	place = p.index.heads[h]
	for range maxChain {
		if place == 0 {
			break
		}
		from := int(place - 1)
		if n := longer(p.d.history[from:], text[at:], best); n > best {
			back := len(p.d.history) - from - 1
			cost := int32(p.d.far.sizes[old+back>>oldBits]) + oldBits
			p.offer(at, n, best+1, step{cost: cost, last: here.last, from: int32(-1 - back)}, c)
			best = n
		}
		place = p.index.next[from]
	}
	return max(longest, best)
}

func (p *Packer) farCost(distance int) int32 {
	symbol, _, bits := bucket(distance-1, 2)
	return int32(p.d.far.sizes[near+symbol]) + int32(bits)
}

// offer takes the match at a place for every length from least to n for which it is the cheapest way. s.cost is that of its
// distance.
func (p *Packer) offer(at, n, least int, s step, c *code) {
	cost := p.steps[at].cost + s.cost
	if n >= longMatch {
		least = n
	}
	for length := least; length <= n; length++ {
		symbol, _, bits := lengthSymbol(length)
		if s.cost = cost + int32(c.sizes[symbol]) + int32(bits); s.cost < p.steps[at+length].cost {
			s.length = int32(length)
			p.steps[at+length] = s
		}
	}
}

// same is how many bytes two texts have in common at their beginnings.
func same(a, b []byte) int {
	most := min(len(a), len(b), maxMatch)
	a, b = a[:most], b[:most]
	n := 0
	for ; n+8 <= most; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

// longer is same, or 0 where that is at most least.
func longer(a, b []byte, least int) int {
	if least >= len(a) || least >= len(b) || a[least] != b[least] {
		return 0
	}
	return same(a, b)
}

// write writes the cheapest way to the end.
func (p *Packer) write(text []byte) {
	p.ends = p.ends[:0]
	for at := len(text); at > 0; at -= max(1, int(p.steps[at].length)) {
		p.ends = append(p.ends, int32(at))
	}
	before, at, last := byte(0), 0, int32(1)
	for i := len(p.ends) - 1; i >= 0; i-- {
		s := p.steps[p.ends[i]]
		main := contextOf(before)
		if s.length == 0 {
			p.word(p.d.mains[main], main, int(text[at]))
		} else {
			symbol, extra, bits := lengthSymbol(int(s.length))
			p.word(p.d.mains[main], main, symbol)
			p.out.put(extra, bits)
			last = p.distance(s.from, last)
		}
		at = int(p.ends[i])
		before = text[at-1]
	}
}

// distance writes where a match is, and returns the distance that a repetition has from then on.
func (p *Packer) distance(from, last int32) int32 {
	switch {
	case from < 0:
		back := uint64(-1 - from)
		p.word(p.d.far, contexts, old+int(back>>oldBits))
		p.out.put(back&(1<<oldBits-1), oldBits)
		return last
	case from == last:
		p.word(p.d.far, contexts, repeat)
	default:
		symbol, extra, bits := bucket(int(from)-1, 2)
		p.word(p.d.far, contexts, near+symbol)
		p.out.put(extra, bits)
	}
	return from
}

func (p *Packer) word(c *code, number, symbol int) {
	p.out.word(c, symbol)
	if p.counts != nil {
		p.counts[number][symbol]++
	}
}
