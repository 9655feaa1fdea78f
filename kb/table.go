package kb

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"prediag"
)

// The table lists the articles of a generation beside the index: what ingest must know to tell the changed from the
// unchanged, and the lengths that keep the token totals exact when an article is replaced. One line per article, sorted
// by ID: id, source, language, fingerprint, title key, sketch, then one length per text field, separated by tabs. The file is
// compressed with gzip.
//
// A generation shares the table of the one before by a hard link, so that a small refresh writes little. What has changed
// since that table was written stands in a second file: a line as above for every article that is new or other, and the
// bare ID of every one that is gone. Once that is more than an eighth, the table is written anew.

// maxTableRatio bounds the memory that is set aside for a table before it is unpacked.
const maxTableRatio = 8

// tableShare is how many times smaller than the table its changes may be.
const tableShare = 8

// row is one line of the table.
type row struct {
	id          string
	source      string
	language    string // base language
	fingerprint string
	titleKey    string
	sketch      sketch
	lengths     [len(textFields)]int64 // tokens, in the order of textFields
}

const (
	rowStrings = 6
	rowColumns = rowStrings + len(textFields)
)

var (
	tableEscape   = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	tableUnescape = strings.NewReplacer(`\\`, "\\", `\t`, "\t", `\n`, "\n", `\r`, "\r")
)

// appendRow appends the line of r, the newline included.
func appendRow(dst []byte, r row) []byte {
	for _, s := range []string{r.id, r.source, r.language, r.fingerprint, r.titleKey, r.sketch.String()} {
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
	var cols [rowColumns]string
	if n := strings.Count(line, "\t") + 1; n != rowColumns {
		return r, fmt.Errorf("article table: %d columns where %d belong: %w", n, rowColumns, prediag.ErrDamaged)
	}
	for i := range cols {
		cols[i], line, _ = strings.Cut(line, "\t")
	}
	var drawn string
	for i, dst := range []*string{&r.id, &r.source, &r.language, &r.fingerprint, &r.titleKey, &drawn} {
		*dst = cols[i]
		if strings.IndexByte(cols[i], '\\') >= 0 {
			*dst = tableUnescape.Replace(cols[i])
		}
	}
	var ok bool
	if r.sketch, ok = parseSketch(drawn); !ok {
		return r, fmt.Errorf("article table: sketch %q: %w", drawn, prediag.ErrDamaged)
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

// readRows calls visit for every article of the generation in dir, in no order.
func readRows(dir string, visit func(row) error) error {
	changed, err := readChanges(dir)
	if err != nil {
		return err
	}
	text, err := readTable(dir)
	if err != nil {
		return err
	}
	err = scanTable(text, func(r row) error {
		if _, ok := changed[r.id]; ok {
			return nil
		}
		return visit(r)
	})
	for _, r := range changed {
		if err == nil && r != nil {
			err = visit(*r)
		}
	}
	return err
}

// readTable is the table of the generation in dir, without what changed since. It is one string, of which the rows' are parts:
// hundreds of thousands of small ones would cost more than the reading.
func readTable(dir string) (string, error) {
	packed, err := os.ReadFile(filepath.Join(dir, tableName))
	if err != nil {
		return "", fmt.Errorf("article table: %w", err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", fmt.Errorf("article table: %w: %w", prediag.ErrDamaged, err)
	}
	var text strings.Builder
	if n := len(packed); n >= 4 { // RFC 1952: the file ends with its size unpacked, modulo 2^32
		text.Grow(min(int(binary.LittleEndian.Uint32(packed[n-4:])), n*maxTableRatio))
	}
	if _, err := io.Copy(&text, plain); err != nil {
		return "", fmt.Errorf("article table: %w: %w", prediag.ErrDamaged, err)
	}
	return text.String(), nil
}

// readChanges returns what differs from the table of the generation in dir, by ID; nil: gone.
func readChanges(dir string) (map[string]*row, error) {
	changed := map[string]*row{}
	raw, err := os.ReadFile(filepath.Join(dir, changesName))
	if errors.Is(err, fs.ErrNotExist) {
		return changed, nil
	}
	if err != nil {
		return nil, fmt.Errorf("article table: %w", err)
	}
	err = scanLines(string(raw), func(line string) error {
		if !strings.Contains(line, "\t") {
			changed[tableUnescape.Replace(line)] = nil
			return nil
		}
		r, err := parseRow(line)
		changed[r.id] = &r
		return err
	})
	return changed, err
}

// encodeChanges is the file of what readChanges returns.
func encodeChanges(changed map[string]*row) []byte {
	var out []byte
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		if r := changed[id]; r != nil {
			out = appendRow(out, *r)
		} else {
			out = append(append(out, tableEscape.Replace(id)...), '\n')
		}
	}
	return out
}

// scanTable calls visit for every line of a table; the rows' strings are parts of it.
func scanTable(text string, visit func(row) error) error {
	return scanLines(text, func(line string) error {
		r, err := parseRow(line)
		if err != nil {
			return err
		}
		return visit(r)
	})
}

func scanLines(text string, visit func(string) error) error {
	for len(text) > 0 {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if err := visit(line); err != nil {
			return err
		}
	}
	return nil
}

// packTable is the table's file for the rows of a generation.
func packTable(rows map[string]row) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(encodeTable(rows))
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// encodeTable is the table for the rows of a generation.
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
