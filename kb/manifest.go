package kb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"prediag"
)

const (
	// format is the version of the manifest and of the folder's layout.
	format = 1
	// schema is the version of the index's fields and of how they are stored. A generation of another schema cannot be
	// read, so it does not serve; the next ingest builds from scratch.
	schema = 8
	// analysis is the version of how text becomes terms. It goes up together with schema, and what was fitted on scores
	// has to be fitted again.
	analysis = 6

	manifestName = "manifest.json"
	tableName    = "articles.tsv.gz"
	changesName  = "changes.tsv"
	indexName    = "index"
	pointerName  = "CURRENT"
	highestName  = "HIGHEST" // greatest number that was current when the pointer went back, see rollback.go
	genPrefix    = "gen-"
	buildPrefix  = "build-"

	maxManifestBytes = 16 << 20
)

// manifest describes a generation completely: whoever holds it can prove that the folder is what it was.
type manifest struct {
	Format    int              `json:"format"`
	Schema    int              `json:"schema"`
	Number    uint64           `json:"number"`
	Base      uint64           `json:"base,omitempty"` // the generation that it was built out of; 0: from scratch
	Created   time.Time        `json:"created"`
	Articles  int              `json:"articles"`
	Sources   map[string]int   `json:"sources"`
	Languages map[string]int   `json:"languages"`
	Tokens    map[string]int64 `json:"tokens"`  // per field, over the articles that all may read: BM25's average length needs it
	Counted   int              `json:"counted"` // these articles; where there are none, all
	Generic   []string         `json:"generic"` // keys of the titles that say nothing, see genericTitles
	Twins     Twins            `json:"twins"`
	Vectors   *vectorInfo      `json:"vectors,omitempty"` // nil: no embedder was given
	Golden    *GoldenResult    `json:"golden,omitempty"`  // nil: no golden queries were given
	Leads     *ownLeads        `json:"leads,omitempty"`   // nil: there is no article that all may read, or an older version built it
	Files     []fileSum        `json:"files"`             // sorted by name
	Sum       string           `json:"sum"`               // SHA-256 of this manifest with Sum empty
}

// fileSum is what one file of a generation must be.
type fileSum struct {
	Name   string `json:"name"` // relative to the generation's folder, "/" between parts
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m *manifest) bytes() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// generation is the manifest in the words of the root package.
func (m *manifest) generation() prediag.Generation {
	return prediag.Generation{Number: m.Number, Created: m.Created, Articles: m.Articles, Bytes: m.bytes(),
		Sources: maps.Clone(m.Sources), Languages: maps.Clone(m.Languages), Twins: m.Twins.Exact + m.Twins.Near, Hash: m.Sum}
}

// encode is the manifest's file, with Sum filled in.
func (m *manifest) encode() ([]byte, error) {
	sum, err := m.checksum()
	if err != nil {
		return nil, err
	}
	m.Sum = sum
	return m.indented()
}

func (m *manifest) indented() ([]byte, error) { return json.MarshalIndent(m, "", " ") }

func (m *manifest) checksum() (string, error) {
	plain := *m
	plain.Sum = ""
	data, err := json.Marshal(&plain)
	if err != nil {
		return "", fmt.Errorf("encode manifest: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// decodeManifest reads a manifest and proves its own checksum.
func decodeManifest(data []byte) (*manifest, error) {
	m := new(manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", prediag.ErrDamaged, err)
	}
	sum, err := m.checksum()
	if err != nil {
		return nil, err
	}
	again, err := m.indented()
	if err != nil {
		return nil, err
	}
	if sum != m.Sum || !bytes.Equal(data, again) {
		return nil, fmt.Errorf("manifest: checksum does not match: %w", prediag.ErrDamaged)
	}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Name) || path.Clean(f.Name) != f.Name || f.Size < 0 {
			return nil, fmt.Errorf("manifest: impossible file %q: %w", f.Name, prediag.ErrDamaged)
		}
	}
	return m, nil
}

// readManifest reads the manifest of the generation in dir and checks the names and sizes of its files.
func readManifest(dir string) (*manifest, error) {
	name := filepath.Join(dir, manifestName)
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", prediag.ErrDamaged, err)
	}
	if info.Size() > maxManifestBytes {
		return nil, fmt.Errorf("manifest of %d bytes: %w", info.Size(), prediag.ErrDamaged)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", prediag.ErrDamaged, err)
	}
	m, err := decodeManifest(data)
	if err != nil {
		return nil, err
	}
	return m, m.verifySizes(dir)
}

func (m *manifest) verifySizes(dir string) error {
	for _, f := range m.Files {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Name)))
		switch {
		case err != nil:
			return fmt.Errorf("file %q: %w: %w", f.Name, prediag.ErrDamaged, err)
		case info.Size() != f.Size || !info.Mode().IsRegular():
			return fmt.Errorf("file %q has %d bytes where the manifest says %d: %w", f.Name, info.Size(), f.Size, prediag.ErrDamaged)
		}
	}
	return nil
}

// verify proves every byte of the generation in dir.
func (m *manifest) verify(ctx context.Context, dir string) error { return m.verifyPaced(ctx, dir, 0) }

// verifyPaced is verify at no more than rate bytes a second; 0: as fast as it goes.
func (m *manifest) verifyPaced(ctx context.Context, dir string, rate int64) error {
	for _, f := range m.Files {
		sum, size, err := hashPaced(ctx, filepath.Join(dir, filepath.FromSlash(f.Name)), rate)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("file %q: %w: %w", f.Name, prediag.ErrDamaged, err)
		case sum != f.SHA256 || size != f.Size:
			return fmt.Errorf("file %q is not what the manifest says: %w", f.Name, prediag.ErrDamaged)
		}
	}
	return nil
}

// sumFiles lists all files under dir. Hashes that known already holds for an unchanged name are taken from there.
func sumFiles(ctx context.Context, dir string, known map[string]fileSum) ([]fileSum, error) {
	var files []fileSum
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if f, ok := known[rel]; ok {
			files = append(files, f)
			return nil
		}
		sum, size, err := hashFile(ctx, name)
		files = append(files, fileSum{Name: rel, Size: size, SHA256: sum})
		return err
	})
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files, err
}

// genName is the folder of a generation.
func genName(number uint64) string { return fmt.Sprintf("%s%08d", genPrefix, number) }

// parseGenName is the inverse of genName.
func parseGenName(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, genPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && genName(n) == name
}

// readPointer is the number and the manifest's hash that the pointer file names; number 0: there is no pointer file.
func readPointer(dir string) (number uint64, hash string, err error) {
	raw, err := rawPointer(dir)
	if err != nil || raw == noPointer {
		return 0, "", err
	}
	return parsePointer(raw)
}

// noPointer stands for the content of a pointer file that is missing; no file's content begins with this character.
const noPointer = "\x00"

// rawPointer is the content of the pointer file, whatever it says.
func rawPointer(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, pointerName))
	if errors.Is(err, fs.ErrNotExist) {
		return noPointer, nil
	}
	if err != nil {
		return "", fmt.Errorf("pointer file: %w", err)
	}
	return string(data), nil
}

// pointerTo is the content of the pointer file that names a generation.
func pointerTo(m *manifest) string { return fmt.Sprintf("%s %s\n", genName(m.Number), m.Sum) }

// pointed is the generation that a pointer file's content names, for messages.
func pointed(raw string) string {
	number, _, err := parsePointer(raw)
	if err != nil {
		return "none"
	}
	return genName(number)
}

func parsePointer(s string) (number uint64, hash string, err error) {
	name, hash, ok := strings.Cut(strings.TrimSuffix(s, "\n"), " ")
	number, valid := parseGenName(name)
	if !ok || !valid || len(hash) != hex.EncodedLen(sha256.Size) {
		return 0, "", fmt.Errorf("pointer file does not name a generation: %w", prediag.ErrDamaged)
	}
	return number, hash, nil
}

// generationNumbers lists the generations in dir, the newest first.
func generationNumbers(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		if n, ok := parseGenName(e.Name()); ok && e.IsDir() {
			numbers = append(numbers, n)
		}
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] > numbers[j] })
	return numbers, nil
}
