package lang

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"prediag/internal/text"
)

// records reads a JSON Lines file of the data sets, and skips the test where there is none.
func records(t *testing.T, path string, each func(text, tag, body string)) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(path)))
	if err != nil {
		t.Skip("no data here")
	}
	defer file.Close()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		in, err = gzip.NewReader(file)
		require.NoError(t, err)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r struct{ Text, Lang, Body string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		each(r.Text, dataTag(r.Lang), r.Body)
	}
	require.NoError(t, lines.Err())
}

// dataTag is the tag that Detect answers for a language of the data sets.
func dataTag(tag string) string {
	switch tag {
	case "zh-cn":
		return "zh"
	case "zh-tw":
		return "zh-Hant"
	case "pt-br":
		return "pt"
	}
	return tag
}

// TestShortRequests reads the assistant requests of xSID: seven words on average, without punctuation, with names.
func TestShortRequests(t *testing.T) {
	t.Parallel()
	y := newTally()
	records(t, "classify/xsid/test.jsonl.gz", func(text, tag, _ string) {
		switch tag {
		case "de-ba", "de-muc", "de-st", "gsw", "nap", "": // dialects
			return
		}
		y.judge(t, example{tag, text})
	})
	y.log(t, "xsid")
	share, _, _ := y.share()
	require.GreaterOrEqual(t, share, 0.93)
}

// TestQuestions reads the questions of XQuAD.
func TestQuestions(t *testing.T) {
	t.Parallel()
	y := newTally()
	records(t, "retrieval/xquad-dev/queries.jsonl", func(text, tag, _ string) { y.judge(t, example{tag, text}) })
	y.log(t, "xquad")
	share, _, _ := y.share()
	require.GreaterOrEqual(t, share, 0.99)
}

// TestArticles reads the first sentences of real articles.
func TestArticles(t *testing.T) {
	t.Parallel()
	y := newTally()
	records(t, "kb/multilingual/articles.jsonl.gz", func(_, tag, body string) {
		if s := firstSentence(body, tag); s != "" {
			y.judge(t, example{tag, s})
		}
	})
	y.log(t, "articles")
	share, _, _ := y.share()
	require.GreaterOrEqual(t, share, 0.97)
}

// firstSentence returns the first plain sentence of at least six words (or eighteen characters without spaces): no
// usage lines of commands, no quoted messages, and in languages of another script not the English that pages hold
// which were never translated.
func firstSentence(body, tag string) string {
	for _, span := range text.Sentences(body) {
		s := body[span.Start:span.End]
		words := len(strings.Fields(s))
		switch tag {
		case "zh", "zh-Hant", "ja", "th":
			words = len([]rune(s)) / 3
		}
		if words >= 6 && !strings.ContainsAny(s, "[]\"") && !strings.Contains(s, "--") && plainFor(tag, s) {
			return s
		}
	}
	return ""
}

func plainFor(tag, s string) bool {
	switch tag {
	case "zh", "zh-Hant", "ja", "ko", "ru", "uk", "el", "he", "th", "hi", "bn", "ta", "si", "ur":
		return strings.IndexFunc(s, isForeign) >= 0
	}
	return true
}

func isForeign(r rune) bool { return r > 0x24f && unicode.IsLetter(r) }
