package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
	"unicode"

	"prediag"
)

// parserVersion is part of every fingerprint: raise it whenever a parser gives other articles for the same bytes, so that
// the next refresh parses everything again.
const parserVersion = "5"

// The formats that files are read in. Those of records hold many articles each.
const (
	FormatMarkdown   = "markdown"
	FormatMDX        = "mdx"
	FormatRST        = "rst"
	FormatHTML       = "html"       // a page as a browser gets it: the main content is looked for
	FormatFragment   = "fragment"   // HTML that is the content and nothing else, as APIs give it
	FormatConfluence = "confluence" // Confluence's storage format, XHTML with macros
	FormatText       = "text"
	FormatDOCX       = "docx"
	FormatPDF        = "pdf"
	FormatJSONL      = "jsonl"    // records
	FormatJSONLGzip  = "jsonl.gz" // records
	FormatCSV        = "csv"      // records
)

// formats tells a file's format by its extension.
var formats = [...]struct{ ext, format string }{
	{".jsonl.gz", FormatJSONLGzip}, {".jsonl", FormatJSONL}, {".ndjson", FormatJSONL}, {".csv", FormatCSV}, {".tsv", FormatCSV},
	{".md", FormatMarkdown}, {".markdown", FormatMarkdown}, {".mdx", FormatMDX}, {".rst", FormatRST}, {".txt", FormatText},
	{".html", FormatHTML}, {".htm", FormatHTML}, {".xhtml", FormatHTML}, {".docx", FormatDOCX}, {".pdf", FormatPDF},
}

// formatOf tells a file's format by its name; empty when it is none that is read.
func formatOf(name string) string {
	name = strings.ToLower(name)
	for _, f := range formats {
		if strings.HasSuffix(name, f.ext) {
			return f.format
		}
	}
	return ""
}

// parsed is what a parser makes of one file.
type parsed struct {
	meta
	body     string
	sections []prediag.Section
	tables   []table
	links    []string // targets as written
	over     bool     // longer than an article may be
	untitled bool     // the title is the beginning of the text, for want of one
}

// from takes over what a parser wrote.
func (p *parsed) from(w *body) {
	if p.title == "" {
		p.title = w.title
	}
	p.body, p.sections = w.finish()
	p.tables, p.over, p.links = w.tables, w.over, w.links
}

// fault is the reason for which what a parser made is no article, or empty.
func (p *parsed) fault() string {
	switch {
	case p.over:
		return SkipTooLarge
	case strings.TrimSpace(p.body) == "":
		return SkipEmpty
	}
	return ""
}

// admissible checks an article for what every index refuses: one of these must not stop the others.
func admissible(a *prediag.Article) string {
	if !validID(a.ID) {
		return SkipID
	}
	for _, s := range append([]string{a.Language, a.Product, a.Category, a.Kind, a.Group}, a.Audience...) {
		if len(s) > prediag.MaxFieldBytes {
			return SkipMetadata
		}
	}
	for _, s := range a.Audience {
		if s == "" || strings.ContainsFunc(s, unicode.IsControl) {
			return SkipMetadata
		}
	}
	if len(a.URL) > maxPath || len(a.Path) > maxPath {
		return SkipMetadata
	}
	return ""
}

// maxPath is how long an article's path and address may be, bytes.
const maxPath = 4 << 10

// article completes what the parser left open and seals the article with its revision.
func (p *parsed) article(source, where string) prediag.Article {
	a := prediag.Article{
		ID: p.id, Source: source, Path: where, Title: clip(oneLine(clean(p.title)), maxHeading), Untitled: p.untitled, Body: p.body, Sections: p.sections,
		URL: p.url, Product: p.product, Category: p.category, Kind: p.kind, Group: p.group, Audience: p.audience, Updated: p.updated,
	}
	if a.Title == "" {
		a.Title = clip(titleFromPath(where), maxHeading)
	}
	if a.Kind == "" {
		a.Kind = guessKind(where, a.Title)
	}
	a.Language = language(p.lang, where, a.Title, a.Body)
	a.Links = resolveLinks(source, where, a.URL, p.links)
	a.Codes = faultCodes(&a, p.tables, p.codes)
	a.Revision = revision(&a)
	for i := range a.Codes {
		a.Codes[i].Citation.Revision = a.Revision
	}
	return a
}

// revision is the first half of the SHA-256 of everything that the article says, in hexadecimal (32 characters).
func revision(a *prediag.Article) string {
	h := sha256.New()
	put(h, a.ID, a.Source, a.Path, a.Title, fmt.Sprint(a.Untitled), a.Body, a.URL, a.Language, a.Product, a.Category, a.Kind, a.Group)
	put(h, a.Updated.UTC().Format(time.RFC3339Nano))
	put(h, a.Audience...)
	put(h, a.Links...)
	for _, s := range a.Sections {
		put(h, fmt.Sprint(s.Span.Start, s.Span.End))
		put(h, s.Path...)
	}
	for _, c := range a.Codes {
		put(h, c.Code, c.Message, c.Meaning, c.Solution, c.Product, fmt.Sprint(c.Citation.Span.Start, c.Citation.Span.End))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// put hashes a list of strings so that no other list gives the same bytes.
func put(h hash.Hash, list ...string) {
	var buf [512]byte
	out := append(strconv.AppendInt(buf[:0], int64(len(list)), 10), '[')
	for _, s := range list {
		out = append(strconv.AppendInt(out, int64(len(s)), 10), ':')
		if len(out)+len(s) > len(buf) {
			h.Write(out)
			h.Write([]byte(s))
			out = buf[:0]
			continue
		}
		out = append(out, s...)
	}
	h.Write(out)
}

// slug makes a path usable in an ID. Two paths never give the same slug: one that had to be changed carries a hash.
func slug(p string) string {
	changed := false
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("/._-+@=~", r) {
			return r
		}
		changed = true
		return '-'
	}, p)
	if len(s) > 300 {
		s, changed = clip(s, 300), true
	}
	if !changed {
		return s
	}
	sum := sha256.Sum256([]byte(p))
	return s + "-" + hex.EncodeToString(sum[:4])
}
