package kb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/code"
)

// Article returns the article with the given ID, provided that one of the audiences may read it. An article that the
// caller may not read is, like one that does not exist, of kind prediag.ErrNotFound.
func (k *KB) Article(ctx context.Context, id string, audience []string) (prediag.Article, error) {
	var a prediag.Article
	err := k.read(func(r *reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		doc, ok, err := r.find(id)
		if err != nil {
			return err
		}
		allowed, err := r.readable(audience)
		if err != nil {
			return err
		}
		if !ok || !allowed.has(doc) {
			return articleNotFound(id, "id")
		}
		a, err = r.load(doc)
		return err
	})
	return a, err
}

// find returns the document of an article.
func (r *reader) find(id string) (doc int, ok bool, err error) {
	set, err := r.readHolders("_id", id)
	if err != nil {
		return 0, false, err
	}
	for doc := range set.all() {
		return doc, true, nil
	}
	return 0, false, nil
}

// article reads an article by its ID.
func (r *reader) article(id string) (prediag.Article, error) {
	doc, ok, err := r.find(id)
	if err != nil {
		return prediag.Article{}, err
	}
	if !ok {
		return prediag.Article{}, fmt.Errorf("article %q: %w", id, prediag.ErrNotFound)
	}
	return r.load(doc)
}

// maxExplanations bounds the entries that Explain returns for one code.
const maxExplanations = 20

// Explain is ExplainFor a caller who belongs to no audience.
func (k *KB) Explain(ctx context.Context, fault string) ([]prediag.FaultCode, error) {
	return k.ExplainFor(ctx, fault, nil)
}

// ExplainFor returns what the articles that the audiences may read say about a fault code, each with a citation; empty
// where no article explains it. Spellings of the same code are the same code.
func (k *KB) ExplainFor(ctx context.Context, fault string, audience []string) ([]prediag.FaultCode, error) {
	if len(fault) > prediag.MaxFieldBytes {
		return nil, prediag.Invalid("CODE_INVALID", "code", fmt.Sprintf("a code must be at most %d bytes", prediag.MaxFieldBytes))
	}
	canonical := code.Canonical(strings.TrimSpace(fault))
	var found []prediag.FaultCode
	err := k.read(func(r *reader) error {
		set, err := r.readable(audience)
		if err != nil {
			return err
		}
		holders, err := r.readHolders(fieldCodes, canonical)
		if err != nil {
			return err
		}
		set.and(holders)
		docs, err := r.byID(set)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			if err := ctx.Err(); err != nil || len(found) >= maxExplanations {
				return err
			}
			a, err := r.load(doc)
			if err != nil {
				return err
			}
			found = append(found, explanations(&a, []string{canonical})...)
		}
		return nil
	})
	return found[:min(len(found), maxExplanations)], err
}

// byID lists the documents of a set in the order of their article IDs.
func (r *reader) byID(set bitset) ([]int, error) {
	var docs []int
	ids := map[int]string{}
	for doc := range set.all() {
		id, err := r.id(doc)
		if err != nil {
			return nil, err
		}
		docs, ids[doc] = append(docs, doc), id
	}
	slices.SortFunc(docs, func(x, y int) int { return strings.Compare(ids[x], ids[y]) })
	return docs, nil
}

// explanations are the article's entries for the canonical codes, with complete citations.
func explanations(a *prediag.Article, codes []string) []prediag.FaultCode {
	var found []prediag.FaultCode
	for _, c := range a.Codes {
		if slices.Contains(codes, code.Canonical(c.Code)) {
			c.Citation = citation(a, c)
			found = append(found, c)
		}
	}
	return found
}

// citation is where the article explains the code: the span that ingest gave where it is valid, or else the code's first
// mention in the body to the end of that line.
func citation(a *prediag.Article, c prediag.FaultCode) prediag.Citation {
	span := c.Citation.Span
	quote, ok := span.Of(a.Body)
	if !ok || quote == "" {
		span = prediag.Span{}
		if i := strings.Index(a.Body, c.Code); i >= 0 {
			span = prediag.Span{Start: i, End: i + len(c.Code)}
			if n := strings.IndexByte(a.Body[i:], '\n'); n >= 0 {
				span.End = i + n
			} else {
				span.End = len(a.Body)
			}
		}
		quote, _ = span.Of(a.Body)
	}
	return prediag.Citation{ArticleID: a.ID, Revision: a.Revision, Span: span, Quote: quote, Title: a.Title, URL: a.URL}
}
