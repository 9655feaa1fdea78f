package classifier

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// BenchmarkModel measures the model in the folder PREDIAG_BENCH_MODEL on the tickets of the file PREDIAG_BENCH_TICKETS (JSON
// Lines, plain or gzipped); an operation is one text.
func BenchmarkModel(b *testing.B) {
	folder, file := os.Getenv("PREDIAG_BENCH_MODEL"), os.Getenv("PREDIAG_BENCH_TICKETS")
	if folder == "" || file == "" {
		b.Skip("PREDIAG_BENCH_MODEL and PREDIAG_BENCH_TICKETS are not set")
	}
	m, err := Load(folder)
	require.NoError(b, err)
	r, err := os.Open(file)
	require.NoError(b, err)
	defer func() { _ = r.Close() }()
	list, _, err := ReadExamples(r, ReadOptions{Unlabelled: true})
	require.NoError(b, err)
	require.NotEmpty(b, list)
	each := func(classify func(context.Context, prediag.Ticket) (prediag.Verdict, error)) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := classify(b.Context(), list[i%len(list)].Ticket); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("one", each(m.Explain))
	b.Run("bulk", each(m.Quick))
}

// What Quick leaves out is the evidence and nothing else.
func TestQuickIsClassifyWithoutEvidence(t *testing.T) {
	t.Parallel()
	m := smallModel(t)
	for _, e := range smallExamples() {
		want, err := m.Classify(t.Context(), e.Ticket)
		require.NoError(t, err)
		require.NotEmpty(t, want.Fields[0].Evidence, e.Ticket.Body)
		for i := range want.Fields {
			want.Fields[i].Evidence = nil
		}
		got, err := m.Quick(t.Context(), e.Ticket)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
