package classifier

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
)

// network is what a learner finds: sparse features, one hidden layer of rectified units, and a softmax layer for every
// head.
type network struct {
	hidden int
	embed  []float32 // features × hidden
	bias   []float32 // hidden
	outs   []layer   // by head
}

// layer is a dense layer from the hidden units to the labels of one head; no labels: the head is constant.
type layer struct {
	weights []float32 // labels × hidden
	bias    []float32 // labels
}

// activate writes the hidden units for v into h.
func (n *network) activate(v vector, h []float32) {
	copy(h, n.bias)
	sumRows(n.embed, v, h)
	for i, x := range h {
		h[i] = max(x, 0)
	}
}

// logits writes the scores of the labels for hidden units h into z.
func (l *layer) logits(h, z []float32) {
	dotRows(l.weights, h, z)
	for c, b := range l.bias[:len(z)] {
		z[c] = b + z[c]
	}
}

// learner holds the settings of the optimiser: AdaGrad (Duchi, Hazan and Singer 2011) over mini-batches, with one step
// size per feature and per label instead of per weight, dropout of features and hidden units (Srivastava et al. 2014),
// and steps that fall linearly to nearly nothing.
type learner struct {
	hidden      int
	epochs      int
	batch       int
	rate        float32 // of the features
	outRate     float32 // of the softmax layers
	smoothing   float32 // of the labels
	dropFeature float32
	dropHidden  float32
	sigma       float32 // standard deviation of the first embedding
	workers     int
	seed        uint64
	skip        []bool // by feature: those that the network does not look at; nil: none
	progress    func()
	ticks       int // calls of progress in an epoch
}

// task is what a learner learns: row i of x has label heads[k].y[i] of head k.
type task struct {
	x     rowSource
	rows  []int
	heads []target
	size  int // features
}

// target is one head's truth.
type target struct {
	y       []int32 // by row of x; -1: no label
	classes int
}

// labelled is the number of rows that have a label.
func (t target) labelled() (n int) {
	for _, y := range t.y {
		if y >= 0 {
			n++
		}
	}
	return n
}

// trivial gradients are skipped: they cost as much as the others and move nothing.
const trivial = 1e-3

// session is one run of the learner.
type session struct {
	learner
	task
	model *network
	gain  []float32   // AdaGrad's sums of squares: by feature,
	gains [][]float32 // by head and label,
	gbias []float32   // and by hidden unit
	slots []slotState
	order []int

	readers []rowSource // by worker
	own     []vector    // by worker: the features that it updates, and their steps
}

// slotState is what the gradient of one example of a mini-batch needs.
type slotState struct {
	v      vector
	h      []float32   // hidden units after dropout
	back   []float32   // gradient by the hidden units' inputs
	errs   [][]float32 // gradient by the logits, by head
	square float32     // mean square of back
	norm   float32     // mean square of h
	random rand.PCG
}

// learn fits a model; it stops with the context's error when that ends. The result depends on the task and the
// settings, not on the number of workers.
func (l learner) learn(ctx context.Context, t task) (*network, error) {
	s := &session{learner: l, task: t}
	random := rand.New(rand.NewPCG(l.seed, 0x9e3779b97f4a7c15))
	s.prepare(random)
	for epoch := range l.epochs {
		random.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
		decay := 1 - 0.95*float32(epoch)/float32(max(1, l.epochs-1))
		told := 0
		for i := 0; i < len(s.order); i += l.batch {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s.step(s.order[i:min(i+l.batch, len(s.order))], decay, random.Uint64())
			told = l.tell(told, min(i+l.batch, len(s.order))*l.ticks/len(s.order))
		}
		l.tell(told, l.ticks)
	}
	for id, skip := range l.skip {
		if skip {
			clear(s.model.embed[id*l.hidden : (id+1)*l.hidden])
		}
	}
	return s.model, nil
}

// tell reports progress until it was told as often as wanted.
func (l learner) tell(told, want int) int {
	for ; told < want; told++ {
		l.progress()
	}
	return told
}

// prepare makes the first model and the working space.
func (s *session) prepare(random *rand.Rand) {
	n := &network{hidden: s.hidden, embed: make([]float32, s.size*s.hidden), bias: make([]float32, s.hidden)}
	for i := range n.embed {
		n.embed[i] = s.sigma * float32(random.NormFloat64())
	}
	for _, h := range s.heads {
		l := layer{weights: make([]float32, h.classes*s.hidden), bias: make([]float32, h.classes)}
		for i := range l.weights {
			l.weights[i] = float32(random.NormFloat64() / math.Sqrt(float64(s.hidden)))
		}
		n.outs = append(n.outs, l)
		s.gains = append(s.gains, make([]float32, h.classes))
	}
	s.model = n
	s.gain, s.gbias = make([]float32, s.size), make([]float32, s.hidden)
	s.order = append([]int(nil), s.rows...)
	s.slots = make([]slotState, s.batch)
	for range s.workers {
		s.readers = append(s.readers, s.x.reader())
		s.own = append(s.own, vector{})
	}
	for i := range s.slots {
		p := &s.slots[i]
		p.h, p.back = make([]float32, s.hidden), make([]float32, s.hidden)
		for _, h := range s.heads {
			p.errs = append(p.errs, make([]float32, h.classes))
		}
	}
}

// step learns from one mini-batch. Gradients are computed example by example, then every worker applies, in the order
// of the examples, those of the rows of weights that it owns: no sum depends on the number of workers.
func (s *session) step(batch []int, decay float32, seed uint64) {
	s.each(func(w int) {
		for i := w; i < len(batch); i += s.workers {
			s.slots[i].random.Seed(seed, uint64(i))
			s.gradient(&s.slots[i], s.readers[w].row(batch[i]), batch[i])
		}
	})
	s.each(func(w int) {
		for i, row := range batch {
			s.apply(&s.slots[i], row, w, decay)
		}
	})
}

func (s *session) each(f func(worker int)) {
	if s.workers == 1 {
		f(0)
		return
	}
	var wait sync.WaitGroup
	for w := 1; w < s.workers; w++ {
		wait.Go(func() { f(w) })
	}
	f(0)
	wait.Wait()
}

// gradient computes one example's gradients.
func (s *session) gradient(p *slotState, v vector, row int) {
	s.drop(p, v)
	s.model.activate(p.v, p.h)
	s.dropUnits(p)
	clear(p.back)
	for k, head := range s.heads {
		y := head.y[row]
		if y < 0 || head.classes < 2 {
			continue
		}
		z := p.errs[k]
		s.model.outs[k].logits(p.h, z)
		softmax(z, 1)
		base := s.smoothing / float32(head.classes)
		for c := range z {
			z[c] -= base
			if int32(c) == y {
				z[c] -= 1 - s.smoothing
			}
			if z[c] > trivial || z[c] < -trivial {
				axpy(z[c], s.model.outs[k].weights[c*s.hidden:(c+1)*s.hidden], p.back)
			}
		}
	}
	p.square, p.norm = 0, 0
	keep := 1 / (1 - s.dropHidden)
	for j, h := range p.h {
		if h <= 0 {
			p.back[j] = 0
			continue
		}
		p.back[j] *= keep
		p.square += p.back[j] * p.back[j] / float32(s.hidden)
		p.norm += h * h / float32(s.hidden)
	}
}

// drop leaves out a random share of the features and raises the others to make up for it.
func (s *session) drop(p *slotState, v vector) {
	p.v.ids, p.v.vals = p.v.ids[:0], p.v.vals[:0]
	keep, limit := 1/(1-s.dropFeature), uint64(float64(s.dropFeature)*(1<<32))
	for i, id := range v.ids {
		if p.random.Uint64()>>32 >= limit && (s.skip == nil || !s.skip[id]) {
			p.v.ids = append(p.v.ids, id)
			p.v.vals = append(p.v.vals, v.vals[i]*keep)
		}
	}
}

func (s *session) dropUnits(p *slotState) {
	if s.dropHidden == 0 {
		return
	}
	keep, limit := 1/(1-s.dropHidden), uint64(float64(s.dropHidden)*(1<<32))
	for j := range p.h {
		if p.random.Uint64()>>32 < limit {
			p.h[j] = 0
		} else {
			p.h[j] *= keep
		}
	}
}

// apply updates the weights that the worker owns for one example.
func (s *session) apply(p *slotState, row, worker int, decay float32) {
	own := &s.own[worker]
	own.ids, own.vals = own.ids[:0], own.vals[:0]
	for i, id := range p.v.ids {
		if s.workers > 1 && int(id)%s.workers != worker {
			continue
		}
		x := p.v.vals[i]
		s.gain[id] += x * x * p.square
		rate := s.rate * decay * x / float32(math.Sqrt(float64(s.gain[id])+1e-7))
		own.ids, own.vals = append(own.ids, id), append(own.vals, -rate)
	}
	addToRows(s.model.embed, *own, p.back)
	for k, head := range s.heads {
		if head.y[row] < 0 || head.classes < 2 {
			continue
		}
		out, gain := &s.model.outs[k], s.gains[k]
		for c := worker; c < head.classes; c += s.workers {
			g := p.errs[k][c]
			if g < trivial && g > -trivial {
				continue
			}
			gain[c] += g * g * (p.norm + 1)
			rate := s.outRate * decay / float32(math.Sqrt(float64(gain[c])+1e-4))
			axpy(-rate*g, p.h, out.weights[c*s.hidden:(c+1)*s.hidden])
			out.bias[c] -= rate * g
		}
	}
	if worker == 0 {
		for j, g := range p.back {
			s.gbias[j] += g * g
			s.model.bias[j] -= s.rate * decay * g / float32(math.Sqrt(float64(s.gbias[j])+1e-2))
		}
	}
}
