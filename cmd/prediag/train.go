package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/classifier"
	"prediag/internal/demo"
)

// trainFlags are the settings of train.
type trainFlags struct {
	tickets, model string
	reviews        string
	quality        string
	labels         []string
	group          string
	seed           uint64
	asJSON         *bool
}

// trainReport is what train prints as JSON.
type trainReport struct {
	Reviews int                   `json:"reviews"` // examples out of decisions of humans
	Model   string                `json:"model"`   // version
	Dir     string                `json:"dir"`
	Seconds float64               `json:"seconds"`
	Read    classifier.ReadReport `json:"read"`
	classifier.Report
}

func (a *app) trainCommand() *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train --tickets FILE --model DIR",
		Short: "Train a classifier from labelled tickets",
		Long: `train learns from a JSON Lines file with records {"id", "text" or "title" and "body", labels...}, or from a table (CSV, separated by
tabs, commas or semicolons) whose first line names the columns; in UTF-8, plain or gzipped. The usual names of other ticket
systems (subject, summary, description, message) are known as well.

Without --label, the columns category, type, tier, urgency and sentiment are learned where they exist; a file that has
none of them and a column "label" learns that as the category. The report's figures come from cross-validation: they
hold for tickets that the model has not seen.

With --reviews, what humans decided in the record of a data folder is learned too, without --tickets alone; only fields
that the tickets label, or without tickets all that were decided. A decision takes the place of the imported labels of the
same ticket.

The model's folder keeps the last three models (prediag model list); a service that uses the folder takes the new one in
within seconds.`,
		Example: `  prediag train --tickets tickets.jsonl --model data/model
  prediag train --tickets tickets.jsonl --reviews data --model data/model
  prediag train --tickets tickets.jsonl.gz --model m --label category=fields.intent --label tier=level
  prediag train --tickets export.csv --model m --label category=Component
  prediag train --tickets translated.jsonl --model m --group fields.source_id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.train(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo for the embedded ones (required without --reviews)")
	c.Flags().StringVar(&f.model, "model", "", "folder to write the model to (required)")
	c.Flags().StringVar(&f.reviews, "reviews", "", "data folder whose decisions of humans are learned too")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN to learn; a dotted column reaches into objects; may be repeated")
	c.Flags().StringVar(&f.group, "group", "", "column of what belongs together (translations, a thread): never parted in cross-validation")
	c.Flags().StringVar(&f.quality, "quality", string(classifier.QualityBest), "best: several networks and a linear part vote; fast: one network, a quarter of the size and time")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed: the same seed gives the same model to the byte")
	f.asJSON = jsonFlag(c)
	c.AddCommand(a.trainRanker())
	return c
}

func (a *app) train(ctx context.Context, f trainFlags) error {
	need := map[string]string{"tickets": f.tickets, "model": f.model}
	if f.reviews != "" {
		delete(need, "tickets")
	}
	if err := needFlags(need); err != nil {
		return err
	}
	start := time.Now()
	examples, read, reviews, err := f.examples(ctx)
	if err != nil {
		return err
	}
	bar := a.newProgress("training")
	m, report, err := classifier.Train(ctx, examples, classifier.Options{Seed: f.seed, Quality: classifier.Quality(f.quality), Progress: bar.set})
	bar.end()
	if err != nil {
		return err
	}
	if err := classifier.Publish(f.model, m); err != nil {
		return err
	}
	if h, ok := dataDir(filepath.Dir(filepath.Clean(f.model))).service(); ok {
		a.note("note: the service that holds this data folder (process %d) takes the new model in within seconds", h.PID)
	}
	all := trainReport{Model: m.Version(), Dir: f.model, Seconds: time.Since(start).Seconds(), Read: read, Reviews: reviews, Report: report}
	if *f.asJSON {
		return a.printJSON(all)
	}
	return renderTraining(a.out, all)
}

// examples reads the tickets and what humans decided, and counts the latter.
func (f trainFlags) examples(ctx context.Context) (list []prediag.Example, read classifier.ReadReport, reviews int, err error) {
	labels, err := parseLabels(f.labels)
	if err != nil {
		return nil, read, 0, err
	}
	if f.tickets != "" {
		opt := classifier.ReadOptions{Labels: labels, Group: f.group}
		if list, read, err = readTickets(f.tickets, opt, demo.TrainTickets); err != nil {
			return nil, read, 0, err
		}
	}
	if f.reviews == "" {
		return list, read, 0, nil
	}
	decided, err := reviewedExamples(ctx, dataDir(f.reviews))
	if err != nil {
		return nil, read, 0, err
	}
	if len(decided) == 0 && f.tickets == "" {
		return nil, read, 0, prediag.Invalid("NO_REVIEWS", "reviews", fmt.Sprintf(
			"the record in %q holds no labels that a human decided: resolve cases first, or give --tickets", f.reviews))
	}
	return withReviews(list, decided), read, len(decided), nil
}

// needFlags refuses a call without one of the flags that are needed.
func needFlags(flags map[string]string) error {
	var missing []string
	for name, value := range flags {
		if value == "" {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s must be given (--help shows how)", strings.Join(sorted(missing), " and "))}
}

// parseLabels reads FIELD=COLUMN pairs.
func parseLabels(pairs []string) (map[string]string, error) {
	labels := make(map[string]string, len(pairs))
	for _, p := range pairs {
		field, column, ok := strings.Cut(p, "=")
		if !ok || field == "" || column == "" {
			return nil, usageError{fmt.Errorf("--label %q: write FIELD=COLUMN, e.g. category=intent", p)}
		}
		if _, twice := labels[field]; twice {
			return nil, usageError{fmt.Errorf("--label names the field %q twice", field)}
		}
		labels[field] = column
	}
	return labels, nil
}

// demoTickets stands for the embedded sample in place of a file.
const demoTickets = "@demo"

// readExamples reads a file of tickets, or for "@demo" the embedded sample's part that is meant.
func readExamples(file string, labels map[string]string, embedded func() (io.Reader, error)) ([]prediag.Example, classifier.ReadReport, error) {
	return readTickets(file, classifier.ReadOptions{Labels: labels}, embedded)
}

func readTickets(file string, opt classifier.ReadOptions, embedded func() (io.Reader, error)) ([]prediag.Example, classifier.ReadReport, error) {
	r, closeFile, err := openTickets(file, embedded)
	if err != nil {
		return nil, classifier.ReadReport{}, err
	}
	defer closeFile()
	examples, read, err := classifier.ReadExamples(r, opt)
	if err != nil {
		return nil, read, fmt.Errorf("read tickets %q: %w", file, err)
	}
	return examples, read, nil
}

func openTickets(file string, embedded func() (io.Reader, error)) (io.Reader, func(), error) {
	if file == demoTickets {
		r, err := embedded()
		return r, func() {}, err
	}
	f, err := openInput("tickets", file)
	return f, func() { _ = f.Close() }, err // only read from
}

// openInput opens a file that a flag names. The error names the flag and is the caller's to mend.
func openInput(flag, file string) (*os.File, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder", file)
	case !info.Mode().IsRegular(): // a pipe without a writer would be waited for without end
		err = fmt.Errorf("%s is not a regular file", file)
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(file)
	}
	if err != nil {
		return nil, &prediag.Error{
			Kind: prediag.ErrInvalid, Reason: "FILE_UNREADABLE", Field: flag, Err: err,
			Message: fmt.Sprintf("--%s names a file that cannot be read", flag),
		}
	}
	return f, nil
}
