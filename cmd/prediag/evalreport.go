package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"prediag/eval"
	"prediag/internal/demo"
)

func (a *app) evalReport() *cobra.Command {
	var runs, html, markdown, svg, tickets string
	var asJSON *bool
	c := &cobra.Command{
		Use: "report RUN", Short: "Show a kept run: as text, a page, Markdown, SVG pictures or JSON",
		Long: `report reads a run again. Runs hold no text of tickets; --tickets adds it to the page's worst cases.`,
		Example: `  prediag eval report latest
  prediag eval report before --html before.html --tickets test.jsonl
  prediag eval report before --svg docs/pictures --markdown before.md`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			found, err := storedRuns(runs, args[0])
			if err != nil {
				return err
			}
			var opt eval.HTMLOptions
			if opt.Text, err = textsOfFile(tickets); err != nil {
				return err
			}
			return a.report(reportTo{html, markdown, svg, *asJSON}, found[0], opt)
		},
	}
	runsFlag(c, &runs)
	c.Flags().StringVar(&html, "html", "", "write a self-contained page to this file")
	c.Flags().StringVar(&markdown, "markdown", "", "write a table to this file")
	c.Flags().StringVar(&svg, "svg", "", "write the pictures of a classification to this folder")
	c.Flags().StringVar(&tickets, "tickets", "", "tickets or queries that were measured, for their text")
	asJSON = jsonFlag(c)
	return c
}

// reportTo says where a kept run's report goes.
type reportTo struct {
	html, markdown, svg string
	asJSON              bool
}

func (a *app) report(to reportTo, run eval.StoredRun, opt eval.HTMLOptions) error {
	for _, f := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{to.html, func(w io.Writer) error { return eval.WriteRunHTML(w, run, opt) }},
		{to.markdown, func(w io.Writer) error { return eval.WriteRunMarkdown(w, run) }},
	} {
		if f.file == "" {
			continue
		}
		if err := writeTo(f.file, f.write); err != nil {
			return err
		}
	}
	if to.svg != "" {
		if err := writePictures(to.svg, run); err != nil {
			return err
		}
	}
	if to.asJSON {
		var raw map[string]any
		if err := run.Report(&raw); err != nil {
			return err
		}
		return a.printJSON(map[string]any{"record": run.Record, "report": raw})
	}
	return renderMarkdown(a.out, func(w io.Writer) error { return eval.WriteRunMarkdown(w, run) })
}

func writePictures(dir string, run eval.StoredRun) error {
	pictures, err := eval.Pictures(run)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write pictures: %w", err)
	}
	for name, picture := range pictures {
		if err := os.WriteFile(filepath.Join(dir, name), picture, 0o644); err != nil {
			return fmt.Errorf("write pictures: %w", err)
		}
	}
	return nil
}

// textsOfFile gives the text by ID of a file of tickets or queries; nil without a file.
func textsOfFile(file string) (func(id string) string, error) {
	if file == "" {
		return nil, nil
	}
	if file != demoTickets {
		if queries, err := readFile("tickets", file, eval.ReadQueries); err == nil && len(queries) > 0 && strings.TrimSpace(queries[0].Text) != "" {
			texts := make(map[string]string, len(queries))
			for _, q := range queries {
				texts[q.ID] = q.Text
			}
			return func(id string) string { return texts[id] }, nil
		}
	}
	examples, _, err := readExamples(file, nil, demo.EvalTickets)
	if err != nil {
		return nil, err
	}
	return textsOf(examples), nil
}
