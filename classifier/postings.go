package classifier

import (
	"runtime"
	"slices"
	"sync"
)

// postings says which lessons hold a feature, by their places. Most of it is built at once and never changed; a list that
// changed since stands in newer and takes the place of the one that was built. So fifty thousand lessons are indexed in a
// fraction of a second, and one more costs no more than its own features.
type postings struct {
	shards [1 << shardBits]shard
	newer  map[uint32][]int32
}

// The highest bits of a feature choose its shard, the next ones its bucket there: features are hashes, so that all are
// filled alike.
const (
	shardBits  = 6
	bucketBits = 12
	shardShift = 32 - shardBits
)

// shard holds the features of one range.
type shard struct {
	keys    []uint32 // ascending
	starts  []uint32 // by key: where its list begins in places; one more for the end
	places  []int32
	buckets []uint32 // by the bits below the shard's: the first key with them or higher ones; one more for the end
}

// of lists the places of the lessons that hold a feature. The list is not to be changed.
func (p *postings) of(h uint32) []int32 {
	if list, ok := p.newer[h]; ok {
		return list
	}
	return p.built(h)
}

// built is the list as it was built.
func (p *postings) built(h uint32) []int32 {
	s := &p.shards[h>>shardShift]
	if len(s.keys) == 0 {
		return nil
	}
	b := bucketOf(h)
	from, to := s.buckets[b], s.buckets[b+1]
	i, ok := slices.BinarySearch(s.keys[from:to], h)
	if !ok {
		return nil
	}
	at := int(from) + i
	return s.places[s.starts[at]:s.starts[at+1]:s.starts[at+1]]
}

func bucketOf(h uint32) uint32 { return h << shardBits >> (32 - bucketBits) }

func (p *postings) add(h uint32, place int32) { p.put(h, append(p.own(h), place)) }

func (p *postings) remove(h uint32, place int32) {
	p.put(h, slices.DeleteFunc(p.own(h), func(other int32) bool { return other == place }))
}

// own is a list that may be changed.
func (p *postings) own(h uint32) []int32 {
	if list, ok := p.newer[h]; ok {
		return list
	}
	return slices.Clone(p.built(h))
}

func (p *postings) put(h uint32, list []int32) {
	switch {
	case len(list) == 0 && len(p.built(h)) == 0:
		delete(p.newer, h)
		return
	case p.newer == nil:
		p.newer = map[uint32][]int32{}
	}
	p.newer[h] = list
}

// invert builds the postings of lists of features, each ascending, by place.
func invert(lists [][]uint32) postings {
	var p postings
	workers := min(max(1, runtime.GOMAXPROCS(0)), len(p.shards))
	var wait sync.WaitGroup
	for w := range workers {
		from, to := w*len(p.shards)/workers, (w+1)*len(p.shards)/workers
		wait.Go(func() { invertRange(lists, p.shards[from:to], uint64(from)) })
	}
	wait.Wait()
	return p
}

// invertRange builds shards that lie next to each other, of which the first has a number. Each list is read once, from the
// first feature of the first shard on.
func invertRange(lists [][]uint32, shards []shard, first uint64) {
	at := make([]int32, len(lists)) // where the next feature of each list stands
	for i, list := range lists {
		n, _ := slices.BinarySearch(list, uint32(first<<shardShift))
		at[i] = int32(n)
	}
	var pairs, spare []uint64
	for i := range shards {
		end := (first + uint64(i) + 1) << shardShift
		pairs = pairs[:0]
		for place, list := range lists {
			for j := at[place]; ; j++ {
				if int(j) == len(list) || uint64(list[j]) >= end {
					at[place] = j
					break
				}
				pairs = append(pairs, uint64(list[j])<<32|uint64(place))
			}
		}
		spare = slices.Grow(spare[:0], len(pairs))[:len(pairs)]
		sortPairs(pairs, spare)
		shards[i].fill(pairs)
	}
}

// digit is how many bits of a feature one pass of the sort looks at; two passes sort a shard.
const digit = shardShift / 2

// sortPairs sorts pairs of one shard by feature; pairs of the same feature keep their order (radix sort from the lowest
// digit up).
func sortPairs(pairs, spare []uint64) {
	for shift := 32; shift < 32+2*digit; shift += digit {
		var count [1<<digit + 1]int32
		for _, p := range pairs {
			count[p>>shift&(1<<digit-1)+1]++
		}
		for i := range 1 << digit {
			count[i+1] += count[i]
		}
		for _, p := range pairs {
			d := p >> shift & (1<<digit - 1)
			spare[count[d]] = p
			count[d]++
		}
		pairs, spare = spare, pairs
	}
}

// fill lays out sorted pairs.
func (s *shard) fill(pairs []uint64) {
	distinct := 0
	for i, p := range pairs {
		if i == 0 || p>>32 != pairs[i-1]>>32 {
			distinct++
		}
	}
	s.keys, s.starts = make([]uint32, 0, distinct), make([]uint32, 0, distinct+1)
	s.places, s.buckets = make([]int32, len(pairs)), make([]uint32, 1<<bucketBits+1)
	for i, p := range pairs {
		if h := uint32(p >> 32); i == 0 || h != s.keys[len(s.keys)-1] {
			s.keys, s.starts = append(s.keys, h), append(s.starts, uint32(i))
			s.buckets[bucketOf(h)+1]++
		}
		s.places[i] = int32(uint32(p))
	}
	s.starts = append(s.starts, uint32(len(pairs)))
	for b := range 1 << bucketBits {
		s.buckets[b+1] += s.buckets[b]
	}
}
