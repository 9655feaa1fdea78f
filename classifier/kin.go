package classifier

import (
	"math"

	"prediag/internal/lang"
)

// How near twins are found, so that they share a fold: a text, its paraphrase and its translation that keeps the names
// say the same, and a classifier that learned one of them has all but seen the others.
const (
	kinRare   = 40  // texts that a feature may occur in, to tell of kinship
	kinCosine = 0.3 // of the rare features alone, by the norms of all
	kinShare  = 100 // at most one text of so many is kin: a template is no family
	kinLeast  = 20  // but families up to this size are allowed

	kinParallel = 5   // percent of the examples in families of several languages, from which on twins are translations
	kinSure     = 0.9 // confidence from which on a language counts
	kinText     = 500 // bytes whose language is looked at
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

// kin gives for every example the first one of its family, and whether many of them are translations of others. Only
// then are near twins a family: among texts of one language they are what the future holds, too, and a classifier that
// is tested without them looks worse than it is.
func (t *trainer) kin() (first []int32, translations bool) {
	n := len(t.examples)
	known := t.equals()
	t.grouped = t.uniteGroups(known)
	switch {
	case n >= muchToLearn:
		return known.roots(), false
	case t.grouped:
		first = known.roots()
		return first, t.translated(first) >= kinParallel*n
	}
	near := t.equals()
	t.uniteTwins(near)
	if first = near.roots(); t.translated(first) < kinParallel*n {
		return known.roots(), false
	}
	return first, true
}

// uniteGroups joins the examples of each group, and reports whether there are any.
func (t *trainer) uniteGroups(f *families) bool {
	first := map[string]int32{}
	for i, e := range t.examples {
		g := e.Ticket.Fields[GroupField]
		if g == "" {
			continue
		}
		if j, ok := first[g]; ok {
			f.join(int32(i), j)
		} else {
			first[g] = int32(i)
		}
	}
	return len(first) > 0
}

// equals makes families of the equal texts.
func (t *trainer) equals() *families {
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
	return f
}

// roots lists the root of every example's family.
func (f *families) roots() []int32 {
	out := make([]int32, len(f.parent))
	for i := range out {
		out[i] = f.root(int32(i))
	}
	return out
}

// translated counts, in hundredths, the examples whose families hold texts in several languages.
func (t *trainer) translated(first []int32) int {
	members := map[int32][]int{}
	for i, f := range first {
		members[f] = append(members[f], i)
	}
	count := 0
	for _, list := range members {
		if len(list) > 1 && t.manyLanguages(list) {
			count += len(list)
		}
	}
	return 100 * count
}

// manyLanguages reports whether the examples are surely in more than one language.
func (t *trainer) manyLanguages(list []int) bool {
	one := ""
	for _, i := range list {
		tag, sure := lang.Detect(cut(t.examples[i].Ticket.Text(), kinText))
		if sure < kinSure {
			continue
		}
		if one != "" && tag != one {
			return true
		}
		one = tag
	}
	return false
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
