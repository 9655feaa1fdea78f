package lang

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBytes of the text are looked at: the language does not change the further one reads, the cost does.
const maxBytes = 8192

// Thresholds of the decision.
const (
	minScore     = 0.7  // less evidence than a function word of two languages is none
	minMargin    = 0.05 // of the best score that must separate it from the second
	latinPerChar = 3    // Latin function words that outweigh a letter of another script
)

// Detect names the language of s with a BCP 47 tag ("zh" is Chinese in simplified, "zh-Hant" in traditional
// characters), or "und" when unsure, and a confidence from 0 to 1.
//
// The script decides where it can; then function words, word endings and letters vote. Code, URLs, ids and names do
// not count, and Latin text does not where letters of another script are present: a Chinese ticket with English logs
// is Chinese. Only the first 8 KiB count.
func Detect(s string) (tag string, confidence float64) {
	if len(s) > maxBytes {
		s = s[:maxBytes]
	}
	var c counter
	c.count(s)
	return c.decide()
}

// counter gathers the evidence in a text.
type counter struct {
	scripts [scriptCount]int // letters
	han     [3]int           // characters of hanTable by bit
	latin   scores
	others  scores // of the one alphabet among cyrillic, arabic, devanagari that came first
	hints   *hints
	hits    int // Latin function words
}

// scores are the votes for the languages of one alphabet.
type scores [64]float32

func (c *counter) count(s string) {
	for i := 0; i < len(s); {
		if s[i] == '`' || s[i] == 'h' || s[i] == 'w' {
			if n := skip(s, i); n > 0 {
				i += n
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		kind := scriptOf(r)
		if kind == scriptNone {
			i += n
			continue
		}
		if h := hintsOf(kind); h != nil {
			i = c.word(s, i, kind, h)
			continue
		}
		c.scripts[kind]++
		if kind == scriptHan {
			c.character(r)
		}
		i += n
	}
}

func (c *counter) character(r rune) {
	if entry := hanTable[r]; entry != 0 {
		c.han[bits.TrailingZeros8(entry)]++
	}
}

// skip returns the length of the code block, inline code or URL at s[i:], or 0.
func skip(s string, i int) int {
	rest := s[i:]
	for _, fence := range []string{"```", "`"} {
		if strings.HasPrefix(rest, fence) {
			if end := strings.Index(rest[len(fence):], fence); end >= 0 {
				return end + 2*len(fence)
			}
			return len(fence)
		}
	}
	if strings.HasPrefix(rest, "http://") || strings.HasPrefix(rest, "https://") || strings.HasPrefix(rest, "www.") {
		if end := strings.IndexFunc(rest, endsURL); end >= 0 {
			return end
		}
		return len(rest)
	}
	return 0
}

func endsURL(r rune) bool { return r >= utf8.RuneSelf || r <= ' ' || r == '"' || r == '>' || r == ')' }

// word reads the word at s[i:], lets it vote, and returns its end.
func (c *counter) word(s string, i int, kind script, h *hints) int {
	w, end := readWord(s, i, kind)
	if kind == scriptLatin && noisy(s, i, end, w.camel) {
		return tokenEnd(s, end)
	}
	c.scripts[kind] += w.count
	if kind == scriptLatin {
		if w.vote(h, &c.latin) {
			c.hits++
		}
		return end
	}
	if c.hints == nil {
		c.hints = h
	}
	if c.hints == h {
		w.vote(h, &c.others)
	}
	return end
}

// word is a word in small letters.
type word struct {
	buf    [64]byte
	starts [24]uint8 // where its letters start in buf
	size   int       // bytes in buf
	count  int       // letters, also those that did not fit into buf
	camel  bool      // a capital follows a small letter
}

func readWord(s string, i int, kind script) (w word, end int) {
	wasLower := false
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if scriptOf(r) != kind && !unicode.Is(unicode.M, r) {
			break
		}
		lower := unicode.ToLower(r)
		w.camel = w.camel || wasLower && lower != r
		wasLower = lower == r
		if w.count < len(w.starts) && w.size+utf8.UTFMax <= len(w.buf) {
			w.starts[w.count] = uint8(w.size)
			w.size += utf8.EncodeRune(w.buf[w.size:], lower)
		}
		w.count++
		i += n
	}
	return w, i
}

// vote adds the word's evidence, and reports whether it is a function word.
func (w *word) vote(h *hints, sum *scores) bool {
	if w.count > len(w.starts) {
		return false
	}
	known := h.words[string(w.buf[:w.size])]
	sum.add(known, 1)
	if known == 0 && w.count >= 5 {
		for n := 4; n >= 2; n-- {
			if e := h.endings[string(w.buf[w.starts[w.count-n]:w.size])]; e != 0 {
				sum.add(e, 0.4)
				break
			}
		}
	}
	for i := 0; i < w.count; i++ {
		b := w.buf[w.starts[i]:]
		if b[0] < utf8.RuneSelf {
			continue
		}
		r, _ := utf8.DecodeRune(b)
		sum.add(h.letter(r), 0.7)
	}
	return known != 0
}

// add gives weight to each language in the set, the less of it the more languages share it.
func (s *scores) add(langs set, weight float32) {
	if langs == 0 {
		return
	}
	weight *= shares[min(bits.OnesCount64(uint64(langs)), len(shares))-1]
	for ; langs != 0; langs &= langs - 1 {
		s[bits.TrailingZeros64(uint64(langs))] += weight
	}
}

// shares of the weight by the number of languages that have a hint.
var shares = [...]float32{1, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2}

// noisy reports whether the Latin word s[i:end] is part of an id, path, address, assignment or CamelCase name.
func noisy(s string, i, end int, camel bool) bool {
	if camel {
		return true
	}
	if i > 0 && (isDigit(s[i-1]) || strings.IndexByte("_/@\\=$%<{", s[i-1]) >= 0) {
		return true
	}
	if i > 1 && s[i-1] == '.' && s[i-2] > ' ' && s[i-2] != '.' {
		return true
	}
	if end >= len(s) {
		return false
	}
	if isDigit(s[end]) || strings.IndexByte("_/@\\=$%({", s[end]) >= 0 {
		return true
	}
	return end+1 < len(s) && (s[end] == '.' || s[end] == '-' || s[end] == ':') && (isDigit(s[end+1]) || s[end] != '-' && isLetter(s[end+1]))
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// tokenEnd returns the end of the ASCII token without white space that goes on at i.
func tokenEnd(s string, i int) int {
	for i < len(s) && s[i] > ' ' && s[i] < 0x7f && strings.IndexByte(",;'\"()", s[i]) < 0 {
		i++
	}
	return i
}

// decide weighs the scripts, then the languages of the script.
func (c *counter) decide() (string, float64) {
	kind, letters := c.dominant()
	switch kind {
	case scriptNone:
		tag, confidence := c.latin.best(latin, c.scripts[scriptLatin])
		if tag == "und" && c.scripts[scriptLatin] >= minPlain && c.latin.noneBeats("en", latin) {
			return "en", plainConfidence
		}
		return tag, confidence
	case scriptHan, scriptKana:
		return c.eastAsian()
	case scriptCyrillic, scriptArabic, scriptDevanagari:
		if c.hints == hintsOf(kind) {
			return c.others.best(c.hints, letters)
		}
		return hintsOf(kind).fallback, 0.5
	}
	return scriptTags[kind], sure(letters)
}

// dominant returns the script, other than Latin, that the text is written in, or none.
func (c *counter) dominant() (script, int) {
	best, most := scriptNone, 0
	for kind := scriptLatin + 1; kind < scriptCount; kind++ {
		n := c.scripts[kind]
		if kind == scriptHan && c.scripts[scriptKana] > 0 {
			n += c.scripts[scriptKana]
		}
		if n > most {
			best, most = kind, n
		}
	}
	weight := most * latinPerChar
	if wordy(best) {
		weight /= 4
	}
	if most < 2 && c.scripts[scriptLatin] > 0 || c.hits > weight {
		return scriptNone, 0
	}
	return best, most
}

// sure is the confidence that a number of letters of a script gives, where the script has one language.
func sure(letters int) float64 { return 1 - 0.5/float64(1+letters) }

// eastAsian tells Chinese in either script and Japanese apart.
func (c *counter) eastAsian() (string, float64) {
	han, kana := c.scripts[scriptHan], c.scripts[scriptKana]
	if kana >= 3 && kana*12 >= han || kana > 0 && kana*3 >= han || c.han[2] > c.han[0] && c.han[2]*4 >= c.han[1] {
		return "ja", sure(han + kana)
	}
	simplified, traditional := c.han[0], c.han[1]
	confidence := sure(han) * (0.5 + 0.5*float64(max(simplified, traditional)+1)/float64(simplified+traditional+1))
	if traditional > simplified {
		return "zh-Hant", confidence
	}
	return "zh", confidence
}

// A short Latin text without function words, such as "load balancer returns 503", is taken for English, the language of
// technical terms, unless some letter or ending speaks more for another.
const (
	minPlain        = 8    // letters that such a text needs
	plainConfidence = 0.45 // low: it is a guess
)

// noneBeats reports whether no language has more votes than the one named.
func (s *scores) noneBeats(tag string, h *hints) bool {
	own := float32(0)
	if i := slices.Index(h.tags, tag); i >= 0 {
		own = s[i]
	}
	for i := range h.tags {
		if s[i] > own {
			return false
		}
	}
	return true
}

// best returns the language with the most votes, or the fallback when there are too few or two are too close.
func (s *scores) best(h *hints, letters int) (string, float64) {
	first, second := -1, -1
	for i := range h.tags {
		s[i] *= h.prior[i]
		switch {
		case first < 0 || s[i] > s[first]:
			first, second = i, first
		case second < 0 || s[i] > s[second]:
			second = i
		}
	}
	top, next := float64(s[first]), float64(s[second])
	if top < minScore || top-next < minMargin*top {
		if h.fallback != "" && letters > 0 {
			return h.fallback, 0.5
		}
		return "und", 0
	}
	return h.tags[first], (top - 0.5*next) / (top + 0.5)
}
