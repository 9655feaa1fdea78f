package concept

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"prediag"
)

// The names of SKOS (W3C 2009, "Simple Knowledge Organization System Reference") that count here.
const (
	skosSpace   = "http://www.w3.org/2004/02/skos/core#"
	skosConcept = skosSpace + "Concept"
	skosPref    = skosSpace + "prefLabel"
	skosAlt     = skosSpace + "altLabel"
	skosHidden  = skosSpace + "hiddenLabel"
	rdfType     = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
	ownConcept  = "urn:prediag:concept:" // begins the names of concepts that are written
)

const maxTripleBytes = 64 << 10 // of a line

// triple is a statement of an N-Triples file.
type triple struct {
	subject, predicate string
	object             string // an IRI, or the text of a literal
	literal            bool
	language           string // of a literal; empty: none
}

// ParseSKOS reads a glossary in SKOS as N-Triples (W3C 2014), into which every RDF tool turns Turtle and RDF/XML. The ID of a concept is
// the last part of its IRI; prefLabel comes first, altLabel and hiddenLabel follow in their order. Statements with other predicates and
// blank nodes count for nothing. What is not N-Triples, a label without a language, two preferred labels in one language, and two concepts with one ID are errors of kind
// prediag.ErrInvalid that name the line.
func ParseSKOS(data []byte) (Glossary, error) {
	if len(data) > MaxGlossaryBytes {
		return Glossary{}, &prediag.Error{Kind: prediag.ErrTooLarge, Field: "glossary", Message: fmt.Sprintf("the glossary must be at most %d bytes", MaxGlossaryBytes)}
	}
	s := skosReader{g: Glossary{Concepts: map[string]Labels{}}, names: map[string]string{}, preferred: map[[2]string]bool{}}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		t, ok, err := parseTriple(string(bytes.TrimSpace(line)))
		if err == nil && ok {
			err = s.take(t)
		}
		if err != nil {
			return Glossary{}, prediag.Invalid("GLOSSARY_INVALID", "glossary", fmt.Sprintf("line %d: %v", number, err))
		}
	}
	if len(s.g.Concepts) > maxConcepts {
		return Glossary{}, invalid("", fmt.Sprintf("there must be at most %d concepts", maxConcepts))
	}
	for _, id := range slices.Sorted(maps.Keys(s.g.Concepts)) {
		if err := s.g.Concepts[id].check(id); err != nil {
			return Glossary{}, err
		}
	}
	return s.g, nil
}

// skosReader makes a glossary of statements.
type skosReader struct {
	g         Glossary
	names     map[string]string  // IRI of a concept by its ID
	preferred map[[2]string]bool // concepts and languages that have a preferred label
}

func (s *skosReader) take(t triple) error {
	label := t.predicate == skosPref || t.predicate == skosAlt || t.predicate == skosHidden
	if !label && (t.predicate != rdfType || t.object != skosConcept) || strings.HasPrefix(t.subject, "_:") {
		return nil
	}
	id := conceptID(t.subject)
	if known, ok := s.names[id]; ok && known != t.subject {
		return fmt.Errorf("the concepts <%.200s> and <%.200s> have the same last part: rename one", known, t.subject)
	}
	s.names[id] = t.subject
	labels := s.g.Concepts[id]
	if labels == nil {
		labels = Labels{}
		s.g.Concepts[id] = labels
	}
	if !label {
		return nil
	}
	language, _, _ := strings.Cut(strings.ToLower(t.language), "-")
	if !t.literal || language == "" {
		return fmt.Errorf("a label of <%.200s> has no language: write \"...\"@en", t.subject)
	}
	known := slices.Index(labels[language], t.object)
	if t.predicate != skosPref {
		if known < 0 {
			labels[language] = append(labels[language], t.object)
		}
		return nil
	}
	key := [2]string{id, language}
	if s.preferred[key] && labels[language][0] != t.object && !strings.Contains(t.language, "-") {
		return fmt.Errorf("<%.200s> has two preferred labels in %q: make one an altLabel", t.subject, language)
	}
	if known >= 0 {
		labels[language] = slices.Delete(labels[language], known, known+1)
	}
	at := 0
	if s.preferred[key] { // of another region
		at = 1
	}
	s.preferred[key] = true
	labels[language] = slices.Insert(labels[language], min(at, len(labels[language])), t.object)
	return nil
}

// conceptID is the last part of an IRI, unescaped.
func conceptID(iri string) string {
	part, own := strings.CutPrefix(iri, ownConcept)
	if !own {
		part = iri[strings.LastIndexAny(strings.TrimRight(iri, "/#:"), "/#:")+1:]
	}
	if id, err := url.PathUnescape(part); err == nil && utf8.ValidString(id) {
		return id
	}
	return part
}

// parseTriple reads a line; ok: it holds a statement.
func parseTriple(line string) (t triple, ok bool, err error) {
	if line == "" || line[0] == '#' {
		return t, false, nil
	}
	if len(line) > maxTripleBytes {
		return t, false, fmt.Errorf("it is over %d bytes", maxTripleBytes)
	}
	p := tripleParser{rest: line}
	t.subject = p.resource(true)
	t.predicate = p.resource(false)
	if strings.HasPrefix(p.rest, `"`) {
		t.literal = true
		t.object, t.language = p.literal()
	} else {
		t.object = p.resource(true)
	}
	p.space()
	tail, found := strings.CutPrefix(p.rest, ".")
	tail = strings.TrimLeft(tail, " \t")
	if !p.bad && found && (tail == "" || tail[0] == '#') {
		return t, true, nil
	}
	return t, false, fmt.Errorf("%.60q is no statement of N-Triples: convert Turtle or RDF/XML with an RDF tool first", line)
}

// tripleParser reads the terms of a line from the beginning of rest.
type tripleParser struct {
	rest string
	bad  bool
}

func (p *tripleParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// resource reads an IRI, without its brackets, or where it may be one a blank node.
func (p *tripleParser) resource(blank bool) string {
	p.space()
	if rest, ok := strings.CutPrefix(p.rest, "<"); ok {
		iri, after, closed := strings.Cut(rest, ">")
		s, ok := unescape(iri)
		if closed && ok && iri != "" && !strings.ContainsAny(iri, "<\"{}|^` \t") {
			p.rest = after
			p.space()
			return s
		}
	} else if blank && strings.HasPrefix(p.rest, "_:") {
		if end := strings.IndexAny(p.rest, " \t"); end > 2 {
			name := p.rest[:end]
			p.rest = p.rest[end:]
			p.space()
			return name
		}
	}
	p.bad = true
	return ""
}

// literal reads a quoted text with its language or data type.
func (p *tripleParser) literal() (s, language string) {
	end := 1
	for end < len(p.rest) && p.rest[end] != '"' {
		if p.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.rest) {
		p.bad = true
		return "", ""
	}
	s, ok := unescape(p.rest[1:end])
	p.bad = p.bad || !ok
	p.rest = p.rest[end+1:]
	switch {
	case strings.HasPrefix(p.rest, "@"):
		n := 1
		for n < len(p.rest) && (p.rest[n] == '-' || p.rest[n] >= '0' && p.rest[n] <= '9' || p.rest[n]|0x20 >= 'a' && p.rest[n]|0x20 <= 'z') {
			n++
		}
		language, p.rest = p.rest[1:n], p.rest[n:]
	case strings.HasPrefix(p.rest, "^^"):
		p.rest = p.rest[2:]
		p.resource(false)
	}
	return s, language
}

// unescape resolves the escapes of N-Triples.
func unescape(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if after == "" {
			return "", false
		}
		if i := strings.IndexByte(`tbnrf"'\`, after[0]); i >= 0 {
			b.WriteByte("\t\b\n\r\f\"'\\"[i])
			s = after[1:]
			continue
		}
		digits := map[byte]int{'u': 4, 'U': 8}[after[0]]
		if digits == 0 || len(after) <= digits {
			return "", false
		}
		n, err := strconv.ParseUint(after[1:1+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) || n > utf8.MaxRune {
			return "", false
		}
		b.WriteRune(rune(n))
		s = after[1+digits:]
	}
}

// SKOS is the glossary as N-Triples, in the order of the IDs. ParseSKOS reads it back.
func (g Glossary) SKOS() []byte {
	var b bytes.Buffer
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	for _, id := range slices.Sorted(maps.Keys(g.Concepts)) {
		subject := "<" + ownConcept + url.PathEscape(id) + ">"
		fmt.Fprintf(&b, "%s <%s> <%s> .\n", subject, rdfType, skosConcept)
		for _, language := range slices.Sorted(maps.Keys(g.Concepts[id])) {
			for i, label := range g.Concepts[id][language] {
				predicate := skosAlt
				if i == 0 {
					predicate = skosPref
				}
				fmt.Fprintf(&b, "%s <%s> \"%s\"@%s .\n", subject, predicate, escape.Replace(label), language)
			}
		}
	}
	return b.Bytes()
}

// Shared is a label that several concepts have in one language.
type Shared struct {
	Language string   `json:"language"`
	Label    string   `json:"label"`
	Concepts []string `json:"concepts"` // in order
}

// Ambiguous lists the labels that say more than one thing, ordered by language and label. In a query such a label
// stands for the concept whose ID comes first.
func (g Glossary) Ambiguous() []Shared {
	type key struct{ language, label string }
	holders := map[key][]string{}
	for _, id := range slices.Sorted(maps.Keys(g.Concepts)) {
		for language, labels := range g.Concepts[id] {
			for _, l := range labels {
				k := key{language, strings.ToLower(l)}
				if !slices.Contains(holders[k], id) {
					holders[k] = append(holders[k], id)
				}
			}
		}
	}
	var out []Shared
	for k, ids := range holders {
		if len(ids) > 1 {
			out = append(out, Shared{k.language, k.label, ids})
		}
	}
	slices.SortFunc(out, func(a, b Shared) int {
		return cmp.Or(strings.Compare(a.Language, b.Language), strings.Compare(a.Label, b.Label))
	})
	return out
}
