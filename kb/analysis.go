package kb

import (
	"strings"
	"sync"

	index "github.com/blevesearch/bleve_index_api"
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"

	"prediag"
	"prediag/internal/text"
)

// maxTermBytes is the longest term that is indexed or looked up. Longer "words" are dumps and keys that nobody types.
const maxTermBytes = 128

// tokenField is a text field that analyses itself: Bleve's own analyzers split fault codes and leave Thai and Hangul
// whole. Bleve calls Analyze from one of its workers, so the work is shared by the cores.
type tokenField struct {
	name    string
	parts   []string         // analysed one after the other; of the whole text the title is the first and the body the last
	article *prediag.Article // of the whole text, whose value is the forward record; else nil
	length  int
	terms   index.TokenFrequencies
	forward []byte

	analyzers *sync.Pool // of *analyzer: a used one knows the stems of most words
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
	a, m := f.analyzers.Get().(*analyzer), newForwardMaker()
	defer f.analyzers.Put(a)
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
	}
}

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
	tokens []text.Token
	out    []string
	words  []string // the tokens that gave out
	starts []int    // where these begin in the text, in bytes
	stems  map[string]string
	env    *snowballstem.Env
}

// maxStems bounds the memory that an analyzer keeps for stems.
const maxStems = 50_000

func newAnalyzer() *analyzer {
	return &analyzer{stems: map[string]string{}, env: snowballstem.NewEnv("")}
}

// terms returns the terms of s in the order of the text. The slice is valid until the next call.
func (a *analyzer) terms(s string) []string {
	a.tokens = text.AppendTokens(a.tokens[:0], s)
	a.out, a.words, a.starts = a.out[:0], a.words[:0], a.starts[:0]
	for _, t := range a.tokens {
		if len(t.Text) <= maxTermBytes {
			a.out, a.words, a.starts = append(a.out, a.term(t)), append(a.words, t.Text), append(a.starts, t.Start)
		}
	}
	return a.out
}

// written is the word of the last text, folded, that gave the i-th of its terms.
func (a *analyzer) written(i int) string { return a.words[i] }

// term is what the index holds for a token: English words are reduced to their stem (Porter 2), everything else, codes
// above all, stays as it is. The letters alone decide, not the language, so that a query of three words needs no guess;
// words of other languages in plain Latin letters are cut alike on both sides.
func (a *analyzer) term(t text.Token) string {
	if t.Kind != text.Word || len(t.Text) < 3 || !plainLatin(t.Text) {
		return t.Text
	}
	stem, ok := a.stems[t.Text]
	if !ok {
		a.env.SetCurrent(t.Text)
		english.Stem(a.env)
		stem = a.env.Current()
		if len(a.stems) >= maxStems {
			clear(a.stems)
		}
		a.stems[strings.Clone(t.Text)] = strings.Clone(stem) // or they would keep the whole text
	}
	return stem
}

func plainLatin(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}
