package vector

import "slices"

// top keeps the best matches, one for each article. Few offers get in, so that it can afford to look through them all.
type top struct {
	most  int
	list  []Match
	worst int     // position of the last in order
	least float64 // similarity of that one, once full
	full  bool
}

// offer takes a match in when it is good enough.
func (t *top) offer(m Match) {
	if t.most <= 0 || t.full && !m.before(t.list[t.worst]) {
		return
	}
	switch i := slices.IndexFunc(t.list, func(x Match) bool { return x.Doc == m.Doc }); {
	case i >= 0 && !(m.Similarity > t.list[i].Similarity || m.Similarity == t.list[i].Similarity && m.Piece < t.list[i].Piece):
		return
	case i >= 0:
		t.list[i] = m
	case t.full:
		t.list[t.worst] = m
	default:
		t.list = append(t.list, m)
	}
	t.worst = 0
	for i, x := range t.list {
		if t.list[t.worst].before(x) {
			t.worst = i
		}
	}
	t.full = len(t.list) == t.most
	t.least = t.list[t.worst].Similarity
}

func (t *top) sorted() []Match {
	slices.SortFunc(t.list, func(a, b Match) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return t.list
}
