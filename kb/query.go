package kb

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/lang"
	"prediag/internal/text"
)

const (
	defaultLimit  = 10
	maxQueryTerms = 2048 // distinct terms looked up in the index
	maxScored     = 32   // most informative terms that are scored
	maxCodes      = 64
	maxValues     = 64 // entries of Languages, Products, Kinds
	maxAudiences  = 256
)

// validate returns an error that names the field of q that is over a limit.
func validate(q prediag.Query) error {
	tooLarge := func(field, format string, args ...any) error {
		return &prediag.Error{Kind: prediag.ErrInvalid, Err: prediag.ErrTooLarge, Field: "query." + field, Message: fmt.Sprintf(format, args...)}
	}
	invalid := func(field, format string, args ...any) error {
		return prediag.Invalid("QUERY_INVALID", "query."+field, fmt.Sprintf(format, args...))
	}
	if len(q.Text) > prediag.MaxQueryRunes && utf8.RuneCountInString(q.Text) > prediag.MaxQueryRunes {
		return tooLarge("text", "the text must be at most %d characters: shorten it", prediag.MaxQueryRunes)
	}
	if q.Offset < 0 || q.Offset > prediag.MaxOffset {
		return invalid("offset", "the offset must be 0 to %d: narrow the query", prediag.MaxOffset)
	}
	if q.Limit < 0 || q.Limit > prediag.MaxPageSize {
		return invalid("limit", "the limit must be 0 to %d", prediag.MaxPageSize)
	}
	if len(q.Category) > prediag.MaxFieldBytes {
		return tooLarge("category", "the category must be at most %d bytes", prediag.MaxFieldBytes)
	}
	for _, list := range []struct {
		field  string
		values []string
		most   int
	}{{"codes", q.Codes, maxCodes}, {"languages", q.Languages, maxValues}, {"products", q.Products, maxValues},
		{"kinds", q.Kinds, maxValues}, {"audience", q.Audience, maxAudiences}} {
		if len(list.values) > list.most {
			return tooLarge(list.field, "%s must have at most %d entries", list.field, list.most)
		}
		for _, v := range list.values {
			if len(v) > prediag.MaxFieldBytes {
				return tooLarge(list.field, "an entry of %s must be at most %d bytes", list.field, prediag.MaxFieldBytes)
			}
		}
	}
	return nil
}

// query is a prediag.Query as the index understands it.
type query struct {
	prediag.Query
	terms     []string // distinct, in the order of the text
	codes     []string // canonical, distinct
	languages []string // base languages
}

func newQuery(q prediag.Query) *query {
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	out := &query{Query: q}
	seen := make(map[string]bool)
	for _, t := range text.Tokens(q.Text) {
		s := term(t)
		if s != "" && !seen[s] && len(out.terms) < maxQueryTerms {
			seen[s] = true
			out.terms = append(out.terms, s)
		}
	}
	for _, m := range code.Find(q.Text) {
		out.codes = append(out.codes, code.Canonical(m.Code))
	}
	for _, c := range q.Codes {
		if c = strings.TrimSpace(c); c != "" {
			out.codes = append(out.codes, code.Canonical(c))
		}
	}
	slices.Sort(out.codes)
	out.codes = slices.Compact(out.codes)
	if len(out.codes) > maxCodes {
		out.codes = out.codes[:maxCodes]
	}
	for _, l := range q.Languages {
		out.languages = append(out.languages, lang.Base(l))
	}
	return out
}

// weighted is a query term with what the index knows about it.
type weighted struct {
	term string
	df   int     // articles that hold it
	idf  float64 // see idf
}

// idf is the inverse document frequency of BM25 in its form that is never negative (Robertson and Zaragoza 2009, with
// Lucene's "+1"): the information that a term carries in a collection of n articles of which df hold it.
func idf(n, df int) float64 {
	return math.Log1p((float64(n) - float64(df) + 0.5) / (float64(df) + 0.5))
}

// informative keeps the terms of the query that tell most, the rarest first; terms that no article holds are left out
// but count in mass, the information of the whole query.
func informative(terms []weighted) (kept []weighted, mass float64) {
	terms = slices.Clone(terms)
	slices.SortStableFunc(terms, func(a, b weighted) int { return cmp.Compare(b.idf, a.idf) })
	for _, t := range terms {
		if t.df > 0 && len(kept) < maxScored {
			kept = append(kept, t)
		}
	}
	for _, t := range kept {
		mass += t.idf
	}
	return kept, mass
}
