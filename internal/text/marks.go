package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// StripMarks returns a folded word without what its Latin and Greek letters carry: "é" becomes "e", "ø" becomes "o",
// "ή" becomes "η", "ς" becomes "σ". Use it for alphabets only: in other scripts marks are vowels.
func StripMarks(word string) string {
	plain := true
	for i := 0; i < len(word) && plain; i++ {
		plain = word[i] < utf8.RuneSelf
	}
	if plain {
		return word
	}
	out := make([]byte, 0, len(word))
	for _, r := range norm.NFD.String(word) {
		switch r {
		case 'ø':
			r = 'o'
		case 'ł':
			r = 'l'
		case 'đ':
			r = 'd'
		case 'ı':
			r = 'i'
		case 'ς':
			r = 'σ'
		}
		if !unicode.Is(unicode.Mn, r) {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}
