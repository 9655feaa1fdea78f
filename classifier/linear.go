package classifier

import (
	"context"
	"math"
	"math/rand/v2"
)

// linear is a classifier that adds one weight per feature and label: features × stride, in rows of stride numbers, of
// which the first ones belong to the labels and the others are 0.
type linear struct {
	stride  int
	weights []float32
	bias    []float32 // stride
}

// strideOf is the number of labels, rounded up to what the kernels work on.
func strideOf(labels int) int { return (labels + 7) &^ 7 }

func newLinear(features, labels int) *linear {
	n := strideOf(labels)
	return &linear{stride: n, weights: make([]float32, features*n), bias: make([]float32, n)}
}

func (l *linear) row(id int32) []float32 {
	return l.weights[int(id)*l.stride : (int(id)+1)*l.stride]
}

// logits writes the scores of the labels into z; len(z) ≥ stride.
func (l *linear) logits(v vector, z []float32) {
	copy(z, l.bias)
	for i, id := range v.ids {
		axpy(v.vals[i], l.row(id), z[:l.stride])
	}
}

// add adds a times the other's weights.
func (l *linear) add(a float32, other *linear) {
	axpy(a, other.weights, l.weights)
	axpy(a, other.bias, l.bias)
}

// bayesSmoothing is added to every count of a naive Bayes classifier.
const bayesSmoothing = 0.01

// learnBayes is multinomial naive Bayes over the features' values (McCallum and Nigam 1998). What all labels have in
// common of a feature's weights is taken off: it moves no probability.
func learnBayes(t task, head target) *linear {
	l, total, count := newLinear(t.size, head.classes), make([]float64, head.classes), make([]float64, head.classes)
	for _, r := range t.rows {
		y := head.y[r]
		if y < 0 {
			continue
		}
		v := t.x.row(r)
		count[y]++
		for i, id := range v.ids {
			l.row(id)[y] += v.vals[i]
			total[y] += float64(v.vals[i])
		}
	}
	for id := range t.size {
		row, mean := l.row(int32(id))[:head.classes], 0.0
		for c, n := range row {
			w := math.Log((float64(n) + bayesSmoothing) / (total[c] + bayesSmoothing*float64(t.size)))
			row[c] = float32(w)
			mean += w / float64(head.classes)
		}
		for c := range row {
			row[c] -= float32(mean)
		}
	}
	for c, n := range count {
		l.bias[c] = float32(math.Log(n + 1))
	}
	return l
}

// gains weighs the features by how much they say about the label: the square root of the Kullback-Leibler divergence of
// the labels of texts that hold the feature from those of all texts, smoothed by one text. The mean square over all
// values stays what it was.
func gains(t task, head target) []float32 {
	count, total, prior := make([]float32, t.size*head.classes), make([]float64, t.size), make([]float64, head.classes)
	n := 0.0
	for _, r := range t.rows {
		if y := head.y[r]; y >= 0 {
			n++
			prior[y]++
			for _, id := range t.x.row(r).ids {
				count[int(id)*head.classes+int(y)]++
				total[id]++
			}
		}
	}
	g := make([]float32, t.size)
	for f := range g {
		var kl float64
		for c, k := range count[f*head.classes : (f+1)*head.classes] {
			p := prior[c] / n
			if q := (float64(k) + p) / (total[f] + 1); q > 0 {
				kl += q * math.Log(q/p)
			}
		}
		g[f] = float32(math.Sqrt(max(kl, 0)))
	}
	var before, after float64
	for _, r := range t.rows {
		v := t.x.row(r)
		for i, id := range v.ids {
			x := float64(v.vals[i])
			before += x * x
			after += x * x * float64(g[id]) * float64(g[id])
		}
	}
	if after == 0 {
		after = before
	}
	scale := float32(math.Sqrt(before / max(after, 1e-30)))
	for f := range g {
		g[f] *= scale
	}
	return g
}

// ratios weighs the features for one label against the rest: the size of the logarithm of the ratio of the shares of texts that
// hold the feature, of the label and of the others, smoothed by one text each (Wang and Manning 2012, "Baselines and Bigrams").
type ratios struct {
	texts  []float32 // that hold the feature
	square []float64 // sum of its values' squares
	own    []float32 // texts of the label that hold it
	gain   []float32 // the weight of each feature
	mass   []float32 // its square
}

func newRatios(rows []int, x rowSource, features int) *ratios {
	r := &ratios{texts: make([]float32, features), square: make([]float64, features), own: make([]float32, features),
		gain: make([]float32, features), mass: make([]float32, features)}
	for i := range rows {
		v := x.row(i)
		for j, id := range v.ids {
			r.texts[id]++
			r.square[id] += float64(float64(v.vals[j]) * float64(v.vals[j]))
		}
	}
	return r
}

// weigh sets the gains for the label of some of n rows. The mean square over all values stays what it was.
func (r *ratios) weigh(label []int, n int, x rowSource) {
	clear(r.own)
	for _, i := range label {
		for _, id := range x.row(i).ids {
			r.own[id]++
		}
	}
	yes, no := float64(len(label)+2), float64(n-len(label)+2)
	var before, after float64
	for f, k := range r.own {
		g := math.Abs(math.Log(float64(k+1) * no / (float64(r.texts[f]-k+1) * yes)))
		r.gain[f] = float32(g)
		before += r.square[f]
		after += float64(r.square[f] * g * g)
	}
	scale := float32(1)
	if after > 0 {
		scale = float32(math.Sqrt(before / after))
	}
	for f := range r.gain {
		r.gain[f] *= scale
		r.mass[f] = r.gain[f] * r.gain[f]
	}
}

// machine learns support vector machines, one label against the rest, with squared hinge loss, by dual coordinate descent
// (Hsieh et al. 2008, "A dual coordinate descent method for large-scale linear SVM"), perhaps over weighted features.
type machine struct {
	task
	head   target
	cost   float64 // C: of an error, against the weights' squares
	passes int
	seed   uint64
	gain   []float32 // by feature; nil: 1
	ratios *ratios   // nil: all labels see the same features
}

// weighing says how the features of a machine are weighted.
type weighing struct {
	gains  []float32 // for all labels alike; nil: 1
	ratios bool      // for each label by its ratios, too
}

// learnMachine fits the machines of all labels; it stops with the context's error when that ends.
func learnMachine(ctx context.Context, t task, head target, cost float64, by weighing, seed uint64) (*linear, error) {
	m := &machine{task: t, head: head, cost: cost, passes: 15, seed: seed, gain: by.gains}
	m.rows, m.x = m.weighted()
	ofLabel := make([][]int, head.classes)
	for i, r := range m.rows {
		ofLabel[head.y[r]] = append(ofLabel[head.y[r]], i)
	}
	if by.ratios {
		m.ratios = newRatios(m.rows, m.x, t.size)
	}
	norms := m.norms(nil)
	l, w := newLinear(t.size, head.classes), make([]float32, t.size)
	for c := range head.classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clear(w)
		if m.ratios != nil {
			m.ratios.weigh(ofLabel[c], len(m.rows), m.x)
			norms = m.norms(m.ratios.mass)
		}
		l.bias[c] = m.one(int32(c), w, norms)
		for id, x := range w {
			if m.gain != nil {
				x *= m.gain[id]
			}
			l.weights[id*l.stride+c] = x
		}
	}
	return l, nil
}

// weighted returns the labelled rows, and their features times the gains; those that gain nothing are left out.
func (m *machine) weighted() ([]int, *matrix) {
	x, rows := &matrix{}, []int{}
	var scaled vector
	for _, r := range m.rows {
		if m.head.y[r] < 0 {
			continue
		}
		rows = append(rows, r)
		v := m.x.row(r)
		if m.gain == nil {
			x.add(v)
			continue
		}
		scaled.ids, scaled.vals = scaled.ids[:0], scaled.vals[:0]
		for i, id := range v.ids {
			if g := m.gain[id]; g > 0 {
				scaled.ids, scaled.vals = append(scaled.ids, id), append(scaled.vals, v.vals[i]*g)
			}
		}
		x.add(scaled)
	}
	return rows, x
}

// norms are the squared norms of the rows, the bias included, each feature's square weighted by its mass; nil: by 1.
func (m *machine) norms(mass []float32) []float64 {
	norms := make([]float64, len(m.rows))
	for i := range norms {
		norms[i] = 1
		v := m.x.row(i)
		for j, x := range v.vals {
			square := float64(x) * float64(x)
			if mass != nil {
				square *= float64(mass[v.ids[j]])
			}
			norms[i] += float64(square)
		}
	}
	return norms
}

// one fits the weights of one label, and returns its bias. Examples that are far on their side of the margin are left
// out of the next passes (shrinking); the last pass looks at all again.
func (m *machine) one(label int32, w []float32, norms []float64) float32 {
	random := rand.New(rand.NewPCG(m.seed, uint64(label)))
	alpha, active := make([]float64, len(m.rows)), make([]int, len(m.rows))
	all := make([]int, len(m.rows))
	for i := range all {
		all[i] = i
	}
	active = append(active[:0], all...)
	bias, diagonal := 0.0, 0.5/m.cost
	for pass := range m.passes {
		if pass == m.passes-1 {
			active = append(active[:0], all...)
		}
		random.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
		kept := active[:0]
		for _, i := range active {
			v, side := m.x.row(i), -1.0
			if m.head.y[m.rows[i]] == label {
				side = 1
			}
			gradient := side*(bias+sparseDot(v, w)) - 1 + diagonal*alpha[i]
			if alpha[i] == 0 && gradient > farOff && pass > 0 {
				continue
			}
			kept = append(kept, i)
			next := max(0, alpha[i]-gradient/(norms[i]+diagonal))
			if step := (next - alpha[i]) * side; step != 0 {
				alpha[i] = next
				bias += step
				m.move(w, v, float32(step))
			}
		}
		active = kept
	}
	return float32(bias)
}

// move adds a step times the features' values, each times its mass: a weight for the feature as it is is the one for the weighted
// feature times the weight.
func (m *machine) move(w []float32, v vector, step float32) {
	if m.ratios == nil {
		for j, id := range v.ids {
			w[id] += float32(step * v.vals[j])
		}
		return
	}
	mass := m.ratios.mass
	for j, id := range v.ids {
		w[id] += float32(float32(step*v.vals[j]) * mass[id])
	}
}

// farOff is the distance behind the margin from which on an example is not looked at for a while.
const farOff = 0.1

func sparseDot(v vector, w []float32) float64 {
	var a, b float32
	n := len(v.ids) &^ 1
	vals := v.vals[:len(v.ids)]
	for i := 0; i < n; i += 2 {
		a += float32(w[v.ids[i]] * vals[i])
		b += float32(w[v.ids[i+1]] * vals[i+1])
	}
	if n < len(v.ids) {
		a += float32(w[v.ids[n]] * vals[n])
	}
	return float64(a + b)
}
