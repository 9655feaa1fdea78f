package triage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// kept is a ShadowRecorder in memory.
type kept struct {
	mu     sync.Mutex
	list   []prediag.Decision
	writes int
	fail   error
}

func (k *kept) RecordShadows(_ context.Context, ds []prediag.Decision) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes++
	if k.fail == nil {
		k.list = append(k.list, ds...)
	}
	return k.fail
}

func (k *kept) byID() map[string]prediag.Decision {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]prediag.Decision{}
	for _, d := range k.list {
		out[d.DiagnosisID] = d
	}
	return out
}

type deciderFunc func(ctx context.Context, d prediag.Diagnosis) (prediag.Decision, error)

func (f deciderFunc) Decide(ctx context.Context, d prediag.Diagnosis) (prediag.Decision, error) {
	return f(ctx, d)
}

// running starts the shadow and ends it with the test.
func runningShadow(t *testing.T, candidate Decider, store ShadowRecorder, opt ShadowOptions) (*Shadow, func()) {
	t.Helper()
	s := NewShadow(candidate, store, opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) })
	t.Cleanup(stop)
	return s, stop
}

// answered is a pipeline that answers, and whose diagnoses go to the shadow.
func answered(t *testing.T, s *Shadow) *Pipeline {
	t.Helper()
	parts, _ := testParts()
	opt := testOptions()
	opt.Recorded = s.Offer
	return New(parts, testPolicy(t), opt)
}

func tickets(n int) []prediag.Ticket {
	out := make([]prediag.Ticket, n)
	for i := range out {
		out[i] = prediag.Ticket{ID: fmt.Sprint(i), Body: fmt.Sprintf("our domain number %d does not resolve, ADN.0404", i)}
	}
	return out
}

func TestShadowDecidesUnderAnotherPolicy(t *testing.T) {
	strict := testPolicy(t)
	strict.Solved.Act = 1
	store := &kept{}
	s, stop := runningShadow(t, Candidate{Policy: strict}, store, ShadowOptions{Flush: time.Millisecond})
	p := answered(t, s)
	key := prediag.RequestKey{Method: "Triage", ID: "r"}
	d, err := p.Triage(t.Context(), key, tickets(1)[0])
	require.NoError(t, err)
	_, err = p.Triage(t.Context(), key, tickets(1)[0])
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(store.byID()) == 1 }, 30*time.Second, time.Millisecond)
	stop()
	require.Equal(t, prediag.OutcomeAnswer, d.Outcome)
	got := store.byID()[d.ID]
	require.Equal(t, prediag.OutcomeSuggest, got.Outcome)
	require.Equal(t, prediag.ReasonLowConfidence, got.Reasons[0].Code)
	require.Equal(t, strict.Version(), got.Versions.Policy)
	require.Equal(t, "m1", got.Versions.Model)
	require.Equal(t, map[ShadowMove]int{{prediag.OutcomeAnswer, prediag.OutcomeSuggest}: 1}, s.Counts().Decided, "a retry is no decision")
}

func TestCandidateLineTakesWhatTheTicketNoLongerShows(t *testing.T) {
	parts, _ := testParts()
	old := testOptions()
	live := New(parts, testPolicy(t), old)
	d, err := live.Diagnose(t.Context(), prediag.Ticket{Body: "our domain does not resolve, ADN.0404, my phone is 13800138000"})
	require.NoError(t, err)
	parts.Classifier = prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
		v := sure().Verdict
		v.Fields[0].Probability, v.Model = 0.5, "m2"
		return v, nil
	})
	parts.Refreshed = func() time.Time { return testNow.Add(-100 * time.Hour) }
	policy := testPolicy(t)
	got, err := Candidate{Policy: policy, Line: New(parts, policy, old)}.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, prediag.OutcomeSuggest, got.Outcome)
	require.Equal(t, []prediag.ReasonCode{prediag.ReasonPersonalData, prediag.ReasonLowConfidence}, []prediag.ReasonCode{got.Reasons[0].Code, got.Reasons[1].Code})
	require.Len(t, got.Reasons, 2, "the age of the index is that of the first decision")
	require.Equal(t, "m2", got.Versions.Model)
	_, err = Candidate{Policy: policy}.Decide(t.Context(), prediag.Diagnosis{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

// A candidate that panics, fails, or blocks for ever costs the caller nothing; what it did not get is counted.
func TestShadowNeverHurtsTheAnswer(t *testing.T) {
	release := make(chan struct{})
	for name, candidate := range map[string]deciderFunc{
		"panics": func(context.Context, prediag.Diagnosis) (prediag.Decision, error) { panic("boom") },
		"fails": func(context.Context, prediag.Diagnosis) (prediag.Decision, error) {
			return prediag.Decision{}, errors.New("no")
		},
		"waits for its time to end": func(ctx context.Context, _ prediag.Diagnosis) (prediag.Decision, error) {
			<-ctx.Done()
			return prediag.Decision{}, ctx.Err()
		},
		"blocks for ever": func(context.Context, prediag.Diagnosis) (prediag.Decision, error) {
			<-release
			return prediag.Decision{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := &kept{}
			s, stop := runningShadow(t, candidate, store, ShadowOptions{Queue: 4, Timeout: 5 * time.Millisecond, Workers: 2})
			p := answered(t, s)
			const n = 200
			ds, errs := p.Batch(t.Context(), make([]prediag.RequestKey, n), tickets(n))
			for i := range ds {
				require.NoError(t, errs[i])
				require.Equal(t, prediag.OutcomeAnswer, ds[i].Outcome)
			}
			if name != "blocks for ever" {
				require.Eventually(t, func() bool { c := s.Counts(); return c.Failed+c.Dropped == n }, 30*time.Second, time.Millisecond)
			} else {
				require.Eventually(t, func() bool { return len(s.waiting) == cap(s.waiting) }, 30*time.Second, time.Millisecond)
				require.GreaterOrEqual(t, s.Counts().Dropped, n-4-2)
			}
			start := time.Now()
			stop()
			require.Less(t, time.Since(start), stopGrace+5*time.Second, "it does not hold up the stop")
			require.Empty(t, store.byID())
		})
	}
	close(release)
}

func TestShadowSamplesByTicket(t *testing.T) {
	count := func() map[string]prediag.Decision {
		store := &kept{}
		s, stop := runningShadow(t, Candidate{Policy: testPolicy(t)}, store, ShadowOptions{Sample: 0.3, Queue: 1000})
		p := answered(t, s)
		ds, _ := p.Batch(t.Context(), make([]prediag.RequestKey, 400), tickets(400))
		require.Eventually(t, func() bool { return len(s.waiting) == 0 }, 30*time.Second, time.Millisecond)
		time.Sleep(time.Second) // the last one is at work
		stop()
		out := map[string]prediag.Decision{}
		byID := store.byID()
		for _, d := range ds {
			if k, ok := byID[d.ID]; ok {
				k.DiagnosisID = ""
				out[d.Ticket.ID] = k
			}
		}
		require.LessOrEqual(t, store.writes, 10, "several at a time")
		return out
	}
	one, two := count(), count()
	require.Equal(t, one, two, "the same tickets, and the same decisions")
	require.InDelta(t, 120, len(one), 40)
}

func TestShadowCountsWhatCannotBeKept(t *testing.T) {
	store := &kept{fail: errors.New("disk full")}
	s, stop := runningShadow(t, Candidate{Policy: testPolicy(t)}, store, ShadowOptions{Flush: time.Millisecond})
	p := answered(t, s)
	_, err := p.Triage(t.Context(), prediag.RequestKey{}, tickets(1)[0])
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Counts().Failed == 1 }, 30*time.Second, time.Millisecond)
	stop()
	s.Offer(prediag.Diagnosis{ID: "without facts"})
	require.Zero(t, s.Counts().Dropped)
}

// A busy service keeps its time to itself: the candidate waits, and gets a ticket at most when its patience ends.
func TestShadowWaitsForQuiet(t *testing.T) {
	store := &kept{}
	var quiet atomic.Bool
	s, stop := runningShadow(t, Candidate{Policy: testPolicy(t)}, store, ShadowOptions{
		Flush: time.Millisecond, Patience: 50 * time.Millisecond, Quiet: quiet.Load,
	})
	p := answered(t, s)
	start := time.Now()
	_, errs := p.Batch(t.Context(), make([]prediag.RequestKey, 40), tickets(40))
	require.NoError(t, errs[0])
	require.Eventually(t, func() bool { return len(store.byID()) >= 2 }, 30*time.Second, time.Millisecond)
	require.GreaterOrEqual(t, time.Since(start), 100*time.Millisecond, "two patiences for two tickets")
	quiet.Store(true)
	require.Eventually(t, func() bool { return len(store.byID()) == 40 }, 30*time.Second, time.Millisecond)
	stop()
}

func TestPipelineKnowsWhenItIsQuiet(t *testing.T) {
	parts, _ := testParts()
	inner, at := parts.Classifier, make(chan bool)
	parts.Classifier = prediag.ClassifierFunc(func(ctx context.Context, tk prediag.Ticket) (prediag.Verdict, error) {
		at <- true
		<-at
		return inner.Classify(ctx, tk)
	})
	p := New(parts, testPolicy(t), testOptions())
	require.True(t, p.Quiet(), "nothing was asked yet")
	done := make(chan error)
	go func() {
		_, err := p.Triage(t.Context(), prediag.RequestKey{}, tickets(1)[0])
		done <- err
	}()
	<-at
	require.False(t, p.Quiet())
	at <- true
	require.NoError(t, <-done)
	require.Eventually(t, p.Quiet, 30*time.Second, time.Millisecond)
}
