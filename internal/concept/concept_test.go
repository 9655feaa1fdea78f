package concept

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestTranslate(t *testing.T) {
	g := NewGraph("en", "s", []Edge{
		{"ja", "ディスク", "disk", 0.9, 0.8},
		{"de", "festplatt", "disk", 0.7, 0.5},
		{"de", "platt", "disk", 0.6, 0.2},
		{"de", "platt", "board", 0.3, 0.9},
	})
	require.Equal(t, []Alternative{{"en", "disk", 0.6}, {"en", "board", 0.3}}, g.Translate(nil, "de", "platt", []string{"en"}))
	require.Equal(t, []Alternative{{"de", "festplatt", 0.5}, {"de", "platt", 0.2}}, g.Translate(nil, "en", "disk", []string{"de"}))
	across := g.Translate(nil, "de", "festplatt", []string{"de", "ja"})
	require.Len(t, across, 1)
	require.Equal(t, "ディスク", across[0].Term)
	require.InDelta(t, 0.7*0.8, across[0].Weight, 1e-12)
	require.Empty(t, g.Translate(nil, "en", "unknown", []string{"de"}))
	require.Empty(t, (*Graph)(nil).Translate(nil, "en", "disk", []string{"de"}))
}

// TestStoredForm: what is read is what was written, to a thousandth.
func TestStoredForm(t *testing.T) {
	word := rapid.StringMatching(`[a-zäß磁盘]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.Custom(func(t *rapid.T) Edge {
			return Edge{rapid.SampledFrom([]string{"de", "zh"}).Draw(t, "language"), word.Draw(t, "term"), word.Draw(t, "pivot"),
				float64(rapid.IntRange(0, 1000).Draw(t, "forward")) / 1000, float64(rapid.IntRange(0, 1000).Draw(t, "back")) / 1000}
		})
		g := NewGraph("en", "sig", rapid.SliceOf(edge).Draw(t, "edges"))
		again, err := Decode(bytes.NewReader(g.Encode()))
		require.NoError(t, err)
		require.Equal(t, g.Encode(), again.Encode())
		require.Equal(t, "sig", again.Signature())
		require.Equal(t, len(g.Edges()), len(again.Edges()))
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(NewGraph("en", "s", []Edge{{"de", "platt", "disk", 0.5, 0.25}}).Encode())
	f.Add([]byte("concepts 1\ten\ts\nde\ta\tb\t2000\t1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Decode(bytes.NewReader(data))
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		g.Translate(nil, "de", "platt", []string{"en", "fr"})
		_, err = Decode(bytes.NewReader(g.Encode()))
		require.NoError(t, err)
	})
}

// TestAlign: paragraphs that were kept, and one that was split.
func TestAlign(t *testing.T) {
	require.Equal(t, []Bead{{0, 1, 0, 1}, {1, 2, 1, 2}, {2, 3, 2, 3}}, Align([]int{100, 20, 300}, []int{50, 10, 150}))
	require.Equal(t, []Bead{{0, 1, 0, 2}, {1, 2, 2, 3}}, Align([]int{200, 40}, []int{110, 90, 40}))
	require.Empty(t, Align(nil, []int{3}))
}

// TestAlignKeepsOrder: beads of any lengths rise and do not overlap.
func TestAlignKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(0, 500), 0, 40)
		a, b := lengths.Draw(t, "a"), lengths.Draw(t, "b")
		i, j := 0, 0
		for _, bead := range Align(a, b) {
			require.True(t, i <= bead.A0 && bead.A0 < bead.A1 && bead.A1 <= len(a))
			require.True(t, j <= bead.B0 && bead.B0 < bead.B1 && bead.B1 <= len(b))
			i, j = bead.A1, bead.B1
		}
	})
}

// TestLearnsAPlantedDictionary: sentences of random words and of their translations, in another order and with noise.
func TestLearnsAPlantedDictionary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := NewBitext(nil)
	l := NewLearner(text)
	for range 1500 {
		var own, pivot []string
		for range 8 {
			n := int(r.ExpFloat64() * 12)
			own = append(own, fmt.Sprint("f", n))
			if r.Float64() < 0.8 {
				pivot = append(pivot, fmt.Sprint("e", n))
			}
		}
		pivot = append(pivot, "name")
		own = append(own, "name")
		r.Shuffle(len(pivot), func(i, j int) { pivot[i], pivot[j] = pivot[j], pivot[i] })
		l.Add(text.Segment(own, pivot))
	}
	g := NewGraph("e", "", l.Edges("f"))
	right := 0
	for n := range 40 {
		if found := g.Translate(nil, "f", fmt.Sprint("f", n), []string{"e"}); len(found) > 0 && found[0].Term == fmt.Sprint("e", n) {
			right++
			require.Greater(t, found[0].Weight, 0.5)
		}
	}
	require.GreaterOrEqual(t, right, 38)
	require.Empty(t, g.Translate(nil, "f", "name", []string{"e"}), "what is the same in both needs no edge")
}

// TestNothingFromChance: words that are independent of each other are not related.
func TestNothingFromChance(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	text := NewBitext(nil)
	l := NewLearner(text)
	for range 500 {
		var own, pivot []string
		for range 6 {
			own = append(own, fmt.Sprint("f", r.IntN(30)))
			pivot = append(pivot, fmt.Sprint("e", r.IntN(30)))
		}
		l.Add(text.Segment(own, pivot))
	}
	require.LessOrEqual(t, len(l.Edges("f")), 5)
}

// TestRatio is worked by hand: two terms that stand in the same 10 of 20 segments, 2·20·ln 2.
func TestRatio(t *testing.T) {
	require.InDelta(t, 40*0.693147, ratio(10, 10, 10, 20), 1e-4)
	require.Zero(t, ratio(5, 10, 10, 20), "as by chance")
	require.Zero(t, ratio(1, 10, 10, 20), "less often than by chance")
}

func fields(_, s string) []string { return strings.Fields(strings.ToLower(s)) }

func TestGlossary(t *testing.T) {
	g, err := Parse([]byte("concepts:\n  lb:\n    en: [load balancer, LB]\n    de: [Lastverteiler]\n    fr: [répartiteur de charge]\n  load:\n    en: [load]\n    de: [Last]\n"))
	require.NoError(t, err)
	p := g.Compile(fields)
	never := func(int) bool { return false }
	text := strings.Fields("the load balancer is down")
	require.Equal(t, map[string][]Alternative{"load": {{"de", "lastverteiler", 1}}}, p.Find("en", text, never, []string{"de"}), "the longest label")
	require.Equal(t, map[string][]Alternative{"lastverteiler": {{"en", "load", 0.5}, {"en", "balancer", 0.5}, {"en", "lb", 0.5}}},
		p.Find("de", []string{"lastverteiler"}, never, []string{"en"}))
	require.Equal(t, "last", p.Find("de", []string{"load"}, never, []string{"de"})["load"][0].Term, "English counts in any language")
	require.Empty(t, p.Find("en", text, func(i int) bool { return i == 2 }, []string{"fr"}), "a part of a code")
}

func TestGlossaryExtends(t *testing.T) {
	g, err := BuiltIn()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(g.Concepts), 200)
	own, err := Parse([]byte("concepts:\n  disk:\n    en: [spindle]\n  widget:\n    en: [widget]\n  server: {}\n"))
	require.NoError(t, err)
	both := g.Extend(own)
	require.Equal(t, []string{"spindle"}, both.Concepts["disk"]["en"])
	require.Empty(t, both.Concepts["server"])
	require.Len(t, both.Concepts, len(g.Concepts)+1)
	for id, labels := range g.Concepts {
		require.GreaterOrEqual(t, len(labels), 10, id)
	}
}

func TestGlossaryFaults(t *testing.T) {
	for text, says := range map[string]string{
		"concept: {}\n":                                                 "docs/search.md",
		"concepts:\n  x:\n    english: [a]\n":                           `concept "x": "english" is no base language`,
		"concepts:\n  x:\n    en: ['']\n":                               `a label in "en" is empty`,
		"concepts:\n  x:\n    en: {a: b}\n":                             "docs/search.md",
		"concepts:\n  '': {}\n":                                         "its ID must have",
		"concepts:\n  x:\n    en: [" + strings.Repeat("a", 300) + "]\n": "over 256 bytes",
	} {
		_, err := Parse([]byte(text))
		require.ErrorIs(t, err, prediag.ErrInvalid)
		require.ErrorContains(t, err, says)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("concepts:\n  lb:\n    en: [load balancer, LB]\n    ja: [ロードバランサー]\n"))
	f.Add([]byte("concepts:\n  a: &a\n    en: [x]\n  b: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data)
		if err != nil {
			return
		}
		p := g.Compile(fields)
		p.Find("en", []string{"load", "balancer"}, func(int) bool { return false }, []string{"ja", "de"})
	})
}

func BenchmarkFind(b *testing.B) {
	g, err := BuiltIn()
	require.NoError(b, err)
	p := g.Compile(fields)
	text := slices.Repeat(strings.Fields("die festplatte des servers ist voll und der neustart schlug fehl"), 30)
	for b.Loop() {
		p.Find("de", text, func(int) bool { return false }, []string{"en"})
	}
}
