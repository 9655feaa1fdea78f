package classifier

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/text"
)

// twinResemblance is the least overlap of two texts that counts as nearly the same. Over six public sets of short
// questions (4,800 training texts), 3 % of the pairs over it had different labels; over it stayed 85 to 97 % of texts
// with a typing error or a greeting, and 98 % of those with a word left out.
const twinResemblance = 0.65

// sketchSize is how many features of a text are kept.
const sketchSize = 256

// sketch is a text for comparison: the smallest hashes of its words, pairs of words next to each other, and sequences of
// three characters, ascending. A short text keeps all of them; of a long one the sample still tells the resemblance
// (Broder 1997, "On the resemblance and containment of documents").
type sketch struct {
	hashes []uint32
	order  uint64 // hash of the words in order; equal texts but for case, width and punctuation have equal ones
}

// sketcher makes sketches. It is scratch space: one goroutine at a time.
type sketcher struct {
	x      extractor
	body   strings.Builder
	hashes []uint32

	search twinSearch
}

func newSketcher() *sketcher {
	return &sketcher{x: extractor{recipe: recipe{CharMin: 3, CharMax: 3, TitleWeight: 1}}}
}

func sketchOf(t prediag.Ticket) sketch { return newSketcher().of(t) }

// of makes the sketch of a ticket, of what the customer wrote for it: the quoted mails below do not make twins.
func (k *sketcher) of(t prediag.Ticket) sketch {
	k.body.Reset()
	k.body.WriteString(t.Title)
	for _, span := range text.Filed(t.Body) {
		s, _ := span.Of(t.Body)
		k.body.WriteString("\n\n")
		k.body.WriteString(s)
	}
	list := k.x.extract(prediag.Ticket{Body: k.body.String()})
	s := sketch{order: fnvOffset}
	for _, u := range k.x.units {
		if u.hash != 0 {
			s.order = (s.order ^ u.hash) * fnvPrime
		}
	}
	k.hashes = k.hashes[:0]
	for _, o := range list {
		if k.x.units[o.from].hash != 0 && (o.group == groupWord || o.group == groupNext || o.group == groupChar) {
			k.hashes = append(k.hashes, o.hash)
		}
	}
	slices.Sort(k.hashes)
	k.hashes = slices.Compact(k.hashes)
	s.hashes = slices.Clone(k.hashes[:min(len(k.hashes), sketchSize)])
	return s
}

// resemblance is the share of the features of both texts together that they have in common, 0 to 1.
func (s sketch) resemblance(other sketch) float64 {
	if s.order == other.order && len(s.hashes) > 0 {
		return 1
	}
	a, b := s.hashes, other.hashes
	common, all := 0, 0
	for len(a) > 0 && len(b) > 0 && all < sketchSize {
		all++
		switch {
		case a[0] == b[0]:
			common++
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	all = min(all+len(a)+len(b), sketchSize)
	return float64(common) / float64(max(all, 1))
}

// twin is a lesson that a ticket is nearly the same as.
type twin struct {
	*lesson
	resemblance float64
}

// twinIndex finds lessons by the features of their sketches.
type twinIndex struct {
	postings postings
	lessons  []*lesson // by place; nil: free
	free     []int32
	changes  int // lessons added and removed since the postings were built
}

// fewChanges is how many lessons may come and go before the postings are built anew.
const fewChanges = 4096

func (x *twinIndex) add(l *lesson) {
	if n := len(x.free); n > 0 {
		l.place, x.free = x.free[n-1], x.free[:n-1]
		x.lessons[l.place] = l
	} else {
		l.place = int32(len(x.lessons))
		x.lessons = append(x.lessons, l)
	}
	for _, h := range l.sketch.hashes {
		x.postings.add(h, l.place)
	}
	x.changed()
}

func (x *twinIndex) remove(l *lesson) {
	x.lessons[l.place] = nil
	x.free = append(x.free, l.place)
	for _, h := range l.sketch.hashes {
		x.postings.remove(h, l.place)
	}
	x.changed()
}

// changed builds the postings anew once as many lessons have come and gone as half of those that they were built of: then
// a lesson costs a few microseconds more on the whole, and the lists take the least room.
func (x *twinIndex) changed() {
	if x.changes++; x.changes > max(fewChanges, len(x.lessons)/2) {
		x.build()
	}
}

// build makes the postings of all lessons at once.
func (x *twinIndex) build() {
	lists := make([][]uint32, len(x.lessons))
	for i, l := range x.lessons {
		if l != nil {
			lists[i] = l.sketch.hashes
		}
	}
	x.postings, x.changes = invert(lists), 0
}

// find lists the lessons that resemble s enough.
//
// Of a sketch with n features a twin shares at least twinResemblance·n. So of the rarest features it shares all but those
// that it may lack, and is among the lessons that hold one of the first few. Further features thin these out as long as that
// takes less time than to compare them all.
func (x *twinIndex) find(s sketch, c *twinSearch) []twin {
	n := len(s.hashes)
	lack := n - int(math.Ceil(twinResemblance*float64(n)))
	rare := c.rare[:0] // what holds each feature, the rarest first
	for _, h := range s.hashes {
		rare = append(rare, x.postings.of(h))
	}
	slices.SortFunc(rare, func(a, b []int32) int { return cmp.Compare(len(a), len(b)) })
	c.rare = rare
	c.begin(len(x.lessons))
	for i, list := range rare {
		switch {
		case i <= lack:
			c.gather(list)
		case !c.thin(list, i-lack):
			return x.compare(s, c.places)
		}
	}
	return x.compare(s, c.places)
}

// compare lists the lessons at places that resemble s enough.
func (x *twinIndex) compare(s sketch, places []int32) []twin {
	var found []twin
	for _, place := range places {
		l := x.lessons[place]
		if r := s.resemblance(l.sketch); r >= twinResemblance {
			found = append(found, twin{l, r})
		}
	}
	return found
}

// twinSearch holds what one search works with. It is scratch space: one goroutine at a time.
type twinSearch struct {
	rare   [][]int32
	shared []uint16 // by place: features in common so far
	places []int32  // of those that may be twins

	weights []float32 // by place, all 0 between two searches: information in common so far, see Memory.Alike
}

// comparing is how many entries of a list are gone through in the time that comparing two sketches takes.
const comparing = 100

func (c *twinSearch) begin(lessons int) {
	if cap(c.shared) < lessons {
		c.shared = make([]uint16, lessons+lessons/4)
	}
	c.shared, c.places = c.shared[:lessons], c.places[:0]
	clear(c.shared)
}

// gather takes all lessons of a list in.
func (c *twinSearch) gather(list []int32) {
	for _, place := range list {
		if c.shared[place]++; c.shared[place] == 1 {
			c.places = append(c.places, place)
		}
	}
}

// thin drops the candidates with less than least features in common, and counts the features of the list; false when it is
// not worth the time.
func (c *twinSearch) thin(list []int32, least int) bool {
	c.places = slices.DeleteFunc(c.places, func(place int32) bool { return int(c.shared[place]) < least })
	if len(c.places)*comparing < len(list) {
		return false
	}
	for _, place := range list {
		c.shared[place]++
	}
	return true
}
