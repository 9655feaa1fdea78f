package classifier

// The parts that vote on a label.
const (
	partNets     = iota // mean of the networks
	partPlain           // support vector machines
	partChars           // the same over words and characters alone
	partWeighted        // the same over features weighted by gains or ratios
	partBayes           // naive Bayes
	parts
)

// Costs of an error of the support vector machines.
const (
	plainCost    = 1.0
	charsCost    = 3.0
	weightedCost = 0.1
)

// typical is the temperature that calibrates a part alone, as a rule: within a third of it on training parts of 30 to
// 15,000 texts with 3 to 150 labels, but for sentiment.
var typical = [parts]float64{1, 0.21, 0.21, 0.14, 3.6}

// mixture weighs the parts' logits; none is below 0.
type mixture [parts]float64

// usual is the mixture from which examples may lead away: networks, machines over words and characters and naive Bayes
// have an equal say. On small sets it is near the best that there is.
func usual(use [parts]bool) mixture { return shared(use, 1.0/3) }

// shared gives the networks their say, and what is left to machines over words and characters and to naive Bayes.
func shared(use [parts]bool, networks float64) mixture {
	var others []int
	for _, p := range []int{partChars, partBayes} {
		if use[p] {
			others = append(others, p)
		}
	}
	if len(others) == 0 {
		networks = 1
	}
	w := mixture{partNets: networks / typical[partNets]}
	for _, p := range others {
		w[p] = (1 - networks) / (float64(len(others)) * typical[p])
	}
	return w
}

// says is how much a part has to say: its weight beside that which would calibrate it alone.
func (w mixture) says(p int) float64 { return w[p] * typical[p] }

// split takes the weights apart into those with which all parts together have one to say, and a temperature.
func (w mixture) split() (mixture, float64) {
	sum := 0.0
	for p := range parts {
		sum += w.says(p)
	}
	for p := range w {
		w[p] /= sum
	}
	return w, 1 / sum
}

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
// by Newton's method: the loss is convex. A ridge towards the usual mixture keeps it steady on few examples. Parts that
// use does not name get no weight.
func (v *votes) fit(use [parts]bool) (mixture, float64) {
	free := v.there()
	for p := range parts {
		free[p] = free[p] && use[p]
	}
	start := usual(free)
	w, loss := start, v.loss(start)
	for range 25 {
		g, h := v.derivatives(w, start, free)
		moves := free
		for p := range parts { // a weight at its bound that wants to go below stays there
			moves[p] = free[p] && (w[p] > 0 || g[p] < 0)
		}
		step := solveMixture(h, g, moves)
		next, less := w, loss
		for scale := 1.0; scale > 1e-3; scale /= 2 { // far from the minimum a whole step may lead uphill
			next = w.moved(step, -scale)
			if less = v.loss(next) + next.ridge(start)/float64(max(1, len(v.truth))); less < loss {
				break
			}
		}
		if less >= loss {
			break
		}
		gain := loss - less
		if w, loss = next, less; gain < 1e-7 {
			break
		}
	}
	return w, v.loss(w)
}

// moved returns the mixture that lies some steps further; the networks keep a little weight.
func (w mixture) moved(step [parts]float64, times float64) mixture {
	for p := range w {
		w[p] = max(0, w[p]+times*step[p])
	}
	w[partNets] = max(w[partNets], leastNets)
	return w
}

// ridge is the price of being away from the usual mixture.
func (w mixture) ridge(usual mixture) float64 {
	var square float64
	for p := range parts {
		d := w.says(p) - usual.says(p)
		square += d * d
	}
	return mixtureRidge / 2 * square
}

const (
	leastNets    = 0.02 // weight of the networks: signs of scope and neighbours rest on them
	mixtureRidge = 20.0 // examples' worth
)

// there says which parts have voted.
func (v *votes) there() [parts]bool {
	var out [parts]bool
	for p := range parts {
		out[p] = v.by[p] != nil
	}
	return out
}

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
func (v *votes) derivatives(w, usual mixture, free [parts]bool) (g [parts]float64, h [parts][parts]float64) {
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
		ridge := mixtureRidge / n * typical[p] * typical[p]
		g[p] += ridge * (w[p] - usual[p])
		h[p][p] += ridge + 1e-9
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
