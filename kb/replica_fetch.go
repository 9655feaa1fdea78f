package kb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"prediag"
)

// fetchName is the folder of what was fetched of a generation that is not complete yet. It outlives a process that is
// killed, so that nothing has to travel twice.
const fetchName = "fetched"

// Fetch makes the generation that the depot points to the serving one. Files that a generation here has are taken from
// there, the others travel; every one is proved by its SHA-256 before anything opens it. Whatever fails, what serves goes
// on serving, and the next Fetch continues.
//
// The error is of kind prediag.ErrConflict while an Apply runs.
func (s *Share) Fetch(ctx context.Context) (Shared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.newest(ctx)
	if err != nil {
		return Shared{}, err
	}
	out := h.shared()
	if out.Refreshed, err = s.readFresh(ctx); err != nil {
		return out, err
	}
	if h.Generation == 0 || s.kb.Generation().Hash == h.Hash {
		return out, nil
	}
	if !s.kb.building.TryLock() {
		return out, &prediag.Error{Kind: prediag.ErrConflict, Reason: "BUILD_RUNNING", Message: "a build of the knowledge base is running: fetch again when it has ended"}
	}
	defer s.kb.building.Unlock()
	m, raw, err := s.manifestOf(ctx, h)
	if err != nil {
		return out, err
	}
	if m.Format != format || m.Schema != schema {
		return out, fmt.Errorf("generation %d in the depot has format %d, schema %d where this program has %d, %d: run the same program everywhere: %w",
			m.Number, m.Format, m.Schema, format, schema, prediag.ErrNotReady)
	}
	files, err := s.collectFiles(ctx, m, &out)
	if err != nil {
		return out, fmt.Errorf("fetch generation %d: %w", m.Number, err)
	}
	if err = s.raiseHighest(h); err == nil {
		err = s.install(ctx, m, raw, files)
	}
	if err != nil {
		return out, fmt.Errorf("fetch generation %d: %w", m.Number, err)
	}
	out.Changed = true
	return out, nil
}

// collectFiles makes sure that every file of a generation is on this machine, and returns where, by SHA-256.
func (s *Share) collectFiles(ctx context.Context, m *manifest, out *Shared) (map[string]string, error) {
	folder := filepath.Join(s.kb.dir, fetchName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	local := s.localFiles()
	files := map[string]string{}
	for _, f := range m.Files {
		if files[f.SHA256] != "" {
			continue
		}
		fetched := filepath.Join(folder, f.SHA256)
		for _, name := range append(local[f.SHA256], fetched) {
			if sum, size, err := hashFile(ctx, name); err == nil && sum == f.SHA256 && size == f.Size {
				files[f.SHA256] = name
				break
			}
		}
		if files[f.SHA256] != "" {
			continue
		}
		if err := s.download(ctx, f, fetched); err != nil {
			return nil, err
		}
		files[f.SHA256] = fetched
		out.Files, out.Bytes = out.Files+1, out.Bytes+f.Size
	}
	return files, ctx.Err()
}

// localFiles are the files of the generations on this machine, by what they should hold.
func (s *Share) localFiles() map[string][]string {
	files := map[string][]string{}
	numbers, err := generationNumbers(s.kb.dir)
	s.kb.logIf("list generations", err)
	for _, n := range numbers {
		dir := filepath.Join(s.kb.dir, genName(n))
		m, err := readManifest(dir)
		if err != nil {
			continue // damaged: nothing is taken from it
		}
		for _, f := range m.Files {
			files[f.SHA256] = append(files[f.SHA256], filepath.Join(dir, filepath.FromSlash(f.Name)))
		}
	}
	return files
}

// download fetches one file, durably and proved, or not at all.
func (s *Share) download(ctx context.Context, f fileSum, name string) (err error) {
	r, err := s.depot.Get(ctx, blobPrefix+f.SHA256)
	if err != nil {
		return fmt.Errorf("file %q: %w", f.Name, err)
	}
	defer r.Close()
	part := name + ".part"
	w, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), &contextReader{ctx: ctx, r: io.LimitReader(r, f.Size+1)})
	if err == nil && (n != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256) {
		err = fmt.Errorf("the depot's copy is not what the manifest says: %w", prediag.ErrDamaged)
		if n >= f.Size { // not just cut short: the builder sees that it is gone and writes it again
			s.kb.logIf("remove a damaged file from the depot", s.depot.Delete(ctx, blobPrefix+f.SHA256))
		}
	}
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		_ = os.Remove(part) // what is wrong with it is said
		return fmt.Errorf("file %q: %w", f.Name, err)
	}
	return os.Rename(part, name)
}

// raiseHighest remembers the greatest number that was ever current anywhere, where the pointer went back behind it: this
// machine may be the next to build, and no number may come again.
func (s *Share) raiseHighest(h head) error {
	next, err := nextNumber(s.kb.dir)
	if err != nil {
		return err
	}
	if highest := max(h.Highest, next-1); highest > h.Generation {
		return writeHighest(s.kb.dir, highest)
	}
	return nil
}

// install puts a generation together, proves that it opens, and makes it current. A local generation of the same number, one
// that was never published or that is damaged, gives way.
func (s *Share) install(ctx context.Context, m *manifest, raw []byte, files map[string]string) error {
	k := s.kb
	build := filepath.Join(k.dir, fmt.Sprintf("%sfetch-%08d", buildPrefix, m.Number))
	if err := os.RemoveAll(build); err != nil {
		return err
	}
	defer func() { k.logIf("remove what was fetched", os.RemoveAll(build)) }() // gone when all went well
	if err := assemble(ctx, build, m, raw, files); err != nil {
		return err
	}
	if err := proveOpens(build, m); err != nil {
		return err
	}
	dir := filepath.Join(k.dir, genName(m.Number))
	replaced := filepath.Join(k.dir, fmt.Sprintf("%sreplaced-%08d", buildPrefix, m.Number))
	if err := os.RemoveAll(replaced); err != nil {
		return err
	}
	if err := os.Rename(dir, replaced); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(build, dir); err != nil {
		return err
	}
	if err := syncDir(k.dir); err != nil {
		return err
	}
	g, err := openGeneration(dir, m)
	if err != nil {
		return err
	}
	pointer := pointerTo(m)
	if err := replaceFile(filepath.Join(k.dir, pointerName), []byte(pointer)); err != nil {
		return errors.Join(err, g.retire())
	}
	k.seen(pointer)
	if err := k.serve(g); err != nil {
		return err
	}
	k.removeOld(m.Number)
	return errors.Join(os.RemoveAll(replaced), os.RemoveAll(filepath.Join(k.dir, fetchName)))
}

// assemble makes the folder of a generation out of proved files, the manifest last, durably.
func assemble(ctx context.Context, dir string, m *manifest, raw []byte, files map[string]string) error {
	for _, f := range m.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		place := copyFile
		if immutable(f.Name) {
			place = linkFile
		}
		if err := place(ctx, files[f.SHA256], name); err != nil {
			return err
		}
	}
	if err := syncTree(dir, nil); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, manifestName), raw); err != nil {
		return err
	}
	return syncDir(dir)
}

// proveOpens opens a generation and counts its articles.
func proveOpens(dir string, m *manifest) error {
	if err := m.verifySizes(dir); err != nil {
		return err
	}
	g, err := openGeneration(dir, m)
	if err != nil {
		return err
	}
	live := 0
	for _, p := range g.parts {
		live += int(p.Count())
	}
	if err := g.retire(); err != nil {
		return err
	}
	if live != m.Articles {
		return fmt.Errorf("the index holds %d articles where the manifest says %d: %w", live, m.Articles, prediag.ErrDamaged)
	}
	return nil
}
