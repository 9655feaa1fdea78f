package classifier

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"prediag"
)

// Bounds of one search for tickets alike.
const (
	maxAlike      = 100     // tickets that are found at most
	alikePostings = 200_000 // entries of lists that are gone through, the rarest features first
	leastAlike    = 0.05    // of the information in common; under it two texts share by chance what they share
)

// What the clues count beside resemblance. On a fifth of the demo's training tickets, beside the others as decided ones, the first five
// have the same category for 0.794 (words alone 0.217, with the category 0.578, with the articles 0.719) and the same article for 0.903 (0.257).
const (
	sameArticle  = 0.2 // solved by the first article; by the second half of it, and so on
	sameCategory = 0.2 // times the category's probability
)

// Alike is a decided ticket beside another one.
type Alike struct {
	ID          string  // of the case
	Article     string  // that solved it; may be empty
	Resemblance float64 // share of the information in both that they have in common, 0 to 1; 1: the same words in the same order
	SameArticle bool    // Article is one of those that were given
}

// Alike lists the decided tickets that have most in common with a ticket, the most alike first, equal ones by ID; at most limit, which is
// 1 to 100. Features count by their information among the decided tickets (idf), so that a greeting or a language makes no likeness;
// the measure is the weighted Jaccard coefficient, estimated from the sketches where a text is long.
//
// Clues tell what words do not: a ticket that one of the articles solved is alike whatever its words and its language, and tickets
// of the likely category come before others of somewhat greater resemblance.
func (m *Memory) Alike(t prediag.Ticket, clues Clues, limit int) []Alike {
	if m.Len() == 0 || t.Blank() {
		return nil
	}
	k := m.sketcher()
	defer m.sketchers.Put(k)
	s := k.of(redacted(t))
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []rankedAlike
	places := slices.Concat(m.twins.candidates(s, &k.search), m.twins.solvedBy(clues.Articles))
	slices.Sort(places)
	for _, place := range slices.Compact(places) {
		l := m.twins.lessons[place]
		article := slices.Index(clues.Articles, l.article)
		if l.article == "" {
			article = -1
		}
		a := Alike{ID: l.id, Article: l.article, Resemblance: m.twins.weighted(s, l.sketch), SameArticle: article >= 0}
		if a.SameArticle || a.Resemblance >= leastAlike {
			found = append(found, rankedAlike{a, a.Resemblance + clues.bonus(l, article)})
		}
	}
	slices.SortFunc(found, func(a, b rankedAlike) int { return cmp.Or(cmp.Compare(b.rank, a.rank), strings.Compare(a.ID, b.ID)) })
	out := make([]Alike, min(len(found), limit))
	for i := range out {
		out[i] = found[i].Alike
	}
	return out
}

// Clues are what else is known of a ticket that others like it are looked for.
type Clues struct {
	Articles    []string // that a search finds for it, best first
	Category    string   // the likely one; empty: unknown
	Probability float64  // of Category, 0 to 1
}

// bonus is what the clues count for a lesson beside resemblance.
func (c Clues) bonus(l *lesson, article int) float64 {
	out := 0.0
	if article >= 0 {
		out += sameArticle / float64(1+article)
	}
	if c.Category != "" && l.labels[prediag.FieldCategory] == c.Category {
		out += sameCategory * c.Probability
	}
	return out
}

// rankedAlike is an Alike with what it is ordered by.
type rankedAlike struct {
	Alike
	rank float64
}

// solvedBy are the places of the newest lessons that one of the articles solved, as many as are found by words.
func (x *twinIndex) solvedBy(articles []string) []int32 {
	if len(articles) == 0 {
		return nil
	}
	wanted := make(map[string]bool, len(articles))
	for _, a := range articles {
		wanted[a] = a != ""
	}
	var places []int32
	for place, l := range x.lessons {
		if l != nil && wanted[l.article] {
			places = append(places, int32(place))
		}
	}
	slices.SortFunc(places, func(a, b int32) int { return cmp.Compare(x.lessons[b].at, x.lessons[a].at) })
	return places[:min(len(places), maxAlike)]
}

// idf is the information in a feature: less, the more lessons hold it, and never none.
func (x *twinIndex) idf(h uint32) float64 { return x.information(len(x.postings.of(h))) }

// information is that of a feature that so many lessons hold.
func (x *twinIndex) information(df int) float64 {
	return math.Log1p(float64(len(x.lessons)-len(x.free)) / float64(1+df))
}

// candidates are the places of the lessons that share most with a sketch, as far as its rarest features tell.
func (x *twinIndex) candidates(s sketch, c *twinSearch) []int32 {
	rare := c.rare[:0]
	for _, h := range s.hashes {
		rare = append(rare, x.postings.of(h))
	}
	slices.SortStableFunc(rare, func(a, b []int32) int { return cmp.Compare(len(a), len(b)) })
	c.rare = rare
	if cap(c.weights) < len(x.lessons) {
		c.weights = make([]float32, len(x.lessons)+len(x.lessons)/4)
	}
	weights, places, read := c.weights[:len(x.lessons)], c.places[:0], 0
	for _, list := range rare {
		if read += len(list); read > alikePostings {
			break
		}
		w := float32(x.information(len(list)))
		for _, place := range list {
			if weights[place] == 0 {
				places = append(places, place)
			}
			weights[place] += w
		}
	}
	c.places = places
	best, least := make([]sharing, 0, 4*maxAlike), float32(0)
	for _, place := range places {
		of := weights[place] / float32(math.Sqrt(float64(len(x.lessons[place].sketch.hashes))))
		weights[place] = 0
		if of < least {
			continue
		}
		if best = append(best, sharing{place, of}); len(best) == cap(best) {
			best = mostSharing(best)
			least = best[len(best)-1].score
		}
	}
	out := make([]int32, 0, maxAlike)
	for _, b := range mostSharing(best) {
		out = append(out, b.place)
	}
	return out
}

// sharing is the place of a lesson with what it shares with a sketch.
type sharing struct {
	place int32
	score float32
}

// mostSharing are the best, as many as are compared.
func mostSharing(list []sharing) []sharing {
	slices.SortFunc(list, func(a, b sharing) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.place, b.place)) })
	return list[:min(len(list), maxAlike)]
}

// weighted is sketch.resemblance with every feature counting by its information.
func (x *twinIndex) weighted(s, other sketch) float64 {
	if s.order == other.order && len(s.hashes) > 0 {
		return 1
	}
	a, b := s.hashes, other.hashes
	var common, all float64
	for n := 0; n < sketchSize && len(a)+len(b) > 0; n++ {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			all += x.idf(a[0])
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			all += x.idf(b[0])
			b = b[1:]
		default:
			w := x.idf(a[0])
			common, all = common+w, all+w
			a, b = a[1:], b[1:]
		}
	}
	if all == 0 {
		return 0
	}
	return common / all
}
