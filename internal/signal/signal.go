// Package signal finds what a ticket says in so many words apart from what it is about: that it is urgent, that much is
// down at once, that it touches security, privacy or law, that its writer wants a person, or complains.
//
// The knowledge is data: one YAML file per language (phrases/), in a form that maintainers extend (Table). All
// languages are looked for at once, because tickets mix them. It is useful where a rule must be able to say which words
// it rests on; for what is only meant and not said there is the classifier.
package signal

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"prediag"
	"prediag/internal/text"
)

// Kind is what a phrase signals.
type Kind uint8

// The kinds of signals. The list is only ever appended to: facts that are kept hold the numbers.
const (
	Urgent    Kind = iota // it cannot wait
	Major                 // many users, a whole site, or data are lost at once
	Security              // intrusion, leak, a reported vulnerability
	Privacy               // rights on personal data, and their violation
	Legal                 // lawyers, courts, authorities
	Person                // the customer wants to deal with a human
	Complaint             // a formal complaint, a threat to leave
	kinds
)

// String is the kind's key in a table.
func (k Kind) String() string {
	return [kinds]string{"urgent", "major", "security", "privacy", "legal", "person", "complaint"}[k]
}

// Hit is one phrase that stands in a text and is not taken back by the words around it.
type Hit struct {
	Kind     Kind
	Quote    string       // the words as they stand in the text
	Span     prediag.Span // where, in bytes of the text
	Language string       // of the table that the phrase is from
}

// maxHits bounds what one text can give; no decision needs more.
const maxHits = 64

// Finder looks for the phrases of all its tables in one pass. It is safe for concurrent use.
type Finder struct {
	program
	scratch sync.Pool // of *scan
}

//go:embed phrases/*.yaml
var builtin embed.FS

// standard compiles the tables that come with the program once: it takes a tenth of a second.
var standard = sync.OnceValue(func() *Finder {
	tables, err := builtinTables()
	if err != nil {
		panic(err) // the tables are part of the program, and a test compiles them
	}
	f, err := compile(tables)
	if err != nil {
		panic(err)
	}
	return f
})

// Standard returns the finder of the tables that come with the program.
func Standard() *Finder { return standard() }

// New compiles the tables that come with the program and further ones. A faulty table is an error of kind
// prediag.ErrInvalid that names the table, the phrase and what is wrong with it.
func New(further ...Table) (*Finder, error) {
	if len(further) == 0 {
		return Standard(), nil
	}
	tables, err := builtinTables()
	if err != nil {
		return nil, err
	}
	return compile(append(tables, further...))
}

func builtinTables() ([]Table, error) {
	files, err := fs.Glob(builtin, "phrases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("signal: %w", err)
	}
	var out []Table
	for _, name := range files {
		raw, err := builtin.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("signal: %w", err)
		}
		t, err := ParseTable(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

func compile(tables []Table) (*Finder, error) {
	b := newBuilder()
	for i, t := range tables {
		if err := b.table(i, t); err != nil {
			return nil, err
		}
	}
	return &Finder{program: b.done()}, nil
}

// Find returns the signals of a text in the order of their places; of phrases of one kind that overlap the first and
// longest. The time is linear in the length of the text. The text may hold bytes that are not UTF-8.
func (f *Finder) Find(s string) []Hit {
	folded := text.Folded(s)
	sc, _ := f.scratch.Get().(*scan)
	if sc == nil {
		sc = &scan{}
	}
	defer f.scratch.Put(sc)
	sc.read(&f.program, folded.Text)
	found := sc.match(&f.program)
	out := make([]Hit, 0, len(found))
	for _, m := range found {
		span := folded.Span(int(sc.tokens[m.from].start), int(sc.tokens[m.to-1].end))
		out = append(out, Hit{Kind: m.kind, Quote: s[span.Start:span.End], Span: span, Language: f.languages[m.table]})
	}
	slices.SortStableFunc(out, func(a, b Hit) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	if len(out) == 0 {
		return nil
	}
	return out
}
