// Package vector keeps embeddings as bytes in files that are mapped into memory, and finds the nearest ones exactly.
//
// A vector of length 1 is stored as signed bytes with one scale: a component is its byte times the scale. A query has twelve
// bits a component, so that products of the two are summed in whole numbers that fit 32 bits: the result is the same on every
// processor, with vector instructions or without.
package vector

import (
	"fmt"
	"math"

	"prediag"
)

const (
	// MaxDimensions bounds the length of a vector: up to here a sum of products cannot leave 32 bits.
	MaxDimensions = 8192

	rowAlign  = 32   // a stored vector is padded with zeros to a multiple of so many bytes
	rowLimit  = 127  // greatest absolute value of a stored component
	querySide = 2047 // greatest absolute value of a query's component
)

// stride is the stored length of a vector.
func stride(dims int) int { return (dims + rowAlign - 1) / rowAlign * rowAlign }

// Normalize scales v to length 1, in place. A vector that has a component that is no finite number, or none but zeros, is of
// kind prediag.ErrInvalid.
func Normalize(v []float32) error {
	sum := 0.0
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return prediag.Invalid("VECTOR_INVALID", "vector", fmt.Sprintf("component %d of the vector is %v, not a finite number", i, x))
		}
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return prediag.Invalid("VECTOR_INVALID", "vector", "the vector has no component other than zero")
	}
	norm := math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) / norm)
	}
	return nil
}

// quantize rounds v to whole numbers of at most the given absolute value; a component is about its number times the scale.
func quantize(v []float32, limit float64, set func(i, n int)) (scale float32) {
	greatest := 0.0
	for _, x := range v {
		greatest = max(greatest, math.Abs(float64(x)))
	}
	if greatest == 0 {
		return 0
	}
	step := greatest / limit
	for i, x := range v {
		set(i, int(math.Round(float64(x)/step)))
	}
	return float32(step)
}

// Row is a stored vector: its components as signed bytes, padded, and what one step is worth.
type Row struct {
	Bytes      []byte
	Scale      float32
	Dimensions int
}

// NewRow rounds a vector of length 1 to bytes.
func NewRow(v []float32) Row {
	r := Row{Bytes: make([]byte, stride(len(v))), Dimensions: len(v)}
	r.Scale = quantize(v, rowLimit, func(i, n int) { r.Bytes[i] = byte(int8(n)) })
	return r
}

// probe is a query, padded as rows are.
type probe struct {
	numbers []int16
	scale   float32
}

func newProbe(v []float32) probe {
	p := probe{numbers: make([]int16, stride(len(v)))}
	p.scale = quantize(v, querySide, func(i, n int) { p.numbers[i] = int16(n) })
	return p
}

// dotRowsPlain sets out[i] to the scalar product of q with the i-th of the rows.
func dotRowsPlain(rows []byte, q []int16, out []int32) {
	for i := range out {
		row := rows[i*len(q) : (i+1)*len(q)]
		var sum int32
		for j, x := range q {
			sum += int32(int8(row[j])) * int32(x)
		}
		out[i] = sum
	}
}
