// Package draft writes the suggested fix for a ticket: a report whose every assertion quotes a passage of the
// knowledge base.
//
// It is useful where a reader must be able to check each sentence. It invents nothing: an extractive draft is made of
// quotations only, and whatever cannot be quoted becomes a question or is left out.
package draft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/lang"
	"prediag/internal/text"
)

// Limits of a draft: an agent reads it in a minute.
const (
	maxArticles       = 3    // articles that are read until one can be quoted
	maxSteps          = 12   // steps taken from one article
	maxStatementBytes = 1200 // of one statement
	maxCodeBytes      = 400  // of the explanation of a code
)

// Reader hands out the articles that the hits name.
type Reader interface {
	// Article returns the article in its serving revision, or an error of kind prediag.ErrNotFound.
	Article(ctx context.Context, id string) (prediag.Article, error)
}

// ReaderFunc lets a plain function serve as a Reader.
type ReaderFunc func(ctx context.Context, id string) (prediag.Article, error)

// Article calls f.
func (f ReaderFunc) Article(ctx context.Context, id string) (prediag.Article, error) {
	return f(ctx, id)
}

// Extractive writes drafts that consist of quotations. It implements prediag.Drafter.
type Extractive struct{ articles Reader }

// NewExtractive returns a drafter that quotes the articles of r.
func NewExtractive(r Reader) *Extractive { return &Extractive{articles: r} }

// Draft quotes, from the best hits, what the issue is, what the ticket's fault codes mean, the likely cause and the
// steps that solve it. A hit whose article has gone, or changed since the search, is passed over.
func (e *Extractive) Draft(ctx context.Context, t prediag.Ticket, v prediag.Verdict, hits []prediag.Hit) (prediag.Draft, error) {
	d := prediag.Draft{Language: language(t, v), Origin: "extractive"}
	w := wordsFor(d.Language)           // questions go to the customer, whatever language the articles are in
	articles := remembering(e.articles) // the grounding check below reads the same articles again
	read := 0
	for _, h := range hits {
		a, err := articles.Article(ctx, h.ArticleID)
		if err != nil && !errors.Is(err, prediag.ErrNotFound) {
			return prediag.Draft{}, fmt.Errorf("read article %q: %w", h.ArticleID, err)
		}
		if err != nil || a.Revision != h.Revision {
			continue
		}
		if d.Statements = quote(a, h); len(d.Statements) > 0 {
			d.Language = cmp.Or(a.Language, d.Language)
			break
		}
		if read++; read == maxArticles {
			break
		}
	}
	codes, err := codeStatements(ctx, t, inLanguage(hits, d.Language), articles)
	if err != nil {
		return prediag.Draft{}, err
	}
	d.Statements = unrepeated(append(codes, d.Statements...))
	if !asserts(d.Statements) {
		d.Statements = []prediag.Statement{{Kind: prediag.StatementNote, Text: w.nothingFound}}
	}
	d.Missing = missing(t, w)
	for _, q := range d.Missing {
		d.Statements = append(d.Statements, prediag.Statement{Kind: prediag.StatementQuestion, Text: q})
	}
	d.Grounded = Grounded(ctx, d, articles)
	return d, nil
}

// remembering returns a Reader that reads each article once.
func remembering(r Reader) Reader {
	known := make(map[string]prediag.Article, maxArticles)
	return ReaderFunc(func(ctx context.Context, id string) (prediag.Article, error) {
		if a, ok := known[id]; ok {
			return a, nil
		}
		a, err := r.Article(ctx, id)
		if err == nil {
			known[id] = a
		}
		return a, err
	})
}

// language is the language to answer in: the one detected where there is one, else what the caller stated.
func language(t prediag.Ticket, v prediag.Verdict) string {
	if v.Language != "" && v.Language != "und" {
		return v.Language
	}
	if t.Language != "" {
		return t.Language
	}
	return "en"
}

// inLanguage are the hits in a language: a draft does not mix two.
func inLanguage(hits []prediag.Hit, language string) []prediag.Hit {
	return slices.DeleteFunc(slices.Clone(hits), func(h prediag.Hit) bool { return !lang.Match(h.Language, language) })
}

// unrepeated drops statements that say what an earlier one said: the sentence that names a code is often the summary too.
func unrepeated(statements []prediag.Statement) []prediag.Statement {
	seen := make(map[string]bool, len(statements))
	return slices.DeleteFunc(statements, func(s prediag.Statement) bool {
		before := seen[s.Text]
		seen[s.Text] = true
		return before
	})
}

func asserts(statements []prediag.Statement) bool {
	for _, s := range statements {
		if s.Kind.Asserts() {
			return true
		}
	}
	return false
}

// quote takes the summary, the cause and the steps out of one article.
func quote(a prediag.Article, h prediag.Hit) []prediag.Statement {
	p := partsOf(a)
	var out []prediag.Statement
	if s, ok := summary(a, p, h); ok {
		out = append(out, s)
	}
	for _, section := range p.causes {
		if span, ok := firstSentences(a.Body, section.Span, 2); ok {
			out = append(out, statement(prediag.StatementCause, a, span))
			break
		}
	}
	return append(out, steps(a, p)...)
}

// summary is the first sentence of the symptom, or of the passage that matched best.
func summary(a prediag.Article, p parts, h prediag.Hit) (prediag.Statement, bool) {
	candidates := make([]prediag.Span, 0, len(p.symptoms)+len(h.Passages))
	for _, s := range p.symptoms {
		candidates = append(candidates, s.Span)
	}
	for _, passage := range h.Passages {
		candidates = append(candidates, passage.Span)
	}
	for _, c := range candidates {
		if span, ok := firstSentences(a.Body, c, 1); ok {
			return statement(prediag.StatementSummary, a, span), true
		}
	}
	return prediag.Statement{}, false
}

// steps are the items of the solving section, or of the best remaining section where no heading says "solution".
func steps(a prediag.Article, p parts) []prediag.Statement {
	var out []prediag.Statement
	for _, section := range p.solutions {
		for _, span := range items(a.Body, section.Span) {
			if len(out) == maxSteps {
				return out
			}
			out = append(out, statement(prediag.StatementStep, a, span))
		}
	}
	return out
}

// statement quotes a span of an article: the statement's text is the quotation without its list marker.
func statement(kind prediag.StatementKind, a prediag.Article, span prediag.Span) prediag.Statement {
	quoted, _ := span.Of(a.Body)
	return prediag.Statement{
		Kind: kind,
		Text: strings.TrimSpace(trimMarker(quoted)),
		Citations: []prediag.Citation{{
			ArticleID: a.ID, Revision: a.Revision, Span: span, Quote: quoted, Title: a.Title, URL: a.URL,
		}},
	}
}

// codeStatements quote what the hits say about the fault codes that stand in the ticket.
func codeStatements(ctx context.Context, t prediag.Ticket, hits []prediag.Hit, articles Reader) ([]prediag.Statement, error) {
	wanted := make(map[string]bool)
	for _, c := range t.Codes {
		wanted[code.Canonical(c)] = true
	}
	for _, m := range code.Find(t.Text()) {
		wanted[m.Code] = true
	}
	var out []prediag.Statement
	for _, h := range hits {
		for _, c := range h.Codes {
			if !wanted[code.Canonical(c.Code)] || c.Citation.Quote == "" {
				continue
			}
			s, ok, err := codeStatement(ctx, c, articles)
			if err != nil {
				return nil, err
			}
			if ok {
				delete(wanted, code.Canonical(c.Code)) // the best hit explains a code; the others would repeat it
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// codeStatement quotes the table row that explains a code. Where the explanation is a whole section, which the steps
// quote already, it quotes the sentence of the article that names the code, if there is one.
func codeStatement(ctx context.Context, c prediag.FaultCode, articles Reader) (prediag.Statement, bool, error) {
	cite := c.Citation
	if len(cite.Quote) <= maxCodeBytes {
		return prediag.Statement{Kind: prediag.StatementCode, Text: strings.TrimSpace(cite.Quote), Citations: []prediag.Citation{cite}}, true, nil
	}
	a, err := articles.Article(ctx, cite.ArticleID)
	if err != nil && !errors.Is(err, prediag.ErrNotFound) {
		return prediag.Statement{}, false, fmt.Errorf("read article %q: %w", cite.ArticleID, err)
	}
	span, ok := naming(a.Body, c.Code)
	if !ok || a.Revision != cite.Revision {
		return prediag.Statement{}, false, nil
	}
	return statement(prediag.StatementCode, a, span), true, nil
}

// naming is the span of the first sentence that names a code.
func naming(body, code string) (prediag.Span, bool) {
	for _, s := range text.Sentences(body) {
		if sentence, ok := s.Of(body); ok && strings.Contains(sentence, code) {
			if spans := whole(body, prediag.Span{End: len(body)}, trimAll(body, []prediag.Span{s}), false); len(spans) == 1 {
				return spans[0], true
			}
		}
	}
	return prediag.Span{}, false
}

// missing are the questions to the customer: what a case of this kind cannot do without and the ticket does not hold.
func missing(t prediag.Ticket, w words) []string {
	var out []string
	body := t.Text()
	codes := code.Find(body)
	if len(t.Codes) == 0 && len(codes) == 0 {
		out = append(out, w.askError)
	}
	if !namesResource(body, codes) {
		out = append(out, w.askResource)
	}
	return out
}

// namesResource reports whether the text names a resource: a token such as "i-0abc1234" that is no fault code.
func namesResource(s string, codes []code.Match) bool {
	return slices.ContainsFunc(text.Tokens(s), func(tok text.Token) bool {
		return tok.Kind == text.Code && !slices.ContainsFunc(codes, func(m code.Match) bool {
			return tok.Start < m.Span.End && m.Span.Start < tok.End
		})
	})
}
