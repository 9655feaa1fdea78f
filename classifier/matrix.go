package classifier

import "math"

// matrix is a list of sparse rows, all values in two arrays.
type matrix struct {
	start []int
	ids   []int32
	vals  []float32
}

func (m *matrix) add(v vector) {
	if len(m.start) == 0 {
		m.start = append(m.start, 0)
	}
	m.ids = append(m.ids, v.ids...)
	m.vals = append(m.vals, v.vals...)
	m.start = append(m.start, len(m.ids))
}

// join appends the rows of other.
func (m *matrix) join(other *matrix) {
	if len(m.start) == 0 {
		m.start = append(m.start, 0)
	}
	offset := len(m.ids)
	m.ids = append(m.ids, other.ids...)
	m.vals = append(m.vals, other.vals...)
	for i := 1; i < len(other.start); i++ {
		m.start = append(m.start, offset+other.start[i])
	}
}

func (m *matrix) row(i int) vector {
	return vector{m.ids[m.start[i]:m.start[i+1]], m.vals[m.start[i]:m.start[i+1]]}
}

// axpy adds a·x to y; len(y) ≥ len(x). Eight at a time: the compiler then drops the bounds checks.
func axpy(a float32, x, y []float32) {
	n := len(x) &^ 7
	y = y[:len(x)]
	for i := 0; i < n; i += 8 {
		p, q := (*[8]float32)(x[i:]), (*[8]float32)(y[i:])
		q[0] += a * p[0]
		q[1] += a * p[1]
		q[2] += a * p[2]
		q[3] += a * p[3]
		q[4] += a * p[4]
		q[5] += a * p[5]
		q[6] += a * p[6]
		q[7] += a * p[7]
	}
	for i := n; i < len(x); i++ {
		y[i] += a * x[i]
	}
}

// dot is the scalar product of x and y, in four partial sums.
func dot(x, y []float32) float32 {
	n := len(x) &^ 3
	y = y[:len(x)]
	var a, b, c, d float32
	for i := 0; i < n; i += 4 {
		p, q := (*[4]float32)(x[i:]), (*[4]float32)(y[i:])
		a += p[0] * q[0]
		b += p[1] * q[1]
		c += p[2] * q[2]
		d += p[3] * q[3]
	}
	for i := n; i < len(x); i++ {
		a += x[i] * y[i]
	}
	return a + b + (c + d)
}

// softmax turns logits times inverse temperature into probabilities, in place, and returns the log of the sum of their
// exponentials.
func softmax(z []float32, inverse float32) float64 {
	top := z[0]
	for _, v := range z[1:] {
		top = max(top, v)
	}
	var sum float32
	for i, v := range z {
		e := float32(math.Exp(float64((v - top) * inverse)))
		z[i] = e
		sum += e
	}
	for i := range z {
		z[i] /= sum
	}
	return float64(top*inverse) + math.Log(float64(sum))
}
