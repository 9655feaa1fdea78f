package eval

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// appendIndex adds one line in one write, so that two processes may save at a time. A lost line is mended by List.
func (r *Registry) appendIndex(run RunSummary) error {
	f, err := os.OpenFile(filepath.Join(r.dir, indexFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	_, err = f.WriteString(run.line())
	if err = cmp.Or(err, f.Close()); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// line is the summary as a line of the index. Its last column is always "." so that a torn line is known.
func (s RunSummary) line() string {
	text := func(v string) string { return strconv.Quote(v) }
	number := func(v Number) string { return strconv.FormatFloat(float64(v), 'g', -1, 64) }
	return strings.Join([]string{
		text(s.ID), text(s.Kind), text(s.Name), s.Created.Format(time.RFC3339Nano), text(s.Commit), strconv.FormatBool(s.Dirty),
		text(s.Model), text(s.Headline), number(s.Value), number(s.Low), number(s.High), ".",
	}, "\t") + "\n"
}

// parseLine is the inverse of line; ok is false for anything else.
func parseLine(line string) (s RunSummary, ok bool) {
	columns := strings.Split(line, "\t")
	if len(columns) != 12 || columns[11] != "." {
		return RunSummary{}, false
	}
	var errs [11]error
	for i, target := range []*string{0: &s.ID, 1: &s.Kind, 2: &s.Name, 4: &s.Commit, 6: &s.Model, 7: &s.Headline} {
		if target != nil {
			*target, errs[i] = strconv.Unquote(columns[i])
		}
	}
	for i, target := range []*Number{&s.Value, &s.Low, &s.High} {
		var v float64
		v, errs[8+i] = strconv.ParseFloat(columns[8+i], 64) // "NaN" too
		*target = Number(v)
	}
	s.Created, errs[3] = time.Parse(time.RFC3339Nano, columns[3])
	s.Dirty, errs[5] = strconv.ParseBool(columns[5])
	return s, cmp.Or(errs[:]...) == nil && s.ID != ""
}

// readIndex reads what it can: a torn or missing line costs one look at the run's own record.
func (r *Registry) readIndex() map[string]RunSummary {
	raw, err := os.ReadFile(filepath.Join(r.dir, indexFile))
	if err != nil {
		return nil
	}
	known := make(map[string]RunSummary, bytes.Count(raw, []byte("\n")))
	for line := range strings.Lines(string(raw)) {
		if run, ok := parseLine(strings.TrimSuffix(line, "\n")); ok {
			known[run.ID] = run
		}
	}
	return known
}

func (r *Registry) writeIndex(runs []RunSummary) error {
	var b bytes.Buffer
	for _, run := range runs {
		b.WriteString(run.line())
	}
	tmp, err := os.MkdirTemp(r.dir, ".index-")
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // nothing is left of it when the rename was done
	if err := writeFiles(tmp, map[string][]byte{indexFile: b.Bytes()}); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if err := os.Rename(filepath.Join(tmp, indexFile), filepath.Join(r.dir, indexFile)); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}
