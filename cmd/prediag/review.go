package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/review"
	"prediag/server"
)

// queue is the line of cases, in this process or behind a service.
type queue interface {
	List(ctx context.Context, f prediag.CaseFilter) (prediag.CasePage, error)
	Claim(ctx context.Context, key prediag.RequestKey, id, reviewer string, f prediag.CaseFilter) (prediag.Case, error)
	Release(ctx context.Context, key prediag.RequestKey, id, reviewer string) (prediag.Case, error)
	Resolve(ctx context.Context, key prediag.RequestKey, id string, r prediag.Resolution) (prediag.Case, error)
}

// reviewFlags are the settings that the commands below review share.
type reviewFlags struct {
	dataDir  *string
	asJSON   *bool
	reviewer string
	filter   prediag.CaseFilter
}

func (a *app) reviewCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "review",
		Short: "Work on the cases that need a human",
		Long: `review lists, claims, releases and resolves cases. A resolution is final and becomes an example to learn from.

While a service holds the data folder the commands go through that service.`,
		Example: `  prediag review list --queue network
  prediag review claim --reviewer mei
  prediag review resolve c-3f2a --action corrected --label category=network/dns --article adn-record-not-resolving-en`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.reviewList(), a.reviewClaim(), a.reviewRelease(), a.reviewResolve())
	return c
}

func (a *app) reviewList() *cobra.Command {
	var f reviewFlags
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the cases that wait, the most urgent first", Args: cobra.NoArgs,
		Example: "  prediag review list\n  prediag review list --tier L2 --json\n  prediag review list --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				f.filter.States = []prediag.CaseState{prediag.CaseOpen, prediag.CaseClaimed, prediag.CaseResolved}
			}
			return withQueue(cmd.Context(), f, func(ctx context.Context, q queue) error {
				page, err := q.List(ctx, f.filter)
				if err != nil {
					return err
				}
				if *f.asJSON {
					return a.printMessage(server.CasesMessage(page))
				}
				return renderCases(a.out, page)
			})
		},
	}
	f.flags(c)
	f.filterFlags(c)
	c.Flags().BoolVar(&all, "all", false, "the resolved ones too")
	c.Flags().IntVar(&f.filter.Limit, "limit", 50, "cases to print, 1 to 500")
	c.Flags().StringVar(&f.filter.After, "page-token", "", "go on where the page before ended")
	return c
}

func (a *app) reviewClaim() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use: "claim [CASE]", Short: "Take a case, the most urgent one by default", Args: cobra.MaximumNArgs(1),
		Example: "  prediag review claim\n  prediag review claim c-3f2a --reviewer mei",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), f, func(ctx context.Context, q queue) (prediag.Case, error) {
				return q.Claim(ctx, prediag.RequestKey{}, optional(args), f.reviewer, f.filter)
			})
		},
	}
	f.flags(c)
	f.filterFlags(c)
	f.reviewerFlag(c)
	return c
}

func (a *app) reviewRelease() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use: "release CASE", Short: "Give a claimed case back", Args: cobra.ExactArgs(1),
		Example: "  prediag review release c-3f2a",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), f, func(ctx context.Context, q queue) (prediag.Case, error) {
				return q.Release(ctx, prediag.RequestKey{}, args[0], f.reviewer)
			})
		},
	}
	f.flags(c)
	f.reviewerFlag(c)
	return c
}

func (a *app) reviewResolve() *cobra.Command {
	var f reviewFlags
	var action string
	var labels []string
	var r prediag.Resolution
	c := &cobra.Command{
		Use: "resolve CASE", Short: "Decide a case, for good", Args: cobra.ExactArgs(1),
		Example: `  prediag review resolve c-3f2a --action accepted
  prediag review resolve c-3f2a --action corrected --label category=network/dns --note "was a DNS cache"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if r.Labels, err = parseLabels(labels); err != nil {
				return err
			}
			if r.Action, err = parseAction(action); err != nil {
				return err
			}
			r.Reviewer = f.reviewer
			return a.change(cmd.Context(), f, func(ctx context.Context, q queue) (prediag.Case, error) {
				r.At = time.Now().UTC()
				return q.Resolve(ctx, prediag.RequestKey{}, args[0], r)
			})
		},
	}
	f.flags(c)
	f.reviewerFlag(c)
	c.Flags().StringVar(&action, "action", "", "accepted, corrected or rejected (required)")
	c.Flags().StringArrayVar(&labels, "label", nil, "FIELD=LABEL that is right; may be repeated")
	c.Flags().StringVar(&r.Article, "article", "", "ID of the article that solves the ticket")
	c.Flags().StringVar(&r.Answer, "answer", "", "what was sent to the customer")
	c.Flags().StringVar(&r.Note, "note", "", "a note for colleagues")
	return c
}

func parseAction(s string) (prediag.ResolutionAction, error) {
	switch s {
	case "accepted":
		return prediag.ActionAccepted, nil
	case "corrected":
		return prediag.ActionCorrected, nil
	case "rejected":
		return prediag.ActionRejected, nil
	}
	return "", usageError{fmt.Errorf("--action is %q: use accepted, corrected or rejected", s)}
}

func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (f *reviewFlags) flags(c *cobra.Command) { f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c) }

func (f *reviewFlags) filterFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.filter.Queue, "queue", "", "only of this queue")
	c.Flags().StringVar(&f.filter.Tier, "tier", "", "only of this tier: L1, L2 or L3")
}

func (f *reviewFlags) reviewerFlag(c *cobra.Command) {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	c.Flags().StringVar(&f.reviewer, "reviewer", name, "who you are")
}

// change makes one change to a case and prints the case.
func (a *app) change(ctx context.Context, f reviewFlags, do func(context.Context, queue) (prediag.Case, error)) error {
	return withQueue(ctx, f, func(ctx context.Context, q queue) error {
		c, err := do(ctx, q)
		if err != nil {
			return err
		}
		if *f.asJSON {
			return a.printMessage(server.CaseMessage(c))
		}
		return renderCase(a.out, c)
	})
}

// withQueue opens the queue, through the service that holds the data folder where there is one.
func withQueue(ctx context.Context, f reviewFlags, do func(context.Context, queue) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	dir := dataDir(*f.dataDir)
	if h, ok := dir.service(); ok {
		client, err := server.Dial(h.GRPC)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }() // the answer is here
		return do(ctx, client)
	}
	if err := dir.exists(); err != nil {
		return err
	}
	held, err := dir.hold("review")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	store, err := review.Open(dir.state(), review.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(ctx, store)
}
