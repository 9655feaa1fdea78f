package eval

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// publisher serves files as the repositories' host does, and can be told to break off.
type publisher struct {
	files   map[string]string // path → content
	breakAt int               // bytes after which an answer is broken off, once for each file; 0: never
	broken  map[string]bool
	asked   []string // ranges
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, ok := p.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.asked = append(p.asked, r.Header.Get("Range"))
	if p.breakAt > 0 && !p.broken[r.URL.Path] && len(content) > p.breakAt {
		p.broken[r.URL.Path] = true
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write([]byte(content[:p.breakAt]))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

func startPublisher(t *testing.T, p *publisher) string {
	p.broken = map[string]bool{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

// csvSet is a set as its publisher has it.
func csvSet() (Set, map[string]string) {
	train := "text,category\nhow do I pay?,pay\n\"so, \"\"where\"\" is\n it?\",card\n"
	test := "text,category\nwhere?,card\n"
	s := Set{Path: "classify/tiny", Name: "Tiny", Languages: []string{"en"}, Source: "https://example.org/owner/repo", Commit: "abc",
		Files:    map[string]string{"train.jsonl.gz": "0", "test.jsonl.gz": "0"},
		Content:  map[string]string{"train": ContentHash([]SetRecord{{Text: "how do I pay?", Label: "pay"}, {Text: `so, "where" is it?`, Label: "card"}}), "test": ContentHash([]SetRecord{{Text: "where?", Label: "card"}})},
		Download: &Download{Format: "csv", Files: map[string][]string{"train": {"data/train.csv"}, "test": {"data/test.csv"}}}}
	return s, map[string]string{"/owner/repo/abc/data/train.csv": train, "/owner/repo/abc/data/test.csv": test}
}

func TestFetchSet(t *testing.T) {
	s, files := csvSet()
	for name, breakAt := range map[string]int{"whole": 0, "broken off and resumed": 20} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{files: files, breakAt: breakAt}
			mirror, dir := startPublisher(t, p), t.TempDir()
			require.NoError(t, FetchSet(t.Context(), Fetcher{}, s, dir, mirror))
			f, err := os.Open(filepath.Join(dir, "classify/tiny/train.jsonl.gz"))
			require.NoError(t, err)
			defer f.Close()
			records, err := ReadRecords(f)
			require.NoError(t, err)
			require.Equal(t, SetRecord{ID: "tiny-train-0", Text: "how do I pay?", Label: "pay", Lang: "en", Split: "train"}, records[0])
			require.Equal(t, "so, \"where\" is\n it?", records[1].Text)
			states, err := CheckSets(os.DirFS(dir), []Set{s})
			require.NoError(t, err)
			require.Equal(t, "present", states[0].State, "the same examples in another packing")
			require.NoDirExists(t, filepath.Join(dir, ".download/tiny"))
			if breakAt > 0 {
				require.Contains(t, p.asked, "bytes=20-")
			}
			require.ErrorIs(t, FetchSet(t.Context(), Fetcher{}, s, dir, mirror), prediag.ErrConflict)
		})
	}
}

// TestFetchSetKeepsNothingWrong: other examples, a wrong format, a missing file: no folder appears.
func TestFetchSetKeepsNothingWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Set, map[string]string)
		kind   error
		text   string
	}{
		"other examples": {func(_ *Set, f map[string]string) { f["/owner/repo/abc/data/test.csv"] += "one more,card\n" }, prediag.ErrDamaged, "the test part is not the one of the list: 2 examples"},
		"wrong format":   {func(_ *Set, f map[string]string) { f["/owner/repo/abc/data/test.csv"] = "<html>" }, prediag.ErrInvalid, "is not in its publisher's format csv"},
		"missing file":   {func(_ *Set, f map[string]string) { delete(f, "/owner/repo/abc/data/test.csv") }, prediag.ErrNotFound, "404"},
		"too large":      {func(_ *Set, f map[string]string) { f["/owner/repo/abc/data/test.csv"] = strings.Repeat("x", 500) }, prediag.ErrTooLarge, "over 300 bytes"},
		"no download":    {func(s *Set, _ map[string]string) { s.Download, s.WhyNot = nil, "it was made here" }, prediag.ErrInvalid, "cannot be downloaded: it was made here"},
		"way out":        {func(s *Set, _ map[string]string) { s.Download.Files["test"] = []string{"../../x"} }, prediag.ErrInvalid, "leaves its folder"},
	} {
		t.Run(name, func(t *testing.T) {
			s, files := csvSet()
			c.change(&s, files)
			dir := t.TempDir()
			err := FetchSet(t.Context(), Fetcher{Limit: 300, Tries: 1}, s, dir, startPublisher(t, &publisher{files: files}))
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			require.NoDirExists(t, filepath.Join(dir, s.Path))
		})
	}
}

func TestFetchOffline(t *testing.T) {
	s, _ := csvSet()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := FetchSet(t.Context(), Fetcher{Tries: 1}, s, t.TempDir(), server.URL)
	require.ErrorContains(t, err, "connection refused")
	require.ErrorContains(t, err, "goes on from there")
}

func TestFetchGivesUpWhenNothingComes(t *testing.T) {
	var asked atomic.Int64
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(stop)
	err := Fetcher{Idle: 20 * time.Millisecond, Tries: 2}.File(t.Context(), server.URL, filepath.Join(t.TempDir(), "x"))
	require.ErrorContains(t, err, "nothing was received for 20ms")
	require.Equal(t, int64(2), asked.Load())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Fetcher{}.File(ctx, server.URL, filepath.Join(t.TempDir(), "x")), context.Canceled)
}

// TestFetchGoesOnAfterAnotherProcess: a part that was left is completed; one that does not fit is begun anew.
func TestFetchGoesOnAfterAnotherProcess(t *testing.T) {
	content := strings.Repeat("0123456789", 100)
	for left, want := range map[string]string{content[:400]: "bytes=400-", content + "more": "bytes=1004-"} {
		p := &publisher{files: map[string]string{"/x": content}}
		url, file := startPublisher(t, p), filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(file+".part", []byte(left), 0o600))
		require.NoError(t, Fetcher{}.File(t.Context(), url+"/x", file))
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, content, string(raw))
		require.Equal(t, want, p.asked[0])
	}
}

func TestConvertersReadThePublishersForms(t *testing.T) {
	for name, c := range map[string]struct {
		d     Download
		part  string
		files []string
		want  [][2]string
	}{
		"pairs": {Download{Format: "pairs", Keys: map[string][]string{"test": {"test", "oos_test"}}}, "test",
			[]string{`{"oos_test":[["what","oos"]],"test":[["fly","travel"]],"train":[]}`}, [][2]string{{"fly", "travel"}, {"what", "oos"}}},
		"parallel":  {Download{Format: "parallel"}, "train", []string{"a b\r\nc\n", "x\r\ny\n"}, [][2]string{{"a b", "x"}, {"c", "y"}}},
		"numbered":  {Download{Format: "numbered", Labels: []string{"no", "yes"}}, "train", []string{"1\t 네 \n0\t아니"}, [][2]string{{"네", "yes"}, {"아니", "no"}}},
		"sentences": {Download{Format: "sentences", OOS: "None"}, "test", []string{`{"sentences":[{"text":"a","intent":"X","training":true},{"text":"b","intent":"None","training":false}]}`}, [][2]string{{"b", "oos"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Set{Path: "classify/s", Download: &c.d}
			var files [][]byte
			for _, f := range c.files {
				files = append(files, []byte(f))
			}
			records, err := s.Convert(c.part, files)
			require.NoError(t, err)
			var got [][2]string
			for _, r := range records {
				got = append(got, [2]string{r.Text, r.Label})
			}
			require.Equal(t, c.want, got)
			_, err = s.Convert(c.part, [][]byte{[]byte("\x00{"), []byte("a"), []byte("b")})
			require.ErrorIs(t, err, prediag.ErrInvalid)
		})
	}
}

func FuzzConvert(f *testing.F) {
	f.Add("csv", "text,category\na,b\n")
	f.Add("pairs", `{"train":[["a","b"]]}`)
	f.Add("numbered", "0\ta")
	f.Add("sentences", `{"sentences":[{"training":true}]}`)
	f.Fuzz(func(t *testing.T, format, raw string) {
		s := Set{Path: "classify/s", Download: &Download{Format: format, Keys: map[string][]string{"train": {"train"}}, Labels: []string{"x"}}}
		if _, err := s.Convert("train", [][]byte{[]byte(raw)}); err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
		}
	})
}

func TestRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SetRecord {
			return SetRecord{ID: rapid.String().Draw(t, "id"), Text: rapid.String().Draw(t, "text"), Label: rapid.String().Draw(t, "label")}
		}), 1, 5).Draw(t, "records")
		var b bytes.Buffer
		require.NoError(t, WriteRecords(&b, records))
		got, err := ReadRecords(&b)
		require.NoError(t, err)
		require.Equal(t, ContentHash(records), ContentHash(got))
	})
}

// TestListedContentIsThatOfTheSharedSets: what a download is held against is what the documents were measured on.
func TestListedContentIsThatOfTheSharedSets(t *testing.T) {
	sets, err := Sets()
	require.NoError(t, err)
	seen := 0
	for _, s := range sets {
		require.True(t, (s.Download == nil) == (s.WhyNot != ""), "%s: downloadable, or why not", s.Path)
		require.Equal(t, s.Download == nil, len(s.Content) == 0, s.Path)
		for part, want := range s.Content {
			f, err := os.Open(filepath.Join("../../shared/data", s.Path, part+".jsonl.gz"))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			require.NoError(t, err)
			z, err := gzip.NewReader(f)
			require.NoError(t, err)
			records, err := ReadRecords(z)
			require.NoError(t, errors.Join(err, f.Close()))
			require.Equal(t, want, ContentHash(records), "%s %s", s.Path, part)
			seen++
		}
	}
	if seen == 0 {
		t.Skip("no shared data here")
	}
}
