package kb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	segment "github.com/blevesearch/scorch_segment_api/v2"

	"prediag"
)

// finish closes the index, makes everything durable, proves that the result answers, and writes the manifest last.
func (b *builder) finish(ctx context.Context) (*manifest, error) {
	if err := b.flush(); err != nil {
		return nil, err
	}
	if err := b.mergeAll(ctx); err != nil {
		return nil, err
	}
	err := b.index.Close()
	b.index = nil
	if err != nil {
		return nil, fmt.Errorf("close build: %w", err)
	}
	if err := b.dropUnusedSegments(); err != nil {
		return nil, err
	}
	unchanged := b.unchanged()
	if err := b.writeRows(ctx, unchanged); err != nil {
		return nil, err
	}
	if err := b.writeDict(ctx, unchanged); err != nil {
		return nil, err
	}
	if err := b.writeConcepts(ctx, unchanged); err != nil {
		return nil, err
	}
	if err := b.writeVectors(ctx, unchanged); err != nil {
		return nil, err
	}
	if b.idle && b.embedded == 0 && b.vectors.Missing > 0 {
		return nil, nil // nothing was gained
	}
	restricted, err := b.restricted()
	if err != nil {
		return nil, err
	}
	groups, twins := twinsOf(b.rows, restricted)
	if len(groups) > 0 {
		if err := writeFile(filepath.Join(b.dir, twinsName), encodeTwins(groups)); err != nil {
			return nil, err
		}
	}
	m, err := b.manifest(ctx, unchanged, restricted)
	if err != nil {
		return nil, err
	}
	m.Twins, m.Vectors = twins, b.vectors
	if err := syncTree(b.dir, unchanged); err != nil {
		return nil, err
	}
	if err := b.smoke(ctx, m, restricted); err != nil {
		return nil, err
	}
	data, err := m.encode()
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(b.dir, manifestName), data); err != nil {
		return nil, err
	}
	return m, syncDir(b.dir)
}

// dropUnusedSegments removes the segment files that the last state of the index does not refer to: what merges left.
func (b *builder) dropUnusedSegments() error {
	g, err := openGeneration(b.dir, &manifest{})
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, p := range g.parts {
		if s, ok := p.Segment().(segment.PersistedSegment); ok {
			used[filepath.Base(s.Path())] = true
		}
	}
	if err := g.retire(); err != nil {
		return err
	}
	store := filepath.Join(b.dir, indexName, "store")
	entries, err := os.ReadDir(store)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if immutable(e.Name()) && !used[e.Name()] {
			if err := os.Remove(filepath.Join(store, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeRows writes the table, or shares the base's and writes only what differs from it. A table that is shared enters
// unchanged.
func (b *builder) writeRows(ctx context.Context, unchanged map[string]fileSum) error {
	name := filepath.Join(b.dir, tableName)
	if b.base == nil || len(b.touched)*tableShare > len(b.rows) {
		data, err := packTable(b.rows)
		if err != nil {
			return err
		}
		return writeFile(name, data)
	}
	if err := b.share(ctx, tableName, unchanged); err != nil {
		return err
	}
	changed := map[string]*row{}
	for id := range b.touched {
		changed[id] = nil
		if r, ok := b.rows[id]; ok {
			changed[id] = &r
		}
	}
	return writeFile(filepath.Join(b.dir, changesName), encodeChanges(changed))
}

// share links a file of the base's and enters it in unchanged.
func (b *builder) share(ctx context.Context, name string, unchanged map[string]fileSum) error {
	i := slices.IndexFunc(b.base.manifest.Files, func(f fileSum) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("generation %d has no file %q: %w", b.base.manifest.Number, name, prediag.ErrDamaged)
	}
	unchanged[name] = b.base.manifest.Files[i]
	return linkFile(ctx, filepath.Join(b.base.dir, name), filepath.Join(b.dir, name))
}

// unchanged are the segments that the build shares with its base; they are durable and their hashes proved already.
func (b *builder) unchanged() map[string]fileSum {
	shared := map[string]fileSum{}
	if b.base == nil {
		return shared
	}
	for _, f := range b.base.manifest.Files {
		if immutable(f.Name) {
			shared[f.Name] = f
		}
	}
	return shared
}

func (b *builder) manifest(ctx context.Context, unchanged map[string]fileSum, restricted map[string]bool) (*manifest, error) {
	m := &manifest{Format: format, Schema: schema, Number: b.number, Created: b.kb.opt.Now().UTC(), Articles: len(b.rows),
		Sources: map[string]int{}, Languages: map[string]int{}, Tokens: map[string]int64{}}
	if b.base != nil {
		m.Base = b.base.manifest.Number
	}
	for id, r := range b.rows {
		m.Sources[r.source]++
		m.Languages[r.language]++
		if restricted[id] {
			continue
		}
		m.Counted++
		for i, name := range textFields {
			m.Tokens[name] += r.lengths[i]
		}
	}
	m.Generic = genericTitles(b.rows)
	var err error
	m.Files, err = sumFiles(ctx, b.dir, unchanged)
	return m, err
}

// A title that many articles share, such as "FAQ", says nothing about what its article is about.
const (
	genericShare = 30  // articles with one title from which on it counts as generic
	maxGeneric   = 500 // generic titles kept, the most frequent ones
)

// genericTitles lists the keys of the generic titles, and the key of the missing title, in order.
func genericTitles(rows map[string]row) []string {
	count := make(map[string]int, len(rows))
	for _, r := range rows {
		count[r.titleKey]++
	}
	var keys []string
	for key, n := range count {
		if n >= genericShare || key == noTitle {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y string) int { return cmp.Or(cmp.Compare(count[y], count[x]), strings.Compare(x, y)) })
	keys = keys[:min(len(keys), maxGeneric)]
	slices.Sort(keys)
	return keys
}

// syncTree makes all files and folders under dir durable, except the files of skip.
func syncTree(dir string, skip map[string]fileSum) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return syncDir(name)
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if _, ok := skip[filepath.ToSlash(rel)]; ok {
			return nil
		}
		return syncFile(name)
	})
}

// smoke proves that the finished index opens, holds what it should, and finds an article by its ID and its title. It also asks
// the questions whose leads the manifest keeps.
func (b *builder) smoke(ctx context.Context, m *manifest, restricted map[string]bool) error {
	if err := m.verifySizes(b.dir); err != nil {
		return err
	}
	g, err := openGeneration(b.dir, m)
	if err != nil {
		return err
	}
	err = g.run(func(r *reader) error {
		err := b.probe(ctx, r)
		if err == nil {
			m.Leads, err = b.askLeads(ctx, r, restricted)
		}
		return err
	})
	if err == nil {
		err = b.golden(ctx, m, g)
	}
	return errors.Join(err, g.retire())
}

// golden asks the maintainer's queries and keeps the result in the manifest.
func (b *builder) golden(ctx context.Context, m *manifest, g *generation) error {
	queries, err := b.kb.opt.Golden()
	if err != nil || len(queries.Queries) == 0 {
		return err
	}
	result, err := queries.check(ctx, func(ctx context.Context, q prediag.Query) (found prediag.Results, err error) {
		err = g.run(func(r *reader) error {
			found, err = r.search(ctx, b.kb.newQuery(q, r.analyzer))
			return err
		})
		return found, err
	})
	if err != nil {
		return err
	}
	m.Golden = &result
	return result.Err()
}

func (b *builder) probe(ctx context.Context, r *reader) error {
	live := 0
	for _, p := range r.parts {
		live += int(p.Count())
	}
	if live != len(b.rows) {
		return fmt.Errorf("smoke search: the index holds %d articles where %d belong: %w", live, len(b.rows), prediag.ErrDamaged)
	}
	for id := range b.rows {
		a, err := r.article(id)
		if err != nil {
			return fmt.Errorf("smoke search: article %q: %w", id, err)
		}
		q := b.kb.newQuery(prediag.Query{Text: a.Title, Audience: a.Audience, Limit: 1}, r.analyzer)
		if _, err := r.search(ctx, q); err != nil {
			return fmt.Errorf("smoke search: %w", err)
		}
		break
	}
	return nil
}
