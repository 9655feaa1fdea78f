package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"prediag"
)

const (
	// DefaultInterval is the time from one refresh to the next.
	DefaultInterval = 6 * time.Hour

	firstRetry = time.Minute // after a failed refresh; doubled with every further failure
	maxRetry   = time.Hour   // or the interval, if that is shorter
	jitter     = 0.05        // share of a waiting time that may be added at random, so that replicas spread
)

// Run refreshes the index from what sources returns, at once and then every so often (0: DefaultInterval), until ctx
// ends; it then returns ctx's error. There is never more than one refresh at a time: one that takes longer than the
// interval puts the next one off. After a failure it tries again, sooner at first. Waiting times are measured by the
// monotonic clock, so that a clock that is set forwards or back causes neither a storm nor a silence.
//
// What the loop begins by itself reads only the sources that are due by a schedule of their own, where they have one and
// there is a ledger; what somebody asked for reads all.
//
// When Options.LastRefresh says that the last refresh is younger than the interval, the first one waits for the rest of
// it. A second Run at the same time returns an error of kind ErrConflict.
func (in *Ingester) Run(ctx context.Context, sources func() []Source, every time.Duration) error {
	if every <= 0 {
		every = DefaultInterval
	}
	if err := in.begin(); err != nil {
		return err
	}
	defer in.finish()
	wait := in.firstWait(every)
	for failures := 0; ; {
		if err := in.wait(ctx, wait); err != nil {
			return err
		}
		complete, err := in.perform(ctx, sources)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failures++
			wait = spread(retryAfter(failures, every))
			in.opt.Logger.ErrorContext(ctx, "refresh failed", "err", err, "failures", failures, "retry_in", wait)
		case !complete:
			failures++
			wait = spread(retryAfter(failures, every))
			in.opt.Logger.WarnContext(ctx, "refresh left sources out", "failures", failures, "retry_in", wait)
		default:
			failures, wait = 0, spread(every)
		}
	}
}

// begin marks the loop as running.
func (in *Ingester) begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.running {
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "REFRESH_LOOP_RUNNING", Message: "the refresh loop is already running"}
	}
	in.running = true
	return nil
}

// finish marks the loop as ended, and with it an operation that was asked for and not begun.
func (in *Ingester) finish() {
	in.mu.Lock()
	in.running, in.next = false, time.Time{}
	var open *Operation
	if n := len(in.ops); n > 0 && in.ops[n-1].State == OperationRunning {
		open = in.ops[n-1]
	}
	in.mu.Unlock()
	if open != nil {
		in.closeOperation(open, Report{}, errors.New("the service stopped before the refresh began"))
	}
}

// firstWait is how long the first refresh may wait. A last refresh in the future means that a clock was set: then it does
// not wait.
func (in *Ingester) firstWait(every time.Duration) time.Duration {
	age := in.opt.Now().Sub(in.opt.LastRefresh)
	if in.opt.LastRefresh.IsZero() || age < 0 || age >= every {
		return 0
	}
	return every - age
}

// retryAfter is the waiting time after so many failures in a row.
func retryAfter(failures int, every time.Duration) time.Duration {
	wait := firstRetry << min(failures-1, 10)
	return min(wait, maxRetry, every)
}

// spread adds up to 5 % to a waiting time.
func spread(d time.Duration) time.Duration {
	return d + time.Duration(rand.Float64()*jitter*float64(d))
}

// wait returns when it is time for the next refresh or somebody asked for one, or with ctx's error.
func (in *Ingester) wait(ctx context.Context, d time.Duration) error {
	in.mu.Lock()
	in.next = in.opt.Now().Add(d)
	in.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-in.wake:
	case <-timer.C:
	}
	return ctx.Err()
}

// perform runs one refresh as an operation. It returns false when a source could not be read.
func (in *Ingester) perform(ctx context.Context, sources func() []Source) (complete bool, err error) {
	in.mu.Lock()
	before := in.started
	op := in.open(in.opt.Force)
	own := in.started > before // nobody asked for it
	in.next = time.Time{}
	force := op.Force || in.opt.Force
	select {
	case <-in.wake: // this run is the one that was asked for
	default:
	}
	in.mu.Unlock()
	var rep Report
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("refresh: panic: %v\n%s", p, debug.Stack())
		}
		in.closeOperation(op, rep, err)
	}()
	r := &refresh{force: force, due: own, progress: func(p Progress) { in.progressed(op, p) }}
	rep, err = in.refresh(ctx, r, sources())
	if err == nil {
		t := rep.Total()
		in.opt.Logger.InfoContext(ctx, "refreshed", "operation", op.ID, "took", rep.Took, "articles", t.Articles, "added", t.Added,
			"changed", t.Changed, "deleted", t.Deleted, "kept", t.Kept, "skipped", t.Skipped, "generation", rep.Generation)
	}
	return !rep.Unavailable(), err
}

// Start asks the loop for a refresh now and returns it as an operation to follow, without waiting for it; force lets any
// share of the articles vanish. While a refresh runs, that one is returned, as it was begun. Start returns an error of
// kind ErrNotReady when the loop does not run.
func (in *Ingester) Start(ctx context.Context, force bool) (Operation, error) {
	if err := ctx.Err(); err != nil {
		return Operation{}, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.running {
		return Operation{}, &prediag.Error{Kind: prediag.ErrNotReady, Reason: "REFRESH_LOOP_STOPPED",
			Message: "the refresh loop is not running; start the service with at least one source"}
	}
	before := in.started
	op := in.open(force)
	if in.started > before {
		select {
		case in.wake <- struct{}{}:
		default:
		}
	}
	return *op, nil
}

// Trigger asks the loop for a refresh now. It does nothing while one runs or the loop does not.
func (in *Ingester) Trigger() { _, _ = in.Start(context.Background(), false) }
