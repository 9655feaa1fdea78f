package concept

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// Limits of a glossary.
const (
	MaxGlossaryBytes = 16 << 20
	maxConcepts      = 100_000
	maxLabels        = 64  // of a concept in one language
	maxLabelBytes    = 256 // of a label
)

//go:embed glossary.yaml
var builtIn []byte

// Glossary is a list of concepts with their names in many languages. In the words of SKOS (W3C 2009, "Simple Knowledge
// Organization System Reference") the first label of a language is the prefLabel, the others are altLabels.
type Glossary struct {
	Concepts map[string]Labels `yaml:"concepts"` // by ID

	own map[string]bool // concepts whose labels stand for one another within a language too, see Extend
}

// Labels are the names of a concept by base language; no label: the concept is taken out.
type Labels map[string][]string

// BuiltIn is the glossary of terms of technical support that comes with the program.
func BuiltIn() (Glossary, error) { return Parse(builtIn) }

// Parse reads a glossary in YAML:
//
//	concepts:
//	  load-balancer:
//	    en: [load balancer, LB]
//	    ja: [ロードバランサー]
//
// Unknown keys, a label that is empty or too long, and text that is not UTF-8 are errors of kind prediag.ErrInvalid that
// name the concept.
func Parse(data []byte) (Glossary, error) {
	var g Glossary
	if len(data) > MaxGlossaryBytes {
		return g, &prediag.Error{Kind: prediag.ErrTooLarge, Field: "glossary", Message: fmt.Sprintf("the glossary must be at most %d bytes", MaxGlossaryBytes)}
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&g); err != nil && !errors.Is(err, io.EOF) {
		return Glossary{}, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "GLOSSARY_INVALID", Field: "glossary",
			Message: "the glossary is not as docs/search.md describes it", Err: err}
	}
	if len(g.Concepts) > maxConcepts {
		return Glossary{}, invalid("", fmt.Sprintf("there must be at most %d concepts", maxConcepts))
	}
	for id, labels := range g.Concepts {
		if err := labels.check(id); err != nil {
			return Glossary{}, err
		}
	}
	return g, nil
}

func (l Labels) check(id string) error {
	if id == "" || len(id) > maxLabelBytes || !utf8.ValidString(id) {
		return invalid(id, "its ID must have 1 to 256 bytes of UTF-8")
	}
	for language, names := range l {
		if len(language) < 2 || len(language) > 3 || strings.ToLower(language) != language {
			return invalid(id, fmt.Sprintf("%.40q is no base language: write en, zh, ja", language))
		}
		if len(names) > maxLabels {
			return invalid(id, fmt.Sprintf("a language must have at most %d labels", maxLabels))
		}
		for _, name := range names {
			if strings.TrimSpace(name) == "" || len(name) > maxLabelBytes || !utf8.ValidString(name) {
				return invalid(id, fmt.Sprintf("a label in %q is empty, over %d bytes or not UTF-8", language, maxLabelBytes))
			}
		}
	}
	return nil
}

func invalid(id, what string) error {
	return prediag.Invalid("GLOSSARY_INVALID", "glossary", fmt.Sprintf("concept %.100q: %s", id, what))
}

// Extend returns g with the concepts of another glossary: those of the same ID replace those of g as a whole. The labels that the other
// glossary has for a concept in one language are synonyms in queries; g's own are translations only.
func (g Glossary) Extend(other Glossary) Glossary {
	out := Glossary{Concepts: make(map[string]Labels, len(g.Concepts)+len(other.Concepts))}
	for _, from := range []Glossary{g, other} {
		maps.Copy(out.Concepts, from.Concepts)
	}
	out.own = make(map[string]bool, len(other.Concepts))
	for id := range other.Concepts {
		out.own[id] = true
	}
	return out
}

// Phrases finds the labels of a glossary in texts. It is immutable.
type Phrases struct {
	concepts []phrased
	begin    map[string][]phrase // by language and first term
}

type phrased struct {
	labels   map[string][][]string // as terms, by language
	synonyms bool                  // within a language too
}

type phrase struct {
	terms   []string
	concept int
}

// Compile makes phrases of a glossary. analyse gives the terms of a label in a language.
func (g Glossary) Compile(analyse func(language, label string) []string) *Phrases {
	p := &Phrases{begin: map[string][]phrase{}}
	ids := make([]string, 0, len(g.Concepts))
	for id := range g.Concepts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		labels := map[string][][]string{}
		for language, names := range g.Concepts[id] {
			for _, name := range names {
				terms := analyse(language, name)
				if len(terms) == 0 {
					continue
				}
				labels[language] = append(labels[language], terms)
				key := language + "\x00" + terms[0]
				p.begin[key] = append(p.begin[key], phrase{terms, len(p.concepts)})
			}
		}
		p.concepts = append(p.concepts, phrased{labels, g.own[id]})
	}
	for key, list := range p.begin {
		slices.SortStableFunc(list, func(a, b phrase) int { return len(b.terms) - len(a.terms) })
		p.begin[key] = list
	}
	return p
}

// Find returns, by term of a text, what the labels that stand in it are called in the target languages: the first label of
// each in full, the others half as likely. The longest label wins; labels in English count in any language. Terms for which
// skip is true belong to no label.
func (p *Phrases) Find(language string, terms []string, skip func(i int) bool, targets []string) map[string][]Alternative {
	out := map[string][]Alternative{}
	for i := 0; i < len(terms); {
		f, own := p.at(language, terms[i:]), language
		if f == nil && language != "en" {
			f, own = p.at("en", terms[i:]), "en"
		}
		if f == nil || anyOf(i, len(f.terms), skip) {
			i++
			continue
		}
		for _, target := range targets {
			if target != own {
				spread(out, f.terms, p.concepts[f.concept].labels[target], target)
			}
		}
		if c := p.concepts[f.concept]; c.synonyms {
			synonyms(out, f.terms, c.labels[own], own)
		}
		i += len(f.terms)
	}
	return out
}

func anyOf(from, n int, is func(int) bool) bool {
	for i := from; i < from+n; i++ {
		if is(i) {
			return true
		}
	}
	return false
}

// at is the longest label that the terms begin with; nil: none.
func (p *Phrases) at(language string, terms []string) *phrase {
	list := p.begin[language+"\x00"+terms[0]]
	for i := range list {
		if n := len(list[i].terms); n <= len(terms) && slices.Equal(list[i].terms, terms[:n]) {
			return &list[i]
		}
	}
	return nil
}

// synonymWeight is the weight of a label beside another one in the same language.
const synonymWeight = 0.5

// synonyms gives the terms of a phrase those of the other labels of its concept in its own language, in order.
func synonyms(out map[string][]Alternative, phrase []string, labels [][]string, language string) {
	for _, label := range labels {
		if slices.Equal(label, phrase) {
			continue
		}
		n := max(len(phrase), len(label))
		for j := range n {
			own, t := phrase[j*len(phrase)/n], label[j*len(label)/n]
			known := slices.ContainsFunc(out[own], func(a Alternative) bool { return a.Language == language && a.Term == t })
			if !known && !slices.Contains(phrase, t) {
				out[own] = append(out[own], Alternative{language, t, synonymWeight})
			}
		}
	}
}

// spread gives the terms of the labels to those of the phrase, in order: of two words in one language and three in the other
// the first gets two.
func spread(out map[string][]Alternative, phrase []string, labels [][]string, target string) {
	weight := 1.0
	for _, label := range labels {
		per := map[string]float64{}
		for j := range label {
			per[phrase[j*len(phrase)/len(label)]]++
		}
		for j, t := range label {
			own := phrase[j*len(phrase)/len(label)]
			out[own] = append(out[own], Alternative{target, t, weight / per[own]})
		}
		weight = 0.5
	}
}
