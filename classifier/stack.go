package classifier

import "math"

// The parts that vote on a label.
const (
	partNets     = iota // mean of the networks
	partPlain           // support vector machines
	partWeighted        // the same over features weighted by gains
	partBayes           // naive Bayes
	parts
)

// Costs of an error of the support vector machines.
const (
	plainCost    = 1.0
	weightedCost = 0.1
)

// mixture weighs the parts' logits; none is below 0.
type mixture [parts]float64

// votes holds the parts' logits for examples that they did not learn from.
type votes struct {
	outOfFold
	by [parts][]float32 // as outOfFold.logits; nil: the part is not there
}

func (v *votes) row(p, i int) []float32 { return v.by[p][i*v.classes : (i+1)*v.classes] }

// mix fills the logits with the weighted sum of the parts.
func (v *votes) mix(w mixture) {
	v.logits = make([]float32, len(v.truth)*v.classes)
	for p, z := range v.by {
		if z != nil && w[p] != 0 {
			axpy(float32(w[p]), z, v.logits)
		}
	}
}

// fit finds the mixture with the least log loss ("stacking", Wolpert 1992; with non-negative weights as in Breiman 1996),
// by Newton's method: the loss is convex. A little ridge towards the networks alone keeps it steady on few examples.
// Parts that use does not name get no weight.
func (v *votes) fit(use [parts]bool) (mixture, float64) {
	var w mixture
	w[partNets] = 1
	var free [parts]bool
	for p := range parts {
		free[p] = use[p] && v.by[p] != nil
	}
	for range 25 {
		g, h := v.derivatives(w, free)
		moves := free
		for p := range parts { // a weight at its bound that wants to go below stays there
			moves[p] = free[p] && (w[p] > 0 || g[p] < 0)
		}
		step, far := solveMixture(h, g, moves), 0.0
		for p := range parts {
			if moves[p] {
				next := max(0, w[p]-step[p])
				far = max(far, math.Abs(next-w[p]))
				w[p] = next
			}
		}
		if free[partNets] {
			w[partNets] = max(w[partNets], leastNets)
		}
		if far < 1e-4 {
			break
		}
	}
	return w, v.loss(w)
}

const (
	leastNets    = 0.02 // weight of the networks: signs of scope and neighbours rest on them
	mixtureRidge = 1.0  // examples' worth
)

// loss is the mean log loss of a mixture, in nats.
func (v *votes) loss(w mixture) float64 {
	var total float64
	z := make([]float32, v.classes)
	for i, y := range v.truth {
		v.sum(i, w, z)
		truth := z[y]
		total += softmax(z, 1) - float64(truth)
	}
	return total / float64(max(1, len(v.truth)))
}

// sum writes the mixture's logits for example i.
func (v *votes) sum(i int, w mixture, z []float32) {
	clear(z)
	for p := range parts {
		if v.by[p] != nil && w[p] != 0 {
			axpy(float32(w[p]), v.row(p, i), z)
		}
	}
}

// derivatives are those of the mean log loss and the ridge by the weights.
func (v *votes) derivatives(w mixture, free [parts]bool) (g [parts]float64, h [parts][parts]float64) {
	z := make([]float32, v.classes)
	n := float64(max(1, len(v.truth)))
	for i, y := range v.truth {
		v.sum(i, w, z)
		softmax(z, 1)
		var mean [parts]float64
		var square [parts][parts]float64
		for p := range parts {
			if !free[p] {
				continue
			}
			a := v.row(p, i)
			for c, q := range z {
				mean[p] += float64(q) * float64(a[c])
			}
			for r := range p + 1 {
				if !free[r] {
					continue
				}
				b := v.row(r, i)
				for c, q := range z {
					square[p][r] += float64(q) * float64(a[c]) * float64(b[c])
				}
			}
			g[p] += (mean[p] - float64(a[y])) / n
		}
		for p := range parts {
			for r := range p + 1 {
				h[p][r] += (square[p][r] - mean[p]*mean[r]) / n
			}
		}
	}
	for p := range parts {
		towards := 0.0
		if p == partNets {
			towards = 1
		}
		g[p] += mixtureRidge / n * (w[p] - towards)
		h[p][p] += mixtureRidge/n + 1e-9
		for r := range p {
			h[r][p] = h[p][r]
		}
	}
	return g, h
}

// solveMixture is Newton's step over the free weights.
func solveMixture(h [parts][parts]float64, g [parts]float64, free [parts]bool) [parts]float64 {
	for p := range parts {
		if free[p] {
			continue
		}
		g[p] = 0
		for r := range parts {
			h[p][r], h[r][p] = 0, 0
		}
		h[p][p] = 1
	}
	for i := range parts {
		for r := i + 1; r < parts; r++ {
			f := h[r][i] / h[i][i]
			for c := i; c < parts; c++ {
				h[r][c] -= f * h[i][c]
			}
			g[r] -= f * g[i]
		}
	}
	for i := parts - 1; i >= 0; i-- {
		for c := i + 1; c < parts; c++ {
			g[i] -= h[i][c] * g[c]
		}
		g[i] /= h[i][i]
	}
	return g
}
