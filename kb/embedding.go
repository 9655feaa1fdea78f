package kb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"prediag"
	"prediag/internal/vector"
)

// Embedder makes vectors of length 1 whose cosine says how much two texts have in common.
type Embedder interface {
	// ID names the model and all else that vectors depend on: those of different IDs cannot be compared.
	ID() string
	// Passages returns a vector for each text in order; nil for one that can have none.
	Passages(ctx context.Context, texts []string) ([][]float32, error)
	// Query returns the vector of a query; nil where it can have none.
	Query(ctx context.Context, text string) ([]float32, error)
}

// Embedding is a second way from a query to articles, beside their words. The zero value is none.
type Embedding struct {
	Embedder Embedder
	Wait     time.Duration // longest wait of a search for its query's vector; 0: 300 ms
	Budget   time.Duration // longest time that one build spends on vectors; what is left over is for the next; 0: 15 minutes
	Batch    int           // pieces that the embedder gets at once; 0: 32
	Weight   float64       // of the nearest article in the ranking, in shares of the best score for words; 0: 0.1
}

// Name names what vectors and their part in the ranking depend on; empty: there are none.
func (e Embedding) Name() string {
	if e.Embedder == nil {
		return ""
	}
	return fmt.Sprintf("%s pieces %d depth %d weight %g", e.Embedder.ID(), piecesVersion, nearDepth, e.complete().Weight)
}

func (e Embedding) complete() Embedding {
	if e.Wait <= 0 {
		e.Wait = 300 * time.Millisecond
	}
	if e.Budget <= 0 {
		e.Budget = 15 * time.Minute
	}
	if e.Batch <= 0 {
		e.Batch = 32
	}
	if e.Weight <= 0 {
		e.Weight = nearWeightDefault
	}
	return e
}

// Embedder names what vectors and their part in the ranking depend on; empty: words alone are searched.
func (k *KB) Embedder() string { return k.opt.Embedding.Name() }

// source names what stored vectors are of.
func (e Embedding) source() string {
	return fmt.Sprintf("%s pieces %d", e.Embedder.ID(), piecesVersion)
}

// VectorStatus says how the vectors of the serving generation are.
type VectorStatus struct {
	Embedder string `json:"embedder"`
	Stored   int    `json:"stored"`  // pieces of articles that have a vector
	Missing  int    `json:"missing"` // pieces that the next build asks for
	Refused  int    `json:"refused"` // pieces that can have none
	Queries  uint64 `json:"queries"` // searches that asked for their query's vector, since the start
	Failed   uint64 `json:"failed"`  // of these: words alone answered
}

// vectorStatus is the state of the vectors of a generation, which may be nil; nil without an embedder.
func (k *KB) vectorStatus(g *generation) *VectorStatus {
	e := k.opt.Embedding
	if e.Embedder == nil {
		return nil
	}
	s := &VectorStatus{Embedder: e.Embedder.ID(), Queries: k.lane.queries.Load(), Failed: k.lane.failed.Load()}
	if g != nil && g.manifest.Vectors != nil && g.manifest.Vectors.Source == e.source() {
		v := g.manifest.Vectors
		s.Stored, s.Missing, s.Refused = v.Stored, v.Missing, v.Refused
	}
	return s
}

// lane is what searches share of the embedder.
type lane struct {
	queries, failed atomic.Uint64

	mu        sync.Mutex
	hot, cold map[[sha256.Size]byte][]float32 // vectors of queries, in two halves as termCache does
}

const (
	maxQueryBytes   = 2000 // of a query's text that are embedded
	maxQueryVectors = 2048 // of each half of the cache
	deadlineShare   = 2    // of what is left of a search's time, one in so many goes to its query's vector
)

func (l *lane) get(key [sha256.Size]byte) ([]float32, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.hot[key]
	if !ok {
		if v, ok = l.cold[key]; ok {
			l.put(key, v)
		}
	}
	return v, ok
}

func (l *lane) set(key [sha256.Size]byte, v []float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(key, v)
}

func (l *lane) put(key [sha256.Size]byte, v []float32) {
	if l.hot == nil || len(l.hot) >= maxQueryVectors {
		l.cold, l.hot = l.hot, map[[sha256.Size]byte][]float32{}
	}
	l.hot[key] = v
}

// asked is a query's vector that may be on its way.
type asked struct {
	lane   *lane
	weight float64
	wait   func() ([]float32, error)
}

// errNoVectors is why a generation's vectors cannot help.
var errNoVectors = fmt.Errorf("the index has no vectors of this embedder yet: %w", prediag.ErrNotReady)

// askVector asks for the vector of a query's text, while words are searched. nil: there is no embedder.
func (k *KB) askVector(ctx context.Context, g *generation, s string) *asked {
	e := k.opt.Embedding
	if s = cutBytes(strings.TrimSpace(s), maxQueryBytes); e.Embedder == nil || s == "" {
		return nil
	}
	out := &asked{lane: &k.lane, weight: e.Weight}
	if g.vectors == nil || g.manifest.Vectors.Source != e.source() {
		out.wait = func() ([]float32, error) { return nil, errNoVectors }
		return out
	}
	key := sha256.Sum256([]byte(s))
	if v, ok := k.lane.get(key); ok {
		out.wait = func() ([]float32, error) { return v, nil }
		return out
	}
	k.lane.queries.Add(1)
	type answer struct {
		vector []float32
		err    error
	}
	ctx, cancel := withinShare(ctx, e.Wait)
	got := make(chan answer, 1)
	go func() {
		defer cancel()
		v, err := e.Embedder.Query(ctx, s)
		if err == nil && v != nil && len(v) != g.vectors.Dimensions() {
			err = fmt.Errorf("the query's vector has %d components, those of the articles have %d: name the model differently, so that they are made anew",
				len(v), g.vectors.Dimensions())
		}
		if err == nil {
			k.lane.set(key, v)
		}
		got <- answer{v, err}
	}()
	out.wait = func() ([]float32, error) {
		select {
		case a := <-got:
			return a.vector, a.err
		case <-ctx.Done():
			select {
			case a := <-got: // the end of ctx and the answer came together
				return a.vector, a.err
			default:
				return nil, ctx.Err()
			}
		}
	}
	return out
}

// withinShare bounds a part of a search: by most, and by its share of what is left until the search's deadline.
func withinShare(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(end)/deadlineShare)
	}
	return context.WithTimeout(ctx, most)
}

// openVectors maps the vectors of a generation; nil: it has none.
func openVectors(dir string, m *manifest, docs int) (*vector.Store, error) {
	if m.Vectors == nil || m.Vectors.Dimensions == 0 || m.Vectors.Stored+m.Vectors.Refused == 0 {
		return nil, nil
	}
	parts, err := readPlaces(dir, docs)
	if err != nil {
		return nil, err
	}
	return vector.Open(dir, m.Vectors.Source, parts)
}
