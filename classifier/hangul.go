package classifier

// Limits of the features made of letters of Hangul.
const (
	maxEdgeLetters = 12 // last letters of a part
	maxWordLetters = 6  // last letters of a word
)

// Hangul syllables in Unicode's order (The Unicode Standard, section 3.12): an initial, a vowel, and perhaps a final.
const (
	firstSyllable = 0xac00
	lastSyllable  = 0xd7a3
	firstInitial  = 0x1100
	firstVowel    = 0x1161
	beforeFinals  = 0x11a7
	vowels        = 21
	finals        = 28 // the first of them is none
)

// appendLetters adds the letters of a Hangul syllable, or any other character as it is.
func appendLetters(letters []rune, r rune) []rune {
	if r < firstSyllable || r > lastSyllable {
		return append(letters, r)
	}
	s := r - firstSyllable
	letters = append(letters, firstInitial+s/(vowels*finals), firstVowel+s/finals%vowels)
	if f := s % finals; f > 0 {
		letters = append(letters, beforeFinals+f)
	}
	return letters
}

// hangul adds how the part and each of its words end, letter by letter. Korean endings begin within a syllable, as its
// final consonant, so that syllables tell them apart by the stems before them.
func (x *extractor) hangul(title bool) {
	x.letters, x.writer = x.letters[:0], x.writer[:0]
	for i, r := range x.runes {
		x.letters = appendLetters(x.letters, r)
		for len(x.writer) < len(x.letters) {
			x.writer = append(x.writer, x.owner[i])
		}
	}
	if len(x.letters) == len(x.runes) {
		return // no Hangul
	}
	for i := 1; i < len(x.letters)-1; i++ {
		if x.writer[i] >= 0 && x.writer[i+1] < 0 {
			x.ending(i, maxWordLetters, groupChar, title)
		}
	}
	x.ending(len(x.letters)-2, maxEdgeLetters, groupEdge, title)
}

// ending adds the sequences of letters that end at a letter; those of a word end with it.
func (x *extractor) ending(end, most int, g group, title bool) {
	h := uint64(fnvOffset)
	for k := 0; k < most && end-k > 0; k++ {
		from := x.writer[end-k]
		if from < 0 && g == groupChar {
			return
		}
		h = (h ^ uint64(x.letters[end-k])) * fnvPrime
		if from >= 0 && (k > 0 || g == groupEdge) {
			x.add(occurrence{finish(h*7+4, g), g, title, from, x.writer[end]})
		}
	}
}
