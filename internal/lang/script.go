package lang

import "unicode"

// script is a writing system, or none for characters that tell nothing.
type script uint8

const (
	scriptNone script = iota
	scriptLatin
	scriptHan
	scriptKana
	scriptHangul
	scriptCyrillic
	scriptArabic
	scriptDevanagari
	scriptThai
	scriptGreek
	scriptHebrew
	scriptBengali
	scriptTamil
	scriptTelugu
	scriptKannada
	scriptMalayalam
	scriptGujarati
	scriptGurmukhi
	scriptSinhala
	scriptLao
	scriptKhmer
	scriptMyanmar
	scriptGeorgian
	scriptArmenian
	scriptEthiopic
	scriptCount
)

// scriptTags names the languages of the scripts that serve one (large) language.
var scriptTags = [scriptCount]string{
	scriptHangul: "ko", scriptThai: "th", scriptGreek: "el", scriptHebrew: "he", scriptBengali: "bn", scriptTamil: "ta",
	scriptTelugu: "te", scriptKannada: "kn", scriptMalayalam: "ml", scriptGujarati: "gu", scriptGurmukhi: "pa",
	scriptSinhala: "si", scriptLao: "lo", scriptKhmer: "km", scriptMyanmar: "my", scriptGeorgian: "ka",
	scriptArmenian: "hy", scriptEthiopic: "am",
}

// rareScripts are looked up last.
var rareScripts = [...]struct {
	kind  script
	table *unicode.RangeTable
}{
	{scriptThai, unicode.Thai}, {scriptGreek, unicode.Greek}, {scriptHebrew, unicode.Hebrew},
	{scriptBengali, unicode.Bengali}, {scriptTamil, unicode.Tamil}, {scriptTelugu, unicode.Telugu},
	{scriptKannada, unicode.Kannada}, {scriptMalayalam, unicode.Malayalam}, {scriptGujarati, unicode.Gujarati},
	{scriptGurmukhi, unicode.Gurmukhi}, {scriptSinhala, unicode.Sinhala}, {scriptLao, unicode.Lao},
	{scriptKhmer, unicode.Khmer}, {scriptMyanmar, unicode.Myanmar}, {scriptGeorgian, unicode.Georgian},
	{scriptArmenian, unicode.Armenian}, {scriptEthiopic, unicode.Ethiopic}, {scriptArabic, unicode.Arabic},
	{scriptHangul, unicode.Hangul}, {scriptHan, unicode.Han}, {scriptKana, unicode.Katakana},
	{scriptCyrillic, unicode.Cyrillic}, {scriptLatin, unicode.Latin},
}

// scriptOf returns the script of a letter, and none for anything else.
func scriptOf(r rune) script {
	switch {
	case r < 0x80:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return scriptLatin
		}
		return scriptNone
	case r >= 0x4e00 && r <= 0x9fff:
		return scriptHan
	case r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fa:
		return scriptKana
	case r >= 0xac00 && r <= 0xd7a3:
		return scriptHangul
	case r >= 0x400 && r <= 0x52f:
		return scriptCyrillic
	case r >= 0xc0 && r <= 0x24f, r >= 0x1e00 && r <= 0x1eff:
		return scriptLatin
	case r >= 0x620 && r <= 0x6ff && unicode.IsLetter(r):
		return scriptArabic
	case r >= 0x900 && r <= 0x963:
		return scriptDevanagari
	}
	if unicode.IsLetter(r) {
		for _, s := range rareScripts {
			if unicode.Is(s.table, r) {
				return s.kind
			}
		}
	}
	return scriptNone
}

// hintsOf returns the hints for a script that many languages share, else nil.
func hintsOf(kind script) *hints {
	switch kind {
	case scriptLatin:
		return latin
	case scriptCyrillic:
		return cyrillic
	case scriptArabic:
		return arabic
	case scriptDevanagari:
		return devanagari
	}
	return nil
}

// wordy reports whether a word of the script takes several letters.
func wordy(kind script) bool {
	return kind != scriptHan && kind != scriptKana && kind != scriptHangul
}
