package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag/eval"
)

func TestEveryEvalCommandHelps(t *testing.T) {
	for _, name := range []string{
		"list", "compare", "gate", "report", "answerable", "triage", "replay", "suspects", "patch", "leakage", "drift", "curve", "data", "suite",
	} {
		t.Run(name, func(t *testing.T) {
			out := must(t, "eval", name, "--help")
			require.Contains(t, out, "Examples:")
			require.Contains(t, out, "prediag eval "+name)
			require.Contains(t, out, "--json")
		})
	}
}

// trained trains on a file of tickets and returns the model's folder.
func trained(t *testing.T, tickets string) string {
	t.Helper()
	model := filepath.Join(t.TempDir(), "model")
	must(t, "train", "--tickets", tickets, "--model", model, "--quality", "fast")
	return model
}

// mislabelled is a copy of the tickets in which every ticket has the other label.
func mislabelled(t *testing.T, tickets string) string {
	t.Helper()
	raw, err := os.ReadFile(tickets)
	require.NoError(t, err)
	swapped := strings.NewReplacer(`"label":"network"`, `"label":"storage"`, `"label":"storage"`, `"label":"network"`).Replace(string(raw))
	return write(t, filepath.Join(t.TempDir(), "wrong.jsonl"), swapped)
}

// runFile reads a file of a saved run.
func runFile(t *testing.T, runs, name, file string) string {
	t.Helper()
	registry, err := eval.OpenRegistry(runs)
	require.NoError(t, err)
	run, err := registry.Stored(name)
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(runs, run.Record.ID, file))
	require.NoError(t, err)
	return string(raw)
}

// TestRunsOfOneModel shares a model, because training is what takes the time.
func TestRunsOfOneModel(t *testing.T) {
	tickets := ticketsFile(t)
	model := trained(t, tickets)
	t.Run("saved runs are the same to the byte", func(t *testing.T) { savedRunsAreTheSame(t, model, tickets) })
	t.Run("measurements as documents", func(t *testing.T) { measurementsAsDocuments(t, model, tickets) })
	t.Run("runs over different data are refused", func(t *testing.T) { differentDataAreRefused(t, model, tickets) })
	t.Run("drift wants enough tickets", func(t *testing.T) {
		r := call(t, "", "eval", "drift", "--model", model, tickets, tickets)
		require.Equal(t, exitUsage, r.code)
		require.Contains(t, r.err, "too few")
	})
}

func savedRunsAreTheSame(t *testing.T, model, tickets string) {
	runs := filepath.Join(t.TempDir(), "runs")
	for _, name := range []string{"one", "two"} {
		must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--name", name)
	}
	for _, file := range []string{eval.ReportFile, eval.ItemsFile} {
		require.Equal(t, runFile(t, runs, "one", file), runFile(t, runs, "two", file), file)
	}
	record := decode[eval.RunRecord](t, runFile(t, runs, "one", "run.json"))
	require.Equal(t, "classify", record.Kind)
	require.NotEmpty(t, record.Model)
	require.NotEmpty(t, record.Taxonomy)
	require.NotEmpty(t, record.Go)
	require.Len(t, record.Data["tickets/tickets.jsonl"], 64, "SHA-256 in hexadecimal")
	require.InDelta(t, 1, float64(record.Figures["accuracy"]), 1e-9)

	list := decode[[]eval.RunSummary](t, must(t, "eval", "list", "--runs", runs, "--json"))
	require.Equal(t, []string{"two", "one"}, []string{list[0].Name, list[1].Name}, "the newest first")
	require.Contains(t, must(t, "eval", "list", "--runs", runs, "--limit", "1"), "accuracy 1.0000")
	require.Equal(t, must(t, "eval", "report", "one", "--runs", runs), must(t, "eval", "report", "two", "--runs", runs))
}

func measurementsAsDocuments(t *testing.T, model, tickets string) {
	dir := t.TempDir()
	must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", dir+"/runs",
		"--html", dir+"/r.html", "--markdown", dir+"/r.md", "--junit", dir+"/r.xml")
	for file, holds := range map[string]string{"r.html": "Confusion matrix", "r.md": "| accuracy | 1.0000 |", "r.xml": `testcase name="accuracy"`} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Contains(t, string(raw), holds)
	}
	must(t, "eval", "report", "latest", "--runs", dir+"/runs", "--html", dir+"/again.html", "--svg", dir+"/svg", "--tickets", tickets)
	require.FileExists(t, dir+"/again.html")
	for _, picture := range []string{"confusion.svg", "reliability.svg", "risk-coverage.svg"} {
		require.FileExists(t, filepath.Join(dir, "svg", picture))
	}
}

// TestPlantedRegressionIsCaught swaps the labels that a model learns from: compare and gate must both say so by their
// exit code, and the gate in JUnit.
func TestPlantedRegressionIsCaught(t *testing.T) {
	tickets, dir := ticketsFile(t), t.TempDir()
	runs := dir + "/runs"
	for name, model := range map[string]string{"good": trained(t, tickets), "bad": trained(t, mislabelled(t, tickets))} {
		must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--name", name)
	}
	r := call(t, "", "eval", "compare", "good", "bad", "--runs", runs)
	require.Equal(t, exitWorse, r.code, r.err)
	require.Contains(t, r.out, "bad is worse than good")
	require.Empty(t, r.err, "the verdict was printed; there is nothing to add")
	require.Equal(t, exitOK, call(t, "", "eval", "compare", "bad", "good", "--runs", runs).code)

	r = call(t, "", "eval", "gate", "bad", "--against", "good", "--runs", runs, "--junit", dir+"/gate.xml", "--json")
	require.Equal(t, exitWorse, r.code, r.err)
	require.Equal(t, "regression", decode[map[string]any](t, r.out)["status"])
	raw, err := os.ReadFile(dir + "/gate.xml")
	require.NoError(t, err)
	require.Contains(t, string(raw), "<failure")
	require.Equal(t, exitOK, call(t, "", "eval", "gate", "good", "--against", "bad", "--runs", runs).code)
}

// TestPlantedNoiseIsNotCalledBetter mends a few items and breaks as many.
func TestPlantedNoiseIsNotCalledBetter(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	registry, err := eval.OpenRegistry(runs)
	require.NoError(t, err)
	for _, name := range []string{"before", "after"} {
		var items []eval.ClassifyItem
		for i := range 400 {
			right := i%10 != 0
			if name == "after" && i%50 < 2 { // of each fifty one that was wrong and one that was right
				right = !right
			}
			it := eval.ClassifyItem{ID: fmt.Sprint(i), Language: "en", Truth: "a", Label: "b", Probability: 0.9, InScope: 1, Right: right}
			if right {
				it.Label = "a"
			}
			items = append(items, it)
		}
		raw, err := eval.WriteItems(items)
		require.NoError(t, err)
		_, err = registry.Save(eval.RunRecord{Kind: "classify", Name: name}, map[string][]byte{eval.ItemsFile: raw})
		require.NoError(t, err)
	}
	c := decode[eval.Comparison](t, must(t, "eval", "compare", "before", "after", "--runs", runs, "--json"))
	require.Equal(t, eval.CannotTell, c.Verdict)
	require.Len(t, c.Flips, 16)
	require.Equal(t, exitInconclusive, call(t, "", "eval", "compare", "before", "after", "--runs", runs, "--strict").code)
	must(t, "eval", "gate", "after", "--against", "before", "--runs", runs)
	for _, row := range decode[eval.DriftReport](t, must(t, "eval", "drift", "before", "after", "--runs", runs, "--json")).Rows {
		require.False(t, row.Drifted, row.Property)
	}
}

func TestGateExitCodes(t *testing.T) {
	dir := t.TempDir()
	runs := dir + "/runs"
	registry, err := eval.OpenRegistry(runs)
	require.NoError(t, err)
	_, err = registry.Save(eval.RunRecord{Kind: "classify", Name: "run", Figures: map[string]eval.Number{
		"accuracy": 0.90, "accuracy_low": 0.86, "accuracy_high": 0.93, "ece": 0.03,
	}}, nil)
	require.NoError(t, err)
	budget := write(t, dir+"/budget.txt", "# limits\naccuracy>=0.8\nece<=0.01\n")
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"kept":                    {[]string{"--floor", "accuracy>=0.89"}, 0},
		"missed beyond noise":     {[]string{"--floor", "accuracy>=0.95"}, 1},
		"missed within noise":     {[]string{"--floor", "accuracy>=0.92"}, 3},
		"the bound is kept":       {[]string{"--floor-lower-bound", "accuracy>=0.85"}, 0},
		"the bound is not proven": {[]string{"--floor-lower-bound", "accuracy>=0.89"}, 3},
		"a budget":                {[]string{"--budget", budget}, 1},
		"no such figure":          {[]string{"--floor", "accurracy>=0.5"}, 2},
		"no condition":            {nil, 2},
		"not a condition":         {[]string{"--floor", "accuracy"}, 2},
		"no budget file":          {[]string{"--budget", dir + "/absent"}, 2},
		"no other run":            {[]string{"--against", "absent"}, 2},
		"no flag of this name":    {[]string{"--flor", "x"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, "", append([]string{"eval", "gate", "run", "--runs", runs}, c.args...)...)
			require.Equal(t, c.code, r.code, "%s%s", r.out, r.err)
		})
	}
	r := call(t, "", "eval", "gate", "run", "--runs", dir+"/none", "--floor", "accuracy>=0.5")
	require.Equal(t, 2, r.code)
	require.NoDirExists(t, dir+"/none", "a look makes no folder")
}

func differentDataAreRefused(t *testing.T, model, tickets string) {
	runs := filepath.Join(t.TempDir(), "runs")
	raw, err := os.ReadFile(tickets)
	require.NoError(t, err)
	// the same items by ID and truth, with other texts
	other := write(t, filepath.Join(t.TempDir(), "other.jsonl"), strings.ReplaceAll(string(raw), "number", "no."))
	must(t, "eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--name", "a")
	must(t, "eval", "classify", "--model", model, "--tickets", other, "--save", "--runs", runs, "--name", "b")
	r := call(t, "", "eval", "compare", "a", "b", "--runs", runs)
	require.Equal(t, exitGateError, r.code)
	require.Contains(t, r.err, "different data")
	must(t, "eval", "compare", "a", "b", "--runs", runs, "--force")
}

// lineFolder is a data folder with two articles and a model of two categories, and judged tickets for it.
func lineFolder(t *testing.T) (data, tickets string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	must(t, "ingest", "--data-dir", data, docsFolder(t))
	must(t, "train", "--tickets", ticketsFile(t), "--model", filepath.Join(data, "model"))
	var b strings.Builder
	for i := range 5 {
		fmt.Fprintf(&b, `{"id":"n%d","body":"the domain number %d does not resolve","label":"network"}`+"\n", i, 100+i)
	}
	return data, write(t, filepath.Join(t.TempDir(), "line.jsonl"), b.String())
}

func TestWholeLine(t *testing.T) {
	data, tickets := lineFolder(t)
	t.Run("records nothing and replays", func(t *testing.T) { lineRecordsNothing(t, data, tickets) })
	t.Run("through a service", func(t *testing.T) { lineThroughAService(t, data, tickets) })
}

func lineRecordsNothing(t *testing.T, data, tickets string) {
	runs := filepath.Join(t.TempDir(), "runs")
	never := write(t, filepath.Join(t.TempDir(), "never.yaml"), neverAnswer(t))
	report := decode[eval.TriageReport](t, must(t, "eval", "triage", "--data-dir", data, "--tickets", tickets, "--json", "--save", "--runs", runs, "--name", "before"))
	require.Equal(t, 5, report.N)
	require.InDelta(t, 1, float64(report.CategoryAccuracy), 1e-9)
	must(t, "eval", "triage", "--data-dir", data, "--tickets", tickets, "--policy", never, "--save", "--runs", runs, "--name", "after")
	diff := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "before", "after", "--runs", runs, "--json"))
	require.Equal(t, 5, diff.Tickets)
	require.Zero(t, diff.Automated)
	require.Equal(t, 5, diff.Moved["ESCALATE"]["ESCALATE"]+diff.Moved["SUGGEST"]["ESCALATE"]+diff.Moved["ANSWER"]["ESCALATE"], "the other policy hands over all")
	must(t, "eval", "compare", "before", "before", "--runs", runs)
	cases := func() string { return must(t, "review", "list", "--data-dir", data, "--all", "--json") }
	require.Contains(t, cases(), `"cases": []`, "what eval triage handed over was not recorded")
	must(t, "triage", "--data-dir", data, "the kettle sings a strange song")
	require.NotContains(t, cases(), `"cases": []`, "what triage hands over is")
	page := filepath.Join(t.TempDir(), "line.html")
	must(t, "eval", "report", "before", "--runs", runs, "--html", page)
	require.FileExists(t, page)
}

// neverAnswer is the built-in policy with thresholds that no ticket reaches.
func neverAnswer(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../triage/policy.yaml")
	require.NoError(t, err)
	return strings.Replace(string(raw), "min_in_scope: 0.30", "min_in_scope: 1.0", 1)
}

func lineThroughAService(t *testing.T, data, tickets string) {
	s := start(t, data)
	report := decode[eval.TriageReport](t, must(t, "eval", "triage", "--grpc", s.grpc, "--tickets", tickets, "--json"))
	require.Equal(t, 5, report.N)
	require.Zero(t, report.Failed, report.FirstError)
	r := call(t, "", "eval", "triage", "--data-dir", data, "--tickets", tickets)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "--grpc", "the folder is in use; the remedy is named")
	require.Equal(t, exitOK, s.stop(t))
	r = call(t, "", "eval", "triage", "--grpc", s.grpc, "--tickets", tickets)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "all of 5 tickets failed")
}

func TestDataCare(t *testing.T) {
	tickets := ticketsFile(t)
	raw, err := os.ReadFile(tickets)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	lines[8] = strings.Replace(lines[8], `"label":"network"`, `"label":"storage"`, 1) // "n4"
	planted := write(t, filepath.Join(t.TempDir(), "planted.jsonl"), strings.Join(lines, "\n")+"\n")
	out := filepath.Join(t.TempDir(), "suspects.jsonl")
	report := decode[eval.SuspectReport](t, must(t, "eval", "suspects", planted, "--folds", "2", "--json", "--out", out))
	require.Equal(t, 60, report.Items)
	require.Len(t, report.Suspects, 1)
	require.Equal(t, "n4", report.Suspects[0].ID)
	require.Equal(t, "network", report.Suspects[0].Proposed)
	mended := filepath.Join(t.TempDir(), "mended.jsonl")
	must(t, "eval", "patch", planted, "--patch", out, "--out", mended)
	raw, err = os.ReadFile(mended)
	require.NoError(t, err)
	require.Equal(t, 30, strings.Count(string(raw), `"label":"network"`), "the planted error is mended")
	require.Equal(t, exitUsage, call(t, "", "eval", "patch", tickets, "--patch", out, "--out", mended).code, "a patch of another file")

	leak := decode[eval.LeakReport](t, must(t, "eval", "leakage", tickets, planted, "--json"))
	require.Equal(t, 60, leak.Exact)
	require.Contains(t, must(t, "eval", "leakage", tickets, planted), "1 of them with another label")

	curve := decode[eval.Curve](t, must(t, "eval", "curve", "--train", tickets, "--test", tickets, "--sizes", "30", "--json"))
	require.Len(t, curve.Points, 1)
	require.Equal(t, 30, curve.Points[0].Examples)
}

func TestDataListsSetsOfAFolder(t *testing.T) {
	for _, s := range decode[[]eval.SetState](t, must(t, "eval", "data", "--dir", t.TempDir(), "--json")) {
		require.Equal(t, "absent", s.State, s.Path)
		require.NotEmpty(t, s.Licence, s.Path)
		require.True(t, strings.HasPrefix(s.Source, "https://"), s.Path)
	}
}

// suiteFolder is a folder of one set and one collection.
func suiteFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	packed := func(path, text string) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		write(t, filepath.Join(dir, path), b.String())
	}
	raw, err := os.ReadFile(ticketsFile(t))
	require.NoError(t, err)
	packed("classify/tiny/train.jsonl.gz", string(raw))
	packed("classify/tiny/test.jsonl.gz", string(raw))
	packed("classify/half/train.jsonl.gz", string(raw))
	packed("retrieval/tinycorpus/corpus.jsonl.gz", `{"id":"a","title":"Domain does not resolve","body":"Check the NS record."}
{"id":"b","title":"Disk is full","body":"Expand the volume."}
`)
	write(t, filepath.Join(dir, "retrieval/tinycorpus/queries.jsonl"), `{"id":"1","text":"domain resolve"}`+"\n")
	write(t, filepath.Join(dir, "retrieval/tinycorpus/qrels.txt"), "1 0 a 1\n")
	return dir
}

func TestSuiteIsTheSameButForTimes(t *testing.T) {
	dir := suiteFolder(t)
	var documents []string
	for i := range 2 {
		out := filepath.Join(t.TempDir(), "results.md")
		must(t, "eval", "suite", "--dir", dir, "--only", "tiny", "--out", out, "--save", "--runs", filepath.Join(dir, fmt.Sprint("runs", i)))
		raw, err := os.ReadFile(out)
		require.NoError(t, err)
		document, _, found := strings.Cut(string(raw), "## Times")
		require.True(t, found)
		documents = append(documents, document)
	}
	require.Equal(t, documents[0], documents[1])
	require.Contains(t, documents[0], "| tiny | 60 | 60 | 1.0000 [")
	require.Contains(t, documents[0], "| tinycorpus | 2 | 1 | 1.0000 [")
	require.Contains(t, documents[0], "classify/half: no train.jsonl.gz with a test.jsonl.gz")
	require.Len(t, decode[[]eval.RunSummary](t, must(t, "eval", "list", "--runs", filepath.Join(dir, "runs0"), "--json")), 2)
}

// TestEvalIsOffline runs the commands in another process that has no network at all, not even a loopback.
func TestEvalIsOffline(t *testing.T) {
	var isolate []string
	for _, way := range [][]string{{"unshare", "-n"}, {"unshare", "-r", "-n"}} {
		if exec.CommandContext(t.Context(), way[0], append(way[1:], "true")...).Run() == nil {
			isolate = way
			break
		}
	}
	if isolate == nil {
		t.Skip("this system lets nobody make a network namespace")
	}
	dir, tickets := suiteFolder(t), ticketsFile(t)
	model, runs := filepath.Join(dir, "model"), filepath.Join(dir, "runs")
	corpus := filepath.Join(dir, "retrieval/tinycorpus")
	for _, args := range [][]string{
		{"train", "--tickets", tickets, "--model", model},
		{"eval", "classify", "--model", model, "--tickets", tickets, "--save", "--runs", runs, "--html", dir + "/r.html"},
		{"eval", "retrieve", "--corpus", corpus + "/corpus.jsonl.gz", "--queries", corpus + "/queries.jsonl", "--qrels", corpus + "/qrels.txt"},
		{"eval", "suite", "--dir", dir, "--only", "tiny"},
		{"eval", "gate", "latest", "--runs", runs, "--floor", "accuracy>=0.5"},
		{"eval", "data", "--dir", dir},
	} {
		cmd := exec.CommandContext(t.Context(), isolate[0], append(append(isolate[1:len(isolate):len(isolate)], os.Args[0]), args...)...)
		cmd.Env = append(os.Environ(), "PREDIAG_BE_THE_COMMAND=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "prediag %s: %s", strings.Join(args, " "), out)
	}
}
