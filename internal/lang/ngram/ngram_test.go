package ngram

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func words(s string) (out []string) {
	for sc := NewScanner(s); sc.Next(); {
		out = append(out, string(sc.Word.Text()))
	}
	return out
}

func TestScanner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"words":         {"Die Übung läuft.", []string{"die", "übung", "läuft"}},
		"apostrophe":    {"l'accès aujourd’hui", []string{"l", "accès", "aujourd", "hui"}},
		"code":          {"see ACS.0013 now", []string{"see", "now"}},
		"id":            {"vm i-0abc123.cn-north-4 down", []string{"vm", "down"}},
		"URL":           {"at https://a.example/the/of ok", []string{"at", "ok"}},
		"address":       {"mail joe@example.com today", []string{"mail", "today"}},
		"path":          {"in /var/log/syslog there", []string{"in", "there"}},
		"camel case":    {"a CrashLoopBackOff again", []string{"a", "again"}},
		"backquotes":    {"run `the of` twice", []string{"run", "twice"}},
		"assignment":    {"status=503 again", []string{"again"}},
		"full width":    {"Ｆｅｈｌｅｒ", []string{"fehler"}},
		"dotted I":      {"İstanbul", []string{"istanbul"}},
		"scripts":       {"数据库down了", []string{"数据库", "down", "了"}},
		"invalid bytes": {"a\xff\xfeb", []string{"a", "b"}},
		"long word":     {strings.Repeat("a", 60), []string{strings.Repeat("a", 24)}},
		"long run":      {strings.Repeat("中", 30), []string{strings.Repeat("中", 24), strings.Repeat("中", 6)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, words(c.in))
		})
	}
}

// TestFeatures counts by hand: "_ab_" has three pairs, two triples and one quadruple, which is the whole word; "_é_" has
// two pairs, a triple, and é alone; and 這是 two characters, a mark that 這 is traditional, and one pair.
func TestFeatures(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"ab": 6, "é": 4, "這是": 4, "abc": 4 + 3 + 2 + 1} {
		sc := NewScanner(in)
		require.True(t, sc.Next())
		require.Len(t, sc.Word.Features(nil), want, in)
	}
}

// TestFeaturesAreBounded: a word never has more features than MaxFeatures, nor other ones for its capitals.
func TestFeaturesAreBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abcéŁжд中國カ한ﾀＡ")), 1, 80, -1).Draw(t, "s")
		for sc := NewScanner(s); sc.Next(); {
			if n := len(sc.Word.Features(nil)); n > MaxFeatures {
				t.Fatal(n)
			}
		}
	})
}

func tiny() []Group {
	g := Group{Script: Latin, Tags: []string{"de", "en", "und", "und"}, Bits: 4, Scale: 0.5, Certain: [3]float32{-1, 2, 0.25}, Weights: make([]int8, 4<<4)}
	for i := range g.Weights {
		g.Weights[i] = int8(i*37 - 100)
	}
	list := []Group{g, {Script: Han, Tags: []string{"zh"}, Bits: 1, Scale: 1, Weights: []int8{-128, 127}}}
	for i := range list {
		list[i].Pack()
	}
	return list
}

func TestModelRoundTrip(t *testing.T) {
	t.Parallel()
	data, err := Encode(tiny())
	require.NoError(t, err)
	got, err := Decode(data)
	require.NoError(t, err)
	require.Equal(t, tiny(), got)
}

func TestDamagedModel(t *testing.T) {
	t.Parallel()
	data, err := Encode(tiny())
	require.NoError(t, err)
	for name, bad := range map[string][]byte{"empty": nil, "other version": append([]byte("ngrams\x00\x02"), data[8:]...), "cut": data[:len(data)/2]} {
		_, err := Decode(bad)
		require.ErrorIs(t, err, errDamaged, name)
	}
	wide := tiny()
	wide[0].Bits = 30
	data, err = Encode(wide)
	require.NoError(t, err)
	_, err = Decode(data)
	require.ErrorContains(t, err, "30 bits")
}

// TestBest measures the distance to the next class of another tag: the two "und" do not compete.
func TestBest(t *testing.T) {
	t.Parallel()
	g := tiny()[0]
	class, margin := g.Best([]float32{1, 0, 4, 3.5})
	require.Equal(t, 2, class)
	require.InDelta(t, 3, margin, 1e-6)
}

func TestConfidenceGrows(t *testing.T) {
	t.Parallel()
	g := tiny()[0]
	require.InDelta(t, 0.5, g.Confidence(0.5, 0), 1e-6) // -1 + 2·0.5 = 0
	require.Greater(t, g.Confidence(2, 10), g.Confidence(1, 10))
	require.Greater(t, g.Confidence(1, 100), g.Confidence(1, 10))
}

func FuzzDecode(f *testing.F) {
	data, err := Encode(tiny())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:20])
	f.Add([]byte("ngrams\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		groups, err := Decode(data)
		if err != nil {
			return
		}
		for _, g := range groups {
			if len(g.Weights) != len(g.Tags)<<g.Bits {
				t.Fatal("sizes")
			}
		}
	})
}

// TestAddSumsWeights compares the sums in lanes with plain ones.
func TestAddSumsWeights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, bits := rapid.IntRange(1, MaxClasses).Draw(t, "classes"), rapid.IntRange(1, 5).Draw(t, "bits")
		g := Group{Tags: make([]string, k), Bits: bits, Weights: rapid.SliceOfN(rapid.Int8(), k<<bits, k<<bits).Draw(t, "weights")}
		g.Pack()
		features := rapid.SliceOfN(rapid.Uint32(), 0, 700).Draw(t, "features")
		var want, got Scores
		want.Features = len(features)
		for _, h := range features {
			for c := range k {
				want.Sum[c] += int32(g.Weights[int(h>>(32-bits))*k+c])
			}
		}
		g.Add(&got, features)
		if got != want {
			t.Fatal(got, want)
		}
		if g.stride == wide { // the kernel and the plain sums agree
			list := features[:min(len(features), chunk)]
			var even, odd, even2, odd2 [wide]uint64
			g.addPlain(list, &even, &odd)
			if addWide(g.rows, list, 32-g.Bits, &even2, &odd2) && (even != even2 || odd != odd2) {
				t.Fatal(even, even2, odd, odd2)
			}
		}
	})
}
