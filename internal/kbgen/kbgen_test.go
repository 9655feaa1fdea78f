package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testCorpus has two strata: English articles of two sections, and Chinese ones of one.
func testCorpus() []article {
	sentence := "Restart the instance i-88712345 before the year 2024 ends. "
	var list []article
	for _, id := range []string{"a", "b", "c"} {
		list = append(list,
			article{ID: "en-" + id, Title: "Alarm ALM-12345 of " + id, Lang: "en", Product: "ecs", URL: "u", Group: id,
				Body: "Intro " + id + ". " + strings.Repeat(sentence, 3) + "\n\nCauses\n\nCause " + id + ". " + strings.Repeat(sentence, 4)},
			article{ID: "zh-" + id, Title: "告警 " + id, Lang: "zh", Product: "oss", Body: "第一段" + id + "。\n\n第二段" + id + "。"})
	}
	return list
}

func made(o options) []article { return slices.Collect(generate(testCorpus(), o)) }

func TestSplit(t *testing.T) {
	pieces := split(&testCorpus()[0], 200)
	require.Len(t, pieces, 2)
	require.Equal(t, "en-a", pieces[0].ID)
	require.Equal(t, "en-a#1", pieces[1].ID)
	require.Equal(t, "Alarm ALM-12345 of a > Causes", pieces[1].Title)
	require.Equal(t, strings.TrimSpace(testCorpus()[0].Body), pieces[0].Body+"\n\n"+pieces[1].Body, "nothing is lost")
	require.Len(t, split(&testCorpus()[1], 200), 1)
	require.False(t, heading("A sentence ends."))
	require.False(t, heading("a | b"))
	require.True(t, heading("请求参数"))
}

func TestGenerate(t *testing.T) {
	first := made(options{n: 9, seed: 1, size: 200}) // 3 × 2 English and 3 Chinese pieces
	require.Len(t, first, 9)
	require.Equal(t, first, made(options{n: 9, seed: 1, size: 200}))

	more := made(options{n: 20, seed: 1, size: 200})
	require.Equal(t, first, more[:9], "the first round is the corpus itself")
	ids, bodies, langs := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, a := range more {
		ids[a.ID], bodies[a.Body] = true, true
		langs[a.Lang]++
		require.Contains(t, []int{0, 2}, strings.Count(a.Body, "段"), "paragraphs stay with their language: %s", a.Body)
	}
	require.Len(t, ids, 20)
	require.InDelta(t, 20.0/3, langs["zh"], 1, "languages keep their share")
	require.Greater(t, len(bodies), 16) // paragraphs of three pieces repeat; those of a corpus do not
	require.NotEqual(t, more, made(options{n: 20, seed: 2, size: 200}))
}

func TestRenumber(t *testing.T) {
	g := &generator{options: options{seed: 1}}
	s := g.renumber("ALM-12345 in 2024, again ALM-12345: HTTP 404", "1")
	require.Regexp(t, `^ALM-(\d{5}) in 2024, again ALM-(\d{5}): HTTP 404$`, s)
	require.Equal(t, s[4:9], s[29:34], "the same number stays the same")
	require.NotEqual(t, "12345", s[4:9])
	require.NotEqual(t, s, g.renumber("ALM-12345 in 2024, again ALM-12345: HTTP 404", "2"))
}

func TestChange(t *testing.T) {
	corpus := make([]article, 2000)
	for i := range corpus {
		corpus[i] = article{ID: "x" + string(rune('a'+i%26)) + strings.Repeat("i", i/26), Title: "t", Body: strings.Repeat("word ", i+1) + "\n\nend", Lang: "en"}
	}
	byID := func(o options) map[string]string {
		m := map[string]string{}
		for a := range generate(corpus, o) {
			m[a.ID] = a.Body
		}
		return m
	}
	before, after := byID(options{n: 2000, seed: 1, size: 1 << 20}), byID(options{n: 2000, seed: 1, size: 1 << 20, change: 0.1, revision: 3})
	changed, gone := 0, 0
	for id, body := range before {
		switch b, ok := after[id]; {
		case !ok:
			gone++
		case b != body:
			changed++
		}
	}
	added := len(after) - len(before) + gone
	require.InDelta(t, 160, changed, 40)
	require.InDelta(t, 20, gone, 15)
	require.InDelta(t, 20, added, 15)
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	corpus := filepath.Join(dir, "c.jsonl")
	raw, err := json.Marshal(testCorpus()[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(corpus, append(raw, "\n{\"id\":\"empty\"}\n"...), 0o600))
	out := filepath.Join(dir, "out.jsonl.gz")
	require.NoError(t, run([]string{"-n", "5", "-size", "200", "-out", out, corpus}, io.Discard, io.Discard))
	list, err := readCorpus(out)
	require.NoError(t, err)
	require.Len(t, list, 5)

	require.ErrorContains(t, run([]string{"-n", "0", corpus}, io.Discard, io.Discard), "must be positive")
	require.NoError(t, os.WriteFile(corpus, []byte("{"), 0o600))
	require.ErrorContains(t, run([]string{corpus}, io.Discard, io.Discard), "record 1")
}
