package kb

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// roaringBytes is the serialized bitmap of some numbers, with runs or without.
func roaringBytes(t require.TestingT, numbers []uint32, runs bool) []byte {
	m := roaring.BitmapOf(numbers...)
	if runs {
		m.RunOptimize()
	}
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

func TestAppendRoaringReadsWhatRoaringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var numbers []uint32
		for range rapid.IntRange(0, 6).Draw(t, "pieces") { // single numbers, stretches and thick stretches, in up to eight containers
			from, step := rapid.Uint32Range(0, 8<<16).Draw(t, "from"), rapid.Uint32Range(1, 5).Draw(t, "step")
			for i := range uint32(rapid.SampledFrom([]int{1, 100, 5000, 70_000}).Draw(t, "length")) {
				numbers = append(numbers, from+i*step)
			}
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		got, err := appendRoaring(nil, roaringBytes(t, numbers, rapid.Bool().Draw(t, "runs")))
		require.NoError(t, err)
		require.Equal(t, len(numbers), len(got))
		require.True(t, slices.Equal(numbers, got))
	})
}

func FuzzAppendRoaring(f *testing.F) {
	f.Add(roaringBytes(f, []uint32{1, 2, 3, 70_000}, false))
	f.Add(roaringBytes(f, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9}, true))
	f.Add([]byte{0x3b, 0x30, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := appendRoaring(nil, data); err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
		}
	})
}

func FuzzZapPostings(f *testing.F) {
	docs := roaringBytes(f, []uint32{0, 5, 9}, false)
	frequencies := []byte{0, 1, 7, 2, 4, 2, 200, 1, 6, 9} // one chunk of 7 bytes: 1 in 4, 1 in 200, 3 in 9
	f.Add(append(append(frequencies, 1, 0, byte(len(docs))), docs...), uint64(len(frequencies)))
	f.Add([]byte{1, 2, 3}, zapOne|7)
	f.Fuzz(func(t *testing.T, data []byte, value uint64) {
		z := &zapField{data: data, dead: bitset{1 << 5}}
		l, err := z.at(value)
		if err == nil {
			var docs []uint32
			if docs, err = l.all(nil); err == nil {
				_, err = z.read(postings{}, l, docs, 0, newSaturation(b, 10))
			}
		}
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
		}
	})
}

func TestFrequencyAt(t *testing.T) {
	for _, x := range []struct{ freq, length uint64 }{{1, 1}, {1, 127}, {1, 128}, {63, 16383}, {64, 16384}, {1, 1 << 40}, {1 << 20, 3}, {0, 0}} {
		data := binary.AppendUvarint(nil, x.freq<<1)
		if x.freq > 0 {
			data = binary.AppendUvarint(data, x.length)
		}
		for _, tail := range [][]byte{nil, {0xff, 0xff}} {
			freq, length, size := frequencyAt(append(slices.Clip(data), tail...))
			require.Equal(t, []uint64{x.freq, x.length, uint64(len(data))}, []uint64{freq, length, uint64(size)})
		}
		if _, _, size := frequencyAt(data[:len(data)-1]); x.length > 127 {
			require.Zero(t, size, "cut short: %v", x)
		}
	}
}

// TestZapPostingsAreBleves compares what is read from the mapped files with what Bleve's iterator says, of every term.
func TestZapPostingsAreBleves(t *testing.T) {
	k := open(t, t.TempDir(), Options{Batch: 100}) // so that segments are merged
	all := zipfArticles(1500)
	apply(t, k, put(all[:1200]...))
	for i := range 60 {
		all[i*7] = article(all[i*7].ID, "Another title", "another text w1x w2x")
	}
	apply(t, k, put(append(slices.Clone(all[:420]), all[1200:]...)...))
	apply(t, k, changes(prediag.Change{Delete: all[900].ID}))
	deleted := 0
	require.NoError(t, k.read(func(r *reader) error {
		ctx := context.Background()
		for i, p := range r.parts {
			if p.Deleted() != nil {
				deleted += int(p.Deleted().GetCardinality())
			}
			for _, field := range textFields {
				z := r.zaps[field][i]
				require.NotNil(t, z)
				d, err := r.dict(i, field)
				require.NoError(t, err)
				s := newSaturation(b, r.average(field))
				it := d.AutomatonIterator(nil, nil, nil)
				for entry, err := it.Next(); entry != nil; entry, err = it.Next() {
					require.NoError(t, err)
					want, err := r.decodeSlowly(ctx, postings{}, i, field, entry.Term, s)
					require.NoError(t, err)
					got, err := r.decodeZap(postings{}, z, entry.Term, uint32(p.base), s)
					require.NoError(t, err)
					require.True(t, slices.Equal(want.docs, got.docs) && slices.Equal(want.sats, got.sats), "%s %q", field, entry.Term)
					if field == fieldText {
						n, err := r.frequency(i, entry.Term)
						require.NoError(t, err)
						require.Len(t, want.docs, n, entry.Term)
					}
				}
				l, err := z.find("no such term")
				require.NoError(t, err)
				require.Equal(t, zapList{}, l)
			}
		}
		return nil
	}))
	require.NotZero(t, deleted, "deleted articles are among them")
}

func TestZapPostingInTheDictionary(t *testing.T) {
	s := newSaturation(b, 10)
	for _, x := range []struct {
		dead bitset
		want postings
	}{{nil, postings{[]uint32{105}, []uint16{s.of(1, 40)}}}, {bitset{1 << 5}, postings{}}} {
		z := &zapField{dead: x.dead}
		l, err := z.at(zapOne | 40<<31 | 5)
		require.NoError(t, err)
		docs, err := l.all(nil)
		require.NoError(t, err)
		require.Equal(t, []uint32{5}, docs)
		got, err := z.read(postings{}, l, docs, 100, s)
		require.NoError(t, err)
		require.Equal(t, x.want, got)
	}
}

func TestListsKeepWhatTheyAreMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const docs = 1000
		most := rapid.SampledFrom([]int{3, 40, docs}).Draw(t, "most")
		p := postings{docs: rapid.SliceOfNDistinct(rapid.Uint32Range(0, docs-1), 0, most, rapid.ID[uint32]).Draw(t, "docs")}
		slices.Sort(p.docs)
		for _, d := range p.docs {
			p.sats = append(p.sats, uint16(d*7+1))
		}
		l := p.keep(docs)
		set := newBitset(docs)
		l.joinTo(set)
		search := l.search()
		for d := range docs {
			_, held := slices.BinarySearch(p.docs, uint32(d))
			require.Equal(t, held, set.has(d))
			require.Equal(t, held, search.has(d))
		}
		s := &scores{cells: make([]cell, docs), found: newBitset(docs), codes: map[int]float32{}}
		admitted := newBitset(docs)
		for d := range docs {
			if d%3 != 0 {
				admitted.add(d)
			}
		}
		s.add(&termLists{text: l, title: l}, 2, 4, admitted)
		for d := range docs {
			var want cell
			if admitted.has(d) && set.has(d) {
				sum := float32(2) * satStep * float32(uint16(d*7+1))
				want = cell{sum, titleWeight * sum, 4}
			}
			require.Equal(t, want, s.cells[d])
			require.Equal(t, want != cell{}, s.found.has(d))
		}
	})
}
