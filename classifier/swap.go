package classifier

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"prediag"
)

// Live serves the newest of a line of models, and takes another one in without a lost call: every call is answered by
// exactly one model, the one that served when it began. A model that was replaced is released with its last call.
//
// The zero Live has no model yet and is of kind prediag.ErrNotReady.
type Live struct {
	model atomic.Pointer[Model]
	swaps atomic.Uint64

	mu         sync.Mutex
	taxonomies []taxonomyOf // of the last models, the newest last
}

type taxonomyOf struct{ model, taxonomy string }

// maxTaxonomies is how many models' taxonomies are known, so that a call that began under a model can still name it.
const maxTaxonomies = 16

// NewLive serves m.
func NewLive(m *Model) *Live {
	l := &Live{}
	l.take(m)
	return l
}

// take makes m the model that serves.
func (l *Live) take(m *Model) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taxonomies = append(l.taxonomies, taxonomyOf{m.Version(), m.Taxonomy()})
	l.taxonomies = slices.Clone(l.taxonomies[max(0, len(l.taxonomies)-maxTaxonomies):])
	l.model.Store(m)
}

// Swap makes m the model that serves, and reports whether it is another one.
func (l *Live) Swap(m *Model) bool {
	if old := l.model.Load(); old != nil && old.Version() == m.Version() {
		return false
	}
	l.take(m)
	l.swaps.Add(1)
	return true
}

// Model is the model that serves now; nil when there is none.
func (l *Live) Model() *Model { return l.model.Load() }

// Swaps counts the models that took another one's place.
func (l *Live) Swaps() uint64 { return l.swaps.Load() }

// Classify answers with the evidence of Model.Explain; see prediag.Classifier.
func (l *Live) Classify(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	return l.model.Load().Explain(ctx, t)
}

// Labels lists the labels of a field; see Model.Labels.
func (l *Live) Labels(field string) []string {
	m := l.model.Load()
	if m == nil {
		return nil
	}
	return m.Labels(field)
}

// Taxonomy is the taxonomy of the model with the version; empty when that one served too long ago.
func (l *Live) Taxonomy(version string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range slices.Backward(l.taxonomies) {
		if t.model == version {
			return t.taxonomy
		}
	}
	return ""
}
