package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/blob"
	"prediag/kb"
	"prediag/review"
	"prediag/server"
)

// builderLease is the name of the lease of who builds generations.
const builderLease = "builder"

// replicaFlags are the settings of a service that is one of several.
type replicaFlags struct {
	state, store string
	fetchEvery   time.Duration
	lease        time.Duration
}

func (f *replicaFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.state, "state", "", "state of record: a file, or postgres://USER@HOST/DATABASE for several machines, with the password in PGPASSWORD or PGPASSFILE; remembered (default: $"+recordVariable+", the one remembered, or the data folder's)")
	c.Flags().StringVar(&f.store, "store", "", "where several services share the index: a folder, or s3://BUCKET/PREFIX?endpoint=https://HOST, with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; needs --state")
	c.Flags().DurationVar(&f.fetchEvery, "fetch-every", 15*time.Second, "time from one look into the store to the next")
	c.Flags().DurationVar(&f.lease, "lease", 30*time.Second, "time after which another service builds the index when the one that does is gone")
}

func (f *replicaFlags) check() error {
	if f.fetchEvery < 100*time.Millisecond || f.lease < time.Second {
		return usageError{errors.New("--fetch-every takes 100ms or more and --lease 1s or more, e.g. 15s and 30s")}
	}
	return nil
}

// replica keeps a service abreast of the others that serve the same index: one of them, which holds the lease, refreshes and
// publishes it, the others fetch it.
type replica struct {
	share  *kb.Share
	kb     *kb.KB
	store  *review.Store
	me     string // names this process among the holders of the lease
	every  time.Duration
	ttl    time.Duration
	logger *slog.Logger
	fresh  func() time.Time // when this process last refreshed the index; zero: never
	wake   chan struct{}    // asks follow to look at once

	mu     sync.Mutex
	lease  review.Lease // as last seen, whoever holds it
	term   *buildTerm   // nil: this process does not build
	synced time.Time    // when the store last answered
	fault  string       // why this process is not as the store has it
	far    time.Time    // when a builder last refreshed the index, as the store says
}

// buildTerm is a time in which this process builds.
type buildTerm struct {
	ctx    context.Context // ends with the lease
	lease  review.Lease
	caught chan struct{} // closed once what serves here is what the store points to
}

func (t *buildTerm) caughtUp() bool {
	select {
	case <-t.caught:
		return true
	default:
		return false
	}
}

// depot opens the store; nil when there is none. own tells that the state of record is the data folder's own.
func (f *replicaFlags) depot(own bool) (blob.Store, error) {
	switch {
	case f.store == "":
		return nil, nil
	case own:
		return nil, usageError{errors.New("--store needs a state of record that the services share, for it says who builds: add --state postgres://USER@HOST/DATABASE, or --state FILE on one machine")}
	}
	return blob.Open(f.store, 0)
}

// newReplica returns the replica of a service; nil when it has no depot and so is alone.
func newReplica(f replicaFlags, depot blob.Store, p *parts, logger *slog.Logger) (*replica, error) {
	if depot == nil {
		return nil, nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &replica{
		share: kb.NewShare(p.kb, depot, kb.ShareOptions{}), kb: p.kb, store: p.store, every: f.fetchEvery, ttl: f.lease, logger: logger,
		me: fmt.Sprintf("%.200s process %d (%s)", host, os.Getpid(), rand.Text()[:8]), wake: make(chan struct{}, 1),
		fresh: func() time.Time { return time.Time{} },
	}, nil
}

// mayStartOnDemo reports whether a service without sources may begin with the demo: not where others have articles already,
// or may have.
func (r *replica) mayStartOnDemo(ctx context.Context) bool {
	if r == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	empty, err := r.share.Empty(ctx)
	if err != nil {
		r.logger.Warn("the store does not answer at the start", "error", err)
	}
	return empty && err == nil
}

// join makes a service one of several; nil leaves it alone.
func (s *service) join(r *replica) {
	if s.replica = r; r == nil {
		return
	}
	r.fresh = s.refreshedHere
}

// run takes part until ctx ends: it asks for the lease, builds with build while it has it, and fetches or publishes.
func (r *replica) run(ctx context.Context, build func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var following sync.WaitGroup
	following.Go(func() { r.follow(ctx) })
	defer following.Wait()
	defer cancel()
	for ctx.Err() == nil {
		if r.near() {
			if asked, held := r.acquire(ctx); held {
				if err := r.serve(ctx, asked, build); err != nil {
					return err
				}
			}
		}
		pause(ctx, spread(r.ttl/3))
	}
	return nil
}

// near reports whether the store answered lately: who does not reach it must not keep others from building.
func (r *replica) near() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.synced.IsZero() && time.Since(r.synced) < 3*max(r.every, r.ttl)
}

// acquire asks for the lease, or for more of it. It returns when it asked, and whether this process holds the lease. Who
// counts from before the question never believes in the lease for longer than the database does.
func (r *replica) acquire(ctx context.Context) (asked time.Time, held bool) {
	asked = time.Now()
	l, err := r.store.Acquire(ctx, builderLease, r.me, r.ttl)
	if err != nil {
		if ctx.Err() == nil {
			r.logger.Warn("the builder's lease cannot be asked for", "error", err)
		}
		return asked, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.Holder != r.lease.Holder || l.Epoch != r.lease.Epoch {
		r.logger.Info("the index has a builder", "holder", l.Holder, "epoch", l.Epoch, "here", l.Holder == r.me)
	}
	r.lease = l
	return asked, l.Holder == r.me
}

// serve builds until the lease, which was asked for at a time, is over or ctx ends.
func (r *replica) serve(ctx context.Context, asked time.Time, build func(context.Context) error) error {
	inTerm, cancel := context.WithCancel(ctx)
	over := time.AfterFunc(time.Until(asked.Add(r.ttl)), cancel)
	t := &buildTerm{ctx: inTerm, caught: make(chan struct{})}
	r.mu.Lock()
	t.lease, r.term = r.lease, t
	r.mu.Unlock()
	r.look()
	built := make(chan error, 1)
	go func() {
		defer cancel()
		select {
		case <-t.caught:
			built <- build(inTerm)
		case <-inTerm.Done():
			built <- nil
		}
	}()
	r.renew(inTerm, t, over)
	cancel()
	over.Stop()
	err := <-built
	r.mu.Lock()
	r.term = nil
	r.mu.Unlock()
	giving, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if err := r.store.GiveUp(giving, t.lease); err != nil {
		r.logger.Warn("the builder's lease ends by itself", "error", err)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// renew prolongs a term until that fails: by then the timer has ended it or is about to.
func (r *replica) renew(ctx context.Context, t *buildTerm, over *time.Timer) {
	for pause(ctx, r.ttl/3) && r.near() {
		asked, held := r.acquire(ctx)
		r.mu.Lock()
		now := r.lease
		r.mu.Unlock()
		switch {
		case now.Holder != t.lease.Holder || now.Epoch != t.lease.Epoch:
			return
		case held && ctx.Err() == nil:
			over.Reset(time.Until(asked.Add(r.ttl)))
		}
	}
}

// look asks follow to look into the store now.
func (r *replica) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// follow fetches what the builder published, or publishes what this process built, again and again.
func (r *replica) follow(ctx context.Context) {
	for ctx.Err() == nil {
		r.mu.Lock()
		t := r.term
		r.mu.Unlock()
		var err error
		if t != nil && t.ctx.Err() == nil && t.caughtUp() && r.kb.Status().Degraded == "" {
			err = r.publish(t)
		} else {
			err = r.fetch(ctx, t)
		}
		r.note(ctx, err)
		wait := time.NewTimer(spread(r.every))
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-wait.C:
		}
		wait.Stop()
	}
}

// publish brings what serves here into the store, and sweeps it.
func (r *replica) publish(t *buildTerm) error {
	if r.kb.Generation().Number == 0 {
		_, err := r.share.Empty(t.ctx) // there is nothing yet: only whether the store answers
		return err
	}
	out, err := r.share.Publish(t.ctx, kb.Term{Authority: t.lease.Authority, Epoch: t.lease.Epoch, Holder: r.me, Refreshed: r.fresh(), Valid: r.valid(t)})
	if err != nil || !out.Changed {
		return err
	}
	r.logger.Info("a generation was published", "generation", out.Generation, "epoch", out.Epoch, "files", out.Files, "bytes", out.Bytes)
	swept, err := r.share.Sweep(t.ctx)
	if swept.Blobs > 0 {
		r.logger.Info("the store was swept", "pointers", swept.Heads, "files", swept.Blobs, "bytes", swept.Bytes)
	}
	return err
}

// valid asks the state of record whether a term still lasts.
func (r *replica) valid(t *buildTerm) func(context.Context) error {
	return func(ctx context.Context) error {
		l, err := r.store.Acquire(ctx, builderLease, r.me, r.ttl)
		if err == nil && (l.Holder != t.lease.Holder || l.Epoch != t.lease.Epoch) {
			err = fmt.Errorf("the lease is over, %s holds it: %w", l.Holder, prediag.ErrStale)
		}
		return err
	}
}

// fetch brings what serves here to what the store points to.
func (r *replica) fetch(ctx context.Context, t *buildTerm) error {
	out, err := r.share.Fetch(ctx)
	if err != nil {
		return err
	}
	if out.Changed {
		r.logger.Info("a generation was fetched", "generation", out.Generation, "epoch", out.Epoch, "files", out.Files, "bytes", out.Bytes)
	}
	r.mu.Lock()
	r.far = out.Refreshed
	r.mu.Unlock()
	if t != nil && !t.caughtUp() {
		close(t.caught)
	}
	return nil
}

// note keeps whether the store answers, and logs when that changes.
func (r *replica) note(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || isBuildRunning(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.fault
	if r.fault = ""; err != nil {
		r.fault = err.Error()
	} else {
		r.synced = time.Now()
	}
	switch {
	case r.fault != "" && before == "":
		r.logger.Warn("this service is cut off from the others' index; what is here serves on", "error", err)
	case r.fault == "" && before != "":
		r.logger.Warn("this service has the others' index again")
	}
}

// isBuildRunning tells a fetch that only came at the wrong moment.
func isBuildRunning(err error) bool {
	var e *prediag.Error
	return errors.As(err, &e) && e.Reason == "BUILD_RUNNING"
}

// refreshed is when a builder last refreshed the index; zero when that is not known.
func (r *replica) refreshed() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.far
}

// builds reports whether this process builds now.
func (r *replica) builds() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.term != nil && r.term.ctx.Err() == nil
}

func (r *replica) status() *server.Replica {
	builder := r.builds()
	r.mu.Lock()
	defer r.mu.Unlock()
	return &server.Replica{Builder: builder, Epoch: r.lease.Epoch, Synced: r.synced, Fault: r.fault}
}

// notBuilder is the error of a refresh that was asked of the wrong process.
func (r *replica) notBuilder() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := "nobody builds it now"
	if r.lease.Holder != "" && r.lease.Holder != r.me {
		who = r.lease.Holder + " does"
	}
	return &prediag.Error{Kind: prediag.ErrConflict, Reason: "NOT_THE_BUILDER", Message: "this service does not build the index, " + who + ": ask there"}
}

// spread is a waiting time with a fifth more or less, so that replicas do not come all at once.
func spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*mathrand.Float64()))
}

// pause waits and reports whether ctx lasts.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
