package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/kb"
)

// readGolden reads the data folder's golden queries; none where it has no such file.
func (d dataDir) readGolden() (kb.Golden, error) {
	g, err := readGoldenFile(d.golden())
	if errors.Is(err, prediag.ErrNotFound) {
		return kb.Golden{}, nil
	}
	return g, err
}

func readGoldenFile(file string) (kb.Golden, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return kb.Golden{}, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "GOLDEN_NOT_FOUND", Message: fmt.Sprintf(
			"there are no golden queries at %q: docs/operations.md shows such a file", file)}
	}
	if err != nil {
		return kb.Golden{}, fmt.Errorf("golden queries: %w", err)
	}
	return kb.ParseGolden(file, raw)
}

func (a *app) kbGolden() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "golden [FILE]",
		Short: "Ask the maintainer's golden queries, those of golden.yaml or of a file to try",
		Long: `golden asks the current generation every query of the data folder's golden.yaml, or of FILE, and says which of them do not
find one of the articles that they should. Every refresh does the same with the new generation before it serves: when fewer
hold than the file's floor says, the generation before serves on. The exit code is 1 under the floor.`,
		Example: `  prediag kb golden
  prediag kb golden new-queries.yaml --json`,
		Args: cobra.MaximumNArgs(1),
	}
	asJSON := jsonFlag(c)
	c.Flags().StringVar(&dir, "data-dir", "data", "folder of the index and of golden.yaml")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := dataDir(dir).exists(); err != nil {
			return err
		}
		file := dataDir(dir).golden()
		if len(args) == 1 {
			file = args[0]
		}
		queries, err := readGoldenFile(file)
		if err != nil {
			return err
		}
		return a.checkGolden(cmd.Context(), dataDir(dir), queries, *asJSON)
	}
	return c
}

func (a *app) checkGolden(ctx context.Context, dir dataDir, queries kb.Golden, asJSON bool) (err error) {
	k, err := dir.openKB(kb.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	result, err := k.CheckGolden(ctx, queries)
	if err != nil {
		return err
	}
	if asJSON {
		return errors.Join(a.printJSON(result), under(result))
	}
	var p page
	renderGolden(&p, result)
	return errors.Join(p.to(a.out), under(result))
}

// under is the error of a result under the floor, which has been printed already.
func under(r kb.GoldenResult) error {
	if r.Err() != nil {
		return errors.New("fewer golden queries hold than the floor says")
	}
	return nil
}
