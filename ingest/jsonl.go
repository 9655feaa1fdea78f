package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"prediag"
)

// record is one line of a JSON Lines file. Fields that are not listed are ignored.
type record struct {
	ID        string       `json:"id"`
	Title     string       `json:"title"`
	Body      string       `json:"body"`
	Format    string       `json:"format"` // of Body: "markdown" or "html"; anything else is plain text
	URL       string       `json:"url"`
	Lang      string       `json:"lang"`
	Language  string       `json:"language"`
	Product   string       `json:"product"`
	Category  string       `json:"category"`
	Kind      string       `json:"kind"`
	Group     string       `json:"group"`
	Updated   string       `json:"updated"`
	UpdatedAt string       `json:"updated_at"`
	Audience  []string     `json:"audience"`
	Codes     []recordCode `json:"codes"`
}

// recordCode is a fault code that a record explains: an object, or the bare code.
type recordCode struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Meaning  string `json:"meaning"`
	Solution string `json:"solution"`
	Product  string `json:"product"`
}

// UnmarshalJSON accepts a string in place of the object.
func (c *recordCode) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &c.Code)
	}
	type plain recordCode
	return json.Unmarshal(raw, (*plain)(c))
}

// parseRecord makes an article of one record of a file. The second result is the reason for which it gives none, or empty.
func (t *task) parseRecord() (prediag.Article, string) {
	if _, reason := readable(t.Raw); reason != "" {
		return prediag.Article{}, reason
	}
	var r record
	reason := ""
	if c := t.Defaults.Columns; c != nil {
		r, reason = c.record(t.Raw)
		if reason == "" && r.ID != "" {
			r.ID = t.Source + "/" + r.ID // what others call their records is unique among those only
		}
	} else if json.Unmarshal(t.Raw, &r) != nil {
		reason = SkipJSON
	}
	if reason != "" {
		return prediag.Article{}, reason
	}
	if r.ID == "" && r.Title != "" && t.format() == FormatCSV {
		sum := sha256.Sum256([]byte(r.Title)) // sheets often have no column of IDs
		r.ID = t.Source + "/" + slug(t.Path) + "#" + hex.EncodeToString(sum[:8])
	}
	if !validID(r.ID) {
		return prediag.Article{}, SkipID
	}
	text := clean(r.Body)
	if strings.TrimSpace(text) == "" {
		if r.Title == "" && r.Body == "" {
			return prediag.Article{}, SkipNoColumns
		}
		return prediag.Article{}, SkipEmpty
	}
	doc := r.parse(text)
	if reason := doc.fault(); reason != "" {
		return prediag.Article{}, reason
	}
	if doc.title == "" {
		first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		doc.title, doc.untitled = clip(oneLine(first), 120), true
	}
	return t.finish(&doc, t.Path+"#"+r.ID)
}

// parse reads the record's body: as Markdown or HTML where it says so, else as plain text, in which Markdown's headings
// count.
func (r *record) parse(text string) parsed {
	doc := parsed{meta: r.meta()}
	w := &body{title: doc.title}
	switch format := strings.ToLower(r.Format); {
	case format == FormatMarkdown:
		markdownBody(w, text, false)
	case format == FormatHTML || format == FormatFragment:
		renderHTML(w, []byte(text))
	case !hasHeadings(text) || !plainLines(w, text) || w.empty():
		w = &body{title: doc.title}
		guessSections(w, text)
	}
	doc.from(w)
	return doc
}

// meta returns the record's fields as an article has them.
func (r *record) meta() meta {
	m := meta{
		id: r.ID, title: clip(oneLine(clean(r.Title)), maxHeading), lang: r.Lang, product: oneLine(clean(r.Product)),
		category: oneLine(clean(r.Category)), kind: oneLine(clean(r.Kind)), group: oneLine(clean(r.Group)), url: oneLine(clean(r.URL)),
		audience: r.Audience, updated: parseDate(r.Updated),
	}
	if m.lang == "" {
		m.lang = r.Language
	}
	if r.Updated == "" {
		m.updated = parseDate(r.UpdatedAt)
	}
	for _, c := range r.Codes {
		m.codes = append(m.codes, prediag.FaultCode{Code: oneLine(clean(c.Code)), Message: oneLine(clean(c.Message)),
			Meaning: oneLine(clean(c.Meaning)), Solution: oneLine(clean(c.Solution)), Product: oneLine(clean(c.Product))})
	}
	return m
}

// hasHeadings reports whether a plain text has headings in Markdown's form.
func hasHeadings(text string) bool {
	return strings.HasPrefix(text, "## ") || strings.Contains(text, "\n## ") || strings.HasPrefix(text, "# ")
}
