package eval

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestReadQrels(t *testing.T) {
	q, err := ReadQrels(strings.NewReader("# by hand\nq1 0 a 2\nq1\t0\tb\t0\n\n  q2 Q0 a#1 -1  \r\n"))
	require.NoError(t, err)
	require.Equal(t, Qrels{"q1": {"a": 2, "b": 0}, "q2": {"a#1": -1}}, q)
}

func TestReadRun(t *testing.T) {
	run, err := ReadRun(strings.NewReader("q1 Q0 a 9 1.5 tag\nq1 Q0 b 1 2e-3 tag and more\n"))
	require.NoError(t, err)
	require.Equal(t, Run{"q1": {{"a", 1.5}, {"b", 0.002}}}, run, "the rank column is of no account")
}

func TestReadQueries(t *testing.T) {
	got, err := ReadQueries(strings.NewReader("\ufeff{\"id\":\"1\",\"text\":\"how?\",\"lang\":\"en\",\"answer\":\"so\"}\n\n2\twas ist \t das\n"))
	require.NoError(t, err)
	require.Equal(t, []Query{{ID: "1", Text: "how?", Language: "en"}, {ID: "2", Text: "was ist \t das"}}, got)
	got, err = ReadQueries(strings.NewReader(`{"id":"1","text":""}`))
	require.NoError(t, err)
	require.Equal(t, []Query{{ID: "1"}}, got)
	got, err = ReadQueries(strings.NewReader(`{"id":"1","text":"a","category":"net/dns","tier":"L2","product":"vpc","source":"phone","created":"2026-02-01"}`))
	require.NoError(t, err)
	require.Equal(t, []Query{{ID: "1", Text: "a", Category: "net/dns", Tier: "L2", Product: "vpc", Source: "phone", Created: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}}, got)
}

func TestReadersNameTheLine(t *testing.T) {
	qrels := func(s string) error { _, err := ReadQrels(strings.NewReader(s)); return err }
	run := func(s string) error { _, err := ReadRun(strings.NewReader(s)); return err }
	queries := func(s string) error { _, err := ReadQueries(strings.NewReader(s)); return err }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"qrels columns", qrels("q 0 d 1\nq 0 d\n"), "qrels, line 2: 3 columns; want 4"},
		{"qrels grade", qrels("q 0 d 0.5\n"), `line 1: grade "0.5"`},
		{"qrels grade too large", qrels("q 0 d 99999999\n"), "at most 1048576"},
		{"qrels twice", qrels("q 0 d 1\nq 0 d 1\n"), `line 2: document "d" of query "q" is judged twice`},
		{"run columns", run("q Q0 d 1 2.0\n"), "run, line 1: 5 columns; want 6"},
		{"run score", run("q Q0 d 1 NaN t\n"), `score "NaN"; want a finite number`},
		{"run twice", run("q Q0 d 1 2 t\n\nq Q0 d 2 1 t\n"), "line 3: document"},
		{"query json", queries("{\"id\": 1}\n"), "line 1: not a JSON object"},
		{"query id", queries(`{"text":"how"}`), "the id is empty or absent"},
		{"query form", queries("just words\n"), "neither a JSON object nor"},
		{"query twice", queries("1\ta\n1\tb\n"), `line 2: the id "1" was given before`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorIs(t, tt.err, prediag.ErrInvalid)
			require.ErrorContains(t, tt.err, tt.want)
		})
	}
}

func pack(t *testing.T, s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestReadersUnpackGzip(t *testing.T) {
	packed := pack(t, "q 0 d 1\n")
	q, err := ReadQrels(bytes.NewReader(packed))
	require.NoError(t, err)
	require.Equal(t, Qrels{"q": {"d": 1}}, q)
	_, err = ReadQrels(bytes.NewReader(packed[:len(packed)-4]))
	require.ErrorIs(t, err, prediag.ErrDamaged)
}

func TestReadersBoundTheirInput(t *testing.T) {
	_, err := ReadQueries(strings.NewReader("1\t" + strings.Repeat("a", maxLineBytes)))
	require.ErrorIs(t, err, prediag.ErrTooLarge)
	require.ErrorContains(t, err, "line 1")
	_, err = io.ReadAll(&bounded{strings.NewReader("abc"), 2})
	require.ErrorIs(t, err, prediag.ErrTooLarge)
}

func TestWriteRunRanksByScore(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteRun(&b, Run{"q2": {{"a", 1}}, "q1": {{"a", 1}, {"b", 3}, {"c", 1}}}, "mine"))
	require.Equal(t, "q1 Q0 b 1 3 mine\nq1 Q0 c 2 1 mine\nq1 Q0 a 3 1 mine\nq2 Q0 a 1 1 mine\n", b.String())
}

func TestWritersRefuseWhatCannotBeRead(t *testing.T) {
	require.ErrorIs(t, WriteRun(io.Discard, Run{"q 1": {{"a", 1}}}, "t"), prediag.ErrInvalid)
	require.ErrorIs(t, WriteRun(io.Discard, Run{"#q": {{"a", 1}}}, "t"), prediag.ErrInvalid)
	require.ErrorIs(t, WriteRun(io.Discard, Run{"q": {{"", 1}}}, "t"), prediag.ErrInvalid)
	require.ErrorIs(t, WriteRun(io.Discard, Run{"q": {{"a", 1}}}, ""), prediag.ErrInvalid)
	require.ErrorIs(t, WriteQrels(io.Discard, Qrels{"q": {"a\u00a0b": 1}}), prediag.ErrInvalid)
}

func ids() *rapid.Generator[string] { return rapid.StringMatching(`[^\s#\pZ\pC][^\s\pZ\pC]{0,9}`) }

func TestRunRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) ScoredDoc {
			return ScoredDoc{ids().Draw(t, "doc"), rapid.Float64().Draw(t, "score")}
		}), 1, 8, func(d ScoredDoc) string { return d.ID })
		run := rapid.MapOfN(ids(), docs, 0, 5).Draw(t, "run")
		var b bytes.Buffer
		require.NoError(t, WriteRun(&b, run, "tag"))
		back, err := ReadRun(&b)
		require.NoError(t, err)
		for q := range run {
			run[q] = rank(run[q])
		}
		require.Equal(t, Run(run), back)
	})
}

func TestQrelsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		qrels := Qrels(rapid.MapOfN(ids(), rapid.MapOfN(ids(), rapid.IntRange(-3, maxGrade), 1, 8), 0, 5).Draw(t, "qrels"))
		var b bytes.Buffer
		require.NoError(t, WriteQrels(&b, qrels))
		back, err := ReadQrels(&b)
		require.NoError(t, err)
		require.Equal(t, qrels, back)
	})
}

func FuzzReadQrels(f *testing.F) {
	f.Add([]byte("q 0 d 1\nq 0 e 0\n"))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("# c\nq 0 d -1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		qrels, err := ReadQrels(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, WriteQrels(&b, qrels))
		back, err := ReadQrels(&b)
		require.NoError(t, err)
		require.Equal(t, qrels, back)
	})
}

func FuzzReadRun(f *testing.F) {
	f.Add([]byte("q Q0 d 1 2.5 t\nq Q0 e 2 -1e9 t\n"))
	f.Add([]byte("q Q0 d 1 0x1p-3 t x y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := ReadRun(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, WriteRun(&b, run, "t"))
		back, err := ReadRun(&b)
		require.NoError(t, err)
		require.Len(t, back, len(run))
		for q := range run {
			require.Equal(t, rank(run[q]), back[q])
		}
	})
}

func FuzzReadQueries(f *testing.F) {
	f.Add([]byte("{\"id\":\"1\",\"text\":\"how?\",\"lang\":\"en\"}\n2\twhat\n"))
	f.Add([]byte("\ufeff\t\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		queries, err := ReadQueries(bytes.NewReader(data))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, q := range queries {
			require.NotEmpty(t, q.ID)
			require.False(t, seen[q.ID])
			seen[q.ID] = true
		}
	})
}

// TestSharedCollections reads the real collections, where they are there.
func TestSharedCollections(t *testing.T) {
	folders, _ := filepath.Glob("../../shared/data/retrieval/*/qrels.txt")
	if len(folders) == 0 {
		t.Skip("no shared data")
	}
	for _, path := range folders {
		f, err := os.Open(path)
		require.NoError(t, err)
		qrels, err := ReadQrels(f)
		require.NoError(t, err, path)
		require.NoError(t, f.Close())
		f, err = os.Open(filepath.Join(filepath.Dir(path), "queries.jsonl"))
		require.NoError(t, err)
		queries, err := ReadQueries(f)
		require.NoError(t, err, path)
		require.NoError(t, f.Close())
		judged, missing, err := pairUp(queries, qrels)
		require.NoError(t, err)
		require.NotEmpty(t, judged)
		require.Empty(t, missing, path)
	}
}
