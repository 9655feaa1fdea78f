package kb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// memoryDepot is a depot with a clock that the test moves, and with faults.
type memoryDepot struct {
	mu      sync.Mutex
	objects map[string]object
	now     time.Time
	calls   int
	failAt  int // the call that fails and all after it; 0: none
}

type object struct {
	data     []byte
	modified time.Time
}

var errCut = errors.New("the depot is cut off")

func newDepot() *memoryDepot {
	return &memoryDepot{objects: map[string]object{}, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func (d *memoryDepot) fails() bool {
	d.calls++
	return d.failAt > 0 && d.calls >= d.failAt
}

func (d *memoryDepot) Put(_ context.Context, name string, r io.ReadSeeker, size int64) error {
	data, err := io.ReadAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || d.fails() {
		return errors.Join(errCut, err)
	}
	if int64(len(data)) != size {
		return fmt.Errorf("%d bytes where %d were announced", len(data), size)
	}
	d.objects[name] = object{data, d.now}
	return nil
}

func (d *memoryDepot) Get(_ context.Context, name string) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := d.objects[name]
	switch {
	case d.fails():
		return io.NopCloser(io.MultiReader(bytes.NewReader(o.data[:len(o.data)/2]), failingReader{})), nil
	case !ok:
		return nil, fmt.Errorf("%q: %w", name, prediag.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errCut }

func (d *memoryDepot) List(_ context.Context, prefix string, each func(string, int64, time.Time) error) error {
	d.mu.Lock()
	objects := maps.Clone(d.objects)
	failed := d.fails()
	d.mu.Unlock()
	if failed {
		return errCut
	}
	for name, o := range objects {
		if strings.HasPrefix(name, prefix) {
			if err := each(name, int64(len(o.data)), o.modified); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *memoryDepot) Delete(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		return errCut
	}
	delete(d.objects, name)
	return nil
}

func (d *memoryDepot) names(prefix string) []string {
	var out []string
	for name := range d.objects {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// heal lets all calls succeed again.
func (d *memoryDepot) heal() { d.calls, d.failAt = 0, 0 }

func lasting(context.Context) error { return nil }

func term(epoch uint64) Term {
	return Term{Authority: "record", Epoch: epoch, Holder: fmt.Sprint("builder ", epoch), Valid: lasting}
}

func publish(t testing.TB, s *Share, epoch uint64) Shared {
	t.Helper()
	out, err := s.Publish(context.Background(), term(epoch))
	require.NoError(t, err)
	return out
}

func fetch(t testing.TB, s *Share) Shared {
	t.Helper()
	out, err := s.Fetch(context.Background())
	require.NoError(t, err)
	return out
}

// shares is a builder with its first generation published, and an empty replica.
func shares(t *testing.T) (d *memoryDepot, builder, replica *Share) {
	d = newDepot()
	builder = NewShare(open(t, t.TempDir(), Options{}), d, ShareOptions{})
	replica = NewShare(open(t, t.TempDir(), Options{}), d, ShareOptions{})
	apply(t, builder.kb, put(numbered(300)...))
	publish(t, builder, 1)
	return d, builder, replica
}

// change makes the builder's next generation.
func change(t testing.TB, s *Share, id string) prediag.Generation {
	return apply(t, s.kb, put(article(id, "Disk "+id, "a new article about quota "+id)))
}

func TestReplicaServesWhatTheBuilderPublished(t *testing.T) {
	_, builder, replica := shares(t)
	first := fetch(t, replica)
	require.True(t, first.Changed)
	require.Equal(t, builder.kb.Generation(), replica.kb.Generation())
	q := prediag.Query{Text: "disk quota snapshot"}
	require.Equal(t, find(t, builder.kb, q).Hits, find(t, replica.kb, q).Hits)

	again := fetch(t, replica)
	require.False(t, again.Changed)
	require.Zero(t, again.Bytes, "nothing travels twice")
	require.False(t, publish(t, builder, 1).Changed)

	change(t, builder, "new")
	up := publish(t, builder, 1)
	require.True(t, up.Changed)
	down := fetch(t, replica)
	require.Equal(t, builder.kb.Generation(), replica.kb.Generation())
	require.Equal(t, up.Bytes, down.Bytes+manifestSize(t, builder.kb), "only what is new travels, and the manifest")
	require.Less(t, down.Files, first.Files+1)
	for _, f := range builder.kb.current.manifest.Files {
		if strings.HasSuffix(f.Name, ".zap") && f.Size > 10_000 {
			require.Less(t, down.Bytes, f.Size, "the large segment stayed where it was")
		}
	}
	require.NoDirExists(t, filepath.Join(replica.kb.dir, fetchName))
	require.NoError(t, replica.kb.Scrub(t.Context()))

	reopened, err := Open(replica.kb.dir, Options{})
	require.NoError(t, err)
	defer reopened.Close()
	require.Equal(t, replica.kb.Generation(), reopened.Generation())
	require.Empty(t, reopened.Status().Degraded)
}

func manifestSize(t testing.TB, k *KB) int64 {
	info, err := os.Stat(filepath.Join(k.current.dir, manifestName))
	require.NoError(t, err)
	return info.Size()
}

func TestAReplicaMayBecomeTheBuilder(t *testing.T) {
	_, builder, replica := shares(t)
	fetch(t, replica)
	change(t, replica, "from the second")
	publish(t, replica, 2)
	require.True(t, fetch(t, builder).Changed)
	require.Equal(t, replica.kb.Generation(), builder.kb.Generation())
}

// A builder whose lease is over cannot take back what its successor published, however late it writes.
func TestAFormerBuilderIsFencedOff(t *testing.T) {
	d, builder, replica := shares(t)
	fetch(t, replica)
	change(t, builder, "unpublished")
	change(t, replica, "published")
	publish(t, replica, 2)
	wanted := replica.kb.Generation()
	require.Equal(t, builder.kb.Generation().Number, wanted.Number, "both made a generation of this number")

	_, err := builder.Publish(t.Context(), term(1))
	require.ErrorIs(t, err, prediag.ErrStale)
	late := term(1) // it asked while its term lasted, and was held up before its last write
	stale := head{Format: headFormat, Authority: "record", Epoch: 1, Sequence: 99, Generation: builder.kb.Generation().Number, Manifest: strings.Repeat("a", 64), Hash: "x"}
	d.objects[stale.name()] = object{[]byte("{}"), d.now}
	_, err = builder.Publish(t.Context(), late)
	require.ErrorIs(t, err, prediag.ErrStale)
	require.False(t, fetch(t, replica).Changed)
	require.Equal(t, wanted, replica.kb.Generation())
	require.True(t, fetch(t, builder).Changed, "what it built alone gives way")
	require.Equal(t, wanted, builder.kb.Generation())
	require.Empty(t, find(t, builder.kb, prediag.Query{Text: "unpublished"}).Hits)
	apply(t, builder.kb, changes()) // the next refresh finds its folder in order
	require.Equal(t, wanted, builder.kb.Generation())
}

func TestWhoMayNotPublish(t *testing.T) {
	d, builder, _ := shares(t)
	change(t, builder, "new")
	before := d.names(headPrefix)
	over := term(1)
	over.Valid = func(context.Context) error { return prediag.ErrStale }
	_, err := builder.Publish(t.Context(), over)
	require.ErrorIs(t, err, prediag.ErrStale)
	foreign := term(7)
	foreign.Authority = "another record"
	_, err = builder.Publish(t.Context(), foreign)
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, "another state of record")
	require.Equal(t, before, d.names(headPrefix))

	empty := NewShare(open(t, t.TempDir(), Options{}), d, ShareOptions{})
	_, err = empty.Publish(t.Context(), term(9))
	require.ErrorIs(t, err, prediag.ErrNotReady, "it serves nothing")
	builder.kb.degraded = "generation 3: damaged: serving generation 2"
	_, err = builder.Publish(t.Context(), term(1))
	require.ErrorIs(t, err, prediag.ErrNotReady, "a stand-in is not handed on")
}

// A rollback reaches all replicas, and no number comes again, whoever builds next.
func TestARollbackTravels(t *testing.T) {
	_, builder, replica := shares(t)
	change(t, builder, "second")
	publish(t, builder, 1)
	bad := change(t, builder, "bad")
	publish(t, builder, 1)
	fetch(t, replica)
	_, err := Rollback(t.Context(), builder.kb.dir, bad.Number-1)
	require.NoError(t, err)
	_, err = builder.kb.Reload()
	require.NoError(t, err)
	publish(t, builder, 1)
	newcomer := NewShare(open(t, t.TempDir(), Options{}), builder.depot, ShareOptions{})
	for _, s := range []*Share{replica, newcomer} {
		fetch(t, s)
		require.Equal(t, builder.kb.Generation(), s.kb.Generation())
		require.Empty(t, find(t, s.kb, prediag.Query{Text: "bad"}).Hits)
	}
	require.Greater(t, change(t, newcomer, "next").Number, bad.Number)
	require.Greater(t, change(t, replica, "next").Number, bad.Number)
}

// The depot is cut off at every call of a publication in turn: a replica has the old generation or the new one, whole.
func TestPublishCutOffAnywhere(t *testing.T) {
	d, builder, replica := shares(t)
	fetch(t, replica)
	for n := 1; ; n++ {
		old := builder.kb.Generation()
		next := change(t, builder, fmt.Sprint("cut-", n))
		d.heal()
		d.failAt = n
		_, err := builder.Publish(t.Context(), term(1))
		d.heal()
		if err == nil {
			require.Greater(t, n, 5, "the calls of a publication")
			break
		}
		require.ErrorIs(t, err, errCut)
		fetch(t, replica)
		require.Equal(t, old, replica.kb.Generation())
		publish(t, builder, 1)
		fetch(t, replica)
		require.Equal(t, next, replica.kb.Generation())
	}
}

// The depot is cut off at every call of a fetch in turn: what served serves on, and what has come need not come again.
func TestFetchCutOffAnywhere(t *testing.T) {
	d, builder, replica := shares(t)
	fetch(t, replica)
	for n := 1; ; n++ {
		old, next := builder.kb.Generation(), change(t, builder, fmt.Sprint("cut-", n))
		publish(t, builder, 1)
		d.heal()
		d.failAt = n
		came, err := replica.Fetch(t.Context())
		d.heal()
		if err == nil {
			require.Greater(t, n, 3, "the calls of a fetch")
			break
		}
		require.ErrorIs(t, err, errCut)
		require.Equal(t, old, replica.kb.Generation())
		find(t, replica.kb, prediag.Query{Text: "quota"})
		rest := fetch(t, replica)
		require.Equal(t, next, replica.kb.Generation())
		whole := newReplicaBytes(t, builder, d, old)
		require.Equal(t, whole, came.Bytes+rest.Bytes, "nothing travels twice")
	}
}

// newReplicaBytes is how much of the builder's generation is not in an older one of its.
func newReplicaBytes(t *testing.T, builder *Share, _ *memoryDepot, old prediag.Generation) int64 {
	m, err := readManifest(filepath.Join(builder.kb.dir, genName(old.Number)))
	require.NoError(t, err)
	have := map[string]bool{}
	for _, f := range m.Files {
		have[f.SHA256] = true
	}
	var n int64
	for _, f := range builder.kb.current.manifest.Files {
		if !have[f.SHA256] {
			n += f.Size
		}
	}
	return n
}

// Whatever is damaged in the depot is noticed before anything opens it, and mended by the builder.
func TestDamageInTheDepotIsNoticed(t *testing.T) {
	d, builder, replica := shares(t)
	fetch(t, replica)
	old, next := builder.kb.Generation(), change(t, builder, "new")
	was := maps.Clone(d.objects)
	publish(t, builder, 1)
	for name, o := range maps.Clone(d.objects) {
		if _, there := was[name]; there {
			continue
		}
		for how, data := range map[string][]byte{
			"a bit": append([]byte{o.data[0] ^ 1}, o.data[1:]...), "cut": o.data[:len(o.data)-1], "empty": {}, "longer": append(slices.Clone(o.data), 'x'),
		} {
			t.Run(how+" of "+name, func(t *testing.T) {
				d.objects[name] = object{data, o.modified}
				forget(t, replica)
				_, err := replica.Fetch(t.Context())
				require.ErrorIs(t, err, prediag.ErrDamaged)
				require.Equal(t, old, replica.kb.Generation(), "what served serves on")
				d.objects[name] = o
			})
		}
		delete(d.objects, name)
		forget(t, replica)
		_, err := replica.Fetch(t.Context())
		if strings.HasPrefix(name, headPrefix) {
			require.NoError(t, err, "then the one before counts")
		} else {
			require.ErrorIs(t, err, prediag.ErrNotFound)
		}
		publish(t, builder, 1)
		if strings.HasPrefix(name, blobPrefix) {
			require.Equal(t, o.data, d.objects[name].data, "the builder mends it")
		}
	}
	fetch(t, replica)
	require.Equal(t, next, replica.kb.Generation())
}

// forget removes what a replica fetched of a generation that is not complete.
func forget(t *testing.T, s *Share) {
	require.NoError(t, os.RemoveAll(filepath.Join(s.kb.dir, fetchName)))
}

// A file that rotted in the depot is found by who fetches it, and written again by the builder.
func TestARottenFileComesAgain(t *testing.T) {
	d, builder, replica := shares(t)
	name := blobPrefix + builder.kb.current.manifest.Files[0].SHA256
	o := d.objects[name]
	d.objects[name] = object{bytes.Repeat([]byte{7}, len(o.data)), o.modified}
	_, err := replica.Fetch(t.Context())
	require.ErrorIs(t, err, prediag.ErrDamaged)
	publish(t, builder, 1)
	fetch(t, replica)
	require.Equal(t, builder.kb.Generation(), replica.kb.Generation())
}

// Damage on this machine is mended from the depot.
func TestLocalDamageIsMended(t *testing.T) {
	_, builder, replica := shares(t)
	fetch(t, replica)
	for _, f := range replica.kb.current.manifest.Files {
		if strings.HasSuffix(f.Name, ".zap") {
			damageFile(t, filepath.Join(replica.kb.current.dir, filepath.FromSlash(f.Name)))
		}
	}
	require.ErrorIs(t, replica.kb.Scrub(t.Context()), prediag.ErrDamaged)
	require.Zero(t, replica.kb.Generation().Number, "there is no other")
	require.True(t, fetch(t, replica).Changed)
	require.Equal(t, builder.kb.Generation(), replica.kb.Generation())
	require.NoError(t, replica.kb.Scrub(t.Context()))
	require.Empty(t, replica.kb.Status().Degraded)
}

// damageFile writes over the middle of a file in another inode, as what is mapped must not change under a test.
func damageFile(t *testing.T, name string) {
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	raw[len(raw)/2] ^= 0xff
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.WriteFile(name, raw, 0o600))
}

func TestSweepKeepsWhatIsNeeded(t *testing.T) {
	d, builder, _ := shares(t)
	builder.opt.Keep = 2
	for n := range 4 {
		d.now = d.now.Add(4 * time.Hour)
		change(t, builder, fmt.Sprint("g", n))
		publish(t, builder, 1)
	}
	junk := blobPrefix + strings.Repeat("0", 64)
	d.objects[junk] = object{[]byte("left by a publication that was killed"), d.now.Add(-7 * time.Hour)}
	underWay := blobPrefix + strings.Repeat("1", 64)
	d.objects[underWay] = object{[]byte("written by a publication under way"), d.now.Add(-time.Hour)}
	swept, err := builder.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, swept.Heads)
	require.NotContains(t, d.objects, junk)
	require.Contains(t, d.objects, underWay)
	require.Len(t, d.names(headPrefix), 2)
	fresh := NewShare(open(t, t.TempDir(), Options{}), d, ShareOptions{})
	fetch(t, fresh)
	require.Equal(t, builder.kb.Generation(), fresh.kb.Generation())

	all, err := fresh.heads(t.Context())
	require.NoError(t, err)
	older, err := fresh.readHead(t.Context(), all[1].head)
	require.NoError(t, err)
	m, _, err := fresh.manifestOf(t.Context(), older)
	require.NoError(t, err)
	for _, f := range m.Files {
		require.Contains(t, d.objects, blobPrefix+f.SHA256, "the one before is whole too")
	}
	again, err := builder.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, again)
	delete(d.objects, blobPrefix+older.Manifest)
	d.objects[junk] = object{[]byte("x"), d.now.Add(-48 * time.Hour)}
	_, err = builder.Sweep(t.Context())
	require.Error(t, err)
	require.Contains(t, d.objects, junk, "in doubt nothing goes")
}

// What is in the depot but about to be swept away is written again, and so is young.
func TestPublishDoesNotRelyOnGarbage(t *testing.T) {
	d, builder, _ := shares(t)
	change(t, builder, "new")
	for _, f := range builder.kb.current.manifest.Files { // as after a publication that was killed long ago
		raw, err := os.ReadFile(filepath.Join(builder.kb.current.dir, filepath.FromSlash(f.Name)))
		require.NoError(t, err)
		if _, there := d.objects[blobPrefix+f.SHA256]; !there {
			d.objects[blobPrefix+f.SHA256] = object{raw, d.now}
		}
	}
	d.now = d.now.Add(240 * time.Hour)
	publish(t, builder, 1)
	_, err := builder.Sweep(t.Context())
	require.NoError(t, err)
	for _, f := range builder.kb.current.manifest.Files {
		require.Contains(t, d.objects, blobPrefix+f.SHA256)
	}
}

// A refresh that finds nothing new makes no generation, and yet replicas learn that theirs is fresh.
func TestReplicasKnowHowFreshTheyAre(t *testing.T) {
	_, builder, replica := shares(t)
	require.True(t, fetch(t, replica).Refreshed.IsZero())
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for n := range 2 {
		fresh := term(1)
		fresh.Refreshed = at.Add(time.Duration(n) * time.Hour)
		out, err := builder.Publish(t.Context(), fresh)
		require.NoError(t, err)
		require.False(t, out.Changed)
		require.Equal(t, fresh.Refreshed, fetch(t, replica).Refreshed)
	}
	empty, err := replica.Empty(t.Context())
	require.NoError(t, err)
	require.False(t, empty)
}

// A share that is not mounted is an empty folder: nothing is published into it, and what serves serves on.
func TestADepotThatIsSuddenlyEmpty(t *testing.T) {
	d, builder, replica := shares(t)
	fetch(t, replica)
	publish(t, builder, 1)
	held := d.objects
	d.objects = map[string]object{}
	_, err := builder.Publish(t.Context(), term(1))
	require.ErrorIs(t, err, prediag.ErrNotReady)
	_, err = replica.Fetch(t.Context())
	require.ErrorIs(t, err, prediag.ErrNotReady)
	require.Empty(t, d.objects)
	find(t, replica.kb, prediag.Query{Text: "quota"})
	d.objects = held
	publish(t, builder, 1)
	fetch(t, replica)
}

func TestFetchWaitsForABuild(t *testing.T) {
	_, _, replica := shares(t)
	replica.kb.building.Lock()
	_, err := replica.Fetch(t.Context())
	replica.kb.building.Unlock()
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.True(t, fetch(t, replica).Changed)
}

func TestFetchOfNothing(t *testing.T) {
	s := NewShare(open(t, t.TempDir(), Options{}), newDepot(), ShareOptions{})
	require.Zero(t, fetch(t, s))
	empty, err := s.Empty(t.Context())
	require.NoError(t, err)
	require.True(t, empty)
}

// FuzzHead feeds pointers of any name and content: none panics, and what is taken is consistent.
func FuzzHead(f *testing.F) {
	h := head{Format: 1, Authority: "a", Epoch: 3, Sequence: 2, Generation: 7, Manifest: strings.Repeat("ab", 32), Hash: "h"}
	f.Add(h.name(), `{"format":1,"authority":"a","epoch":3,"sequence":2,"generation":7,"hash":"h","manifest":"`+h.Manifest+`"}`)
	f.Add("heads/-.json", `{"format":2}`)
	f.Add("heads/00000000000000000003-00000000000000000002.json", "[]")
	f.Fuzz(func(t *testing.T, name, content string) {
		named, ok := parseHeadName(name)
		if !ok {
			return
		}
		require.Equal(t, name, named.name())
		h, err := decodeHead([]byte(content), named)
		if err == nil {
			require.Equal(t, name, h.name())
			require.True(t, isSHA256(h.Manifest))
		}
	})
}
