package kb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag/internal/concept"
)

// conceptsName is the file of a generation that holds its concept graph, and bitextName that of what it was learned from.
// A generation in which no page has a translation has neither.
const (
	conceptsName = "concepts.tsv"
	bitextName   = "bitext.bin"
)

// Limits of learning the graph. Of more groups those with the smallest keys are taken, which is a fixed random sample.
const (
	maxLearnGroups = 4_000
	maxLearnBytes  = 48 << 20 // of all articles' text
	maxLearnBody   = 48 << 10 // of one article
)

// conceptsVersion changes with how the graph is learned.
const conceptsVersion = 3

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
	l := &conceptLearner{r: r, stop: b.kb.stop, learners: map[string]*concept.Learner{}, rows: b.rows, yield: b.kb.Yield}
	if err := l.choose(); err != nil || len(l.groups) == 0 {
		return err
	}
	if b.base != nil && b.base.concepts.Signature() == l.signature {
		return errors.Join(b.share(ctx, conceptsName, unchanged), b.share(ctx, bitextName, unchanged))
	}
	if b.base != nil {
		var err error
		l.before, err = readBitext(b.base.dir)
		b.kb.logIf("read what the concept graph was learned from: all pages are read again", err)
	}
	graph, err := l.learn(ctx)
	if err != nil {
		return err
	}
	pairs, err := l.bitext.Encode()
	if err != nil {
		return err
	}
	return errors.Join(writeFile(filepath.Join(b.dir, conceptsName), graph.Encode()), writeFile(filepath.Join(b.dir, bitextName), pairs))
}

// readBitext reads what the graph of the generation in dir was learned from; nil: it has none.
func readBitext(dir string) (*concept.Bitext, error) {
	data, err := os.ReadFile(filepath.Join(dir, bitextName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bitext: %w", err)
	}
	return concept.DecodeBitext(data)
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
	rows      map[string]row
	yield     func()          // lets searches go first
	before    *concept.Bitext // of the base: what is in it is not read again
	bitext    *concept.Bitext // what the graph is learned from
	bytes     int
}

// member is an article of a group of translations.
type member struct {
	doc      int
	id       string
	language string
}

// choose selects the groups to learn from and the pivot, and names them in the signature.
func (l *conceptLearner) choose() error {
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
				l.name(sum, m)
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

// name writes what tells the content of a member from that of others.
func (l *conceptLearner) name(w io.Writer, m member) {
	r := l.rows[m.id]
	fmt.Fprintf(w, "%q %q %q %q %x\n", m.id, m.language, r.fingerprint, r.titleKey, r.sketch)
}

// learn returns the graph of the groups. It reads the articles of the pairs that the base's bitext does not hold.
func (l *conceptLearner) learn(ctx context.Context) (*concept.Graph, error) {
	l.bitext = concept.NewBitext(l.before)
	for i, group := range l.groups {
		if i%yieldGroups == 0 {
			l.yield()
		}
		if err := l.learnGroup(ctx, group); err != nil {
			return nil, err
		}
	}
	var edges []concept.Edge
	for language, learner := range l.learners {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.yield()
		edges = append(edges, learner.Edges(language)...)
	}
	return concept.NewGraph(l.pivot, l.signature, edges), nil
}

func (l *conceptLearner) learnGroup(ctx context.Context, group []member) error {
	var pivot *page // read when the first pair needs it
	counted := false
	for _, m := range group[1:] {
		learner := l.learners[m.language]
		if learner == nil {
			learner = concept.NewLearner(l.bitext)
			l.learners[m.language] = learner
		}
		if m.language == l.pivot || l.bytes > maxLearnBytes || learner.Full() {
			continue
		}
		key := l.key(m, group[0])
		pair, known := l.before.Find(key)
		if !known {
			var err error
			if pivot == nil {
				if pivot, err = l.page(ctx, group[0]); err != nil {
					return err
				}
			}
			own, err := l.page(ctx, m)
			if err != nil {
				return err
			}
			pair = l.aligned(own, pivot)
			pair.Key = key
		}
		l.bitext.Add(pair)
		for _, s := range pair.Segments {
			learner.Add(s)
		}
		if l.bytes += pair.Own; !counted {
			l.bytes += pair.Pivot
			counted = true
		}
	}
	return nil
}

// key names the content of two pages.
func (l *conceptLearner) key(own, pivot member) (key concept.PairKey) {
	sum := sha256.New()
	fmt.Fprintln(sum, schema, conceptsVersion)
	l.name(sum, own)
	l.name(sum, pivot)
	copy(key[:], sum.Sum(nil))
	return key
}

// page is what a page says, piece by piece, in terms.
type page struct {
	title      []string
	headings   [][]string
	paragraphs [][]string
	lengths    []int // of the paragraphs in characters
	bytes      int   // of the text
}

func (l *conceptLearner) page(ctx context.Context, m member) (*page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a, err := l.r.load(m.doc)
	if err != nil {
		return nil, err
	}
	l.r.analyzer.speak(m.language)
	body := cutBytes(a.Body, maxLearnBody)
	p := &page{title: l.terms(m.language, givenTitle(&a)), bytes: len(body)}
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

// aligned is what corresponds in two pages.
func (l *conceptLearner) aligned(own, pivot *page) concept.Pair {
	pair := concept.Pair{Own: own.bytes, Pivot: pivot.bytes}
	enter := func(own, pivot []string) {
		if len(own) > 0 && len(pivot) > 0 {
			pair.Segments = append(pair.Segments, l.bitext.Segment(own, pivot))
		}
	}
	enter(own.title, pivot.title)
	if len(own.headings) == len(pivot.headings) {
		for i, h := range own.headings {
			enter(h, pivot.headings[i])
		}
	}
	for _, bead := range concept.Align(own.lengths, pivot.lengths) {
		enter(slices.Concat(own.paragraphs[bead.A0:bead.A1]...), slices.Concat(pivot.paragraphs[bead.B0:bead.B1]...))
	}
	return pair
}

// translatable reports whether the token of the i-th term of the last text may stand for its meaning in another language:
// it is neither a code nor a number nor a part of a code.
func (a *analyzer) translatable(i int) bool { return !a.rigid[i] }
