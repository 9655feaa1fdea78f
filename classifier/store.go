package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"prediag"
)

// formatVersion is the version of the files that this package writes. It reads two older ones, too: 3, which knew no letters
// of Hangul, and 2, in which the first layers had eight bits a weight.
const (
	formatVersion = 4
	oldestFormat  = 2
)

const (
	manifestName  = "manifest.json"
	vocabName     = "vocabulary.bin"
	embedName     = "embedding.bin"
	maxManifest   = 16 << 20 // bytes
	maxHidden     = 1 << 16  // units; of a linear part: labels
	maxNetworks   = 64
	maxModelBytes = 4 << 30 // bytes of one file
)

// manifest describes the model's files. It holds no time, so that equal models have equal bytes.
type manifest struct {
	Format   int                 `json:"format"`
	Seed     uint64              `json:"seed"`
	Taxonomy string              `json:"taxonomy"`
	Recipe   recipe              `json:"recipe"`
	Scope    scope               `json:"scope"`
	Networks int                 `json:"networks"`
	Heads    []headManifest      `json:"heads"`
	Files    map[string]fileHash `json:"files"`
}

type headManifest struct {
	Field       string    `json:"field"`
	Labels      []string  `json:"labels"`
	Prior       []float32 `json:"prior"`
	Temperature float32   `json:"temperature"`
	Solo        float32   `json:"solo_temperature"`
	File        string    `json:"file"`
	Wide        bool      `json:"wide"` // has a linear part
}

type fileHash struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Names of the files of the networks after the first one, and of the linear parts.
func moreName(j int) string        { return fmt.Sprintf("embedding-%d.bin", j+1) }
func moreHeadName(i, j int) string { return fmt.Sprintf("head-%d-%d.bin", i, j+1) }
func wideName(i int) string        { return fmt.Sprintf("wide-%d.bin", i) }

// seal encodes the model and derives its version.
func (m *Model) seal() error {
	m.files = map[string][]byte{vocabName: m.vocab.encode(), embedName: m.embed.encode()}
	man := manifest{Format: formatVersion, Seed: m.seed, Taxonomy: m.Taxonomy(), Recipe: m.recipe, Scope: m.scope, Networks: 1 + len(m.more), Files: map[string]fileHash{}}
	for i, h := range m.heads {
		name := fmt.Sprintf("head-%d.bin", i)
		m.files[name] = h.layer.encode()
		for j := range h.more {
			m.files[moreHeadName(i, j)] = h.more[j].encode()
		}
		if h.wide != nil {
			m.files[wideName(i)] = h.wide.encode()
		}
		man.Heads = append(man.Heads, headManifest{h.field, h.labels, h.prior, h.temperature, h.solo, name, h.wide != nil})
	}
	for j, e := range m.more {
		m.files[moreName(j)] = e.encode()
	}
	if m.near != nil {
		m.files[nearName] = m.near.encode()
	}
	if m.report != nil {
		m.files[reportName] = m.report
	}
	for name, data := range m.files {
		sum := sha256.Sum256(data)
		man.Files[name] = fileHash{int64(len(data)), hex.EncodeToString(sum[:])}
	}
	text, err := json.MarshalIndent(man, "", " ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	text = append(text, '\n')
	m.files[manifestName] = text
	m.version = short(text)
	return nil
}

// Save writes the model to dir: first all files beside it, synchronised to disk, then one rename. An older model in
// dir is replaced; a dir that holds anything else is refused with ErrInvalid.
func (m *Model) Save(dir string) error {
	if m == nil || len(m.heads) == 0 {
		return notTrained()
	}
	if err := checkTarget(dir); err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-new-")
	if err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // nothing is left of it when the rename was done
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		if err := writeFile(filepath.Join(temp, name), m.files[name]); err != nil {
			return fmt.Errorf("save model: %w", err)
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if err := syncDir(temp); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	return swap(temp, dir, parent)
}

// checkTarget refuses a folder that holds something else than a model.
func checkTarget(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return prediag.Invalid("MODEL_DIR", "model", fmt.Sprintf("cannot save a model to %q: %v", dir, err))
	}
	if len(entries) == 0 {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	var man manifest
	if err == nil && json.Unmarshal(data, &man) == nil && man.Format > 0 && len(man.Heads) > 0 {
		return nil
	}
	return prediag.Invalid("MODEL_DIR", "model", fmt.Sprintf(
		"%q holds files but no model: name an empty or new folder, nothing was overwritten", dir))
}

// swap puts temp in the place of dir. The old model stands aside until the new one is in place.
func swap(temp, dir, parent string) error {
	old := temp + "-old"
	err := os.Rename(dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save model: %w", err)
	}
	replaced := err == nil
	if err := os.Rename(temp, dir); err != nil {
		if replaced {
			err = errors.Join(err, os.Rename(old, dir))
		}
		return fmt.Errorf("save model: %w", err)
	}
	if err := syncDir(parent); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if replaced {
		return os.RemoveAll(old)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// maxChases is how often Load begins again when the model is replaced while it reads.
const maxChases = 10

// Load reads the model in dir, of a folder of versions the current one, and checks every byte of it against its
// checksums. A missing model is of kind ErrNotFound; one that is damaged, or of another format version, of kind
// ErrDamaged. Both name the remedy.
func Load(dir string) (*Model, error) {
	folder, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	m, err := loadFlat(folder)
	for range maxChases {
		again, _ := resolve(dir)
		if err == nil || again == folder || again == "" {
			break
		}
		folder = again // it was replaced while it was read
		m, err = loadFlat(folder)
	}
	if err == nil && folder != dir && m.Version() != filepath.Base(folder) {
		return nil, damaged(folder, manifestName, fmt.Errorf("is that of model %q", m.Version()))
	}
	return m, err
}

// loadFlat reads the model whose files lie in dir itself.
func loadFlat(dir string) (*Model, error) {
	data, err := readFile(filepath.Join(dir, manifestName), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "MODEL_NOT_FOUND", Message: fmt.Sprintf(
			"no model in %q: train one with `prediag train --tickets FILE --model %s`", dir, dir)}
	}
	if err != nil {
		return nil, damaged(dir, manifestName, err)
	}
	m, name, err := decode(data, func(name string, limit int64) ([]byte, error) {
		return readFile(filepath.Join(dir, name), limit)
	})
	if err != nil {
		return nil, damaged(dir, name, err)
	}
	return m, nil
}

func damaged(dir, name string, cause error) error {
	folder, remedy := dir, "restore the folder from a backup"
	if versions := filepath.Dir(dir); filepath.Base(versions) == versionsName {
		folder = filepath.Dir(versions)
		remedy = fmt.Sprintf("fall back with `prediag model rollback --model %s`, restore the folder from a backup,", folder)
	}
	return &prediag.Error{Kind: prediag.ErrDamaged, Reason: "MODEL_DAMAGED", Err: cause, Message: fmt.Sprintf(
		"model file %q cannot be used: %s or train again with `prediag train --tickets FILE --model %s`", filepath.Join(dir, name), remedy, folder)}
}

// readFile reads at most limit bytes; a longer file is an error.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("is %d bytes long, expected at most %d", info.Size(), limit)
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// decode builds a model from its manifest and the files that read returns. On failure it names the file at fault.
func decode(data []byte, read func(name string, limit int64) ([]byte, error)) (*Model, string, error) {
	var man manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := json.Unmarshal(data, &struct {
		Format *int `json:"format"`
	}{&man.Format}); err != nil {
		return nil, manifestName, err
	}
	if man.Format < oldestFormat || man.Format > formatVersion {
		return nil, manifestName, fmt.Errorf("format version %d, this program reads versions %d to %d", man.Format, oldestFormat, formatVersion)
	}
	if err := d.Decode(&man); err != nil {
		return nil, manifestName, err
	}
	if err := man.check(); err != nil {
		return nil, manifestName, err
	}
	m := &Model{recipe: man.Recipe, scope: man.Scope, seed: man.Seed, version: short(data), files: map[string][]byte{manifestName: data}}
	load := func(name string) ([]byte, error) {
		want := man.Files[name]
		b, err := read(name, want.Bytes)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(b); int64(len(b)) != want.Bytes || hex.EncodeToString(sum[:]) != want.SHA256 {
			return nil, fmt.Errorf("checksum does not match the manifest")
		}
		m.files[name] = b
		return b, nil
	}
	b, err := load(vocabName)
	if err != nil {
		return nil, vocabName, err
	}
	if m.vocab, err = decodeVocabulary(b); err != nil {
		return nil, vocabName, err
	}
	if b, err = load(embedName); err != nil {
		return nil, embedName, err
	}
	if m.embed, err = decodeEmbedding(b, len(m.vocab.hashes)); err != nil {
		return nil, embedName, err
	}
	if name, err := m.decodeMore(man, load); err != nil {
		return nil, name, err
	}
	for i := range man.Heads {
		if name, err := m.decodeHead(man, i, load); err != nil {
			return nil, name, err
		}
	}
	if _, ok := man.Files[reportName]; ok {
		if m.report, err = load(reportName); err != nil {
			return nil, reportName, err
		}
	}
	if _, ok := man.Files[nearName]; ok { // a model of before it was there has none
		if b, err = load(nearName); err != nil {
			return nil, nearName, err
		}
		if m.near, err = decodeNear(b, m.embed.hidden, len(m.heads[0].labels)); err != nil {
			return nil, nearName, err
		}
	}
	return m, "", nil
}

// decodeMore reads the networks after the first one. On failure it names the file at fault.
func (m *Model) decodeMore(man manifest, load func(string) ([]byte, error)) (string, error) {
	for j := range man.Networks - 1 {
		b, err := load(moreName(j))
		if err != nil {
			return moreName(j), err
		}
		e, err := decodeEmbedding(b, len(m.vocab.hashes))
		if err != nil {
			return moreName(j), err
		}
		m.more = append(m.more, e)
	}
	return "", nil
}

// decodeHead reads head i. On failure it names the file at fault.
func (m *Model) decodeHead(man manifest, i int, load func(string) ([]byte, error)) (string, error) {
	hm := man.Heads[i]
	h := &head{field: hm.Field, labels: hm.Labels, prior: hm.Prior, temperature: hm.Temperature, solo: hm.Solo}
	b, err := load(hm.File)
	if err == nil {
		h.layer, err = decodeLayer(b, len(h.labels), m.embed.hidden)
	}
	if err != nil {
		return hm.File, err
	}
	for j, e := range m.more {
		if len(h.labels) == 1 {
			break
		}
		b, err := load(moreHeadName(i, j))
		var l layer
		if err == nil {
			l, err = decodeLayer(b, len(h.labels), e.hidden)
		}
		if err != nil {
			return moreHeadName(i, j), err
		}
		h.more = append(h.more, l)
	}
	if hm.Wide {
		b, err := load(wideName(i))
		if err == nil {
			h.wide, err = decodeEmbedding(b, len(m.vocab.hashes))
		}
		if err == nil && h.wide.hidden != strideOf(len(h.labels)) {
			err = fmt.Errorf("has %d units for %d labels", h.wide.hidden, len(h.labels))
		}
		if err != nil {
			return wideName(i), err
		}
	}
	m.heads = append(m.heads, h)
	return "", nil
}

// check refuses what no manifest of this package holds.
func (m *manifest) check() error {
	if len(m.Heads) == 0 {
		return errors.New("holds no field")
	}
	if m.Networks < 1 || m.Networks > maxNetworks {
		return fmt.Errorf("has %d networks", m.Networks)
	}
	r := m.Recipe
	if r.CharMin < 1 || r.CharMax < r.CharMin || r.CharMax > 16 || r.PairWindow < 0 || r.PairWindow > 256 {
		return errors.New("recipe out of range")
	}
	if !finite(r.PairWeight, r.NextWeight, r.CharWeight, r.EdgeWeight, r.StyleWeight, r.FieldWeight, r.TitleWeight) {
		return errors.New("recipe out of range")
	}
	if !m.Scope.sound() {
		return errors.New("scope out of range")
	}
	for i, h := range m.Heads {
		if len(h.Labels) == 0 || len(h.Prior) != len(h.Labels) || !finite(h.Prior...) {
			return fmt.Errorf("field %q: %d labels, %d priors", h.Field, len(h.Labels), len(h.Prior))
		}
		if !(h.Temperature > 0) || !finite(h.Temperature) || !(h.Solo > 0) || !finite(h.Solo) {
			return fmt.Errorf("field %q: temperatures %v, %v", h.Field, h.Temperature, h.Solo)
		}
		if h.File != fmt.Sprintf("head-%d.bin", i) {
			return fmt.Errorf("field %q: file %q", h.Field, h.File)
		}
	}
	for name, f := range m.Files {
		if f.Bytes < 0 || f.Bytes > maxModelBytes {
			return fmt.Errorf("file %q: %d bytes", name, f.Bytes)
		}
	}
	return nil
}

func finite(list ...float32) bool {
	for _, v := range list {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
