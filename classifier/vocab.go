package classifier

import (
	"math"
	"slices"
)

// vocabulary maps feature hashes to dense ids, in the order of the hashes.
type vocabulary struct {
	hashes []uint32 // ascending
	groups []group
	df     []uint32 // texts that hold the feature
	docs   uint32   // texts in all
	idf    []float32
	table  []slot
	shift  uint
}

type slot struct {
	hash uint32
	id   int32 // -1: empty
}

// index completes the derived parts.
func (v *vocabulary) index() {
	bits := 4
	for 1<<bits < 2*len(v.hashes) {
		bits++
	}
	v.shift = uint(32 - bits)
	v.table = make([]slot, 1<<bits)
	for i := range v.table {
		v.table[i].id = -1
	}
	mask := uint32(len(v.table) - 1)
	for id, h := range v.hashes {
		i := h >> v.shift
		for v.table[i].id >= 0 {
			i = (i + 1) & mask
		}
		v.table[i] = slot{h, int32(id)}
	}
	v.idf = make([]float32, len(v.df))
	for i, n := range v.df {
		v.idf[i] = float32(math.Log(float64(1+v.docs)/float64(1+n)) + 1)
	}
}

// find returns the id of the feature, or -1.
func (v *vocabulary) find(h uint32) int32 {
	mask := uint32(len(v.table) - 1)
	for i := h >> v.shift; ; i = (i + 1) & mask {
		s := v.table[i]
		if s.id < 0 || s.hash == h {
			return s.id
		}
	}
}

// counter collects the features of a corpus.
type counter struct {
	df   map[uint32]uint32
	kind map[uint32]group
	docs uint32
	seen map[uint32]struct{}
}

func newCounter() *counter {
	return &counter{df: map[uint32]uint32{}, kind: map[uint32]group{}, seen: map[uint32]struct{}{}}
}

func (c *counter) add(list []occurrence) {
	clear(c.seen)
	for _, o := range list {
		if _, ok := c.seen[o.hash]; ok {
			continue
		}
		c.seen[o.hash] = struct{}{}
		g := o.group
		if old, ok := c.kind[o.hash]; ok {
			g = min(g, old) // two features with one hash: the same one whatever the order of the texts
		}
		c.df[o.hash]++
		c.kind[o.hash] = g
	}
	c.docs++
}

// merge adds the counts of other texts.
func (c *counter) merge(other *counter) {
	for h, n := range other.df {
		g := other.kind[h]
		if old, ok := c.kind[h]; ok {
			g = min(g, old)
		}
		c.df[h] += n
		c.kind[h] = g
	}
	c.docs += other.docs
}

// vocabulary keeps the features that occur in at least minDF texts, at most limit of them (the most frequent).
func (c *counter) vocabulary(minDF [groups]uint32, limit int) *vocabulary {
	v := &vocabulary{docs: c.docs}
	for h, n := range c.df {
		if n >= minDF[c.kind[h]] {
			v.hashes = append(v.hashes, h)
		}
	}
	if len(v.hashes) > limit {
		slices.SortFunc(v.hashes, func(a, b uint32) int {
			if c.df[a] != c.df[b] {
				return int(c.df[b]) - int(c.df[a])
			}
			return int(int64(a) - int64(b))
		})
		v.hashes = v.hashes[:limit]
	}
	slices.Sort(v.hashes)
	for _, h := range v.hashes {
		v.df = append(v.df, c.df[h])
		v.groups = append(v.groups, c.kind[h])
	}
	v.index()
	return v
}

// vectoriser turns occurrences into vectors. It is scratch space: one goroutine at a time.
type vectoriser struct {
	vocab *vocabulary
	at    []int32 // position in ids of each feature, where stamp is current
	stamp []uint32
	round uint32
	vec   vector

	times  []int32 // occurrences of each id of vec
	places []int32 // position in vec of each occurrence; -1: not in the vocabulary
}

func newVectoriser(v *vocabulary) *vectoriser {
	return &vectoriser{vocab: v, at: make([]int32, len(v.hashes)), stamp: make([]uint32, len(v.hashes))}
}

// vector returns the features of the list that the vocabulary knows; it is valid until the next call.
func (z *vectoriser) vector(list []occurrence, r recipe) vector {
	z.round++
	if z.round == 0 {
		clear(z.stamp)
		z.round = 1
	}
	ids, vals := z.vec.ids[:0], z.vec.vals[:0]
	z.times, z.places = z.times[:0], z.places[:0]
	for _, o := range list {
		id := z.vocab.find(o.hash)
		if id < 0 {
			z.places = append(z.places, -1)
			continue
		}
		n := float32(1)
		if o.title {
			n = r.TitleWeight
		}
		if z.stamp[id] == z.round {
			vals[z.at[id]] += n
			z.times[z.at[id]]++
			z.places = append(z.places, z.at[id])
			continue
		}
		z.stamp[id], z.at[id] = z.round, int32(len(ids))
		z.times, z.places = append(z.times, 1), append(z.places, int32(len(ids)))
		ids, vals = append(ids, id), append(vals, n)
	}
	z.vec = vector{ids, vals}
	z.normalise(r)
	return z.vec
}

// normalise damps the counts, weighs them by idf and gives every group its share of the norm.
func (z *vectoriser) normalise(r recipe) {
	var sum [groups]float32
	for i, id := range z.vec.ids {
		x := damp(z.vec.vals[i]) * z.vocab.idf[id]
		z.vec.vals[i] = x
		sum[z.vocab.groups[id]] += x * x
	}
	share := [groups]float32{1, r.NextWeight, r.PairWeight, r.CharWeight, r.EdgeWeight, r.StyleWeight, r.FieldWeight}
	var scale [groups]float32
	for g, s := range sum {
		if s > 0 {
			scale[g] = share[g] / float32(math.Sqrt(float64(s)))
		}
	}
	for i, id := range z.vec.ids {
		z.vec.vals[i] *= scale[z.vocab.groups[id]]
	}
}
