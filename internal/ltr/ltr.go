// Package ltr learns to rank: the weights of a linear function by which relevant documents come before others, from lists
// of which it is known what is relevant.
package ltr

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// List is what one query found.
type List struct {
	Features [][]float64 // of each document, all of the same length
	Gains    []float64   // of each document; 0: not relevant
}

// Options of Fit.
type Options struct {
	Ridge  float64 // strength of the pull towards the order by feature 0 alone; 0: 0.01
	Rounds int     // Newton steps at most; 0: 50
}

// ErrNothing is the error of lists that tell nothing: none has both a relevant document and another.
var ErrNothing = errors.New("no list has a relevant document and another one")

// Fit returns one weight for each feature. Only differences within a list count, every list as much as any other, and the
// features' units make no difference. Feature 0 is the order that there was before: the penalty pulls towards its weight
// where it stands alone, all others 0, so that few lists change little. The same lists give the same weights.
//
// The loss is the cross-entropy of the lists' gains and the softmax of the scores (ListNet with top-one probabilities, Cao
// et al. 2007; a bound of nDCG, Bruch et al. 2019, "An analysis of the softmax cross entropy loss for learning-to-rank with
// binary relevance"). It is convex, and minimised by Newton's method.
//
// Without a list to learn from the error is ErrNothing; when the context ends it wraps the context's.
func Fit(ctx context.Context, lists []List, opt Options) ([]float64, error) {
	if opt.Ridge <= 0 {
		opt.Ridge = 0.01
	}
	if opt.Rounds <= 0 {
		opt.Rounds = 50
	}
	p := newProblem(lists)
	if len(p.lists) == 0 {
		return nil, ErrNothing
	}
	first := newProblem(alone(lists))
	start, err := first.minimise(ctx, make([]float64, 1), 1e-6, opt.Rounds)
	if err != nil {
		return nil, err
	}
	prior := make([]float64, len(p.scale))
	prior[0] = start[0] // in units of feature 0's spread, which is the same in both problems
	w, err := p.minimise(ctx, prior, opt.Ridge, opt.Rounds)
	if err != nil {
		return nil, err
	}
	for j, s := range p.scale {
		w[j] = over(w[j], s)
	}
	return w, nil
}

// alone keeps feature 0.
func alone(lists []List) []List {
	out := make([]List, len(lists))
	for i, l := range lists {
		out[i].Gains = l.Gains
		for _, x := range l.Features {
			out[i].Features = append(out[i].Features, x[:1])
		}
	}
	return out
}

// problem is the lists that tell something.
type problem struct {
	lists  []List    // with features about their mean in the list, in units of scale
	scale  []float64 // mean standard deviation of each feature within a list; 0 where it never differs
	scores []float64 // reused
	mean   []float64 // reused
}

func newProblem(lists []List) *problem {
	p := &problem{}
	most := 0
	var used []List
	for _, l := range lists {
		relevant := 0
		for _, g := range l.Gains {
			if g > 0 {
				relevant++
			}
		}
		if relevant > 0 && relevant < len(l.Gains) {
			used = append(used, l)
			most = max(most, len(l.Gains))
		}
	}
	if len(used) == 0 {
		return p
	}
	d := len(used[0].Features[0])
	p.scale, p.mean, p.scores = make([]float64, d), make([]float64, d), make([]float64, most)
	for _, l := range used {
		c := centred(l)
		for j := range p.scale {
			squares := 0.0
			for _, x := range c.Features {
				squares += x[j] * x[j]
			}
			p.scale[j] += math.Sqrt(squares/float64(len(c.Features))) / float64(len(used))
		}
		p.lists = append(p.lists, c)
	}
	for j, s := range p.scale {
		if s < 1e-9 {
			p.scale[j] = 0
		}
	}
	for _, l := range p.lists {
		for _, x := range l.Features {
			for j := range x {
				x[j] = over(x[j], p.scale[j])
			}
		}
	}
	return p
}

// over is a/b, and 0 where b is 0.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// centred is a copy of a list with each feature less its mean.
func centred(l List) List {
	out := List{Gains: l.Gains, Features: make([][]float64, len(l.Features))}
	mean := make([]float64, len(l.Features[0]))
	for _, x := range l.Features {
		for j, v := range x {
			mean[j] += v / float64(len(l.Features))
		}
	}
	for i, x := range l.Features {
		out.Features[i] = make([]float64, len(x))
		for j, v := range x {
			out.Features[i][j] = v - mean[j]
		}
	}
	return out
}

// minimise goes from the prior to the least loss, in the scaled features' weights.
func (p *problem) minimise(ctx context.Context, prior []float64, ridge float64, rounds int) ([]float64, error) {
	w := append([]float64(nil), prior...)
	gradient, hessian := make([]float64, len(w)), make([][]float64, len(w))
	for j := range hessian {
		hessian[j] = make([]float64, len(w))
	}
	loss := p.loss(w, prior, ridge)
	for range rounds {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("fit: %w", err)
		}
		p.derive(w, gradient, hessian)
		for j := range w {
			gradient[j] += ridge * (w[j] - prior[j])
			hessian[j][j] += ridge
		}
		step := solve(hessian, gradient)
		next, better := make([]float64, len(w)), loss
		for size := 1.0; size > 1e-6; size /= 2 {
			for j := range w {
				next[j] = w[j] - size*step[j]
			}
			if better = p.loss(next, prior, ridge); better < loss {
				break
			}
		}
		if better > loss-1e-10 {
			break
		}
		w, loss = next, better
	}
	return w, nil
}

// probabilities fills p.scores with the softmax of a list's scores.
func (p *problem) probabilities(l List, w []float64) []float64 {
	out, most := p.scores[:len(l.Gains)], math.Inf(-1)
	for i, x := range l.Features {
		out[i] = 0
		for j, v := range x {
			out[i] += w[j] * v
		}
		most = max(most, out[i])
	}
	sum := 0.0
	for i := range out {
		out[i] = math.Exp(out[i] - most)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

func (p *problem) loss(w, prior []float64, ridge float64) float64 {
	sum := 0.0
	for _, l := range p.lists {
		total := total(l.Gains)
		for i, q := range p.probabilities(l, w) {
			if l.Gains[i] > 0 {
				sum -= l.Gains[i] / total * math.Log(max(q, 1e-300))
			}
		}
	}
	sum /= float64(len(p.lists))
	for j := range w {
		sum += ridge / 2 * (w[j] - prior[j]) * (w[j] - prior[j])
	}
	return sum
}

func total(gains []float64) (sum float64) {
	for _, g := range gains {
		sum += max(g, 0)
	}
	return sum
}

// derive fills in the first and second derivatives of the mean loss, the penalty left out.
func (p *problem) derive(w, gradient []float64, hessian [][]float64) {
	clear(gradient)
	for _, row := range hessian {
		clear(row)
	}
	n := float64(len(p.lists))
	for _, l := range p.lists {
		total := total(l.Gains)
		clear(p.mean)
		for i, q := range p.probabilities(l, w) {
			x := l.Features[i]
			for j, v := range x {
				p.mean[j] += q * v
				gradient[j] += (q - max(l.Gains[i], 0)/total) * v / n
			}
			for j, v := range x {
				row, by := hessian[j], q*v/n
				for k := 0; k <= j; k++ {
					row[k] += by * x[k]
				}
			}
		}
		for j := range p.mean {
			for k := 0; k <= j; k++ {
				hessian[j][k] -= p.mean[j] * p.mean[k] / n
			}
		}
	}
}

// solve gives x with a·x = b for a symmetric positive definite a of which the lower half is read, by Cholesky's
// decomposition. A pivot that rounding made too small is raised.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	l := make([][]float64, n)
	x := make([]float64, n)
	for i := range l {
		l[i] = make([]float64, n)
		for j := 0; j <= i; j++ {
			sum := a[i][j]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][i] = math.Sqrt(max(sum, 1e-12))
			} else {
				l[i][j] = sum / l[j][j]
			}
		}
		x[i] = b[i]
		for k := range i {
			x[i] -= l[i][k] * x[k]
		}
		x[i] /= l[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= l[k][i] * x[k]
		}
		x[i] /= l[i][i]
	}
	return x
}
