package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Columns say where a record has what an article needs: the name of a CSV column, or the path of a JSON value, its names
// separated by dots. Empty ones are not looked for.
type Columns struct {
	ID       string `yaml:"id"`
	Title    string `yaml:"title"`
	Body     string `yaml:"body"`
	URL      string `yaml:"url"`
	Language string `yaml:"language"`
	Product  string `yaml:"product"`
	Category string `yaml:"category"`
	Kind     string `yaml:"kind"`
	Group    string `yaml:"group"`
	Updated  string `yaml:"updated"`
	Audience string `yaml:"audience"` // a name, a list of names, or names separated by commas
	Code     string `yaml:"code"`     // of the fault that the record explains
	Message  string `yaml:"message"`  // the message that comes with the code
	Meaning  string `yaml:"meaning"`  // what the code means; without Body it is the text
	Solution string `yaml:"solution"` // what to do about it; without Body it is the text
	Format   string `yaml:"format"`   // of Body: the column that holds it
	// BodyFormat is the format of Body in all records: markdown, html or text; used where Format gives none.
	BodyFormat string `yaml:"body_format"`
}

// record reads a mapped record. The second result is the reason for which it gives none, or empty.
func (c *Columns) record(line []byte) (record, string) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return record{}, SkipJSON
	}
	get := func(path string) string { return scalar(lookup(v, path)) }
	r := record{
		ID: get(c.ID), Title: get(c.Title), Body: get(c.Body), Format: firstOf(get(c.Format), c.BodyFormat), URL: get(c.URL),
		Lang: get(c.Language), Product: get(c.Product), Category: get(c.Category), Kind: get(c.Kind), Group: get(c.Group), Updated: get(c.Updated),
	}
	who, ok := names(lookup(v, c.Audience))
	if !ok {
		return record{}, SkipMetadata
	}
	r.Audience = who
	code := recordCode{Code: get(c.Code), Message: get(c.Message), Meaning: get(c.Meaning), Solution: get(c.Solution)}
	if code.Code != "" {
		r.Codes = []recordCode{code}
	}
	if strings.TrimSpace(r.Body) == "" {
		r.Body = code.text()
	}
	if r.Title == "" && code.Code != "" {
		r.Title = oneLine(code.Code + " " + code.Message)
	}
	return r, ""
}

// text is what a record of a code says where it has no text of its own.
func (c recordCode) text() string {
	var parts []string
	for _, s := range [...]string{c.Message, c.Meaning, c.Solution} {
		if s = strings.TrimSpace(s); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "\n\n")
}

// lookup finds the value at a path of names separated by dots; a name may itself hold dots. Numbers index lists.
func lookup(v any, path string) any {
	if path == "" {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v[path]; ok {
			return found
		}
		name, rest, ok := strings.Cut(path, ".")
		if !ok {
			return nil
		}
		return lookup(v[name], rest)
	case []any:
		name, rest, more := strings.Cut(path, ".")
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil
		}
		if !more {
			return v[i]
		}
		return lookup(v[i], rest)
	}
	return nil
}

// scalar writes a JSON value as text; lists and objects have none.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}

// names reads who may read an article. It returns false when that is said in a way that is not understood: the article
// must then not be used.
func names(v any) ([]string, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		var out []string
		for s := range strings.SplitSeq(v, ",") {
			if s = oneLine(clean(s)); s != "" {
				out = append(out, s)
			}
		}
		return out, true
	case []any:
		out := list(v)
		return out, len(out) == len(v)
	}
	return nil, false
}

// firstOf returns the first string that is not empty.
func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
