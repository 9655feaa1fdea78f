package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/review"
	"prediag/server"
)

// queue is the line of cases, in this process or behind a service.
type queue interface {
	Case(ctx context.Context, id string) (prediag.Case, error)
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
		Long: `review lists, shows, claims, releases and resolves cases. A resolution is final and becomes an example to learn from.

A case of the queue label-check asks whether the label of a training ticket is right (prediag eval suspects --to-queue):
accepted takes the suggested label, rejected keeps the present one, corrected names another with --label.

While a service holds the data folder the commands go through that service.`,
		Example: `  prediag review list --queue network
  prediag review claim --reviewer mei
  prediag review show c-3f2a
  prediag review resolve c-3f2a --action corrected --label category=network/dns --article adn-record-not-resolving-en`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.reviewList(), a.reviewShow(), a.reviewExport(), a.reviewClaim(), a.reviewRelease(), a.reviewResolve(), a.reviewSimilar())
	return c
}

func (a *app) reviewList() *cobra.Command {
	var f reviewFlags
	var all bool
	var states []string
	c := &cobra.Command{
		Use: "list", Short: "List the cases that wait, the most urgent first", Args: cobra.NoArgs,
		Example: "  prediag review list\n  prediag review list --tier L2 --json\n  prediag review list --state claimed\n  prediag review list --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				states = []string{"open", "claimed", "resolved"}
			}
			var err error
			if f.filter.States, err = parseStates(states); err != nil {
				return err
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
	c.Flags().StringSliceVar(&states, "state", nil, "only in these states: open, claimed, resolved (default: open and claimed)")
	c.Flags().IntVar(&f.filter.Limit, "limit", 50, "cases to print, 1 to 500")
	c.Flags().StringVar(&f.filter.After, "page-token", "", "go on where the page before ended")
	return c
}

func parseStates(words []string) ([]prediag.CaseState, error) {
	var out []prediag.CaseState
	for _, w := range words {
		s := prediag.CaseState(strings.ToUpper(w))
		if !slices.Contains([]prediag.CaseState{prediag.CaseOpen, prediag.CaseClaimed, prediag.CaseResolved}, s) {
			return nil, usageError{fmt.Errorf("--state is %q: use open, claimed or resolved", w)}
		}
		out = append(out, s)
	}
	return out, nil
}

func (a *app) reviewShow() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use: "show CASE", Short: "Show a case, in whatever state it is", Args: cobra.ExactArgs(1),
		Example: "  prediag review show c-3f2a\n  prediag review show c-3f2a --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withQueue(cmd.Context(), f, func(ctx context.Context, q queue) error {
				c, err := q.Case(ctx, args[0])
				if err != nil {
					return err
				}
				if *f.asJSON {
					return a.printMessage(server.CaseMessage(c))
				}
				return renderWholeCase(a.out, c)
			})
		},
	}
	f.flags(c)
	return c
}

func (a *app) reviewClaim() *cobra.Command {
	var f reviewFlags
	c := &cobra.Command{
		Use: "claim [CASE]", Short: "Take a case, the most urgent one by default", Args: cobra.MaximumNArgs(1),
		Example: "  prediag review claim\n  prediag review claim c-3f2a --reviewer mei",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.change(cmd.Context(), f, func(ctx context.Context, q queue) (prediag.Case, error) {
				return q.Claim(ctx, prediag.RequestKey{}, optional(args), f.reviewer, f.filter)
			})
			var known *prediag.Error
			if errors.As(err, &known) && known.Reason == "NOTHING_TO_CLAIM" {
				return a.nothingToClaim(f)
			}
			return err
		},
	}
	f.flags(c)
	f.filterFlags(c)
	f.reviewerFlag(c)
	return c
}

// nothingToClaim says that the queue is empty, which is good news and no failure.
func (a *app) nothingToClaim(f reviewFlags) error {
	if *f.asJSON {
		return a.printJSON(nil)
	}
	where := ""
	if f.filter.Queue+f.filter.Tier != "" {
		where = " of this queue and tier"
	}
	_, err := fmt.Fprintf(a.out, "Nothing to claim: no case%s is open.\n", where)
	return err
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
	c.Flags().BoolVar(&r.NewLabel, "new-label", false, "take a label that the model does not know: it is meant")
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
func withQueue(ctx context.Context, f reviewFlags, do func(context.Context, queue) error) error {
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
	return dir.withRecord("review", review.Options{Labels: labelsOf(dir)}, func(store *review.Store) error { return do(ctx, store) })
}

// labelsOf are the labels that the data folder's model knows. It is loaded when they are asked for; none where there is no
// sound model, for then every label is as good as another.
func labelsOf(dir dataDir) func(field string) []string {
	load := sync.OnceValue(func() *classifier.Model {
		m, err := classifier.Load(dir.model())
		if err != nil {
			return nil
		}
		return m
	})
	return func(field string) []string {
		if m := load(); m != nil {
			return m.Labels(field)
		}
		return nil
	}
}
