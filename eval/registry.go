package eval

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prediag"
)

// RunRecord is what a registry knows about one run: where its figures come from, and the figures.
type RunRecord struct {
	ID       string            `json:"id"`   // given by Save: time, kind and a hash of the record
	Kind     string            `json:"kind"` // "classify", "retrieve", …
	Name     string            `json:"name,omitempty"`
	Created  time.Time         `json:"created"`
	Commit   string            `json:"commit,omitempty"` // of the code
	Dirty    bool              `json:"dirty,omitempty"`  // the code had changes beside the commit
	Model    string            `json:"model,omitempty"`
	Taxonomy string            `json:"taxonomy,omitempty"`
	Index    string            `json:"index,omitempty"`
	Policy   string            `json:"policy,omitempty"`
	Data     map[string]string `json:"data,omitempty"` // role and file name, e.g. "tickets/test.jsonl" → SHA-256 of the content
	Seed     uint64            `json:"seed"`
	Go       string            `json:"go,omitempty"`
	Machine  string            `json:"machine,omitempty"`
	Figures  map[string]Number `json:"figures,omitempty"`
	Headline string            `json:"headline,omitempty"` // key of the figure that lists show
}

// RunSummary is a run as a list shows it.
type RunSummary struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Name     string    `json:"name,omitempty"`
	Created  time.Time `json:"created"`
	Commit   string    `json:"commit,omitempty"`
	Dirty    bool      `json:"dirty,omitempty"`
	Model    string    `json:"model,omitempty"`
	Headline string    `json:"headline,omitempty"`
	Value    Number    `json:"value"` // of the headline
	Low      Number    `json:"low"`
	High     Number    `json:"high"`
}

func (r RunRecord) summary() RunSummary {
	figure := func(key string) Number {
		if v, ok := r.Figures[key]; ok {
			return v
		}
		return Undefined()
	}
	return RunSummary{
		ID: r.ID, Kind: r.Kind, Name: r.Name, Created: r.Created, Commit: r.Commit, Dirty: r.Dirty, Model: r.Model, Headline: r.Headline,
		Value: figure(r.Headline), Low: figure(r.Headline + "_low"), High: figure(r.Headline + "_high"),
	}
}

// Registry is a folder of runs: one folder for each, with "run.json" and whatever files the run has. The file
// "index.tsv" beside them is a cache that makes List fast; it is mended when it does not fit the folders, so that a
// run may be removed or copied with the tools of the system.
type Registry struct{ dir string }

const (
	recordFile = "run.json"
	indexFile  = "index.tsv"
)

// OpenRegistry makes the folder where it does not exist.
func OpenRegistry(dir string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return &Registry{dir: dir}, nil
}

// Save stores a run with its files (base name → content) and returns its ID. The run is there as a whole or not at all;
// it is on disk when Save returns. A file name that is not a plain one is of kind ErrInvalid; the same run saved twice
// is of kind ErrConflict.
func (r *Registry) Save(record RunRecord, files map[string][]byte) (string, error) {
	id, err := runID(record)
	if err != nil {
		return "", err
	}
	record.ID = id
	raw, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, id)); err == nil {
		return "", fmt.Errorf("registry: the run %q is already stored: %w", id, prediag.ErrConflict)
	}
	tmp, err := os.MkdirTemp(r.dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // nothing is left of it when the rename was done
	files = maps.Clone(files)
	if files == nil {
		files = map[string][]byte{}
	}
	files[recordFile] = append(raw, '\n')
	if err := writeFiles(tmp, files); err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(r.dir, id)); err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	if err := syncDir(r.dir); err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	return id, r.appendIndex(record.summary())
}

// runID is sortable by time and differs for different records.
func runID(record RunRecord) (string, error) {
	if record.Kind == "" || strings.ContainsFunc(record.Kind, func(c rune) bool { return c < 'a' || c > 'z' }) {
		return "", prediag.Invalid("KIND_INVALID", "kind", fmt.Sprintf("the kind %.40q of a run must be a lower-case word", record.Kind))
	}
	record.ID = ""
	raw, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("registry: %w", err)
	}
	sum := sha256.Sum256(raw)
	return record.Created.UTC().Format("20060102T150405.000") + "-" + record.Kind + "-" + hex.EncodeToString(sum[:4]), nil
}

func writeFiles(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != filepath.Base(name) || name == "." || name == ".." {
			return prediag.Invalid("FILE_NAME_INVALID", "files", fmt.Sprintf("%.80q is no plain file name", name))
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(files[name])
		if err = cmp.Or(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // MkdirTemp is for the owner only
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}

// List returns all runs, oldest first. A folder whose record cannot be read is left out.
func (r *Registry) List() ([]RunSummary, error) {
	names, err := r.folders()
	if err != nil {
		return nil, err
	}
	known := r.readIndex()
	runs := make([]RunSummary, 0, len(names))
	mended := len(known) != len(names)
	for _, name := range names {
		run, ok := known[name]
		if !ok {
			mended = true
			record, err := r.read(name)
			if err != nil {
				continue
			}
			run = record.summary()
		}
		runs = append(runs, run)
	}
	if mended {
		if err := r.writeIndex(runs); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// folders gives the names of the stored runs, sorted.
func (r *Registry) folders() ([]string, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (r *Registry) read(id string) (RunRecord, error) {
	raw, err := os.ReadFile(filepath.Join(r.dir, id, recordFile))
	if err != nil {
		return RunRecord{}, fmt.Errorf("registry: %w", err)
	}
	var record RunRecord
	if err := json.Unmarshal(raw, &record); err != nil || record.ID != id {
		return RunRecord{}, fmt.Errorf("registry: %s of the run %q cannot be read (%w); restore or remove its folder: %w", recordFile, id, err, prediag.ErrDamaged)
	}
	return record, nil
}

// Load finds a run by its ID, by the beginning of it, by its name (the newest one), or as "latest", and returns its
// record and its files. None is of kind ErrNotFound, a beginning that several runs share of kind ErrInvalid.
func (r *Registry) Load(which string) (RunRecord, fs.FS, error) {
	runs, err := r.List()
	if err != nil {
		return RunRecord{}, nil, err
	}
	id, err := find(runs, which)
	if err != nil {
		return RunRecord{}, nil, err
	}
	record, err := r.read(id)
	if err != nil {
		return RunRecord{}, nil, err
	}
	return record, os.DirFS(filepath.Join(r.dir, id)), nil
}

func find(runs []RunSummary, which string) (id string, err error) {
	var begin []string
	for _, run := range slices.Backward(runs) {
		if run.ID == which || run.Name == which && which != "" || which == "latest" {
			return run.ID, nil
		}
		if which != "" && strings.HasPrefix(run.ID, which) {
			begin = append(begin, run.ID)
		}
	}
	switch len(begin) {
	case 0:
		return "", fmt.Errorf("no run %.80q among %d; list the runs: %w", which, len(runs), prediag.ErrNotFound)
	case 1:
		return begin[0], nil
	}
	return "", prediag.Invalid("RUN_AMBIGUOUS", "run", fmt.Sprintf("%d runs begin with %.80q; give more of the id", len(begin), which))
}
