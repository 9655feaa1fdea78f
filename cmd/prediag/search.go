package main

import (
	"context"
	"errors"
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
	timeout time.Duration
}

func (a *app) searchCommand() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search QUERY...",
		Short: "Search the knowledge base",
		Long: `search prints the articles that answer a query, best first, each with the passage that matches.

While a service holds the data folder the search goes through that service. --json prints what GET /v1/search answers.`,
		Example: `  prediag search too many connections
  prediag search --lang zh --limit 3 镜像拉取失败
  prediag search --json ACS.0013`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.query.Text = strings.Join(args, " ")
			return a.search(cmd.Context(), f)
		},
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().StringSliceVar(&f.query.Languages, "lang", nil, "only articles in this language, e.g. zh; may be repeated")
	c.Flags().StringSliceVar(&f.query.Products, "product", nil, "only articles of this product; may be repeated")
	c.Flags().StringSliceVar(&f.query.Kinds, "kind", nil, "only articles of this kind, e.g. troubleshooting; may be repeated")
	c.Flags().IntVar(&f.query.Limit, "limit", 10, "articles to print, 1 to 100")
	c.Flags().BoolVar(&f.query.Facets, "facets", false, "count the results by language, product and kind")
	c.Flags().DurationVar(&f.timeout, "timeout", 10*time.Second, "longest wait for the answer")
	return c
}

func (a *app) search(ctx context.Context, f searchFlags) error {
	if n := f.query.Limit; n < 1 || n > prediag.MaxPageSize {
		return prediag.Invalid("LIMIT_INVALID", "limit", "--limit takes 1 to 100")
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	found, err := searchIn(ctx, dataDir(*f.dataDir), f.query)
	if err != nil {
		return err
	}
	if *f.asJSON {
		return a.printMessage(server.SearchMessage(found))
	}
	return renderResults(a.out, found)
}

// searchIn searches through the service that holds the data folder, or in the folder itself: its generations are never
// written to, so that reading needs no lock.
func searchIn(ctx context.Context, dir dataDir, q prediag.Query) (r prediag.Results, err error) {
	if h, ok := dir.service(); ok {
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
	k, err := dir.openKB(kb.Options{})
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
