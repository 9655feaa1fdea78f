package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/classifier"
	"prediag/ingest"
	"prediag/triage"
)

// calibrationFile is a file of labelled tickets like those of ticketsFile, none of which is in it.
func calibrationFile(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"title":"DNS","body":"domain number %d of ours does not resolve any more","label":"network","article":"dns.md"}`+"\n", 1000+i)
		fmt.Fprintf(&b, `{"text":"my new disk number %d is full, give it more space","label":"storage","article":"none"}`+"\n", 1000+i)
	}
	return write(t, filepath.Join(t.TempDir(), "cal.jsonl"), b.String())
}

func smallModel(t *testing.T, seed string) string {
	t.Helper()
	model := filepath.Join(t.TempDir(), "model")
	must(t, "train", "--tickets", ticketsFile(t), "--model", model, "--seed", seed)
	return model
}

func TestPolicyFitShowCheck(t *testing.T) {
	model, cal := smallModel(t, "1"), calibrationFile(t, 150)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	out := must(t, "policy", "fit", "--model", model, "--tickets", cal, "--target", "route=0.9", "--out", file)
	require.Contains(t, out, "fitted")
	require.Contains(t, out, "90 % are right, at a confidence of 95 %")

	shown := decode[shownPolicy](t, must(t, "policy", "show", "--policy", file, "--json"))
	require.Equal(t, triage.OriginFitted, shown.Origin)
	promise, ok := shown.Warranty.Promised(triage.ActionRoute)
	require.True(t, ok)
	require.Equal(t, 300, promise.Horizon)
	require.Empty(t, promise.Thresholds[0].Off)
	require.Equal(t, 300, shown.Warranty.Data.Tickets)
	require.Len(t, shown.Warranty.Data.SHA256, 64)
	require.False(t, shown.Actions[0].Warranted, "answers were not asked for")

	require.Contains(t, must(t, "policy", "check", "--policy", file, "--model", model), "fits")
	stale := call(t, "", "policy", "check", "--policy", file, "--model", smallModel(t, "2"), "--json")
	require.Equal(t, exitFailed, stale.code, stale.err)
	checked := decode[checkedPolicy](t, stale.out)
	require.True(t, checked.Stale)
	require.Equal(t, "model", checked.Differences[0].What)

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	write(t, file, strings.Replace(string(raw), "margin: 0.2", "margin: 0.1", 1))
	require.Contains(t, must(t, "policy", "show", "--policy", file), "edited")
	require.Contains(t, must(t, "policy", "check", "--policy", file, "--model", model), "nothing is promised")
	require.Contains(t, must(t, "policy", "show", "--data-dir", t.TempDir()), "set by hand")
}

func TestPolicyFitSaysWhatIsOff(t *testing.T) {
	model := smallModel(t, "1")
	out := must(t, "policy", "fit", "--model", model, "--tickets", calibrationFile(t, 10), "--target", "route=0.99", "--show", "0", "--out", "-", "--json")
	fitted := decode[fittedPolicy](t, out)
	require.Equal(t, "-", fitted.Out)
	require.Contains(t, fitted.Actions[1].Off, "too few tickets: 20 could be taken")
	yaml := must(t, "policy", "fit", "--model", model, "--tickets", calibrationFile(t, 10), "--target", "route=0.99", "--out", "-")
	p, err := triage.ParsePolicy([]byte(yaml))
	require.NoError(t, err)
	require.Contains(t, p.Fields[prediag.FieldCategory].Off, "too few tickets")
}

func TestPolicyRefusals(t *testing.T) {
	model, cal := smallModel(t, "1"), calibrationFile(t, 20)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nothing given":    {[]string{"fit"}, "--out and --target and --tickets must be given"},
		"no number":        {[]string{"fit", "--model", model, "--tickets", cal, "--out", "-", "--target", "route"}, "ACTION=PRECISION"},
		"twice":            {[]string{"simulate", "--model", model, "--tickets", cal, "--target", "route=0.9", "--target", "route=0.8"}, "names \"route\" twice"},
		"unknown field":    {[]string{"fit", "--model", model, "--tickets", cal, "--out", "-", "--target", "mood=0.9"}, "use answer, route, or a field of the model (category)"},
		"no index":         {[]string{"fit", "--model", model, "--tickets", cal, "--out", "-", "--target", "answer=0.9"}, "needs an index"},
		"no such file":     {[]string{"fit", "--model", model, "--tickets", "nowhere.jsonl", "--out", "-", "--target", "route=0.9"}, "cannot be read"},
		"no model":         {[]string{"fit", "--tickets", cal, "--out", "-", "--target", "route=0.9"}, "--model must be given"},
		"target of one":    {[]string{"fit", "--model", model, "--tickets", cal, "--out", "-", "--target", "route=1"}, "the target is 1"},
		"confidence":       {[]string{"simulate", "--model", model, "--tickets", cal, "--target", "route=0.9", "--confidence", "95"}, "the confidence is 95"},
		"unknown order":    {[]string{"simulate", "--model", model, "--tickets", cal, "--target", "route=0.9", "--order", "size"}, "--order is"},
		"policy not there": {[]string{"check", "--model", model, "--policy", "nowhere.yaml"}, "nowhere.yaml"},
		"resume what":      {[]string{"resume"}, "--category"},
		"resume where":     {[]string{"resume", "--all", "--data-dir", "nowhere"}, "does not exist"},
		"never served":     {[]string{"status", "--data-dir", t.TempDir()}, "no service has served"},
	} {
		r := call(t, "", append([]string{"policy"}, c.args...)...)
		require.Equal(t, exitUsage, r.code, "%s: %s", name, r.err)
		require.Contains(t, r.err, c.says, name)
	}
}

func TestPolicySimulate(t *testing.T) {
	model, cal := smallModel(t, "1"), calibrationFile(t, 100)
	args := []string{"policy", "simulate", "--model", model, "--tickets", cal, "--target", "category=0.9", "--splits", "40", "--json"}
	sims := decode[[]simulated](t, must(t, args...))
	require.Len(t, sims, 1)
	require.Equal(t, 40, sims[0].Splits)
	require.Equal(t, 100, sims[0].Calibrate)
	require.Equal(t, 100, sims[0].Horizon)
	require.Greater(t, sims[0].Coverage, 0.9, "all are right")
	require.Zero(t, sims[0].Violations)
	require.Contains(t, must(t, append(args[:len(args)-1], "--order", "time")...), "oracle takes")
}

// What humans find about answers pauses a category of a running service, and resume takes that back.
func TestWatcherPausesAndResumes(t *testing.T) {
	dir := dataDir(t.TempDir())
	must(t, "train", "--tickets", ticketsFile(t), "--model", dir.model())
	must(t, "policy", "fit", "--model", dir.model(), "--tickets", calibrationFile(t, 150), "--target", "route=0.9", "--out", dir.policy())
	a := app{in: strings.NewReader(""), out: &strings.Builder{}, err: &strings.Builder{}}
	p, err := a.openParts(t.Context(), dir, partsOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.close()) }()
	p.policy.Warranty.Promises = append(p.policy.Warranty.Promises, triage.Promise{Action: triage.ActionAnswer, Target: 0.95})
	p.policy, err = p.policy.Seal() // as if answers had been fitted, too
	require.NoError(t, err)
	require.Equal(t, triage.OriginFitted, p.policy.Origin())

	for i := range 20 {
		id := fmt.Sprintf("d-%d", i)
		d := prediag.Diagnosis{
			ID: id, Created: time.Now(), Outcome: prediag.OutcomeSuggest, Hits: []prediag.Hit{{ArticleID: "a"}},
			Reasons: []prediag.Reason{{Code: prediag.ReasonAuditSample}},
			Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{{Field: prediag.FieldCategory, Label: "storage"}}},
			Handoff: &prediag.Handoff{CaseID: "c" + id, Priority: 5},
		}
		_, err := p.store.Record(t.Context(), prediag.RequestKey{}, d)
		require.NoError(t, err)
		_, err = p.store.Resolve(t.Context(), prediag.RequestKey{}, "c"+id, prediag.Resolution{Reviewer: "ann", Action: prediag.ActionRejected})
		require.NoError(t, err)
	}
	s := newService(p, dir, ingest.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, s.audits.look(t.Context()))
	require.Contains(t, p.paused("storage"), "of 20 answers that humans checked 20 were wrong")
	require.True(t, s.status().Watched[0].Paused)
	require.True(t, s.status().Warranted)
	require.Empty(t, s.status().Stale)
	require.Contains(t, must(t, "policy", "status", "--data-dir", string(dir)), "PAUSED")

	must(t, "policy", "resume", "--all", "--data-dir", string(dir))
	require.NoError(t, s.audits.look(t.Context()))
	require.Empty(t, p.paused("storage"))
	require.NotContains(t, must(t, "policy", "status", "--data-dir", string(dir)), "PAUSED")

	p.policy.CalibratedOn.Search = "other"
	require.Len(t, s.status().Stale, 1)
	require.Contains(t, s.status().Degraded, "nothing is done automatically: the policy was fitted on search")
}

// The promise on real tickets, scored by a model that is trained here: in 1,000 random splits into a part to calibrate on and
// a part to test on, the second may miss the target in at most 5 %.
func TestPromiseOnRealTickets(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("trains models")
	}
	for _, set := range []string{"banking77", "clinc150"} {
		t.Run(set, func(t *testing.T) {
			dir := filepath.Join("..", "..", "..", "shared", "data", "classify", set)
			if _, err := os.Stat(dir); err != nil {
				t.Skip("the data set is not there")
			}
			train, _, err := readExamples(filepath.Join(dir, "train.jsonl.gz"), nil, nil)
			require.NoError(t, err)
			test, _, err := readExamples(filepath.Join(dir, "test.jsonl.gz"), nil, nil)
			require.NoError(t, err)
			m, _, err := classifier.Train(t.Context(), train, classifier.Options{Quality: classifier.QualityFast, Seed: 1, Epochs: 2, Rounds: 1}) // a quick model: the promise must hold for any
			require.NoError(t, err)
			var trials []triage.Trial
			for _, e := range test {
				v, err := m.Classify(t.Context(), triage.Readable(e.Ticket))
				require.NoError(t, err)
				trials = append(trials, triage.FieldTrial(v, prediag.FieldCategory, e.Labels[prediag.FieldCategory], triage.FieldThreshold{}, 0.3))
			}
			for _, target := range []float64{0.9, 0.95} {
				s, err := triage.SimulateTrials(t.Context(), trials, triage.SimulateOptions{Seed: 1,
					FitOptions: triage.FitOptions{Target: target, Confidence: 0.95, Horizon: -1}})
				require.NoError(t, err)
				t.Logf("target %v: missed in %d of %d splits (%.2f to %.2f %%), took %.1f %%, oracle %.1f %%",
					target, s.Violations, s.Splits, 100*s.RateLow, 100*s.RateHigh, 100*s.Coverage, 100*s.Oracle)
				require.Equal(t, 1000, s.Splits)
				require.LessOrEqual(t, s.Rate, 0.05)
				require.LessOrEqual(t, s.RateHigh, 0.065)
				require.Greater(t, s.Coverage, 0.5*s.Oracle)
			}
		})
	}
}
