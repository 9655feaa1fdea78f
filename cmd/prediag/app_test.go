package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// result is what one run of the command gave.
type result struct {
	code     int
	out, err string
}

// call runs the command in this process.
func call(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	a := app{in: strings.NewReader(stdin), out: &out, err: &errOut}
	code := a.run(t.Context(), args)
	return result{code, out.String(), errOut.String()}
}

// must runs the command and expects it to work.
func must(t *testing.T, args ...string) string {
	t.Helper()
	r := call(t, "", args...)
	require.Equal(t, exitOK, r.code, "prediag %s: %s", strings.Join(args, " "), r.err)
	return r.out
}

func decode[T any](t *testing.T, raw string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(raw), &v), raw)
	return v
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// ticketsFile is a file of 60 labelled tickets in two categories.
func ticketsFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, `{"id":"n%d","title":"DNS","body":"the domain number %d does not resolve","label":"network"}`+"\n", i, i)
		fmt.Fprintf(&b, `{"id":"s%d","text":"my disk number %d is full and needs more space","label":"storage"}`+"\n", i, i)
	}
	return write(t, filepath.Join(t.TempDir(), "tickets.jsonl"), b.String())
}

func docsFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "docs")
	write(t, filepath.Join(dir, "dns.md"), "# Domain does not resolve\n\n## Solution\n\n1. Check the NS record with dig.\n2. Wait for the TTL.\n")
	write(t, filepath.Join(dir, "disk.md"), "# 磁盘空间不足\n\n## 解决方案\n\n1. 扩容云盘。\n2. 扩展文件系统。\n")
	write(t, filepath.Join(dir, "logo.png"), "\x89PNG")
	return dir
}

func TestEveryCommandHelps(t *testing.T) {
	for _, args := range [][]string{
		{}, {"serve"}, {"triage"}, {"search"}, {"ingest"}, {"kb"}, {"kb", "status"}, {"kb", "list"}, {"kb", "diff"}, {"kb", "rollback"}, {"kb", "verify"}, {"kb", "gc"}, {"kb", "golden"}, {"kb", "digest"}, {"kb", "twins"}, {"train"}, {"eval"}, {"eval", "classify"}, {"eval", "retrieve"},
		{"policy"}, {"policy", "fit"}, {"policy", "simulate"}, {"policy", "show"}, {"policy", "check"}, {"policy", "status"}, {"policy", "resume"},
		{"review"}, {"review", "list"}, {"review", "claim"}, {"review", "release"}, {"review", "resolve"}, {"version"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			out := must(t, append(args, "--help")...)
			require.Contains(t, out, "Usage:")
			require.Contains(t, out, "Examples:")
			require.Contains(t, out, "prediag "+strings.Join(args, " "))
		})
	}
}

func TestWrongCallsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, filepath.Join(dir, "empty.jsonl"), "")
	noLabel := write(t, filepath.Join(dir, "nolabel.jsonl"), `{"id":"1","text":"hello there"}`+"\n")
	broken := write(t, filepath.Join(dir, "broken.jsonl"), `{"id":"1","text":"hello","label":"a"}`+"\n{oops\n")
	archive := write(t, filepath.Join(dir, "docs.tar.gz"), "x")
	notModel := filepath.Join(dir, "notmodel")
	write(t, filepath.Join(notModel, "photo.jpg"), "x")
	absent := filepath.Join(dir, "absent")
	tickets := ticketsFile(t)
	for _, c := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"frobnicate"}, exitUsage, []string{`unknown command "frobnicate"`, "--help"}},
		{[]string{"search"}, exitUsage, []string{"the query is empty", "--like"}},
		{[]string{"search", "--limt", "3", "x"}, exitUsage, []string{"unknown flag: --limt", "--help"}},
		{[]string{"search", "--limit", "0", "x"}, exitUsage, []string{"1 to 100"}},
		{[]string{"search", "--data-dir", absent, "x"}, exitUsage, []string{absent, "prediag ingest"}},
		{[]string{"triage", "--data-dir", absent, "x"}, exitUsage, []string{absent, "does not exist"}},
		{[]string{"review", "list", "--data-dir", absent}, exitUsage, []string{absent}},
		{[]string{"review", "resolve", "--data-dir", dir, "c-1", "--action", "maybe"}, exitUsage, []string{"accepted, corrected or rejected"}},
		{[]string{"train"}, exitUsage, []string{"--model and --tickets must be given"}},
		{[]string{"train", "--tickets", absent, "--model", dir + "/m"}, exitUsage, []string{"--tickets", absent, "no such file"}},
		{[]string{"train", "--tickets", dir, "--model", dir + "/m"}, exitUsage, []string{dir, "is a folder"}},
		{[]string{"train", "--tickets", empty, "--model", dir + "/m"}, exitUsage, nil},
		{[]string{"train", "--tickets", noLabel, "--model", dir + "/m"}, exitUsage, []string{"label"}},
		{[]string{"train", "--tickets", broken, "--model", dir + "/m"}, exitUsage, []string{broken, "2"}},
		{[]string{"train", "--tickets", tickets, "--model", dir + "/m", "--label", "category"}, exitUsage, []string{"FIELD=COLUMN"}},
		{[]string{"train", "--tickets", tickets, "--model", dir + "/m", "--label", "category=intent"}, exitUsage, []string{"intent", "label"}},
		{[]string{"train", "--tickets", tickets, "--model", notModel}, exitUsage, []string{notModel}},
		{[]string{"eval", "classify", "--tickets", tickets, "--model", absent}, exitUsage, []string{absent, "prediag train"}},
		{[]string{"eval", "retrieve", "--corpus", absent, "--queries", empty, "--qrels", empty}, exitUsage, nil},
		{[]string{"ingest", "--data-dir", dir + "/d", absent}, exitUsage, []string{absent, "does not exist"}},
		{[]string{"ingest", "--data-dir", dir + "/d", archive}, exitUsage, []string{"archive", "unpack"}},
		{[]string{"ingest", "--data-dir", dir + "/d"}, exitUsage, []string{"no SOURCE"}},
		{[]string{"ingest", "--data-dir", dir + "/d", "--remove", "x"}, exitUsage, []string{`no source "x"`}},
		{[]string{"serve", "--data-dir", dir + "/d", "--log-level", "loud"}, exitUsage, []string{"loud", "debug, info, warn or error"}},
		{[]string{"serve", "--data-dir", dir + "/d", "--grpc-addr", "nowhere"}, exitFailed, []string{"nowhere", "--grpc-addr"}},
		{[]string{"serve", "--data-dir", dir + "/d", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--policy", absent}, exitUsage, []string{absent}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := call(t, "", c.args...)
			require.Equal(t, c.code, r.code, r.err)
			require.True(t, strings.HasPrefix(r.err, "prediag: "), r.err)
			require.Equal(t, 1, strings.Count(strings.TrimSpace(r.err), "\n")+1, "one line: %s", r.err)
			for _, s := range c.says {
				require.Contains(t, r.err, s)
			}
		})
	}
}

func TestTrainAndEvaluate(t *testing.T) {
	tickets, model := ticketsFile(t), filepath.Join(t.TempDir(), "model")
	report := decode[map[string]any](t, must(t, "train", "--tickets", tickets, "--model", model, "--json"))
	require.InDelta(t, 60, report["examples"], 0)
	require.NotEmpty(t, report["model"])
	figures := decode[map[string]any](t, must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--json"))
	for _, key := range []string{"n", "accuracy", "macro_f1", "ece", "aurc", "coverage_at_95"} {
		require.Contains(t, figures, key)
	}
	require.InDelta(t, 60, figures["n"], 0)
	require.InDelta(t, 1, figures["accuracy"], 1e-9)
	items := filepath.Join(t.TempDir(), "items.jsonl")
	again := must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--json", "--items", items)
	require.Equal(t, figures, decode[map[string]any](t, again), "the same figures to the last digit")
	raw, err := os.ReadFile(items)
	require.NoError(t, err)
	require.Equal(t, 60, strings.Count(string(raw), "\n"))
	require.Contains(t, must(t, "eval", "classify", "--model", model, "--tickets", tickets), "accuracy")
}

func TestTrainingTwiceGivesTheSameModel(t *testing.T) {
	tickets, dir := ticketsFile(t), t.TempDir()
	a := decode[map[string]any](t, must(t, "train", "--tickets", tickets, "--model", dir+"/a", "--json"))
	b := decode[map[string]any](t, must(t, "train", "--tickets", tickets, "--model", dir+"/b", "--json"))
	require.Equal(t, a["model"], b["model"])
}

func TestDamagedModelIsRefusedByName(t *testing.T) {
	tickets, model := ticketsFile(t), filepath.Join(t.TempDir(), "model")
	must(t, "train", "--tickets", tickets, "--model", model)
	files, err := filepath.Glob(filepath.Join(model, "versions", "*", "*"))
	require.NoError(t, err)
	require.Greater(t, len(files), 3)
	for _, path := range files {
		name := filepath.Base(path)
		if name == "report.json" { // for people; the model does not depend on it
			continue
		}
		t.Run(name, func(t *testing.T) {
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, whole[:len(whole)/2], 0o644))
			r := call(t, "", "eval", "classify", "--model", model, "--tickets", tickets)
			require.Equal(t, exitFailed, r.code, r.err)
			require.Contains(t, r.err, name)
			require.NoError(t, os.WriteFile(path, whole, 0o644))
		})
	}
}

func TestIngestAndSearch(t *testing.T) {
	docs, data := docsFolder(t), filepath.Join(t.TempDir(), "data")
	report := decode[struct {
		Applied bool
		Sources []struct {
			Articles, Added int
			Skipped         map[string]int
		}
	}](t, must(t, "ingest", "--data-dir", data, "--json", docs))
	require.True(t, report.Applied)
	require.Equal(t, 2, report.Sources[0].Added)
	require.Equal(t, map[string]int{"unsupported extension .png": 1}, report.Sources[0].Skipped)

	require.Contains(t, must(t, "ingest", "--data-dir", data, docs), "Nothing changed")
	found := decode[struct {
		Hits []struct{ ArticleID, Title, Language string }
	}](t, must(t, "search", "--data-dir", data, "--json", "磁盘扩容"))
	require.Equal(t, "磁盘空间不足", found.Hits[0].Title)
	require.Contains(t, must(t, "search", "--data-dir", data, "--lang", "en", "does my domain resolve"), "Domain does not resolve")
	why := decode[struct{ Hits []struct{ Why []string } }](t, must(t, "search", "--data-dir", data, "--json", "Resolving domains"))
	require.ElementsMatch(t, []string{"resolving", "domains"}, why.Hits[0].Why, "the words of the query, not their stems")
	require.Contains(t, must(t, "search", "--data-dir", data, "--lang", "ja", "domain"), "No article matches")

	require.NoError(t, os.Remove(filepath.Join(docs, "dns.md")))
	r := call(t, "", "ingest", "--data-dir", data)
	require.Equal(t, exitOK, r.code, r.err)
	require.NotContains(t, must(t, "search", "--data-dir", data, "domain resolve"), "Domain does not resolve")

	must(t, "ingest", "--data-dir", data, "--remove", "docs")
	require.Contains(t, must(t, "search", "--data-dir", data, "磁盘扩容"), "No article matches")
}

func TestEvalRetrieve(t *testing.T) {
	dir := t.TempDir()
	corpus := write(t, dir+"/corpus.jsonl", `{"id":"a","title":"Domain does not resolve","body":"Check the NS record."}
{"id":"b","title":"Disk is full","body":"Expand the volume."}
`)
	queries := write(t, dir+"/q.jsonl", `{"id":"1","text":"domain resolve"}`+"\n"+`{"id":"2","text":"disk full"}`+"\n")
	qrels := write(t, dir+"/qrels", "1 0 a 1\n2 0 b 1\n")
	run := dir + "/run"
	figures := decode[map[string]any](t, must(t, "eval", "retrieve", "--corpus", corpus, "--queries", queries, "--qrels", qrels, "--run", run, "--json"))
	for _, key := range []string{"ndcg@10", "mrr@10", "recall@10", "recall@100"} {
		require.InDelta(t, 1, figures[key], 1e-9, key)
	}
	raw, err := os.ReadFile(run)
	require.NoError(t, err)
	require.Contains(t, string(raw), "1 Q0 a 1 ")
}

func TestOneProcessHoldsADataFolder(t *testing.T) {
	data := dataDir(t.TempDir())
	held, err := data.hold("ingest")
	require.NoError(t, err)
	r := call(t, "", "ingest", "--data-dir", string(data), docsFolder(t))
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, fmt.Sprintf("in use by prediag ingest (process %d", os.Getpid()))
	require.NoError(t, held.release())
	must(t, "ingest", "--data-dir", string(data), docsFolder(t))
}

func TestTicketsThatCannotBeDiagnosed(t *testing.T) {
	data := t.TempDir()
	for name, c := range map[string]struct{ in, says string }{
		"empty":         {" \n", "holds no text"},
		"not UTF-8":     {"abc \xff\xfe", "not valid UTF-8"},
		"too large":     {strings.Repeat("x", 300<<10), "at most 262144"},
		"far too large": {strings.Repeat("x", 10<<20), "or more, at most 262144"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, c.in, "triage", "--data-dir", data, "-")
			require.Equal(t, exitUsage, r.code)
			require.Contains(t, r.err, c.says)
		})
	}
}

func TestVersion(t *testing.T) {
	require.Contains(t, must(t, "version"), "prediag")
	require.NotEmpty(t, decode[map[string]string](t, must(t, "version", "--json"))["version"])
}

func TestReadTicket(t *testing.T) {
	for name, c := range map[string]struct{ in, title, body string }{
		"text":                  {"no ping\nsince 9", "", "no ping\nsince 9"},
		"object":                {`{"title":"T","body":"B"}`, "T", "B"},
		"a log that looks like": {`{"level":"error"} disk full`, "", `{"level":"error"} disk full`},
		"an object of another":  {`{"level":"error"}`, "", `{"level":"error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (&app{in: strings.NewReader(c.in)}).readTicket("-")
			require.NoError(t, err)
			require.Equal(t, c.title, got.Title)
			require.Equal(t, c.body, got.Body)
		})
	}
}

// canceled is a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestTrainingEndsWithItsContext(t *testing.T) {
	var errOut bytes.Buffer
	a := app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &errOut}
	model := filepath.Join(t.TempDir(), "model")
	require.Equal(t, exitFailed, a.run(canceled(), []string{"train", "--tickets", ticketsFile(t), "--model", model}))
	require.NoDirExists(t, model)
}
