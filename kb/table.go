package kb

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"prediag"
)

// The table lists the articles of a generation beside the index: what ingest must know to tell the changed from the
// unchanged, and the lengths that keep the token totals exact when an article is replaced. One line per article, sorted
// by ID: id, source, language, fingerprint, title key, then one length per text field, separated by tabs.

// row is one line of the table.
type row struct {
	id          string
	source      string
	language    string // base language
	fingerprint string
	titleKey    string
	lengths     [len(textFields)]int64 // tokens, in the order of textFields
}

const (
	rowStrings = 5
	rowColumns = rowStrings + len(textFields)
)

var (
	tableEscape   = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	tableUnescape = strings.NewReplacer(`\\`, "\\", `\t`, "\t", `\n`, "\n", `\r`, "\r")
)

// appendRow appends the line of r, the newline included.
func appendRow(dst []byte, r row) []byte {
	for _, s := range []string{r.id, r.source, r.language, r.fingerprint, r.titleKey} {
		dst = append(dst, tableEscape.Replace(s)...)
		dst = append(dst, '\t')
	}
	for i, n := range r.lengths {
		if i > 0 {
			dst = append(dst, '\t')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return append(dst, '\n')
}

// parseRow reads one line without its newline.
func parseRow(line string) (row, error) {
	var r row
	cols := strings.Split(line, "\t")
	if len(cols) != rowColumns {
		return r, fmt.Errorf("article table: %d columns where %d belong: %w", len(cols), rowColumns, prediag.ErrDamaged)
	}
	for i, dst := range []*string{&r.id, &r.source, &r.language, &r.fingerprint, &r.titleKey} {
		*dst = cols[i]
		if strings.IndexByte(cols[i], '\\') >= 0 {
			*dst = tableUnescape.Replace(cols[i])
		}
	}
	for i := range r.lengths {
		n, err := strconv.ParseInt(cols[rowStrings+i], 10, 64)
		if err != nil || n < 0 {
			return r, fmt.Errorf("article table: length %q: %w", cols[rowStrings+i], prediag.ErrDamaged)
		}
		r.lengths[i] = n
	}
	return r, nil
}

// readTable calls visit for every row of the table in file name.
func readTable(name string, visit func(row) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("article table: %w", err)
	}
	defer f.Close()
	return scanTable(f, visit)
}

func scanTable(src io.Reader, visit func(row) error) error {
	s := bufio.NewScanner(src)
	s.Buffer(make([]byte, 64<<10), 1<<20)
	for s.Scan() {
		r, err := parseRow(s.Text())
		if err != nil {
			return err
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("article table: %w", err)
	}
	return nil
}

// encodeTable is the table's file for the rows of a generation.
func encodeTable(rows map[string]row) []byte {
	ids := make([]string, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var b bytes.Buffer
	var line []byte
	for _, id := range ids {
		line = appendRow(line[:0], rows[id])
		b.Write(line)
	}
	return b.Bytes()
}
