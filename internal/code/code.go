// Package code finds fault codes, alarm ids and error names in text.
package code

import (
	"regexp"
	"strings"

	"prediag"
)

// Match is one code found in a text.
type Match struct {
	Code string       // canonical
	Span prediag.Span // in the text given
}

var dotted = regexp.MustCompile(`\b(?:[A-Za-z]{2,10}\.\d{3,8}|ALM-\d{3,6}|[A-Z][A-Za-z]+(?:Error|Exception|Denied|NotFound|Failed)|0x[0-9A-Fa-f]{8})\b`)

// Find returns the codes in s in the order of the text.
func Find(s string) []Match {
	var found []Match
	for _, m := range dotted.FindAllStringIndex(s, -1) {
		found = append(found, Match{Code: Canonical(s[m[0]:m[1]]), Span: prediag.Span{Start: m[0], End: m[1]}})
	}
	return found
}

// Canonical returns the form of a code used for comparison.
func Canonical(code string) string {
	if strings.ContainsAny(code, ".-0123456789") {
		return strings.ToUpper(code)
	}
	return code
}
