package kb

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/concept"
)

// The parameters of what stands for a query term in another language.
const (
	maxTargets     = 3    // languages that a query is translated to
	targetShare    = 0.1  // of all articles that a target has, where the query does not name languages
	maxAlts        = 6    // alternatives of a term
	maxTranslated  = 256  // terms of a query that are translated
	minAltWeight   = 0.05 // of an alternative
	bridgeWeight   = 0.3  // of the score of a translation, where every article has one in the query's language
	glossaryWeight = 0.5  // of a label, beside the probabilities of what was learned
	bridgeDepth    = 20   // documents whose translations are asked for that the second stage reads
	besideOwn      = 0.5  // of an alternative's weight, where articles in the query's own language are searched too
)

// alternative is a term that stands for a query term in another language.
type alternative struct {
	term   string
	word   string  // as it is shown
	weight float64 // share of the query term's weight, all of a term at most 1
}

// targets are the languages that a query's terms are translated to: those it asks for, else those that more
// articles are in than in its own.
func (r *reader) targets(q *query) []string {
	var out []string
	if len(q.languages) > 0 {
		for _, l := range q.languages {
			if l != q.language && !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	} else {
		for l, n := range r.view.languages {
			if n > r.view.languages[q.language] && l != "und" && l != "" && float64(n) >= targetShare*float64(r.view.articles) {
				out = append(out, l)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.view.languages[b], r.view.languages[a]), cmp.Compare(a, b))
	})
	return out[:min(len(out), maxTargets)]
}

// translate gives the terms of a query their alternatives from the concept graph and the glossary. A term with
// alternatives weighs as much as a term that all their articles hold (Darwish and Oard 2003, "Probabilistic structured
// query methods"), each by its probability.
func (r *reader) translate(ctx context.Context, q *query, terms []weighted) error {
	targets := r.targets(q)
	phrases := q.phrases(targets)
	words, err := r.katakanaWords(ctx, q, targets)
	if err != nil {
		return err
	}
	var found []concept.Alternative
	own := r.searchesOwn(q)
	done := 0
	for i := range terms {
		t := &terms[i]
		if t.rigid || t.share < 1 || done == maxTranslated {
			continue
		}
		found = r.concepts.Translate(found[:0], q.language, t.term, targets)
		found = append(found, words[t.term]...)
		found = append(found, phrases[t.term]...)
		if len(found) == 0 {
			continue
		}
		done++
		if err := r.setAlternatives(t, found, q.language, own); err != nil {
			return err
		}
	}
	return nil
}

const longestKatakana = 24 // pairs of characters of a word

// katakanaWords are what stands for the katakana words of a query, by each of the terms that such a word is indexed as. Of a
// compound that the graph does not know the longest words that it knows are taken, from the left, of longestKatakana pairs at most:
// a query may be thousands of such characters in a row.
func (r *reader) katakanaWords(ctx context.Context, q *query, targets []string) (map[string][]concept.Alternative, error) {
	out := map[string][]concept.Alternative{}
	term := func(i int) string { return q.order[i].term }
	for i := 0; i < len(q.order); {
		end, run := katakanaRun(term, i, len(q.order))
		if end == i {
			i++
			continue
		}
		part := func(at, to int) string { return run[3*(at-i) : 3*(to-i+1)] } // three bytes each
		if len(run) != 3*(end-i+1) {                                          // it begins with a single character
			part = func(at, to int) string { _, word := katakanaRun(term, at, to); return word }
		}
		for at := i; at < end; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			next := at + 1
			for to := min(end, at+longestKatakana); to > at; to-- {
				found := r.concepts.Translate(nil, q.language, part(at, to), targets)
				if len(found) == 0 {
					continue
				}
				for n := at; n < to; n++ {
					out[term(n)] = found
				}
				next = to + 1 // the pair in between is the seam
				break
			}
			at = next
		}
		i = end
	}
	return out, nil
}

// phrases are what the labels of the glossary in the query are called in the target languages, by term. No label reaches
// into a code.
func (q *query) phrases(targets []string) map[string][]concept.Alternative {
	terms := make([]string, len(q.order))
	for i, t := range q.order {
		terms[i] = t.term
	}
	out := q.glossary.Find(q.language, terms, func(i int) bool { return q.order[i].rigid }, targets)
	for _, list := range out {
		for i := range list {
			if list[i].Language != q.language { // a synonym has its weight
				list[i].Weight *= glossaryWeight
			}
		}
	}
	return out
}

// newGlossary is the built-in glossary extended by another, with the terms of the index.
func newGlossary(extension []byte) (*concept.Phrases, error) {
	glossary, err := concept.BuiltIn()
	if err != nil {
		return nil, err
	}
	own, err := concept.Parse(extension)
	if err != nil {
		return nil, err
	}
	a := newAnalyzer()
	return glossary.Extend(own).Compile(func(language, label string) []string {
		a.speak(language)
		return slices.Clone(a.terms(label))
	}), nil
}

// searchesOwn reports whether articles in the query's own language are among those asked for.
func (r *reader) searchesOwn(q *query) bool {
	return r.view.languages[q.language] > 0 && (len(q.languages) == 0 || slices.Contains(q.languages, q.language))
}

func (r *reader) setAlternatives(t *weighted, found []concept.Alternative, language string, own bool) error {
	slices.SortStableFunc(found, func(a, b concept.Alternative) int { return cmp.Compare(b.Weight, a.Weight) })
	total := 0.0
	df := float64(t.df)
	for _, f := range found {
		known := slices.ContainsFunc(t.alts, func(a alternative) bool { return a.term == f.Term })
		if f.Weight < minAltWeight || f.Term == t.term || known || len(t.alts) == maxAlts {
			continue
		}
		n, err := r.df(f.Term)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		weight := f.Weight
		if own && f.Language != language {
			weight *= besideOwn
		}
		t.alts = append(t.alts, alternative{term: f.Term, word: f.Term, weight: weight})
		total += f.Weight
		t.altDF += n
		df += f.Weight * float64(n)
	}
	for i := range t.alts {
		t.alts[i].weight /= max(1, total)
	}
	if len(t.alts) > 0 {
		t.weight = idf(r.view.articles, min(r.view.articles, int(df+0.5))) * t.share * t.gain
	}
	return nil
}

// bridge returns the documents that a search must also look at because a translation of theirs is admitted: those in the
// query's own language, when the query asks for others only, beside the admitted ones. The fewer of the admitted articles have such
// a translation, the likelier it is that the one that is right has none, and the less they count: by the fourth power.
func (r *reader) bridge(q *query, admitted bitset) (bitset, error) {
	if q.operates() || len(q.languages) == 0 || slices.Contains(q.languages, q.language) || r.view.languages[q.language] == 0 {
		return admitted, nil
	}
	p, err := r.translations()
	if err != nil || len(p.groups) == 0 {
		return admitted, err
	}
	any := *q
	any.languages = []string{q.language}
	others, err := r.admitted(&any)
	if err != nil {
		return nil, err
	}
	wide, here := slices.Clone(admitted), 0
	for _, docs := range p.groups {
		members, found := 0, false
		for _, doc := range docs {
			if admitted.has(int(doc)) {
				members++
			}
		}
		for _, doc := range docs {
			if members > 0 && others.has(int(doc)) {
				wide.add(int(doc))
				found = true
			}
		}
		if found {
			here += members
		}
	}
	share := float64(here) / float64(max(1, admitted.count()))
	q.bridged = bridgeWeight * share * share * share * share
	return wide, nil
}

// translated is the admitted translation of a document; the document itself when it is admitted.
func (r *reader) translated(doc int, admitted bitset) int {
	if admitted.has(doc) {
		return doc
	}
	if group, ok := r.parallel.of[uint32(doc)]; ok {
		for _, d := range r.parallel.groups[group] {
			if admitted.has(int(d)) {
				return int(d)
			}
		}
	}
	return -1
}

// crossed are the admitted documents of a set and the admitted translations of the others.
func (r *reader) crossed(set, admitted bitset) bitset {
	out, all := slices.Clone(set), true
	out.and(admitted)
	for i, w := range set {
		all = all && w == out[i]
	}
	if all {
		return set
	}
	for doc := range set.all() {
		if to := r.translated(doc, admitted); to >= 0 {
			out.add(to)
		}
	}
	return out
}

// cross adds to the ranking what speaks for its articles in another language: the scores of the best documents of which
// they are translations. direct is a ranking of admitted documents, others the candidates that only their translations
// make admitted.
func (r *reader) cross(ctx context.Context, q *query, direct []candidate, others []scored, s *scores, terms []weighted, admitted bitset) ([]candidate, error) {
	if len(others) == 0 {
		return direct, nil
	}
	slices.SortFunc(others, func(x, y scored) int { return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.doc, y.doc)) })
	via, err := r.rerank(ctx, q, others[:min(len(others), bridgeDepth)], s, terms)
	if err != nil {
		return nil, err
	}
	at := make(map[int]int, len(direct))
	for i, c := range direct {
		at[c.doc] = i
	}
	bridged := map[int]bool{}
	for _, v := range via {
		doc := r.translated(v.doc, admitted)
		if doc < 0 || bridged[doc] {
			continue
		}
		bridged[doc] = true
		i, ok := at[doc]
		if !ok {
			i = len(direct)
			c := candidate{scored: scored{doc: doc}}
			if c.id, err = r.id(doc); err != nil {
				return nil, err
			}
			direct = append(direct, c)
		}
		direct[i].via = v.doc + 1
		add := q.bridged * v.words
		direct[i].words += add
		direct[i].early = max(direct[i].early, v.early)
		direct[i].score += add
	}
	slices.SortFunc(direct, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.id, b.id))
	})
	return direct, nil
}

// explain adds to a hit what stood for the query's terms in it, and the translation that led to it. The hit covers as much of the
// query as its translation does.
func (r *reader) explain(hit *prediag.Hit, m *matcher, c candidate, s *scores) error {
	for i, t := range m.terms {
		if s.cells[c.doc].mask&(1<<i) == 0 {
			continue
		}
		for _, a := range t.alts {
			held := false
			err := r.among(a.term, []scored{c.scored}, func(_ int, inText, _ bool) { held = inText })
			if err != nil {
				return err
			}
			if held && len(hit.Why) < maxWhy {
				hit.Why = append(hit.Why, t.word+standsFor+a.word)
			}
		}
	}
	if c.via == 0 {
		return nil
	}
	a, f, err := r.loadAll(c.via - 1)
	if err != nil {
		return err
	}
	other, err := m.hit(&query{}, &a, &f, s.cells[c.via-1].mask)
	if err != nil {
		return err
	}
	hit.Why = append(hit.Why[:min(len(hit.Why), maxWhy-1)], "translation "+a.ID)
	hit.Coverage = max(hit.Coverage, other.Coverage)
	return nil
}
