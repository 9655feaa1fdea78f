package kb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/lang"
)

const (
	maxLikeBytes = 16 << 10 // of an article's body that others like it are looked for by
	likeTitle    = 3        // occurrences that one in the title counts as
)

// like makes the query one for articles like the one that it names: its terms are those that tell most of the article (tf-idf, as
// Lucene's MoreLikeThis chooses them). The article itself and its translations are left out. An article that the caller may not read
// is of kind prediag.ErrNotFound.
func (r *reader) like(q *query) error {
	doc, ok, err := r.find(q.Like)
	if err != nil {
		return err
	}
	readable, err := r.readable(q.Audience)
	if err != nil {
		return err
	}
	if !ok || !readable.has(doc) {
		return articleNotFound(q.Like, "like")
	}
	a, err := r.load(doc)
	if err != nil {
		return err
	}
	q.language, q.detected, q.sure = lang.Base(a.Language), a.Language, 1
	r.analyzer.speak(q.language)
	if err := r.likeTerms(q, &a); err != nil {
		return err
	}
	q.apart = append(q.apart, doc)
	p, err := r.translations()
	if err != nil {
		return err
	}
	if group, ok := p.of[uint32(doc)]; ok {
		for _, d := range p.groups[group] {
			q.apart = append(q.apart, int(d))
		}
	}
	return nil
}

// likeTerms chooses the terms of an article.
func (r *reader) likeTerms(q *query, a *prediag.Article) error {
	freq, words := map[string]float64{}, map[string]queryTerm{}
	add := func(text string, n float64) {
		for i, t := range r.analyzer.terms(text) {
			freq[t] += n
			if _, ok := words[t]; !ok {
				words[t] = queryTerm{term: t, word: strings.Clone(r.analyzer.written(i)), share: q.stop.weight(q.language, t), rigid: r.analyzer.rigid[i]}
			}
		}
	}
	add(givenTitle(a), likeTitle)
	add(cutBytes(a.Body, maxLikeBytes), 1)
	type weighed struct {
		queryTerm
		weight float64
	}
	list := make([]weighed, 0, len(words))
	for t, w := range words {
		df, err := r.df(t)
		if err != nil {
			return err
		}
		w.gain = freq[t] / (freq[t] + 1)
		if df > 1 { // what no other article holds finds none
			list = append(list, weighed{w, w.gain * w.share * idf(r.view.articles, df)})
		}
	}
	slices.SortFunc(list, func(x, y weighed) int {
		return cmp.Or(cmp.Compare(y.weight, x.weight), strings.Compare(x.term, y.term))
	})
	for _, w := range list[:min(len(list), maxScored)] {
		q.terms = append(q.terms, w.queryTerm)
	}
	return nil
}

func articleNotFound(id, field string) error {
	return &prediag.Error{Kind: prediag.ErrNotFound, Reason: "ARTICLE_NOT_FOUND", Field: field,
		Message: fmt.Sprintf("there is no article %.200q that the caller may read", id)}
}
