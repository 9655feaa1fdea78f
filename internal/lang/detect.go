package lang

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"prediag/internal/lang/ngram"
)

// maxBytes of the text are looked at: the language does not change the further one reads, the cost does.
const maxBytes = 8192

// Thresholds of the decision.
const (
	minConfidence = 0.25 // a guess that is less sure is no answer
	minLetters    = 4    // letters of an alphabet below which there is nothing to guess from
	nameLetters   = 3    // letters of another script that may be a name in a Latin text
	sureMargin    = 3.0  // logit distance from which a sentence counts as surely not English
)

// Weights of the sentences of a text, where some of them are surely what a person says.
const (
	neutralWeight = 0.35 // English that no person need have written, and what is too short to tell
	pastedWeight  = 0.1  // log lines, stack traces, quotations
)

// Detect names the language of s with a BCP 47 tag ("zh" is Chinese in simplified, "zh-Hant" in traditional
// characters), or "und" with confidence 0 when it is none of Tags or cannot be told. The confidence, from 0 to 1, is the
// probability that the tag is right.
//
// Code, URLs, paths, ids and names do not count. Where languages are mixed, the one that a person writes wins over
// the English of logs, stack traces and quotations, and letters of another script over Latin terms. Only the first
// 8 KiB count.
func Detect(s string) (tag string, confidence float64) {
	if len(s) > maxBytes {
		s = s[:maxBytes]
	}
	if decomposed(s) {
		s = norm.NFC.String(s)
	}
	var d detector
	d.groups = groups()
	d.read(s)
	return d.decide()
}

// decomposed reports whether s may hold combining diacritics or jamo, which NFC composes.
func decomposed(s string) bool {
	return strings.Contains(s, "\xcc") || strings.Contains(s, "\xcd") || strings.Contains(s, "\xe1\x84") || strings.Contains(s, "\xe1\x85")
}

// Kinds of sentences, by who may have written them.
const (
	natural = iota // surely a person, and not in English; or in English with words that only persons use
	neutral
	pasted
	kinds
)

// sums are scores that have been weighted.
type sums struct {
	sum      [ngram.MaxClasses]float32
	features float32
	words    float32
}

func (t *sums) add(s *ngram.Scores, words int) {
	for c, v := range s.Sum {
		t.sum[c] += float32(v)
	}
	t.features += float32(s.Features)
	t.words += float32(words)
}

// join adds another part of the text with a weight.
func (t *sums) join(o *sums, weight float32) {
	for c, v := range o.sum {
		t.sum[c] += v * weight
	}
	t.features += o.features * weight
	t.words += o.words * weight
}

// detector gathers the evidence in a text.
type detector struct {
	groups  *[ngram.ScriptCount]*ngram.Group
	letters [ngram.ScriptCount]int
	latin   [kinds]sums
	others  [ngram.ScriptCount]*ngram.Scores // of the scripts with a model, except Latin

	now      ngram.Scores // the Latin words of the sentence
	words    int
	personal bool // the sentence has a word of a person who writes English
	logged   bool // the line has the marks of a log
	quoted   bool
	skipped  int // pieces passed over before the sentence

	pending  int // features of the Latin words of the sentence that are not in now yet
	features [4 * ngram.MaxFeatures]uint32
}

func (d *detector) read(s string) {
	sc, end := ngram.NewScanner(s), 0
	for sc.Next() {
		w := &sc.Word
		d.gap(s[end:w.Start], sc.Skipped)
		end = w.End
		if logMark(s[w.Start:w.End]) {
			d.sentence(sc.Skipped)
			d.logged = true
		}
		d.letters[w.Script] += w.Letters
		if w.Script == ngram.Latin {
			d.word(w)
			continue
		}
		if g := d.groups[w.Script]; g != nil {
			if d.others[w.Script] == nil {
				d.others[w.Script] = &ngram.Scores{}
			}
			d.add() // its room is needed
			g.Add(d.others[w.Script], w.Features(d.features[:0]))
		}
	}
	d.sentence(sc.Skipped)
}

// word counts a Latin word.
func (d *detector) word(w *ngram.Word) {
	d.words++
	if d.pending+ngram.MaxFeatures > len(d.features) {
		d.add()
	}
	d.pending = len(w.Features(d.features[:d.pending]))
	switch string(w.Text()) {
	case "i", "we", "please", "thanks", "thank", "hello", "hi", "dear":
		d.personal = true
	}
}

// add adds the pending features to the sentence: many at a time cost less.
func (d *detector) add() {
	if d.pending > 0 {
		d.groups[ngram.Latin].Add(&d.now, d.features[:d.pending])
	}
	d.pending = 0
}

// logMark reports whether a word is a level of a log line, or the head of a stack trace.
func logMark(word string) bool {
	switch word {
	case "ERROR", "WARN", "WARNING", "INFO", "FATAL", "DEBUG", "TRACE", "CRITICAL", "SEVERE", "Exception", "Traceback":
		return true
	}
	return false
}

// gap looks at what stands between two words for the ends of sentences, lines and quotations.
func (d *detector) gap(s string, skipped int) {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		i += n
		switch r {
		case '\n':
			d.sentence(skipped)
			d.logged, d.quoted = false, false
		case '.', '!', '?', ';':
			if i < len(s) && s[i] == ' ' {
				d.sentence(skipped)
			}
		case '。', '！', '？', '…', '؟', '।':
			d.sentence(skipped)
		case '"', '“', '”', '„', '«', '»', '「', '」':
			d.sentence(skipped)
			d.quoted = !d.quoted
		}
	}
}

// sentence closes a sentence.
func (d *detector) sentence(skipped int) {
	if d.words > 0 {
		d.add()
		logged := d.logged || d.quoted || skipped-d.skipped > max(2, d.words/2)
		d.latin[d.kind(logged)].add(&d.now, d.words)
		d.now, d.words, d.personal = ngram.Scores{}, 0, false
	}
	d.skipped = skipped
}

// kind sorts the sentence that ends.
func (d *detector) kind(logged bool) int {
	if logged {
		return pasted
	}
	if d.personal {
		return natural
	}
	if d.words >= 3 {
		var now sums
		now.add(&d.now, d.words)
		g := d.groups[ngram.Latin]
		if class, margin := g.Best(g.Logits(make([]float32, 0, ngram.MaxClasses), now.sum[:], now.features)); g.Tags[class] != "en" && margin > sureMargin {
			return natural
		}
	}
	return neutral
}

// total joins the Latin sentences.
func (d *detector) total() sums {
	t := d.latin[natural]
	weight := float32(1)
	if t.words > 0 {
		weight = neutralWeight
	}
	t.join(&d.latin[neutral], weight)
	weight = 1
	if t.words > 0 {
		weight = pastedWeight
	}
	t.join(&d.latin[pasted], weight)
	return t
}

// lettersPerWord is how much text in a script says as much as a word.
func lettersPerWord(kind ngram.Script) float32 {
	switch kind {
	case ngram.Han:
		return 1.7
	case ngram.Kana, ngram.Hangul:
		return 2.5
	case ngram.Thai, ngram.Arabic, ngram.Hebrew:
		return 4
	}
	return 5.5
}

// decide weighs the scripts, then the languages of the script.
func (d *detector) decide() (string, float64) {
	kind, words := d.dominant()
	if kind == ngram.None || d.latinWins(kind, words) {
		if d.letters[ngram.Latin] < minLetters {
			return "und", 0
		}
		t := d.total()
		return answer(d.groups[ngram.Latin], &t)
	}
	switch {
	case kind == ngram.Han:
		return d.eastAsian()
	case d.groups[kind] != nil && d.letters[kind] < minLetters:
		return "und", 0
	case d.groups[kind] != nil:
		var t sums
		t.add(d.others[kind], 0)
		return answer(d.groups[kind], &t)
	case scriptTags[kind] == "":
		return "und", 0
	}
	return scriptTags[kind], sure(d.letters[kind])
}

// latinWins reports whether the Latin words of a text outweigh those of another script. Words that a person need not
// have written weigh little; a few letters, such as a customer's name, do not outweigh a sentence.
func (d *detector) latinWins(kind ngram.Script, words float32) bool {
	clear, unclear := d.latin[natural].words, d.latin[neutral].words
	if d.letters[kind] <= nameLetters && clear+unclear >= 5 {
		return true
	}
	return clear+0.15*unclear+0.05*d.latin[pasted].words > 1.2*words+0.5
}

// dominant returns the script, other than Latin, that most of the text is written in, and how many words that is.
func (d *detector) dominant() (ngram.Script, float32) {
	best, most := ngram.None, float32(0)
	for kind := ngram.Latin + 1; kind < ngram.ScriptCount; kind++ {
		words := float32(d.letters[kind]) / lettersPerWord(kind)
		switch kind {
		case ngram.Han:
			words += float32(d.letters[ngram.Kana]) / lettersPerWord(ngram.Kana)
		case ngram.Kana:
			continue
		}
		if words > most {
			best, most = kind, words
		}
	}
	return best, most
}

// sure is the confidence that a number of letters of a script gives, where the script has one language.
func sure(letters int) float64 { return 1 - 0.5/float64(1+letters) }

// eastAsian tells Chinese in either script and Japanese apart.
func (d *detector) eastAsian() (string, float64) {
	han, kana := d.letters[ngram.Han], d.letters[ngram.Kana]
	if kana >= 3 && kana*12 >= han || kana > 0 && kana*3 >= han {
		return "ja", sure(han + kana)
	}
	var t sums
	t.add(d.others[ngram.Han], 0)
	return answer(d.groups[ngram.Han], &t)
}

// answer returns the best class of a group.
func answer(g *ngram.Group, t *sums) (string, float64) {
	class, margin := g.Best(g.Logits(make([]float32, 0, ngram.MaxClasses), t.sum[:], t.features))
	confidence := g.Confidence(margin, float64(t.features))
	if g.Tags[class] == "und" || confidence < minConfidence {
		return "und", 0
	}
	return g.Tags[class], confidence
}
