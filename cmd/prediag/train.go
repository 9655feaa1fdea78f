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
	labels         []string
	seed           uint64
	asJSON         *bool
}

// trainReport is what train prints as JSON.
type trainReport struct {
	Model   string                `json:"model"` // version
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
		Long: `train learns from a JSON Lines file (plain or gzipped) with records {"id", "text" or "title" and "body", labels...}.

Without --label, the columns category, type, tier, urgency and sentiment are learned where they exist; a file that has
none of them and a column "label" learns that as the category. The report's figures come from cross-validation: they
hold for tickets that the model has not seen.`,
		Example: `  prediag train --tickets tickets.jsonl --model data/model
  prediag train --tickets tickets.jsonl.gz --model m --label category=fields.intent --label tier=level`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.train(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.tickets, "tickets", "", "file of labelled tickets, or @demo for the embedded ones (required)")
	c.Flags().StringVar(&f.model, "model", "", "folder to write the model to (required)")
	c.Flags().StringArrayVar(&f.labels, "label", nil, "FIELD=COLUMN to learn; a dotted column reaches into objects; may be repeated")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed: the same seed gives the same model to the byte")
	f.asJSON = jsonFlag(c)
	return c
}

func (a *app) train(ctx context.Context, f trainFlags) error {
	if err := needFlags(map[string]string{"tickets": f.tickets, "model": f.model}); err != nil {
		return err
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	start := time.Now()
	examples, read, err := readExamples(f.tickets, labels, demo.TrainTickets)
	if err != nil {
		return err
	}
	bar := a.newProgress("training")
	m, report, err := classifier.Train(ctx, examples, classifier.Options{Seed: f.seed, Progress: bar.set})
	bar.end()
	if err != nil {
		return err
	}
	if err := m.Save(f.model); err != nil {
		return err
	}
	if h, ok := dataDir(filepath.Dir(filepath.Clean(f.model))).service(); ok {
		a.note("note: the service that holds this data folder (process %d) loads the new model when it is started again", h.PID)
	}
	all := trainReport{Model: m.Version(), Dir: f.model, Seconds: time.Since(start).Seconds(), Read: read, Report: report}
	if *f.asJSON {
		return a.printJSON(all)
	}
	return renderTraining(a.out, all)
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
	r, closeFile, err := openTickets(file, embedded)
	if err != nil {
		return nil, classifier.ReadReport{}, err
	}
	defer closeFile()
	examples, read, err := classifier.ReadExamples(r, classifier.ReadOptions{Labels: labels})
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
