package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxColumns is how many columns of a CSV file are read; there are never that many in one that holds articles.
const maxColumns = 1000

// errLongRecord ends the reading of a CSV file that has no row end for too long: a quote was opened and never closed.
var errLongRecord = errors.New("csv record too long")

// offerCSV reads a CSV file with a header (RFC 4180; the delimiter is a comma, semicolon or tab) and sends each of its
// rows as a JSON object, and after them the file itself.
func (r *refresh) offerCSV(it Item, f io.Reader, send func(*unit) error) error {
	whole := &unit{item: it, file: true}
	fence := &fencedReader{r: f, limit: r.opt.MaxItemBytes}
	in := bufio.NewReaderSize(fence, 64<<10)
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.ReuseRecord = -1, true
	rows.Comma = delimiter(in)
	header, columns, reason := csvHeader(rows, it.Defaults)
	if reason != "" {
		whole.skip = reason
		return send(whole)
	}
	it.Defaults = columns
	for sent := 0; ; {
		fence.reset(int64(in.Buffered()))
		cells, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			if sent == 0 {
				whole.skip = SkipEmpty
			}
			return send(whole)
		case errors.Is(err, errLongRecord):
			whole.skip = SkipTooLarge
			return send(whole)
		case isRowFault(err):
			if err := send(&unit{item: it, line: true, skip: SkipCSV}); err != nil {
				return err
			}
			sent++
			continue
		case err != nil:
			whole.skip = SkipUnreadable
			return send(whole)
		}
		u := &unit{item: it, line: true}
		if u.raw, u.skip = csvRow(header, cells); u.raw == nil && u.skip == "" {
			continue // a row of empty cells
		}
		if err := send(u); err != nil {
			return err
		}
		sent++
	}
}

func isRowFault(err error) bool {
	var fault *csv.ParseError
	return errors.As(err, &fault)
}

// csvHeader reads the first row. Where no columns were configured it looks for the usual names.
func csvHeader(rows *csv.Reader, d *Defaults) (header []string, with *Defaults, reason string) {
	cells, err := rows.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil, SkipEmpty
	case errors.Is(err, errLongRecord):
		return nil, nil, SkipTooLarge
	case isRowFault(err):
		return nil, nil, SkipCSV
	case err != nil:
		return nil, nil, SkipUnreadable
	case len(cells) > maxColumns:
		return nil, nil, SkipTooLarge
	}
	for i, c := range cells {
		if i == 0 {
			c = strings.TrimPrefix(c, "\ufeff")
		}
		header = append(header, oneLine(clean(c)))
	}
	var out Defaults
	if d != nil {
		out = *d
	}
	if out.Columns == nil {
		out.Columns = usualColumns(header)
	}
	switch c := out.Columns; {
	case !has(header, c.Body) && !has(header, c.Meaning) && !has(header, c.Solution):
		return nil, nil, SkipHeader
	case c.Audience != "" && !has(header, c.Audience): // else everybody could read what is meant for few
		return nil, nil, SkipReaders
	}
	return header, &out, ""
}

func has(header []string, name string) bool {
	if name == "" {
		return false
	}
	for _, h := range header {
		if h == name {
			return true
		}
	}
	return false
}

// usualNames are the names of columns under which sheets hold what an article needs, in lower case.
var usualNames = [...]struct {
	to    func(*Columns) *string
	names []string
}{
	{func(c *Columns) *string { return &c.ID }, []string{"id", "key", "article_id", "编号"}},
	{func(c *Columns) *string { return &c.Title }, []string{"title", "subject", "question", "标题", "问题"}},
	{func(c *Columns) *string { return &c.Body }, []string{"body", "content", "text", "answer", "内容", "正文", "答案"}},
	{func(c *Columns) *string { return &c.URL }, []string{"url", "link"}},
	{func(c *Columns) *string { return &c.Language }, []string{"language", "lang", "locale", "语言"}},
	{func(c *Columns) *string { return &c.Product }, []string{"product", "产品"}},
	{func(c *Columns) *string { return &c.Category }, []string{"category", "分类"}},
	{func(c *Columns) *string { return &c.Kind }, []string{"kind"}},
	{func(c *Columns) *string { return &c.Group }, []string{"group"}},
	{func(c *Columns) *string { return &c.Updated }, []string{"updated", "updated_at"}},
	{func(c *Columns) *string { return &c.Audience }, []string{"audience"}},
	{func(c *Columns) *string { return &c.Code }, []string{"code", "error_code", "error code", "错误码"}},
	{func(c *Columns) *string { return &c.Message }, []string{"message", "错误信息"}},
	{func(c *Columns) *string { return &c.Meaning }, []string{"meaning", "description", "含义", "描述"}},
	{func(c *Columns) *string { return &c.Solution }, []string{"solution", "resolution", "解决方案", "处理措施"}},
	{func(c *Columns) *string { return &c.Format }, []string{"format"}},
}

// usualColumns maps a header by the usual names.
func usualColumns(header []string) *Columns {
	c := &Columns{}
	for _, u := range usualNames {
		for _, name := range u.names {
			for _, h := range header {
				if to := u.to(c); *to == "" && strings.EqualFold(h, name) {
					*to = h
				}
			}
		}
	}
	return c
}

// csvRow makes a JSON object of a row, its keys in the order of the header's names; nil when all cells are empty.
func csvRow(header, cells []string) ([]byte, string) {
	row := make(map[string]string, len(header))
	for i, cell := range cells {
		if i < len(header) && header[i] != "" && strings.TrimSpace(cell) != "" {
			if _, twice := row[header[i]]; !twice {
				row[header[i]] = cell
			}
		}
	}
	if len(row) == 0 {
		if strings.TrimSpace(strings.Join(cells, "")) != "" {
			return nil, SkipNoColumns // it stands under no name
		}
		return nil, ""
	}
	for _, v := range row {
		if _, reason := readable([]byte(v)); reason == SkipInvalidUTF8 || reason == SkipBinary {
			return nil, reason // encoding would hide it
		}
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return nil, SkipCSV
	}
	return raw, ""
}

// delimiter tells what separates the cells: what is most frequent in the first line outside of quotes.
func delimiter(in *bufio.Reader) rune {
	head, _ := in.Peek(4 << 10)
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	best, most := ',', 0
	for _, c := range [...]rune{',', ';', '\t'} {
		n, quoted := 0, false
		for _, b := range head {
			switch {
			case b == '"':
				quoted = !quoted
			case rune(b) == c && !quoted:
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

// fencedReader fails when too much is read between two resets.
type fencedReader struct {
	r     io.Reader
	limit int64
	n     int64
}

// reset begins a new record, of which so many bytes were read ahead.
func (f *fencedReader) reset(ahead int64) { f.n = ahead }

func (f *fencedReader) Read(p []byte) (int, error) {
	if f.n > f.limit+(64<<10) {
		return 0, errLongRecord
	}
	n, err := f.r.Read(p)
	f.n += int64(n)
	return n, err
}
