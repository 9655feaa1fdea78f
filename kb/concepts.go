package kb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag/internal/concept"
)

// conceptsName is the file of a generation that holds its concept graph. A generation in which no page has a translation
// has none.
const conceptsName = "concepts.tsv"

// Limits of learning the graph. Of more groups those with the smallest keys are taken, which is a fixed random sample.
const (
	maxLearnGroups = 4_000
	maxLearnBytes  = 48 << 20 // of all articles' text
	maxLearnBody   = 48 << 10 // of one article
)

// conceptsVersion changes with how the graph is learned.
const conceptsVersion = 2

// writeConcepts learns the graph of the build, or shares the base's when its pages are the same.
func (b *builder) writeConcepts(ctx context.Context, unchanged map[string]fileSum) error {
	languages := map[string]int{}
	for _, r := range b.rows {
		languages[r.language]++
	}
	if len(languages) < 2 {
		return nil
	}
	g, err := openGeneration(b.dir, &manifest{Languages: languages})
	if err != nil {
		return err
	}
	err = g.run(func(r *reader) error { return b.learn(ctx, r, unchanged) })
	return errors.Join(err, g.retire())
}

func (b *builder) learn(ctx context.Context, r *reader, unchanged map[string]fileSum) error {
	l := &conceptLearner{r: r, stop: b.kb.stop, learners: map[string]*concept.Learner{}}
	if err := l.choose(b.rows); err != nil || len(l.groups) == 0 {
		return err
	}
	name := filepath.Join(b.dir, conceptsName)
	if b.base != nil && b.base.concepts.Signature() == l.signature {
		for _, f := range b.base.manifest.Files {
			if f.Name == conceptsName {
				unchanged[conceptsName] = f
				return linkFile(ctx, filepath.Join(b.base.dir, conceptsName), name)
			}
		}
	}
	graph, err := l.learn(ctx)
	if err != nil {
		return err
	}
	return writeFile(name, graph.Encode())
}

// readConcepts reads the graph of the generation in dir; nil: it has none.
func readConcepts(dir string) (*concept.Graph, error) {
	data, err := os.ReadFile(filepath.Join(dir, conceptsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("concept graph: %w", err)
	}
	return concept.Decode(bytes.NewReader(data))
}

// conceptLearner learns the graph of a generation from the pages that all may read.
type conceptLearner struct {
	r         *reader
	stop      stopLists
	pivot     string
	groups    [][]member // the pivot's article first, the others by ID
	signature string
	learners  map[string]*concept.Learner
	bytes     int
}

// member is an article of a group of translations.
type member struct {
	doc      int
	id       string
	language string
}

// choose selects the groups to learn from and the pivot, and names them in the signature.
func (l *conceptLearner) choose(rows map[string]row) error {
	p, err := l.r.translations()
	if err != nil || len(p.groups) == 0 {
		return err
	}
	languages, err := l.r.languagesOf(p)
	if err != nil {
		return err
	}
	public, err := l.r.readable(nil)
	if err != nil {
		return err
	}
	var groups [][]member
	counts := map[string]int{}
	for _, docs := range p.groups {
		var group []member
		seen := map[string]bool{}
		for _, doc := range docs {
			language := languages[doc]
			if language == "" || !public.has(int(doc)) {
				continue
			}
			id, err := l.r.id(int(doc))
			if err != nil {
				return err
			}
			group = append(group, member{int(doc), id, language})
			seen[language] = true
		}
		if len(seen) > 1 {
			groups = append(groups, group)
			for language := range seen {
				counts[language]++
			}
		}
	}
	l.pivot = most(counts)
	sum := sha256.New()
	fmt.Fprintln(sum, schema, conceptsVersion, l.pivot)
	for _, group := range groups {
		if len(l.groups) == maxLearnGroups {
			break
		}
		slices.SortFunc(group, func(a, b member) int {
			return cmp.Or(l.rank(a.language)-l.rank(b.language), strings.Compare(a.id, b.id))
		})
		if group[0].language == l.pivot {
			l.groups = append(l.groups, group)
			for _, m := range group {
				fmt.Fprintf(sum, "%q %q\n", m.id, rows[m.id].fingerprint)
			}
		}
	}
	l.signature = hex.EncodeToString(sum.Sum(nil)[:16])
	return nil
}

func (l *conceptLearner) rank(language string) int {
	if language == l.pivot {
		return 0
	}
	return 1
}

// most is the key with the greatest count, the first of several.
func most(counts map[string]int) string {
	best := ""
	for key, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && key < best {
			best = key
		}
	}
	return best
}

// learn reads the articles of the groups and returns the graph.
func (l *conceptLearner) learn(ctx context.Context) (*concept.Graph, error) {
	for _, group := range l.groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		pivot, err := l.page(group[0])
		if err != nil {
			return nil, err
		}
		for _, m := range group[1:] {
			if m.language == l.pivot || l.bytes > maxLearnBytes {
				continue
			}
			other, err := l.page(m)
			if err != nil {
				return nil, err
			}
			l.add(m.language, other, pivot)
		}
	}
	var edges []concept.Edge
	for language, learner := range l.learners {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		edges = append(edges, learner.Edges(language)...)
	}
	return concept.NewGraph(l.pivot, l.signature, edges), nil
}

// page is what a page says, piece by piece, in terms.
type page struct {
	title      []string
	headings   [][]string
	paragraphs [][]string
	lengths    []int // of the paragraphs in characters
}

func (l *conceptLearner) page(m member) (*page, error) {
	a, err := l.r.load(m.doc)
	if err != nil {
		return nil, err
	}
	l.r.analyzer.speak(m.language)
	body := cutBytes(a.Body, maxLearnBody)
	l.bytes += len(body)
	p := &page{title: l.terms(m.language, givenTitle(&a))}
	for _, s := range a.Sections[:min(len(a.Sections), concept.MaxParagraphs)] {
		heading := ""
		if len(s.Path) > 0 {
			heading = s.Path[len(s.Path)-1]
		}
		p.headings = append(p.headings, l.terms(m.language, heading))
	}
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && len(p.lengths) < concept.MaxParagraphs {
			p.paragraphs = append(p.paragraphs, l.terms(m.language, line))
			p.lengths = append(p.lengths, utf8.RuneCountInString(line))
		}
	}
	return p, nil
}

// terms are the terms of a text that may be translated: words of the subject, no codes and numbers. Words in katakana are
// whole.
func (l *conceptLearner) terms(language, s string) []string {
	var out []string
	all := l.r.analyzer.terms(s)
	for i := 0; i < len(all); {
		if end, word := katakanaRun(func(i int) string { return all[i] }, i, len(all)); end > i {
			out = append(out, word)
			i = end
			continue
		}
		if l.r.analyzer.translatable(i) && l.stop.weight(language, all[i]) == 1 {
			out = append(out, all[i])
		}
		i++
	}
	return out
}

// add aligns two pages and learns from what corresponds.
func (l *conceptLearner) add(language string, own, pivot *page) {
	learner := l.learners[language]
	if learner == nil {
		learner = &concept.Learner{}
		l.learners[language] = learner
	}
	learner.Add(own.title, pivot.title)
	if len(own.headings) == len(pivot.headings) {
		for i, h := range own.headings {
			learner.Add(h, pivot.headings[i])
		}
	}
	for _, bead := range concept.Align(own.lengths, pivot.lengths) {
		learner.Add(slices.Concat(own.paragraphs[bead.A0:bead.A1]...), slices.Concat(pivot.paragraphs[bead.B0:bead.B1]...))
	}
}

// translatable reports whether the token of the i-th term of the last text may stand for its meaning in another language:
// it is neither a code nor a number nor a part of a code.
func (a *analyzer) translatable(i int) bool { return !a.rigid[i] }
