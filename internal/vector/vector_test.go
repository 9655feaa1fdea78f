package vector

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// unit is a random vector of length 1.
func unit(random *rand.Rand, dims int) []float32 {
	v := make([]float32, dims)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	if err := Normalize(v); err != nil {
		panic(err)
	}
	return v
}

// The kernel of the processor and the plain one must agree for every length and at the greatest values.
func TestKernelsAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{32, 64, 96, 384, 768, 1024, MaxDimensions} {
		for _, rows := range []int{1, 2, 7, 128} {
			data, q := make([]byte, n*rows), make([]int16, n)
			for i := range data {
				data[i] = byte(int8(random.IntN(2*rowLimit+1) - rowLimit))
			}
			for i := range q {
				q[i] = int16(random.IntN(2*querySide+1) - querySide)
			}
			want, got := make([]int32, rows), make([]int32, rows)
			dotRowsPlain(data, q, want)
			dotRows(data, q, got)
			require.Equal(t, want, got, "%d × %d", rows, n)
		}
	}
	data, q, out := make([]byte, MaxDimensions), make([]int16, MaxDimensions), make([]int32, 1)
	for i := range data {
		data[i], q[i] = 0x81, querySide // −127: the greatest sum there can be
	}
	dotRows(data, q, out)
	require.Equal(t, int64(-127*querySide*MaxDimensions), int64(out[0]))
	dotRows(nil, q, nil)
}

// A component is off by at most half a step, and the cosine by what that can add up to.
func TestRoundingIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.IntRange(1, 300).Draw(t, "dims")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		a, b := unit(random, dims), unit(random, dims)
		row, q := NewRow(a), newProbe(b)
		for i, x := range a {
			if d := math.Abs(float64(int8(row.Bytes[i]))*float64(row.Scale) - float64(x)); d > float64(row.Scale)*0.5001 {
				t.Fatalf("component %d is off by %v steps", i, d/float64(row.Scale))
			}
		}
		out := make([]int32, 1)
		dotRows(row.Bytes, q.numbers, out)
		exact, limit := 0.0, 1e-5
		for i := range a {
			exact += float64(a[i]) * float64(b[i])
			limit += 0.5*float64(row.Scale)*math.Abs(float64(b[i])) + 0.5*float64(q.scale)*(math.Abs(float64(a[i]))+float64(row.Scale))
		}
		if got := float64(out[0]) * float64(row.Scale) * float64(q.scale); math.Abs(got-exact) > limit {
			t.Fatalf("cosine %v instead of %v, bound %v", got, exact, limit)
		}
	})
}

func TestNormalizeRefusesWhatHasNoDirection(t *testing.T) {
	v := []float32{3, 4}
	require.NoError(t, Normalize(v))
	require.InDelta(t, 0.6, v[0], 1e-6)
	for _, bad := range [][]float32{nil, {0, 0}, {1, float32(math.NaN())}, {float32(math.Inf(1)), 0}} {
		require.ErrorIs(t, Normalize(bad), prediag.ErrInvalid, "%v", bad)
	}
}

// made is a store of random vectors, several to an article, in two segments, some rows not in use.
type made struct {
	store *Store
	dir   string
	parts []Part
	vecs  [][]float32
	at    []Place
}

func newStore(tb testing.TB, docs, dims int) made {
	random := rand.New(rand.NewPCG(uint64(docs), uint64(dims)))
	m := made{dir: tb.TempDir()}
	for n := range 2 {
		name := fmt.Sprintf("%d.vec", n)
		w, err := Create(filepath.Join(m.dir, name), "made", dims)
		require.NoError(tb, err)
		p := Part{Name: name}
		for doc := range docs {
			for piece := range 1 + random.IntN(3) {
				v, at := unit(random, dims), Place{doc, piece + 10*n}
				if random.IntN(10) == 0 {
					at = Place{-1, 0}
				}
				w.Add(Key{HashOf(fmt.Sprint(doc)), HashOf(fmt.Sprint(doc, piece, n))}, NewRow(v))
				p.Places, m.vecs, m.at = append(p.Places, at), append(m.vecs, v), append(m.at, at)
			}
		}
		require.Equal(tb, len(p.Places), w.Rows())
		require.NoError(tb, w.Close())
		m.parts = append(m.parts, p)
	}
	var err error
	m.store, err = Open(m.dir, "made", m.parts)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, m.store.Close()) })
	return m
}

// exact ranks the articles by float32 vectors.
func (m made) exact(query []float32, admitted func(int) bool) []Match {
	best := map[int]Match{}
	for i, v := range m.vecs {
		at := m.at[i]
		if at.Doc < 0 || !admitted(at.Doc) {
			continue
		}
		sum := 0.0
		for j, x := range v {
			sum += float64(x) * float64(query[j])
		}
		if old, ok := best[at.Doc]; !ok || sum > old.Similarity {
			best[at.Doc] = Match{at, sum}
		}
	}
	var out []Match
	for _, x := range best {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Match) int { return cmp.Compare(b.Similarity, a.Similarity) })
	return out
}

func TestSearchFindsTheNearest(t *testing.T) {
	m := newStore(t, 1500, 100)
	random := rand.New(rand.NewPCG(9, 9))
	for _, third := range []bool{false, true} {
		admitted, in := make([]uint64, (1500+63)/64), func(doc int) bool { return !third || doc%3 == 0 }
		for doc := range 1500 {
			if in(doc) {
				admitted[doc>>6] |= 1 << (doc & 63)
			}
		}
		common := 0
		for range 20 {
			q := unit(random, 100)
			got, err := m.store.Search(context.Background(), q, admitted, 50)
			require.NoError(t, err)
			require.Len(t, got, 50)
			want := m.exact(q, in)
			seen := map[int]bool{}
			for i, x := range got {
				require.False(t, seen[x.Doc], "an article came twice")
				require.True(t, in(x.Doc), "an article came that was not admitted")
				require.InDelta(t, want[i].Similarity, x.Similarity, 0.01)
				require.True(t, i == 0 || !x.before(got[i-1]))
				seen[x.Doc] = true
			}
			for _, w := range want[:50] {
				if seen[w.Doc] {
					common++
				}
			}
		}
		require.Greater(t, common, 20*50*95/100, "recall@50 against float32")
	}
	none, err := m.store.Search(context.Background(), unit(random, 100), make([]uint64, 24), 5)
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = m.store.Search(context.Background(), unit(random, 99), nil, 5)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = m.store.Search(ended, unit(random, 100), nil, 5)
	require.ErrorIs(t, err, context.Canceled)
}

func TestEachReadsWhatWasWritten(t *testing.T) {
	m := newStore(t, 40, 33)
	at, inUse := 0, 0
	require.NoError(t, m.store.Each(func(file string, number int, key Key, p Place, row Row) error {
		require.Equal(t, m.at[at], p)
		require.Equal(t, NewRow(m.vecs[at]), Row{slices.Clone(row.Bytes), row.Scale, 33})
		if p.Doc >= 0 {
			require.Equal(t, HashOf(fmt.Sprint(p.Doc)), key.Article)
			inUse++
		}
		at++
		return nil
	}))
	require.Equal(t, len(m.vecs), at)
	require.Equal(t, inUse, m.store.Rows())
	require.Equal(t, 33, m.store.Dimensions())
}

func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	m := newStore(t, 10, 8)
	_, err := Open(m.dir, "another embedder", m.parts)
	require.ErrorIs(t, err, prediag.ErrDamaged)
	short := []Part{{m.parts[0].Name, m.parts[0].Places[1:]}}
	_, err = Open(m.dir, "made", short)
	require.ErrorIs(t, err, prediag.ErrDamaged)
	path := filepath.Join(m.dir, m.parts[1].Name)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, cut := range []int{0, 7, headerBytes, len(data) - 1} {
		other := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(other, m.parts[1].Name), data[:cut], 0o644))
		_, err = Open(other, "made", m.parts[1:])
		require.ErrorIs(t, err, prediag.ErrDamaged, "%d bytes", cut)
	}
	_, err = Create(filepath.Join(m.dir, "x.vec"), "made", MaxDimensions+1)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	w, err := Create(filepath.Join(m.dir, "y.vec"), "made", 4)
	require.NoError(t, err)
	w.Add(Key{}, NewRow(make([]float32, 99)))
	require.ErrorIs(t, w.Close(), prediag.ErrInvalid)
}

func TestPlacesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.IntRange(1, 1000).Draw(t, "docs")
		parts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Part {
			return Part{rapid.StringMatching(`[a-z0-9./]{1,30}`).Draw(t, "name"), rapid.SliceOf(rapid.Custom(func(t *rapid.T) Place {
				return Place{rapid.IntRange(-1, docs-1).Draw(t, "doc"), rapid.IntRange(0, 1<<20).Draw(t, "piece")}
			})).Draw(t, "places")}
		}), 0, 5).Draw(t, "parts")
		got, err := DecodePlaces(EncodePlaces(parts), docs)
		require.NoError(t, err)
		require.Equal(t, len(parts), len(got))
		for i := range parts {
			require.Equal(t, parts[i].Name, got[i].Name)
			require.True(t, slices.Equal(parts[i].Places, got[i].Places))
		}
	})
	_, err := DecodePlaces(EncodePlaces([]Part{{"a", []Place{{5, 0}}}}), 5)
	require.ErrorIs(t, err, prediag.ErrDamaged, "an article that is not there")
}

func FuzzDecodePlaces(f *testing.F) {
	f.Add(EncodePlaces([]Part{{"a.vec", []Place{{0, 1}, {-1, 0}}}, {"b", nil}}))
	f.Add([]byte(placesMagic + "\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		parts, err := DecodePlaces(data, 100)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		require.Equal(t, data, EncodePlaces(parts))
	})
}

func FuzzParseSegment(f *testing.F) {
	dir := f.TempDir()
	w, err := Create(filepath.Join(dir, "x"), "e", 3)
	require.NoError(f, err)
	w.Add(Key{}, NewRow([]float32{1, 0, 0}))
	require.NoError(f, w.Close())
	data, err := os.ReadFile(filepath.Join(dir, "x"))
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(segmentMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSegment(data)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		for i := range s.rows {
			s.key(i)
			s.row(i)
		}
	})
}

// BenchmarkSearch searches 230,000 vectors of 768 components, whatever their values: the work does not depend on them.
func BenchmarkSearch(b *testing.B) {
	const rows, dims = 230_000, 768
	path := filepath.Join(b.TempDir(), "x.vec")
	w, err := Create(path, "made", dims)
	require.NoError(b, err)
	random := rand.New(rand.NewPCG(1, 1))
	places := make([]Place, rows)
	var some []Row
	for range 97 {
		some = append(some, NewRow(unit(random, dims)))
	}
	for i := range rows {
		places[i] = Place{i, 0}
		w.Add(Key{}, some[i%len(some)])
	}
	require.NoError(b, w.Close())
	s, err := Open(filepath.Dir(path), "made", []Part{{"x.vec", places}})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	all, third := make([]uint64, (rows+63)/64), make([]uint64, (rows+63)/64)
	for doc := range rows {
		all[doc>>6] |= 1 << (doc & 63)
		if doc%3 == 0 {
			third[doc>>6] |= 1 << (doc & 63)
		}
	}
	q := unit(random, dims)
	for name, admitted := range map[string][]uint64{"all": all, "third": third} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Search(context.Background(), q, admitted, 100); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDotRowsPlain(b *testing.B) {
	q, data, out := make([]int16, 768), make([]byte, 768*1000), make([]int32, 1000)
	for b.Loop() {
		dotRowsPlain(data, q, out)
	}
}

func BenchmarkDotRows(b *testing.B) {
	q, data, out := make([]int16, 768), make([]byte, 768*1000), make([]int32, 1000)
	for b.Loop() {
		dotRows(data, q, out)
	}
}
