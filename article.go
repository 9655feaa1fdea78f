package prediag

import (
	"strings"
	"time"
)

// Article is one page of the knowledge base in its normalised form.
//
// Body is plain UTF-8 text: markup removed, table rows as "a | b | c", code blocks kept line by line. Everything that
// points into an article (sections, citations) does so by byte offsets into Body.
type Article struct {
	ID       string      // unique over all sources and stable over revisions
	Revision string      // hash of the article's content: equal revisions are equal articles
	Source   string      // name of the source that it came from
	Path     string      // where in the source: file path or record number
	Title    string      // one line, never empty
	Untitled bool        // the source gives no title: Title is the beginning of the text
	Body     string      // see above
	Sections []Section   // in the order of Body; they cover it without overlap
	URL      string      // where a human reads it; may be empty
	Language string      // BCP 47 tag, e.g. "zh", "zh-Hant"; "und" where unknown
	Product  string      // product key; may be empty
	Category string      // path in the taxonomy; may be empty
	Kind     string      // guide, faq, troubleshooting, errorcode, alarm, api, best-practice, glossary; may be empty
	Group    string      // same value: the same page in another language; may be empty
	Audience []string    // who may read it; empty: everybody
	Codes    []FaultCode // the fault codes that the article explains
	Links    []string    // where its links lead: IDs of articles of the same source, and URLs; each once, in order
	Updated  time.Time   // last change at the source; zero: unknown
}

// Section is a part of an article under one heading, its sub-sections excluded.
type Section struct {
	Path []string // headings from the outermost to this one; empty: the text before the first heading
	Span Span     // of the section's text in Article.Body, heading excluded
}

// Heading is the section's path as one line, "A > B".
func (s Section) Heading() string { return strings.Join(s.Path, " > ") }

// Span is a half-open range [Start, End) of bytes.
type Span struct{ Start, End int }

// Of returns the part of text that the span covers, and whether the span lies within it.
func (s Span) Of(text string) (string, bool) {
	if s.Start < 0 || s.End < s.Start || s.End > len(text) {
		return "", false
	}
	return text[s.Start:s.End], true
}

// FaultCode is what the knowledge base says about one error code or alarm.
type FaultCode struct {
	Code     string // as written, e.g. "ACS.0013", "ALM-21004"
	Message  string // the message that accompanies it; may be empty
	Meaning  string // what it means; may be empty
	Solution string // what to do; may be empty
	Product  string // may be empty
	Citation Citation
}

// Query asks the knowledge base.
type Query struct {
	Text       string    // free text or a whole ticket; at most 8,192 characters
	Like       string    // ID of an article: others like it are looked for, whatever Text says; may be empty
	Codes      []string  // fault codes to look for exactly, beside those found in Text
	Languages  []string  // only articles in one of these languages; empty: all
	Products   []string  // only articles of one of these products; empty: all
	Kinds      []string  // only articles of one of these kinds; empty: all
	Categories []string  // only articles of one of these categories or under it; empty: all
	Since      time.Time // only articles changed on this day or later, UTC; zero: all
	Category   string    // the likely category: prefers its articles, excludes none; may be empty
	Audience   []string  // the audiences that the caller belongs to
	Offset     int       // hits to leave out, 0 to 1,000
	Limit      int       // hits to return, 1 to 100; 0 means 10
	Facets     bool      // count the results by the properties of Facet
	Newest     bool      // order by the day of the last change; of the articles that hold half as much of the query as the best
	Typed      bool      // a person typed Text into a search box: "..." is a phrase, -word is left out; a ticket never is
	Highlight  bool      // fill in Hit.Marks and Passage.Marks
}

// Results is one page of what a search found.
type Results struct {
	Hits       []Hit         // best first
	Total      int           // all matching articles, this page's and the others'
	Facets     []Facet       // when asked for, in a fixed order
	Generation uint64        // of the index that answered
	DidYouMean string        // the text with words that no article holds replaced by near ones, as it was searched; empty: it was searched as written
	Solved     float64       // probability that the first hit solves the query, 0 to 1; 0 as well on later pages and where it was not judged
	Unknown    float64       // share of the query's information in words that no article holds, 0 to 1
	Degraded   []Degradation // what could not help with the search; DegradedEmbeddings or none
	Without    []string      // what a typed query leaves out, as it was read
}

// Hit is an article that matches a query.
type Hit struct {
	ArticleID string
	Revision  string
	Title     string
	Marks     []Span // of Title that the query's words stand at, where asked for
	URL       string
	Language  string
	Product   string
	Category  string
	Kind      string
	Group     string // same value: the same page in another language; may be empty
	Updated   time.Time
	Score     float64   // BM25-like, greater is better, comparable within one query only
	Coverage  float64   // share of the query's information (idf mass) that the article holds, 0 to 1
	Lead      float64   // of the score over the hits behind it, in roots of the query's information: comparable between queries, 0 or more
	Rarity    float64   // surprisal of Lead in nats: how rare it is for a first hit of this knowledge base to lead as far without being the answer, 0 or more
	Early     float64   // share of the query's information that the article names, the less of a term the later it stands first, 0 to 1
	Passages  []Passage // the sections that match best, best first; at most 3
	Why       []string  // the query terms and codes that matched, most informative first; at most 10
	Codes     []FaultCode
	Also      []string // IDs of the other articles with nearly the same text, hits or not
}

// Passage is a section of an article as a search result.
type Passage struct {
	Heading string // the section's headings joined with " > "
	Span    Span   // of Text in the article's body
	Text    string
	Marks   []Span  // of Text that the query's words stand at, where asked for
	Score   float64 // comparable within one query only
}

// Facet counts the articles of a result by the values of one property, without the query's filter by this property.
type Facet struct {
	Name   string // "language", "product", "kind", "category" (its ancestors too), or "age": "30d", "90d", "365d" (up to), "older"
	Values []FacetValue
}

// FacetValue is one value of a facet with the number of articles that have it.
type FacetValue struct {
	Value string
	Count int
}

// Change is one step from a generation of the index to the next: an article to store, or an ID to remove.
type Change struct {
	Put         *Article // stored in place of the article with the same ID
	Fingerprint string   // of the raw source that Put was made from, so that unchanged input is told early; empty: Put.Revision
	Delete      string   // ID of an article to remove; used when Put is nil
}

// Generation describes one immutable state of the index.
type Generation struct {
	Number     uint64 // 1 for the first; 0 means that there is none yet
	Created    time.Time
	Articles   int
	Bytes      int64          // on disk
	Sources    map[string]int // articles per source
	Languages  map[string]int // articles per language
	Twins      int            // articles that say the same, or nearly the same, as another one
	Hash       string         // of the manifest: names the content
	Unfinished bool           // a build has something to add to it although no article changed: vectors
}
