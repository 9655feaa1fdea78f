package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Ledger remembers, from one refresh to the next, what the index does not hold: how far the sources were walked, and
// what was left out of them. It is a memory only: without it, or when it and the index do not agree, the next refresh
// reads everything.
type Ledger interface {
	// Load returns what was saved of a source; the zero Entry when there is nothing or it cannot be read.
	Load(source string) (LedgerEntry, error)
	Save(source string, e LedgerEntry) error
}

// LedgerEntry is what the ledger holds of one source.
type LedgerEntry struct {
	Source string          `json:"source"`
	Parser string          `json:"parser"`         // version of the parsers
	Config string          `json:"config"`         // names how the source was configured
	Known  string          `json:"known"`          // digest of what the index held of the source
	Mark   json.RawMessage `json:"mark,omitempty"` // from which an Incremental goes on
	Walked time.Time       `json:"walked"`         // when a refresh last read the source as it was due
	// Left are the files and records that gave no article, by fingerprint, or by path where they could not be read. At
	// most 10,000 are remembered.
	Left map[string]LeftOut `json:"left,omitempty"`
}

// LeftOut is a file or record that gave no article.
type LeftOut struct {
	Path   string    `json:"path"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"` // when it was first met like this
}

// maxLeft is how many files and records that gave no article are remembered of a source.
const maxLeft = 10_000

// Quarantine lists what should have given an article and did not, sorted by path.
func (e LedgerEntry) Quarantine() []LeftOut {
	var out []LeftOut
	for _, l := range e.Left {
		if isFault(l.Reason) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b LeftOut) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Since.Compare(b.Since))
	})
	return out
}

// FileLedger keeps the ledger as one file per source in a folder, which it makes.
type FileLedger struct{ Dir string }

// path names a source's file by a hash, for a name may hold anything.
func (l FileLedger) path(source string) string {
	sum := sha256.Sum256([]byte(source))
	return filepath.Join(l.Dir, hex.EncodeToString(sum[:12])+".json")
}

// LedgerTemp is the pattern of the names of files that a killed process may leave in the folder of a FileLedger.
const LedgerTemp = "tmp-*"

// Load reads a source's entry. A file that cannot be understood counts as none.
func (l FileLedger) Load(source string) (LedgerEntry, error) {
	raw, err := os.ReadFile(l.path(source))
	if errors.Is(err, fs.ErrNotExist) {
		return LedgerEntry{}, nil
	}
	if err != nil {
		return LedgerEntry{}, fmt.Errorf("ledger of source %q: %w", source, err)
	}
	var e LedgerEntry
	if json.Unmarshal(raw, &e) != nil || e.Source != source {
		return LedgerEntry{}, nil
	}
	return e, nil
}

// Save replaces a source's entry: after a crash there is the old one or the new one.
func (l FileLedger) Save(source string, e LedgerEntry) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("ledger of source %q: %w", source, err)
		}
	}()
	e.Source = source
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(l.Dir, LedgerTemp)
	if err != nil {
		return err
	}
	_, werr := f.Write(raw)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), l.path(source))
}

// digest is a hash of what the index holds of a source, whatever the order.
func digest(known map[string]string) string {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(known)) {
		put(h, id, known[id])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// configOf names how a source was configured; empty for one that was not.
func configOf(src Source) string {
	if c, ok := src.(interface{ Config() string }); ok {
		return c.Config()
	}
	return ""
}

// loadLedger fills in what the ledger holds of a source. Its mark counts only while parsers,
// configuration and index are what they were.
func (r *refresh) loadLedger(st *sourceState) error {
	if r.opt.Ledger == nil {
		return nil
	}
	e, err := r.opt.Ledger.Load(st.src.Name())
	if err != nil {
		return err
	}
	st.old = e
	if inc, ok := st.src.(Incremental); ok {
		st.inc, st.touched, st.byKey = inc, map[string]bool{}, map[string][]string{}
		for id, print := range st.known {
			key := keyOf(print)
			st.byKey[key] = append(st.byKey[key], id)
		}
		if e.Parser == parserVersion && e.Config == configOf(st.src) && e.Known == digest(st.known) && !r.force && !r.opt.RetryQuarantined {
			st.mark = e.Mark
		}
	}
	st.leftAt = map[string][]string{}
	for print, l := range e.Left {
		st.leftAt[l.Path] = append(st.leftAt[l.Path], print)
	}
	return nil
}

// leave remembers a file or record that gave no article. Of a folder's files only faults are worth it; of an
// Incremental's all, because they do not come again while they stay the same.
func (st *sourceState) leave(print, path, reason string, now time.Time) {
	if st.inc == nil && !isFault(reason) || len(st.left) >= maxLeft {
		return
	}
	if print == "" || reason == SkipNoWorker { // it was not the file's fault: the next refresh tries again
		print = path
	}
	l := LeftOut{Path: path, Reason: reason, Since: now}
	if old, ok := st.old.Left[print]; ok && old.Reason == reason {
		l.Since = old.Since
	}
	if st.left == nil {
		st.left = map[string]LeftOut{}
	}
	st.left[print] = l
}

// saveLedger writes down how far each source was walked. What fails costs only that the next refresh reads more.
func (r *refresh) saveLedger(ctx context.Context) {
	if r.opt.Ledger == nil {
		return
	}
	for _, st := range r.states {
		if st.down {
			continue // what was known of it stands
		}
		e := LedgerEntry{Source: st.src.Name(), Parser: parserVersion, Config: configOf(st.src), Walked: r.opt.Now(), Left: st.left}
		if known, err := r.knownAfter(ctx, st); err == nil && known != nil {
			e.Known = digest(known)
			if st.inc != nil && st.walked.Mark != nil && !st.partial && !st.torn {
				e.Mark = st.walked.Mark
			}
		}
		if err := r.opt.Ledger.Save(e.Source, e); err != nil {
			r.opt.Logger.ErrorContext(ctx, "ledger cannot be written", "source", e.Source, "err", err)
		}
	}
}

// compared reports whether a later refresh compares what the index holds of the source with what it held: for one without marks and
// without a schedule it does not.
func (st *sourceState) compared() bool { return st.inc != nil || every(st.src) > 0 }

// knownAfter is what the index holds of a source after the refresh; nil where it will not be compared.
func (r *refresh) knownAfter(ctx context.Context, st *sourceState) (map[string]string, error) {
	switch {
	case !st.compared():
		return nil, nil
	case !r.report.Applied && r.index.Generation().Number == r.report.Generation:
		return st.known, nil
	}
	return r.index.Known(ctx, st.src.Name())
}

// Entries returns the entries of all sources, by name.
func (l FileLedger) Entries() ([]LedgerEntry, error) {
	files, err := os.ReadDir(l.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var out []LedgerEntry
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(l.Dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		var e LedgerEntry
		if filepath.Ext(f.Name()) == ".json" && json.Unmarshal(raw, &e) == nil {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b LedgerEntry) int { return strings.Compare(a.Source, b.Source) })
	return out, nil
}
