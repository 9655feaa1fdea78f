package classifier

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// groupBits is how many bits of a stored feature tell its group.
const groupBits = 3

var errShort = errors.New("ends too early")

// encode writes the vocabulary: the number of texts and features, then for each feature in the order of the hashes the
// distance to the hash before, the group and the document frequency, all as varints.
func (v *vocabulary) encode() []byte {
	b := []byte("PDVO")
	b = binary.AppendUvarint(b, uint64(v.docs))
	b = binary.AppendUvarint(b, uint64(len(v.hashes)))
	last := uint32(0)
	for i, h := range v.hashes {
		b = binary.AppendUvarint(b, uint64(h-last))
		b = binary.AppendUvarint(b, uint64(v.df[i])<<groupBits|uint64(v.groups[i]))
		last = h
	}
	return b
}

func decodeVocabulary(b []byte) (*vocabulary, error) {
	b, ok := bytes.CutPrefix(b, []byte("PDVO"))
	if !ok {
		return nil, errors.New("is no vocabulary")
	}
	r := &varints{b: b}
	docs, n := r.next(), r.next()
	if r.bad || docs > math.MaxUint32 || n > uint64(len(r.b))/2 {
		return nil, errShort
	}
	v := &vocabulary{docs: uint32(docs), hashes: make([]uint32, n), groups: make([]group, n), df: make([]uint32, n)}
	var last uint64
	for i := range v.hashes {
		delta, x := r.next(), r.next()
		last += delta
		if r.bad || (i > 0 && delta == 0) || delta > math.MaxUint32 || last > math.MaxUint32 || x>>groupBits > docs || x&(1<<groupBits-1) >= uint64(groups) {
			return nil, fmt.Errorf("feature %d out of range", i)
		}
		v.hashes[i], v.df[i], v.groups[i] = uint32(last), uint32(x>>groupBits), group(x&(1<<groupBits-1))
	}
	if len(r.b) != 0 {
		return nil, errors.New("has bytes after its end")
	}
	v.index()
	return v, nil
}

type varints struct {
	b   []byte
	bad bool
}

func (r *varints) next() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

// Beginnings of an embedding's file, by its levels.
const (
	fineMagic   = "PDEM"
	coarseMagic = "PDE5"
)

// encode writes the number of hidden units and features, biases, scales and weights, little-endian; eight coarse weights
// take five bytes.
func (e *embedding) encode() []byte {
	magic := fineMagic
	if e.levels == coarseLevels {
		magic = coarseMagic
	}
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(e.hidden))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.scale)))
	b = appendFloats(b, e.bias)
	b = appendFloats(b, e.scale)
	if e.levels != coarseLevels {
		return append(b, e.weights...)
	}
	for i := 0; i < len(e.weights); i += 8 {
		var x uint64
		for j, w := range e.weights[i : i+8] {
			x |= uint64(w-offset+coarseLevels) << (j * coarseBits)
		}
		b = append(b, byte(x), byte(x>>8), byte(x>>16), byte(x>>24), byte(x>>32))
	}
	return b
}

func decodeEmbedding(b []byte, features int) (*embedding, error) {
	if len(b) < 12 || string(b[:4]) != fineMagic && string(b[:4]) != coarseMagic {
		return nil, errors.New("is no embedding")
	}
	e := &embedding{levels: fineLevels}
	if string(b[:4]) == coarseMagic {
		e.levels = coarseLevels
	}
	k, n := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	b = b[12:]
	if uint64(n) != uint64(features) || k%8 != 0 || k > maxHidden {
		return nil, fmt.Errorf("has %d units and %d features, expected %d features", k, n, features)
	}
	size := uint64(k) * uint64(n)
	if e.levels == coarseLevels {
		size = size / 8 * coarseBits
	}
	if uint64(len(b)) != 4*uint64(k)+4*uint64(n)+size {
		return nil, errShort
	}
	e.hidden = int(k)
	e.bias, b = floats(b, int(k))
	e.scale, b = floats(b, int(n))
	if !finite(e.bias...) || !finite(e.scale...) || slices.ContainsFunc(e.scale, func(s float32) bool { return s < 0 }) {
		return nil, errors.New("holds numbers out of range")
	}
	if e.weights = b; e.levels == coarseLevels {
		return e, e.unpack(b)
	}
	return e, nil
}

// unpack sets the weights to the coarse ones in b.
func (e *embedding) unpack(b []byte) error {
	e.weights = make([]byte, len(b)/coarseBits*8)
	for i := range len(b) / coarseBits {
		p := b[i*coarseBits:]
		x := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 | uint64(p[4])<<32
		for j := range 8 {
			w := byte(x>>(j*coarseBits)) & (1<<coarseBits - 1)
			if w > 2*coarseLevels {
				return errors.New("holds weights out of range")
			}
			e.weights[8*i+j] = w + offset - coarseLevels
		}
	}
	return nil
}

// encode writes the number of labels, biases and weights, little-endian.
func (l *layer) encode() []byte {
	b := []byte("PDHE")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.bias)))
	b = appendFloats(b, l.bias)
	return appendFloats(b, l.weights)
}

// decodeLayer reads what encode wrote for a head of so many labels; that of a single label is empty.
func decodeLayer(b []byte, labels, hidden int) (layer, error) {
	if len(b) < 8 || string(b[:4]) != "PDHE" {
		return layer{}, errors.New("is no head")
	}
	k := int(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	if k != labels && (k != 0 || labels != 1) {
		return layer{}, fmt.Errorf("has %d labels, expected %d", k, labels)
	}
	if uint64(len(b)) != 4*uint64(k)*uint64(1+hidden) {
		return layer{}, errShort
	}
	var l layer
	l.bias, b = floats(b, k)
	l.weights, _ = floats(b, k*hidden)
	if !finite(l.bias...) || !finite(l.weights...) {
		return layer{}, errors.New("holds numbers that are not finite")
	}
	return l, nil
}

func appendFloats(b []byte, list []float32) []byte {
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// floats reads n numbers and returns the rest.
func floats(b []byte, n int) ([]float32, []byte) {
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out, b[4*n:]
}
