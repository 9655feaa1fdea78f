package eval

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// scripted answers each ticket with the diagnosis under its ID.
type scripted map[string]prediag.Diagnosis

func (s scripted) Triage(_ context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	d, ok := s[t.ID]
	if !ok || key.Idempotent() {
		return prediag.Diagnosis{}, errors.New("no diagnosis")
	}
	return d, nil
}

func diagnosis(outcome prediag.Outcome, label string, hits ...string) prediag.Diagnosis {
	d := prediag.Diagnosis{
		Outcome: outcome, Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{{Field: "category", Label: label}}},
		Versions: prediag.Versions{Model: "m", Taxonomy: "t", Index: 7, Policy: "p"},
	}
	for _, h := range hits { // "id/group"
		id, group, _ := strings.Cut(h, "/")
		d.Hits = append(d.Hits, prediag.Hit{ArticleID: id, Group: group})
	}
	return d
}

func lineCase() (scripted, []prediag.Example) {
	answer := diagnosis(prediag.OutcomeAnswer, "dns", "a-en/a", "b-en/b")
	answer.Draft = prediag.Draft{Origin: "extractive", Grounded: 0.5, Statements: []prediag.Statement{
		{Kind: prediag.StatementStep, Citations: []prediag.Citation{{ArticleID: "a-en"}, {ArticleID: "b-en"}}},
		{Kind: prediag.StatementQuestion},
	}}
	suggest := diagnosis(prediag.OutcomeSuggest, "dns", "b-en/b", "c-zh/c", "a-en/a")
	suggest.Reasons = []prediag.Reason{{Code: prediag.ReasonAmbiguous}, {Code: prediag.ReasonAmbiguous}, {Code: prediag.ReasonUrgent}}
	suggest.Degraded = []prediag.Degradation{prediag.DegradedLLM}
	line := scripted{
		"1": answer, "2": suggest,
		"3": diagnosis(prediag.OutcomeEscalate, "vpn"),
		"4": diagnosis(prediag.OutcomeAnswer, "vpn", "a-en/a"), // an answer to what is out of scope
		"5": diagnosis(prediag.OutcomeAnswer, "vpn"),
	}
	ex := func(id, truth, article string) prediag.Example {
		e := prediag.Example{Ticket: prediag.Ticket{ID: id, Language: "en"}, Article: article}
		if truth != "" {
			e.Labels = map[string]string{"category": truth}
		}
		return e
	}
	return line, []prediag.Example{ex("1", "dns", "a"), ex("2", "dns", "a-en"), ex("3", "vpn", ""), ex("4", "oos", ""), ex("5", "", ""), ex("6", "dns", "a")}
}

func TestTriageByHand(t *testing.T) {
	line, examples := lineCase()
	r, err := Triage(t.Context(), line, examples, TriageOptions{Resamples: 200, Now: ticks(), Workers: 1})
	require.NoError(t, err)
	near := func(want float64, got Number, what string) {
		t.Helper()
		require.InDelta(t, want, float64(got), 1e-12, what)
	}
	require.Equal(t, []int{5, 1}, []int{r.N, r.Failed})
	near(0.6, r.AutomationRate, "1, 4 and 5 of five")
	near(0.5, r.AnsweredPrecision, "1 is right, 4 is wrong, 5 unknown")
	near(1, r.CategoryAccuracy, "1, 2 and 3 are in scope and known")
	near(0.5, r.ArticleAt1, "1, not 2")
	near(1, r.ArticleAt3, "1 and 2")
	near(0.5, r.GroundedShare, "the one draft")
	near(0.5, r.CitationPrecision, "a-en, not b-en")
	near((0+1.2+1+10)/4, r.Cost, "right answer, wrong suggestion, escalation, wrong answer")
	near(1, r.CostEscalated, "all by hand")
	require.Equal(t, map[prediag.Outcome]OutcomeRow{
		prediag.OutcomeAnswer: {N: 3, Right: 1, Wrong: 1, Unknown: 1}, prediag.OutcomeSuggest: {N: 1, Wrong: 1}, prediag.OutcomeEscalate: {N: 1, Right: 1},
	}, r.Matrix)
	require.Equal(t, map[prediag.ReasonCode]int{prediag.ReasonAmbiguous: 1, prediag.ReasonUrgent: 1}, r.Reasons)
	require.Equal(t, map[prediag.Degradation]int{prediag.DegradedLLM: 1}, r.Degraded)
	require.Equal(t, map[string]int{"extractive": 1}, r.Origins)
	require.Equal(t, Number(1), r.LatencyMS.P99)
	require.Equal(t, uint64(7), r.Index)
	r.LatencyMS = nil
	golden(t, "triage.json", asJSON(t, r))
}

func TestTriageDoesNotDependOnOrder(t *testing.T) {
	line, examples := lineCase()
	want, err := Triage(t.Context(), line, examples, TriageOptions{Resamples: 100})
	require.NoError(t, err)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(examples), func(i, j int) { examples[i], examples[j] = examples[j], examples[i] })
	got, err := Triage(t.Context(), line, examples, TriageOptions{Resamples: 100, Workers: 5})
	require.NoError(t, err)
	require.Equal(t, string(asJSON(t, want)), string(asJSON(t, got)))
}

func TestTriageRefusesNothing(t *testing.T) {
	_, err := Triage(t.Context(), scripted{}, nil, TriageOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	line, examples := lineCase()
	_, err = Triage(ctx, line, examples, TriageOptions{})
	require.ErrorIs(t, err, context.Canceled)
	r, err := Triage(t.Context(), scripted{}, examples, TriageOptions{Resamples: 10})
	require.NoError(t, err)
	require.Equal(t, 6, r.Failed)
	require.NotContains(t, string(asJSON(t, r)), "NaN")
}

func TestReplay(t *testing.T) {
	line, examples := lineCase()
	run := func(l scripted) (items []TriageItem) {
		_, err := Triage(t.Context(), l, examples, TriageOptions{Resamples: 10, Item: func(it TriageItem) { items = append(items, it) }})
		require.NoError(t, err)
		return items
	}
	before := run(line)
	after, _ := lineCase()
	after["2"] = diagnosis(prediag.OutcomeAnswer, "dns", "a-en/a")
	after["4"] = diagnosis(prediag.OutcomeEscalate, "oos")
	d := Replay(before, append(run(after), TriageItem{ID: "new"}), func(id string) string { return "the text of " + id })
	require.Equal(t, []int{5, 1, 1, 1, 0, 1, 1, 0, 1}, []int{d.Tickets, d.Automated, d.Withdrawn, d.AutoRight, d.AutoWrong, d.Relabelled, d.Failed, d.OnlyBefore, d.OnlyAfter})
	require.Equal(t, 1, d.Moved[prediag.OutcomeSuggest][prediag.OutcomeAnswer])
	require.Equal(t, 2, d.Moved[prediag.OutcomeAnswer][prediag.OutcomeAnswer])
	require.Len(t, d.Differences, 2)
	require.Equal(t, "2", d.Differences[0].ID)
	var b strings.Builder
	require.NoError(t, d.WriteMarkdown(&b))
	golden(t, "replay.md", []byte(b.String()))
	require.Empty(t, Replay(before, before, nil).Differences, "the same decisions")
}
