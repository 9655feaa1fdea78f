package classifier

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
)

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

// linear is a softmax regression: one row of weights per feature, one column per label.
type linear struct {
	classes int
	weights []float32 // features × classes
	bias    []float32
}

// logits writes the unnormalised scores of v into out, which has one place per label.
func (l *linear) logits(v vector, out []float32) {
	copy(out, l.bias)
	k := l.classes
	for i, id := range v.ids {
		axpy(v.vals[i], l.weights[int(id)*k:int(id)*k+k], out)
	}
}

// axpy adds a·x to y.
func axpy(a float32, x, y []float32) {
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		y[0] += a * x[0]
		y[1] += a * x[1]
		y[2] += a * x[2]
		y[3] += a * x[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		y[i] += a * v
	}
}

// softmax turns logits times inverse temperature into probabilities, in place.
func softmax(z []float32, inverse float32) {
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
}

// learner holds the settings of the optimiser: softmax regression with label smoothing by AdaGrad (Duchi, Hazan and
// Singer 2011) over mini-batches.
type learner struct {
	epochs    int
	rate      float32
	smoothing float32
	decay     float32 // L2
	dropout   float32
	rowwise   bool
	skip      float32
	batch     int
	workers   int
	seed      uint64
	progress  func()
}

// task is what a learner learns: rows[i] of x has label y[i].
type task struct {
	x       *matrix
	rows    []int
	y       []int32 // by row of x
	classes int
	size    int // features
}

// session is one run of the learner.
type session struct {
	learner
	task
	model  *linear
	gain   []float32 // AdaGrad's sums of squares
	gbias  []float32
	errs   []float32 // gradients of the batch, batch × classes
	square []float32 // their squared norms
	order  []int
	vecs   []vector
}

// learn fits a model; it stops with the context's error when that ends.
func (l learner) learn(ctx context.Context, t task) (*linear, error) {
	s := &session{learner: l, task: t}
	s.model = &linear{classes: t.classes, weights: make([]float32, t.size*t.classes), bias: make([]float32, t.classes)}
	n := t.size
	if !l.rowwise {
		n *= t.classes
	}
	s.gain = make([]float32, n)
	s.gbias = make([]float32, t.classes)
	s.errs = make([]float32, l.batch*t.classes)
	s.square = make([]float32, l.batch)
	s.vecs = make([]vector, l.batch)
	s.order = append([]int(nil), t.rows...)
	random := rand.New(rand.NewPCG(l.seed, 0x9e3779b97f4a7c15))
	for epoch := range l.epochs {
		random.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
		rate := l.rate * (1 - 0.9*float32(epoch)/float32(max(1, l.epochs-1)))
		for i := 0; i < len(s.order); i += l.batch {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s.step(s.order[i:min(i+l.batch, len(s.order))], rate, random.Uint64())
		}
		if l.progress != nil {
			l.progress()
		}
	}
	return s.model, nil
}

// step learns from one mini-batch. Gradients are computed example by example, then every worker applies, in the order
// of the examples, those of the features that it owns: the result does not depend on the number of workers.
func (s *session) step(batch []int, rate float32, seed uint64) {
	s.each(func(w int) {
		for i := w; i < len(batch); i += s.workers {
			s.gradient(i, batch[i], seed)
		}
	})
	for i := range batch {
		for c, g := range s.errs[i*s.classes : (i+1)*s.classes] {
			s.gbias[c] += g * g
			s.model.bias[c] -= 0.3 * rate * g / float32(math.Sqrt(float64(s.gbias[c])+1e-2))
		}
	}
	s.each(func(w int) {
		for i := range batch {
			s.apply(i, w, rate)
		}
	})
}

func (s *session) each(f func(worker int)) {
	if s.workers == 1 {
		f(0)
		return
	}
	var wait sync.WaitGroup
	for w := range s.workers {
		wait.Go(func() { f(w) })
	}
	wait.Wait()
}

// gradient computes the gradient of the loss by the logits for one example.
func (s *session) gradient(slot, row int, seed uint64) {
	v := s.x.row(row)
	if s.dropout > 0 {
		v = s.drop(v, slot, seed)
	}
	s.vecs[slot] = v
	z := s.errs[slot*s.classes : (slot+1)*s.classes]
	s.model.logits(v, z)
	softmax(z, 1)
	base := s.smoothing / float32(s.classes)
	var sum float32
	for c := range z {
		z[c] -= base
		if int32(c) == s.y[row] {
			z[c] -= 1 - s.smoothing
		}
		sum += z[c] * z[c]
	}
	s.square[slot] = sum
}

func (s *session) drop(v vector, slot int, seed uint64) vector {
	old := s.vecs[slot]
	out := vector{old.ids[:0], old.vals[:0]}
	keep := 1 / (1 - s.dropout)
	r := rand.NewPCG(seed, uint64(slot))
	limit := uint64(float64(s.dropout) * (1 << 32))
	for i, id := range v.ids {
		if r.Uint64()>>32 < limit {
			continue
		}
		out.ids = append(out.ids, id)
		out.vals = append(out.vals, v.vals[i]*keep)
	}
	return out
}

// apply updates the weights that the worker owns for one example.
func (s *session) apply(slot, worker int, rate float32) {
	v := s.vecs[slot]
	g := s.errs[slot*s.classes : (slot+1)*s.classes]
	k := s.classes
	for i, id := range v.ids {
		if int(id)%s.workers != worker {
			continue
		}
		x := v.vals[i]
		w := s.model.weights[int(id)*k : int(id)*k+k]
		if s.rowwise {
			s.gain[id] += x * x * s.square[slot]
			axpy(-rate*x/float32(math.Sqrt(float64(s.gain[id])+1e-6)), g, w)
			continue
		}
		acc := s.gain[int(id)*k : int(id)*k+k]
		for c, e := range g {
			if e < s.skip && e > -s.skip {
				continue
			}
			d := e * x
			acc[c] += d * d
			w[c] -= rate * d / (float32(math.Sqrt(float64(acc[c]))) + 1e-4)
		}
	}
}
