package classifier

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// versions are small models that differ, and answer with labels of their own.
func versions(t *testing.T, n int) []*Model {
	t.Helper()
	var out []*Model
	for v := range n {
		examples := smallExamples()
		for i := range examples {
			examples[i].Labels = map[string]string{prediag.FieldCategory: fmt.Sprintf("v%d/%s", v, examples[i].Labels[prediag.FieldCategory])}
		}
		m, _, err := Train(context.Background(), examples, Options{Epochs: 2, Rounds: 1, Seed: uint64(v), Quality: QualityFast})
		require.NoError(t, err)
		out = append(out, m)
	}
	return out
}

func TestLiveAnswersWithOneModel(t *testing.T) {
	models := versions(t, 3)
	live := NewLive(models[0])
	prefix := map[string]string{}
	for v, m := range models {
		prefix[m.Version()] = fmt.Sprintf("v%d/", v)
	}
	var stop atomic.Bool
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for !stop.Load() {
				v, err := live.Classify(context.Background(), prediag.Ticket{Body: "the invoice is wrong"})
				if err != nil || v.Fields[0].Label[:3] != prefix[v.Model] || live.Taxonomy(v.Model) == "" {
					t.Errorf("%v: %q by %q", err, v.Fields[0].Label, v.Model)
				}
			}
		})
	}
	for i := range 200 {
		require.True(t, live.Swap(models[(i+1)%3]))
	}
	stop.Store(true)
	wait.Wait()
	require.Equal(t, uint64(200), live.Swaps())
	require.False(t, live.Swap(live.Model()))
	require.Empty(t, live.Taxonomy("of old"))
	require.Equal(t, live.Model().Labels(prediag.FieldCategory), live.Labels(prediag.FieldCategory))
	_, err := (&Live{}).Classify(context.Background(), prediag.Ticket{Body: "x"})
	require.ErrorIs(t, err, prediag.ErrNotReady)
}

func TestReplacedModelsAreReleased(t *testing.T) {
	models := versions(t, 3)
	live := NewLive(models[0])
	var released atomic.Int32
	for _, m := range models {
		runtime.AddCleanup(m, func(int) { released.Add(1) }, 0)
	}
	live.Swap(models[1])
	live.Swap(models[2])
	models = nil
	require.Eventually(t, func() bool { runtime.GC(); return released.Load() == 2 }, 30*time.Second, 10*time.Millisecond)
	require.NotNil(t, live.Model())
	runtime.KeepAlive(models)
}

func TestPublishKeepsVersions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	models := versions(t, 5)
	require.NoError(t, models[0].Save(dir), "a folder as it was before there were versions")
	mine := filepath.Join(dir, "mine.bin")
	require.NoError(t, os.WriteFile(mine, nil, 0o600))
	for i, m := range models[1:] {
		require.NoError(t, Publish(dir, m))
		got, err := Load(dir)
		require.NoError(t, err)
		require.Equal(t, m.Version(), got.Version())
		list, err := Versions(dir)
		require.NoError(t, err)
		require.Len(t, list, min(i+2, keptVersions))
		require.True(t, list[0].Current)
		require.Positive(t, list[0].Bytes)
	}
	require.NoFileExists(t, filepath.Join(dir, manifestName))
	require.NoFileExists(t, filepath.Join(dir, embedName))
	require.FileExists(t, mine)
	back, err := Rollback(dir, "")
	require.NoError(t, err)
	require.Equal(t, models[3].Version(), back)
	got, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, back, got.Version())
	_, err = Rollback(dir, models[0].Version())
	require.ErrorIs(t, err, prediag.ErrNotFound, "it is gone")
	back, err = Rollback(dir, models[4].Version())
	require.NoError(t, err)
	require.Equal(t, models[4].Version(), back)
	require.NoError(t, Publish(dir, models[2]), "an old one again")
	list, err := Versions(dir)
	require.NoError(t, err)
	require.Equal(t, models[2].Version(), list[0].Version)
	require.Len(t, list, keptVersions)
}

func TestPublishRefusesAFolderOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "precious.txt"), []byte("x"), 0o600))
	require.ErrorIs(t, Publish(dir, smallModel(t)), prediag.ErrInvalid)
	require.ErrorIs(t, Publish(filepath.Join(dir, "m"), &Model{}), prediag.ErrNotReady)
}

func TestDamagedVersionsAreNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	models := versions(t, 2)
	require.NoError(t, Publish(dir, models[0]))
	require.NoError(t, Publish(dir, models[1]))
	old := filepath.Join(versionFolder(dir, models[0].Version()), nearName)
	require.NoError(t, os.WriteFile(old, []byte("x"), 0o600))
	_, err := Rollback(dir, "")
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.ErrorContains(t, err, old)
	_, err = Load(dir)
	require.NoError(t, err, "nothing changed")
	for _, content := range []string{"", "../../etc", "zzzzzzzzzzzz", models[0].Version()} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, currentName), []byte(content), 0o600))
		_, err = Load(dir)
		require.ErrorIs(t, err, prediag.ErrDamaged, content)
	}
	moved := versionFolder(dir, "0123456789ab")
	require.NoError(t, os.Rename(versionFolder(dir, models[1].Version()), moved))
	require.NoError(t, point(dir, "0123456789ab"))
	_, err = Load(dir)
	require.ErrorContains(t, err, "is that of model")
	require.NoError(t, Publish(dir, models[1]), "publishing mends it")
	_, err = Load(dir)
	require.NoError(t, err)
}

func TestWatcherTakesInWhatIsPublished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	models := versions(t, 3)
	require.NoError(t, Publish(dir, models[0]))
	live := NewLive(models[0])
	w := NewWatcher(live, dir)
	look := func(version string) {
		t.Helper()
		got, err := w.Look()
		require.NoError(t, err)
		require.Equal(t, version, got)
	}
	look("")
	require.NoError(t, Publish(dir, models[1]))
	look("") // it may not be complete
	look(models[1].Version())
	look("")

	require.NoError(t, Publish(dir, models[2]))
	file := filepath.Join(versionFolder(dir, models[2].Version()), embedName)
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, good[:len(good)-1], 0o600))
	look("")
	_, err = w.Look()
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.ErrorContains(t, err, embedName)
	require.ErrorContains(t, err, "serves on")
	require.ErrorIs(t, w.Fault(), prediag.ErrDamaged)
	require.Equal(t, models[1].Version(), live.Model().Version())
	look("") // said once
	require.NoError(t, os.WriteFile(file, good, 0o600))
	for range retryLooks - 2 {
		look("")
	}
	look(models[2].Version())
	require.NoError(t, w.Fault())

	require.NoError(t, os.RemoveAll(dir))
	look("")
	_, err = w.Look()
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.NoError(t, models[2].Save(dir))
	look("")
	require.NoError(t, w.Fault(), "what serves is there again")
}

// TestReadersFindAModelAtAnyMoment publishes, falls back and replaces while others load.
func TestReadersFindAModelAtAnyMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	models := versions(t, 4)
	require.NoError(t, models[0].Save(dir))
	var stop atomic.Bool
	var loads atomic.Int32
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for !stop.Load() {
				if _, err := Load(dir); err != nil {
					t.Error(err)
					return
				}
				loads.Add(1)
			}
		})
	}
	for i := range 4 {
		require.NoError(t, Publish(dir, models[(i+1)%4]))
		if i%4 == 3 {
			_, err := Rollback(dir, "")
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool { return loads.Load() > 20 }, 20*time.Second, time.Millisecond)
	stop.Store(true)
	wait.Wait()
}

func TestWatcherRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	models := versions(t, 2)
	require.NoError(t, Publish(dir, models[0]))
	live := NewLive(models[0])
	ctx, cancel := context.WithCancel(context.Background())
	said := make(chan string, 1)
	ended := make(chan error)
	go func() {
		ended <- NewWatcher(live, dir).Run(ctx, time.Millisecond, func(version string, err error) { said <- fmt.Sprint(version, err) })
	}()
	require.NoError(t, Publish(dir, models[1]))
	require.Equal(t, models[1].Version()+"<nil>", <-said)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func FuzzCurrent(f *testing.F) {
	f.Add("0123456789ab\n")
	f.Add("../../../etc/passwd")
	f.Fuzz(func(t *testing.T, content string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, currentName), []byte(content), 0o600))
		version, err := current(dir)
		if err == nil {
			require.Len(t, version, 12)
			require.True(t, filepath.IsLocal(version))
			require.Equal(t, version, filepath.Base(version))
		}
	})
}
