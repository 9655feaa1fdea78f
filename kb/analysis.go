package kb

import (
	index "github.com/blevesearch/bleve_index_api"
	"github.com/blevesearch/snowballstem"

	"prediag"
	"prediag/internal/lang"
	"prediag/internal/pack"
	"prediag/internal/text"
)

// maxTermBytes is the longest term that is indexed or looked up. Longer "words" are dumps and keys that nobody types.
const maxTermBytes = 128

// tokenField is a text field that analyses itself: Bleve's own analyzers split fault codes and leave Thai and Hangul
// whole. Bleve calls Analyze from one of its workers, so the work is shared by the cores.
type tokenField struct {
	name     string
	language string           // base language of the text
	parts    []string         // analysed one after the other; of the whole text the title is the first and the body the last
	article  *prediag.Article // of the whole text, whose value is the forward record; else nil
	meta     []byte           // of this article: what is stored beside the body
	length   int
	terms    index.TokenFrequencies
	forward  []byte
	stored   []byte // the article, packed

	analyzers chan *analyzer // that are free: as many articles are analysed at a time as there are
}

func (f *tokenField) Name() string             { return f.name }
func (f *tokenField) Value() []byte            { return f.forward }
func (f *tokenField) ArrayPositions() []uint64 { return nil }
func (f *tokenField) EncodedFieldType() byte   { return 't' }

// Options says that the field is indexed, and stored where it has a forward record.
func (f *tokenField) Options() index.FieldIndexingOptions {
	if f.article != nil {
		return textOptions | index.StoreField
	}
	return textOptions
}

func (f *tokenField) AnalyzedLength() int                              { return f.length }
func (f *tokenField) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }

// NumPlainTextBytes is the size of the text, for Bleve's statistics.
func (f *tokenField) NumPlainTextBytes() uint64 {
	var n uint64
	for _, p := range f.parts {
		n += uint64(len(p))
	}
	return n
}

// Size estimates the memory that the field holds, in bytes.
func (f *tokenField) Size() int { return 64 + 96*len(f.terms) }

// Analyze fills in the terms with their frequencies, the length in tokens, and the forward record.
func (f *tokenField) Analyze() {
	f.terms = index.TokenFrequencies{}
	f.length = 0
	a, m := <-f.analyzers, newForwardMaker()
	defer func() { f.analyzers <- a }()
	a.yield()
	a.speak(f.language)
	for i, p := range f.parts {
		terms := a.terms(p)
		for _, t := range terms {
			f.add(t)
		}
		switch {
		case f.article == nil:
		case i == len(f.parts)-1:
			m.addBody(terms, a.starts)
		case i == 0:
			m.addTitle(terms)
		}
	}
	if f.article != nil {
		f.forward = m.record(f.article, a)
		f.stored = packText(a.packer, f.plain())
	}
}

// plain is the article as it is stored, before it is packed.
func (f *tokenField) plain() []byte { return joinText(f.meta, f.article.Body) }

func (f *tokenField) add(t string) {
	f.length++
	tf := f.terms[t]
	if tf == nil {
		tf = &index.TokenFreq{Term: []byte(t)}
		f.terms[t] = tf
	}
	tf.SetFrequency(tf.Frequency() + 1)
}

// analyzer turns text into the terms of the index. It is for one goroutine; its memory is used again and again.
type analyzer struct {
	tokens    []text.Token
	out       []string
	words     []string // the tokens that gave out
	starts    []int    // where these begin in the text, in bytes
	ends      []int    // and end
	rigid     []bool   // which of these are codes, numbers or parts of codes
	languages map[string]*stemming
	now       *stemming
	env       *snowballstem.Env
	known     map[string]int // articles by language, of the knowledge base that is searched
	packer    *pack.Packer   // of a build; nil: texts are stored as they are
	yield     func()         // of a build: lets searches go first
}

// maxStems bounds the memory that an analyzer keeps for the stems of a language.
const maxStems = 50_000

// newAnalyzer returns an analyzer that takes texts for English until it is told otherwise.
func newAnalyzer() *analyzer {
	a := &analyzer{languages: map[string]*stemming{}, env: snowballstem.NewEnv("")}
	a.speak("en")
	return a
}

// speak sets the base language of the texts that follow.
func (a *analyzer) speak(language string) {
	if a.now != nil && a.now.language == language {
		return
	}
	s := a.languages[language]
	if s == nil {
		if len(a.languages) >= maxLanguages {
			clear(a.languages)
		}
		s = newStemming(language)
		a.languages[language] = s
	}
	a.now = s
}

// Confidence from which on a query's language counts: of one that articles are in, and of any other.
const (
	sureKnown   = 0.5
	sureUnknown = 0.9
)

// languageOf is the base language by which a query is analysed, given its detected one and how sure that is. Where it is not
// clear it is English, or what most articles are in when none is in English.
func (a *analyzer) languageOf(detected string, sure float64) string {
	if base := lang.Base(detected); sure >= sureUnknown || sure >= sureKnown && a.known[base] > 0 {
		return base
	}
	best := "en"
	for l, n := range a.known {
		if n > a.known[best] || n == a.known[best] && l < best {
			best = l
		}
	}
	if a.known["en"] > 0 {
		return "en"
	}
	return best
}

// maxLanguages bounds the languages that an analyzer keeps stems of: articles may claim any.
const maxLanguages = 24

// terms returns the terms of s in the order of the text. The slice is valid until the next call.
func (a *analyzer) terms(s string) []string {
	a.tokens = text.AppendTokens(a.tokens[:0], s)
	a.out, a.words, a.starts, a.ends, a.rigid = a.out[:0], a.words[:0], a.starts[:0], a.ends[:0], a.rigid[:0]
	code := 0 // end of the last code
	for _, t := range a.tokens {
		if t.Kind == text.Code {
			code = t.End
		}
		if len(t.Text) <= maxTermBytes {
			a.out, a.words, a.starts = append(a.out, a.term(t)), append(a.words, t.Text), append(a.starts, t.Start)
			a.ends = append(a.ends, t.End)
			a.rigid = append(a.rigid, t.Kind == text.Code || t.Kind == text.Number || t.Start < code)
		}
	}
	return a.out
}

// written is the word of the last text, folded, that gave the i-th of its terms.
func (a *analyzer) written(i int) string { return a.words[i] }

// term is what the index holds for a token: words are reduced to their stem by the language of the text, traditional
// Chinese characters are written in their simplified form, and everything else, codes above all, stays as it is.
func (a *analyzer) term(t text.Token) string {
	switch {
	case t.Kind == text.Word && len(t.Text) >= 3:
		return a.now.stem(t.Text, a.env)
	case t.Kind == text.Bigram || t.Kind == text.Char:
		return text.FoldHanString(t.Text)
	}
	return t.Text
}
