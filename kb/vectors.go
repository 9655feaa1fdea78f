package kb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"prediag"
	"prediag/internal/vector"
)

// The vectors of a generation lie in segments that are written once and shared by the generations after it, and in a file that says
// which article each row belongs to. A build writes a segment of what is new.
const (
	vectorsDir  = "vectors"
	vectorsExt  = ".vec"
	placesName  = "vectors.map"
	maxVecFiles = 8 // beyond, and where a third of the rows is out of use, all are written anew as one
	maxPlaces   = 1 << 30
)

// vectorInfo is what the manifest says about vectors.
type vectorInfo struct {
	Source     string `json:"source"` // see Embedding.source
	Dimensions int    `json:"dimensions"`
	Stored     int    `json:"stored"`
	Missing    int    `json:"missing,omitempty"`
	Refused    int    `json:"refused,omitempty"`
}

func readPlaces(dir string, docs int) ([]vector.Part, error) {
	name := filepath.Join(dir, placesName)
	if info, err := os.Stat(name); err == nil && info.Size() > maxPlaces {
		return nil, fmt.Errorf("places of vectors: %d bytes: %w", info.Size(), prediag.ErrDamaged)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("places of vectors: %w: %w", prediag.ErrDamaged, err)
	}
	return vector.DecodePlaces(data, docs)
}

// vectorsWanted reports whether a build must run although no article changed: vectors are missing, or of another model.
func (b *builder) vectorsWanted() bool {
	return b.base != nil && b.kb.vectorsWanted(b.base.manifest)
}

func (k *KB) vectorsWanted(m *manifest) bool {
	e, v := k.opt.Embedding, m.Vectors
	return e.Embedder != nil && m.Articles > 0 && (v == nil || v.Source != e.source() || v.Missing > 0)
}

// describe is a generation in the words of the root package.
func (k *KB) describe(m *manifest) prediag.Generation {
	g := m.generation()
	g.Unfinished = k.vectorsWanted(m)
	return g
}

// keptRow is a row of the base.
type keptRow struct {
	part, number int
	row          vector.Row // mapped
}

// vectorBuilder makes the vectors of one build.
type vectorBuilder struct {
	b        *builder
	e        Embedding
	r        *reader // of the build
	articles []indexed
	parts    []vector.Part // the base's, with the places of this build
	have     map[vector.Key]keptRow
	texts    map[vector.Hash]keptRow
	fresh    vector.Part
	writer   *vector.Writer // nil: nothing is new
	journal  *journal
	pending  []waiting
	refused  []waiting // can have none: they are stored as zeros, so that nobody asks again
	until    time.Time
	synced   time.Time // the journal
	stopped  bool      // nothing is asked for any more in this build
	added    int       // rows that the embedder made
	info     vectorInfo
}

// indexed is an article of the build.
type indexed struct {
	id  string
	doc int
}

// waiting is a piece without a vector.
type waiting struct {
	key  vector.Key
	at   vector.Place
	text string
}

// writeVectors gives every piece of every article a vector: that of the generation before where its text is the same, or one that
// the embedder makes. What it cannot make in time is counted as missing, and the build goes on without.
func (b *builder) writeVectors(ctx context.Context, unchanged map[string]fileSum) error {
	e := b.kb.opt.Embedding
	if e.Embedder == nil {
		return nil
	}
	g, err := openGeneration(b.dir, &manifest{})
	if err != nil {
		return err
	}
	v := &vectorBuilder{b: b, e: e, info: vectorInfo{Source: e.source()}, until: b.kb.opt.Now().Add(e.Budget),
		have: map[vector.Key]keptRow{}, texts: map[vector.Hash]keptRow{}}
	err = g.run(func(r *reader) error { v.r = r; return v.run(ctx, unchanged) })
	b.vectors, b.embedded = &v.info, v.added
	return errors.Join(err, v.close(), g.retire())
}

func (v *vectorBuilder) run(ctx context.Context, unchanged map[string]fileSum) error {
	docs, err := v.number()
	if err != nil {
		return err
	}
	v.fresh.Name = path.Join(vectorsDir, fmt.Sprintf("%08d%s", v.b.number, vectorsExt))
	if v.journal, err = openJournal(filepath.Join(v.b.kb.dir, journalName), v.info.Source); err != nil {
		return err
	}
	base := v.comparable()
	whole := base == nil || v.b.base.manifest.Vectors.Missing > 0
	if base != nil {
		if err := v.takeOver(base, docs, whole); err != nil {
			return err
		}
	}
	for _, a := range v.articles {
		if !whole && !v.b.touched[a.id] {
			continue
		}
		if err := v.article(ctx, a); err != nil {
			return err
		}
	}
	if err := v.flush(ctx); err != nil {
		return err
	}
	return v.finish(ctx, unchanged)
}

// number lists the articles of the build, and the documents by the hash of the article's ID.
func (v *vectorBuilder) number() (map[vector.Hash]int, error) {
	docs := map[vector.Hash]int{}
	for _, p := range v.r.parts {
		gone := p.Deleted()
		for local := range p.FullSize() {
			if gone != nil && gone.Contains(uint32(local)) {
				continue
			}
			id, err := v.r.id(p.base + int(local))
			if err != nil {
				return nil, err
			}
			v.articles = append(v.articles, indexed{id, p.base + int(local)})
			docs[vector.HashOf(id)] = p.base + int(local)
		}
	}
	return docs, nil
}

// comparable are the base's vectors, where they are of the same embedder.
func (v *vectorBuilder) comparable() *vector.Store {
	if v.b.base == nil || v.b.base.vectors == nil || v.b.base.manifest.Vectors.Source != v.info.Source {
		return nil
	}
	return v.b.base.vectors
}

// takeOver remembers the rows of the base, and gives those of articles that did not change their new places.
func (v *vectorBuilder) takeOver(base *vector.Store, docs map[vector.Hash]int, whole bool) error {
	touched := map[vector.Hash]bool{}
	for id := range v.b.touched {
		touched[vector.HashOf(id)] = true
	}
	v.info.Dimensions = base.Dimensions()
	return base.Each(func(file string, number int, key vector.Key, at vector.Place, row vector.Row) error {
		if number == 0 {
			v.parts = append(v.parts, vector.Part{Name: file})
		}
		p := &v.parts[len(v.parts)-1]
		kept := keptRow{len(v.parts) - 1, number, row}
		v.have[key], v.texts[key.Text] = kept, kept
		doc, ok := docs[key.Article]
		if !ok || whole || touched[key.Article] {
			at = vector.Place{Doc: -1}
		} else if at.Doc >= 0 {
			at.Doc = doc
		}
		p.Places = append(p.Places, at)
		return nil
	})
}

// article finds or asks for the vectors of an article.
func (v *vectorBuilder) article(ctx context.Context, n indexed) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := v.r.load(n.doc)
	if err != nil {
		return err
	}
	id, seen := vector.HashOf(n.id), map[vector.Hash]bool{}
	for i, p := range piecesOf(&a) {
		key, at := vector.Key{Article: id, Text: vector.HashOf(p.text)}, vector.Place{Doc: n.doc, Piece: i}
		if seen[key.Text] {
			continue
		}
		seen[key.Text] = true
		if kept, ok := v.have[key]; ok {
			v.parts[kept.part].Places[kept.number] = at
			continue
		}
		row, ok := v.journal.rows[key.Text]
		if kept, moved := v.texts[key.Text]; moved {
			row, ok = kept.row, true
		} else if ok {
			v.added++
		}
		if !ok {
			v.pending = append(v.pending, waiting{key, at, p.text})
		} else if err := v.add(key, at, row); err != nil {
			return err
		}
	}
	if len(v.pending) < v.e.Batch {
		return nil
	}
	return v.flush(ctx)
}

// add writes a row into the segment of this build.
func (v *vectorBuilder) add(key vector.Key, at vector.Place, row vector.Row) (err error) {
	if v.info.Dimensions == 0 {
		v.info.Dimensions = row.Dimensions
	}
	if v.writer == nil {
		if err = os.MkdirAll(filepath.Join(v.b.dir, vectorsDir), 0o755); err != nil {
			return err
		}
		if v.writer, err = vector.Create(filepath.Join(v.b.dir, filepath.FromSlash(v.fresh.Name)), v.info.Source, v.info.Dimensions); err != nil {
			return err
		}
	}
	v.writer.Add(key, row)
	v.fresh.Places = append(v.fresh.Places, at)
	return nil
}

// flush asks for the vectors of the pieces that wait.
func (v *vectorBuilder) flush(ctx context.Context) error {
	for len(v.pending) > 0 {
		n := min(len(v.pending), v.e.Batch)
		if err := v.ask(ctx, v.pending[:n]); err != nil {
			return err
		}
		v.pending = v.pending[n:]
	}
	v.pending = nil
	return nil
}

// ask gets one batch of vectors. After a failure, or when the time for them is over, the pieces of this build that are left stay
// without.
func (v *vectorBuilder) ask(ctx context.Context, batch []waiting) error {
	left := v.until.Sub(v.b.kb.opt.Now())
	if left <= 0 && !v.stopped {
		v.stop("the time for the vectors of one build is over, the next one goes on", nil)
	}
	if v.stopped {
		v.info.Missing += len(batch)
		return nil
	}
	texts := make([]string, len(batch))
	for i, w := range batch {
		texts[i] = w.text
	}
	within, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	vectors, err := v.e.Embedder.Passages(within, texts)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = v.fit(vectors, len(batch))
	}
	if err != nil {
		v.stop("vectors could not be made: articles without are found by words alone", err)
		v.info.Missing += len(batch)
		return nil
	}
	for i, x := range vectors {
		if x == nil {
			v.refused = append(v.refused, batch[i])
			continue
		}
		row := vector.NewRow(x)
		v.journal.add(batch[i].key.Text, row)
		if err := v.add(batch[i].key, batch[i].at, row); err != nil {
			return err
		}
		v.added++
	}
	if now := v.b.kb.opt.Now(); now.Sub(v.synced) >= time.Second { // a local model makes thousands meanwhile
		v.synced = now
		return v.journal.sync()
	}
	return nil
}

// fit proves that vectors are as many and as long as they should be.
func (v *vectorBuilder) fit(vectors [][]float32, n int) error {
	if len(vectors) != n {
		return fmt.Errorf("%d vectors for %d texts: %w", len(vectors), n, prediag.ErrNotReady)
	}
	for _, x := range vectors {
		if x != nil && v.info.Dimensions == 0 {
			v.info.Dimensions = len(x)
		}
		if x != nil && len(x) != v.info.Dimensions {
			return fmt.Errorf("a vector of %d components where the others have %d: %w", len(x), v.info.Dimensions, prediag.ErrNotReady)
		}
	}
	return nil
}

func (v *vectorBuilder) stop(why string, err error) {
	v.stopped = true
	v.b.kb.opt.Logger.Warn(why, "embedder", v.info.Source, "error", err)
}

// finish writes the segment and the places, and shares the base's segments, or takes their rows over where they are many or mostly
// out of use.
func (v *vectorBuilder) finish(ctx context.Context, unchanged map[string]fileSum) error {
	v.info.Refused = len(v.refused)
	for _, k := range v.have {
		if k.row.Scale == 0 && v.parts[k.part].Places[k.number].Doc >= 0 {
			v.info.Refused++
		}
	}
	if v.info.Dimensions > 0 {
		zeros := vector.NewRow(make([]float32, v.info.Dimensions))
		for _, w := range v.refused {
			if err := v.add(w.key, w.at, zeros); err != nil {
				return err
			}
		}
	}
	live, rows := len(v.fresh.Places), len(v.fresh.Places)
	for _, p := range v.parts {
		rows += len(p.Places)
		live += inUse(p)
	}
	if live == 0 {
		return nil
	}
	v.info.Stored = live - v.info.Refused
	v.parts = slices.DeleteFunc(v.parts, func(p vector.Part) bool { return inUse(p) == 0 })
	if len(v.parts) >= maxVecFiles || 3*(rows-live) > rows {
		if err := v.rewrite(); err != nil {
			return err
		}
	}
	for _, p := range v.parts {
		if err := v.share(ctx, p.Name, unchanged); err != nil {
			return err
		}
	}
	if len(v.fresh.Places) > 0 {
		v.parts = append(v.parts, v.fresh)
	}
	return writeFile(filepath.Join(v.b.dir, placesName), vector.EncodePlaces(v.parts))
}

// share gives a segment of the base to the build.
func (v *vectorBuilder) share(ctx context.Context, name string, unchanged map[string]fileSum) error {
	i := slices.IndexFunc(v.b.base.manifest.Files, func(f fileSum) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("generation %d does not know its file %q: %w", v.b.base.manifest.Number, name, prediag.ErrDamaged)
	}
	unchanged[name] = v.b.base.manifest.Files[i]
	if err := os.MkdirAll(filepath.Join(v.b.dir, vectorsDir), 0o755); err != nil {
		return err
	}
	local := filepath.FromSlash(name)
	return linkFile(ctx, filepath.Join(v.b.base.dir, local), filepath.Join(v.b.dir, local))
}

// inUse counts the rows of a part that belong to an article.
func inUse(p vector.Part) int {
	n := 0
	for _, at := range p.Places {
		if at.Doc >= 0 {
			n++
		}
	}
	return n
}

// rewrite adds the base's rows that are in use to the segment of this build.
func (v *vectorBuilder) rewrite() error {
	places := map[string][]vector.Place{}
	for _, p := range v.parts {
		places[p.Name] = p.Places
	}
	v.parts = nil
	return v.b.base.vectors.Each(func(file string, number int, key vector.Key, _ vector.Place, row vector.Row) error {
		list := places[file]
		if number >= len(list) || list[number].Doc < 0 {
			return nil
		}
		return v.add(key, list[number], row)
	})
}

// close ends the use of files.
func (v *vectorBuilder) close() error {
	var err error
	if v.writer != nil {
		err = v.writer.Close()
	}
	if v.journal != nil {
		err = errors.Join(err, v.journal.sync(), v.journal.close())
	}
	return err
}
