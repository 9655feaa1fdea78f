package classifier

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"prediag"
	"prediag/internal/redact"
)

// Lesson is what a human decided about a ticket.
type Lesson struct {
	ID      string // of the case; a later lesson with the same ID takes its place
	Example prediag.Example
}

// MemoryOptions settle how a Memory works. The zero value of each means its default.
type MemoryOptions struct {
	Max int // lessons that are kept; the oldest make room; default 50,000

	// Trust is the most that a label may be sure of while humans and the classifier, or two humans, disagree about it,
	// 0 to 1; default 0.5, which is under the usual thresholds for acting and over those for showing. Raise it when it
	// has been measured how often near twins have the same label.
	Trust float64
}

// Memory lets decisions of humans take effect at once: a ticket that is nearly the same as one that a human decided
// gets the human's labels. It wraps any classifier and may be used from many goroutines.
//
// A twin is a ticket whose words are the same in the same order, or whose features overlap by twinResemblance or more
// with the decided one's. Where the classifier says something else about a field, the decided label changes places with
// the classifier's: it takes over a probability that the classifier had given its own label, at most
// MemoryOptions.Trust, so that no confidence is raised and nothing that is disputed is acted on. Among decisions
// that differ the newest one counts, and the others are shown. Where classifier and humans agree nothing changes but
// the evidence: a model that has learned the lesson needs no memory.
type Memory struct {
	base prediag.Classifier
	opt  MemoryOptions
	*lessons
}

// lessons are what one memory or several keep.
type lessons struct {
	mu     sync.RWMutex
	clock  uint64 // lessons learned so far
	byID   map[string]*lesson
	twins  twinIndex
	oldest []*lesson // in the order of learning; forgotten ones stay until they come first

	sketchers sync.Pool
}

// lesson is a Lesson as it is kept: without its text.
type lesson struct {
	id      string
	labels  map[string]string
	article string
	at      uint64 // Memory.clock when it was learned
	sketch  sketch
	place   int32 // in the index
	gone    bool
}

// NewMemory wraps a classifier.
func NewMemory(base prediag.Classifier, opt MemoryOptions) *Memory {
	if opt.Max <= 0 {
		opt.Max = 50_000
	}
	if opt.Trust <= 0 {
		opt.Trust = 0.5
	}
	opt.Trust = min(opt.Trust, 1)
	return &Memory{base: base, opt: opt, lessons: &lessons{byID: map[string]*lesson{}}}
}

// Emptied wraps the same classifier, without lessons.
func (m *Memory) Emptied() *Memory { return NewMemory(m.base, m.opt) }

// Around wraps another classifier with the same lessons: what one of the two learns, the other knows.
func (m *Memory) Around(base prediag.Classifier) *Memory {
	return &Memory{base: base, opt: m.opt, lessons: m.lessons}
}

// Learn takes a lesson in; it counts from the next call of Classify on, as the newest. A lesson without text, ID, or
// anything that was decided is of kind prediag.ErrInvalid.
func (m *Memory) Learn(l Lesson) error { return m.LearnAll([]Lesson{l})[0] }

// LearnAll takes lessons in, the newest last, and returns the error of each as Learn does. Their features are made on all
// processors.
func (m *Memory) LearnAll(list []Lesson) []error {
	kept, errs := make([]*lesson, len(list)), make([]error, len(list))
	var wait sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(list))
	for w := range workers {
		wait.Go(func() {
			k := m.sketcher()
			defer m.sketchers.Put(k)
			for i := w; i < len(list); i += workers {
				kept[i], errs[i] = list[i].kept(k)
			}
		})
	}
	wait.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, l := range kept {
		if errs[i] == nil {
			m.clock++
			l.at = m.clock
			m.keep(l, m.opt.Max)
		}
	}
	return errs
}

// kept is the lesson as it is kept.
func (l Lesson) kept(k *sketcher) (*lesson, error) {
	if l.ID == "" || l.Example.Ticket.Blank() || len(l.Example.Labels) == 0 && l.Example.Article == "" {
		return nil, prediag.Invalid("LESSON_EMPTY", "lesson", "a lesson needs the ID of its case, a ticket with text, and a label or an article")
	}
	return &lesson{id: l.ID, labels: maps.Clone(l.Example.Labels), article: l.Example.Article, sketch: k.of(redacted(l.Example.Ticket))}, nil
}

func (m *lessons) sketcher() *sketcher {
	if k, ok := m.sketchers.Get().(*sketcher); ok {
		return k
	}
	return newSketcher()
}

// keep takes a lesson in as the newest; the oldest make room. The caller holds the lock.
func (m *lessons) keep(l *lesson, most int) {
	m.drop(m.byID[l.id])
	m.byID[l.id] = l
	m.oldest = append(m.oldest, l)
	m.twins.add(l)
	for len(m.byID) > most {
		m.drop(m.oldest[0])
	}
}

// Forget drops the lesson of a case, and reports whether there was one.
func (m *lessons) Forget(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drop(m.byID[id])
}

// drop removes a lesson; the caller holds the lock.
func (m *lessons) drop(l *lesson) bool {
	if l == nil || l.gone {
		return false
	}
	l.gone = true
	delete(m.byID, l.id)
	m.twins.remove(l)
	if m.oldest[0] == l || len(m.oldest) > 2*len(m.byID)+16 {
		m.oldest = slices.DeleteFunc(m.oldest, func(l *lesson) bool { return l.gone })
	}
	return true
}

// Len is how many lessons are kept.
func (m *lessons) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.byID)
}

// redacted is a ticket as triage shows it to a classifier: without secrets, personal data, and what stands for them.
func redacted(t prediag.Ticket) prediag.Ticket {
	clean := func(s string) string {
		s, _ = redact.Text(s)
		return redact.Strip(s)
	}
	t.Title, t.Body = clean(t.Title), clean(t.Body)
	return t
}

// Classify asks the classifier and puts in what humans decided about near twins of the ticket; see
// prediag.Classifier.
func (m *Memory) Classify(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	v, err := m.base.Classify(ctx, t)
	if err != nil {
		return v, err
	}
	found := m.find(t)
	if len(found) == 0 {
		return v, nil
	}
	for i := range v.Fields {
		m.decide(&v.Fields[i], found)
	}
	if c, ok := v.Field(prediag.FieldCategory); ok && c.Label == prediag.LabelOutOfScope {
		v.InScope = min(v.InScope, 1-c.Probability)
	}
	return v, nil
}

// Article is the article that solved the newest decided twin of a ticket; empty when there is none.
func (m *Memory) Article(t prediag.Ticket) string {
	for _, f := range m.find(t) {
		if f.article != "" {
			return f.article
		}
	}
	return ""
}

// find lists the twins of a ticket, the newest lesson first.
func (m *lessons) find(t prediag.Ticket) []twin {
	if m.Len() == 0 {
		return nil
	}
	k := m.sketcher()
	defer m.sketchers.Put(k)
	s := k.of(t)
	m.mu.RLock()
	defer m.mu.RUnlock()
	found := m.twins.find(s, &k.search)
	slices.SortFunc(found, func(a, b twin) int { return int(int64(b.at) - int64(a.at)) })
	return found
}

// decide puts the newest decision about a field in.
func (m *Memory) decide(f *prediag.FieldVerdict, found []twin) {
	label, disputed := "", false
	var said []prediag.Evidence
	for _, t := range found {
		l := t.labels[f.Field]
		if l == "" {
			continue
		}
		if label == "" {
			label = l
		}
		disputed = disputed || l != label
		if len(said) < maxDecisions && !slices.ContainsFunc(said, func(e prediag.Evidence) bool { return strings.HasSuffix(e.Text, "→ "+l) }) {
			said = append(said, prediag.Evidence{Kind: prediag.EvidenceNearest, Weight: t.resemblance, Text: t.evidence(l, label, f.Label)})
		}
	}
	if label == "" {
		return
	}
	if label != f.Label {
		changePlaces(f, label)
		disputed = true
	}
	if disputed {
		lower(f, m.opt.Trust)
	}
	f.Evidence = append(said, f.Evidence[:min(len(f.Evidence), maxEvidence-len(said))]...)
}

// maxDecisions is how many decisions that differ are shown.
const maxDecisions = 3

// evidence tells of a decision for a label, where the newest one was for another or the same, and what the classifier
// said.
func (t twin) evidence(label, newest, said string) string {
	what := "corrected by a reviewer"
	switch {
	case label != newest:
		what = "decided otherwise by a reviewer before"
	case label == said:
		what = "confirmed by a reviewer"
	}
	return fmt.Sprintf("%s: ticket %s → %s", what, t.id, label)
}

// changePlaces makes label the verdict with the probability of the one before, which gets what label had.
func changePlaces(f *prediag.FieldVerdict, label string) {
	had := 0.0
	rest := make([]prediag.Label, 0, len(f.Alternatives)+1)
	for _, a := range f.Alternatives {
		if a.Value == label {
			had = a.Probability
			continue
		}
		rest = append(rest, a)
	}
	old := prediag.Label{Value: f.Label, Probability: had}
	at := slices.IndexFunc(rest, func(a prediag.Label) bool { return a.Probability < had })
	if at < 0 {
		at = len(rest)
	}
	rest = slices.Insert(rest, min(at, maxAlternatives-1), old) // it stays in sight

	f.Label, f.Alternatives = label, rest[:min(len(rest), maxAlternatives)]
	f.Evidence = slices.DeleteFunc(slices.Clone(f.Evidence), func(e prediag.Evidence) bool {
		return e.Kind == prediag.EvidenceNGram // it spoke for the label before
	})
}

// lower brings the label down to at most a probability, and the others with it.
func lower(f *prediag.FieldVerdict, most float64) {
	f.Probability = min(f.Probability, most)
	f.Alternatives = slices.Clone(f.Alternatives)
	for i := range f.Alternatives {
		f.Alternatives[i].Probability = min(f.Alternatives[i].Probability, f.Probability)
	}
}
