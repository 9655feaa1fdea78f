package review

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// Of many cases those of the audit sample come once each, when they are resolved and were opened late enough.
func TestAudited(t *testing.T) {
	clock := newClock()
	s := openStore(t, Options{Now: clock.now})
	since := clock.now()
	for n := range 2*auditPage + 9 {
		if n == 5 {
			clock.advance(time.Hour)
			since = clock.now()
		}
		d := withCase(n, "network", "L1", n%7)
		d.Handoff.Priority = auditPriority
		if n%10 == 9 {
			d.Handoff.Priority = 3
		}
		record(t, s, d)
		if n%10 != 8 {
			_, err := s.Resolve(t.Context(), key(fmt.Sprint("r", n)), d.Handoff.CaseID, prediag.Resolution{Reviewer: "ann", Action: prediag.ActionAccepted})
			require.NoError(t, err)
		}
	}
	seen := map[string]bool{}
	require.NoError(t, s.Audited(t.Context(), since, func(c prediag.Case) error {
		require.False(t, seen[c.ID], "twice")
		require.NotNil(t, c.Resolution)
		require.Equal(t, auditPriority, c.Priority)
		seen[c.ID] = true
		return nil
	}))
	want := 0
	for n := 5; n < 2*auditPage+9; n++ {
		if n%10 < 8 {
			want++
		}
	}
	require.Len(t, seen, want)
	stop := errors.New("stop")
	require.ErrorIs(t, s.Audited(t.Context(), since, func(prediag.Case) error { return stop }), stop)
}
