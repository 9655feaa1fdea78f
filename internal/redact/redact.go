// Package redact removes secrets and personal data from text before it is logged, stored for review or shown to a
// language model.
//
// It keeps what a diagnosis needs: IP addresses, host names, resource ids, error codes, digests and certificates stay.
// It works by shape, context words (English, Chinese and the usual words of a few more languages) and check digits; a
// secret without a known shape and without a word that announces it is not found.
package redact

import (
	"regexp"
	"sort"
	"strconv"
	"strings"

	"prediag"
	"prediag/internal/text"
)

// The kinds of findings; placeholders carry them: "[EMAIL-1]".
const (
	Secret   = "SECRET"   // key, password, token, session, private key
	Email    = "EMAIL"    // e-mail address
	Phone    = "PHONE"    // telephone number
	ID       = "ID"       // number of a person: Chinese resident id, US social security number
	Card     = "CARD"     // bank card
	IBAN     = "IBAN"     // bank account
	Passport = "PASSPORT" // passport number
	Name     = "NAME"     // name of a person after a word that announces it
	Plate    = "PLATE"    // Chinese licence plate
	WeChat   = "WECHAT"   // WeChat account
)

// Finding is one thing that was removed.
type Finding struct {
	Kind string
	Span prediag.Span // in the original text
}

// Text returns s with each secret and each piece of personal data replaced by a placeholder such as "[SECRET-1]", and
// what was replaced, in the order of the text. The same value gets the same placeholder; numbers count per kind from 1.
// Placeholders that s holds already stay. The time is linear in the length of s.
func Text(s string) (clean string, found []Finding) {
	return newNames(s).text(s)
}

// Texts is Text for the parts of one document: a value has the same placeholder in all of them, and no placeholder
// stands for two values. found has the findings of each part.
func Texts(parts []string) (clean []string, found [][]Finding) {
	names := newNames(parts...)
	for _, s := range parts {
		c, f := names.text(s)
		clean, found = append(clean, c), append(found, f)
	}
	return clean, found
}

func (n *names) text(s string) (clean string, found []Finding) {
	narrow := text.Narrow(s)
	spans := merge(candidates(narrow.Text))
	if len(spans) == 0 {
		return s, nil
	}
	var b strings.Builder
	last := 0
	for _, c := range spans {
		span := narrow.Span(c.start, c.end)
		b.WriteString(s[last:span.Start])
		b.WriteString(n.of(c.kind, narrow.Text[c.start:c.end]))
		found = append(found, Finding{Kind: c.kind, Span: span})
		last = span.End
	}
	b.WriteString(s[last:])
	return b.String(), found
}

// Strip returns s without placeholders, for whoever looks for the meaning of a redacted text.
func Strip(s string) string { return placeholder.ReplaceAllString(s, " ") }

// names hands out placeholders.
type names struct {
	given map[string]string // by kind and value
	next  map[string]int
}

var placeholder = regexp.MustCompile(`\[([A-Z]+)-([0-9]{1,6})\]`)

// newNames continues after the placeholders that the texts hold already, so that none of them gets a second meaning.
func newNames(texts ...string) *names {
	n := &names{given: map[string]string{}, next: map[string]int{}}
	for _, s := range texts {
		if !strings.Contains(s, "-") {
			continue
		}
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			if number, err := strconv.Atoi(m[2]); err == nil {
				n.next[m[1]] = max(n.next[m[1]], number)
			}
		}
	}
	return n
}

func (n *names) of(kind, value string) string {
	key := kind + "\x00" + value
	if n.given[key] == "" {
		n.next[kind]++
		n.given[key] = "[" + kind + "-" + strconv.Itoa(n.next[kind]) + "]"
	}
	return n.given[key]
}

// candidate is a part of the narrowed text that a rule wants removed.
type candidate struct {
	kind       string
	rule       int // the earlier rule names the kind where two overlap
	start, end int
}

// rule finds one shape of secret or personal data.
type rule struct {
	kind  string
	where finder // the parts of the text worth the cost of the expression
	re    *regexp.Regexp
	ok    func(s string, start, end int) bool // says whether a match is one; nil: always
}

// candidates applies all rules. Of a match with groups the groups are removed, else all of it.
func candidates(s string) []candidate {
	var all []candidate
	t := newSubject(s)
	for i := range rules {
		for _, w := range rules[i].where(t) {
			all = rules[i].apply(all, i, s, w)
		}
	}
	return all
}

// apply appends what the rule with number i finds in a window of s.
func (r *rule) apply(all []candidate, i int, s string, w window) []candidate {
	for _, m := range r.re.FindAllStringSubmatchIndex(s[w.start:w.end], -1) {
		groups := m[2:]
		if len(groups) == 0 {
			groups = m
		}
		for g := 0; g < len(groups); g += 2 {
			if groups[g] < 0 || groups[g] == groups[g+1] {
				continue
			}
			start, end := w.start+groups[g], w.start+groups[g+1]
			if (r.ok == nil || r.ok(s, start, end)) && !isPlaceholder(s[start:end]) {
				all = append(all, candidate{r.kind, i, start, end})
			}
		}
	}
	return all
}

// merge sorts the candidates and joins those that overlap.
func merge(all []candidate) []candidate {
	sort.Slice(all, func(i, j int) bool {
		if all[i].start != all[j].start {
			return all[i].start < all[j].start
		}
		return all[i].rule < all[j].rule
	})
	var out []candidate
	for _, c := range all {
		if len(out) == 0 || out[len(out)-1].end <= c.start {
			out = append(out, c)
			continue
		}
		last := &out[len(out)-1]
		last.end = max(last.end, c.end)
		if c.rule < last.rule {
			last.rule, last.kind = c.rule, c.kind
		}
	}
	return out
}
