package draft

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/text"
)

// Limits of what stands beside a draft.
const (
	maxCauses        = 5
	maxCausesOfOne   = 3 // taken from one article
	maxCauseArticles = 6 // articles that are read for causes
	maxRelated       = 5
	maxLinks         = 8   // links of the first article that are looked up
	likelyShare      = 0.5 // of the first hit's score that a further one has which is near it
)

// Reporter finds what an agent wants to know beside the draft: known causes, and articles near those that were found.
type Reporter struct {
	articles Reader
	searcher prediag.Searcher
}

// NewReporter returns a reporter that quotes the articles of r and looks for related ones with s.
func NewReporter(r Reader, s prediag.Searcher) *Reporter { return &Reporter{articles: r, searcher: s} }

// Causes quotes what the articles that explain the codes, and then the first hits, say under headings of cause: at most five
// statements, at most three of one article, each cited as a draft's are. Of an article that explains many codes only the
// sections count that name one of these. Pages that are translations of one another are read once.
func (r *Reporter) Causes(ctx context.Context, codes []prediag.FaultCode, hits []prediag.Hit) ([]prediag.Statement, error) {
	articles := remembering(r.articles)
	var out []prediag.Statement
	var groups []string
	read := 0
	take := func(id, revision string) error {
		if read == maxCauseArticles || len(out) >= maxCauses {
			return nil
		}
		read++
		a, err := articles.Article(ctx, id)
		if err != nil && !errors.Is(err, prediag.ErrNotFound) {
			return fmt.Errorf("read article %q: %w", id, err)
		}
		if err != nil || a.Revision != revision || slices.Contains(groups, a.Group) && a.Group != "" {
			return nil
		}
		groups = append(groups, a.Group)
		for _, s := range causesOf(a, codes) {
			if holds(ctx, s, articles) {
				out = append(out, s)
			}
		}
		return nil
	}
	for _, c := range codes {
		if err := take(c.Citation.ArticleID, c.Citation.Revision); err != nil {
			return nil, err
		}
	}
	for i, h := range hits {
		if i == maxArticles || h.Score < likelyShare*hits[0].Score {
			break
		}
		if err := take(h.ArticleID, h.Revision); err != nil {
			return nil, err
		}
	}
	out = unrepeated(out)
	return out[:min(len(out), maxCauses)], nil
}

// causesOf are the causes that an article names: the items of its sections under such headings, or their first sentences.
func causesOf(a prediag.Article, codes []prediag.FaultCode) []prediag.Statement {
	var out []prediag.Statement
	for _, s := range a.Sections {
		if !ofCause(a, s) || len(a.Codes) > 1 && !namesOne(a, s, codes) {
			continue
		}
		spans := items(a.Body, s.Span)
		if len(spans) > 0 && marker(a.Body[spans[0].Start:]) == 0 {
			spans = spans[:0]
			if first, ok := firstSentences(a.Body, s.Span, 2); ok {
				spans = append(spans, first)
			}
		}
		for _, span := range spans {
			if len(out) == maxCausesOfOne {
				return out
			}
			out = append(out, statement(prediag.StatementCause, a, span))
		}
	}
	return out
}

// ofCause reports whether a section stands under a heading of cause, and not of solution; the article's title is no heading.
func ofCause(a prediag.Article, s prediag.Section) bool {
	if len(s.Path) > 0 && s.Path[0] == a.Title {
		s.Path = s.Path[1:]
	}
	return under(s, headings.causes) && !under(s, headings.solutions)
}

// namesOne reports whether a section or a heading of it names one of the codes.
func namesOne(a prediag.Article, s prediag.Section, codes []prediag.FaultCode) bool {
	body, _ := s.Span.Of(a.Body)
	said := text.Fold(s.Heading() + "\n" + body)
	return slices.ContainsFunc(codes, func(c prediag.FaultCode) bool { return strings.Contains(said, text.Fold(c.Code)) })
}

// Related are articles that are none of the hits and no translation or near twin of one: first those that explain the codes, then
// those that the first hit links to, then those that are like it, in its language; at most five, without passages. Their Why
// has the code, or the words that they share with the first hit.
func (r *Reporter) Related(ctx context.Context, codes []prediag.FaultCode, hits []prediag.Hit) ([]prediag.Hit, error) {
	n := nearby{articles: remembering(r.articles), groups: map[string]bool{}, ids: map[string]bool{}}
	for _, h := range hits {
		n.pass(h.ArticleID, h.Group)
		for _, id := range h.Also {
			n.ids[id] = true
		}
	}
	for _, c := range codes {
		if err := n.add(ctx, c.Citation.ArticleID, c.Code); err != nil {
			return nil, err
		}
	}
	if len(hits) == 0 {
		return n.found, nil
	}
	first, err := n.articles.Article(ctx, hits[0].ArticleID)
	if err != nil && !errors.Is(err, prediag.ErrNotFound) {
		return nil, fmt.Errorf("read article %q: %w", hits[0].ArticleID, err)
	}
	for _, id := range first.Links[:min(len(first.Links), maxLinks)] {
		if strings.Contains(id, "://") {
			continue
		}
		if err := n.add(ctx, id); err != nil {
			return nil, err
		}
	}
	if err != nil || len(n.found) == maxRelated {
		return n.found, nil
	}
	alike, err := r.searcher.Search(ctx, prediag.Query{Like: first.ID, Languages: []string{first.Language}, Limit: 2 * maxRelated})
	if err != nil && !errors.Is(err, prediag.ErrNotFound) {
		return nil, fmt.Errorf("articles like %q: %w", first.ID, err)
	}
	for _, h := range alike.Hits {
		if h.Score < likelyShare*alike.Hits[0].Score {
			break
		}
		h.Passages, h.Codes = nil, nil
		n.take(h)
	}
	return n.found, nil
}

// nearby collects related articles.
type nearby struct {
	articles    Reader
	found       []prediag.Hit
	ids, groups map[string]bool // that are known already
}

// pass notes an article that is known.
func (n *nearby) pass(id, group string) {
	n.ids[id] = true
	if group != "" {
		n.groups[group] = true
	}
}

// take adds an article unless it or a translation of it is known.
func (n *nearby) take(h prediag.Hit) {
	if len(n.found) == maxRelated || n.ids[h.ArticleID] || n.groups[h.Group] {
		return
	}
	n.pass(h.ArticleID, h.Group)
	n.found = append(n.found, h)
}

// add adds the article of an ID, where there is one that may be read.
func (n *nearby) add(ctx context.Context, id string, why ...string) error {
	if id == "" || len(n.found) == maxRelated || n.ids[id] {
		return nil
	}
	a, err := n.articles.Article(ctx, id)
	if errors.Is(err, prediag.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read article %q: %w", id, err)
	}
	n.take(prediag.Hit{ArticleID: a.ID, Revision: a.Revision, Title: a.Title, URL: a.URL, Language: a.Language, Product: a.Product,
		Category: a.Category, Kind: a.Kind, Group: a.Group, Updated: a.Updated, Why: why})
	return nil
}
