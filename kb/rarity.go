package kb

import (
	"cmp"
	"context"
	"math"
	"slices"

	"prediag"
	"prediag/internal/text"
)

// How far a first hit leads means one thing in one knowledge base and another in the next: where many articles are about one
// subject some lead by chance, where all are about different ones none does. So every build asks its own knowledge base
// questions that it cannot answer: titles and sentences of articles that are left out of the search with all that say the
// same. How rare a lead is among theirs can be compared between knowledge bases, and needs no judgements (Arampatzis and Robertson
// 2011, "Modeling score distributions in information retrieval", on scores of what is not relevant).

const (
	rarityArticles = 64       // that questions are made of, two of each
	rarityPrior    = 16       // questions that the built-in figures count as: a small knowledge base has few of its own
	rarityMiddle   = 1.54     // root of the lead that half of the questions without an answer reach: six collections together
	rarityTenth    = 2.99     // that a tenth of them reach
	rarityLeast    = 0.1      // roots below count as this: their logarithms are taken
	raritySteepest = 0.15     // least logarithm of rarityTenth over rarityMiddle
	rarityShortest = 6        // tokens of a sentence that is asked
	rarityLongest  = 40       // likewise
	rarityBytes    = 16 << 10 // of an article's body that a sentence is chosen from
)

// ownLeads says how far the first hits that answer nothing lead in one knowledge base.
type ownLeads struct {
	Settings  string  `json:"settings"` // of the knowledge base that they were found under; under others they do not count
	Questions int     `json:"questions"`
	Middle    float64 `json:"middle"` // root of the lead that half of them reach
	Tenth     float64 `json:"tenth"`  // that a tenth of them reach
}

// rarity is the surprisal of a lead in nats: minus the logarithm of the share of questions without an answer whose first hit
// leads as far, 0 or more. Their roots are taken to be distributed log-logistically: two figures say more of the far end than
// the few questions that reach it. l may be nil.
func (l *ownLeads) rarity(lead float64, settings string) float64 {
	middle, spread := math.Log(rarityMiddle), math.Log(rarityTenth/rarityMiddle)
	if l != nil && l.Settings == settings {
		m := math.Log(max(l.Middle, rarityLeast))
		own := float64(l.Questions) / float64(l.Questions+rarityPrior)
		spread += own * (math.Log(max(l.Tenth, rarityLeast)) - m - spread)
		middle += own * (m - middle)
	}
	steep := math.Log(9) / max(spread, raritySteepest) // a tenth lies behind odds of nine to one
	return math.Log1p(math.Pow(math.Sqrt(max(0, lead))/math.Exp(middle), steep))
}

// askLeads asks the questions of a finished build, after each change anew: the same articles give the same probabilities, however they came.
// Which articles they are made of depends on the IDs of those that all may read; nil: there are none.
func (b *builder) askLeads(ctx context.Context, r *reader, restricted map[string]bool) (*ownLeads, error) {
	public, err := r.readable(nil)
	if err != nil || public.count() == 0 {
		return nil, err
	}
	var roots []float64
	for _, id := range drawn(b.rows, restricted) {
		doc, ok, err := r.find(id)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // the probe tells
		}
		a, err := r.load(doc)
		if err != nil {
			return nil, err
		}
		same, err := r.same(doc, &a)
		if err != nil {
			return nil, err
		}
		for _, question := range questionsOf(&a) {
			q := b.kb.newQuery(prediag.Query{Text: question, Limit: 1}, r.analyzer)
			q.apart = same
			found, err := r.search(ctx, q)
			if err != nil {
				return nil, err
			}
			root := 0.0
			if len(found.Hits) > 0 {
				root = math.Sqrt(max(0, found.Hits[0].Lead))
			}
			roots = append(roots, root)
		}
	}
	if len(roots) == 0 {
		return nil, nil
	}
	slices.Sort(roots)
	return &ownLeads{Settings: b.kb.settings, Questions: len(roots), Middle: quantile(roots, 0.5), Tenth: quantile(roots, 0.9)}, nil
}

// quantile interpolates between the values of an ascending list, to three decimals.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return math.Round(1000*(sorted[low]+(at-float64(low))*(sorted[high]-sorted[low]))) / 1000
}

// drawn are the IDs of the articles that questions are made of: those with the least hashes, so that a small change of the
// knowledge base changes few of them.
func drawn(rows map[string]row, restricted map[string]bool) []string {
	type draw struct {
		hash uint64
		id   string
	}
	least := func(x, y draw) int { return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.id, y.id)) }
	list := make([]draw, 0, rarityArticles+1)
	for id := range rows {
		if restricted[id] {
			continue
		}
		d := draw{seeded(termHash(id), 0), id}
		if len(list) == rarityArticles && least(d, list[len(list)-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, d, least)
		list = slices.Insert(list, at, d)
		list = list[:min(len(list), rarityArticles)]
	}
	ids := make([]string, len(list))
	for i, d := range list {
		ids[i] = d.id
	}
	return ids
}

// same are the documents that are left out with an article: itself, its translations, its near twins, and those of the same title,
// unless that says nothing.
func (r *reader) same(doc int, a *prediag.Article) ([]int, error) {
	set, err := r.readHolders(fieldGroup, groupKey(a))
	if err != nil {
		return nil, err
	}
	set.add(doc)
	if !r.generic.has(doc) {
		titled, err := r.readHolders(fieldTitleKey, titleKey(givenTitle(a)))
		if err != nil {
			return nil, err
		}
		set.or(titled)
	}
	for _, t := range r.twinOf[a.ID] {
		set.add(t.doc)
	}
	return slices.Collect(set.all()), nil
}

// questionsOf are the title of an article and one of its sentences.
func questionsOf(a *prediag.Article) []string {
	list := []string{a.Title}
	body := cutBytes(a.Body, rarityBytes)
	var usual []string
	for _, s := range text.Sentences(body) {
		sentence := body[s.Start:s.End]
		if n := len(text.Tokens(sentence)); n >= rarityShortest && n <= rarityLongest {
			usual = append(usual, sentence)
		}
	}
	if len(usual) == 0 {
		return list
	}
	return append(list, usual[seeded(termHash(a.ID), 1)%uint64(len(usual))])
}
