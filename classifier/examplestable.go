package classifier

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"prediag"
)

// separators between the columns of a table, the more telling one first.
const separators = "\t;,"

// tableSeparator tells by the first line whether a file is a table with a line of column names (RFC 4180, with any of the
// separators), and what separates its columns.
func tableSeparator(b *bufio.Reader) (rune, bool) {
	start, _ := b.Peek(4096) // as much as there is
	line, _, _ := bytes.Cut(start, []byte("\n"))
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '{' || line[0] == '[' || !utf8.Valid(line) {
		return 0, false
	}
	best, most := rune(0), 0
	for _, s := range separators {
		if n := strings.Count(string(line), string(s)); n > most {
			best, most = s, n
		}
	}
	return best, most > 0
}

// table reads the records of a table; rows that are empty do not count.
func (rd *exampleReader) table(b *bufio.Reader, separator rune) error {
	limited := &recordLimit{r: b}
	in := csv.NewReader(limited)
	in.Comma, in.ReuseRecord = separator, true
	var names []string
	for {
		limited.left = maxLine + csvAhead
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return tableFault(err)
		}
		line, _ := in.FieldPos(0)
		if names == nil {
			if names, err = columnNames(row); err != nil {
				return err
			}
			continue
		}
		rec := make(record, len(row))
		for i, v := range row {
			if !utf8.ValidString(v) {
				return notUTF8(line)
			}
			rec[names[i]] = v
		}
		if err := rd.add(rec, line); err != nil {
			return err
		}
	}
}

func columnNames(row []string) ([]string, error) {
	names := make([]string, len(row))
	seen := map[string]bool{}
	for i, name := range row {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			return nil, prediag.Invalid("EXAMPLES_MALFORMED", "examples", fmt.Sprintf(
				"examples, line 1: column %d of the table is called %q, as another one is or without a name: give each a name of its own", i+1, name))
		}
		names[i], seen[name] = name, true
	}
	return names, nil
}

func tableFault(err error) error {
	var at *csv.ParseError
	switch {
	case errors.Is(err, prediag.ErrTooLarge):
		return err
	case errors.As(err, &at) && errors.Is(err, csv.ErrFieldCount):
		return invalidExamples(at.Line, "has not as many columns as the first line: quote values that hold the separator", nil)
	case errors.As(err, &at):
		return invalidExamples(at.StartLine, "is no row of a table: quotes inside a quoted value are doubled", at.Err)
	}
	return unreadable(1, err)
}

// csvAhead is how much csv.Reader may read before it needs it, in bytes.
const csvAhead = 64 << 10

// recordLimit reads at most so many bytes for one record: a quote that is never closed would take the rest of the file.
type recordLimit struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (l *recordLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &prediag.Error{Kind: prediag.ErrTooLarge, Reason: "LINE_TOO_LONG", Field: "examples",
			Message: fmt.Sprintf("examples: a row of the table is longer than %d bytes: close its quotes, or shorten the ticket's text", maxLine)}
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
