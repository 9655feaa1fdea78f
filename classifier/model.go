package classifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"prediag"
	"prediag/internal/lang"
)

const (
	maxAlternatives = 5
	maxEvidence     = 8
)

// Model is a trained classifier. It never changes; use it from any number of goroutines. The zero Model is untrained.
type Model struct {
	recipe  recipe
	vocab   *vocabulary
	embed   *embedding   // of the first network
	more    []*embedding // of the other ones
	heads   []*head
	scope   scope
	near    *nearIndex // nil: none was stored
	report  []byte     // of the training, as JSON; nil: none was stored
	seed    uint64
	version string
	files   map[string][]byte // as stored, by name
	pool    sync.Pool
}

// scratch is what one call of Classify works with.
type scratch struct {
	extractor  extractor
	vectoriser *vectoriser
	list       []occurrence
	vec        vector
	hidden     []float32   // units of the first network
	others     [][]float32 // and of the other ones
	sum        []float32
	first      []float32 // logits of the first network
	order      []int
	coefs      []uint16
	p          []float32
	u          []float32 // see toward
	way        direction
	parts      []float32
	shares     []share
}

// Classify returns the verdict on the ticket; see prediag.Classifier. Of a long ticket only the first 4 KiB of the
// title and the first 32 KiB of the body count. It does not wait, and looks at the context only at the start.
func (m *Model) Classify(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	return m.classify(ctx, t, withNGrams)
}

// Quick is Classify without evidence: for many tickets, where nobody asks why.
func (m *Model) Quick(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	return m.classify(ctx, t, noEvidence)
}

// reasons says how much evidence is asked for.
type reasons uint8

const (
	noEvidence reasons = iota
	withNGrams
	withNeighbours
)

func (m *Model) classify(ctx context.Context, t prediag.Ticket, why reasons) (prediag.Verdict, error) {
	if m == nil || len(m.heads) == 0 {
		return prediag.Verdict{}, notTrained()
	}
	if err := ctx.Err(); err != nil {
		return prediag.Verdict{}, err
	}
	s := m.scratch()
	defer m.pool.Put(s)
	s.list = s.extractor.extract(t)
	s.vec = s.vectoriser.vector(s.list, m.recipe)
	s.coefs = m.embed.activate(s.vec, s.hidden, s.coefs)
	for i, e := range m.more {
		s.coefs = e.activate(s.vec, s.others[i], s.coefs)
	}
	verdict := prediag.Verdict{Model: m.version, Fields: make([]prediag.FieldVerdict, 0, len(m.heads))}
	text := t.Text()
	verdict.Language, verdict.LanguageConfidence = lang.Detect(cut(text, maxBodyBytes))
	for i, h := range m.heads {
		p := s.p[:len(h.labels)]
		if len(s.vec.ids) == 0 {
			copy(p, h.prior)
			clear(s.hidden)
		} else {
			h.probabilities(s, p)
		}
		f, best := h.verdict(s, p)
		if why >= withNGrams {
			f.Evidence = s.evidence(m, h, best, text)
		}
		verdict.Fields = append(verdict.Fields, f)
		if i == 0 { // the category, where there is one
			energy := 0.0
			if len(s.vec.ids) > 0 {
				energy = h.energy(s)
			}
			x := signOf(h.labels, p, energy, m.near, s.hidden)
			x.unseen = unseenShare(s.list, m.vocab, nil)
			verdict.InScope = m.scope.probability(x)
			if why == withNeighbours && m.near != nil && len(s.vec.ids) > 0 {
				m.addNeighbours(&verdict.Fields[0], s.hidden)
			}
		}
	}
	return verdict, nil
}

func notTrained() error {
	return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "MODEL_NOT_TRAINED",
		Message: "the classifier is not trained: train one with `prediag train --tickets FILE --model DIR`"}
}

func (m *Model) scratch() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	most := 0
	for _, h := range m.heads {
		most = max(most, len(h.labels))
	}
	s := &scratch{
		extractor: extractor{recipe: m.recipe}, vectoriser: newVectoriser(m.vocab),
		hidden: make([]float32, m.embed.hidden), p: make([]float32, most), sum: make([]float32, strideOf(most)),
	}
	for _, e := range m.more {
		s.others = append(s.others, make([]float32, e.hidden))
	}
	return s
}

// verdict puts calibrated probabilities into words, and returns the position of the best label.
func (h *head) verdict(s *scratch, p []float32) (prediag.FieldVerdict, int) {
	s.order = appendTop(s.order[:0], p, 1+maxAlternatives)
	order := s.order
	f := prediag.FieldVerdict{Field: h.field, Label: h.labels[order[0]], Probability: float64(p[order[0]])}
	if len(order) > 1 {
		f.Alternatives = make([]prediag.Label, 0, len(order)-1)
	}
	for _, c := range order[1:] {
		f.Alternatives = append(f.Alternatives, prediag.Label{Value: h.labels[c], Probability: float64(p[c])})
	}
	return f, order[0]
}

// Version names the model: a short hash of its manifest. Equal versions are equal models.
func (m *Model) Version() string { return m.version }

// Fields lists the fields that the model was trained for, in the order of its verdicts.
func (m *Model) Fields() []string {
	var fields []string
	for _, h := range m.heads {
		fields = append(fields, h.field)
	}
	return fields
}

// Labels lists the labels of a field in ascending order; none for a field that the model does not know.
func (m *Model) Labels(field string) []string {
	for _, h := range m.heads {
		if h.field == field {
			return slices.Clone(h.labels)
		}
	}
	return nil
}

// Taxonomy is a short hash of the category labels: a policy fitted on one taxonomy does not hold for another.
func (m *Model) Taxonomy() string {
	return short([]byte(strings.Join(m.Labels(prediag.FieldCategory), "\n")))
}

// short is the first 12 hexadecimal digits of the SHA-256 of b.
func short(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
