package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag/eval"
)

// TestKilledEvalGoesOn kills a measurement in the middle, as a machine that loses its power does: the same call goes on
// from what was kept, and prints and writes the same bytes as one that keeps nothing.
func TestKilledEvalGoesOn(t *testing.T) {
	model, dir := trained(t, ticketsFile(t)), t.TempDir()
	var b strings.Builder
	words := 2000 // so that there is time to kill
	if raceEnabled {
		words = 300
	}
	for i := range 200 {
		var text strings.Builder
		for word := range words {
			fmt.Fprintf(&text, "disk%d domain%d ", word*i%997, word)
		}
		fmt.Fprintf(&b, `{"id":"t%05d","text":"%s","label":%q}`+"\n", i, text.String(), []string{"network", "storage"}[i%2])
	}
	tickets := write(t, filepath.Join(dir, "tickets.jsonl"), b.String())
	cache := filepath.Join(dir, "cache")
	args := func(items string, more ...string) []string {
		return append([]string{"eval", "classify", "--model", model, "--tickets", tickets, "--items", filepath.Join(dir, items), "--json"}, more...)
	}

	cmd := exec.Command(os.Args[0], args("killed.jsonl", "--cache", cache)...)
	cmd.Env = append(os.Environ(), "PREDIAG_BE_THE_COMMAND=1")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return folderSize(cache) > 10_000 }, 60*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait(), "killed before it was done")
	require.NoFileExists(t, filepath.Join(dir, "killed.jsonl"))

	plain := call(t, "", args("plain.jsonl", "--no-cache")...)
	resumed := call(t, "", args("resumed.jsonl", "--cache", cache)...)
	again := call(t, "", args("again.jsonl", "--cache", cache)...)
	require.Equal(t, []int{exitOK, exitOK, exitOK}, []int{plain.code, resumed.code, again.code}, resumed.err)
	require.Contains(t, resumed.err, "results were there from an earlier call")
	require.NotContains(t, resumed.err, " 0 are new")
	require.Contains(t, again.err, "200 results were there from an earlier call, latencies included; 0 are new")
	require.NotContains(t, plain.err, "earlier call")
	for _, r := range []string{"resumed", "again"} {
		require.Equal(t, sumOf(t, filepath.Join(dir, "plain.jsonl")), sumOf(t, filepath.Join(dir, r+".jsonl")))
	}
	require.Equal(t, plain.out, resumed.out)
	require.Equal(t, plain.out, again.out)
}

func folderSize(dir string) (n int64) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			n += info.Size()
		}
	}
	return n
}

func sumOf(t *testing.T, file string) map[string]string {
	t.Helper()
	sums, err := hashOf(map[string]string{"x": file}, nil)
	require.NoError(t, err)
	return map[string]string{"sum": sums["x/"+filepath.Base(file)]}
}

func TestCacheFolderThatCannotBe(t *testing.T) {
	model := trained(t, ticketsFile(t))
	file := write(t, filepath.Join(t.TempDir(), "file"), "x")
	r := call(t, "", "eval", "classify", "--model", model, "--tickets", ticketsFile(t), "--cache", filepath.Join(file, "sub"))
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "--cache")
}

// TestRecordsSayWhereFiguresComeFrom: nothing of a record is empty, whichever the kind.
func TestRecordsSayWhereFiguresComeFrom(t *testing.T) {
	tickets, dir := ticketsFile(t), suiteFolder(t)
	model, runs := trained(t, tickets), filepath.Join(t.TempDir(), "runs")
	corpus := filepath.Join(dir, "retrieval/tinycorpus")
	must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--name", "c")
	must(t, "eval", "retrieve", "--corpus", corpus+"/corpus.jsonl.gz", "--queries", corpus+"/queries.jsonl", "--qrels", corpus+"/qrels.txt",
		"--save", "--runs", runs, "--name", "r")
	must(t, "eval", "triage", "--data-dir", "@demo", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--name", "t")
	for name, none := range map[string][]string{"c": {"index"}, "r": {"model", "taxonomy", "policy"}, "t": nil} {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(runFile(t, runs, name, "run.json")), &record))
		for _, key := range []string{"commit", "model", "taxonomy", "index", "policy", "data", "seed", "go", "machine"} {
			require.NotEmpty(t, record[key], "%s of %s", key, name)
		}
		for _, key := range none {
			require.Equal(t, originNone, record[key], "%s of %s", key, name)
		}
	}
}

func TestCheckedOutAsksTheProgramsOwnTreeOnly(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	git := func(dir string, args ...string) {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	tree := func(mod string) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "go.mod"), mod)
		git(dir, "init", "-q")
		git(dir, "add", ".")
		git(dir, "commit", "-qm", "x")
		return dir
	}
	own := tree("module prediag\r\n\ngo 1.26\n")
	commit, dirty := checkedOut(own)
	require.Regexp(t, "^[0-9a-f]{40}$", commit)
	require.False(t, dirty)
	write(t, filepath.Join(own, "new.txt"), "x")
	_, dirty = checkedOut(own)
	require.True(t, dirty)
	commit, _ = checkedOut(tree("module other\n"))
	require.Empty(t, commit)
	commit, _ = checkedOut(t.TempDir())
	require.Empty(t, commit)
	t.Setenv("PATH", "")
	var r eval.RunRecord
	originOf(&r)
	require.NotEmpty(t, r.Commit, "without git it is unknown, never an error")
}
