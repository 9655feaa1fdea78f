package classifier

import (
	"context"
	"math"

	"prediag"
)

// scope turns signs of familiarity into the probability that a ticket is in scope: a logistic regression over the
// log-odds of the best category and the share of the text's words that were never seen in training.
type scope struct {
	Bias   float64 `json:"bias"`
	Logit  float64 `json:"logit"`  // times the log-odds of the best label
	Unseen float64 `json:"unseen"` // times the share of unseen words, 0 to 1
}

// defaultScope serves where there is too little data to fit one.
func defaultScope() scope { return scope{Bias: 2, Logit: 1, Unseen: -3} }

// probability of being in scope, given the probability of the best label and the share of unseen words.
func (s scope) probability(best, unseen float64) float64 {
	return sigmoid(s.Bias + s.Logit*logit(best) + s.Unseen*unseen)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logit of p, kept within what a probability of 32 bits can tell.
func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// sign is what is known of one text when its scope is judged.
type sign struct {
	best   float64 // probability of the best label
	unseen float64 // share of unseen words
	in     bool
}

// Shares of the data that stand in for the unknown when the scope is fitted.
const (
	heldLabels   = 4    // one label in so many is kept from the model: its examples are out of scope
	leastLabels  = 8    // fewer labels than this, or
	leastSigns   = 200  // fewer texts to judge: the default serves
	priorOutside = 0.10 // share of out-of-scope tickets that the probability assumes
)

// fitScope learns the signs of familiarity from a model that never saw some of the labels: their examples, and those
// labelled out of scope, play the unknown, kept-back examples of the other labels the known.
func (t *trainer) fitScope(ctx context.Context) (scope, error) {
	head := t.task.heads[0]
	if head.classes < leastLabels || len(t.examples) < 2*leastSigns {
		return defaultScope(), nil
	}
	var learn, test []int
	fold := t.assign()
	for i, y := range head.y {
		switch {
		case y < 0:
		case t.hidden(y) || fold[i] == t.opt.Folds-1:
			test = append(test, i)
		default:
			learn = append(learn, i)
		}
	}
	part := t.task
	part.rows, part.heads = learn, t.task.heads[:1]
	l := t.learner()
	l.epochs = scopeEpochs(l.epochs)
	net, err := l.learn(ctx, part)
	if err != nil {
		return scope{}, err
	}
	return fitSigns(t.signs(net, t.known(learn), test)), nil
}

// scopeEpochs is how long the model for the scope learns: it needs to be typical, not good.
func scopeEpochs(epochs int) int { return (epochs + 1) / 2 }

// hidden reports whether a label is kept from the model for the scope.
func (t *trainer) hidden(label int32) bool {
	l := t.heads[0].labels[label]
	return l != prediag.LabelOutOfScope && hashString(l)%heldLabels == 0
}

func (t *trainer) signs(net *network, known []bool, rows []int) []sign {
	temperature := t.heads[0].temperature()
	h, z := make([]float32, net.hidden), make([]float32, len(t.heads[0].labels))
	var out []sign
	for _, r := range rows {
		v := t.rows.row(r)
		net.activate(t.forget(v, known), h)
		net.outs[0].logits(h, z)
		softmax(z, 1/temperature)
		words, unseen := 0, 0
		for _, id := range v.ids {
			if t.vocab.groups[id] == groupWord {
				words++
				if !known[id] {
					unseen++
				}
			}
		}
		y := t.task.heads[0].y[r]
		in := !t.hidden(y) && t.heads[0].labels[y] != prediag.LabelOutOfScope
		out = append(out, sign{bestInScope(t.heads[0].labels, z), float64(unseen) / float64(max(1, words)), in})
	}
	return out
}

// bestInScope is the largest probability of a label that is not "out of scope".
func bestInScope(labels []string, p []float32) float64 {
	best := 0.0
	for c, l := range labels {
		if l != prediag.LabelOutOfScope {
			best = max(best, float64(p[c]))
		}
	}
	return best
}

// fitSigns is a logistic regression by Newton's method, the examples weighted to the assumed share out of scope, with
// a little ridge so that separable signs keep finite weights.
func fitSigns(signs []sign) scope {
	var count [2]float64
	for _, s := range signs {
		count[index(s.in)]++
	}
	if count[0] < leastSigns/4 || count[1] < leastSigns/4 {
		return defaultScope()
	}
	weight := [2]float64{priorOutside / count[0], (1 - priorOutside) / count[1]}
	var w [3]float64
	for range 30 {
		var gradient [3]float64
		hessian := [3][3]float64{{1e-6}, {0, 1e-4}, {0, 0, 1e-4}}
		for i := range w {
			gradient[i] = hessian[i][i] * w[i]
		}
		for _, s := range signs {
			x := [3]float64{1, logit(s.best), s.unseen}
			p := sigmoid(w[0]*x[0] + w[1]*x[1] + w[2]*x[2])
			k := weight[index(s.in)]
			for i := range x {
				gradient[i] += k * (p - float64(index(s.in))) * x[i]
				for j := range x {
					hessian[i][j] += k * p * (1 - p) * x[i] * x[j]
				}
			}
		}
		step := solve(hessian, gradient)
		for i := range w {
			w[i] -= step[i]
		}
	}
	return scope{Bias: w[0], Logit: max(w[1], 0), Unseen: min(w[2], 0)}
}

func index(in bool) int {
	if in {
		return 1
	}
	return 0
}

// solve returns x with a·x = b for a symmetric positive definite a, by Gaussian elimination.
func solve(a [3][3]float64, b [3]float64) [3]float64 {
	for i := range b {
		for r := i + 1; r < len(b); r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < len(b); c++ {
				a[r][c] -= f * a[i][c]
			}
			b[r] -= f * b[i]
		}
	}
	for i := len(b) - 1; i >= 0; i-- {
		for c := i + 1; c < len(b); c++ {
			b[i] -= a[i][c] * b[c]
		}
		b[i] /= a[i][i]
	}
	return b
}
