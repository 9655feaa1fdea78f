package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// maxFrontMatter bounds the front matter that is read, bytes.
const maxFrontMatter = 64 << 10

// splitFrontMatter cuts the metadata block off the top of a file: between lines of "---" (YAML) or "+++" (TOML, as Hugo
// has it). A first line that opens no block is text.
func splitFrontMatter(text string) (mark, block, rest string) {
	for _, mark := range [...]string{"---", "+++"} {
		first, after, ok := strings.Cut(text, "\n")
		if !ok || strings.TrimRight(first, " \t") != mark {
			continue
		}
		for pos := 0; pos <= len(after) && pos <= maxFrontMatter; {
			line, _, more := strings.Cut(after[pos:], "\n")
			if trimmed := strings.TrimRight(line, " \t"); trimmed == mark || mark == "---" && trimmed == "..." {
				return mark, after[:pos], after[min(pos+len(line)+1, len(after)):]
			}
			if !more {
				break
			}
			pos += len(line) + 1
		}
	}
	return "", "", text
}

// readFrontMatter takes the metadata off the top of a file. It returns false when there is a block that cannot be read:
// the article must then not be used, because the block may say who is allowed to see it.
func readFrontMatter(text string) (m meta, rest string, ok bool) {
	mark, block, rest := splitFrontMatter(text)
	switch {
	case mark == "":
		return meta{}, text, true
	case mark == "+++":
		m, ok = fromTable(tomlPairs(block))
		return m, rest, ok
	case strings.TrimSpace(block) == "":
		return meta{}, rest, true
	}
	var fields map[string]any
	dec := yaml.NewDecoder(bytes.NewReader([]byte(block)))
	if err := dec.Decode(&fields); err != nil {
		if !strings.Contains(block, ":") {
			return meta{}, text, true // two rulers with text between them
		}
		return meta{}, rest, false
	}
	m, ok = fromTable(fields)
	return m, rest, ok
}

// tomlPairs reads the top-level "key = value" lines of a TOML block, enough for strings, dates and lists of strings on
// one line. A table ends it.
func tomlPairs(block string) map[string]any {
	out := map[string]any{}
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			break
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		var v any
		if yaml.Unmarshal([]byte(strings.TrimSpace(value)), &v) == nil {
			out[strings.ToLower(strings.Trim(strings.TrimSpace(key), `"'`))] = v
		}
	}
	return out
}

// fromTable reads the fields that an article knows, under the names that site generators use. It returns false when the
// field that says who may read the article is there and is not a name or a list of names.
func fromTable(f map[string]any) (meta, bool) {
	m := meta{
		id: str(f, "id", "article_id"), title: str(f, "title", "linkTitle", "sidebar_label"), lang: str(f, "language", "lang", "locale"),
		product: str(f, "product"), category: str(f, "category"), kind: str(f, "kind"), group: str(f, "group"),
		url: str(f, "url", "canonical_url"), updated: parseDate(str(f, "updated", "lastmod", "last_update", "date")),
	}
	for _, c := range list(f["codes"]) {
		m.codes = append(m.codes, prediag.FaultCode{Code: c})
	}
	who, restricted := f["audience"]
	m.audience = list(who)
	return m, !restricted || who == nil || len(m.audience) > 0
}

// str returns the first of the named fields that holds a value, as one line of text.
func str(f map[string]any, names ...string) string {
	for _, name := range names {
		switch v := f[name].(type) {
		case string:
			if s := oneLine(clean(v)); s != "" {
				return s
			}
		case int, int64, uint64, float64:
			return fmt.Sprint(v)
		case time.Time:
			return v.UTC().Format(time.RFC3339Nano)
		}
	}
	return ""
}

// list reads a list of names, or a single one. Anything else in it makes the whole list empty.
func list(v any) []string {
	switch v := v.(type) {
	case string:
		if s := oneLine(clean(v)); s != "" {
			return []string{s}
		}
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if s = oneLine(clean(s)); !ok || s == "" {
				return nil
			}
			out = append(out, s)
		}
		return out
	}
	return nil
}
