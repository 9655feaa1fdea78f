package classifier

import (
	"math"
	"slices"
)

// head is the trained classifier of one field, its weights quantised to eight bits with one scale per feature.
type head struct {
	field       string
	labels      []string // ascending
	prior       []float32
	temperature float32
	bias        []float32
	scale       []float32 // by feature
	mean        []float32 // mean weight of a feature over the labels, derived
	weights     []int8    // features × labels
}

// quantise turns trained weights into a head. The largest weight of every feature becomes ±127.
func quantise(field string, labels []string, l *linear) *head {
	k := l.classes
	h := &head{field: field, labels: labels, temperature: 1, bias: l.bias}
	h.weights = make([]int8, len(l.weights))
	h.scale = make([]float32, len(l.weights)/k)
	for f := range h.scale {
		row := l.weights[f*k : f*k+k]
		// A constant added to all labels of a feature changes no probability: centring makes room for precision.
		var mean float32
		for _, w := range row {
			mean += w / float32(k)
		}
		var top float32
		for _, w := range row {
			top = max(top, max(w-mean, mean-w))
		}
		if top == 0 {
			continue
		}
		h.scale[f] = top / 127
		for c, w := range row {
			h.weights[f*k+c] = int8(math.Round(float64((w - mean) / h.scale[f])))
		}
	}
	h.derive()
	return h
}

// derive fills the parts that follow from the others.
func (h *head) derive() {
	k := len(h.labels)
	h.mean = make([]float32, len(h.scale))
	for f, s := range h.scale {
		sum := 0
		for _, w := range h.weights[f*k : f*k+k] {
			sum += int(w)
		}
		h.mean[f] = s * float32(sum) / float32(k)
	}
}

// constant is a head that knows one label only.
func constant(field, label string) *head {
	return &head{field: field, labels: []string{label}, prior: []float32{1}, temperature: 1, bias: []float32{0}}
}

// probabilities writes the calibrated probability of every label into out.
func (h *head) probabilities(v vector, out []float32) {
	h.logits(v, out)
	softmax(out, 1/h.temperature)
}

func (h *head) logits(v vector, out []float32) {
	copy(out, h.bias)
	k := len(h.labels)
	if k == 1 {
		return
	}
	for i, id := range v.ids {
		row := h.weights[int(id)*k : int(id)*k+k]
		a := v.vals[i] * h.scale[id]
		out := out[:len(row)]
		for c, w := range row {
			out[c] += a * float32(w)
		}
	}
}

// top lists the positions of the n largest values, largest first; equal ones by position.
func top(p []float32, n int) []int {
	best := make([]int, 0, n+1)
	for i, v := range p {
		if len(best) == n && v <= p[best[n-1]] {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, v, func(j int, v float32) int {
			if p[j] >= v {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, at, i)
		best = best[:min(len(best), n)]
	}
	return best
}
