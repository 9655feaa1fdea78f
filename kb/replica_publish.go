package kb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"prediag"
)

func sortHeads(all []listedHead) {
	slices.SortFunc(all, func(a, b listedHead) int {
		return cmp.Or(cmp.Compare(b.Epoch, a.Epoch), cmp.Compare(b.Sequence, a.Sequence))
	})
}

// Publish brings the serving generation into the depot: the files that are not there, then the manifest, then, if the term
// still lasts, the pointer. Where it is there already, files that went missing are written again.
//
// The error is of kind prediag.ErrStale when a later term has published, of kind prediag.ErrConflict when the depot belongs
// to another authority, of kind prediag.ErrNotReady when nothing serves, or something else than should: a generation that
// stands in for a damaged one is not handed on.
func (s *Share) Publish(ctx context.Context, t Term) (Shared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if degraded := s.kb.Status().Degraded; degraded != "" {
		return Shared{}, fmt.Errorf("not published while the knowledge base is degraded (%s): %w", degraded, prediag.ErrNotReady)
	}
	g, err := s.kb.acquire()
	if err != nil {
		return Shared{}, err
	}
	defer g.release()
	was, err := s.newest(ctx)
	if err != nil && !errors.Is(err, prediag.ErrDamaged) && !errors.Is(err, prediag.ErrNotFound) { // those are mended by a new pointer
		return Shared{}, err
	}
	if err := t.mayFollow(was); err != nil {
		return was.shared(), err
	}
	raw, err := os.ReadFile(filepath.Join(g.dir, manifestName))
	if err != nil {
		return was.shared(), fmt.Errorf("manifest of generation %d: %w", g.manifest.Number, err)
	}
	next := head{Format: headFormat, Authority: t.Authority, Epoch: t.Epoch, Sequence: 1, Generation: g.manifest.Number,
		Highest: max(was.Highest, was.Generation, g.manifest.Number), Hash: g.manifest.Sum, Manifest: hashOf(raw), Holder: t.Holder, Published: s.kb.opt.Now().UTC()}
	if was.Epoch == t.Epoch {
		next.Sequence = was.Sequence + 1
	}
	out := next.shared()
	if out.Files, out.Bytes, err = s.putGeneration(ctx, g, was, raw); err != nil {
		return was.shared(), err
	}
	if was.Manifest == next.Manifest {
		return out, s.tellFresh(ctx, t.Refreshed)
	}
	if err := t.Valid(ctx); err != nil {
		return was.shared(), fmt.Errorf("generation %d is not published: %w", next.Generation, err)
	}
	text, err := json.MarshalIndent(next, "", " ")
	if err != nil {
		return was.shared(), err
	}
	if err := s.putBytes(ctx, next.name(), text); err != nil {
		return was.shared(), err
	}
	out.Changed = true
	return out, s.tellFresh(ctx, t.Refreshed)
}

// mayFollow says why a term may not publish after a pointer.
func (t Term) mayFollow(was head) error {
	switch {
	case was.Authority != "" && was.Authority != t.Authority:
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "DEPOT_OF_ANOTHER_RECORD", Message: fmt.Sprintf(
			"the depot is fed by %s, who answers to another state of record: use another folder or prefix, or remove %s from this one", was.Holder, headPrefix)}
	case was.Epoch > t.Epoch:
		return fmt.Errorf("epoch %d of %s is over, epoch %d has published: %w", t.Epoch, t.Holder, was.Epoch, prediag.ErrStale)
	}
	return nil
}

// putGeneration writes what is missing of a generation, the manifest last, and returns how much it was.
//
// What is there counts when the pointer before names it or this process wrote it lately: anything else may be about to be
// swept away, and is written anew, which makes it young.
func (s *Share) putGeneration(ctx context.Context, g *generation, was head, raw []byte) (files int, size int64, err error) {
	there := map[string]int64{}
	err = s.depot.List(ctx, blobPrefix, func(name string, size int64, _ time.Time) error {
		there[name] = size
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("list the depot: %w", err)
	}
	safe := s.named(ctx, was)
	present := func(sum string, size int64) bool {
		n, listed := there[blobPrefix+sum]
		return listed && n == size && (safe[sum] || time.Since(s.put[sum]) < s.opt.Grace/2)
	}
	for _, f := range g.manifest.Files {
		if present(f.SHA256, f.Size) {
			continue
		}
		if err := s.putFile(ctx, g, f); err != nil {
			return files, size, err
		}
		s.put[f.SHA256] = time.Now()
		there[blobPrefix+f.SHA256] = f.Size
		files, size = files+1, size+f.Size
	}
	sum := hashOf(raw)
	if present(sum, int64(len(raw))) {
		return files, size, nil
	}
	if err := s.putBytes(ctx, blobPrefix+sum, raw); err != nil {
		return files, size, err
	}
	s.put[sum] = time.Now()
	return files + 1, size + int64(len(raw)), nil
}

// named is what a pointer's generation consists of, by SHA-256; nothing when that cannot be told.
func (s *Share) named(ctx context.Context, h head) map[string]bool {
	sums := map[string]bool{}
	if h.Manifest == "" {
		return sums
	}
	m, _, err := s.manifestOf(ctx, h)
	if err != nil {
		return sums
	}
	sums[h.Manifest] = true
	for _, f := range m.Files {
		sums[f.SHA256] = true
	}
	return sums
}

// putFile writes one file once its content is proved: what is damaged here does not leave the machine.
func (s *Share) putFile(ctx context.Context, g *generation, f fileSum) error {
	name := filepath.Join(g.dir, filepath.FromSlash(f.Name))
	sum, size, err := hashFile(ctx, name)
	if err != nil {
		return fmt.Errorf("publish file %q: %w", f.Name, err)
	}
	if sum != f.SHA256 || size != f.Size {
		s.kb.suspect(g)
		return fmt.Errorf("publish file %q: it is not what the manifest says: %w", f.Name, prediag.ErrDamaged)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := s.depot.Put(ctx, blobPrefix+f.SHA256, file, f.Size); err != nil {
		return fmt.Errorf("publish file %q: %w", f.Name, err)
	}
	return nil
}

// Swept says what Sweep removed.
type Swept struct {
	Heads int // pointers
	Blobs int
	Bytes int64
}

// Sweep removes from the depot the pointers beyond those to keep, and then what no kept generation consists of, as long as
// it is older than the grace time: what a publication under way has written is younger. Age is by the depot's clock. When
// a kept generation cannot be read nothing is removed.
func (s *Share) Sweep(ctx context.Context) (Swept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.opt.Grace/2) // what is listed as old may become young again later
	defer cancel()
	var done Swept
	all, err := s.heads(ctx)
	if err != nil || len(all) == 0 {
		return done, err
	}
	now := all[0].modified
	for _, h := range all {
		if h.modified.After(now) {
			now = h.modified
		}
	}
	keep := map[string]bool{}
	for n, h := range all {
		if n >= s.opt.Keep && now.Sub(h.modified) > s.opt.Grace {
			if err := s.depot.Delete(ctx, h.name()); err != nil {
				return done, fmt.Errorf("remove pointer %q: %w", h.name(), err)
			}
			done.Heads++
			continue
		}
		sums, err := s.namedBy(ctx, h.head)
		if err != nil {
			return done, fmt.Errorf("nothing is swept away: %w", err)
		}
		for sum := range sums {
			keep[blobPrefix+sum] = true
		}
	}
	return done, s.sweepBlobs(ctx, keep, now.Add(-s.opt.Grace), &done)
}

// namedBy is what the generation of a pointer consists of.
func (s *Share) namedBy(ctx context.Context, named head) (map[string]bool, error) {
	h, err := s.readHead(ctx, named)
	if err != nil {
		return nil, err
	}
	sums := s.named(ctx, h)
	if len(sums) == 0 {
		return nil, fmt.Errorf("the manifest of pointer %q cannot be read: %w", named.name(), prediag.ErrDamaged)
	}
	return sums, nil
}

func (s *Share) sweepBlobs(ctx context.Context, keep map[string]bool, before time.Time, done *Swept) error {
	type blob struct {
		name string
		size int64
	}
	var old []blob
	err := s.depot.List(ctx, blobPrefix, func(name string, size int64, modified time.Time) error {
		if !keep[name] && modified.Before(before) {
			old = append(old, blob{name, size})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the depot: %w", err)
	}
	for _, b := range old {
		if err := s.depot.Delete(ctx, b.name); err != nil {
			return fmt.Errorf("remove %q: %w", b.name, err)
		}
		done.Blobs, done.Bytes = done.Blobs+1, done.Bytes+b.size
	}
	return nil
}
