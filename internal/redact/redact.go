// Package redact removes secrets and personal data from text.
package redact

import (
	"fmt"
	"regexp"
	"strings"

	"prediag"
)

// Finding is one thing that was removed.
type Finding struct {
	Kind string
	Span prediag.Span // in the original text
}

var email = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)

// Text returns s with secrets and personal data replaced by placeholders, and what was replaced.
func Text(s string) (clean string, found []Finding) {
	var b strings.Builder
	last, numbers := 0, map[string]int{}
	for _, m := range email.FindAllStringIndex(s, -1) {
		v := s[m[0]:m[1]]
		if numbers[v] == 0 {
			numbers[v] = len(numbers) + 1
		}
		b.WriteString(s[last:m[0]])
		fmt.Fprintf(&b, "[EMAIL-%d]", numbers[v])
		found = append(found, Finding{Kind: "EMAIL", Span: prediag.Span{Start: m[0], End: m[1]}})
		last = m[1]
	}
	return b.String() + s[last:], found
}
