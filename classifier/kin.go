package classifier

import "math"

// How near twins are found, so that they share a fold: a text, its paraphrase and its translation that keeps the names
// say the same, and a classifier that learned one of them has all but seen the others.
const (
	kinRare   = 40  // texts that a feature may occur in, to tell of kinship
	kinCosine = 0.3 // of the rare features alone, by the norms of all
	kinShare  = 100 // at most one text of so many is kin: a template is no family
	kinLeast  = 20  // but families up to this size are allowed
)

// families is a union-find structure over the examples; the root of a family is its first example.
type families struct {
	parent []int32
	size   []int32
	most   int32
}

func (f *families) root(i int32) int32 {
	for f.parent[i] != i {
		f.parent[i] = f.parent[f.parent[i]]
		i = f.parent[i]
	}
	return i
}

// unite joins two families unless they grow too large.
func (f *families) unite(i, j int32) {
	if i, j = f.root(i), f.root(j); i != j && f.size[i]+f.size[j] <= f.most {
		f.join(i, j)
	}
}

// join joins two families whatever their size.
func (f *families) join(i, j int32) {
	if i, j = f.root(i), f.root(j); i == j {
		return
	}
	i, j = min(i, j), max(i, j)
	f.parent[j] = i
	f.size[i] += f.size[j]
}

// kin gives for every example the first one of its family.
func (t *trainer) kin() []int32 {
	n := len(t.examples)
	f := &families{parent: make([]int32, n), size: make([]int32, n), most: int32(max(kinLeast, n/kinShare))}
	for i := range f.parent {
		f.parent[i], f.size[i] = int32(i), 1
	}
	for i := 1; i < n; i++ {
		if t.keys[i] == t.keys[i-1] {
			f.join(int32(i), int32(i-1))
		}
	}
	if n < muchToLearn {
		t.uniteTwins(f)
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = f.root(int32(i))
	}
	return out
}

// posting is a text that holds a feature.
type posting struct {
	row   int32
	value float32
}

func (t *trainer) uniteTwins(f *families) {
	norms, postings := make([]float32, len(f.parent)), make([][]posting, len(t.vocab.hashes))
	sums, touched := make([]float32, len(f.parent)), []int32(nil)
	for i := range f.parent {
		v := t.task.x.row(i)
		var square float32
		for _, x := range v.vals {
			square += x * x
		}
		norms[i] = float32(math.Sqrt(float64(square)))
		touched = touched[:0]
		for at, id := range v.ids {
			if t.vocab.df[id] > kinRare {
				continue
			}
			for _, p := range postings[id] {
				if sums[p.row] == 0 {
					touched = append(touched, p.row)
				}
				sums[p.row] += v.vals[at] * p.value
			}
			postings[id] = append(postings[id], posting{int32(i), v.vals[at]})
		}
		for _, j := range touched {
			if sums[j] >= kinCosine*norms[i]*norms[j] {
				f.unite(int32(i), j)
			}
			sums[j] = 0
		}
	}
}
