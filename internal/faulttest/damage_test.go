//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// files lists the files below a folder that match, with paths relative to it.
func files(t *testing.T, dir string, match func(string) bool) []string {
	var list []string
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		if err == nil && d.Type().IsRegular() && match(rel) {
			list = append(list, rel)
		}
		return err
	}))
	require.NotEmpty(t, list)
	return list
}

// damage changes a file and says how.
func damage(r *rand.Rand, name string, others []string) (string, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	at := r.IntN(len(raw))
	before := bytes.Clone(raw)
	how := ""
	switch r.IntN(6) {
	case 0:
		how, raw[at] = fmt.Sprintf("bit at %d", at), raw[at]^1<<r.IntN(8)
	case 1:
		end := min(at+512, len(raw))
		for i := at; i < end; i++ {
			raw[i] = byte(r.Uint32())
		}
		how = fmt.Sprintf("noise at %d to %d", at, end)
	case 2:
		end := min(at+4096, len(raw))
		clear(raw[at:end])
		how = fmt.Sprintf("zeros at %d to %d", at, end)
	case 3:
		how, raw = fmt.Sprintf("cut at %d", at), raw[:at]
	case 4:
		return "missing", os.Remove(name)
	case 5:
		other := others[r.IntN(len(others))]
		if raw, err = os.ReadFile(other); err != nil {
			return "", err
		}
		how = "content of " + filepath.Base(other)
	}
	if bytes.Equal(raw, before) { // zeros over zeros
		raw[at] ^= 1
		how += ", bit"
	}
	if err := os.Remove(name); err != nil { // it may be shared with another generation by a hard link
		return "", err
	}
	return how, os.WriteFile(name, raw, 0o600)
}

// copyTree copies a folder, and every file of it, whatever shared it.
func copyTree(t *testing.T, from, to string) {
	require.NoError(t, os.RemoveAll(to))
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
}

func TestDamagedIndex(t *testing.T) {
	y := begin(t, "F7", "damage to one file of the newest generation")
	w := newWorld(t, t.TempDir())
	whole := filepath.Join(t.TempDir(), "data")
	require.NoError(t, w.tidy())
	_, newest, err := w.serves()
	require.NoError(t, err)
	copyTree(t, w.dir, whole)
	gen := filepath.Join("kb", fmt.Sprintf("gen-%08d", newest))
	list := files(t, whole, func(name string) bool { return strings.HasPrefix(name, gen) })
	var others []string
	for _, name := range list {
		others = append(others, filepath.Join(whole, name))
	}
	for range y.rounds(count(3, 500)) {
		copyTree(t, whole, w.dir)
		name := list[y.r.IntN(len(list))]
		how, err := damage(y.r, filepath.Join(w.dir, name), others)
		if err == nil {
			err = w.noticed(newest, newest-1)
		}
		y.trial(name+": "+how, err)
	}
	copyTree(t, whole, w.dir)
	require.NoError(t, os.Remove(filepath.Join(w.dir, gen, "manifest.json")))
	y.trial("refresh after damage", w.tidy())
	y.note = "all named by kb verify; the generation before serves"
}

// noticed checks that the generation that is damaged does not serve, that the one before does, whole, and that the
// verification names the damage.
func (w *world) noticed(damaged, before uint64) error {
	rev, generation, err := w.serves()
	switch {
	case err != nil:
		return err
	case generation == damaged:
		return fmt.Errorf("the damaged generation %d serves", damaged)
	case generation != before || rev != w.rev-1:
		return fmt.Errorf("generation %d with revision %d serves", generation, rev)
	}
	out, err := w.run(context.Background(), "kb", "verify")
	if err == nil {
		return fmt.Errorf("kb verify finds nothing: %s", out)
	}
	return plain(out)
}

func TestPointer(t *testing.T) {
	y := begin(t, "F9", "pointer file empty, missing, wrong, or of a newer format")
	w := newWorld(t, t.TempDir())
	require.NoError(t, w.tidy())
	pointer := filepath.Join(w.dir, "kb", "CURRENT")
	raw, err := os.ReadFile(pointer)
	require.NoError(t, err)
	contents := []string{"", "-", "gen-00000099 " + strings.Repeat("a", 64) + "\n", "\n", "gen-00000002\n", "v2 {\"generation\": 7}\n", string(raw[:len(raw)/2]),
		strings.Repeat("x", 1<<16), "../../etc/passwd " + strings.Repeat("a", 64), strings.ToUpper(string(raw))}
	for _, content := range contents[:short(2, len(contents))] {
		w.revise()
		err := os.WriteFile(pointer, []byte(content), 0o600)
		if content == "-" {
			err = os.Remove(pointer)
		}
		if err == nil {
			_, _, err = w.serves()
		}
		if err == nil {
			err = w.tidy()
		}
		y.trial(fmt.Sprintf("%.20q", content), err)
	}
	y.note = "the newest whole generation serves, and the next refresh mends the pointer"
}

func TestDamagedModel(t *testing.T) {
	y := begin(t, "F8", "damage to a file of the only model")
	if *trials == 0 {
		y.skip("not in the short selection")
	}
	w := newWorld(t, t.TempDir()).withModel()
	whole := filepath.Join(t.TempDir(), "model")
	copyTree(t, filepath.Join(w.dir, "model"), whole)
	list := files(t, whole, func(string) bool { return true })
	var others []string
	for _, name := range list {
		others = append(others, filepath.Join(whole, name))
	}
	for range y.rounds(count(0, 100)) {
		copyTree(t, whole, filepath.Join(w.dir, "model"))
		name := list[y.r.IntN(len(list))]
		how, err := damage(y.r, filepath.Join(w.dir, "model", name), others)
		if err == nil {
			out, failed := w.run(context.Background(), "triage", "the disk is full")
			if err = plain(out); err == nil && failed == nil {
				err = errors.New("it was used")
			}
		}
		y.trial(name+": "+how, err)
	}
	copyTree(t, whole, filepath.Join(w.dir, "model"))
	out, err := w.run(context.Background(), "triage", "the disk is full")
	require.NoError(t, err, "%s", out)
	y.note = fmt.Sprintf("refused with the reason; %d files", len(list))
}
