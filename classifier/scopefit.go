package classifier

import (
	"cmp"
	"context"
	"math"
	"slices"

	"prediag"
)

// How the scope is fitted.
const (
	scopeGroups   = 4       // groups of labels; one of them is kept from the model in each rotation
	leastLabels   = 4       // fewer labels than this, or
	leastSigns    = 50      // fewer texts in or out of scope to judge: the default serves
	manySigns     = 5_000   // examples from which on two rotations give enough to judge
	maxScopeLearn = 100_000 // examples that a rotation looks at
	labelledShare = 0.8     // of the weight of the outside for examples labelled out of scope, where there are many
	labelledHalf  = 20      // labelled examples at which they get half of that
)

// judged is a text whose scope is known.
type judged struct {
	sign
	in       bool
	labelled bool // out of scope by its label, not because its label was kept from the model
}

// rotations is how many models are trained for the scope.
func rotations(n int) int {
	if n < manySigns {
		return scopeGroups
	}
	return 2
}

// scopeEpochs is how long such a model learns: it needs to be typical, not good.
func scopeEpochs(epochs int) int { return (epochs + 1) / 2 }

// scopePasses is how often fitScope reports progress at most.
func scopePasses(epochs, n int) int { return rotations(n) * scopeEpochs(epochs) }

// fitScope learns the signs of familiarity from models that never saw some of the labels: their examples, and kept-back
// ones labelled out of scope, play the unknown, kept-back examples of the other labels the known. Every label but "out
// of scope" takes its turn among the hidden where there are few examples, half of them where there are many.
func (t *trainer) fitScope(ctx context.Context) (scope, error) {
	if len(t.heads[0].labels) < leastLabels || len(t.examples) < 4*leastSigns {
		return defaultScope(), nil
	}
	group, fold := t.labelGroups(), t.assign()
	var all []judged
	for k := range rotations(len(t.examples)) {
		var learn, test []int
		for i, y := range t.task.heads[0].y[:min(len(t.examples), maxScopeLearn)] {
			switch {
			case y < 0:
			case group[y] == k, group[y] >= 0 && fold[i] == k, group[y] < 0 && fold[i]%scopeGroups == k:
				test = append(test, i)
			default:
				learn = append(learn, i)
			}
		}
		list, err := t.rotate(ctx, learn, test, func(y int32) bool { return group[y] == k })
		if err != nil {
			return scope{}, err
		}
		all = append(all, list...)
	}
	return fitJudged(all), nil
}

// labelGroups deals the labels into groups, in the order of their hashes; -1 is "out of scope".
func (t *trainer) labelGroups() []int {
	labels := t.heads[0].labels
	group := make([]int, len(labels))
	order := make([]int, 0, len(labels))
	for c, l := range labels {
		group[c] = -1
		if l != prediag.LabelOutOfScope {
			order = append(order, c)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(hashString(labels[a]), hashString(labels[b])) })
	for i, c := range order {
		group[c] = i % scopeGroups
	}
	return group
}

// rotate trains a model on some rows and judges others.
func (t *trainer) rotate(ctx context.Context, learn, test []int, hidden func(label int32) bool) ([]judged, error) {
	if len(learn) == 0 || len(test) == 0 {
		return nil, nil
	}
	part := t.task
	part.rows, part.heads = learn, t.task.heads[:1]
	l := t.member(0)
	l.epochs = scopeEpochs(l.epochs)
	net, err := l.learn(ctx, part)
	if err != nil {
		return nil, err
	}
	known, embed, labels := t.known(ctx, learn), quantise(net), t.heads[0].labels
	inverse := 1 / t.heads[0].solo()
	x := &nearIndex{units: embed.hidden}
	h, z := make([]float32, embed.hidden), make([]float32, len(labels))
	var coefs []uint16
	for _, r := range learn {
		coefs = embed.activate(t.forget(t.task.x.row(r), known), h, coefs)
		x.put(h)
		x.labels = append(x.labels, t.task.heads[0].y[r])
	}
	x.group(len(labels))
	e := &extractor{recipe: t.recipe}
	out := make([]judged, 0, len(test))
	for _, r := range test {
		coefs = embed.activate(t.forget(t.task.x.row(r), known), h, coefs)
		net.outs[0].logits(h, z)
		energy := softmax(z, inverse)
		y := t.task.heads[0].y[r]
		j := judged{sign: signOf(labels, z, energy, x, h), labelled: labels[y] == prediag.LabelOutOfScope}
		j.unseen = unseenShare(e.extract(t.examples[r].Ticket), t.vocab, known)
		j.in = !j.labelled && !hidden(y)
		out = append(out, j)
	}
	return out, nil
}

// fitJudged is a logistic regression with no weight below zero: what comes out negative is left out, and the others are
// fitted again.
func fitJudged(list []judged) scope {
	var n [3]float64 // hidden, in, labelled
	for _, j := range list {
		n[j.kind()]++
	}
	if n[0]+n[2] < leastSigns || n[1] < leastSigns {
		return defaultScope()
	}
	share := labelledShare * n[2] / (n[2] + labelledHalf)
	if n[0] == 0 {
		share = 1
	}
	weight := [3]float64{priorOutside * (1 - share) / max(n[0], 1), (1 - priorOutside) / n[1], priorOutside * share / max(n[2], 1)}
	r := newRegression(list, weight)
	for {
		bias, w := r.fit()
		worst := -1
		for i, v := range w {
			if v < 0 && (worst < 0 || v < w[worst]) {
				worst = i
			}
		}
		if worst < 0 {
			return scopeOf(bias, w)
		}
		r.off[worst] = true
	}
}

func (j judged) kind() int {
	switch {
	case j.in:
		return 1
	case j.labelled:
		return 2
	}
	return 0
}

// regression is a weighted logistic regression by Newton's method over standardised values, with a little ridge so that
// separable values keep finite weights.
type regression struct {
	list      []judged
	weight    [3]float64
	mean, dev [signs]float64
	off       [signs]bool
}

func newRegression(list []judged, weight [3]float64) *regression {
	r := &regression{list: list, weight: weight}
	for _, j := range list {
		for i, v := range j.values() {
			r.mean[i] += v / float64(len(list))
		}
	}
	for _, j := range list {
		for i, v := range j.values() {
			r.dev[i] += (v - r.mean[i]) * (v - r.mean[i]) / float64(len(list))
		}
	}
	for i, v := range r.dev {
		r.dev[i] = math.Sqrt(v)
		r.off[i] = r.dev[i] < 1e-9
	}
	return r
}

const ridge = 1e-4 // of the weight of all examples together

// fit returns the weights of the raw values.
func (r *regression) fit() (float64, [signs]float64) {
	var w [1 + signs]float64
	for range 30 {
		gradient, hessian := r.derivatives(w)
		step := solve(hessian, gradient)
		for i := range w {
			w[i] -= step[i]
		}
	}
	bias, raw := w[0], [signs]float64{}
	for i := range raw {
		if !r.off[i] {
			raw[i] = w[1+i] / r.dev[i]
			bias -= raw[i] * r.mean[i]
		}
	}
	return bias, raw
}

func (r *regression) derivatives(w [1 + signs]float64) (gradient [1 + signs]float64, hessian [1 + signs][1 + signs]float64) {
	for i := range w {
		gradient[i], hessian[i][i] = ridge*w[i], ridge
	}
	for _, j := range r.list {
		x := [1 + signs]float64{1}
		sum := w[0]
		for i, v := range j.values() {
			if !r.off[i] {
				x[1+i] = (v - r.mean[i]) / r.dev[i]
				sum += w[1+i] * x[1+i]
			}
		}
		p, k := sigmoid(sum), r.weight[j.kind()]
		target := 0.0
		if j.in {
			target = 1
		}
		for i := range x {
			gradient[i] += k * (p - target) * x[i]
			for c := range x {
				hessian[i][c] += k * p * (1 - p) * x[i] * x[c]
			}
		}
	}
	return gradient, hessian
}

// solve returns x with a·x = b for a symmetric positive definite a, by Gaussian elimination.
func solve(a [1 + signs][1 + signs]float64, b [1 + signs]float64) [1 + signs]float64 {
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
