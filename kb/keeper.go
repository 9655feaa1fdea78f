package kb

import (
	"cmp"
	"slices"
)

// ranked is a document with its score.
type ranked struct {
	score float32
	doc   uint32
}

// before orders documents by falling score, equal ones by rising number.
func (x ranked) before(y ranked) bool {
	return x.score > y.score || x.score == y.score && x.doc < y.doc
}

// keeper keeps the best of many documents in linear time: it collects twice as many as it must keep, and then drops the
// worse half.
type keeper struct {
	most  int
	list  []ranked
	least float32 // documents with less cannot be among the best
}

func newKeeper(most int) *keeper {
	return &keeper{most: most, list: make([]ranked, 0, 2*most), least: -1}
}

func (k *keeper) offer(x ranked) {
	if x.score < k.least {
		return
	}
	if k.list = append(k.list, x); len(k.list) == 2*k.most {
		k.cut()
	}
}

// cut drops all but the best.
func (k *keeper) cut() {
	if len(k.list) > k.most {
		partition(k.list, k.most)
		k.list = k.list[:k.most]
		k.least = slices.MinFunc(k.list, func(x, y ranked) int { return cmp.Compare(x.score, y.score) }).score
	}
}

// partition moves the n best of the list to its front (Hoare's selection with the median of three).
func partition(list []ranked, n int) {
	for lo, hi := 0, len(list); hi-lo > 1; {
		a, b, c := list[lo], list[lo+(hi-lo)/2], list[hi-1]
		if b.before(a) {
			a, b = b, a
		}
		if c.before(b) {
			if b = c; b.before(a) {
				b = a
			}
		}
		i, j := lo, hi-1
		for i <= j {
			for list[i].before(b) {
				i++
			}
			for b.before(list[j]) {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			hi = j + 1
		case n >= i:
			lo = i
		default:
			return
		}
	}
}
