// Package pack compresses many short texts, each by itself, against what they have in common.
//
// A text of a kilobyte has hardly anything to refer back to, and a table of codes of its own costs a tenth of it. So both
// are learned once, from a sample: a history of up to 256 KiB that every text can refer to (chosen as zstd's fastcover
// does), and Huffman codes for literals, lengths and distances, for literals one by the kind of the byte before. A text is
// a sequence of literals and matches (Ziv and Lempel 1977), of all such sequences nearly the cheapest one under these codes.
package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// ErrDamaged is the kind of error of bytes that no Dict has packed.
var ErrDamaged = errors.New("packed text is damaged")

// Dict is what texts have in common. It is never changed: any number of goroutines may use it at once.
type Dict struct {
	history []byte
	mains   [contexts]*code // of literals and lengths, by context
	after   [256]*code      // the same by the byte before
	far     *code           // of distances
	index   func() *chains  // of the history, made when somebody packs
}

// The alphabets. Lengths and distances are in buckets: the bucket has a symbol, the place in it plain bits.
const (
	maxHistory = 256 << 10
	minMatch   = 4
	literals   = 256
	lengths    = 40
	mainSize   = literals + lengths

	repeat     = 0 // the distance of the match before
	near       = 1 // distances within the text
	nearCodes  = 50
	old        = near + nearCodes // places in the history, by KiB from its end
	oldBits    = 10
	farSize    = old + maxHistory>>oldBits
	maxText    = 1 << 25 // bytes of a text
	maxMatch   = 1 << 15
	dictFormat = 1
)

// lengthSymbol is the symbol of a match of n bytes, and the bits that follow it.
func lengthSymbol(n int) (symbol int, extra uint64, bits uint) {
	symbol, extra, bits = bucket(n-minMatch, 16)
	return literals + symbol, extra, bits
}

// bucket gives numbers up to exact, a power of two, symbols of their own and halves every octave behind them.
func bucket(v, exact int) (symbol int, extra uint64, bits uint) {
	if v < exact {
		return v, 0, 0
	}
	e := uint(octave(v))
	return exact + 2*(int(e)-octave(exact)) + v>>(e-1)&1, uint64(v) & (1<<(e-1) - 1), e - 1
}

// unbucket is the least number of a bucket and how many bits follow.
func unbucket(symbol, exact int) (least int, bits uint) {
	if symbol < exact {
		return symbol, 0
	}
	e := uint(octave(exact) + (symbol-exact)/2)
	return 1<<e | ((symbol-exact)&1)<<(e-1), e - 1
}

// contexts is the number of kinds of bytes that a literal or length can follow.
const contexts = 12

// contextOf is the kind of a byte.
func contextOf(b byte) int {
	switch {
	case b == ' ':
		return 1
	case b < ' ':
		return 0
	case b >= '0' && b <= '9':
		return 2
	case b >= 'A' && b <= 'Z':
		return 3
	case b == 'a' || b == 'e' || b == 'i' || b == 'o' || b == 'u' || b == 'y':
		return 4
	case b == 'n' || b == 'r' || b == 's' || b == 't' || b == 'l' || b == 'd':
		return 5
	case b >= 'a' && b <= 'z':
		return 6
	case b == '-' || b == '_' || b == '/' || b == '.':
		return 7
	case b < 0x80:
		return 8
	case b < 0xc0:
		return 9
	case b < 0xe4:
		return 10
	}
	return 11
}

// Unpack appends the text that Pack has made packed of. What is not from Pack gives an error of kind ErrDamaged or other
// text of at most 32 MiB.
func (d *Dict) Unpack(dst, packed []byte) ([]byte, error) {
	size, n := binary.Uvarint(packed)
	if n <= 0 || size > maxText {
		return dst, fmt.Errorf("%w: no length", ErrDamaged)
	}
	from, end := len(dst), len(dst)+int(size)
	r := bitReader{rest: packed[n:]}
	var before byte
	last := 1
	for len(dst) < end {
		symbol := d.after[before].read(&r)
		if symbol < literals {
			before = byte(symbol)
			dst = append(dst, before)
			if r.over() {
				return dst, fmt.Errorf("%w: it ends early", ErrDamaged)
			}
			continue
		}
		length, bits := unbucket(symbol-literals, 16)
		length += minMatch + int(r.take(bits))
		var err error
		if dst, last, err = d.match(&r, dst, from, length, last); err != nil {
			return dst, err
		}
		if len(dst) > end || r.over() {
			return dst, fmt.Errorf("%w: it ends elsewhere", ErrDamaged)
		}
		before = dst[len(dst)-1]
	}
	return dst, nil
}

// ready fills in what follows from history and codes.
func (d *Dict) ready() {
	for b := range d.after {
		d.after[b] = d.mains[contextOf(byte(b))]
	}
	if d.index == nil {
		d.index = sync.OnceValue(func() *chains { return newChains(d.history) })
	}
}

// match appends a match; last is the distance of the one before, and the result its own, where it lies within the text.
func (d *Dict) match(r *bitReader, dst []byte, from, length, last int) ([]byte, int, error) {
	symbol := d.far.read(r)
	if symbol >= old {
		start := len(d.history) - ((symbol-old)<<oldBits | int(r.take(oldBits))) - 1
		if start < 0 || length > len(d.history)-start {
			return dst, last, fmt.Errorf("%w: a match outside the history", ErrDamaged)
		}
		return append(dst, d.history[start:start+length]...), last, nil
	}
	if symbol != repeat {
		least, bits := unbucket(symbol-near, 2)
		last = least + int(r.take(bits)) + 1
	}
	if last > len(dst)-from || length > maxText {
		return dst, last, fmt.Errorf("%w: a match before the text", ErrDamaged)
	}
	for length > 0 { // what is appended may be part of what is repeated
		n := min(length, last)
		start := len(dst) - last
		dst = append(dst, dst[start:start+n]...)
		length -= n
	}
	return dst, last, nil
}

// Encode is the file of a Dict.
func (d *Dict) Encode() []byte {
	out := []byte{dictFormat}
	for _, c := range d.mains {
		out = append(out, c.sizes...)
	}
	out = append(out, d.far.sizes...)
	return append(out, d.history...)
}

// Decode is the inverse of Encode. It keeps data.
func Decode(data []byte) (*Dict, error) {
	const header = 1 + contexts*mainSize + farSize
	if len(data) < header || data[0] != dictFormat || len(data) > header+maxHistory {
		return nil, fmt.Errorf("dictionary of %d bytes: %w", len(data), ErrDamaged)
	}
	d := &Dict{history: data[header:]}
	rest := data[1:]
	for i := range d.mains {
		var err error
		if d.mains[i], err = newCode(rest[:mainSize]); err != nil {
			return nil, err
		}
		rest = rest[mainSize:]
	}
	var err error
	if d.far, err = newCode(rest[:farSize]); err != nil {
		return nil, err
	}
	d.ready()
	return d, nil
}
