package kb

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"

	"prediag/internal/text"
)

// stemmer reduces the word in env to its stem (the Snowball algorithms, Porter 2001).
type stemmer func(env *snowballstem.Env) bool

// latinStemmer is the stemmer of a base language that is written in Latin letters; ok: there is one.
func latinStemmer(language string) (s stemmer, ok bool) {
	switch language {
	case "en":
		return english.Stem, true
	case "de":
		return german.Stem, true
	case "fr":
		return french.Stem, true
	case "es":
		return spanish.Stem, true
	case "pt":
		return portuguese.Stem, true
	case "it":
		return italian.Stem, true
	case "nl":
		return dutch.Stem, true
	case "ro":
		return romanian.Stem, true
	case "sv":
		return swedish.Stem, true
	case "da":
		return danish.Stem, true
	case "nb", "nn", "no":
		return norwegian.Stem, true
	case "fi":
		return finnish.Stem, true
	case "hu":
		return hungarian.Stem, true
	case "tr":
		return turkish.Stem, true
	case "ga":
		return irish.Stem, true
	}
	return english.Stem, false
}

// script is what decides how a word is reduced, beside the language of the text.
type script uint8

const (
	otherScript script = iota
	asciiLatin
	markedLatin // with at least one letter beyond a to z
	cyrillic
	greek
	arabicScript
	devanagari
	tamilScript
)

// scriptOf is the script of a folded word; otherScript where it mixes scripts or has a digit.
func scriptOf(word string) script {
	found := otherScript
	for _, r := range word {
		s := otherScript
		switch {
		case 'a' <= r && r <= 'z':
			s = asciiLatin
		case r < utf8.RuneSelf:
			return otherScript
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r):
			continue
		case r < 0x250 || 0x1e00 <= r && r < 0x1f00:
			s = markedLatin
		case 0x370 <= r && r < 0x400 || 0x1f00 <= r && r < 0x2000:
			s = greek
		case 0x400 <= r && r < 0x530:
			s = cyrillic
		case unicode.Is(unicode.Arabic, r):
			s = arabicScript
		case unicode.Is(unicode.Devanagari, r):
			s = devanagari
		case unicode.Is(unicode.Tamil, r):
			s = tamilScript
		}
		switch {
		case s == otherScript:
			return otherScript
		case found == otherScript || found == asciiLatin && s == markedLatin:
			found = s
		case found != s && !(found == markedLatin && s == asciiLatin):
			return otherScript
		}
	}
	return found
}

// stemming says how the words of a text in one language are reduced.
type stemming struct {
	language string
	latin    stemmer
	own      bool // latin is the language's own stemmer
	stems    map[string]string
}

func newStemming(language string) *stemming {
	s := &stemming{language: language, stems: map[string]string{}}
	s.latin, s.own = latinStemmer(language)
	return s
}

// stem reduces a folded word. Words in plain Latin letters within a text of another script are taken for English.
func (s *stemming) stem(word string, env *snowballstem.Env) string {
	stem, ok := s.stems[word]
	if !ok {
		stem = s.reduce(word, env)
		if len(s.stems) >= maxStems {
			clear(s.stems)
		}
		s.stems[strings.Clone(word)] = strings.Clone(stem) // or they would keep the whole text
	}
	return stem
}

func (s *stemming) reduce(word string, env *snowballstem.Env) string {
	run := func(stem stemmer) string {
		env.SetCurrent(word)
		stem(env)
		return env.Current()
	}
	switch scriptOf(word) {
	case asciiLatin:
		return run(s.latin)
	case markedLatin:
		if s.own {
			word = run(s.latin)
		}
		if s.language != "vi" {
			word = text.StripMarks(word)
		}
	case greek:
		return cutEnding(text.StripMarks(word), greekEndings, 3)
	case cyrillic:
		if s.language != "uk" && s.language != "bg" && s.language != "sr" {
			return run(russian.Stem)
		}
	case arabicScript:
		if s.language != "fa" && s.language != "ur" {
			return run(arabic.Stem)
		}
	case devanagari:
		if s.language == "hi" {
			return cutEnding(word, hindiEndings, 2)
		}
	case tamilScript:
		return run(tamil.Stem)
	}
	return word
}

// hindiEndings are the endings that the lightweight stemmer for Hindi removes (Ramanathan and Rao 2003), the longest first.
const hindiEndings = `ाएंगी ाएंगे ाऊंगी ाऊंगा ाइयाँ ाइयों ाइयां
ाएगी ाएगा ाओगी ाओगे एंगी ेंगी एंगे ेंगे ूंगी ूंगा ातीं नाओं नाएं ताओं ताएं ियाँ ियों ियां
ाकर ाइए ाईं ाया ेगी ेगा ोगी ोगे ाने ाना ाते ाती ाता तीं ाओं ाएं ुओं ुएं ुआं
कर ाओ िए ाई ाए ने नी ना ते ीं ती ता ाँ ां ों ें
ो े ू ु ी ि ा`

// greekEndings are the endings of Greek nouns, adjectives and verbs that are most frequent, without accents.
const greekEndings = `ησεις ησουν ματων ματοσ ησετε ομαστε εστε
ματα ησει ησαν ουμε ουσε ειτε ονται εται ικεσ ικων ικου
εων εισ εωσ ουσ ουν ετε ησε ικα ικη ικο ικοι ηκε ικοσ
οσ ου ον οι ων ασ εσ ησ ει ια ιο ισ αν ατε ω
α η ο ε ι υ`

// cutEnding removes the longest of the endings, which stand in that order, that leaves at least so many characters.
func cutEnding(word, endings string, least int) string {
	for ending := range strings.FieldsSeq(endings) {
		if rest, ok := strings.CutSuffix(word, ending); ok && utf8.RuneCountInString(rest) >= least {
			return rest
		}
	}
	return word
}
