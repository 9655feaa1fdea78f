package concept

import "math"

// Bead is a group of paragraphs of one page and of its translation that say the same: half-open ranges.
type Bead struct{ A0, A1, B0, B1 int }

// Limits of the alignment of two pages.
const (
	// MaxParagraphs of each page are aligned.
	MaxParagraphs = 300
	band          = 60 // paragraphs that the pages may be apart, beside their difference in number
)

// The parameters of Gale and Church (1993), "A program for aligning sentences in bilingual corpora": the variance of a
// character's translation in characters, and what the kinds of beads cost as -log of their frequency.
const variance = 6.8

var kinds = [...]struct {
	a, b int
	cost float64
}{
	{1, 1, 0.116}, {1, 0, 5.31}, {0, 1, 5.31}, {2, 1, 3.11}, {1, 2, 3.11},
}

// Align pairs the paragraphs of two pages by nothing but their lengths in characters: the dynamic programme of Gale and
// Church, in a band around the diagonal. Only beads with both sides are returned, in order.
func Align(a, b []int) []Bead {
	a, b = a[:min(len(a), MaxParagraphs)], b[:min(len(b), MaxParagraphs)]
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	ratio := max(1, float64(sum(b))) / max(1, float64(sum(a)))
	width := len(b) + 1
	cost, step := make([]float64, (len(a)+1)*width), make([]int8, (len(a)+1)*width)
	slope, slack := float64(len(b))/float64(len(a)), band+max(len(a)-len(b), len(b)-len(a))
	for i := 0; i <= len(a); i++ {
		for j := 0; j <= len(b); j++ {
			at := i*width + j
			if at == 0 {
				continue
			}
			cost[at], step[at] = math.Inf(1), -1
			if math.Abs(float64(i)*slope-float64(j)) > float64(slack) {
				continue
			}
			for k, kind := range kinds {
				if i < kind.a || j < kind.b {
					continue
				}
				c := cost[at-kind.a*width-kind.b] + kind.cost + mismatch(sum(a[i-kind.a:i]), sum(b[j-kind.b:j]), ratio)
				if c < cost[at] {
					cost[at], step[at] = c, int8(k)
				}
			}
		}
	}
	return beads(step, len(a), len(b))
}

// beads follows the steps back from the end.
func beads(step []int8, i, j int) []Bead {
	width := j + 1
	var out []Bead
	for i+j > 0 {
		s := step[i*width+j]
		if s < 0 {
			return nil
		}
		kind := kinds[s]
		if kind.a > 0 && kind.b > 0 {
			out = append(out, Bead{i - kind.a, i, j - kind.b, j})
		}
		i, j = i-kind.a, j-kind.b
	}
	for l, r := 0, len(out)-1; l < r; l, r = l+1, r-1 {
		out[l], out[r] = out[r], out[l]
	}
	return out
}

// mismatch is -log of the probability that lengths differ by as much or more, where ratio is usual.
func mismatch(a, b int, ratio float64) float64 {
	if a == 0 && b == 0 {
		return 0
	}
	mean := (float64(a) + float64(b)/ratio) / 2
	delta := math.Abs(float64(b)-float64(a)*ratio) / math.Sqrt(variance*ratio*max(1, mean))
	return -math.Log(max(math.Erfc(delta/math.Sqrt2), 1e-12))
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}
