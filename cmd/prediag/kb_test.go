package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// twoStates ingests a folder twice: in between one file changes, one moves, one goes and one comes.
func twoStates(t *testing.T) (data, docs string) {
	t.Helper()
	docs, data = filepath.Join(t.TempDir(), "docs"), filepath.Join(t.TempDir(), "data")
	write(t, filepath.Join(docs, "stays.md"), "# Stays\n\nThis one stays as it is.")
	write(t, filepath.Join(docs, "changes.md"), "# Changes\n\nIt says one thing.")
	write(t, filepath.Join(docs, "old.md"), "# Moves\n\nIt goes elsewhere.")
	write(t, filepath.Join(docs, "goes.md"), "# Goes\n\nThe zeppelin procedure.")
	must(t, "ingest", "--data-dir", data, docs)
	write(t, filepath.Join(docs, "changes.md"), "# Changes\n\nIt says another thing.")
	write(t, filepath.Join(docs, "comes.md"), "# Comes\n\nA new one.")
	require.NoError(t, os.Rename(filepath.Join(docs, "old.md"), filepath.Join(docs, "new.md")))
	require.NoError(t, os.Remove(filepath.Join(docs, "goes.md")))
	out := must(t, "ingest", "--data-dir", data)
	require.Contains(t, out, "docs: 4 files, 4 articles: 1 added, 1 changed, 1 moved, 1 unchanged, 1 deleted; 3 parsed")
	require.Contains(t, out, "publishing")
	return data, docs
}

func TestKBStatusListAndDiff(t *testing.T) {
	data, _ := twoStates(t)
	out := must(t, "kb", "status", "--data-dir", data)
	require.Contains(t, out, "Generation 2: 4 articles")
	require.Contains(t, out, "Last good refresh")
	require.Contains(t, out, "1 moved")
	st := decode[kbState](t, must(t, "kb", "status", "--data-dir", data, "--json"))
	require.EqualValues(t, 2, st.Serving)
	require.False(t, st.Stale)
	require.Equal(t, []uint64{2, 1}, st.Kept)
	require.Equal(t, 3, st.LastRefresh.Report.Total().Parsed)
	require.WithinDuration(t, time.Now(), st.LastRefresh.LastGood, time.Minute)

	list := decode[[]kbGeneration](t, must(t, "kb", "list", "--data-dir", data, "--json"))
	require.Len(t, list, 2)
	require.True(t, list[0].Current)
	require.EqualValues(t, 1, list[0].Base)
	require.Contains(t, must(t, "kb", "list", "--data-dir", data), "out of 1")

	out = must(t, "kb", "diff", "--data-dir", data, "1", "2")
	for _, line := range []string{"added    docs/comes.md  Comes", "changed  docs/changes.md  Changes", "moved    docs/old.md -> docs/new.md  Moves",
		"deleted  docs/goes.md  Goes", "generation 1 to 2: 1 added, 1 changed, 1 moved, 1 deleted, 1 unchanged"} {
		require.Contains(t, out, line)
	}
	require.Contains(t, must(t, "kb", "diff", "--data-dir", data, "1", "2", "--json"), `"id": "docs/goes.md"`)
	require.NotContains(t, must(t, "search", "--data-dir", data, "zeppelin procedure"), "docs/goes.md", "what diff calls deleted no search finds")
}

func TestKBRollbackIsWhereTheNextRefreshStarts(t *testing.T) {
	data, docs := twoStates(t)
	require.Contains(t, must(t, "kb", "rollback", "--data-dir", data, "1"), "Generation 1 is current: 4 articles")
	require.Contains(t, must(t, "search", "--data-dir", data, "zeppelin"), "docs/goes.md")
	write(t, filepath.Join(docs, "goes.md"), "# Goes\n\nThe zeppelin procedure.")
	out := must(t, "ingest", "--data-dir", data)
	require.Contains(t, out, "1 added, 1 changed, 1 moved, 2 unchanged, 0 deleted", "as seen from generation 1")
	list := decode[[]kbGeneration](t, must(t, "kb", "list", "--data-dir", data, "--json"))
	require.EqualValues(t, 3, list[0].Number)
	require.EqualValues(t, 1, list[0].Base)
}

func TestKBVerifyNamesTheFile(t *testing.T) {
	data, _ := twoStates(t)
	require.Contains(t, must(t, "kb", "verify", "--data-dir", data), "0 files damaged")
	file := filepath.Join(data, "kb", "gen-00000001", "articles.tsv.gz")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	raw[3] ^= 1
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	r := call(t, "", "kb", "verify", "--data-dir", data)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.out, "DAMAGED  "+file+": has another SHA-256")
	require.Contains(t, r.err, "gen-00000001/articles.tsv.gz")
	require.Contains(t, must(t, "kb", "verify", "--data-dir", data, "2", "--json"), `"faults": []`)
}

func TestKBGoldenQueries(t *testing.T) {
	data, docs := twoStates(t)
	golden := write(t, filepath.Join(data, "golden.yaml"), "queries:\n- {query: stays as it is, articles: [docs/stays.md], k: 1}\n")
	require.Contains(t, must(t, "kb", "golden", "--data-dir", data), "1 of 1 golden queries hold")
	write(t, filepath.Join(docs, "stays.md"), "# Other\n\nAnother matter.")
	r := call(t, "", "ingest", "--data-dir", data)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, `"stays as it is" wants docs/stays.md and finds`)
	out := must(t, "kb", "status", "--data-dir", data)
	require.Contains(t, out, "Generation 2:")
	require.Contains(t, out, "failed, the generation before serves on: refresh: 0 of 1 golden queries hold")
	write(t, golden, "floor: 0\nqueries:\n- {query: stays as it is, articles: [docs/stays.md], k: 1}\n")
	r = call(t, "", "ingest", "--data-dir", data)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.err, `note: golden query "stays as it is"`)
	require.Contains(t, must(t, "kb", "status", "--data-dir", data), "0 of 1 golden queries hold, at least 0 % must.")
	other := write(t, filepath.Join(t.TempDir(), "g.yaml"), "queries:\n- {query: zeppelin, articles: [docs/goes.md]}\n")
	require.Equal(t, exitFailed, call(t, "", "kb", "golden", "--data-dir", data, other).code)
	write(t, golden, "queries: [")
	for _, args := range [][]string{{"kb", "golden", "--data-dir", data}, {"serve", "--data-dir", data, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}} {
		r = call(t, "", args...)
		require.Equal(t, exitUsage, r.code)
		require.Contains(t, r.err, "golden.yaml")
	}
	require.NoDirExists(t, dataDir(data).model(), "the fault is said before anything is trained")
}

func TestKBCollects(t *testing.T) {
	data, _ := twoStates(t)
	require.NoError(t, os.Mkdir(filepath.Join(data, "kb", "build-00000003"), 0o755))
	write(t, filepath.Join(data, "kb", "build-00000003", "half"), "x")
	write(t, filepath.Join(data, "sources.json.tmp-123"), "x")
	write(t, filepath.Join(data, "ledger", "tmp-123"), "x")
	out := must(t, "kb", "gc", "--data-dir", data, "--keep", "1")
	for _, name := range []string{"removed sources.json.tmp-123", "removed ledger/tmp-123", "removed kb/build-00000003", "removed kb/gen-00000001", "4 removed"} {
		require.Contains(t, out, name)
	}
	require.Contains(t, must(t, "kb", "gc", "--data-dir", data), "0 removed")
	require.Contains(t, must(t, "search", "--data-dir", data, "another thing"), "docs/changes.md")
}

func TestKBWrongCalls(t *testing.T) {
	data, _ := twoStates(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"diff", "1", "9"}, "generation 9: it is not there"},
		{[]string{"diff", "1", "x"}, `"x" is not the number of a generation`},
		{[]string{"diff", "1"}, "accepts 2 arg(s)"},
		{[]string{"rollback", "9"}, "there is no generation 9"},
		{[]string{"rollback", "0"}, "is not the number of a generation"},
		{[]string{"verify", "9"}, "there is no generation 9"},
		{[]string{"gc", "--keep", "0"}, "--keep takes 1 or more"},
	} {
		r := call(t, "", append([]string{"kb", "--data-dir", data}[:1], append(c.args, "--data-dir", data)...)...)
		require.Equal(t, exitUsage, r.code, strings.Join(c.args, " "))
		require.Contains(t, r.err, c.says)
	}
	r := call(t, "", "kb", "status", "--data-dir", filepath.Join(data, "absent"))
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "does not exist")
}

// TestKBWithARunningService rolls the index of a running service back, and damages it.
func TestKBWithARunningService(t *testing.T) {
	data, docs := twoStates(t)
	roughModel(t, data)
	s := start(t, data, "--model-every", "20ms", "--scrub-every", "100ms")
	status := func() kbState { return decode[kbState](t, must(t, "kb", "status", "--data-dir", data, "--json")) }
	require.Eventually(t, func() bool { return status().Running == nil }, 30*time.Second, 20*time.Millisecond)
	st := status()
	require.EqualValues(t, 2, st.Serving)
	require.Equal(t, s.cmd.Process.Pid, st.Service.PID)
	require.False(t, st.NextRefresh.IsZero())
	r := call(t, "", "kb", "gc", "--data-dir", data)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "in use by prediag serve")
	require.Contains(t, must(t, "kb", "rollback", "--data-dir", data, "1"), "serves it within seconds")
	require.Eventually(t, func() bool { return status().Serving == 1 }, 30*time.Second, 20*time.Millisecond)
	require.Contains(t, must(t, "search", "--data-dir", data, "zeppelin"), "docs/goes.md")
	out := must(t, "ingest", "--data-dir", data)
	require.Contains(t, out, "1 added, 1 changed, 1 moved, 1 unchanged, 1 deleted")
	require.EqualValues(t, 3, status().Serving)
	write(t, filepath.Join(docs, "through.md"), "# Through\n\nThrough the service.")
	require.Contains(t, must(t, "ingest", "--data-dir", data, docs), "1 added", "a source that the service knows is refreshed by it")
	for _, args := range [][]string{{t.TempDir()}, {"--remove", "docs"}, {"--retry-quarantined"}, {"--sources", "other.yaml"}} {
		r = call(t, "", append([]string{"ingest", "--data-dir", data}, args...)...)
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.err, "stop it, run this again, and start it again")
	}
	damageSegments(t, data, status().Serving)
	require.Eventually(t, func() bool {
		st := status()
		return st.Serving > 4 && st.Degraded == ""
	}, 30*time.Second, 20*time.Millisecond, "damage is found, and the index is built anew without a hand")
	require.Contains(t, must(t, "search", "--data-dir", data, "through the service"), "docs/through.md")
	require.Contains(t, must(t, "kb", "verify", "--data-dir", data, fmt.Sprint(status().Serving)), "0 files damaged")
	require.Equal(t, exitOK, s.stop(t), s.log.String())
}

// damageSegments flips a byte in every segment of a generation.
func damageSegments(t *testing.T, data string, number uint64) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(data, "kb", fmt.Sprintf("gen-%08d", number), "index", "store", "*.zap"))
	require.NoError(t, err)
	require.NotEmpty(t, segments)
	for _, name := range segments {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		raw[len(raw)/2] ^= 1
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(raw, 0) // in place: the file has several names
		require.NoError(t, errors.Join(err, f.Close()))
	}
}
