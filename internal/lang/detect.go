package lang

import "unicode"

// Detect names the language of s with a BCP 47 tag, "und" when unsure, and a confidence from 0 to 1.
func Detect(s string) (tag string, confidence float64) {
	var han, kana, hangul, latin int
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		case unicode.Is(unicode.Hangul, r):
			hangul++
		case unicode.Is(unicode.Latin, r):
			latin++
		}
	}
	switch {
	case kana > 0:
		return "ja", 0.9
	case hangul > 0:
		return "ko", 0.9
	case han > 0:
		return "zh", 0.9
	case latin > 0:
		return "en", 0.5
	}
	return "und", 0
}
