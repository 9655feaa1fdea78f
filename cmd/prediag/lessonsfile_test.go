package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/review"
)

// decidedRecord is a record in which humans decided tickets from first to before last.
func decidedRecord(tb testing.TB, path string, first, last int) *review.Store {
	tb.Helper()
	store, err := review.Open(path, review.Options{})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = store.Close() })
	ctx := context.Background()
	for from := first; from < last; from += 100 {
		var ds []prediag.Diagnosis
		for i := from; i < min(last, from+100); i++ {
			ds = append(ds, prediag.Diagnosis{
				ID: fmt.Sprint("d-", i), Ticket: prediag.Ticket{Body: ticketNumber(i)}, Outcome: prediag.OutcomeEscalate,
				Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{{Field: prediag.FieldCategory, Label: "vpn"}}},
				Handoff: &prediag.Handoff{CaseID: fmt.Sprint("c-", i), Queue: "q", Tier: "L2", Priority: 1},
			})
		}
		_, errs := store.RecordAll(ctx, make([]prediag.RequestKey, len(ds)), ds)
		for i := range ds {
			require.NoError(tb, errs[i])
			_, err := store.Resolve(ctx, prediag.RequestKey{}, ds[i].Handoff.CaseID, prediag.Resolution{
				Reviewer: "mei", Action: prediag.ActionCorrected, Labels: map[string]string{prediag.FieldCategory: "dns"}, Article: fmt.Sprint("a-", ds[i].ID),
			})
			require.NoError(tb, err)
		}
	}
	return store
}

// ticketNumber is a ticket that shares no word with another one.
func ticketNumber(i int) string {
	r, words := rand.New(rand.NewPCG(1, uint64(i))), ""
	for range 12 {
		words += fmt.Sprintf("%x ", r.Uint64())
	}
	return words
}

// TestLessonsAreSaved: what a file holds is not read from the record again, and a file that is damaged, of another record, or
// behind makes no difference to what is known.
func TestLessonsAreSaved(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lessons.bin")
	store := decidedRecord(t, filepath.Join(dir, "state.db"), 0, 5)
	var said bytes.Buffer
	open := func(store *review.Store) *lessons {
		t.Helper()
		said.Reset()
		l, err := openLessons(t.Context(), store, prediag.ClassifierFunc(nil), file, slog.New(slog.NewTextHandler(&said, nil)))
		require.NoError(t, err)
		t.Cleanup(l.close)
		return l
	}
	article := func(l *lessons, i int) string { return l.memory.Article(prediag.Ticket{Body: ticketNumber(i)}) }

	l := open(store)
	require.Equal(t, 5, l.memory.Len())
	require.NoFileExists(t, file, "so few are read quickly")
	l.mu.Lock()
	l.behind = saveAfter
	l.saveSometimes()
	l.mu.Unlock()
	l.close()
	require.FileExists(t, file)

	l = open(store)
	require.Zero(t, l.behind, "nothing was read from the record")
	require.Equal(t, "a-d-3", article(l, 3))
	decidedRecord(t, filepath.Join(dir, "state.db"), 5, 7)
	l = open(store)
	require.Equal(t, 2, l.behind, "what came since")
	require.Equal(t, "a-d-6", article(l, 6))
	require.Empty(t, said.String())

	l = open(decidedRecord(t, filepath.Join(dir, "other.db"), 20, 25))
	require.Contains(t, said.String(), "another record")
	require.Equal(t, 5, l.memory.Len())
	require.Empty(t, article(l, 3))

	b, err := os.ReadFile(file)
	require.NoError(t, err)
	b[len(b)/2]++
	require.NoError(t, os.WriteFile(file, b, 0o600))
	l = open(store)
	require.Contains(t, said.String(), "lessons.bin")
	require.Equal(t, 7, l.memory.Len())
	require.Equal(t, "a-d-6", article(l, 6))
}
