// Package ngram turns text into words and hashed character n-grams, and weighs these by language. Package lang decides with it,
// and internal/lang/gen trains it.
package ngram

import "unicode"

// Script is a writing system, or none for characters that tell nothing.
type Script uint8

const (
	None Script = iota
	Latin
	Han
	Kana
	Hangul
	Cyrillic
	Arabic
	Devanagari
	Thai
	Greek
	Hebrew
	Bengali
	Tamil
	Telugu
	Kannada
	Malayalam
	Gujarati
	Gurmukhi
	Sinhala
	Lao
	Khmer
	Myanmar
	Georgian
	Armenian
	Ethiopic
	ScriptCount
)

// rareScripts are looked up last.
var rareScripts = [...]struct {
	kind  Script
	table *unicode.RangeTable
}{
	{Thai, unicode.Thai}, {Greek, unicode.Greek}, {Hebrew, unicode.Hebrew},
	{Bengali, unicode.Bengali}, {Tamil, unicode.Tamil}, {Telugu, unicode.Telugu},
	{Kannada, unicode.Kannada}, {Malayalam, unicode.Malayalam}, {Gujarati, unicode.Gujarati},
	{Gurmukhi, unicode.Gurmukhi}, {Sinhala, unicode.Sinhala}, {Lao, unicode.Lao},
	{Khmer, unicode.Khmer}, {Myanmar, unicode.Myanmar}, {Georgian, unicode.Georgian},
	{Armenian, unicode.Armenian}, {Ethiopic, unicode.Ethiopic}, {Arabic, unicode.Arabic},
	{Hangul, unicode.Hangul}, {Han, unicode.Han}, {Kana, unicode.Katakana},
	{Cyrillic, unicode.Cyrillic}, {Latin, unicode.Latin},
}

// ScriptOf returns the script of a letter, and none for anything else.
func ScriptOf(r rune) Script {
	switch {
	case r < 0x80:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return Latin
		}
		return None
	case r >= 0x4e00 && r <= 0x9fff:
		return Han
	case r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fa:
		return Kana
	case r >= 0xac00 && r <= 0xd7a3:
		return Hangul
	case r >= 0x400 && r <= 0x52f:
		return Cyrillic
	case r >= 0xc0 && r <= 0x24f, r >= 0x1e00 && r <= 0x1eff:
		return Latin
	case r >= 0x620 && r <= 0x6ff && unicode.IsLetter(r):
		return Arabic
	case r >= 0x900 && r <= 0x963:
		return Devanagari
	}
	if unicode.IsLetter(r) {
		for _, s := range rareScripts {
			if unicode.Is(s.table, r) {
				return s.kind
			}
		}
	}
	return None
}

// unspaced reports whether a run of the script's letters is no word but a sentence or a part of one.
func (s Script) unspaced() bool { return s == Han || s == Kana }

// String names the script as Unicode does.
func (s Script) String() string {
	if s >= ScriptCount {
		return "none"
	}
	return names[s]
}

var names = [ScriptCount]string{
	"none", "Latin", "Han", "Katakana", "Hangul", "Cyrillic", "Arabic", "Devanagari", "Thai", "Greek", "Hebrew", "Bengali", "Tamil",
	"Telugu", "Kannada", "Malayalam", "Gujarati", "Gurmukhi", "Sinhala", "Lao", "Khmer", "Myanmar", "Georgian", "Armenian", "Ethiopic",
}
