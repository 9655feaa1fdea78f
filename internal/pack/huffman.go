package pack

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// maxBits is the longest code word. A table of 2^maxBits entries decodes one word per look.
const maxBits = 12

// code is a canonical Huffman code.
type code struct {
	sizes []byte   // bits of each symbol's word
	words []uint16 // the words, first bit lowest
	table []uint16 // by the next maxBits bits: symbol<<4 | bits
}

// newCode is the code with words of these sizes, which must leave nothing open.
func newCode(sizes []byte) (*code, error) {
	c := &code{sizes: sizes, words: make([]uint16, len(sizes)), table: make([]uint16, 1<<maxBits)}
	var starts [maxBits + 2]int
	space := 0
	for _, n := range sizes {
		if n == 0 || n > maxBits {
			return nil, fmt.Errorf("code word of %d bits: %w", n, ErrDamaged)
		}
		starts[n+1] += 1 << (maxBits - n)
		space += 1 << (maxBits - n)
	}
	if space != 1<<maxBits {
		return nil, fmt.Errorf("code is not complete: %w", ErrDamaged)
	}
	for n := 1; n < len(starts); n++ {
		starts[n] += starts[n-1]
	}
	for symbol, n := range sizes {
		word := bits.Reverse16(uint16(starts[n]<<(16-maxBits))) & (1<<n - 1)
		starts[n] += 1 << (maxBits - n)
		c.words[symbol] = word
		for at := int(word); at < len(c.table); at += 1 << n {
			c.table[at] = uint16(symbol)<<4 | uint16(n)
		}
	}
	return c, nil
}

// codeFor is a code for symbols that come so often. Every symbol gets a word.
func codeFor(counts []int) *code {
	sizes := make([]byte, len(counts))
	for scale := 0; ; scale++ { // flatter until no word is too long
		if longest := huffman(counts, scale, sizes); longest <= maxBits {
			break
		}
	}
	c, err := newCode(sizes)
	if err != nil {
		panic(err) // Huffman's algorithm gives complete codes
	}
	return c
}

// huffman fills in the sizes of the words of an optimal code for counts, each of them halved scale times and 1 at least,
// and returns the greatest.
func huffman(counts []int, scale int, sizes []byte) int {
	type node struct{ count, parent int }
	nodes := make([]node, 0, 2*len(counts))
	order := make([]int, len(counts))
	for i, n := range counts {
		nodes = append(nodes, node{count: max(1, n>>scale)})
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return nodes[a].count - nodes[b].count })
	leaf, inner := 0, len(counts)
	least := func() int {
		if inner == len(nodes) || leaf < len(order) && nodes[order[leaf]].count <= nodes[inner].count {
			leaf++
			return order[leaf-1]
		}
		inner++
		return inner - 1
	}
	for range len(counts) - 1 {
		a, b := least(), least()
		nodes = append(nodes, node{count: nodes[a].count + nodes[b].count})
		nodes[a].parent, nodes[b].parent = len(nodes)-1, len(nodes)-1
	}
	longest := 0
	for i := range counts {
		depth := 0
		for at := i; at != len(nodes)-1; at = nodes[at].parent {
			depth++
		}
		sizes[i] = byte(min(depth, 255))
		longest = max(longest, depth)
	}
	return longest
}

// read is the next symbol.
func (c *code) read(r *bitReader) int {
	r.fill()
	e := c.table[r.bits&(1<<maxBits-1)]
	r.drop(uint(e & 15))
	return int(e >> 4)
}

// bitReader reads bits from the lowest of each byte on. Behind the end there are zeros.
type bitReader struct {
	rest []byte
	bits uint64
	held uint // bits that are in bits
	zero uint // of these, and of what was taken, beyond the end
}

// fill makes at least 56 bits ready.
func (r *bitReader) fill() {
	if len(r.rest) >= 8 {
		r.bits |= binary.LittleEndian.Uint64(r.rest) << r.held
		n := (63 - r.held) / 8
		r.rest = r.rest[n:]
		r.held += 8 * n
		return
	}
	for r.held <= 56 {
		if len(r.rest) > 0 {
			r.bits |= uint64(r.rest[0]) << r.held
			r.rest = r.rest[1:]
		} else {
			r.zero += 8
		}
		r.held += 8
	}
}

func (r *bitReader) drop(n uint) {
	r.bits >>= n
	r.held -= n
}

// take reads n bits, at most 32.
func (r *bitReader) take(n uint) uint64 {
	r.fill()
	v := r.bits & (1<<n - 1)
	r.drop(n)
	return v
}

// over reports whether more was read than there is.
func (r *bitReader) over() bool { return r.zero > r.held }

// bitWriter is the inverse of bitReader.
type bitWriter struct {
	out  []byte
	bits uint64
	held uint
}

func (w *bitWriter) put(v uint64, n uint) {
	w.bits |= v << w.held
	w.held += n
	for w.held >= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
		w.held -= 8
	}
}

func (w *bitWriter) word(c *code, symbol int) { w.put(uint64(c.words[symbol]), uint(c.sizes[symbol])) }

// end returns all that was written.
func (w *bitWriter) end() []byte {
	if w.held > 0 {
		w.out = append(w.out, byte(w.bits))
	}
	w.bits, w.held = 0, 0
	return w.out
}

func octave(v int) int { return bits.Len(uint(v)) - 1 }
