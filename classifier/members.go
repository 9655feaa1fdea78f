package classifier

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Which parts a training has.
const (
	bestNets      = 4       // networks of the best quality
	muchToLearn   = 100_000 // from here on one network learns at a time, on all cores, and there are no others
	fewLabels     = 32      // up to here a linear part costs little beside a network
	maxLinear     = 64 << 20
	linearWorth   = 0.003 // share of the log loss that the linear parts must save to be kept,
	linearTried   = 500   // where so many examples tell
	ratioTexts    = 150   // texts for each label, from which on its own weights of features are better than those for all labels
	memberSeeding = 0x9e3779b97f4a7c15
)

// fitted is what was learned from some of the examples.
type fitted struct {
	nets   []*network
	linear [][parts]*linear // by head; nil: the part is not there
}

// there says which parts head k has.
func (f *fitted) there(k int) [parts]bool {
	out := [parts]bool{partNets: true}
	for p, l := range f.linear[k] {
		out[p] = out[p] || l != nil
	}
	return out
}

// nets is how many networks vote.
func (t *trainer) nets() int {
	if t.opt.Quality == QualityFast || len(t.examples) >= muchToLearn {
		return 1
	}
	return bestNets
}

// linear reports whether head k gets a linear part.
func (t *trainer) linear(k int) bool {
	n := t.task.heads[k].classes
	return n > 1 && len(t.examples) < muchToLearn && t.task.size*strideOf(n) <= maxLinear &&
		(n <= fewLabels || t.opt.Quality == QualityBest)
}

// member is the optimiser of network m. The odd ones do not look at edges and style: unlike members vote better. Of
// sentences that stand there in many languages, pairs of words and edges name the sentence more than its label: there no
// network looks at them, and steps may be longer.
func (t *trainer) member(m int) learner {
	l := t.learner()
	l.seed += uint64(m) * memberSeeding
	var blind []group
	switch {
	case t.translations && m%2 == 1:
		l.rate, blind = l.rate*2, []group{groupPair, groupEdge, groupStyle}
	case t.translations:
		l.rate, blind = l.rate*2, []group{groupPair, groupEdge, groupStyle, groupNext}
	case m%2 == 1:
		blind = []group{groupEdge, groupStyle}
	}
	if blind == nil {
		return l
	}
	l.skip = make([]bool, len(t.vocab.groups))
	for id, g := range t.vocab.groups {
		l.skip[id] = slices.Contains(blind, g)
	}
	return l
}

// jobs lists what is to be done to learn from the rows; each is one piece of work for one worker.
func (t *trainer) jobs(rows []int) (*fitted, []func(context.Context) error) {
	part := t.task
	part.rows = rows
	f := &fitted{nets: make([]*network, t.nets()), linear: make([][parts]*linear, len(t.heads))}
	var jobs []func(context.Context) error
	for m := range f.nets {
		jobs = append(jobs, func(ctx context.Context) (err error) {
			l := t.member(m)
			if len(t.examples) < muchToLearn {
				l.workers = 1
			}
			f.nets[m], err = l.learn(ctx, part)
			return err
		})
	}
	for k, head := range part.heads {
		if !t.linear(k) {
			continue
		}
		machine := func(p int, cost float64, by weighing) func(context.Context) error {
			return func(ctx context.Context) (err error) {
				f.linear[k][p], err = learnMachine(ctx, part, head, cost, by, t.opt.Seed)
				t.advance()
				return err
			}
		}
		jobs = append(jobs, machine(partPlain, plainCost, weighing{}), machine(partChars, charsCost, weighing{gains: t.only(groupWord, groupChar)}), func(ctx context.Context) error {
			f.linear[k][partBayes] = learnBayes(part, head)
			by := weighing{ratios: head.labelled() >= ratioTexts*head.classes}
			if !by.ratios {
				by.gains = gains(part, head)
			}
			return machine(partWeighted, weightedCost, by)(ctx)
		})
	}
	return f, jobs
}

// only gives the features of some groups the weight 1, all others 0.
func (t *trainer) only(list ...group) []float32 {
	out := make([]float32, len(t.vocab.groups))
	for id, g := range t.vocab.groups {
		if slices.Contains(list, g) {
			out[id] = 1
		}
	}
	return out
}

// run does the jobs, as many at a time as there are workers; of many examples one at a time. It returns the first error.
func (t *trainer) run(ctx context.Context, jobs []func(context.Context) error) error {
	workers := min(t.opt.Workers, len(jobs))
	if len(t.examples) >= muchToLearn {
		workers = 1
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				if err := jobs[i](ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// ask adds the parts' logits for the rows, which f did not learn from, to the heads' votes.
func (t *trainer) ask(f *fitted, known []bool, rows []int) {
	h := make([][]float32, len(f.nets))
	for m, n := range f.nets {
		h[m] = make([]float32, n.hidden)
	}
	for _, r := range rows {
		v := t.forget(t.task.x.row(r), known)
		for m, n := range f.nets {
			n.activate(v, h[m])
		}
		for k := range t.heads {
			if y := t.task.heads[k].y[r]; y >= 0 {
				f.vote(k, v, h, &t.heads[k])
				t.heads[k].votes.truth = append(t.heads[k].votes.truth, y)
				t.heads[k].rows = append(t.heads[k].rows, r)
			}
		}
	}
}

// vote appends the logits of one text to the votes of head k.
func (f *fitted) vote(k int, v vector, hidden [][]float32, plan *headPlan) {
	u := &plan.votes
	z, mean := make([]float32, strideOf(u.classes)), make([]float32, u.classes)
	for m, n := range f.nets {
		n.outs[k].logits(hidden[m], z[:u.classes])
		if m == 0 {
			plan.first = append(plan.first, z[:u.classes]...)
		}
		axpy(1/float32(len(f.nets)), z[:u.classes], mean)
	}
	u.by[partNets] = append(u.by[partNets], mean...)
	for p, l := range f.linear[k] {
		if l != nil {
			l.logits(v, z)
			u.by[p] = append(u.by[p], z[:u.classes]...)
		}
	}
}

// settle chooses the mixture of a head's parts and fills the logits that it gives. Where the folds cannot be trusted, as
// sentences are translations of each other and not every one is found, no part may gain from having all but seen the
// kept-back examples: the networks have half the say, and only the temperature is fitted.
func (p *headPlan) settle(trusted bool) {
	p.mixture, p.temperature = usual(p.votes.there()), 1
	if len(p.labels) == 1 || len(p.votes.truth) == 0 {
		return
	}
	if !trusted {
		p.mixture = shared(p.votes.there(), 0.5)
		p.votes.mix(p.mixture)
		p.temperature = p.votes.temperature()
		return
	}
	all, loss := p.votes.fit(p.votes.there())
	alone, more := p.votes.fit([parts]bool{partNets: true})
	if len(p.votes.truth) >= linearTried && loss > more*(1-linearWorth) {
		all = alone
	}
	var t float64
	p.mixture, t = all.split()
	p.temperature = float32(t)
	p.votes.mix(p.mixture)
}

// assemble makes the model of what was learned.
func (t *trainer) assemble(f *fitted) *Model {
	m := &Model{recipe: t.recipe, vocab: t.vocab, seed: t.opt.Seed}
	for k := range t.heads {
		m.heads = append(m.heads, t.head(k, f))
	}
	for i, n := range f.nets {
		if i == 0 {
			m.embed = quantise(n)
		} else {
			m.more = append(m.more, quantise(n))
		}
	}
	return m
}

// join puts the weighted parts of head k together.
func (h *head) join(k int, f *fitted, w mixture, features int) {
	share := float32(w[partNets]) / float32(len(f.nets))
	for i, n := range f.nets {
		l := n.outs[k].times(share)
		if i == 0 {
			h.layer = l
		} else {
			h.more = append(h.more, l)
		}
	}
	var sum *linear
	for p, part := range f.linear[k] {
		if part == nil || w[p] == 0 {
			continue
		}
		if sum == nil {
			sum = newLinear(features, len(h.labels))
		}
		sum.add(float32(w[p]), part)
	}
	if sum == nil {
		return
	}
	h.wide = pack(sum.stride, fineLevels, sum.weights, sum.bias)
}

// times returns the layer with all weights multiplied by a.
func (l *layer) times(a float32) layer {
	out := layer{weights: make([]float32, len(l.weights)), bias: make([]float32, len(l.bias))}
	axpy(a, l.weights, out.weights)
	axpy(a, l.bias, out.bias)
	return out
}

// solo is the temperature of the first network alone; 1 where there is nothing to calibrate on.
func (p *headPlan) solo() float32 {
	if len(p.votes.truth) == 0 || len(p.labels) == 1 {
		return 1
	}
	if p.alone == 0 {
		o := outOfFold{classes: p.votes.classes, logits: p.first, truth: p.votes.truth}
		p.alone = o.temperature()
	}
	return p.alone
}
