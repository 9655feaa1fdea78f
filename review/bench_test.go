package review

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

const benchCases = 100_000

// fill makes a queue of n waiting cases whose diagnoses have about the given number of bytes.
func fill(b *testing.B, n, bytes int) *Store {
	b.Helper()
	s := openStore(b, Options{})
	text := strings.Repeat("the instance does not start. ", bytes/29)
	queues := []string{"network", "database", "compute", "storage", "billing"}
	for from := 0; from < n; from += 1000 {
		ds := make([]prediag.Diagnosis, 1000)
		for i := range ds {
			k := from + i
			ds[i] = withCase(k, queues[k%5], []string{"L1", "L2", "L3"}[k%3], k*7919%n)
			ds[i].Ticket.Body = text
		}
		record(b, s, ds...)
	}
	b.ResetTimer()
	return s
}

func BenchmarkRecord(b *testing.B) {
	s := fill(b, 0, 0)
	for n := 0; b.Loop(); n++ {
		_, err := s.Record(context.Background(), key(fmt.Sprint(n)), withCase(n, "network", "L1", n))
		require.NoError(b, err)
	}
}

func BenchmarkRecordAll500(b *testing.B) {
	s := fill(b, 0, 0)
	keys, ds := make([]prediag.RequestKey, 500), make([]prediag.Diagnosis, 500)
	n := 0
	for b.Loop() {
		for i := range ds {
			keys[i], ds[i] = key(fmt.Sprint(n)), withCase(n, "network", "L1", n)
			n++
		}
		_, errs := s.RecordAll(context.Background(), keys, ds)
		require.NoError(b, errs[0])
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "cases/s")
}

// The goal is at most 5 ms for a page of 50 and for a claim, with 100,000 cases waiting.
func BenchmarkQueue(b *testing.B) {
	s := fill(b, benchCases, 3000)
	middle, err := s.List(context.Background(), prediag.CaseFilter{Limit: 500})
	require.NoError(b, err)
	for name, f := range map[string]prediag.CaseFilter{
		"List":           {},
		"ListQueue":      {Queue: "network"},
		"ListQueueTier":  {Queue: "network", Tier: "L2"},
		"ListMiddlePage": {After: middle.Next},
		"ListClaimed":    {States: []prediag.CaseState{prediag.CaseClaimed}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := s.List(context.Background(), f)
				require.NoError(b, err)
			}
		})
	}
	b.Run("Stats", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Stats(context.Background())
			require.NoError(b, err)
		}
	})
	b.Run("Claim", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Claim(context.Background(), noKey, "", "ann", prediag.CaseFilter{Queue: "network"})
			require.NoError(b, err)
		}
	})
	b.Run("ListWithClaims", func(b *testing.B) {
		for b.Loop() {
			_, err := s.List(context.Background(), prediag.CaseFilter{States: []prediag.CaseState{prediag.CaseOpen}})
			require.NoError(b, err)
		}
	})
}
