package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"prediag"
	"prediag/internal/concept"
)

// kbGlossary looks after the maintainer's glossary, a file of the data folder.
func (a *app) kbGlossary() *cobra.Command {
	c := &cobra.Command{
		Use:   "glossary",
		Short: "List, check, import and export the glossary that queries are widened by",
		Long: `glossary looks after glossary.yaml in the data folder: the names of things in several languages, which lead queries to articles
in other languages. It extends the built-in one; concepts of the same ID replace those of the built-in one as a whole, and one without
labels takes one out. Files are YAML (docs/search.md), or SKOS as N-Triples when their name ends in .nt: RDF tools make that of Turtle
and RDF/XML. A running service takes a new glossary at its next start.`,
		Example: `  prediag kb glossary list firewall
  prediag kb glossary check terms.nt
  prediag kb glossary import terms.nt
  prediag kb glossary export --own > glossary.yaml
  prediag kb glossary export --format skos > glossary.nt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.glossaryList(), a.glossaryCheck(), a.glossaryImport(), a.glossaryExport())
	return c
}

// glossaryEntry is a concept as list prints it.
type glossaryEntry struct {
	ID     string         `json:"id"`
	Own    bool           `json:"own"` // of the maintainer's glossary
	Labels concept.Labels `json:"labels"`
}

func (a *app) glossaryList() *cobra.Command {
	var dir *string
	var asJSON *bool
	var own bool
	c := &cobra.Command{
		Use: "list [WORD]", Short: "List the concepts, or those that a word stands in", Args: cobra.MaximumNArgs(1),
		Example: "  prediag kb glossary list\n  prediag kb glossary list 磁盘 --json",
		RunE: func(_ *cobra.Command, args []string) error {
			entries, err := glossaryEntries(dataDir(*dir), own, strings.Join(args, ""))
			if err != nil {
				return err
			}
			if *asJSON {
				return json.NewEncoder(a.out).Encode(entries)
			}
			var p page
			for _, e := range entries {
				mark := ""
				if e.Own {
					mark = "  (own)"
				}
				p.line("%s%s", e.ID, mark)
				for _, language := range slices.Sorted(maps.Keys(e.Labels)) {
					p.line("  %s  %s", language, strings.Join(e.Labels[language], ", "))
				}
			}
			p.line("%d concepts", len(entries))
			return p.to(a.out)
		},
	}
	dir, asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().BoolVar(&own, "own", false, "only the maintainer's concepts")
	return c
}

// glossaryEntries are the concepts that are in use, in the order of their IDs, those that a word stands in where one is given.
func glossaryEntries(dir dataDir, ownOnly bool, word string) ([]glossaryEntry, error) {
	all, own, err := glossaries(dir)
	if err != nil {
		return nil, err
	}
	entries := []glossaryEntry{}
	word = strings.ToLower(word)
	for _, id := range slices.Sorted(maps.Keys(all.Concepts)) {
		_, isOwn := own.Concepts[id]
		found := strings.Contains(strings.ToLower(id), word)
		for _, labels := range all.Concepts[id] {
			found = found || slices.ContainsFunc(labels, func(l string) bool { return strings.Contains(strings.ToLower(l), word) })
		}
		if found && (isOwn || !ownOnly) {
			entries = append(entries, glossaryEntry{id, isOwn, all.Concepts[id]})
		}
	}
	return entries, nil
}

// glossaries are what is in use, and the maintainer's part of it.
func glossaries(dir dataDir) (all, own concept.Glossary, err error) {
	builtIn, err := concept.BuiltIn()
	if err != nil {
		return all, own, err
	}
	data, err := dir.readGlossary()
	if err != nil {
		return all, own, err
	}
	if own, err = concept.Parse(data); err != nil {
		return all, own, fmt.Errorf("%q: %w", dir.glossary(), err)
	}
	return builtIn.Extend(own), own, nil
}

// readGlossary reads a glossary in YAML, or in SKOS when its name ends in .nt.
func readGlossary(name string) (g concept.Glossary, err error) {
	f, err := os.Open(name)
	if err != nil {
		return g, prediag.Invalid("GLOSSARY_INVALID", "glossary", fmt.Sprintf("the glossary cannot be opened: %v", err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, concept.MaxGlossaryBytes+1))
	if err != nil {
		return g, err
	}
	if strings.EqualFold(filepath.Ext(name), ".nt") {
		g, err = concept.ParseSKOS(data)
	} else {
		g, err = concept.Parse(data)
	}
	if err != nil {
		return g, fmt.Errorf("%q: %w", name, err)
	}
	return g, nil
}

// glossaryChecked is what check says of a glossary.
type glossaryChecked struct {
	Concepts  int              `json:"concepts"`
	Labels    int              `json:"labels"`
	Languages []string         `json:"languages"`
	Replaced  []string         `json:"replaced"` // concepts of the built-in glossary
	Ambiguous []concept.Shared `json:"ambiguous"`
}

func checkedGlossary(g concept.Glossary) (glossaryChecked, error) {
	builtIn, err := concept.BuiltIn()
	if err != nil {
		return glossaryChecked{}, err
	}
	r := glossaryChecked{Concepts: len(g.Concepts), Languages: []string{}, Replaced: []string{}, Ambiguous: []concept.Shared{}}
	languages := map[string]bool{}
	for id, labels := range g.Concepts {
		if _, known := builtIn.Concepts[id]; known {
			r.Replaced = append(r.Replaced, id)
		}
		for language, names := range labels {
			languages[language] = true
			r.Labels += len(names)
		}
	}
	r.Languages = append(r.Languages, slices.Sorted(maps.Keys(languages))...)
	slices.Sort(r.Replaced)
	for _, s := range builtIn.Extend(g).Ambiguous() {
		if slices.ContainsFunc(s.Concepts, func(id string) bool { _, own := g.Concepts[id]; return own }) {
			r.Ambiguous = append(r.Ambiguous, s)
		}
	}
	return r, nil
}

func (r glossaryChecked) render(p *page) {
	p.line("%d concepts, %d labels in %s", r.Concepts, r.Labels, firstNonEmpty(strings.Join(r.Languages, ", "), "no language"))
	if len(r.Replaced) > 0 {
		p.line("in place of built-in ones: %s", strings.Join(r.Replaced, ", "))
	}
	for _, s := range r.Ambiguous {
		p.line("ambiguous: %q in %s is %s; the first one counts", s.Label, s.Language, strings.Join(s.Concepts, ", "))
	}
}

func (a *app) glossaryCheck() *cobra.Command {
	var dir *string
	var asJSON *bool
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Say whether a glossary can be read, and what in it is ambiguous", Args: cobra.MaximumNArgs(1),
		Long:    "check reads a glossary, or the one of the data folder, and says what it holds. A fault is an error that names the concept or the line.",
		Example: "  prediag kb glossary check\n  prediag kb glossary check terms.nt --json",
		RunE: func(_ *cobra.Command, args []string) error {
			var g concept.Glossary
			var err error
			if len(args) == 1 {
				g, err = readGlossary(args[0])
			} else {
				_, g, err = glossaries(dataDir(*dir))
			}
			if err != nil {
				return err
			}
			return a.printChecked(g, *asJSON)
		},
	}
	dir, asJSON = dataDirFlag(c), jsonFlag(c)
	return c
}

func (a *app) printChecked(g concept.Glossary, asJSON bool) error {
	r, err := checkedGlossary(g)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(a.out).Encode(r)
	}
	var p page
	r.render(&p)
	return p.to(a.out)
}

func (a *app) glossaryImport() *cobra.Command {
	var dir *string
	var asJSON *bool
	var replace bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Take the concepts of a file into the data folder's glossary", Args: cobra.ExactArgs(1),
		Long:    "import adds the concepts of a file to glossary.yaml in the data folder; those of the same ID are replaced. With --replace the file becomes the whole glossary.",
		Example: "  prediag kb glossary import terms.nt\n  prediag kb glossary import glossary.yaml --replace",
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := readGlossary(args[0])
			if err != nil {
				return err
			}
			d := dataDir(*dir)
			if err := d.exists(); err != nil {
				return err
			}
			if !replace {
				_, own, err := glossaries(d)
				if err != nil {
					return err
				}
				g = own.Extend(g)
			}
			data, err := glossaryYAML(g)
			if err != nil {
				return err
			}
			if _, err := concept.Parse(data); err != nil { // what is written must be read again
				return err
			}
			if err := writeFile(d.glossary(), data); err != nil {
				return err
			}
			return a.printChecked(g, *asJSON)
		},
	}
	dir, asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().BoolVar(&replace, "replace", false, "give up the concepts that the glossary has now")
	return c
}

func glossaryYAML(g concept.Glossary) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(g); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

func (a *app) glossaryExport() *cobra.Command {
	var dir *string
	var own bool
	var format string
	c := &cobra.Command{
		Use: "export", Short: "Print the glossary as YAML or SKOS", Args: cobra.NoArgs,
		Long:    "export prints the concepts that are in use, in YAML or as SKOS in N-Triples, which every RDF tool reads.",
		Example: "  prediag kb glossary export --own > glossary.yaml\n  prediag kb glossary export --format skos > glossary.nt",
		RunE: func(*cobra.Command, []string) error {
			all, mine, err := glossaries(dataDir(*dir))
			if err != nil {
				return err
			}
			if own {
				all = mine
			}
			var data []byte
			switch format {
			case "skos":
				data = all.SKOS()
			case "yaml":
				data, err = glossaryYAML(all)
			default:
				err = usageError{fmt.Errorf("--format takes yaml or skos, not %.40q", format)}
			}
			if err == nil {
				_, err = a.out.Write(data)
			}
			return err
		},
	}
	dir = dataDirFlag(c)
	c.Flags().BoolVar(&own, "own", false, "only the maintainer's concepts")
	c.Flags().StringVar(&format, "format", "yaml", "yaml or skos")
	return c
}
