package kb

import "strings"

// Function words say how a question is put, not what it is about. In a knowledge base they are often rarer than the
// words of the subject ("how do I" stands in questions, not in answers), so that their document frequency misleads.
// They keep a part of their weight: a query of nothing else still finds something.
const (
	stopWeight    = 0.25 // of an English or other European function word
	stopCJKWeight = 0.15 // of a bigram with a Chinese function character
)

const stopWords = `a an and are as at be but by for if in into is it no not of on or such that the their then there these
they this to was will with i me my we our you your he she what which who whom am were been being have has had having do
does did doing because until while about how why when where can could should would from so than too very just s t
der das den dem des ein eine einen einem einer und oder ist sind wie warum wenn nicht mit auf für von zu zum zur im ich wir
sie mein meine kann können wird werden auch noch bei nach über
le la les un une des du et ou est sont comment pourquoi quand ne pas avec dans pour sur je nous vous mon ma mes ce cette
que qui quoi peut
el los las una unos unas y o es son cómo por qué cuando con para del al se mi su puedo puede está
como não uma os em no na por que meu minha posso
il lo gli uno che non per di da sono perché quando mio mia posso può
de het een en van niet met hoe waarom wanneer mijn ik wij kan voor
и в во не на с со что как почему когда для по из у к о от при мой моя я мы можно это`

// stopCharacters are Chinese characters that ask or join.
const stopCharacters = "什么怎吗呢哪何的了是否我您你请"

// stopList tells how much of their weight terms keep.
type stopList map[string]bool

func newStopList() stopList {
	list := stopList{}
	a := newAnalyzer()
	for _, t := range a.terms(stopWords) {
		list[t] = true
	}
	return list
}

// weight is the share of its information that a term keeps, in (0, 1].
func (l stopList) weight(term string) float64 {
	switch {
	case l[term]:
		return stopWeight
	case len(term) > 3 && strings.ContainsAny(term, stopCharacters):
		return stopCJKWeight
	}
	return 1
}
