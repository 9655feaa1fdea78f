package kb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"prediag"
	"prediag/internal/concept"
	"prediag/internal/pack"
	"prediag/internal/vector"
)

// boltTimeout bounds the wait for another process that holds the index; without it the wait has no end.
const boltTimeout = "1s"

// generation is one open, read-only state of the index.
type generation struct {
	dir       string
	manifest  *manifest
	index     bleve.Index
	snapshot  *scorch.IndexSnapshot
	parts     []part
	zaps      map[string][]*zapField // of the text fields, by segment
	docs      int                    // document numbers in use, deleted ones included
	users     sync.WaitGroup
	suspected sync.Once // one verification in the background

	twins  [][]twin
	twinOf map[string][]twin // by article ID

	products products

	generic bitset // documents whose title says nothing
	nothing bitset // no documents
	terms   termCache
	results resultCache

	vectors  *vector.Store  // nil: there are none
	concepts *concept.Graph // nil: there are no translations
	texts    *pack.Dict     // of stored texts; nil: they are stored as they are
	parallel parallel

	readers sync.Pool // of *reader

	columns [len(columnFields)]column

	begun      sync.Map // by character the bigrams that most articles hold, see reader.bigrams
	begunCount atomic.Int32

	viewMu sync.Mutex
	views  []*view // that were asked for, the oldest first

	filterMu sync.Mutex
	filters  map[string]bitset // of frequently used property values
}

// part is one segment of the index. Its documents have the numbers base, base+1, ...
type part struct {
	*scorch.SegmentSnapshot
	base int
}

// openGeneration opens the verified generation in dir for reading.
func openGeneration(dir string, m *manifest) (g *generation, err error) {
	defer recoverDamage(&err)
	idx, err := bleve.OpenUsing(filepath.Join(dir, indexName), map[string]any{"read_only": true, "bolt_timeout": boltTimeout})
	if err != nil {
		return nil, fmt.Errorf("open index of %q: %w: %w", filepath.Base(dir), prediag.ErrDamaged, err)
	}
	g = &generation{dir: dir, manifest: m, index: idx, filters: map[string]bitset{}}
	if g.concepts, err = readConcepts(dir); err != nil {
		return nil, errors.Join(err, idx.Close())
	}
	if g.texts, err = readDict(dir); err != nil {
		return nil, errors.Join(err, idx.Close())
	}
	if err := g.attach(); err != nil {
		return nil, errors.Join(err, idx.Close())
	}
	if g.vectors, err = openVectors(dir, m, g.docs); err != nil {
		return nil, errors.Join(err, g.retire())
	}
	return g, nil
}

// attach takes hold of the one snapshot that a read-only index ever has, and of the term dictionaries of its segments.
func (g *generation) attach() error {
	advanced, err := g.index.Advanced()
	if err != nil {
		return err
	}
	reader, err := advanced.Reader()
	if err != nil {
		return err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return errors.Join(fmt.Errorf("index reader is a %T, not a scorch snapshot", reader), reader.Close())
	}
	g.snapshot = snapshot
	for _, s := range snapshot.Segments() {
		g.parts = append(g.parts, part{SegmentSnapshot: s, base: g.docs})
		g.docs += int(s.FullSize())
	}
	g.openZaps()
	g.generic, g.nothing = newBitset(g.docs), newBitset(g.docs)
	r := g.reader()
	for _, key := range g.manifest.Generic {
		holders, err := r.readHolders(fieldTitleKey, key)
		if err != nil {
			return errors.Join(err, snapshot.Close())
		}
		g.generic.or(holders)
	}
	if g.products, err = r.loadProducts(); err != nil {
		return errors.Join(err, snapshot.Close())
	}
	if err := g.loadTwins(); err != nil {
		return errors.Join(err, snapshot.Close())
	}
	return nil
}

// release ends one use of the generation.
func (g *generation) release() { g.users.Done() }

// retire waits for the users of the generation and closes it. It does nothing on nil.
func (g *generation) retire() error {
	if g == nil {
		return nil
	}
	g.users.Wait()
	var err error
	if g.vectors != nil {
		err = g.vectors.Close()
	}
	return errors.Join(err, g.snapshot.Close(), g.index.Close())
}

// recoverDamage turns a panic of the index reader into an error of kind prediag.ErrDamaged. Files are proved before they
// are opened, so what is left is damage that happens while they are in use.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("reading the index failed: %v: %w", p, prediag.ErrDamaged)
	}
}

// guard runs a read of the index under protection. A fault while reading a mapped file, as when it was cut short, is a
// panic in this goroutine only if asked for.
func guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer recoverDamage(&err)
	return read()
}

// reader reads a generation for one goroutine. It holds what cannot be shared (Bleve's term dictionaries keep a position)
// and what is worth using again.
type reader struct {
	*generation
	view     *view                               // of the caller that is served, see reader.see
	dicts    []map[string]segment.TermDictionary // by segment and field, opened at first use
	zaps     map[string][]*zapReader             // of the text fields, by segment
	scratch  []uint32                            // documents of one segment
	decoded  postings                            // postings of one term
	scores   *scores
	analyzer *analyzer
	reranker reranker
}

func (g *generation) reader() *reader {
	if r, ok := g.readers.Get().(*reader); ok {
		r.view = nil
		return r
	}
	r := &reader{generation: g, dicts: make([]map[string]segment.TermDictionary, len(g.parts)), zaps: map[string][]*zapReader{}, analyzer: newAnalyzer()}
	r.analyzer.known = g.manifest.Languages
	for i := range r.dicts {
		r.dicts[i] = map[string]segment.TermDictionary{}
	}
	for field, list := range g.zaps {
		for _, z := range list {
			r.zaps[field] = append(r.zaps[field], z.reader())
		}
	}
	return r
}

// dict is the term dictionary of a field in segment i.
func (r *reader) dict(i int, field string) (segment.TermDictionary, error) {
	d, ok := r.dicts[i][field]
	if !ok {
		var err error
		if d, err = r.parts[i].Segment().Dictionary(field); err != nil {
			return nil, fmt.Errorf("dictionary of %q: %w", field, err)
		}
		r.dicts[i][field] = d
	}
	return d, nil
}

// postings is the list of the articles of segment i that hold a term in a field.
func (r *reader) postings(i int, field, term string) (segment.PostingsList, error) {
	d, err := r.dict(i, field)
	if err != nil {
		return nil, err
	}
	return d.PostingsList([]byte(term), r.parts[i].Deleted(), nil)
}

// run gives do a reader under protection. After a panic the reader is not used again.
func (g *generation) run(do func(*reader) error) error {
	return guard(func() error {
		r := g.reader()
		err := do(r)
		g.readers.Put(r)
		return err
	})
}

// read runs a read of the serving generation. A read that finds damage starts the verification of the generation.
func (k *KB) read(do func(*reader) error) error {
	g, err := k.acquire()
	if err != nil {
		return err
	}
	defer g.release()
	err = g.run(do)
	if errors.Is(err, prediag.ErrDamaged) {
		k.suspect(g)
	}
	return err
}

// load opens the generation that the pointer file names, or else the newest intact one, and says why not the first.
func (k *KB) load() (*generation, string) {
	pointer, _ := rawPointer(k.dir)
	k.seen(pointer)
	number, hash, err := readPointer(k.dir)
	if err == nil && number > 0 {
		var g *generation
		if g, err = k.tryOpen(number, hash, k.opt.VerifyBytes); err == nil {
			return g, ""
		}
		err = fmt.Errorf("generation %d: %w", number, err)
	}
	g, tried := k.newest(number, k.opt.VerifyBytes)
	switch {
	case err == nil && g == nil && tried == nil:
		return nil, ""
	case err == nil && g != nil:
		// A build that was killed between its last two steps leaves a generation that nothing points to; without any
		// pointer file it is as good as any.
		return g, fmt.Sprintf("pointer file is missing: serving generation %d", g.manifest.Number)
	case g != nil:
		return g, fmt.Sprintf("%v: serving generation %d", err, g.manifest.Number)
	}
	return nil, fmt.Sprintf("%v: no generation is usable, the next ingest builds afresh", errors.Join(err, tried))
}

// newest opens the newest usable generation other than the one named except. limit is as for tryOpen.
func (k *KB) newest(except uint64, limit int64) (*generation, error) {
	numbers, err := generationNumbers(k.dir)
	if err != nil {
		return nil, err
	}
	var tried error
	for _, n := range numbers {
		if n == except {
			continue
		}
		g, err := k.tryOpen(n, "", limit)
		if err == nil {
			return g, nil
		}
		tried = errors.Join(tried, fmt.Errorf("generation %d: %w", n, err))
	}
	return nil, tried
}

// tryOpen proves a generation of up to limit bytes and opens it. hash is what the manifest must have; empty: any.
func (k *KB) tryOpen(number uint64, hash string, limit int64) (*generation, error) {
	dir := filepath.Join(k.dir, genName(number))
	m, err := servable(dir, number)
	if err != nil {
		return nil, err
	}
	if hash != "" && m.Sum != hash {
		return nil, fmt.Errorf("manifest is not the one that the pointer file names: %w", prediag.ErrDamaged)
	}
	if m.bytes() <= limit {
		if err := m.verify(k.closing, dir); err != nil {
			return nil, err
		}
	}
	return openGeneration(dir, m)
}

// verifyLater proves in the background a generation that was too large to prove before serving.
func (k *KB) verifyLater(g *generation) {
	if g != nil && g.manifest.bytes() > k.opt.VerifyBytes {
		k.spawn(func(ctx context.Context) { k.fallBackIfDamaged(ctx, g) })
	}
}

// suspect starts the one verification in the background that a generation gets.
func (k *KB) suspect(g *generation) {
	g.suspected.Do(func() {
		k.spawn(func(ctx context.Context) { k.fallBackIfDamaged(ctx, g) })
	})
}

// Scrub proves every byte of the serving generation, at no more than Options.ScrubRate. A damaged one is replaced by the newest intact older one; the error
// then is of kind prediag.ErrDamaged. A server calls it once a day.
func (k *KB) Scrub(ctx context.Context) error {
	g, err := k.acquire()
	if err != nil {
		return err
	}
	err = g.manifest.verifyPaced(ctx, g.dir, k.opt.ScrubRate)
	g.release()
	if errors.Is(err, prediag.ErrDamaged) {
		return errors.Join(err, k.fallBack(g, err))
	}
	return err
}

func (k *KB) fallBackIfDamaged(ctx context.Context, g *generation) {
	err := g.manifest.verify(ctx, g.dir)
	if !errors.Is(err, prediag.ErrDamaged) {
		return
	}
	if err := k.fallBack(g, err); err != nil {
		k.opt.Logger.Error("no intact generation to fall back to", "error", err)
	}
}

// fallBack replaces the damaged serving generation bad by the newest intact one, or by none: no answer is better than a
// wrong one.
func (k *KB) fallBack(bad *generation, cause error) error {
	k.mu.RLock()
	serving := k.current == bad
	k.mu.RUnlock()
	if !serving {
		return nil
	}
	g, tried := k.newest(bad.manifest.Number, math.MaxInt64) // it may share what is damaged: all of it is proved
	degraded := fmt.Sprintf("generation %d: %v", bad.manifest.Number, cause)
	if g != nil {
		degraded += fmt.Sprintf(": serving generation %d", g.manifest.Number)
	}
	k.opt.Logger.Error("knowledge base is degraded", "reason", degraded)
	done, err := k.swap(bad, g, degraded)
	if !done {
		err = g.retire() // an Apply was faster
	}
	if g != nil {
		tried = nil
	}
	return errors.Join(tried, err)
}
