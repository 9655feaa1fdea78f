package kb

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/lang"
	"prediag/internal/text"
)

// The fields of the index. The text fields hold tokens with frequencies and lengths; the others hold exact values.
const (
	fieldText     = "text"  // title, headings and body
	fieldTitle    = "title" // the title alone
	fieldCodes    = "codes" // codes that the article explains or names in its title
	fieldLanguage = "language"
	fieldProduct  = "product"
	fieldKind     = "kind"
	fieldCategory = "category"
	fieldUpdated  = "updated"  // day of the last change, see dayFormat
	fieldAudience = "audience" // everybody where the article names none
	fieldPrefix   = "prefix"   // beginnings of the title's words, for completion
	fieldTitleKey = "titlekey" // names the title: equal keys are equal titles, see titleKey
	fieldGroup    = "group"    // equal keys are translations of each other, see groupKey
	fieldStored   = "_text"    // the article, see storedText
)

// textFields are the fields whose token totals the manifest keeps, in the order of row.lengths.
var textFields = [...]string{fieldText, fieldTitle}

// everybody stands in the audience field of an article that all may read. No audience can have this name: it holds a
// control character, which validation refuses.
const everybody = "\x01everybody"

// Limits on one article. Ingest keeps below them; they protect the index from a faulty source.
const (
	maxArticleBytes = 16 << 20
	maxStringBytes  = 8 << 10 // title, URL, path and the like
)

const (
	keywordOptions = index.IndexField | index.SkipFreqNorm
	nameOptions    = index.IndexField // values that hardly two articles share: a merge writes a posting with a frequency into the dictionary
	textOptions    = index.IndexField
)

// checkArticle says what makes an article unfit for the index.
func checkArticle(a *prediag.Article) error {
	bad := func(field, what string) error {
		return prediag.Invalid("ARTICLE_INVALID", "article."+field, fmt.Sprintf("article %.200q: %s", a.ID, what))
	}
	switch {
	case a.ID == "" || len(a.ID) > prediag.MaxFieldBytes:
		return bad("id", fmt.Sprintf("the ID must have 1 to %d bytes", prediag.MaxFieldBytes))
	case !utf8.ValidString(a.ID) || !utf8.ValidString(a.Title) || !utf8.ValidString(a.Body):
		return bad("body", "ID, title and body must be valid UTF-8")
	case len(a.Title) > maxStringBytes || len(a.URL) > maxStringBytes || len(a.Path) > maxStringBytes:
		return bad("title", fmt.Sprintf("title, URL and path must each be at most %d bytes", maxStringBytes))
	case len(a.Body) > maxArticleBytes:
		return &prediag.Error{Kind: prediag.ErrTooLarge, Field: "article.body",
			Message: fmt.Sprintf("article %.200q: the body must be at most %d bytes", a.ID, maxArticleBytes)}
	}
	for _, s := range []string{a.Source, a.Language, a.Product, a.Category, a.Kind, a.Group, a.Revision} {
		if len(s) > prediag.MaxFieldBytes {
			return bad("source", fmt.Sprintf("source, language, product, category, kind, group and revision must be at most %d bytes each", prediag.MaxFieldBytes))
		}
	}
	for _, s := range a.Audience {
		if !validAudience(s) {
			return bad("audience", "an audience must be 1 to 1024 bytes without control characters")
		}
	}
	for _, s := range a.Sections {
		if _, ok := s.Span.Of(a.Body); !ok {
			return bad("sections", "a section lies outside the body")
		}
	}
	return nil
}

func validAudience(s string) bool {
	return s != "" && len(s) <= prediag.MaxFieldBytes &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// newDocument is the article as the index stores it. The text fields are analysed later, when Bleve asks for it, with
// the analyzers that are free then.
func newDocument(a *prediag.Article, analyzers chan *analyzer) (*document.Document, [len(textFields)]*tokenField, error) {
	language := lang.Base(a.Language)
	fields := [len(textFields)]*tokenField{
		{name: fieldText, language: language, parts: textParts(a), article: a, analyzers: analyzers},
		{name: fieldTitle, language: language, parts: []string{givenTitle(a)}, analyzers: analyzers},
	}
	meta, err := json.Marshal(storedArticle(a))
	if err != nil {
		return nil, fields, fmt.Errorf("article %q: %w", a.ID, err)
	}
	doc := document.NewDocument(a.ID)
	for _, f := range fields {
		doc.AddField(f)
	}
	add := func(name string, options index.FieldIndexingOptions, values []string) {
		for _, v := range values {
			if v != "" {
				doc.AddField(document.NewTextFieldCustom(name, nil, []byte(v), options, nil))
			}
		}
	}
	keyword := func(name string, values ...string) { add(name, keywordOptions, values) }
	naming := func(name string, values ...string) { add(name, nameOptions, values) }
	naming(fieldCodes, articleCodes(a)...)
	keyword(fieldLanguage, language)
	keyword(fieldProduct, a.Product)
	keyword(fieldKind, a.Kind)
	keyword(fieldCategory, categoryPath(a.Category)...)
	if !a.Updated.IsZero() {
		keyword(fieldUpdated, a.Updated.UTC().Format(dayFormat))
	}
	naming(fieldTitleKey, titleKey(givenTitle(a)))
	naming(fieldGroup, groupKey(a))
	naming(fieldPrefix, titlePrefixes(a.Title)...)
	if len(a.Audience) == 0 {
		keyword(fieldAudience, everybody)
	}
	keyword(fieldAudience, a.Audience...)
	fields[0].meta = meta
	doc.AddField(storedText{fields[0]})
	return doc, fields, nil
}

// noTitle is the title key of an article without a title.
const noTitle = "-"

// titleKey is short and the same for titles that differ only in letter case, width or spacing.
func titleKey(title string) string {
	folded := strings.TrimSpace(text.Fold(title))
	if folded == "" {
		return noTitle
	}
	sum := sha256.Sum256([]byte(folded))
	return hex.EncodeToString(sum[:8])
}

// givenTitle is the title that the article's author gave; empty when there is none.
func givenTitle(a *prediag.Article) string {
	if a.Untitled {
		return ""
	}
	return a.Title
}

// textParts is everything of the article that can be searched: title, headings (each once) and body. What stands in the
// body already is not counted twice.
func textParts(a *prediag.Article) []string {
	parts := []string{givenTitle(a)}
	seen := map[string]bool{a.Title: true}
	for _, s := range a.Sections {
		for _, h := range s.Path {
			if !seen[h] {
				seen[h] = true
				if strings.Contains(a.Body, h) {
					continue
				}
				parts = append(parts, h)
			}
		}
	}
	return append(parts, a.Body)
}

// articleCodes are the canonical codes that an exact query for a code must find the article by.
func articleCodes(a *prediag.Article) []string {
	var codes []string
	for _, c := range a.Codes {
		codes = append(codes, code.Canonical(c.Code))
	}
	for _, m := range code.Find(a.Title) {
		codes = append(codes, code.Canonical(m.Code))
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// categoryPath lists a category and its ancestors: "network/dns" is also "network".
func categoryPath(c string) []string {
	var paths []string
	for c != "" {
		paths = append(paths, c)
		i := strings.LastIndexByte(c, '/')
		if i < 0 {
			break
		}
		c = c[:i]
	}
	return paths
}

// stored is an article without its body, which is stored apart so that it is neither escaped nor scanned.
type stored struct {
	ID       string              `json:"i"`
	Revision string              `json:"r,omitempty"`
	Source   string              `json:"s,omitempty"`
	Path     string              `json:"p,omitempty"`
	Title    string              `json:"t"`
	Untitled bool                `json:"n,omitempty"`
	Sections []storedSection     `json:"x,omitempty"`
	URL      string              `json:"u,omitempty"`
	Language string              `json:"l,omitempty"`
	Product  string              `json:"d,omitempty"`
	Category string              `json:"c,omitempty"`
	Kind     string              `json:"k,omitempty"`
	Group    string              `json:"g,omitempty"`
	Audience []string            `json:"a,omitempty"`
	Codes    []prediag.FaultCode `json:"f,omitempty"`
	Links    []string            `json:"h,omitempty"`
	Updated  time.Time           `json:"w,omitzero"`
}

type storedSection struct {
	Path  []string `json:"p,omitempty"`
	Start int      `json:"s"`
	End   int      `json:"e"`
}

func storedArticle(a *prediag.Article) stored {
	s := stored{ID: a.ID, Revision: a.Revision, Source: a.Source, Path: a.Path, Title: a.Title, Untitled: a.Untitled, URL: a.URL,
		Language: a.Language, Product: a.Product, Category: a.Category, Kind: a.Kind, Group: a.Group,
		Audience: a.Audience, Codes: a.Codes, Links: a.Links, Updated: a.Updated}
	for _, x := range a.Sections {
		s.Sections = append(s.Sections, storedSection{x.Path, x.Span.Start, x.Span.End})
	}
	return s
}

// decodeStored is the inverse of storedArticle, with the body put back.
func decodeStored(meta, body []byte) (prediag.Article, error) {
	var s stored
	if err := json.Unmarshal(meta, &s); err != nil {
		return prediag.Article{}, fmt.Errorf("stored article: %w: %w", prediag.ErrDamaged, err)
	}
	a := prediag.Article{ID: s.ID, Revision: s.Revision, Source: s.Source, Path: s.Path, Title: s.Title, Untitled: s.Untitled, Body: string(body),
		URL: s.URL, Language: s.Language, Product: s.Product, Category: s.Category, Kind: s.Kind, Group: s.Group,
		Audience: s.Audience, Codes: s.Codes, Links: s.Links, Updated: s.Updated}
	for _, x := range s.Sections {
		a.Sections = append(a.Sections, prediag.Section{Path: x.Path, Span: prediag.Span{Start: x.Start, End: x.End}})
	}
	return a, nil
}
