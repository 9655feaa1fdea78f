package classifier

import (
	"encoding/binary"
	"math"
	"slices"
)

// head is the trained classifier of one field: the sum of a softmax layer over the hidden units of each network and of a
// linear part, with a calibrated temperature. The layers hold the weights of their parts already.
type head struct {
	field       string
	labels      []string   // ascending
	prior       []float32  // share of each label in training
	temperature float32    // of the sum
	solo        float32    // of the first network alone, by whose logits the scope is judged
	layer       layer      // of the first network; empty when there is only one label
	more        []layer    // of the other networks
	wide        *embedding // linear part: a unit for each label; nil: none
}

// probabilities writes the calibrated probability of every label, given the text and its hidden units, into out, and leaves
// the logits of the first network in s.first.
func (h *head) probabilities(s *scratch, out []float32) {
	if len(h.labels) == 1 {
		out[0] = 1
		return
	}
	h.layer.logits(s.hidden, out)
	s.first = append(s.first[:0], out...)
	for i := range h.more {
		h.more[i].logits(s.others[i], s.sum[:len(out)])
		axpy(1, s.sum[:len(out)], out)
	}
	if h.wide != nil {
		wide := s.sum[:h.wide.hidden]
		s.coefs = h.wide.sums(s.vec, wide, s.coefs)
		axpy(1, wide[:len(out)], out)
	}
	softmax(out, 1/h.temperature)
}

// energy is the log of the sum of the exponentials of the first network's calibrated logits, which probabilities left.
func (h *head) energy(s *scratch) float64 {
	if len(h.labels) == 1 {
		return 0
	}
	return softmax(s.first, 1/h.solo)
}

// embedding is the first layer of a network, or a linear part, quantised with one scale per feature.
type embedding struct {
	hidden  int       // units, a multiple of 8
	levels  int       // the largest weight of a feature: fineLevels or coarseLevels
	bias    []float32 // hidden
	scale   []float32 // by feature
	weights []byte    // features × hidden, offset by 128
}

const offset = 128 // of a stored weight

// The first layer of a network keeps five bits of a weight: a text sums so many that the errors cancel out (with four bits
// the accuracy on kept-back fifths of four training sets was still that of eight within 0.2 points). A linear part has rows
// with one large weight and many small ones, and keeps eight.
const (
	fineLevels   = 127
	coarseLevels = 15
	coarseBits   = 5
)

// quantise rounds the first layer of n.
func quantise(n *network) *embedding { return pack(n.hidden, coarseLevels, n.embed, n.bias) }

// pack rounds rows of as many weights as there are units, a multiple of 8. The largest weight of a feature becomes ±levels.
func pack(units, levels int, weights, bias []float32) *embedding {
	e := &embedding{hidden: units, levels: levels, bias: bias, scale: make([]float32, len(weights)/units), weights: make([]byte, len(weights))}
	for f := range e.scale {
		row := weights[f*units : (f+1)*units]
		var top float32
		for _, w := range row {
			top = max(top, w, -w)
		}
		e.scale[f] = top / float32(levels)
		for j, w := range row {
			q := 0.0
			if top > 0 {
				q = math.Round(float64(w / e.scale[f]))
			}
			e.weights[f*units+j] = byte(q + offset)
		}
	}
	return e
}

// Coefficients of the features of a text are whole numbers: none is over coarse, so that the kernels may work on 16 bits,
// and their sum is about fine at most, so that with weights of eight bits every sum fits 32 bits.
const (
	fine   = 1 << 23
	coarse = 1<<15 - 2
)

// activate writes the hidden units for v into h; coefs is working space.
func (e *embedding) activate(v vector, h []float32, coefs []uint16) []uint16 {
	coefs = e.sums(v, h, coefs)
	for i, x := range h {
		h[i] = max(x, 0)
	}
	return coefs
}

// sums writes the weighted sums for v, before they are rectified, into h.
func (e *embedding) sums(v vector, h []float32, coefs []uint16) []uint16 {
	var sum, top float32
	for i, id := range v.ids {
		x := v.vals[i] * e.scale[id]
		sum += x
		top = max(top, x)
	}
	copy(h, e.bias)
	coefs = coefs[:0]
	if unit := max(sum/fine, top/coarse); unit > 0 {
		var total uint64
		for i, id := range v.ids {
			c := uint16(v.vals[i]*e.scale[id]/unit + 0.5)
			coefs = append(coefs, c)
			total += uint64(c)
		}
		e.rows(v.ids, coefs, h, unit, total*offset)
	}
	return coefs
}

// rows adds the sums of all units to h.
func (e *embedding) rows(ids []int32, coefs []uint16, h []float32, unit float32, zero uint64) {
	at := 0
	var sums [64]uint32
	for ; at+64 <= e.hidden && addRowsWide(e.weights[at:], e.hidden, ids, coefs, &sums); at += 64 {
		for i, x := range sums {
			h[at+i] += float32(unit * float32(int64(x)-int64(zero)))
		}
	}
	for ; at < e.hidden; at += 8 {
		e.block(ids, coefs, at, h[at:at+8], unit, zero)
	}
}

// block adds the sums of eight hidden units to h. One multiplication of 64 bits serves two weights, lying 32 bits apart.
func (e *embedding) block(ids []int32, coefs []uint16, at int, h []float32, unit float32, zero uint64) {
	const low = 0x000000ff000000ff
	var a, b, c, d uint64
	coefs = coefs[:len(ids)]
	for i, id := range ids {
		w := binary.LittleEndian.Uint64(e.weights[int(id)*e.hidden+at:])
		k := uint64(coefs[i])
		a += w & low * k
		b += w >> 8 & low * k
		c += w >> 16 & low * k
		d += w >> 24 & low * k
	}
	for i, x := range [...]uint64{a, b, c, d} {
		h[i] += float32(unit * float32(int64(x&math.MaxUint32)-int64(zero)))
		h[i+4] += float32(unit * float32(int64(x>>32)-int64(zero)))
	}
}

// along is the contribution of feature id, per unit of its value, in the direction d of the hidden units.
func (e *embedding) along(id int32, d *direction) float32 {
	row := e.weights[int(id)*e.hidden : (int(id)+1)*e.hidden]
	return float32(d.u.dot(row)-offset*d.sum) * d.unit * e.scale[id]
}

// direction is a vector over the hidden units in whole numbers, which multiply exactly with the stored bytes.
type direction struct {
	u    whole
	sum  int
	unit float32 // value of 1
}

// set takes over v, to about one part in a million.
func (d *direction) set(v []float32) {
	var top float32
	for _, x := range v {
		top = max(top, x, -x)
	}
	d.u.reset()
	d.sum, d.unit = 0, max(top, math.SmallestNonzeroFloat32*fine)/fine
	for _, x := range v {
		q := int(math.Round(float64(x / d.unit)))
		d.u.add(q)
		d.sum += q
	}
}

// top lists the positions of the n largest values, largest first; equal ones by position.
func top(p []float32, n int) []int { return appendTop(make([]int, 0, n+1), p, n) }

// appendTop is top into the room of best, which is empty.
func appendTop(best []int, p []float32, n int) []int {
	for i, v := range p {
		if len(best) == n && v <= p[best[n-1]] {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, v, func(j int, v float32) int {
			if p[j] >= v {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, at, i)
		best = best[:min(len(best), n)]
	}
	return best
}
