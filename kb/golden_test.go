package kb

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestParseGolden(t *testing.T) {
	g, err := ParseGolden("golden.yaml", []byte("floor: 0.5\nk: 3\nqueries:\n- {query: disk full, articles: [a, b]}\n- {query: 磁盘, articles: [c], k: 1, languages: [zh], audience: [staff]}\n"))
	require.NoError(t, err)
	require.Equal(t, Golden{Floor: 0.5, K: 3, Queries: []GoldenQuery{{Query: "disk full", Articles: []string{"a", "b"}, K: 3},
		{Query: "磁盘", Articles: []string{"c"}, K: 1, Languages: []string{"zh"}, Audience: []string{"staff"}}}}, g)
	for raw, says := range map[string]string{
		"":           "there is no query",
		"queries: 7": "line 1",
		"flor: 1\nqueries: [{query: a, articles: [b]}]":                        "line 1: field flor not found",
		"floor: 1.5\nqueries: [{query: a, articles: [b]}]":                     "0 to 1",
		"floor: .nan\nqueries: [{query: a, articles: [b]}]":                    "0 to 1",
		"queries: [{query: ' ', articles: [b]}]":                               "query 1 is empty",
		"queries: [{query: a}]":                                                `query 1, "a": name the IDs`,
		"queries: [{query: a, articles: [b], k: 101}]":                         "k takes 1 to 100",
		"queries: [{query: " + strings.Repeat("a", 9000) + ", articles: [b]}]": "query 1",
	} {
		_, err := ParseGolden("golden.yaml", []byte(raw))
		require.ErrorIs(t, err, prediag.ErrInvalid, raw)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "golden.yaml")
	}
}

func FuzzGolden(f *testing.F) {
	f.Add("floor: 0.5\nqueries: [{query: a, articles: [b]}]")
	f.Add("&a [*a]")
	f.Fuzz(func(t *testing.T, raw string) {
		g, err := ParseGolden("g", []byte(raw))
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		require.NotEmpty(t, g.Queries)
	})
}

func TestGoldenQueriesKeepABadGenerationOut(t *testing.T) {
	dir := t.TempDir()
	golden := Golden{Floor: 0.5, Queries: []GoldenQuery{{Query: "disk full", Articles: []string{"a"}, K: 1}, {Query: "network gateway", Articles: []string{"b"}, K: 1}}}
	var broken error
	k := open(t, dir, Options{Golden: func() (Golden, error) { return golden, broken }})
	apply(t, k, put(article("a", "Disk full", "Delete files."), article("b", "Network gateway", "Set a route.")))
	require.Equal(t, &GoldenResult{Queries: 2, Held: 2, Floor: 0.5}, k.current.manifest.Golden)

	apply(t, k, changes(prediag.Change{Delete: "b"}))
	list, err := List(dir)
	require.NoError(t, err)
	require.Equal(t, &GoldenResult{Queries: 2, Held: 1, Floor: 0.5, Failed: []GoldenFailure{{Query: "network gateway", Wanted: []string{"b"}}}}, list[0].Golden,
		"half of them hold, which is enough, and the one that failed is named")

	_, err = k.Apply(context.Background(), put(article("a", "Elsewhere", "About another matter.")))
	require.ErrorIs(t, err, prediag.ErrConflict)
	require.ErrorContains(t, err, `0 of 2 golden queries hold, at least 50 % must`)
	require.ErrorContains(t, err, `"disk full" wants a and finds nothing`)
	require.EqualValues(t, 2, k.Generation().Number)
	require.Equal(t, []string{"a"}, ids(find(t, k, prediag.Query{Text: "disk full"})))
	require.NotContains(t, strings.Join(names(t, dir), " "), genName(3))

	broken = errors.New("no such file")
	_, err = k.Apply(context.Background(), put(article("c", "New", "text")))
	require.ErrorIs(t, err, broken, "queries that cannot be read hold nothing back silently")
	broken, golden = nil, Golden{}
	require.EqualValues(t, 3, apply(t, k, put(article("a", "Elsewhere", "About another matter."))).Number)
}
