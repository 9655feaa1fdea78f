package classifier

import "math"

// classes is what an index knows of whole labels.
type classes struct {
	units int
	means []float32 // labels × units: direction of the mean of the label's tickets
	rows  [][]int32 // by label: its first tickets
}

// maxClassRows is how many tickets of a label its nearest one is looked for among.
const maxClassRows = 64

// group derives what is known of whole labels.
func (n *nearIndex) group(labels int) {
	c := classes{units: n.units, means: make([]float32, labels*n.units), rows: make([][]int32, labels)}
	for i, l := range n.labels {
		mean := c.mean(int(l))
		for j, code := range n.codes[i*n.units : (i+1)*n.units] {
			mean[j] += float32(code) * n.scale[i]
		}
		if len(c.rows[l]) < maxClassRows {
			c.rows[l] = append(c.rows[l], int32(i))
		}
	}
	for l := range labels {
		mean := c.mean(l)
		if norm := length(mean); norm > 0 {
			for j := range mean {
				mean[j] /= norm
			}
		}
	}
	n.classes = c
}

func (c classes) mean(label int) []float32 { return c.means[label*c.units : (label+1)*c.units] }

func length(v []float32) float32 { return float32(math.Sqrt(float64(dot(v, v)))) }

// familiar gives the cosines of the hidden units h with the mean of a label's tickets, and with the nearest of its
// first tickets; 0 where there is none.
func (n *nearIndex) familiar(h []float32, label int) (mean, nearest float64) {
	norm := length(h)
	if norm == 0 || len(n.classes.rows[label]) == 0 {
		return 0, 0
	}
	s := n.scratch()
	defer n.pool.Put(s)
	s.set(h, norm)
	var best float32
	for _, row := range n.classes.rows[label] {
		best = max(best, n.cosine(int(row), &s.query))
	}
	return float64(dot(s.unit, n.classes.mean(label))), float64(best)
}
