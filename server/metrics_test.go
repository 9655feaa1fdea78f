package server

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// series are the lines of /metrics by name and labels.
func series(t testing.TB, r *running) map[string]float64 {
	t.Helper()
	out := make(map[string]float64)
	lines := bufio.NewScanner(bytes.NewReader(r.call(t, "GET", "/metrics", nil).body))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		at := strings.LastIndexByte(lines.Text(), ' ')
		v, err := strconv.ParseFloat(lines.Text()[at+1:], 64)
		require.NoError(t, err)
		out[lines.Text()[:at]] = v
	}
	return out
}

func metric(t testing.TB, r *running, name string) float64 {
	t.Helper()
	v, ok := series(t, r)[name]
	require.True(t, ok, name)
	return v
}

func TestMetricsCountCallsAndOutcomes(t *testing.T) {
	r := start(t, Options{})
	for range 3 {
		_, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}})
		require.NoError(t, err)
	}
	_, err := r.triage.BatchTriage(limit(t), &pb.BatchTriageRequest{Tickets: []*pb.Ticket{{Title: "x"}, {}, {Title: "y"}}})
	require.NoError(t, err)
	require.Equal(t, 400, r.call(t, "GET", "/v1/search", nil).code)
	require.Equal(t, 200, r.call(t, "GET", "/v1/search?query=x", nil).code)
	got := series(t, r)
	for name, want := range map[string]float64{
		`prediag_calls_total{code="OK",method="Triage"}`:              3,
		`prediag_calls_total{code="OK",method="BatchTriage"}`:         1,
		`prediag_calls_total{code="OK",method="Search"}`:              1,
		`prediag_calls_total{code="InvalidArgument",method="Search"}`: 1,
		`prediag_call_seconds_count{method="Triage"}`:                 3,
		`prediag_outcomes_total{outcome="SUGGEST"}`:                   5,
		"prediag_index_generation":                                    3,
		"prediag_index_articles":                                      25,
		"prediag_index_bytes":                                         4096,
		"prediag_index_age_seconds":                                   1800,
		"prediag_ready":                                               1,
		"prediag_panics_total":                                        0,
	} {
		require.Equal(t, want, got[name], name)
	}
	r.set(func(f *fake) { f.notReady = "x" })
	require.Zero(t, metric(t, r, "prediag_ready"))
}

// Nothing that a caller sends makes a series of its own.
func TestSeriesStayFew(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("%x", random.Uint64()) }
	for i := range 10_000 {
		switch i % 4 {
		case 0:
			r.call(t, http.MethodGet, "/"+word()+"?"+word()+"="+word(), nil)
		case 1:
			r.call(t, "M"+word(), "/v1/"+word(), nil)
		case 2:
			_ = r.conn.Invoke(t.Context(), "/"+word()+"/"+word(), &pb.GetStatusRequest{}, &pb.GetStatusResponse{})
		case 3:
			r.call(t, http.MethodGet, "/v1/search?query="+word()+"&kinds="+word()+"&page_token="+word(), nil)
		}
	}
	got := series(t, r)
	require.Less(t, len(got), 500)
	require.Equal(t, 2500.0, got[`prediag_calls_total{code="InvalidArgument",method="Search"}`])
}

func TestMetricsOfTheShadow(t *testing.T) {
	r := start(t, Options{})
	for name := range series(t, r) {
		require.False(t, strings.HasPrefix(name, "prediag_shadow"), "there is none")
	}
	r.set(func(f *fake) {
		f.shadow = &ShadowStatus{
			Decided: map[Transition]int{{prediag.OutcomeSuggest, prediag.OutcomeAnswer}: 2, {prediag.OutcomeAnswer, prediag.OutcomeAnswer}: 5}, Dropped: 3, Failed: 1,
		}
	})
	require.InDelta(t, 2, metric(t, r, `prediag_shadow_decisions_total{from="SUGGEST",to="ANSWER"}`), 0)
	require.InDelta(t, 5, metric(t, r, `prediag_shadow_decisions_total{from="ANSWER",to="ANSWER"}`), 0)
	require.InDelta(t, 3, metric(t, r, "prediag_shadow_dropped_total"), 0)
	require.InDelta(t, 1, metric(t, r, "prediag_shadow_errors_total"), 0)
}
