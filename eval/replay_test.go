package eval

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func item(id string, o prediag.Outcome, truth, label string, reasons ...prediag.ReasonCode) TriageItem {
	return TriageItem{ID: id, Outcome: o, Truth: truth, Label: label, Right: truth != "" && truth == label, Reasons: reasons}
}

// The audit sample is what tells the precision of a live service: its tickets count as answered.
func TestWhoWasRight(t *testing.T) {
	d := NewDiffer()
	audit := prediag.ReasonAuditSample
	d.Add(item("1", prediag.OutcomeSuggest, "dns", "dns", audit), item("1", prediag.OutcomeAnswer, "dns", "dns"), nil)
	d.Add(item("2", prediag.OutcomeSuggest, "dns", "vpn", audit), item("2", prediag.OutcomeEscalate, "dns", "dns"), nil)
	d.Add(item("3", prediag.OutcomeSuggest, "dns", "vpn"), item("3", prediag.OutcomeAnswer, "dns", "vpn"), nil)
	d.Add(item("4", prediag.OutcomeAnswer, "", "vpn"), item("4", prediag.OutcomeAnswer, "", "vpn"), nil)
	d.Undecided()
	got := d.Diff()
	require.Equal(t, []int{3, 2, 1}, []int{got.Before.Answerable, got.Before.Judged, got.Before.Right})
	require.Equal(t, []int{3, 2, 1}, []int{got.After.Answerable, got.After.Judged, got.After.Right})
	require.InDelta(t, 0.5, float64(got.After.Precision), 0)
	low, high := Wilson(1, 2)
	require.Equal(t, []Number{Number(low), Number(high)}, []Number{got.After.PrecisionLow, got.After.PrecisionHigh})
	require.Equal(t, []int{1, 3, 2, 3}, []int{got.Before.LabelsRight, got.Before.LabelsJudged, got.After.LabelsRight, got.After.LabelsJudged})
	require.Equal(t, []int{2, 1, 1, 1, 3}, []int{got.Automated, got.AutoRight, got.AutoWrong, got.Undecided, got.Changed})
	require.Equal(t, GateOK, got.Gate(1))
	require.Equal(t, GateRegression, got.Gate(0))
	require.Equal(t, GateError, NewDiffer().Diff().Gate(0))
	unknown := NewDiffer()
	unknown.Add(item("1", prediag.OutcomeSuggest, "", "dns"), item("1", prediag.OutcomeAnswer, "", "dns"), nil)
	require.Equal(t, GateInconclusive, unknown.Diff().Gate(0), "nobody knows whether it was right")
	require.Contains(t, string(asJSON(t, unknown.Diff())), `"precision": null`)
}

func TestDifferIsBoundedAndSafe(t *testing.T) {
	d := NewDiffer()
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range MaxDifferences / 2 {
				id := fmt.Sprint(w, "-", i)
				d.Add(item(id, prediag.OutcomeAnswer, "", "a"), item(id, prediag.OutcomeSuggest, "", "a"), func() string { return strings.Repeat("界", 500) })
			}
		})
	}
	all.Wait()
	got := d.Diff()
	require.Equal(t, 2*MaxDifferences, got.Changed)
	require.Len(t, got.Differences, MaxDifferences)
	require.Less(t, len(got.Differences[0].Text), 300, "shortened")
	require.Equal(t, 2*MaxDifferences, got.Moved[prediag.OutcomeAnswer][prediag.OutcomeSuggest])
}

func TestDecidedItem(t *testing.T) {
	d := diagnosis(prediag.OutcomeSuggest, "dns", "a-en/a", "b-en/b")
	d.Verdict.Language = "en"
	it := DecidedItem("d-1", d, prediag.Example{Labels: map[string]string{"category": "dns"}, Article: "b"})
	require.Equal(t, TriageItem{ID: "d-1", Language: "en", Outcome: prediag.OutcomeSuggest, Truth: "dns", Label: "dns", Article: "b", Rank: 2,
		answerable: true, answer: it.answer}, it)
}
