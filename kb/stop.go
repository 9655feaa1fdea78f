package kb

import (
	_ "embed"
	"strings"
)

// Function words say how a question is put, not what it is about. In a knowledge base they are often rarer than the
// words of the subject ("how do I" stands in questions, not in answers), so that their document frequency misleads. So are
// the words that frame a request ("is there any easy way").
// They keep a part of their weight: a query of nothing else still finds something.
const (
	stopWeight    = 0.25 // of a function word
	stopCJKWeight = 0.15 // of a bigram with a Chinese function character
)

// stopFile has a line of function words for each language, which the base language and a colon begin.
//
//go:embed stop.txt
var stopFile string

// stopCharacters are Chinese characters that ask or join.
const stopCharacters = "什么怎吗呢哪何的了是否我您你请"

// stopLists are the function words' terms by base language.
type stopLists map[string]stopList

// stopList tells how much of their weight terms keep.
type stopList map[string]bool

func newStopLists() stopLists {
	lists := stopLists{}
	a := newAnalyzer()
	for line := range strings.Lines(stopFile) {
		language, words, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		list := stopList{}
		a.speak(language)
		for _, t := range a.terms(words) {
			list[t] = true
		}
		lists[language] = list
	}
	return lists
}

// weight is the share of its information that a term keeps in a query of a language, in (0, 1]. The English words count
// in every language: tickets mix.
func (l stopLists) weight(language, term string) float64 {
	switch {
	case l[language][term] || l["en"][term]:
		return stopWeight
	case len(term) > 3 && strings.ContainsAny(term, stopCharacters):
		return stopCJKWeight
	case kanaGrammar(term):
		return kanaWeight
	}
	return 1
}
