package kb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"

	"prediag"
	"prediag/internal/lang"
	"prediag/internal/pack"
)

// Apply builds the next generation out of the serving one and the changes, makes it current and returns it.
//
// Later changes to the same article win. An error of the sequence, a faulty article or the end of ctx abandons the build
// and changes nothing that a search can see. Changes that change nothing (none, or only deletions of unknown articles)
// return the serving generation. A second Apply at the same time is of kind prediag.ErrConflict.
func (k *KB) Apply(ctx context.Context, changes iter.Seq2[prediag.Change, error]) (prediag.Generation, error) {
	if !k.building.TryLock() {
		return prediag.Generation{}, &prediag.Error{Kind: prediag.ErrConflict, Reason: "BUILD_RUNNING",
			Message: "another build of the knowledge base is running: wait for it to end"}
	}
	defer k.building.Unlock()
	if k.closing.Err() != nil {
		return prediag.Generation{}, fmt.Errorf("knowledge base is closed: %w", prediag.ErrNotReady)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(k.closing, cancel)()
	k.removeLeftovers()
	b := &builder{kb: k}
	defer b.abandon()
	m, err := b.run(ctx, changes)
	if err != nil || m == nil {
		return k.Generation(), err
	}
	if err := k.publish(b, m); err != nil {
		return k.Generation(), err
	}
	k.removeOld(m.Number)
	if m.Vectors == nil || m.Vectors.Missing == 0 {
		k.removeJournal()
	}
	return k.describe(m), nil
}

// Known returns the fingerprint of every article of one source in the serving generation, by article ID; empty where
// nothing serves. It reads the generation's table, not the index.
func (k *KB) Known(ctx context.Context, source string) (map[string]string, error) {
	g, err := k.acquire()
	if err != nil {
		return map[string]string{}, ctx.Err() // there is none yet
	}
	defer g.release()
	known := make(map[string]string, g.manifest.Sources[source])
	err = readRows(g.dir, func(r row) error {
		if r.source == source {
			both := r.id + r.fingerprint // the row's strings would keep the whole table in memory
			known[both[:len(r.id)]] = both[len(r.id):]
			k.yieldAt(len(known), yieldRows)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return known, nil
}

// builder makes one generation. It touches the disk only once there is something to change.
type builder struct {
	kb     *KB
	base   *generation // nil: from scratch; held until abandon
	number uint64
	before string // content of the pointer file when the build began
	dir    string // of the build; empty: not begun
	rows   map[string]row
	index  bleve.Index
	batch  *bleve.Batch
	fields map[string][len(textFields)]*tokenField // of the articles in the batch
	order  []string                                // the articles in the batch as they came
	text   int                                     // bytes of text in the batch

	idle     bool        // no article changed: vectors are missing
	vectors  *vectorInfo // nil: there is no embedder
	embedded int         // vectors that the embedder made

	touched   map[string]bool // articles that may differ from the base's table
	analyzers chan *analyzer
	dict      *pack.Dict // of stored texts; nil: there is none yet
}

// run applies the changes and returns the manifest of the finished, still unpublished generation; nil: nothing changed.
func (b *builder) run(ctx context.Context, changes iter.Seq2[prediag.Change, error]) (*manifest, error) {
	b.base, _ = b.kb.acquire()
	if err := b.loadRows(); err != nil {
		return nil, err
	}
	for c, err := range changes {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = b.change(ctx, c)
		}
		if err != nil {
			return nil, fmt.Errorf("build of the next generation abandoned: %w", err)
		}
	}
	if b.dir == "" {
		if b.idle = b.vectorsWanted(); !b.idle {
			return nil, nil
		}
		if err := b.begin(ctx); err != nil {
			return nil, err
		}
	}
	return b.finish(ctx)
}

func (b *builder) loadRows() error {
	b.touched = map[string]bool{}
	if b.base == nil {
		b.rows = map[string]row{}
		return nil
	}
	b.rows = make(map[string]row, b.base.manifest.Articles)
	changed, err := readChanges(b.base.dir)
	if err != nil {
		return err
	}
	for id := range changed {
		b.touched[id] = true
	}
	return readRows(b.base.dir, func(r row) error {
		b.rows[r.id] = r
		b.kb.yieldAt(len(b.rows), yieldRows)
		return nil
	})
}

func (b *builder) change(ctx context.Context, c prediag.Change) error {
	if c.Put == nil {
		if _, ok := b.rows[c.Delete]; !ok {
			return nil
		}
	} else if err := checkArticle(c.Put); err != nil {
		return err
	}
	if b.dir == "" {
		if err := b.begin(ctx); err != nil {
			return err
		}
	}
	if c.Put == nil {
		b.touched[c.Delete] = true
		b.batch.Delete(c.Delete)
		delete(b.rows, c.Delete)
		delete(b.fields, c.Delete)
	} else if err := b.put(c); err != nil {
		return err
	}
	if b.batch.Size() >= b.kb.opt.Batch || b.text >= maxBatchBytes {
		return b.flush()
	}
	return nil
}

// maxBatchBytes is how much text one batch holds at most; its analysis takes about twenty times as much memory.
const maxBatchBytes = 8 << 20

func (b *builder) put(c prediag.Change) error {
	doc, fields, err := newDocument(c.Put, b.analyzers)
	if err != nil {
		return err
	}
	if err := b.batch.IndexAdvanced(doc); err != nil {
		return err
	}
	fingerprint := c.Fingerprint
	if fingerprint == "" {
		fingerprint = c.Put.Revision
	}
	b.rows[c.Put.ID] = row{id: c.Put.ID, source: c.Put.Source, language: lang.Base(c.Put.Language),
		fingerprint: fingerprint, titleKey: titleKey(givenTitle(c.Put)), sketch: sketchOf(c.Put)}
	b.fields[c.Put.ID] = fields
	b.order = append(b.order, c.Put.ID)
	b.touched[c.Put.ID] = true
	b.text += len(c.Put.Body)
	return nil
}

// flush writes the batch and takes over the lengths that the analysis found.
func (b *builder) flush() error {
	b.teach()
	if err := b.index.Batch(b.batch); err != nil {
		return fmt.Errorf("write batch: %w", err)
	}
	for id, fields := range b.fields {
		r := b.rows[id]
		for i, f := range fields {
			r.lengths[i] = int64(f.length)
		}
		b.rows[id] = r
	}
	clear(b.fields)
	b.batch = b.index.NewBatch() // not Reset: a goroutine of the index may still be looking at the old one's map
	b.text, b.order = 0, b.order[:0]
	return nil
}

// begin makes the build's folder: a clone of the base, or an empty index.
func (b *builder) begin(ctx context.Context) error {
	err := b.checkSpace()
	if err != nil {
		return err
	}
	if b.number, err = nextNumber(b.kb.dir); err != nil {
		return err
	}
	if b.before, err = rawPointer(b.kb.dir); err != nil {
		return err
	}
	b.dir = filepath.Join(b.kb.dir, fmt.Sprintf("%s%08d", buildPrefix, b.number))
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(b.dir, indexName)
	if b.base == nil {
		m := bleve.NewIndexMapping()
		b.index, err = bleve.NewUsing(path, m, scorch.Name, scorch.Name, filling(b.kb.opt.Batch))
	} else if err = b.clone(ctx, path); err == nil {
		b.index, err = bleve.OpenUsing(path, writing(b.kb.opt.Batch))
	}
	if err != nil {
		return fmt.Errorf("begin build: %w", err)
	}
	b.batch = b.index.NewBatch()
	b.fields = map[string][len(textFields)]*tokenField{}
	b.analyzers = newAnalyzers(b.base != nil, b.kb.Yield)
	if b.base != nil && b.base.texts != nil {
		b.usePacker(b.base.texts)
	}
	return nil
}

// newAnalyzers are the analyzers of a build. While a generation serves there is one for two processors: searches go first.
// Each calls yield before every text.
func newAnalyzers(serving bool, yield func()) chan *analyzer {
	n := runtime.GOMAXPROCS(0)
	if serving {
		n = (n + 1) / 2
	}
	free := make(chan *analyzer, n)
	for range n {
		a := newAnalyzer()
		a.yield = yield
		free <- a
	}
	return free
}

// filling are Bleve's settings for a build from scratch: as good as no segment is merged before all are there, so that
// articles are written twice, see mergeAll.
func filling(batch int) map[string]any {
	return map[string]any{"bolt_timeout": boltTimeout, "scorchMergePlanOptions": map[string]any{"FloorSegmentSize": batch, "MaxSegmentsPerTier": maxUnmerged}}
}

// maxUnmerged is how many segments of a build from scratch wait for being merged into one.
const maxUnmerged = 64

// mergeAll makes one segment of a build from scratch. In it each term stands once, and what one article alone has takes no
// more than its place in the dictionary.
func (b *builder) mergeAll(ctx context.Context) error {
	if b.base != nil {
		return nil
	}
	advanced, err := b.index.Advanced()
	if err != nil {
		return err
	}
	s, ok := advanced.(*scorch.Scorch)
	if !ok {
		return fmt.Errorf("index is a %T, not scorch", advanced)
	}
	if err := s.ForceMerge(ctx, nil); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.SetInternal([]byte("merged"), []byte{1}) // returns when what went before it is on disk
}

// writing are Bleve's settings for an index that is changed. Segments are merged ten at a time, and small ones count as a
// full batch: a small refresh merges small segments only.
func writing(batch int) map[string]any {
	return map[string]any{"bolt_timeout": boltTimeout, "scorchMergePlanOptions": map[string]any{"FloorSegmentSize": batch}}
}

// clone copies the base's index. It proves the base first: opening a damaged index for writing deletes its segments.
func (b *builder) clone(ctx context.Context, path string) error {
	if err := b.base.manifest.verify(ctx, b.base.dir); err != nil {
		if errors.Is(err, prediag.ErrDamaged) {
			b.kb.suspect(b.base)
		}
		return err
	}
	if err := os.MkdirAll(filepath.Join(path, "store"), 0o755); err != nil {
		return err
	}
	for _, f := range b.base.manifest.Files {
		rel, ok := strings.CutPrefix(f.Name, indexName+"/")
		if !ok {
			continue
		}
		copyTo := copyFile
		if immutable(f.Name) {
			copyTo = linkFile
		}
		if err := copyTo(ctx, filepath.Join(b.base.dir, filepath.FromSlash(f.Name)), filepath.Join(path, filepath.FromSlash(rel))); err != nil {
			return err
		}
	}
	return nil
}

// immutable tells the segment files, which are written once, from the files that Bleve writes in place.
func immutable(name string) bool {
	return strings.HasSuffix(name, ".zap") || strings.HasSuffix(name, vectorsExt)
}

// abandon releases what the builder holds and removes an unpublished build.
func (b *builder) abandon() {
	if b.index != nil {
		b.kb.logIf("close abandoned build", b.index.Close())
	}
	if b.dir != "" {
		b.kb.logIf("remove abandoned build", os.RemoveAll(b.dir))
	}
	b.releaseBase()
}

func (b *builder) releaseBase() {
	if b.base != nil {
		b.base.release()
		b.base = nil
	}
}
