package ingest

import (
	"slices"

	"prediag"
)

// task is everything that an article is made from. It crosses to another process, so all of it is exported.
type task struct {
	Source   string
	Path     string // of the file
	Format   string // empty: by the path's extension
	Record   bool   // Raw is one record of the file
	Given    Meta
	Defaults Defaults
	Raw      []byte
}

// parse makes the article. The second result is the reason for which there is none, or empty.
func (t *task) parse() (prediag.Article, string) {
	if t.Record {
		return t.parseRecord()
	}
	doc, reason := parseBytes(t.format(), t.Raw, t.Given.meta())
	if reason == "" {
		reason = doc.fault()
	}
	if reason != "" {
		return prediag.Article{}, reason
	}
	if doc.id == "" {
		doc.id = t.Source + "/" + slug(t.Path)
	}
	return t.finish(&doc, t.Path)
}

func (t *task) format() string {
	if t.Format != "" {
		return t.Format
	}
	return formatOf(t.Path)
}

// finish completes what a parser made by the source's defaults and seals it.
func (t *task) finish(doc *parsed, where string) (prediag.Article, string) {
	d := &t.Defaults
	doc.meta = doc.meta.or(meta{lang: d.Language, product: d.Product, category: d.Category})
	readers, ok := d.readers(doc.audience)
	if !ok {
		return prediag.Article{}, SkipAudience
	}
	doc.audience = readers
	return doc.article(t.Source, where), ""
}

// readers says who may read an article that names these audiences itself: they, in this service's names, if all of them
// are among the source's.
func (d *Defaults) readers(named []string) ([]string, bool) {
	if len(named) == 0 {
		return d.Audience, true
	}
	out := make([]string, len(named))
	for i, n := range named {
		out[i] = n
		if to, ok := d.AudienceMap[n]; ok {
			out[i] = to
		}
		if len(d.Audience) > 0 && !slices.Contains(d.Audience, out[i]) {
			return nil, false
		}
	}
	return out, true
}

// parseBytes reads a file that holds one article. What given says comes before what the file says.
func parseBytes(format string, raw []byte, given meta) (parsed, string) {
	switch format {
	case FormatDOCX:
		return parseDOCX(raw, given)
	case FormatPDF:
		return parsePDF(raw, given)
	case FormatHTML:
		return parseHTML(raw, given)
	}
	text, reason := readable(raw)
	if reason != "" {
		return parsed{}, reason
	}
	switch format {
	case FormatMarkdown, FormatMDX:
		return parseMarkdown(text, format == FormatMDX, given)
	case FormatRST:
		return parseRST(text, given)
	case FormatFragment:
		return parseFragment(text, given), ""
	case FormatConfluence:
		return parseFragment(storageHTML(text), given), ""
	}
	return parsePlain(text, given), ""
}

// parseFragment reads HTML that is content and nothing else.
func parseFragment(text string, given meta) parsed {
	doc := parsed{meta: given}
	w := &body{title: given.title}
	renderHTML(w, []byte(text))
	doc.from(w)
	return doc
}
