package kb

import (
	index "github.com/blevesearch/bleve_index_api"

	"prediag/internal/text"
)

// maxTermBytes is the longest term that is indexed or looked up. Longer "words" are dumps and keys that nobody types.
const maxTermBytes = 128

// tokenField is a text field that analyses itself: Bleve's own analyzers split fault codes and leave Thai and Hangul
// whole. Bleve calls Analyze from one of its workers, so the work is shared by the cores.
type tokenField struct {
	name   string
	parts  []string // analysed one after the other
	length int
	terms  index.TokenFrequencies
}

func (f *tokenField) Name() string                                     { return f.name }
func (f *tokenField) Value() []byte                                    { return nil }
func (f *tokenField) ArrayPositions() []uint64                         { return nil }
func (f *tokenField) EncodedFieldType() byte                           { return 't' }
func (f *tokenField) Options() index.FieldIndexingOptions              { return textOptions }
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

// Analyze fills in the terms with their frequencies and the length in tokens.
func (f *tokenField) Analyze() {
	f.terms = index.TokenFrequencies{}
	f.length = 0
	var tokens []text.Token
	for _, p := range f.parts {
		tokens = text.AppendTokens(tokens[:0], p)
		for _, t := range tokens {
			f.add(term(t))
		}
	}
}

func (f *tokenField) add(t string) {
	if t == "" {
		return
	}
	f.length++
	tf := f.terms[t]
	if tf == nil {
		tf = &index.TokenFreq{Term: []byte(t)}
		f.terms[t] = tf
	}
	tf.SetFrequency(tf.Frequency() + 1)
}

// term is what the index holds for a token; empty: nothing.
func term(t text.Token) string {
	if len(t.Text) > maxTermBytes {
		return ""
	}
	return t.Text
}
