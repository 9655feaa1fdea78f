package kb

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/concept"
	"prediag/internal/lang"
)

const (
	defaultLimit  = 10
	maxQueryTerms = 2048 // distinct terms looked up in the index
	maxScored     = 32   // most informative terms that are scored
	maxCodes      = 64
	maxValues     = 64 // entries of Languages, Products, Kinds, Categories
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
	for _, one := range [...]struct{ field, value string }{{"category", q.Category}, {"like", q.Like}} {
		if len(one.value) > prediag.MaxFieldBytes {
			return tooLarge(one.field, "%s must be at most %d bytes", one.field, prediag.MaxFieldBytes)
		}
	}
	for _, list := range []struct {
		field  string
		values []string
		most   int
	}{{"codes", q.Codes, maxCodes}, {"languages", q.Languages, maxValues}, {"products", q.Products, maxValues},
		{"kinds", q.Kinds, maxValues}, {"categories", q.Categories, maxValues}, {"audience", q.Audience, maxAudiences}} {
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
	terms     []queryTerm // distinct
	order     []queryTerm // as they stand in the text
	detected  string      // language of the text
	sure      float64     // that it is this one
	language  string      // base language by which the text was analysed
	codes     []string    // canonical, distinct
	languages []string    // base languages
	postings  int         // to score exactly
	depth     int         // articles that the second stage looks at
	glossary  *concept.Phrases
	stop      stopLists
	now       time.Time         // the day counts
	exact     [][]string        // terms that must follow each other, see typed
	without   [][]string        // terms that must not
	leftOut   []string          // the same as it was written
	apart     []int             // documents that are left out
	bridged   float64           // share of the score of an article's translation in the query's language that the article takes, see bridge
	vector    *asked            // nil: words alone are searched
	history   [][]uint64        // titles of lists of changes, see historyPhrases
	settings  string            // of the knowledge base
	ranker    *features         // weights of a learned order; nil: the built-in one
	observed  func([]candidate) // gets the second stage's candidates with their features; nil: not wanted
}

// queryTerm is a term of the query's text.
type queryTerm struct {
	term  string
	word  string  // as it stands in the query, folded
	share float64 // of its information that it keeps, see stopList
	rigid bool    // a code, a number or a part of a code
	gain  float64 // of a whole word among pairs of characters, see wordGains
}

func (k *KB) newQuery(q prediag.Query, a *analyzer) *query {
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	var operators typed
	if q.Typed {
		operators = parseTyped(q.Text)
		q.Text = operators.text
	}
	if q.Like != "" {
		q.Text, q.Codes, operators = "", nil, typed{}
	}
	out := &query{Query: q, codes: queryCodes(q), postings: k.opt.Postings, glossary: k.glossary, stop: k.stop, now: k.opt.Now(),
		history: k.history, settings: k.settings, ranker: k.ranker}
	seen := make(map[string]bool)
	out.detected, out.sure = lang.Detect(q.Text)
	out.language = a.languageOf(out.detected, out.sure)
	a.speak(out.language)
	terms := a.terms(q.Text)
	gains := wordGains(terms)
	for i, t := range terms {
		term := queryTerm{t, a.written(i), k.stop.weight(out.language, t), a.rigid[i], gains[i]}
		if len(out.order) < maxQueryTerms {
			out.order = append(out.order, term)
		}
		if !seen[t] && len(out.terms) < maxQueryTerms {
			seen[t] = true
			out.terms = append(out.terms, term)
		}
	}
	out.setOperators(operators, a)
	for _, l := range q.Languages {
		out.languages = append(out.languages, lang.Base(l))
	}
	return out
}

// queryCodes are the canonical codes of the query, those that came in a field of their own first.
func queryCodes(q prediag.Query) []string {
	var codes []string
	add := func(c string) {
		if c = code.Canonical(strings.TrimSpace(c)); c != "" && len(codes) < maxCodes && !slices.Contains(codes, c) {
			codes = append(codes, c)
		}
	}
	for _, c := range q.Codes {
		add(c)
	}
	for _, m := range code.Find(q.Text) {
		add(m.Code)
	}
	return codes
}

// weighted is a query term with what the index knows about it.
type weighted struct {
	term   string
	word   string  // as it stands in the query, folded
	df     int     // articles that hold it
	weight float64 // its information: idf times the share that stop words keep
	share  float64 // that share
	gain   float64 // of a whole word among pairs of characters, see wordGains
	rigid  bool    // a code, a number or a part of a code
	alts   []alternative
	altDF  int // articles that hold the alternatives, together
}

// idf is the inverse document frequency of BM25 in its form that is never negative (Robertson and Zaragoza 2009, with
// Lucene's "+1"): the information that a term carries in a collection of n articles of which df hold it.
func idf(n, df int) float64 {
	return math.Log1p((float64(n) - float64(df) + 0.5) / (float64(df) + 0.5))
}

// informative keeps the terms of the query that tell most, most informative first. Mass is the information of the whole
// query up to as many terms, those included that no article holds.
func informative(terms []weighted) (kept []weighted, mass float64) {
	slices.SortStableFunc(terms, func(a, b weighted) int { return cmp.Compare(b.weight, a.weight) })
	for i, t := range terms {
		if i < maxScored {
			mass += t.weight
		}
		if (t.df > 0 || len(t.alts) > 0) && len(kept) < maxScored {
			kept = append(kept, t)
		}
	}
	return kept, mass
}

// unknown is the share of a query's information in words that no article holds, nor anything that stands for them.
func unknown(kept []weighted, mass float64) float64 {
	if mass <= 0 {
		return 0
	}
	known := 0.0
	for _, t := range kept {
		known += t.weight
	}
	return min(max(0, 1-known/mass), 1)
}
