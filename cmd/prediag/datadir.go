package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"prediag"
	"prediag/internal/demo"
	"prediag/kb"
)

// dataDir is the folder that holds everything a service keeps.
type dataDir string

func (d dataDir) kb() string         { return filepath.Join(string(d), "kb") }
func (d dataDir) model() string      { return filepath.Join(string(d), "model") }
func (d dataDir) state() string      { return filepath.Join(string(d), "state.db") }
func (d dataDir) lessons() string    { return filepath.Join(string(d), "lessons.bin") }
func (d dataDir) policy() string     { return filepath.Join(string(d), "policy.yaml") }
func (d dataDir) golden() string     { return filepath.Join(string(d), "golden.yaml") }
func (d dataDir) glossary() string   { return filepath.Join(string(d), "glossary.yaml") }
func (d dataDir) ranker() string     { return filepath.Join(string(d), "ranker.json") }
func (d dataDir) embeddings() string { return filepath.Join(string(d), "embeddings.yaml") }
func (d dataDir) sources() string    { return filepath.Join(string(d), "sources.json") }
func (d dataDir) ledger() string     { return filepath.Join(string(d), "ledger") }
func (d dataDir) cache() string      { return filepath.Join(string(d), "cache") }
func (d dataDir) refreshes() string  { return filepath.Join(string(d), "refresh.json") }
func (d dataDir) lock() string       { return filepath.Join(string(d), "lock") }
func (d dataDir) holder() string     { return filepath.Join(string(d), "holder.json") }

// openKB opens the knowledge base with the maintainer's glossary and embeddings and the learned order of its own, where there are such.
func (d dataDir) openKB(opt kb.Options) (*kb.KB, error) { return d.openLearnt(opt, "") }

// openLearnt opens the knowledge base with a learned order out of a file; empty: of its own, where there is one.
func (d dataDir) openLearnt(opt kb.Options, file string) (*kb.KB, error) {
	raw, err := d.readRanker(file)
	if err != nil {
		return nil, err
	}
	opt.Ranker = raw
	k, err := d.openUnlearnt(opt)
	var invalid *prediag.Error
	if errors.As(err, &invalid) && invalid.Field == "ranker" {
		return nil, fmt.Errorf("%q: %w", cmp.Or(file, d.ranker()), err)
	}
	return k, err
}

// readRanker reads the learned order in a file; empty: the folder's own, where there is one.
func (d dataDir) readRanker(file string) ([]byte, error) {
	if file != "" {
		return readFile("ranker", file, func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxRankerBytes)) })
	}
	raw, err := os.ReadFile(d.ranker())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read ranker: %w", err)
	}
	return raw, nil
}

// maxRankerBytes bounds what is read of a ranker's file; a whole one has a few KiB.
const maxRankerBytes = 1 << 20

// openUnlearnt opens the knowledge base with the maintainer's glossary and embeddings, under the built-in order unless opt names another.
func (d dataDir) openUnlearnt(opt kb.Options) (*kb.KB, error) {
	var err error
	if opt.Glossary, err = d.readGlossary(); err != nil {
		return nil, err
	}
	if opt.Embedding, err = d.embedding(); err != nil {
		return nil, err
	}
	k, err := kb.Open(d.kb(), opt)
	var invalid *prediag.Error
	if errors.As(err, &invalid) && invalid.Field == "glossary" {
		return nil, fmt.Errorf("%q: %w", d.glossary(), err)
	}
	return k, err
}

// readGlossary reads the maintainer's glossary. The embedded demo brings one along, which counts as long as the folder has none.
func (d dataDir) readGlossary() ([]byte, error) {
	raw, err := os.ReadFile(d.glossary())
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return raw, err // the error names the file
	}
	list, err := d.readSources()
	if err != nil || !list.isDemo() {
		return nil, err
	}
	return demo.Glossary()
}

// holder is the process that holds a data folder.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // e.g. "serve"
	GRPC    string    `json:"grpc"`    // where it listens; empty: it does not
	Since   time.Time `json:"since"`
}

// inUseError is the error of a data folder that another process holds. It is of kind prediag.ErrLocked.
type inUseError struct {
	dir dataDir
	by  holder
}

func (e *inUseError) Error() string {
	if e.by.PID == 0 {
		return fmt.Sprintf("data folder %q is in use by another process: wait for it to end, or use another --data-dir", string(e.dir))
	}
	return fmt.Sprintf("data folder %q is in use by prediag %s (process %d, since %s): stop it, or use another --data-dir",
		string(e.dir), e.by.Command, e.by.PID, e.by.Since.Format(time.DateTime))
}

// Unwrap gives the kind.
func (e *inUseError) Unwrap() error { return prediag.ErrLocked }

// holding is the right to use a data folder, alone.
type holding struct {
	dir  dataDir
	lock *flock.Flock
	me   holder
}

// holdToServe is hold for the service, once the maintainer's golden queries can be read: a fault in them is said before anything is
// trained or indexed.
func (d dataDir) holdToServe() (*holding, error) {
	if _, err := d.readGolden(); err != nil {
		return nil, err
	}
	return d.hold("serve")
}

// hold makes the folder where needed and takes it, at once or not at all: *inUseError when another process has it.
func (d dataDir) hold(command string) (*holding, error) {
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w: choose one that can be written with --data-dir", err)
	}
	lock := flock.New(d.lock(), flock.SetPermissions(0o644))
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data folder %q: %w: choose one that can be written with --data-dir", string(d), err)
	}
	if !got {
		return nil, &inUseError{dir: d, by: d.whoHolds()}
	}
	h := &holding{dir: d, lock: lock, me: holder{PID: os.Getpid(), Command: command, Since: time.Now().Round(time.Second)}}
	if err := h.announce(""); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder %q: %w: choose one that can be written with --data-dir", string(d), err), lock.Unlock())
	}
	return h, nil
}

// announce says where the holder listens.
func (h *holding) announce(grpcAddr string) error {
	h.me.GRPC = grpcAddr
	return writeJSON(h.dir.holder(), h.me)
}

// release gives the folder back.
func (h *holding) release() error {
	err := os.Remove(h.dir.holder())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, h.lock.Unlock())
}

// whoHolds reads what the holder announced; the zero holder where it said nothing.
func (d dataDir) whoHolds() holder {
	var h holder
	if raw, err := os.ReadFile(d.holder()); err == nil {
		_ = json.Unmarshal(raw, &h) // half written: as good as nothing
	}
	return h
}

// service returns the running service that holds the folder, and whether there is one.
func (d dataDir) service() (holder, bool) {
	lock := flock.New(d.lock())
	if _, err := os.Stat(d.lock()); err != nil {
		return holder{}, false
	}
	got, err := lock.TryRLock()
	if err != nil {
		return holder{}, false
	}
	if got {
		_ = lock.Unlock() // taken only to look
		return holder{}, false
	}
	h := d.whoHolds()
	return h, h.GRPC != ""
}

// exists refuses a data folder that is not there, for commands that only read.
func (d dataDir) exists() error {
	info, err := os.Stat(string(d))
	if err == nil && info.IsDir() {
		return nil
	}
	return &prediag.Error{
		Kind: prediag.ErrNotFound, Reason: "DATA_DIR_NOT_FOUND",
		Message: fmt.Sprintf("data folder %q does not exist: fill it with prediag ingest --data-dir %s SOURCE, or start prediag serve --data-dir %s",
			string(d), string(d), string(d)),
	}
}

// writeJSON replaces a file as a whole: after a crash it holds the old content or the new one.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, append(raw, '\n'))
}

func writeFile(path string, raw []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // left over from the failure that is reported
		}
	}()
	_, werr := f.Write(raw)
	if err := errors.Join(werr, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// settings names how the folder's knowledge base searches. An empty name has no learned order.
func (d dataDir) settings() (string, error) {
	if d == "" {
		return kb.Settings(), nil
	}
	raw, err := d.readRanker("")
	if err != nil || len(raw) == 0 {
		return kb.Settings(), err
	}
	r, err := kb.ParseRanker(raw)
	if err != nil {
		return "", fmt.Errorf("%q: %w", d.ranker(), err)
	}
	return r.Serves(), nil
}
