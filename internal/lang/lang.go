// Package lang names the language of a text, even of a short one with codes, log lines and product names in it.
//
// The script decides where it can. For the scripts that several languages share (Latin, Cyrillic, Arabic, Devanagari,
// Han) a multinomial logistic model over hashed character 1- to 4-grams and whole words decides; package ngram computes
// it, its weights are embedded, and internal/lang/gen, which names the sources and their licences, trains them. Its
// classes include some 400 languages that are not named: a text in one of them is "und" and not its nearest relative.
//
// Serbian is told from Croatian in Latin letters too, which a few words often cannot decide; Bosnian counts as Croatian,
// Nynorsk as Bokmål ("nb"), Cantonese as Chinese in its characters.
//
// The confidence is fitted on texts kept from training. The tests measure accuracy, calibration and what happens to
// languages without a name (go test -v ./internal/lang prints the tables).
package lang

import "strings"

// Base returns the lower-case base language of a BCP 47 tag: "zh-Hant" gives "zh".
func Base(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}

// Match reports whether two BCP 47 tags have the same base language.
func Match(want, have string) bool { return Base(want) == Base(have) }
