package draft

import (
	"context"
	"strings"

	"prediag"
)

// Grounded is the share of the asserting statements of d that the cited articles bear out, 0 to 1; 0 when the draft
// asserts nothing. A statement is borne out when it has a citation and each of its citations holds: the article
// exists at that revision, the span covers the quote to the byte, and the statement's text stands in the quote.
func Grounded(ctx context.Context, d prediag.Draft, articles Reader) float64 {
	all, held := 0, 0
	for _, s := range d.Statements {
		if !s.Kind.Asserts() {
			continue
		}
		all++
		if holds(ctx, s, articles) {
			held++
		}
	}
	if all == 0 {
		return 0
	}
	return float64(held) / float64(all)
}

func holds(ctx context.Context, s prediag.Statement, articles Reader) bool {
	stated := false
	for _, c := range s.Citations {
		a, err := articles.Article(ctx, c.ArticleID)
		if err != nil || a.Revision != c.Revision {
			return false
		}
		if quoted, ok := c.Span.Of(a.Body); !ok || quoted != c.Quote {
			return false
		}
		stated = stated || strings.Contains(c.Quote, s.Text)
	}
	return stated && s.Text != ""
}
