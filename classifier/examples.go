package classifier

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"prediag"
)

// maxLine is the longest line of an examples file, in bytes.
const maxLine = 4 << 20

// ReadOptions says how to read examples.
type ReadOptions struct {
	// Labels maps a field to the column that holds its label, e.g. "category": "fields.intent". A dotted name reaches
	// into nested objects. Empty: the columns that are named like the fields of the root package; where there are
	// none, the column "label" is the field "category".
	Labels map[string]string
	// Unlabelled keeps the tickets without a label, and a file without any column of labels is no error: for tickets that
	// are only to be looked at.
	Unlabelled bool
	// Group is the column that says which tickets belong together (see GroupField); empty: none.
	Group string
}

// GroupField is the key of Ticket.Fields by which Train knows tickets that belong together: translations or rewordings
// of one, or mails of one thread. It never learns from one what it measures on another.
const GroupField = "group"

// ReadReport counts what was read.
type ReadReport struct {
	Records      int               `json:"records"`       // lines that hold a record
	Examples     int               `json:"examples"`      // that became examples
	WithoutText  int               `json:"without_text"`  // skipped: neither text nor title nor body
	WithoutLabel int               `json:"without_label"` // no label in any mapped column: skipped unless ReadOptions.Unlabelled
	Labels       map[string]string `json:"labels"`        // the mapping used, field to column
}

// ReadExamples reads labelled tickets as JSON objects, one a line, or as a table whose first line names the columns, separated
// by tabs, commas or semicolons (RFC 4180); plain or gzipped, in UTF-8.
//
// Columns: "id"; "text", or "title" and "body", or what ticket systems call them (titleColumns, bodyColumns, in any case); the
// labels; and where present "language" or "lang", "product",
// "article" (the article that solved it), "created" (RFC 3339, or a date), "source" (kept as Ticket.Fields["source"]; "review"
// says that the labels came from there). Numbers and booleans become strings. A malformed or overlong line, a label over
// prediag.MaxFieldBytes, a mapped column that no record has, and records none of which has text are errors of kind ErrInvalid
// (ErrTooLarge for a length); a time that cannot be read is none.
// Examples with equal labels share one map of them: it is to be read only.
func ReadExamples(r io.Reader, opt ReadOptions) ([]prediag.Example, ReadReport, error) {
	plain, err := inflate(r)
	if err != nil {
		return nil, ReadReport{}, err
	}
	rd := &exampleReader{columns: map[string]bool{}, kept: keptColumns(opt), group: opt.Group, index: map[string]int32{}}
	read := rd.lines
	if separator, ok := tableSeparator(plain); ok {
		read = func(b *bufio.Reader) error { return rd.table(b, separator) }
	}
	if err := read(plain); err != nil {
		return nil, ReadReport{}, err
	}
	if rd.report.Records > 0 && rd.report.WithoutText == rd.report.Records {
		return nil, ReadReport{}, rd.textless()
	}
	labels, err := rd.mapping(opt)
	if err != nil {
		return nil, ReadReport{}, err
	}
	rd.report.Labels = labels
	out := rd.examples(labels, opt.Unlabelled)
	rd.report.Examples = len(out)
	return out, rd.report, nil
}

// inflate unpacks gzip, which its first two bytes tell, and drops a byte order mark.
func inflate(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, invalidExamples(1, "begins like gzip but cannot be unpacked", err)
		}
		b = bufio.NewReaderSize(z, 64<<10)
	}
	if bom, _ := b.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3) // it was just peeked at
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if start, _ := b.Peek(2); string(start) == mark {
			return nil, prediag.Invalid("EXAMPLES_MALFORMED", "examples", "examples: the file is in UTF-16: convert it first, e.g. iconv -f UTF-16 -t UTF-8")
		}
	}
	return b, nil
}

// textless is the error of records none of which has text.
func (rd *exampleReader) textless() error {
	return prediag.Invalid("COLUMN_UNKNOWN", "text", fmt.Sprintf(
		"none of %d records has text: it is read from the column text, or title and body (or %s; %s): name yours so; the columns are %s",
		rd.report.Records, strings.Join(titleColumns()[1:], ", "), strings.Join(bodyColumns()[2:], ", "), quoted(slices.Sorted(maps.Keys(rd.columns)))))
}

// What ticket systems call a title and a text, the likelier name first.
func titleColumns() []string {
	return []string{"title", "subject", "summary", "short_description"}
}

func bodyColumns() []string {
	return []string{"body", "text", "description", "message", "content", "details", "question"}
}

func unreadable(line int, err error) error {
	what := "cannot be read"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		what = "cannot be read: the gzipped file ends too early, copy it again"
	}
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "EXAMPLES_MALFORMED", Field: "examples", Err: err,
		Message: fmt.Sprintf("examples, line %d: %s", line, what)}
}

func notUTF8(line int) error {
	return prediag.Invalid("EXAMPLES_MALFORMED", "examples", fmt.Sprintf(
		"examples, line %d: is not UTF-8: convert the file first, e.g. iconv -f WINDOWS-1252 -t UTF-8", line))
}

func invalidExamples(line int, what string, cause error) error {
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "EXAMPLES_MALFORMED", Field: "examples", Err: cause,
		Message: fmt.Sprintf("examples, line %d: %s; expected one JSON object a line, or a table with a line of column names", line, what)}
}

// exampleReader keeps of each line only what an example may need. Which columns label is known when all are read; until
// then an example has the number of its values in those columns, of which there are few different ones.
type exampleReader struct {
	report  ReadReport
	kept    []string // columns that may label
	group   string   // column; empty: none
	list    []prediag.Example
	chosen  []int32          // by example: which of values
	values  [][]string       // of the kept columns
	index   map[string]int32 // of values, by their content
	columns map[string]bool  // all seen, dotted
}

// keptColumns lists the columns that may label, in order.
func keptColumns(opt ReadOptions) []string {
	if len(opt.Labels) == 0 {
		return append(slices.Clone(fieldOrder[:]), "label")
	}
	return slices.Compact(slices.Sorted(maps.Values(opt.Labels)))
}

// record is one line: all its scalar columns by dotted name.
type record map[string]string

func (rd *exampleReader) lines(b *bufio.Reader) error {
	for n := 1; ; n++ {
		line, err := readLine(b)
		if errors.Is(err, prediag.ErrTooLarge) {
			return &prediag.Error{Kind: prediag.ErrTooLarge, Reason: "LINE_TOO_LONG", Field: "examples",
				Message: fmt.Sprintf("examples, line %d: longer than %d bytes: shorten the ticket's text", n, maxLine)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return unreadable(n, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if !utf8.Valid(text) {
				return notUTF8(n)
			}
			rec, bad := parseRecord(text)
			if bad != nil {
				return notObject(n, text, bad)
			}
			if bad = rd.add(rec, n); bad != nil {
				return bad
			}
		}
		if err != nil {
			return nil
		}
	}
}

func notObject(n int, text []byte, err error) error {
	if n == 1 && text[0] == '[' {
		return invalidExamples(n, "begins a JSON array: write its objects one a line, e.g. jq -c '.[]'", nil)
	}
	return invalidExamples(n, "is no JSON object", err)
}

// add takes the record of a line in.
func (rd *exampleReader) add(rec record, line int) error {
	rd.report.Records++
	for c := range rec {
		rd.columns[c] = true
	}
	e := rec.example()
	if g := rec[rd.group]; rd.group != "" && g != "" {
		if e.Ticket.Fields == nil {
			e.Ticket.Fields = map[string]string{}
		}
		e.Ticket.Fields[GroupField] = g
	}
	if e.Ticket.Blank() {
		rd.report.WithoutText++
		return nil
	}
	values, key := make([]string, len(rd.kept)), []byte(nil)
	for i, c := range rd.kept {
		if values[i] = strings.TrimSpace(rec[c]); len(values[i]) > prediag.MaxFieldBytes {
			return &prediag.Error{Kind: prediag.ErrTooLarge, Reason: "LABEL_TOO_LONG", Field: "examples", Message: fmt.Sprintf(
				"examples, line %d: the label in column %q has %d bytes, at most %d are taken: is it the column of the labels?", line, c, len(values[i]), prediag.MaxFieldBytes)}
		}
		key = append(binary.AppendUvarint(key, uint64(len(values[i]))), values[i]...)
	}
	at, ok := rd.index[string(key)]
	if !ok {
		at = int32(len(rd.values))
		rd.values, rd.index[string(key)] = append(rd.values, values), at
	}
	rd.list, rd.chosen = append(rd.list, e), append(rd.chosen, at)
	return nil
}

// examples puts the labels in; labels that are empty or white space are left out.
func (rd *exampleReader) examples(labels map[string]string, unlabelled bool) []prediag.Example {
	sets := make([]map[string]string, len(rd.values))
	for i, values := range rd.values {
		sets[i] = map[string]string{}
		for f, c := range labels {
			if l := values[slices.Index(rd.kept, c)]; l != "" {
				sets[i][f] = l
			}
		}
	}
	out := rd.list[:0]
	for i, e := range rd.list {
		e.Labels = sets[rd.chosen[i]]
		if len(e.Labels) == 0 {
			rd.report.WithoutLabel++
			if !unlabelled {
				continue
			}
		}
		out = append(out, e)
	}
	clear(rd.list[len(out):])
	return out
}

// readLine reads up to the next newline; the last line comes with io.EOF.
func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, prediag.ErrTooLarge
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func parseRecord(line []byte) (record, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, errors.New("null")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the object")
	}
	rec := record{}
	rec.flatten("", object, maxDepth)
	return rec, nil
}

// maxDepth is how deep a column may be nested.
const maxDepth = 8

// flatten keeps the scalars down to a depth; lists are no labels and no text.
func (rec record) flatten(prefix string, object map[string]any, depth int) {
	if depth == 0 {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(object)) {
		name := prefix + k
		switch v := object[k].(type) {
		case map[string]any:
			rec.flatten(name+".", v, depth-1)
		case string:
			rec[name] = v
		case json.Number:
			rec[name] = v.String()
		case bool:
			rec[name] = fmt.Sprint(v)
		}
	}
}

// mapping decides which column labels which field.
func (rd *exampleReader) mapping(opt ReadOptions) (map[string]string, error) {
	want := opt.Labels
	if opt.Group != "" && !rd.columns[opt.Group] && rd.report.Records > 0 {
		return nil, prediag.Invalid("COLUMN_UNKNOWN", "group", fmt.Sprintf(
			"no record has the column %q: the columns are %s", opt.Group, quoted(slices.Sorted(maps.Keys(rd.columns)))))
	}
	for _, f := range slices.Sorted(maps.Keys(want)) {
		if c := want[f]; !rd.columns[c] && rd.report.Records > 0 {
			return nil, prediag.Invalid("COLUMN_UNKNOWN", "label", fmt.Sprintf(
				"no record has the column %q for field %q: the columns are %s", c, f, quoted(slices.Sorted(maps.Keys(rd.columns)))))
		}
	}
	if len(want) > 0 {
		return maps.Clone(want), nil
	}
	labels := map[string]string{}
	for _, f := range fieldOrder {
		if rd.columns[f] {
			labels[f] = f
		}
	}
	if len(labels) > 0 {
		return labels, nil
	}
	if !rd.columns["label"] && rd.report.Records > 0 && !opt.Unlabelled {
		return nil, prediag.Invalid("COLUMN_UNKNOWN", "label", fmt.Sprintf(
			"no column is named like a field (%s) or \"label\": map one with --label FIELD=COLUMN; the columns are %s",
			strings.Join(fieldOrder[:], ", "), quoted(slices.Sorted(maps.Keys(rd.columns)))))
	}
	return map[string]string{prediag.FieldCategory: "label"}, nil
}

// example makes an example of the record, without its labels.
func (rec record) example() prediag.Example {
	t := prediag.Ticket{ID: rec["id"], Title: rec["title"], Body: rec["body"], Product: rec["product"], Language: rec["language"]}
	if strings.TrimSpace(t.Title) == "" && strings.TrimSpace(t.Body) == "" {
		if t.Title, t.Body = "", rec["text"]; strings.TrimSpace(t.Body) == "" {
			t.Title, t.Body = rec.first(titleColumns()), rec.first(bodyColumns())
		}
	}
	if t.Language == "" {
		t.Language = rec["lang"]
	}
	t.Created = parseTime(rec["created"])
	e := prediag.Example{Ticket: t, Article: rec["article"], Source: "import"}
	switch s := rec["source"]; s {
	case "", "import":
	case "review":
		e.Source = s
	default:
		e.Ticket.Fields = map[string]string{"source": s}
	}
	return e
}

// first is the first of some columns that is not blank, whatever the case of its name.
func (rec record) first(columns []string) string {
	for _, want := range columns {
		for _, c := range slices.Sorted(maps.Keys(rec)) {
			if strings.EqualFold(c, want) && strings.TrimSpace(rec[c]) != "" {
				return rec[c]
			}
		}
	}
	return ""
}

// parseTime reads RFC 3339 or a plain date; anything else is no time.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t
		}
	}
	return time.Time{}
}
