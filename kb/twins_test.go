package kb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// prose makes a text of n words that share nothing with those of another seed but single words.
func prose(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 9))
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("w%04d", r.IntN(5000))
	}
	return words
}

// edited replaces every nth word.
func edited(words []string, every int) string {
	out := append([]string(nil), words...)
	for i := every - 1; i < len(out); i += every {
		out[i] = fmt.Sprintf("other%d", i)
	}
	return strings.Join(out, " ")
}

func TestSketchTellsTwins(t *testing.T) {
	words := prose(1, 600)
	of := func(body string) sketch {
		a := article("x", "Title", body)
		return sketchOf(&a)
	}
	whole := of(strings.Join(words, " "))
	for name, c := range map[string]struct {
		body       string
		same, near bool
	}{
		"case, spaces, punctuation": {strings.ToUpper(strings.Join(words, ",\n")), true, true},
		"one word in 200":           {edited(words, 200), false, true},
		"one word in 8":             {edited(words, 8), false, false},
		"another text":              {strings.Join(prose(2, 600), " "), false, false},
		"half of it":                {strings.Join(words[:300], " "), false, false},
	} {
		other := of(c.body)
		require.Equal(t, c.same, whole.same(&other), name)
		require.Equal(t, c.near, whole.near(&other), name)
	}
	short, shorter := of("a few words only"), of("a few words, but others")
	require.False(t, short.long())
	require.False(t, short.near(&shorter), "too short to be nearly the same")
	coded := article("x", "Title", strings.Join(words, " "))
	coded.Codes = []prediag.FaultCode{{Code: "DSK.0001"}}
	other := coded
	other.Codes = []prediag.FaultCode{{Code: "DSK.0002"}}
	one, two := sketchOf(&coded), sketchOf(&other)
	require.False(t, one.near(&two), "pages of two codes are no twins, however alike")
	_, ok := parseSketch("AAAA")
	require.False(t, ok)
}

func TestSketchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := sketch(rapid.SliceOfN(rapid.Byte(), sketchBytes, sketchBytes).Draw(t, "sketch"))
		got, ok := parseSketch(k.String())
		require.True(t, ok)
		require.Equal(t, k, got)
	})
}

func TestTwinsAreNamed(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	words := prose(1, 300)
	body := strings.Join(words, " ")
	staff := article("b", "Disk full", body)
	staff.Audience = []string{"staff"}
	nearly := article("d", "disk  FULL", edited(words, 150))
	nearly.Product = "storage"
	apply(t, k, put(article("c", "Disk full", body), staff, nearly, article("e", "Disk empty", edited(words, 150)), article("f", "Elsewhere", "nothing alike")))
	groups, err := TwinGroups(dir, 1)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"b", "c", "d"}}, groups, "another title is another page")
	list, err := List(dir)
	require.NoError(t, err)
	require.Equal(t, Twins{Groups: 1, Exact: 1, Near: 1}, list[0].Twins)
	require.Equal(t, 2, k.Generation().Twins)

	search := func(q prediag.Query) map[string][]string {
		q.Text, q.Limit = strings.Join(words[:5], " "), 10
		out := map[string][]string{}
		for _, h := range find(t, k, q).Hits {
			out[h.ArticleID] = h.Also
		}
		return out
	}
	require.Equal(t, map[string][]string{"c": {"d"}, "d": {"c"}, "e": nil}, search(prediag.Query{}), "what a caller may not read is not named")
	require.Equal(t, map[string][]string{"b": {"c", "d"}, "c": {"b", "d"}, "d": {"b", "c"}, "e": nil}, search(prediag.Query{Audience: []string{"staff"}}))
	require.Equal(t, map[string][]string{"d": nil}, search(prediag.Query{Products: []string{"storage"}}), "what a filter leaves out is not named")
	for _, id := range []string{"c", "d"} {
		_, err := k.Article(context.Background(), id, nil)
		require.NoError(t, err)
	}

	apply(t, k, changes(prediag.Change{Delete: "b"}, prediag.Change{Delete: "c"}))
	require.Equal(t, map[string][]string{"d": nil, "e": nil}, search(prediag.Query{}), "the last of a group has no twin")
	_, err = TwinGroups(dir, 9)
	require.ErrorIs(t, err, prediag.ErrNotFound)
}

func TestNearnessIsNotTransitive(t *testing.T) {
	rows := map[string]row{}
	for i := range 6 { // each shares seven of twelve bands with the next, and four with the one after that
		var k sketch
		k[0] = byte(i)
		for b := range sketchBands {
			v := i
			if b < 2 {
				v = 9
			} else if (b+i)%2 == 0 {
				v = i + 1
			}
			k[exactBytes+2*b], k[exactBytes+2*b+1] = byte(v/2), byte(b)|1
		}
		rows[fmt.Sprint("a", i)] = row{id: fmt.Sprint("a", i), titleKey: "t", sketch: k}
	}
	groups, _ := twinsOf(rows, nil)
	require.NotEmpty(t, groups)
	for _, g := range groups {
		first := rows[g[0]].sketch
		for _, id := range g[1:] {
			member := rows[id].sketch
			require.True(t, first.near(&member), "%s and %s", g[0], id)
		}
	}
}

func BenchmarkSketch(b *testing.B) {
	a := article("x", "Title", strings.Join(prose(1, 600), " "))
	b.SetBytes(int64(len(a.Body)))
	for b.Loop() {
		sketchOf(&a)
	}
}
