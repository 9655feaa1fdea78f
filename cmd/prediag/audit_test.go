package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag/eval"
	pb "prediag/proto/prediag/v1"
)

// boldPolicy answers whatever has an article, and says so by its name.
func boldPolicy(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../triage/policy.yaml")
	require.NoError(t, err)
	text := strings.NewReplacer(
		"name: default", "name: bold", "category: {act: 0.80, show: 0.35, margin: 0.20}", "category: {act: 0.0, show: 0.0, margin: 0.0}",
		"solved: {act: 0.93, show: 0.20}", "solved: {act: 0.0, show: 0.0}", "min_in_scope: 0.30", "min_in_scope: 0.0",
		"min_language: 0.40", "min_language: 0.0", "audit_sample: 0.02", "audit_sample: 0.0",
	).Replace(string(raw))
	return write(t, filepath.Join(t.TempDir(), "bold.yaml"), text)
}

// TestAuditAndShadowOnARunningService asks a real process, and reads its audit log while it runs.
func TestAuditAndShadowOnARunningService(t *testing.T) {
	data, _ := lineFolder(t)
	bold, never := boldPolicy(t), write(t, filepath.Join(t.TempDir(), "never.yaml"), neverAnswer(t))
	s := start(t, data, "--policy", never, "--shadow-policy", bold, "--keep-diagnoses", "90d")
	client := pb.NewTriageServiceClient(s.dial(t))
	var caseID string
	for i := range 6 {
		r, err := client.Triage(t.Context(), &pb.TriageRequest{RequestId: fmt.Sprint("r", i), Ticket: &pb.Ticket{
			Id: fmt.Sprint("T-", i), Body: fmt.Sprintf("the domain number %d does not resolve, please call 13800138000", i),
		}})
		require.NoError(t, err)
		require.Equal(t, pb.Outcome_OUTCOME_ESCALATE, r.GetDiagnosis().GetOutcome())
		caseID = r.GetDiagnosis().GetHandoff().GetCaseId()
	}
	must(t, "review", "resolve", "--data-dir", data, caseID, "--reviewer", "mei", "--action", "corrected", "--label", "category=storage")

	t.Run("another policy, by the facts alone", func(t *testing.T) {
		diff := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "--since", "1h", "--data-dir", data, "--policy", bold, "--json"))
		require.Equal(t, []int{6, 6, 0, 1}, []int{diff.Tickets, diff.Automated, diff.AutoRight, diff.AutoWrong})
		require.Equal(t, 6, diff.Moved["ESCALATE"]["ANSWER"])
		require.Contains(t, diff.Differences[0].Text, "the domain number")
		require.NotContains(t, diff.Differences[0].Text, "13800138000", "the ticket is kept without personal data")
		require.Equal(t, []int{1, 0}, []int{diff.After.Judged, diff.After.Right})
	})
	t.Run("the same policy changes nothing", func(t *testing.T) {
		diff := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "--since", "1h", "--data-dir", data, "--policy", never, "--json"))
		require.Equal(t, []int{6, 0}, []int{diff.Tickets, diff.Changed})
	})
	t.Run("the whole line again", func(t *testing.T) {
		args := []string{"eval", "replay", "--since", "1h", "--data-dir", data, "--model", filepath.Join(data, "model"), "--index", data, "--json"}
		same := decode[eval.DecisionDiff](t, must(t, append(args, "--policy", never)...))
		require.Equal(t, []int{6, 0, 0}, []int{same.Tickets, same.Changed, same.Failed}, same.FirstError)
		other := decode[eval.DecisionDiff](t, must(t, append(args, "--policy", bold)...))
		require.Equal(t, 6, other.Automated)
	})
	t.Run("what the shadow decided", func(t *testing.T) { shadowsDiff(t, s, data) })
	t.Run("the gate", func(t *testing.T) {
		args := []string{"eval", "replay", "--since", "1h", "--data-dir", data, "--policy", bold}
		require.Equal(t, exitWorse, call(t, "", append(args, "--max-new-automated-wrong", "0")...).code)
		r := call(t, "", append(args, "--max-new-automated-wrong", "1")...)
		require.Equal(t, exitOK, r.code, r.err)
		require.Contains(t, r.out, "Answered now, not before: 6")
		require.Equal(t, exitGateError, call(t, "", "eval", "replay", "--since", "1000h", "--until", "900h", "--data-dir", data).code, "nothing was decided then")
	})
	require.Equal(t, exitOK, s.stop(t), s.log.String())
	diff := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "--since", "1h", "--data-dir", data, "--policy", bold, "--json"))
	require.Equal(t, 6, diff.Automated, "and when it has stopped")
}

func shadowsDiff(t *testing.T, s *running, data string) {
	t.Helper()
	var diff eval.DecisionDiff
	require.Eventually(t, func() bool { // they are written within half a second
		r := call(t, "", "eval", "replay", "--since", "1h", "--data-dir", data, "--shadow", "--json")
		return r.code == exitOK && json.Unmarshal([]byte(r.out), &diff) == nil && diff.Tickets == 6
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, 6, diff.Automated)
	_, metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, `prediag_shadow_decisions_total{from="ESCALATE",to="ANSWER"} 6`)
	require.Contains(t, metrics, "prediag_shadow_dropped_total 0")
	list := must(t, "review", "list", "--data-dir", data, "--all", "--json")
	require.Equal(t, 6, strings.Count(list, `"leaseExpireTime"`), "the candidate opened no case")
}

// TestShadowModel runs another model in the shadow: one that learned every label wrong.
func TestShadowModel(t *testing.T) {
	data, tickets := lineFolder(t)
	wrong := trained(t, mislabelled(t, ticketsFile(t)))
	s := start(t, data, "--shadow-model", wrong)
	require.Equal(t, 5, decode[eval.TriageReport](t, must(t, "eval", "triage", "--grpc", s.grpc, "--tickets", tickets, "--json")).N)
	var diff eval.DecisionDiff
	require.Eventually(t, func() bool {
		r := call(t, "", "eval", "replay", "--since", "1h", "--data-dir", data, "--shadow", "--json")
		return r.code == exitOK && json.Unmarshal([]byte(r.out), &diff) == nil && diff.Tickets == 5
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, 5, diff.Relabelled)
	require.Equal(t, "network", diff.Differences[0].LabelA)
	require.Equal(t, "storage", diff.Differences[0].LabelB)
	require.Equal(t, exitOK, s.stop(t), s.log.String())
	log := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "--since", "1h", "--data-dir", data, "--model", wrong, "--json"))
	require.Equal(t, diff.Differences, log.Differences, "in the shadow or afterwards, it decides the same")
}

func TestReplayOfTickets(t *testing.T) {
	data, tickets := lineFolder(t)
	diff := decode[eval.DecisionDiff](t, must(t, "eval", "replay", "--data-dir", data, "--tickets", tickets, "--policy", boldPolicy(t), "--json"))
	require.Equal(t, 5, diff.Tickets)
	require.Equal(t, 5, diff.Moved["ANSWER"]["ANSWER"]+diff.Automated)
	require.Contains(t, diff.Differences[0].Text, "the domain number")
	for name, args := range map[string][]string{
		"nothing to replay": {}, "two sources": {"--since", "1h", "--tickets", tickets}, "nothing differs": {"--tickets", tickets},
		"no time": {"--since", "yesterday"}, "the wrong way round": {"--since", "1h", "--until", "2h"}, "one run": {"before"},
		"shadow of a policy": {"--since", "1h", "--shadow", "--policy", "x.yaml"}, "nothing recorded": {"--since", "1h"},
		"no index": {"--tickets", tickets, "--index", "nowhere"},
	} {
		r := call(t, "", append([]string{"eval", "replay", "--data-dir", data}, args...)...)
		require.Equal(t, exitGateError, r.code, "%s: %s%s", name, r.out, r.err)
		require.True(t, strings.HasPrefix(r.err, "prediag: "), name)
	}
}

// TestSuspectsThroughTheQueue plants wrong labels, lets humans decide on a running service, and mends the file.
func TestSuspectsThroughTheQueue(t *testing.T) {
	clean := ticketsFile(t)
	raw, err := os.ReadFile(clean)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, at := range []int{8, 20, 33} { // n4, n10, s16
		lines[at] = strings.NewReplacer(`"label":"network"`, `"label":"storage"`, `"label":"storage"`, `"label":"network"`).Replace(lines[at])
	}
	planted := write(t, filepath.Join(t.TempDir(), "planted.jsonl"), strings.Join(lines, "\n")+"\n")
	data, _ := lineFolder(t)
	s := start(t, data)
	suspects := func() result {
		r := call(t, "", "eval", "suspects", planted, "--folds", "5", "--to-queue", "--data-dir", data, "--json")
		require.Equal(t, exitOK, r.code, r.err)
		return r
	}
	r := suspects()
	found := len(decode[eval.SuspectReport](t, r.out).Suspects)
	require.GreaterOrEqual(t, found, 3)
	require.Contains(t, r.err, fmt.Sprintf("%d label checks added", found))
	require.Contains(t, suspects().err, fmt.Sprintf("0 label checks added to the queue label-check, %d were there before", found))

	right := map[string]string{"n": "network", "s": "storage"}
	for range found {
		claimed := decode[struct {
			Case struct {
				ID         string
				Diagnosis  struct{ Ticket struct{ ID string } }
				LabelCheck struct{ Label, SuggestedLabel string }
			}
		}](t, must(t, "review", "claim", "--data-dir", data, "--reviewer", "mei", "--queue", "label-check", "--json")).Case
		action := "rejected"
		if claimed.LabelCheck.SuggestedLabel == right[claimed.Diagnosis.Ticket.ID[:1]] {
			action = "accepted"
		}
		must(t, "review", "resolve", claimed.ID, "--data-dir", data, "--reviewer", "mei", "--action", action)
	}
	require.Equal(t, "null\n", must(t, "review", "claim", "--data-dir", data, "--queue", "label-check", "--json"))
	require.Contains(t, suspects().err, "0 label checks added", "what was decided is not asked again")
	patch, mended := filepath.Join(t.TempDir(), "patch.jsonl"), filepath.Join(t.TempDir(), "mended.jsonl")
	require.Contains(t, must(t, "review", "export", "--kind", "label-check", "--data-dir", data, "--source", "planted.jsonl", "--out", patch), "3 labels to change")
	must(t, "eval", "patch", planted, "--patch", patch, "--out", mended)
	got, err := os.ReadFile(mended)
	require.NoError(t, err)
	require.Equal(t, labelsByID(t, string(raw)), labelsByID(t, string(got)), "every label is right again")
	require.Equal(t, exitOK, s.stop(t), s.log.String())
}

func labelsByID(t *testing.T, lines string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(lines) {
		v := decode[struct{ ID, Label string }](t, line)
		out[v.ID] = v.Label
	}
	return out
}

// TestReviewIsKind is what a reviewer stumbles over.
func TestReviewIsKind(t *testing.T) {
	data, _ := lineFolder(t)
	r := call(t, "", "review", "claim", "--data-dir", data)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, "Nothing to claim: no case is open.\n", r.out)
	require.Equal(t, "null\n", must(t, "review", "claim", "--data-dir", data, "--json"))
	require.Equal(t, exitUsage, call(t, "", "review", "claim", "c-none", "--data-dir", data).code, "a case that is named must be there")

	must(t, "triage", "--data-dir", data, "the kettle sings a strange song")
	list := decode[struct{ Cases []struct{ ID string } }](t, must(t, "review", "list", "--data-dir", data, "--state", "open", "--json"))
	require.Len(t, list.Cases, 1)
	id := list.Cases[0].ID
	require.Contains(t, must(t, "review", "show", id, "--data-dir", data), "the kettle sings")
	require.NotContains(t, must(t, "review", "list", "--data-dir", data, "--state", "claimed,resolved"), id)
	require.Equal(t, exitUsage, call(t, "", "review", "list", "--data-dir", data, "--state", "lost").code)

	resolve := []string{"review", "resolve", id, "--data-dir", data, "--reviewer", "mei", "--action", "corrected", "--note", "a kettle", "--label"}
	r = call(t, "", append(resolve, "category=netwrok")...)
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "near it: network")
	must(t, append(resolve, "category=kitchen", "--new-label")...)
	shown := must(t, "review", "show", id, "--data-dir", data)
	require.Contains(t, shown, "CORRECTED by mei")
	require.Contains(t, shown, "category: kitchen")
	require.Contains(t, must(t, "review", "list", "--data-dir", data, "--state", "resolved"), id)
}

func TestTimes(t *testing.T) {
	for s, want := range map[string]time.Duration{"90d": 2160 * time.Hour, "36h": 36 * time.Hour, "0": 0, "1d": 24 * time.Hour} {
		got, err := parseKeep(s)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, s := range []string{"", "d", "-3d", "-48h", "1h", "soon", "99999999999d"} {
		_, err := parseKeep(s)
		require.Error(t, err, s)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"24h": now.Add(-24 * time.Hour), "7d": now.Add(-168 * time.Hour), "2026-11-21": time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		"2026-11-21T09:00:00+01:00": time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
	} {
		got, err := parseMoment("since", s, now)
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s: %s", s, got)
	}
}
