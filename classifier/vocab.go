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

// slot is what a text needs to know of a feature, in one place: a quarter of a cache line.
type slot struct {
	hash  uint32
	id    int32 // -1: empty
	idf   float32
	group group
}

// index completes the derived parts.
func (v *vocabulary) index() {
	v.idf = make([]float32, len(v.df))
	for i, n := range v.df {
		v.idf[i] = float32(math.Log(float64(1+v.docs)/float64(1+n)) + 1)
	}
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
		v.table[i] = slot{h, int32(id), v.idf[id], v.groups[id]}
	}
}

// slot returns the place of the feature; one with the id -1: there is none.
func (v *vocabulary) slot(h uint32) *slot {
	mask := uint32(len(v.table) - 1)
	for i := h >> v.shift; ; i++ {
		if s := &v.table[i&mask]; s.hash == h || s.id < 0 {
			return s
		}
	}
}

// find returns the id of the feature, or -1.
func (v *vocabulary) find(h uint32) int32 { return v.slot(h).id }

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
	seats []seat // of the features met, open addressing by id
	vec   vector

	idf    []float32 // of each id of vec
	kinds  []group   // and its group
	times  []int32   // and its occurrences
	places []int32   // position in vec of each occurrence; -1: not in the vocabulary
}

// seat says where in the vector a feature is.
type seat struct {
	key int32 // its id plus 1; 0: empty
	at  int32
}

func newVectoriser(v *vocabulary) *vectoriser { return &vectoriser{vocab: v} }

// vector returns the features of the list that the vocabulary knows; it is valid until the next call.
func (z *vectoriser) vector(list []occurrence, r recipe) vector {
	shift := z.clear(len(list))
	z.vec.ids, z.vec.vals = z.vec.ids[:0], z.vec.vals[:0]
	z.idf, z.kinds, z.times, z.places = z.idf[:0], z.kinds[:0], z.times[:0], z.places[:0]
	mask := uint32(len(z.seats) - 1)
	for i := range list {
		if i%prefetched == 0 {
			z.vocab.prefetch(list[i:min(i+prefetched, len(list))])
		}
		s := z.vocab.slot(list[i].hash)
		if s.id < 0 {
			z.places = append(z.places, -1)
			continue
		}
		n := float32(1)
		if list[i].title {
			n = r.TitleWeight
		}
		j := uint32(s.id) * 0x9e3779b1 >> shift
		for z.seats[j].key != 0 && z.seats[j].key != s.id+1 {
			j = (j + 1) & mask
		}
		at := z.seats[j].at
		if z.seats[j].key != 0 {
			z.vec.vals[at] += n
			z.times[at]++
		} else {
			at = int32(len(z.vec.ids))
			z.seats[j] = seat{s.id + 1, at}
			z.vec.ids, z.vec.vals = append(z.vec.ids, s.id), append(z.vec.vals, n)
			z.idf, z.kinds, z.times = append(z.idf, s.idf), append(z.kinds, s.group), append(z.times, 1)
		}
		z.places = append(z.places, at)
	}
	z.normalise(r)
	return z.vec
}

// prefetched is how many features are fetched together: their slots fit into the fastest cache.
const prefetched = 256

// clear empties enough seats for n features, and returns by how much a hash is to be shifted to be one of them.
func (z *vectoriser) clear(n int) uint {
	bits := 6
	for 1<<bits < 2*n {
		bits++
	}
	if cap(z.seats) < 1<<bits {
		z.seats = make([]seat, 1<<bits)
	} else {
		z.seats = z.seats[:1<<bits]
		clear(z.seats)
	}
	return uint(32 - bits)
}

// normalise damps the counts, weighs them by idf and gives every group its share of the norm.
func (z *vectoriser) normalise(r recipe) {
	var sum [groups]float32
	for i, n := range z.vec.vals {
		x := damp(n) * z.idf[i]
		z.vec.vals[i] = x
		sum[z.kinds[i]] += x * x
	}
	share := [groups]float32{1, r.NextWeight, r.PairWeight, r.CharWeight, r.EdgeWeight, r.StyleWeight, r.FieldWeight}
	var scale [groups]float32
	for g, s := range sum {
		if s > 0 {
			scale[g] = share[g] / float32(math.Sqrt(float64(s)))
		}
	}
	for i, g := range z.kinds {
		z.vec.vals[i] *= scale[g]
	}
}
