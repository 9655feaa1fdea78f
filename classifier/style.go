package classifier

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"

	"prediag"
)

// Limits of the features at the edges of a part and of those from fields.
const (
	maxEdgeWords  = 3  // words at the beginning and at the end
	maxEdgeChars  = 6  // last characters
	maxFieldCodes = 16 // codes of a ticket that count
)

// edges adds how the part begins and ends, word by word and with its last characters, and how many words it has on a
// scale of doubling. Whether something is asked, told or ordered shows there: in English at the beginning, in Korean and
// Japanese in the last syllables.
func (x *extractor) edges(title bool) {
	n := len(x.order)
	if n == 0 {
		return
	}
	first, last := uint64(fnvOffset), uint64(fnvOffset)
	for k := range min(maxEdgeWords, n) {
		u, w := x.order[k], x.order[n-1-k]
		first = (first ^ x.units[u].hash) * fnvPrime
		last = (last ^ x.units[w].hash) * fnvPrime
		x.add(occurrence{finish(first*7+1, groupEdge), groupEdge, title, x.order[0], u})
		x.add(occurrence{finish(last*7+2, groupEdge), groupEdge, title, w, x.order[n-1]})
	}
	x.add(occurrence{finish(lengthClass(n)*31+5, groupEdge), groupEdge, title, x.order[0], x.order[n-1]})
	h, end := uint64(fnvOffset), len(x.runes)-2 // the last rune is a boundary
	for k := 0; k < maxEdgeChars && end-k > 0; k++ {
		h = (h ^ uint64(x.runes[end-k])) * fnvPrime
		if from := x.owner[end-k]; from >= 0 {
			x.add(occurrence{finish(h*7+3, groupEdge), groupEdge, title, from, x.owner[end]})
		}
	}
}

// lengthClass is twice the binary logarithm of n, rounded down.
func lengthClass(n int) uint64 { return uint64(bits.Len(uint(n*n)) - 1) }

// signs adds each sign of a gap, and whether it is repeated.
func (x *extractor) signs(s string, u int32, title bool) {
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		k := 1
		for strings.HasPrefix(s[k*size:], s[:size]) {
			k++
		}
		s = s[k*size:]
		if !unicode.IsSpace(r) {
			x.add(occurrence{finish(uint64(r)*8+uint64(min(k, 3)), groupStyle), groupStyle, title, u, u})
		}
	}
}

// Marks of style that a word may have.
const (
	markCapitals = 1<<32 + iota
	markDrawn
)

// capitals adds that a word is written in capitals, and which one, and that a letter of it is drawn out ("sooo").
func (x *extractor) capitals(s string, u int32, title bool) {
	upper, other, run := 0, 0, 0
	var before rune
	drawn := false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLetter(r):
			other++
		}
		if r == before && unicode.IsLetter(r) {
			run++
			drawn = drawn || run == 2
		} else {
			before, run = r, 0
		}
	}
	if upper > 1 && other == 0 {
		x.add(occurrence{finish(markCapitals, groupStyle), groupStyle, title, u, u})
		x.add(occurrence{finish(x.units[u].hash*3+1, groupStyle), groupStyle, title, u, u})
	}
	if drawn {
		x.add(occurrence{finish(markDrawn, groupStyle), groupStyle, title, u, u})
	}
}

// fields adds what the ticket says outside of its text.
func (x *extractor) fields(t prediag.Ticket) {
	if t.Product != "" {
		x.field("product", t.Product)
	}
	for _, c := range t.Codes[:min(len(t.Codes), maxFieldCodes)] {
		if c != "" {
			x.field("code", c)
		}
	}
}

func (x *extractor) field(field, value string) {
	name := cut(field+"="+strings.ToValidUTF8(value, ""), maxNearText)
	u := int32(len(x.units))
	h := hashString(strings.ToLower(name))
	x.units = append(x.units, unit{hash: h, name: name})
	x.add(occurrence{finish(h, groupField), groupField, false, u, u})
}
