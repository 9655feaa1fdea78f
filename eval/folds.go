package eval

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
)

// Folds deals queries into n parts of about equal size for cross-validation, and names the group that each belongs to:
// queries with a relevant document in common stay together, because what is learned from one of them is known of the others.
// Queries without a relevant document are left out. The same judgements and seed give the same parts.
func Folds(qrels Qrels, n int, seed uint64) (fold map[string]int, group map[string]string) {
	sets := unions{}
	for query, grades := range qrels {
		for id, grade := range grades {
			if grade > 0 {
				sets.join("q"+query, "d"+id)
			}
		}
	}
	group = map[string]string{}
	members := map[string][]string{}
	for x, name := range sets.names() {
		if x[0] == 'q' {
			group[x[1:]] = name
			members[name] = append(members[name], x[1:])
		}
	}
	order := slices.SortedFunc(maps.Keys(members), func(a, b string) int {
		return cmp.Or(cmp.Compare(nameHash(a, seed), nameHash(b, seed)), cmp.Compare(a, b))
	})
	fold = make(map[string]int, len(group))
	sizes := make([]int, n)
	for _, name := range order {
		least := slices.Index(sizes, slices.Min(sizes))
		sizes[least] += len(members[name])
		for _, q := range members[name] {
			fold[q] = least
		}
	}
	return fold, group
}

func nameHash(name string, seed uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendUint(nil, seed, 10)) // never fails
	_, _ = h.Write([]byte("\x00" + name))
	return mixed(h.Sum64())
}

// Change is the mean change of a measure over queries, with its bootstrap interval and the p-value of no change.
type Change struct {
	Before Number `json:"before"`
	After  Number `json:"after"`
	Change Number `json:"change"`
	Low    Number `json:"low"` // 95 % of the change
	High   Number `json:"high"`
	P      Number `json:"p"`      // paired randomization, two-sided
	Groups int    `json:"groups"` // that were drawn and tested, see GroupedChange
}

// GroupedChange compares a measure of the same queries before and after. Queries of one group rise and fall together, so
// groups are what is drawn for the interval and what the test turns over.
func GroupedChange(before, after []float64, group []string, seed uint64) Change {
	sums, counts := map[string]float64{}, map[string]int{}
	for i, g := range group {
		sums[g] += after[i] - before[i]
		counts[g]++
	}
	names := slices.Sorted(maps.Keys(sums))
	differences := make([]float64, len(names))
	for i, g := range names {
		differences[i] = sums[g]
	}
	iv := bootstrap(len(names), DefaultResamples, seed, statistic{width: 1, of: func(weights []int, out []float64) {
		sum, n := 0.0, 0
		for i, w := range weights {
			sum += float64(w) * differences[i]
			n += w * counts[names[i]]
		}
		out[0] = sum / float64(n)
	}})
	c := Change{Before: Number(meanOf(before)), After: Number(meanOf(after)), Groups: len(names), P: Number(PairedRandomization(differences, DefaultResamples, seed))}
	c.Change, c.Low, c.High = iv[0].around(float64(c.After - c.Before))
	return c
}
