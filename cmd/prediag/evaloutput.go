package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"prediag/eval"
)

// evalOutputs say where a measurement goes beside the terminal.
type evalOutputs struct {
	save                  bool
	runs, name            string
	html, markdown, junit string
}

func (o *evalOutputs) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.save, "save", false, "keep the measurement as a run, for eval list, compare, gate and report")
	c.Flags().StringVar(&o.name, "name", "", "name of the run; a later one of the same name takes its place in look-ups")
	c.Flags().StringVar(&o.html, "html", "", "write a self-contained page to this file")
	c.Flags().StringVar(&o.markdown, "markdown", "", "write a table for a pull request to this file")
	c.Flags().StringVar(&o.junit, "junit", "", "write JUnit XML to this file: the figures, and failed items as an error")
	runsFlag(c, &o.runs)
}

func runsFlag(c *cobra.Command, runs *string) {
	c.Flags().StringVar(runs, "runs", "runs", "folder of the runs")
}

// measured is one measurement, ready to be delivered.
type measured struct {
	record   eval.RunRecord // without figures and origin
	report   any
	items    []byte
	files    map[string][]byte // further files of the run
	markdown func(io.Writer) error
	html     func(io.Writer, eval.HTMLOptions) error
}

// deliver writes the files that were asked for. The run's ID is told on standard error, so that what is printed stays the
// same from run to run.
func (a *app) deliver(o evalOutputs, itemsFile string, m measured) error {
	if !o.save && o.html+o.markdown+o.junit+itemsFile == "" {
		return nil
	}
	figures, err := eval.Figures(m.report)
	if err != nil {
		return err
	}
	m.record.Name, m.record.Figures, m.record.Created = o.name, figures, time.Now().UTC().Round(time.Millisecond)
	originOf(&m.record)
	if o.save {
		if err := a.saveRun(o.runs, &m); err != nil {
			return err
		}
	}
	title := m.record.Kind
	for _, f := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{itemsFile, func(w io.Writer) error { _, err := w.Write(m.items); return err }},
		{o.markdown, m.markdown},
		{o.html, func(w io.Writer) error { return m.html(w, eval.HTMLOptions{Provenance: m.record.Provenance()}) }},
		{o.junit, func(w io.Writer) error {
			h := m.record.Headline
			return eval.WriteJUnit(w, "eval "+title, eval.Measured(figures, append([]string{h}, figuresToShow()...)))
		}},
	} {
		if f.file == "" {
			continue
		}
		if err := writeTo(f.file, f.write); err != nil {
			return err
		}
	}
	return nil
}

// figuresToShow are the figures that a build server lists, of whichever report has them, beside the headline.
func figuresToShow() []string {
	return []string{"macro_f1", "ece", "aurc", "coverage_at_95", "oos.auroc", "oos.recall", "mrr@10", "recall@10", "recall@100", "success@1",
		"answered_precision", "category_accuracy", "article@1", "cost"}
}

func (a *app) saveRun(runs string, m *measured) error {
	report, err := encodeReport(m.report)
	if err != nil {
		return err
	}
	registry, err := eval.OpenRegistry(runs)
	if err != nil {
		return err
	}
	files := map[string][]byte{eval.ReportFile: report, eval.ItemsFile: m.items}
	maps.Copy(files, m.files)
	if m.record.ID, err = registry.Save(m.record, files); err != nil {
		return err
	}
	a.note("saved as %s in %s", m.record.ID, runs)
	return nil
}

// hashOf gives the SHA-256 of files by role and name, for RunRecord.Data. The embedded sample is read through embedded;
// of a folder the names and contents of all files count.
func hashOf(files map[string]string, embedded func() (io.Reader, error)) (map[string]string, error) {
	out := make(map[string]string, len(files))
	for role, file := range files {
		h := sha256.New()
		var err error
		switch info, statErr := os.Stat(file); {
		case file == demoTickets:
			var r io.Reader
			if r, err = embedded(); err == nil {
				_, err = io.Copy(h, r)
			}
		case statErr != nil:
			err = statErr
		case info.IsDir():
			err = hashFolder(h, os.DirFS(file))
		default:
			err = hashInto(h, os.DirFS(filepath.Dir(file)), filepath.Base(file))
		}
		if err != nil {
			return nil, fmt.Errorf("hash %q: %w", file, err)
		}
		out[role+"/"+filepath.Base(file)] = hex.EncodeToString(h.Sum(nil))
	}
	return out, nil
}

func hashFolder(w io.Writer, files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		h := sha256.New()
		if err := hashInto(h, files, path); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%x  %s\n", h.Sum(nil), path)
		return err
	})
}

func hashInto(w io.Writer, files fs.FS, path string) (err error) {
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}
