package classifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func smallModel(t testing.TB) *Model {
	t.Helper()
	m, _, err := Train(context.Background(), smallExamples(), Options{Epochs: 3, Rounds: 1})
	require.NoError(t, err)
	return m
}

func saved(t *testing.T) (string, *Model) {
	t.Helper()
	m, dir := smallModel(t), filepath.Join(t.TempDir(), "deep", "model")
	require.NoError(t, m.Save(dir))
	return dir, m
}

func TestSaveAndLoadKeepTheModel(t *testing.T) {
	dir, m := saved(t)
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, m.Version(), back.Version())
	require.Equal(t, m.Fields(), back.Fields())
	require.Equal(t, m.Labels(prediag.FieldCategory), back.Labels(prediag.FieldCategory))
	require.Equal(t, m.Taxonomy(), back.Taxonomy())
	for _, e := range smallExamples() {
		require.Equal(t, classify(t, m, e.Ticket.Body), classify(t, back, e.Ticket.Body))
	}
	require.NoError(t, back.Save(dir), "a model may be replaced")
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary stays behind")
}

func TestSaveRefusesAFolderOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "precious.txt")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	m := smallModel(t)
	require.ErrorIs(t, m.Save(dir), prediag.ErrInvalid)
	require.ErrorIs(t, m.Save(file), prediag.ErrInvalid)
	require.FileExists(t, file)
	require.ErrorIs(t, (&Model{}).Save(dir), prediag.ErrNotReady)
	require.NoError(t, m.Save(filepath.Join(dir, "model")))
}

func TestLoadNamesTheRemedy(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.ErrorContains(t, err, "prediag train --tickets FILE --model")
}

func TestLoadNoticesDamage(t *testing.T) {
	dir, m := saved(t)
	for _, name := range []string{manifestName, vocabName, embedName, nearName, moreName(0), moreHeadName(1, 0)} {
		require.Contains(t, slices.Collect(maps.Keys(m.files)), name)
	}
	for name := range m.files {
		path := filepath.Join(dir, name)
		good := m.files[name]
		damage := map[string]func(){
			"flipped bit": func() {
				bad := append([]byte(nil), good...)
				bad[len(bad)/2] ^= 0x10
				require.NoError(t, os.WriteFile(path, bad, 0o600))
			},
			"cut":     func() { require.NoError(t, os.WriteFile(path, good[:len(good)/2], 0o600)) },
			"empty":   func() { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
			"longer":  func() { require.NoError(t, os.WriteFile(path, append(append([]byte(nil), good...), 'x'), 0o600)) },
			"missing": func() { require.NoError(t, os.Remove(path)) },
		}
		for kind, do := range damage {
			t.Run(name+" "+kind, func(t *testing.T) {
				do()
				loaded, err := Load(dir)
				require.NoError(t, os.WriteFile(path, good, 0o600))
				switch {
				case name == manifestName && kind == "missing":
					require.ErrorIs(t, err, prediag.ErrNotFound)
				case name == manifestName && kind == "flipped bit" && err == nil:
					require.NotEqual(t, m.Version(), loaded.Version(), "the version is the manifest's hash")
				default:
					require.ErrorIs(t, err, prediag.ErrDamaged)
					if name != manifestName || kind != "flipped bit" { // which may stand in the checksum of another file
						require.ErrorContains(t, err, name)
					}
					require.ErrorContains(t, err, "train again")
				}
			})
		}
	}
}

func TestLoadRefusesOtherVersions(t *testing.T) {
	dir, _ := saved(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, manifestName), []byte(`{"format": 99}`), 0o600))
	_, err := Load(dir)
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.ErrorContains(t, err, "format version 99")
}

// A model of the format before knows no letters of Hangul, and is not asked with them.
func TestLoadReadsTheFormatBefore(t *testing.T) {
	dir, _ := saved(t)
	name := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, part := range []string{`"format": 4`, `"hangul": true`} {
		require.Contains(t, string(b), part)
	}
	b = bytes.Replace(b, []byte(`"format": 4`), []byte(`"format": 3`), 1)
	b = regexp.MustCompile(`,\s*"hangul": true`).ReplaceAll(b, nil)
	require.NoError(t, os.WriteFile(name, b, 0o600))
	m, err := Load(dir)
	require.NoError(t, err)
	require.False(t, m.recipe.Hangul)
	require.Equal(t, float32(2), m.recipe.TitleWeight)
}

// reseal writes the files' true checksums into the manifest, so that the decoders behind them are reached.
func reseal(files map[string][]byte, man manifest) []byte {
	man.Files = map[string]fileHash{}
	for name, b := range files {
		sum := sha256.Sum256(b)
		man.Files[name] = fileHash{int64(len(b)), hex.EncodeToString(sum[:])}
	}
	text, _ := json.Marshal(man)
	return text
}

func FuzzDecode(f *testing.F) {
	m := smallModel(f)
	var man manifest
	require.NoError(f, json.Unmarshal(m.files[manifestName], &man))
	f.Add(m.files[vocabName], m.files[embedName], m.files["head-0.bin"], 128, 16)
	f.Add([]byte("PDVO\x01\x00"), []byte("PDE5\x08\x00\x00\x00\x00\x00\x00\x00"), []byte("PDHE"), 8, 0)
	f.Add([]byte("PDVO\x01\x00"), []byte("PDEM\x08\x00\x00\x00\x00\x00\x00\x00"), []byte("PDHE"), 8, 0)
	f.Add([]byte("PDVO\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"), []byte("PDEM\xff\xff\xff\xff\xff\xff\xff\xff"), []byte{}, -1, 1<<30)
	f.Fuzz(func(t *testing.T, vocab, embed, head []byte, charMax, window int) {
		files := maps.Clone(m.files)
		delete(files, manifestName)
		files[vocabName], files[embedName], files["head-0.bin"] = vocab, embed, head
		changed := man
		changed.Recipe.CharMax, changed.Recipe.PairWindow = charMax, window
		got, _, err := decode(reseal(files, changed), func(name string, limit int64) ([]byte, error) {
			b, ok := files[name]
			if !ok || int64(len(b)) > limit {
				return nil, errors.New("limit")
			}
			return b, nil
		})
		if err == nil {
			requireSound(t, classify(t, got, "cannot log in to my server, invoice"))
		}
	})
}

func FuzzManifest(f *testing.F) {
	m := smallModel(f)
	f.Add(m.files[manifestName])
	f.Add([]byte(`{"format":1,"heads":[{"labels":["a"],"prior":[1],"temperature":1,"file":"head-0.bin"}]}`))
	f.Add([]byte(`{"format":1,"recipe":{"char_min":-1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, name, err := decode(data, func(name string, limit int64) ([]byte, error) {
			if b, ok := m.files[name]; ok && int64(len(b)) <= limit {
				return b, nil
			}
			return nil, fs.ErrNotExist
		})
		if err != nil {
			require.NotEmpty(t, name)
			return
		}
		_, err = got.Classify(context.Background(), prediag.Ticket{Body: "cannot log in"})
		require.NoError(t, err)
	})
}

// Weights of either precision are read back as they were written, and a step of five bits is at most a thirtieth of the
// largest weight.
func TestEmbeddingRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		units, features := 8*rapid.IntRange(1, 4).Draw(t, "units"), rapid.IntRange(0, 5).Draw(t, "features")
		weights := rapid.SliceOfN(rapid.Float32Range(-3, 3), units*features, units*features).Draw(t, "weights")
		for _, levels := range []int{fineLevels, coarseLevels} {
			e := pack(units, levels, weights, make([]float32, units))
			back, err := decodeEmbedding(e.encode(), features)
			require.NoError(t, err)
			require.Equal(t, e.weights, append([]byte{}, back.weights...))
			require.Equal(t, e.levels, back.levels)
			for i, w := range weights {
				step := e.scale[i/units]
				require.InDelta(t, w, float32(int(back.weights[i])-offset)*step, float64(step)*0.51)
			}
		}
	})
	bad := pack(8, coarseLevels, []float32{1, 0, 0, 0, 0, 0, 0, 0}, make([]float32, 8)).encode()
	bad[len(bad)-5] |= 31
	_, err := decodeEmbedding(bad, 1)
	require.ErrorContains(t, err, "out of range")
}

// TestTheRemedyNamesTheModelsFolder: training into the folder of one version would hide the others.
func TestTheRemedyNamesTheModelsFolder(t *testing.T) {
	err := damaged(filepath.Join("data", "model", versionsName, "1e302cb3a267"), "head-0.bin", errShort)
	require.ErrorContains(t, err, "1e302cb3a267/head-0.bin")
	require.ErrorContains(t, err, "rollback --model data/model`")
	require.ErrorContains(t, err, "train --tickets FILE --model data/model`")
	require.ErrorContains(t, damaged("m", "head-0.bin", errShort), `restore the folder from a backup or train again with `+"`prediag train --tickets FILE --model m`")
}
