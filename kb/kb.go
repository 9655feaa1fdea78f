// Package kb is the knowledge base: a Bleve index of articles in immutable generations, and the search over it.
//
// Every refresh builds the next generation in a folder of its own from a clone of the serving one, proves it, and makes
// it current by one atomic rename of a pointer file; the folder that serves is never written to. Search reads the
// postings of the index itself and scores them with BM25 over exact lengths, so that a long ticket costs no more than a
// short question and every wait ends by its deadline.
package kb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"prediag"
	"prediag/internal/concept"
)

// Options are the settings of a knowledge base. The zero value is usable.
type Options struct {
	Now         func() time.Time // the clock; nil: time.Now
	Keep        int              // generations to keep on disk, the serving one included; 0: 3
	Batch       int              // articles per batch of a build, fewer where they are long; 0: 4,096
	VerifyBytes int64            // up to this size all checksums are verified before serving, beyond in the background; 0: 512 MiB
	Postings    int              // postings that one search scores exactly, see maxPostings; 0: 60,000
	Logger      *slog.Logger     // nil: nothing is logged

	Cold bool // nobody is about to search: nothing is read ahead of the first searches

	ScrubRate int64 // bytes a second that Scrub reads at most; 0: 64 MiB

	// Free returns the bytes that can be written to the file system of a folder; negative: unknown. nil: the system is asked.
	Free func(dir string) (int64, error)

	Embedding Embedding // zero: words alone are searched

	// Glossary extends the built-in glossary of technical terms, in YAML as docs/search.md describes it; empty: it does not.
	Glossary []byte

	// Ranker is a learned order of the first articles, as Ranker.Encode writes it; empty: the built-in one. One that was learned
	// under other Settings is left out and the logger told, so that an update of the program does not keep it from starting.
	Ranker []byte

	// Golden returns the queries that a new generation must answer before it serves; it is asked at every build. nil, or a
	// Golden without queries: there are none.
	Golden func() (Golden, error)
}

// complete returns the options with every default filled in.
func (o Options) complete() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Keep <= 0 {
		o.Keep = 3
	}
	if o.Batch <= 0 {
		o.Batch = 4096
	}
	if o.VerifyBytes <= 0 {
		o.VerifyBytes = 512 << 20
	}
	if o.Postings <= 0 {
		o.Postings = maxPostings
	}
	if o.ScrubRate <= 0 {
		o.ScrubRate = 64 << 20
	}
	o.Embedding = o.Embedding.complete()
	if o.Free == nil {
		o.Free = freeBytes
	}
	if o.Golden == nil {
		o.Golden = func() (Golden, error) { return Golden{}, nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o
}

// KB is a knowledge base in a folder. Its methods may be called from many goroutines at once.
type KB struct {
	dir  string
	opt  Options
	stop stopLists

	glossary *concept.Phrases
	history  [][]uint64
	ranker   *features // nil: the built-in order
	settings string

	lane     lane
	building sync.Mutex   // held by the one Apply that runs
	searches atomic.Int32 // at work

	mu       sync.RWMutex
	current  *generation // nil: none is loaded
	degraded string
	looked   string // content of the pointer file that was acted upon last
	closed   bool

	background sync.WaitGroup
	closing    context.Context // ends at Close
	close      context.CancelFunc
}

// Status says what serves and what is wrong with it.
type Status struct {
	Generation prediag.Generation // the serving one; Number 0: none
	Degraded   string             // why the newest generation does not serve; empty: it does
	Vectors    *VectorStatus      // nil: there is no embedder
}

// Open opens the knowledge base in the folder dir, which is made when it is missing.
//
// The generation that the pointer file names is opened read-only. When it is damaged the newest intact older one serves
// in its place and Status says so; nothing is ever deleted here. A folder without a usable generation gives a knowledge
// base whose searches are of kind prediag.ErrNotReady until the first Apply.
func Open(dir string, opt Options) (*KB, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("knowledge base %q: %w", dir, err)
	}
	glossary, err := newGlossary(opt.Glossary)
	if err != nil {
		return nil, fmt.Errorf("knowledge base %q: %w", dir, err)
	}
	k := &KB{dir: filepath.Clean(dir), opt: opt.complete(), stop: newStopLists(), glossary: glossary, history: historyPhrases()}
	if err := k.setRanker(opt.Ranker); err != nil {
		return nil, fmt.Errorf("knowledge base %q: %w", dir, err)
	}
	k.closing, k.close = context.WithCancel(context.Background())
	gen, degraded := k.load()
	k.current, k.degraded = gen, degraded
	if degraded != "" {
		k.opt.Logger.Warn("knowledge base is degraded", "reason", degraded)
	}
	k.verifyLater(gen)
	k.warm(gen)
	return k, nil
}

// Close ends a running Apply, waits for the running searches and closes the index. Calls after Close are of kind
// prediag.ErrNotReady.
func (k *KB) Close() error {
	k.mu.Lock()
	gen := k.current
	k.current, k.closed = nil, true
	k.mu.Unlock()
	k.close()
	k.background.Wait()
	k.building.Lock() // a running Apply ends first
	defer k.building.Unlock()
	return gen.retire()
}

// spawn runs do in the background unless the knowledge base is closed.
func (k *KB) spawn(do func(context.Context)) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if !k.closed {
		k.background.Go(func() { do(k.closing) })
	}
}

// Status says which generation serves, and why a newer one does not.
func (k *KB) Status() Status {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s := Status{Degraded: k.degraded}
	if k.current != nil {
		s.Generation = k.describe(k.current.manifest)
	}
	s.Vectors = k.vectorStatus(k.current)
	return s
}

// Generation describes the serving generation; its Number is 0 when there is none.
func (k *KB) Generation() prediag.Generation { return k.Status().Generation }

// acquire returns the serving generation, which stays open until its release is called.
func (k *KB) acquire() (*generation, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.current == nil {
		return nil, &prediag.Error{Kind: prediag.ErrNotReady, Reason: "NO_GENERATION",
			Message: "the knowledge base holds no usable generation: run an ingest first"}
	}
	k.current.users.Add(1)
	return k.current, nil
}

// swap makes gen the serving generation in place of old and closes old once its searches have ended. It reports whether
// old was still the serving one; when it was not, nothing happened.
func (k *KB) swap(old, gen *generation, degraded string) (bool, error) {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return true, errors.Join(fmt.Errorf("knowledge base is closed: %w", prediag.ErrNotReady), gen.retire())
	}
	if k.current != old {
		k.mu.Unlock()
		return false, nil
	}
	k.current, k.degraded = gen, degraded
	k.mu.Unlock()
	return true, old.retire()
}
