package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/kb"
	"prediag/server"
)

// searchFlags are the settings of search.
type searchFlags struct {
	dataDir *string
	asJSON  *bool
	query   prediag.Query
	order   string
	newer   string
	ranker  string
	timeout time.Duration
}

func (a *app) searchCommand() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search [QUERY...]",
		Short: "Search the knowledge base",
		Long: `search prints the articles that answer a query, best first, each with the passage that matches. In a short query "..." is a
phrase, and -word or -"..." leaves out what holds it; a flag such as -v, and everything in a longer text, is text. --like
prints the articles that are like a given one in place of those that answer a query.

While a service holds the data folder the search goes through that service. --json prints what GET /v1/search answers.`,
		Example: `  prediag search too many connections
  prediag search --lang zh --limit 3 镜像拉取失败
  prediag search --json ACS.0013
  prediag search '"full disk" -windows' --product storage --sort newest
  prediag search disk --facets --newer-than 90d
  prediag search --like acs-login-ssh-timeout-en`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.query.Text, f.query.Typed = strings.Join(args, " "), true
			return a.search(cmd.Context(), f)
		},
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().StringSliceVar(&f.query.Languages, "lang", nil, "only articles in this language, e.g. zh; may be repeated")
	c.Flags().StringSliceVar(&f.query.Products, "product", nil, "only articles of this product; may be repeated")
	c.Flags().StringSliceVar(&f.query.Kinds, "kind", nil, "only articles of this kind, e.g. troubleshooting; may be repeated")
	c.Flags().StringSliceVar(&f.query.Categories, "category", nil, "only articles of this category, or of one under it; may be repeated")
	c.Flags().StringVar(&f.newer, "newer-than", "", "only articles that changed within this time, e.g. 30d, 6w, 1y")
	c.Flags().StringVar(&f.order, "sort", "relevance", "order: relevance or newest")
	c.Flags().StringVar(&f.query.Like, "like", "", "ID of an article: print others like it")
	c.Flags().IntVar(&f.query.Limit, "limit", 10, "articles to print, 1 to 100")
	c.Flags().BoolVar(&f.query.Facets, "facets", false, "count the results by language, product, kind, category and age")
	c.Flags().StringVar(&f.ranker, "ranker", "", "file of a learned order, see prediag train ranker (default: the data folder's ranker.json, where there is one)")
	c.Flags().DurationVar(&f.timeout, "timeout", 10*time.Second, "longest wait for the answer")
	return c
}

func (a *app) search(ctx context.Context, f searchFlags) error {
	if n := f.query.Limit; n < 1 || n > prediag.MaxPageSize {
		return prediag.Invalid("LIMIT_INVALID", "limit", "--limit takes 1 to 100")
	}
	if err := f.complete(time.Now()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	found, err := searchIn(ctx, dataDir(*f.dataDir), f.query, f.ranker)
	if err != nil {
		return err
	}
	if *f.asJSON {
		return a.printMessage(server.SearchMessage(found))
	}
	return renderResults(a.out, found)
}

// complete checks the flags and fills in the query.
func (f *searchFlags) complete(now time.Time) error {
	switch blank := strings.TrimSpace(f.query.Text) == ""; {
	case blank && f.query.Like == "":
		return prediag.Invalid("QUERY_EMPTY", "query", "the query is empty: say what to look for, or name an article with --like")
	case !blank && f.query.Like != "":
		return prediag.Invalid("QUERY_INVALID", "like", "--like takes no query: leave one of them out")
	case f.order != "relevance" && f.order != "newest":
		return prediag.Invalid("QUERY_INVALID", "sort", fmt.Sprintf("--sort takes relevance or newest, not %.40q", f.order))
	}
	f.query.Newest = f.order == "newest"
	if f.newer == "" {
		return nil
	}
	var err error
	f.query.Since, err = daysAgo(now, f.newer)
	return err
}

// daysAgo is the day that lies so many days (d), weeks (w) or years (y) before now.
func daysAgo(now time.Time, s string) (time.Time, error) {
	n, err := strconv.Atoi(strings.TrimRight(s, "dwy"))
	if err == nil && n > 0 && n <= 10_000 {
		switch strings.TrimLeft(s, "0123456789") {
		case "d":
			return now.UTC().AddDate(0, 0, -n), nil
		case "w":
			return now.UTC().AddDate(0, 0, -7*n), nil
		case "y":
			if n <= 100 {
				return now.UTC().AddDate(-n, 0, 0), nil
			}
		}
	}
	return time.Time{}, prediag.Invalid("QUERY_INVALID", "newer-than", fmt.Sprintf("--newer-than is %.40q: write days, weeks or years, e.g. 30d, 6w, 1y", s))
}

// searchIn searches through the service that holds the data folder, or in the folder itself: its generations are never
// written to, so that reading needs no lock.
func searchIn(ctx context.Context, dir dataDir, q prediag.Query, ranker string) (r prediag.Results, err error) {
	if h, ok := dir.service(); ok && ranker == "" {
		client, err := server.Dial(h.GRPC)
		if err != nil {
			return r, err
		}
		defer func() { _ = client.Close() }() // the answer is here
		return client.Search(ctx, q)
	}
	if err := dir.exists(); err != nil {
		return r, err
	}
	k, err := dir.openLearnt(kb.Options{}, ranker)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	policy, err := loadPolicy(dir, "")
	if err != nil {
		return r, err
	}
	return sureness{k, policy.SolvedModel}.Search(ctx, q)
}
