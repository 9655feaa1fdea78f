package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/kb"
	"prediag/review"
	"prediag/server"
	"prediag/triage"
)

// decided finds the tickets that humans decided: by what they say, and by the articles that the search finds for the ticket.
type decided struct {
	memory     *classifier.Memory
	searcher   prediag.Searcher
	classifier prediag.Classifier // nil: the category is no clue
}

// The articles whose tickets are alike: the first hits, as long as their scores are near the first one's.
const (
	decidedRead  = 20
	decidedHits  = 3
	decidedShare = 0.6
)

// Alike implements server.Decided. Where the search fails, words alone count.
func (d decided) Alike(ctx context.Context, t prediag.Ticket, limit int) ([]server.Alike, error) {
	if d.memory == nil {
		return nil, nil
	}
	clean, _, err := triage.Clean(t)
	if err != nil {
		return nil, err
	}
	clues := d.clues(ctx, clean)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("similar cases: %w", err)
	}
	var out []server.Alike
	for _, a := range d.memory.Alike(clean, clues, limit) {
		out = append(out, server.Alike{CaseID: a.ID, Article: a.Article, Resemblance: a.Resemblance, SameArticle: a.SameArticle})
	}
	return out, nil
}

// clues are what the search and the classifier say of a ticket; what fails says nothing.
func (d decided) clues(ctx context.Context, t prediag.Ticket) classifier.Clues {
	var c classifier.Clues
	if found, err := d.searcher.Search(ctx, prediag.Query{Text: triage.SearchText(t), Limit: decidedRead}); err == nil {
		c.Articles = nearest(found.Hits)
	}
	if d.classifier == nil {
		return c
	}
	if v, err := d.classifier.Classify(ctx, t); err == nil {
		if f, ok := v.Field(prediag.FieldCategory); ok {
			c.Category, c.Probability = f.Label, f.Probability
		}
	}
	return c
}

// nearest are the first articles and their translations, as far as these were found: a ticket may have been solved by any of them.
func nearest(hits []prediag.Hit) []string {
	var groups, out []string
	for _, h := range hits {
		group := cmp.Or(h.Group, h.ArticleID)
		known := slices.Contains(groups, group)
		if !known && (len(groups) == decidedHits || h.Score < decidedShare*hits[0].Score) {
			continue
		}
		if !known {
			groups = append(groups, group)
		}
		out = append(out, h.ArticleID)
	}
	return out
}

// similarFinder finds similar cases, in this process or behind a service.
type similarFinder interface {
	Similar(ctx context.Context, q server.SimilarQuery) (server.SimilarPage, error)
}

func (a *app) reviewSimilar() *cobra.Command {
	var dir *string
	var asJSON *bool
	var q server.SimilarQuery
	var timeout time.Duration
	c := &cobra.Command{
		Use: "similar [TEXT... | -]", Short: "Find the decided tickets most like a ticket, with what solved them",
		Long: `similar prints the tickets that humans decided which are most alike a text, or with --case another case: what was decided, by whom and
when, the article that solved each, and how alike it is. The text is a ticket or a few words; with "-" it is read from the standard
input. Alike are tickets that say the same, and tickets in any language that one of the articles solved which the search finds first
for the text. The newest 50,000 decisions are known.`,
		Example: `  prediag review similar "ssh to my server times out"
  prediag review similar --case c-3f2a --limit 10
  prediag review similar --json - < ticket.txt`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if q.Text = strings.Join(args, " "); q.Text == "-" {
				t, err := a.readTicket("-")
				if err != nil {
					return err
				}
				q.Text = t.Text()
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.withSimilar(ctx, dataDir(*dir), func(f similarFinder) error {
				page, err := f.Similar(ctx, q)
				if err != nil {
					return err
				}
				if *asJSON {
					return a.printMessage(server.SimilarMessage(page))
				}
				return a.renderSimilar(page)
			})
		},
	}
	dir, asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().StringVar(&q.CaseID, "case", "", "ID of a case: find others like it")
	c.Flags().IntVar(&q.Limit, "limit", 5, "cases to print, 1 to 50")
	c.Flags().StringVar(&q.After, "page-token", "", "go on where the page before ended")
	c.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "longest wait for the answer")
	return c
}

// withSimilar opens what finds similar cases: the service that holds the data folder, or the folder itself.
func (a *app) withSimilar(ctx context.Context, dir dataDir, use func(similarFinder) error) error {
	if h, ok := dir.service(); ok {
		client, err := server.Dial(h.GRPC)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }() // the answer is here
		return use(client)
	}
	return dir.withRecord("review similar", review.Options{}, func(store *review.Store) error { return dir.useSimilar(ctx, store, use) })
}

// useSimilar finds in a record that this process has opened.
func (d dataDir) useSimilar(ctx context.Context, store *review.Store, use func(similarFinder) error) (err error) {
	l, err := openLessons(ctx, store, nil, d.lessons(), nil) // no ticket is classified
	if err != nil {
		return err
	}
	defer l.close()
	k, err := d.openKB(kb.Options{Cold: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	found := decided{memory: l.memory, searcher: k}
	if m, err := classifier.Load(d.model()); err == nil { // without a sound model the category is no clue
		found.classifier = m
	}
	return use(server.SimilarFinder{Decided: found, Record: store, Knowledge: k})
}

func (a *app) renderSimilar(list server.SimilarPage) error {
	var p page
	for i, c := range list.Cases {
		p.line("%d. %s", i+1, excerpt(c.Title, 100))
		alike := fmt.Sprintf("%.0f %% alike", 100*c.Resemblance)
		if c.SameArticle {
			alike += ", same article"
		}
		p.line("   %s", joinNonEmpty("  ", c.CaseID, c.Language, alike, strings.ToLower(string(c.Resolution.Action))+" by "+c.Resolution.Reviewer, day(c.Resolution.At)))
		if c.Category != "" {
			p.line("   category %s", c.Category)
		}
		if c.Article != "" {
			p.line("   solved by %s", joinNonEmpty("  ", c.Article, c.ArticleTitle, c.ArticleURL))
		}
		for _, said := range [][2]string{{"answer", c.Resolution.Answer}, {"note", c.Resolution.Note}} {
			if said[1] != "" {
				p.line("   %s: %s", said[0], excerpt(said[1], 200))
			}
		}
	}
	switch {
	case list.Next != "":
		p.line("more: --page-token %s", list.Next)
	case len(list.Cases) == 0:
		p.line("No decided ticket is like it.")
	}
	return p.to(a.out)
}
