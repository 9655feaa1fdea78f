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

// axpy adds a·x to y; len(y) ≥ len(x).
func axpy(a float32, x, y []float32) {
	n := len(x) &^ 7
	y = y[:len(x)]
	if n > 0 {
		axpyWide(a, x[:n], y[:n])
	}
	for i := n; i < len(x); i++ {
		y[i] += float32(a * x[i])
	}
}

// axpyPlain is axpy for lengths that are a multiple of 8. The conversions forbid fused multiplication and addition, so
// that every machine gets the same bits.
func axpyPlain(a float32, x, y []float32) {
	for i := 0; i+8 <= len(x); i += 8 {
		p, q := (*[8]float32)(x[i:]), (*[8]float32)(y[i:])
		q[0] += float32(a * p[0])
		q[1] += float32(a * p[1])
		q[2] += float32(a * p[2])
		q[3] += float32(a * p[3])
		q[4] += float32(a * p[4])
		q[5] += float32(a * p[5])
		q[6] += float32(a * p[6])
		q[7] += float32(a * p[7])
	}
}

// dot is the scalar product of x and y, in sixteen partial sums.
func dot(x, y []float32) float32 {
	n := len(x) &^ 15
	y = y[:len(x)]
	var s [16]float32
	if n > 0 {
		dotWide(x[:n], y[:n], &s)
	}
	for i := n; i < len(x); i++ {
		s[i&15] += float32(x[i] * y[i])
	}
	for i := range 8 {
		s[i] += s[i+8]
	}
	return (s[0] + s[4] + (s[1] + s[5])) + (s[2] + s[6] + (s[3] + s[7]))
}

// sumRows adds the rows of v, times its values, to y; a row has as many numbers as y.
func sumRows(rows []float32, v vector, y []float32) {
	n, at := len(y), 0
	for ; at+64 <= n && sumRowsWide(rows[at:], n, v.ids, v.vals, y[at:]); at += 64 {
	}
	if at == n {
		return
	}
	for i, id := range v.ids {
		axpy(v.vals[i], rows[int(id)*n+at:(int(id)+1)*n], y[at:])
	}
}

// addToRows adds x times the values of v to its rows; a row has as many numbers as x.
func addToRows(rows []float32, v vector, x []float32) {
	n, at := len(x), 0
	for ; at+64 <= n && addToRowsWide(rows[at:], n, v.ids, v.vals, x[at:]); at += 64 {
	}
	if at == n {
		return
	}
	for i, id := range v.ids {
		axpy(v.vals[i], x[at:], rows[int(id)*n+at:(int(id)+1)*n])
	}
}

// dotRows writes the scalar products of the rows with x into out.
func dotRows(rows, x, out []float32) {
	if dotRowsWide(rows, x, out) {
		return
	}
	for c := range out {
		out[c] = dot(rows[c*len(x):(c+1)*len(x)], x)
	}
}

// dotPlain sets sum i to that of the products of every sixteenth number from i on.
func dotPlain(x, y []float32, sums *[16]float32) {
	clear(sums[:])
	for i := 0; i+16 <= len(x); i += 16 {
		p, q := (*[16]float32)(x[i:]), (*[16]float32)(y[i:])
		for j := range sums {
			sums[j] += float32(p[j] * q[j])
		}
	}
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
