package eval

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"prediag"
)

// Download says how a set is made from its publisher's own files.
type Download struct {
	Format string              `json:"format"` // csv, pairs, parallel, numbered or sentences: see converters
	Files  map[string][]string `json:"files"`  // part, e.g. "train" → paths in the source's repository at the commit
	Keys   map[string][]string `json:"keys"`   // of pairs: part → keys of the JSON object
	Labels []string            `json:"labels"` // of numbered: the names of the labels 0, 1, …
	OOS    string              `json:"oos"`    // the publisher's label for what is out of scope; empty: none
}

// SetRecord is one example of a set in the form that all sets have here.
type SetRecord struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Label string `json:"label"`
	Lang  string `json:"lang"`
	Split string `json:"split"`
}

// converters read one part of a set from the publisher's files.
func converters() map[string]func(d Download, part string, files [][]byte) ([][2]string, error) {
	return map[string]func(d Download, part string, files [][]byte) ([][2]string, error){
		"csv": convertCSV, "pairs": convertPairs, "parallel": convertParallel, "numbered": convertNumbered, "sentences": convertSentences,
	}
}

// Convert makes the records of one part. Anything that is not in the set's format is of kind ErrInvalid.
func (s Set) Convert(part string, files [][]byte) ([]SetRecord, error) {
	if s.Download == nil || converters()[s.Download.Format] == nil {
		return nil, prediag.Invalid("FORMAT_UNKNOWN", "sets", fmt.Sprintf("the set %s has no format that this program reads", s.Path))
	}
	pairs, err := converters()[s.Download.Format](*s.Download, part, files)
	if err != nil {
		return nil, prediag.Invalid("FORMAT_INVALID", "sets", fmt.Sprintf("the %s part of %s is not in its publisher's format %s: %v", part, s.Path, s.Download.Format, err))
	}
	lang := "und"
	if len(s.Languages) == 1 {
		lang = s.Languages[0]
	}
	records := make([]SetRecord, len(pairs))
	for i, p := range pairs {
		label := p[1]
		if s.Download.OOS != "" && label == s.Download.OOS {
			label = prediag.LabelOutOfScope
		}
		records[i] = SetRecord{ID: fmt.Sprintf("%s-%s-%d", s.base(), part, i), Text: p[0], Label: label, Lang: lang, Split: part}
	}
	return records, nil
}

func (s Set) base() string { return s.Path[strings.LastIndexByte(s.Path, '/')+1:] }

func one(files [][]byte) ([]byte, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("%d files; want 1", len(files))
	}
	return bytes.TrimPrefix(files[0], []byte("\ufeff")), nil
}

// convertCSV reads a table with the columns "text" and "category".
func convertCSV(_ Download, _ string, files [][]byte) ([][2]string, error) {
	raw, err := one(files)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows[0]) != 2 || rows[0][0] != "text" || rows[0][1] != "category" {
		return nil, errors.New(`the first line is not "text,category"`)
	}
	var pairs [][2]string
	for _, r := range rows[1:] {
		pairs = append(pairs, [2]string{r[0], r[1]})
	}
	return pairs, nil
}

// convertPairs reads a JSON object of lists of [text, label].
func convertPairs(d Download, part string, files [][]byte) ([][2]string, error) {
	raw, err := one(files)
	if err != nil {
		return nil, err
	}
	var object map[string][][2]string
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	var pairs [][2]string
	for _, key := range d.Keys[part] {
		if object[key] == nil {
			return nil, fmt.Errorf("there is no list %q", key)
		}
		pairs = append(pairs, object[key]...)
	}
	return pairs, nil
}

// convertParallel reads two files, the texts and the labels, a line each.
func convertParallel(_ Download, _ string, files [][]byte) ([][2]string, error) {
	if len(files) != 2 {
		return nil, fmt.Errorf("%d files; want texts and labels", len(files))
	}
	texts, labels := linesOf(files[0]), linesOf(files[1])
	if len(texts) != len(labels) {
		return nil, fmt.Errorf("%d texts and %d labels", len(texts), len(labels))
	}
	pairs := make([][2]string, len(texts))
	for i := range texts {
		pairs[i] = [2]string{texts[i], strings.TrimSpace(labels[i])}
	}
	return pairs, nil
}

// convertNumbered reads lines of the label's number, a tab, and the text.
func convertNumbered(d Download, _ string, files [][]byte) ([][2]string, error) {
	raw, err := one(files)
	if err != nil {
		return nil, err
	}
	var pairs [][2]string
	for i, line := range linesOf(raw) {
		number, text, ok := strings.Cut(line, "\t")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n >= len(d.Labels) {
			return nil, fmt.Errorf("line %d is not a number under %d, a tab and a text", i+1, len(d.Labels))
		}
		pairs = append(pairs, [2]string{strings.TrimSpace(text), d.Labels[n]})
	}
	return pairs, nil
}

// convertSentences reads {"sentences": [{"text", "intent", "training"}]}.
func convertSentences(_ Download, part string, files [][]byte) ([][2]string, error) {
	raw, err := one(files)
	if err != nil {
		return nil, err
	}
	var object struct {
		Sentences []struct {
			Text     string `json:"text"`
			Intent   string `json:"intent"`
			Training *bool  `json:"training"`
		} `json:"sentences"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	var pairs [][2]string
	for i, s := range object.Sentences {
		if s.Training == nil {
			return nil, fmt.Errorf("sentence %d does not say whether it is for training", i+1)
		}
		if *s.Training == (part == "train") {
			pairs = append(pairs, [2]string{s.Text, s.Intent})
		}
	}
	return pairs, nil
}

func linesOf(raw []byte) []string {
	text := strings.TrimSuffix(string(bytes.TrimPrefix(raw, []byte("\ufeff"))), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

// ContentHash is the SHA-256 of the texts and labels in order, white space within texts taken as one space: the same for
// every packing and naming of the same examples.
func ContentHash(records []SetRecord) string {
	h := sha256.New()
	for _, r := range records {
		fmt.Fprintf(h, "%s\x00%s\n", strings.Join(strings.Fields(r.Text), " "), r.Label) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReadRecords reads records as WriteRecords writes them, packed or not. A wrong line is of kind ErrInvalid.
func ReadRecords(r io.Reader) ([]SetRecord, error) {
	var records []SetRecord
	err := scan(r, "records", func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var record SetRecord
		err := json.Unmarshal(line, &record)
		records = append(records, record)
		return err
	})
	return records, err
}

// WriteRecords writes records as packed JSON Lines, the same bytes for the same records.
func WriteRecords(w io.Writer, records []SetRecord) error {
	raw, err := WriteItems(records)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(w)
	_, err = z.Write(raw)
	return errors.Join(err, z.Close())
}
