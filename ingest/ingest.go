package ingest

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"prediag"
)

// Index is the knowledge base's index as ingest needs it.
type Index interface {
	// Known returns the articles that the index holds of a source: article ID → the fingerprint that came with it.
	Known(ctx context.Context, source string) (map[string]string, error)
	// Apply makes the changes one new generation and returns it. The changes are produced while Apply reads them. When
	// the sequence yields an error, or Apply itself fails, nothing of them becomes visible and the error is returned,
	// wrapped.
	Apply(ctx context.Context, changes iter.Seq2[prediag.Change, error]) (prediag.Generation, error)
	// Generation returns the serving generation; its number is 0 when there is none.
	Generation() prediag.Generation
}

// Options are the settings of an Ingester. Zero values mean the defaults.
type Options struct {
	Now      func() time.Time    // the clock, for time stamps only; default time.Now
	Logger   *slog.Logger        // default: none
	Progress func(Progress)      // told now and then how far a refresh is; must return soon
	Finished func(Report, error) // told how every refresh ended; must return soon

	Ledger Ledger // default: none, every refresh reads everything

	MaxItemBytes int64         // of an article's raw text; default 5 MiB
	ParseTimeout time.Duration // of computing for one article; default 2 s
	MaxVanished  float64       // share of a source's articles that may vanish at once, 0 to 1; default 0.20; negative: none may
	Workers      int           // articles parsed at a time; default 2
	Force        bool          // let any share vanish

	// Yield is called about once in a millisecond of reading and may wait shortly, so that others go first. Default: nobody does.
	Yield func()

	// Worker is the command that runs Work on its standard streams: parsers then run in processes of their own, which can
	// be killed and have a limit on memory. Default: none, they run in this process, where one that does not end in time
	// is given up but goes on.
	Worker []string
	// RetryQuarantined parses what was left out before although it did not change.
	RetryQuarantined bool

	LastRefresh time.Time // when the last refresh before this process succeeded; zero: Run begins with one
}

// setDefaults completes the zero values.
func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Yield == nil {
		o.Yield = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxItemBytes <= 0 {
		o.MaxItemBytes = 5 << 20
	}
	if o.ParseTimeout <= 0 {
		o.ParseTimeout = 2 * time.Second
	}
	if o.MaxVanished == 0 {
		o.MaxVanished = 0.20
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
}

// Stages of a refresh.
const (
	StageReading    = "reading"    // sources are walked, and what changed is parsed and indexed
	StagePublishing = "publishing" // the index makes the new generation durable and current
)

// Progress says how far a refresh is.
type Progress struct {
	Stage string `json:"stage"`
	Done  int    `json:"done"`  // files and records looked at
	Total int    `json:"total"` // as many as last time; 0: unknown
}

// Ingester brings an index up to date from sources.
type Ingester struct {
	index Index
	opt   Options
	guard *guard     // nil where Options.Worker is set
	busy  sync.Mutex // held while a refresh runs

	mu      sync.Mutex // guards what follows
	ops     []*Operation
	started int           // operations so far
	wake    chan struct{} // tells Run that an operation waits
	running bool          // Run runs
	next    time.Time     // when Run's next refresh is due
	epoch   string        // tells this process's operations from those of others
}

// New returns an Ingester that writes to index.
func New(index Index, opt Options) *Ingester {
	opt.setDefaults()
	in := &Ingester{index: index, opt: opt, wake: make(chan struct{}, 1), epoch: opt.Now().UTC().Format("20060102T150405.000")}
	if len(opt.Worker) == 0 {
		in.guard = newGuard(opt.Workers, opt.ParseTimeout)
	}
	return in
}

// Refresh brings the index up to date with all of the sources and says what it did. When nothing changed the index is
// not touched.
//
// Errors: of kind ErrConflict while another refresh runs, and when more articles of a source vanished than
// Options.MaxVanished allows; of kind ErrInvalid for sources without a name or with the same one; wrapping ErrUnavailable
// when no source could be read; else what a source or the index returned. After an error the index is as before. The
// report is filled as far as the refresh came; a source that could not be read while others could has an Error in it.
func (in *Ingester) Refresh(ctx context.Context, sources []Source) (Report, error) {
	return in.refresh(ctx, &refresh{force: in.opt.Force, progress: in.opt.Progress}, sources)
}

// refresh runs r, in which the caller has said how.
func (in *Ingester) refresh(ctx context.Context, r *refresh, sources []Source) (Report, error) {
	if !in.busy.TryLock() {
		return Report{}, &prediag.Error{Kind: prediag.ErrConflict, Reason: "REFRESH_RUNNING", Message: "a refresh is already running; wait for it to end"}
	}
	defer in.busy.Unlock()
	began := time.Now() // monotonic: a clock that is set meanwhile does not matter
	r.index, r.opt, r.parser = in.index, &in.opt, in.guard
	if in.guard == nil {
		p, err := newPool(in.opt.Worker, in.opt.Workers, in.opt.ParseTimeout)
		if err != nil {
			return Report{Started: in.opt.Now(), Generation: in.index.Generation().Number}, fmt.Errorf("refresh: %w", err)
		}
		defer p.close()
		r.parser = p
	}
	r.report.Started = in.opt.Now()
	err := r.run(ctx, sources)
	r.report.Took = time.Since(began)
	if err != nil {
		err = fmt.Errorf("refresh: %w", err)
	}
	r.states, r.seen = nil, nil // so that who is told may give the memory back
	if in.opt.Finished != nil {
		in.opt.Finished(r.report, err)
	}
	return r.report, err
}
