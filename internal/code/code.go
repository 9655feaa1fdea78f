// Package code finds fault codes, alarm ids, error names and status numbers in text.
//
// A code is what an engineer would search for: "ACS.0013", "ALM-21004", "NullPointerException", "HTTP 503",
// "0x80070005". Versions, addresses, dates, resource ids and names of products are not codes.
package code

import (
	"strings"

	"prediag"
	"prediag/internal/text"
)

// Match is one code found in a text.
type Match struct {
	Code string       // canonical, see Canonical
	Span prediag.Span // in the text given to Find, with its context word where that is part of the code ("HTTP 503")
}

// maxChunk is the longest run of code characters looked at, in bytes; a longer one is data.
const maxChunk = 128

// Find returns the codes in s in the order of the text, without overlap. The time is linear in the length of s.
func Find(s string) []Match {
	narrow := text.Narrow(s)
	f := finder{s: narrow.Text}
	f.run()
	for i := range f.found {
		f.found[i].Span = narrow.Span(f.found[i].Span.Start, f.found[i].Span.End)
	}
	return f.found
}

// Canonical returns the form of a code used for comparison: plain width, alarm ids as "ALM-n", statuses as "HTTP n",
// hex numbers as "0x" and capitals, codes that end in a number in capitals; the case of error names is kept.
// It is idempotent.
func Canonical(code string) string {
	narrow := text.Narrow(strings.ToValidUTF8(code, ""))
	code = strings.Join(strings.Fields(narrow.Text), " ")
	if m := alarmID.FindStringSubmatch(code); m != nil {
		return "ALM-" + m[1]
	}
	if m := statusText.FindStringSubmatch(code); m != nil {
		return "HTTP " + m[1]
	}
	if hexNumber.MatchString(code) {
		return "0x" + strings.ToUpper(code[2:])
	}
	if numbered.MatchString(code) || screaming.MatchString(strings.ToUpper(code)) && strings.Contains(code, "_") {
		return strings.ToUpper(code)
	}
	return code
}

type finder struct {
	s     string // narrowed
	found []Match
}

// run visits the chunks: runs of ASCII letters, digits and single inner joiners.
func (f *finder) run() {
	for i := 0; i < len(f.s); {
		if !alnum(f.s[i]) {
			i++
			continue
		}
		end := chunkEnd(f.s, i)
		if strings.HasPrefix(f.s[end:], "://") {
			i = tokenEnd(f.s, end)
			continue
		}
		if end-i <= maxChunk && !partOfPath(f.s, i) {
			f.chunk(i, end)
		}
		i = end
	}
	if len(f.found) == 0 && bareNumber.MatchString(strings.TrimSpace(f.s)) {
		number := strings.TrimSpace(f.s)
		start := strings.Index(f.s, number)
		f.add(number, start, start+len(number))
	}
}

// add adds a code unless the one before it, by its context word, covers it.
func (f *finder) add(code string, start, end int) {
	if n := len(f.found); n > 0 && f.found[n-1].Span.End > start {
		return
	}
	f.found = append(f.found, Match{Code: code, Span: prediag.Span{Start: start, End: end}})
}

// chunk adds the code that the chunk f.s[i:end] is or holds.
func (f *finder) chunk(i, end int) {
	w := f.s[i:end]
	hasDigit, hasCapital := traits(w)
	switch {
	case !hasDigit && !hasCapital:
	case hasDigit && digits(w):
		f.number(i, end)
	case hasDigit && (alarmID.MatchString(w) || isNumbered(w)), isScreaming(w), errnos[w]:
		f.add(Canonical(w), i, end)
	case hexNumber.MatchString(w):
		if len(w) == len("0x80070005") || contextOf(f.s, i).role&roleError != 0 {
			f.add(Canonical(w), i, end)
		}
	case isDigit(w[0]) || hasDigit && sqlState.MatchString(w):
		if c := contextOf(f.s, i); c.role&roleSQL != 0 {
			f.add("SQLSTATE "+strings.ToUpper(w), c.start, end)
		}
	case hasCapital:
		f.name(i, end)
	}
}

// number adds a number that its neighbours make a code.
func (f *finder) number(i, end int) {
	w := f.s[i:end]
	if len(w) > 10 {
		return
	}
	c := contextOf(f.s, i)
	isStatus := len(w) == 3 && (w[0] == '4' || w[0] == '5')
	switch {
	case c.role&roleExit != 0 && len(w) <= 3 && w != "0":
		f.add("EXIT "+w, c.start, end)
	case c.role&roleSQL != 0 && len(w) == 5:
		f.add("SQLSTATE "+w, c.start, end)
	case c.role&roleStatus != 0 && isStatus:
		f.add("HTTP "+w, c.start, end)
	case c.role&roleStatus != 0 && len(w) == 3 && w[0] >= '1' && w[0] <= '3': // success
	case c.role&roleAlarm != 0 && len(w) >= 3:
		f.add("ALM-"+w, c.start, end)
	case c.role&roleError != 0 && len(w) >= 2:
		f.add(w, i, end)
	case isStatus && reasonPhrase.MatchString(after(f.s, end)):
		f.add("HTTP "+w, i, end)
	}
}

// name adds an error name: a CamelCase word, or several joined by dots, with a telling part.
func (f *finder) name(i, end int) {
	w := f.s[i:end]
	if strings.ContainsAny(w, "-_") {
		return
	}
	parts := strings.Split(w, ".")
	if allCapitalised(parts) {
		if telling(w) || len(w) > 3 && f.announced(i) {
			f.add(w, i, end)
		}
		return
	}
	last := parts[len(parts)-1]
	if capital(last[0]) && telling(last) {
		f.add(last, end-len(last), end)
	}
}

// announced reports whether the name at i comes after "error code".
func (f *finder) announced(i int) bool {
	c := contextOf(f.s, i)
	return c.code && c.role&roleError != 0
}
