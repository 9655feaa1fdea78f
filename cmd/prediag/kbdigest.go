package main

import (
	"context"

	"github.com/spf13/cobra"

	"prediag/kb"
)

// digestLine is a generation's digest as kb digest prints it.
type digestLine struct {
	Generation uint64 `json:"generation"`
	kb.Digest
}

func (a *app) kbDigest() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "digest [G...]",
		Short: "Name everything that searches see of a generation by hashes",
		Long: `digest reads all of the current generation, or of those named, and prints hashes of the stored articles, of all postings
(every term of every field with its articles, frequencies and norms), and of the statistics that the ranking uses. They do not
depend on how the index is laid out in files: an index brought up to date change by change has the same digest as one built
from the same sources from scratch, and two machines with the same digest give the same answers.`,
		Example: `  prediag kb digest
  prediag kb digest 41 42 --json`,
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		return a.digests(cmd.Context(), dataDir(dir), args, *asJSON)
	}
	return c
}

func (a *app) digests(ctx context.Context, dir dataDir, args []string, asJSON bool) error {
	numbers, err := generationsOf(dir, args)
	if err != nil {
		return err
	}
	lines := []digestLine{}
	var p page
	for _, n := range numbers {
		d, err := kb.ComputeDigest(ctx, dir.kb(), n)
		if err != nil {
			return err
		}
		lines = append(lines, digestLine{n, d})
		p.line("generation %d: %d articles\n  stored      %s\n  postings    %s\n  statistics  %s", n, d.Articles, d.Stored, d.Postings, d.Statistics)
	}
	if asJSON {
		return a.printJSON(lines)
	}
	return p.to(a.out)
}

// generationsOf reads the numbers of generations; the current one where none is given.
func generationsOf(dir dataDir, args []string) ([]uint64, error) {
	var numbers []uint64
	for _, arg := range args {
		n, err := parseGeneration(arg, 1)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	if len(numbers) > 0 {
		return numbers, nil
	}
	list, err := kb.List(dir.kb())
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		if i.Current {
			numbers = append(numbers, i.Number)
		}
	}
	return numbers, nil
}
