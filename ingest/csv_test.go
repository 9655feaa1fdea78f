package ingest

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func writeRaw(path, s string) error { return os.WriteFile(path, []byte(s), 0o600) }

// readCSV refreshes an index from one CSV file.
func readCSV(t require.TestingT, content string, d *Defaults) (*memory, SourceReport) {
	index := newMemory()
	src := with{FS("s", files(map[string]string{"a.csv": content})), d}
	rep, err := New(index, Options{MaxItemBytes: 4000}).Refresh(ctxOf(t), []Source{src})
	require.NoError(t, err)
	return index, rep.Sources[0]
}

func TestCSV(t *testing.T) {
	index, rep := readCSV(t, "\ufeffID;Title;Body\r\n7;\"Disk; full\";\"Delete\nfiles.\"\r\n8;Two;Text\r\n;;\r\n9;\"bad\"quote;x\r\n10;Ten;Text\r\n", nil)
	require.Equal(t, 3, rep.Added)
	require.Equal(t, map[string]int{SkipCSV: 1}, rep.Skipped)
	a := index.articles["s/7"]
	require.Equal(t, "Disk; full", a.Title)
	require.Equal(t, "Delete\nfiles.", a.Body)
	require.Equal(t, "a.csv#s/7", a.Path)

	index, rep = readCSV(t, "error_code,description,solution\nACS.0013,No stock,Choose another flavour\n", nil)
	require.Equal(t, 1, rep.Added, "named by its title, which is the code")
	for id := range index.articles {
		require.Regexp(t, `^s/a.csv#[0-9a-f]{16}$`, id)
	}
	_, rep = readCSV(t, "body\nx\n", nil)
	require.Equal(t, map[string]int{SkipID: 1}, rep.Skipped, "there is nothing to name it by")

	index, rep = readCSV(t, "nr,error_code,text,fix,who\n1,ACS.0013,No stock,Choose another flavour,staff\n2,ACS.0014,x,y,public\n", &Defaults{
		Product: "ecs", Language: "en", Audience: []string{"staff"},
		Columns: &Columns{ID: "nr", Code: "error_code", Meaning: "text", Solution: "fix", Audience: "who"}})
	require.Equal(t, 1, rep.Added)
	require.Equal(t, map[string]int{SkipAudience: 1}, rep.Skipped)
	a = index.articles["s/1"]
	require.Equal(t, "ACS.0013", a.Title)
	require.Equal(t, "ecs", a.Product)
	require.Equal(t, []string{"staff"}, a.Audience)
	require.Equal(t, "No stock\n\nChoose another flavour", a.Body)
	require.Len(t, a.Codes, 1)
	require.Equal(t, []string{"No stock", "Choose another flavour"}, []string{a.Codes[0].Meaning, a.Codes[0].Solution})

	index, rep = readCSV(t, "nr,text,reader\n1,For few,staff\n", &Defaults{Columns: &Columns{ID: "nr", Body: "text", Audience: "readers"}})
	require.Equal(t, map[string]int{SkipReaders: 1}, rep.Skipped, "a column of readers that is not there must not open the rows to all")
	require.Len(t, rep.Quarantined, 1)
	require.Empty(t, index.articles)

	for name, c := range map[string]struct{ in, reason string }{
		"no columns":   {"a,b\n1,2\n", SkipHeader},
		"empty":        {"", SkipEmpty},
		"header alone": {"id,title,body\n", SkipEmpty},
		"no name":      {"id,,body\n,x,\n", SkipNoColumns},
		"blank rows":   {"id,title,body\n,,\n,,\n", SkipEmpty},
		"open quote":   {"id,body\n1,\"" + strings.Repeat("x\n", 90_000), SkipTooLarge},
		"long header":  {strings.Repeat("a,", 2000), SkipTooLarge},
		"binary":       {"id,body\n1,a\x00b\n", SkipBinary},
		"encoding":     {"id,body\n1,\xb0\xb2\n", SkipInvalidUTF8},
	} {
		t.Run(name, func(t *testing.T) {
			_, rep := readCSV(t, c.in, nil)
			require.Equal(t, map[string]int{c.reason: 1}, rep.Skipped)
		})
	}
}

// TestCSVRoundTrip writes articles as CSV and reads them back.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Z0-9"';,|一-龥]{1,8}( [a-z",;]{1,5}){0,3}`)
		want := map[string][2]string{}
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "comma")
		require.NoError(t, w.Write([]string{"id", "title", "body"}))
		for _, id := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9]{1,6}`), 1, 6, rapid.ID).Draw(t, "ids") {
			title, body := word.Draw(t, "title"), word.Draw(t, "body")
			want["s/"+id] = [2]string{title, body}
			require.NoError(t, w.Write([]string{id, title, body}))
		}
		w.Flush()
		index, rep := readCSV(t, b.String(), nil)
		require.Empty(t, rep.Skipped)
		got := map[string][2]string{}
		for id, a := range index.articles {
			got[id] = [2]string{a.Title, a.Body}
		}
		require.Equal(t, want, got)
	})
}

func TestColumns(t *testing.T) {
	c := &Columns{ID: "n", Title: "data.subject", Body: "data.blocks.0.text", Audience: "who", BodyFormat: "markdown"}
	line := func(s string) (string, string) {
		a, reason := (&task{Source: "s", Path: "a.jsonl", Record: true, Raw: []byte(s), Defaults: Defaults{Columns: c}}).parse()
		return a.ID + "|" + a.Title + "|" + a.Body + "|" + strings.Join(a.Audience, "+"), reason
	}
	got, reason := line(`{"n":12345678901234567890,"data":{"subject":"T","blocks":[{"text":"Run **it**."}]},"who":["a","b"]}`)
	require.Empty(t, reason)
	require.Equal(t, "s/12345678901234567890|T|Run it.|a+b", got)
	for in, want := range map[string]string{
		`{"n":1,"data":{"subject":"T","blocks":[{"text":"x"}]},"who":{"a":1}}`: SkipMetadata,
		`{"n":1,"data":{"subject":"T","blocks":[{"text":"x"}]},"who":[1]}`:     SkipMetadata,
		`{"n":1,"data":{"subject":"T","blocks":[]}}`:                           SkipEmpty,
		`{"data":{"subject":"T","blocks":[{"text":"x"}]}}`:                     SkipID,
		`{"n":1}`:       SkipNoColumns,
		`{"n":1} {}`:    SkipJSON,
		`[1]`:           SkipJSON,
		`{"n":{"a":1}}`: SkipID,
	} {
		_, reason := line(in)
		require.Equal(t, want, reason, in)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("id,title,body\n1,a,\"b\nc\"\n")
	f.Add("id;body\n1;\"x\n2;y\n")
	f.Add("body\n\"\"\n")
	f.Add("\ufeffid\tcode\tmeaning\n\"\"\t1\t2\n")
	f.Fuzz(func(t *testing.T, raw string) {
		index, rep := readCSV(t, raw, nil)
		require.Equal(t, 1, rep.Files)
		require.Equal(t, len(index.articles), rep.Articles)
		require.True(t, rep.Articles > 0 || len(rep.Skipped) > 0, "nothing is left out silently")
		for id, a := range index.articles {
			require.Equal(t, id, a.ID)
		}
	})
}
