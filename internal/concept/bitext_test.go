package concept

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// texts are the segments of a pair as terms again.
func (b *Bitext) texts(p Pair) [][2][]string {
	var out [][2][]string
	for _, s := range p.Segments {
		var sides [2][]string
		for i, side := range [...][]int32{s.Own, s.Pivot} {
			for _, n := range side {
				sides[i] = append(sides[i], b.terms[n])
			}
		}
		out = append(out, sides)
	}
	return out
}

// TestBitextStoredForm: what is read is what was written, and what no pair holds any more is not written.
func TestBitextStoredForm(t *testing.T) {
	terms := rapid.SliceOf(rapid.StringMatching(`[a-c磁盘]{0,2}`))
	rapid.Check(t, func(t *rapid.T) {
		b := NewBitext(nil)
		b.Segment([]string{"unused"}, nil)
		for i := range rapid.IntRange(0, 5).Draw(t, "pairs") {
			p := Pair{Key: PairKey{byte(i)}, Own: i * 1000, Pivot: i}
			for range rapid.IntRange(0, 4).Draw(t, "segments") {
				p.Segments = append(p.Segments, b.Segment(terms.Draw(t, "own"), terms.Draw(t, "pivot")))
			}
			b.Add(p)
		}
		data, err := b.Encode()
		require.NoError(t, err)
		again, err := DecodeBitext(data)
		require.NoError(t, err)
		require.Len(t, again.pairs, len(b.pairs))
		require.NotContains(t, again.terms, "unused")
		for _, want := range b.pairs {
			got, ok := again.Find(want.Key)
			require.True(t, ok)
			require.Equal(t, [2]int{want.Own, want.Pivot}, [2]int{got.Own, got.Pivot})
			require.Equal(t, b.texts(want), again.texts(got))
		}
		_, ok := again.Find(PairKey{99})
		require.False(t, ok)
	})
}

// TestBitextTakesOver: pairs of another bitext and new ones stand beside each other.
func TestBitextTakesOver(t *testing.T) {
	old := NewBitext(nil)
	kept := Pair{Key: PairKey{1}, Segments: []Segment{old.Segment([]string{"platt", "platt", "voll"}, []string{"disk", "full"})}}
	old.Add(kept)
	old.Add(Pair{Key: PairKey{2}, Segments: []Segment{old.Segment([]string{"gone"}, []string{"gone"})}})
	b := NewBitext(old)
	found, ok := old.Find(PairKey{1})
	require.True(t, ok)
	b.Add(found)
	b.Add(found)
	b.Add(Pair{Key: PairKey{3}, Segments: []Segment{b.Segment([]string{"voll", "neu"}, []string{"new"})}})
	require.Len(t, b.pairs, 2)
	require.Equal(t, [][2][]string{{{"platt", "voll"}, {"disk", "full"}}}, b.texts(b.pairs[0]))
	require.Equal(t, [][2][]string{{{"voll", "neu"}, {"new"}}}, b.texts(b.pairs[1]))
	_, ok = (*Bitext)(nil).Find(PairKey{1})
	require.False(t, ok)
}

func TestBitextOfAnotherVersionIsEmpty(t *testing.T) {
	b, err := DecodeBitext([]byte("bitext 99\n..."))
	require.NoError(t, err)
	require.Empty(t, b.pairs)
}

func FuzzDecodeBitext(f *testing.F) {
	b := NewBitext(nil)
	b.Add(Pair{Key: PairKey{7}, Own: 3, Segments: []Segment{b.Segment([]string{"a", "b"}, []string{"c"})}})
	data, err := b.Encode()
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(bitextHead))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBitext(data)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		l := NewLearner(b)
		for _, p := range b.pairs {
			for _, s := range p.Segments {
				l.Add(s)
			}
		}
		l.Edges("de")
		again, err := b.Encode()
		require.NoError(t, err)
		_, err = DecodeBitext(again)
		require.NoError(t, err)
	})
}
