package classifier

import (
	"math"
	"strings"
	"unicode/utf8"

	"prediag"
	"prediag/internal/text"
)

// Caps that keep the work for one ticket linear and bounded; what lies beyond them does not count.
const (
	maxTitleBytes = 4 << 10  // of the title
	maxBodyBytes  = 32 << 10 // of the body
)

// recipe says which features a text has. It is stored with the model, so that a model is always asked with the
// features that it was trained on.
type recipe struct {
	CharMin     int     `json:"char_min"`     // shortest character sequence, boundary included
	CharMax     int     `json:"char_max"`     // longest one
	PairWindow  int     `json:"pair_window"`  // unordered pairs of words at most this far apart
	PairWeight  float32 `json:"pair_weight"`  // share of the norm, relative to words = 1
	NextWeight  float32 `json:"next_weight"`  // adjacent ordered pairs
	CharWeight  float32 `json:"char_weight"`  // character sequences
	EdgeWeight  float32 `json:"edge_weight"`  // how a part begins and ends, and how long it is
	StyleWeight float32 `json:"style_weight"` // capitals, repeated signs, drawn-out words
	FieldWeight float32 `json:"field_weight"` // product and codes that came in fields of their own
	TitleWeight float32 `json:"title_weight"` // times a feature of the title counts
	Filed       bool    `json:"filed"`        // of the body only what the customer wrote for the ticket, see text.Filed
	Hangul      bool    `json:"hangul"`       // endings by the letters of Hangul
}

// defaultRecipe was chosen by cross-validation on the training parts of English, Korean, multilingual and developers'
// texts. Sequences of five and six characters cost more and gave nothing there.
func defaultRecipe() recipe {
	return recipe{CharMin: 2, CharMax: 4, PairWindow: 16, PairWeight: 0.5, NextWeight: 0.5, CharWeight: 1,
		EdgeWeight: 0.5, StyleWeight: 0.5, FieldWeight: 0.5, TitleWeight: 2, Filed: true, Hangul: true}
}

// group is a kind of feature; each has its own share of a text's norm.
type group uint8

const (
	groupWord group = iota
	groupNext
	groupPair
	groupChar
	groupEdge
	groupStyle
	groupField
	groups
)

// occurrence is one feature at one place of a text.
type occurrence struct {
	hash  uint32
	group group
	title bool
	from  int32 // first unit that it covers
	to    int32 // last unit that it covers
}

// unit is a word, number, code, or unspaced run, with its place in the original text.
type unit struct {
	hash       uint64
	start, end int
	name       string // of what stands in a field of its own and not in the text; else empty
}

// extractor turns texts into features. It is scratch space: one goroutine at a time.
type extractor struct {
	recipe recipe
	tokens []text.Token
	units  []unit
	order  []int32 // units of the part at hand that are words, codes left out
	runes  []rune
	owner  []int32 // unit of each rune; -1: boundary

	letters []rune  // the runes with Hangul syllables taken apart
	writer  []int32 // unit of each letter; -1: boundary

	out   []occurrence
	spans []prediag.Span // of the body
}

// extract lists the features of the title and the body; the list is valid until the next call.
func (x *extractor) extract(t prediag.Ticket) []occurrence {
	x.out = x.out[:0]
	x.units = x.units[:0]
	if t.Title != "" {
		x.part(cut(t.Title, maxTitleBytes), 0, true)
	}
	if t.Body != "" {
		offset := 0
		if t.Title != "" {
			offset = len(t.Title) + 2
		}
		x.body(cut(t.Body, maxBodyBytes), offset)
	}
	x.fields(t)
	return x.out
}

// body adds the features of the body, which lies at offset of Ticket.Text.
func (x *extractor) body(s string, offset int) {
	if !x.recipe.Filed {
		x.part(s, offset, false)
		return
	}
	x.spans = text.AppendFiled(x.spans[:0], s)
	for _, span := range x.spans {
		x.part(s[span.Start:span.End], offset+span.Start, false)
	}
}

// cut shortens s to at most limit bytes without splitting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// part adds the features of one part of the ticket, whose first byte lies at offset of Ticket.Text.
func (x *extractor) part(s string, offset int, title bool) {
	x.tokens = text.AppendTokens(x.tokens[:0], s)
	x.order, x.runes, x.owner = x.order[:0], x.runes[:0], x.owner[:0]
	x.boundary()
	end := 0
	for i := 0; i < len(x.tokens); {
		x.gap(s, end, x.tokens[i].Start, offset, title)
		next := x.token(s, i, offset, title)
		for ; i < next; i++ {
			end = max(end, x.tokens[i].End)
		}
	}
	x.gap(s, end, len(s), offset, title)
	x.words(title)
	x.chars(title)
	x.edges(title)
	if x.recipe.Hangul {
		x.hangul(title)
	}
}

// maxGap is the longest run of signs that counts as one feature, in bytes.
const maxGap = 16

// gap adds the signs between two tokens: question marks and smileys say something about a ticket, too.
func (x *extractor) gap(s string, from, to, offset int, title bool) {
	if from >= to {
		return
	}
	signs := strings.TrimSpace(s[from:to])
	if signs == "" {
		return
	}
	from += strings.Index(s[from:to], signs)
	signs = cut(signs, maxGap)
	u := int32(len(x.units))
	x.units = append(x.units, unit{0, offset + from, offset + from + len(signs), ""})
	x.add(occurrence{finish(hashString(signs)+1, groupWord), groupWord, title, u, u})
	x.signs(signs, u, title)
}

const boundaryRune = ' '

func (x *extractor) boundary() {
	x.runes = append(x.runes, boundaryRune)
	x.owner = append(x.owner, -1)
}

// token adds the units that begin at token i and returns the index of the token after them.
func (x *extractor) token(s string, i, offset int, title bool) int {
	t := x.tokens[i]
	if t.Kind == text.Bigram {
		return x.run(i, offset, title)
	}
	u := int32(len(x.units))
	x.units = append(x.units, unit{hashString(t.Text), offset + t.Start, offset + t.End, ""})
	if t.Kind == text.Code {
		// The parts of a code follow as words of their own, so the whole of it stays out of the sequence.
		x.add(occurrence{finish(x.units[u].hash, groupWord), groupWord, title, u, u})
		return i + 1
	}
	x.capitals(s[t.Start:t.End], u, title)
	x.order = append(x.order, u)
	for _, r := range t.Text {
		x.runes = append(x.runes, r)
		x.owner = append(x.owner, u)
	}
	x.boundary()
	return i + 1
}

// maxRun is the longest unspaced run, in bigrams, that may be a word itself.
const maxRun = 7

// run adds the units of an unspaced run: each of its overlapping bigrams, and its characters one by one. In the
// sequence of words a short run stands for itself, as it is a word in Korean and often one elsewhere, a long one for
// its bigrams.
func (x *extractor) run(i, offset int, title bool) int {
	first, end := i, x.tokens[i].End
	for i++; i < len(x.tokens) && x.tokens[i].Kind == text.Bigram && x.tokens[i].Start < end; i++ {
		end = x.tokens[i].End
	}
	short := i-first > 1 && i-first <= maxRun
	whole := uint64(fnvOffset)
	for j, t := range x.tokens[first:i] {
		u := int32(len(x.units))
		x.units = append(x.units, unit{hashString(t.Text), offset + t.Start, offset + t.End, ""})
		for at, r := range t.Text {
			if j > 0 && at == 0 {
				continue
			}
			x.runes = append(x.runes, r)
			x.owner = append(x.owner, u)
			whole = (whole ^ uint64(r)) * fnvPrime
		}
		if short {
			x.add(occurrence{finish(x.units[u].hash, groupWord), groupWord, title, u, u})
		} else {
			x.order = append(x.order, u)
		}
	}
	if short {
		x.order = append(x.order, int32(len(x.units)))
		x.units = append(x.units, unit{whole, offset + x.tokens[first].Start, offset + end, ""})
	}
	x.boundary()
	return i
}

// words adds the features made of whole units: each alone, each with the next, and pairs within the window.
func (x *extractor) words(title bool) {
	for i, u := range x.order {
		a := x.units[u].hash
		x.add(occurrence{finish(a, groupWord), groupWord, title, u, u})
		for j := i + 1; j < len(x.order) && j <= i+max(1, x.recipe.PairWindow); j++ {
			w := x.order[j]
			b := x.units[w].hash
			if j == i+1 {
				x.add(occurrence{finish(a*3+b, groupNext), groupNext, title, u, w})
			}
			if x.recipe.PairWindow > 0 {
				x.add(occurrence{finish(min(a, b)*5+max(a, b), groupPair), groupPair, title, u, w})
			}
		}
	}
}

// chars adds the character sequences.
func (x *extractor) chars(title bool) {
	for i := range x.runes {
		h := uint64(fnvOffset)
		for n := 1; n <= x.recipe.CharMax && i+n <= len(x.runes); n++ {
			j := i + n - 1
			h = (h ^ uint64(x.runes[j])) * fnvPrime
			if n >= x.recipe.CharMin && (n > 1 || x.runes[i] != boundaryRune) {
				from, to := x.owner[i], x.owner[j]
				if from < 0 {
					from = x.owner[i+1]
				}
				if to < 0 {
					to = x.owner[j-1]
				}
				x.add(occurrence{finish(h, groupChar), groupChar, title, from, to})
			}
			if n > 1 && x.runes[j] == boundaryRune {
				break
			}
		}
	}
}

func (x *extractor) add(o occurrence) { x.out = append(x.out, o) }

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// hashString is FNV-1a, never 0.
func hashString(s string) uint64 {
	h := uint64(fnvOffset)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return max(h, 1)
}

// finish mixes h with the feature's group into 32 bits (the finaliser of splitmix64).
func finish(h uint64, g group) uint32 {
	h += (uint64(g) + 1) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return uint32(h >> 32)
}

// vector is a text as sparse features: ids of the vocabulary in the order of their first occurrence, and values whose
// squares sum to one over the groups' shares.
type vector struct {
	ids  []int32
	vals []float32
}

// damp is the weight of a feature that occurs with total count n.
func damp(n float32) float32 {
	if n <= 1 {
		return n
	}
	return 1 + float32(math.Log(float64(n)))
}
