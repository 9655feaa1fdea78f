package triage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"prediag"
)

// Decider decides a ticket anew: another model, another policy, or both. d is the diagnosis that was given, with its Facts.
type Decider interface {
	Decide(ctx context.Context, d prediag.Diagnosis) (prediag.Decision, error)
}

// ShadowRecorder keeps what the candidate would have decided.
type ShadowRecorder interface {
	RecordShadows(ctx context.Context, ds []prediag.Decision) error
}

// ShadowOptions settle how a shadow runs. Zero values are completed by withDefaults.
type ShadowOptions struct {
	Sample   float64       // share of the tickets that the candidate gets, 0 to 1; 0 means all
	Queue    int           // tickets that may wait for it; 0 means 256
	Workers  int           // tickets at a time; 0 means 1
	Timeout  time.Duration // for one ticket; 0 means 10 s
	Flush    time.Duration // from a decision to its being on disk, at most; 0 means 500 ms
	Quiet    func() bool   // whether there is room for background work; nil: always
	Patience time.Duration // the longest wait for Quiet, so that a busy service still gets something; 0 means 1 s
	Logger   *slog.Logger
}

func (o ShadowOptions) withDefaults() ShadowOptions {
	if o.Sample <= 0 {
		o.Sample = 1
	}
	if o.Queue <= 0 {
		o.Queue = 256
	}
	if o.Workers <= 0 {
		o.Workers = 1
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Flush <= 0 {
		o.Flush = 500 * time.Millisecond
	}
	if o.Quiet == nil {
		o.Quiet = func() bool { return true }
	}
	if o.Patience <= 0 {
		o.Patience = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Shadow lets a candidate decide the tickets that a pipeline has decided, in the background and without any effect: no
// answer waits for it, no case comes of it, and what it cannot keep up with is dropped and counted. It works while the
// pipeline is quiet, and on a busy one at most on one ticket per worker in each ShadowOptions.Patience. Decisions are written
// several at a time, so that they take the disk from the answers at most once in each ShadowOptions.Flush; those of the
// last moment before a crash are lost.
type Shadow struct {
	candidate Decider
	store     ShadowRecorder
	opt       ShadowOptions
	waiting   chan prediag.Diagnosis
	decided   chan prediag.Decision

	mu    sync.Mutex
	count ShadowCounts
}

// ShadowCounts are what a shadow did since its start.
type ShadowCounts struct {
	Decided map[ShadowMove]int
	Dropped int // not given to the candidate, because it was behind
	Failed  int // the candidate failed, panicked or took too long, or its decision could not be kept
}

// ShadowMove is how a ticket was decided, and how the candidate would have.
type ShadowMove struct{ From, To prediag.Outcome }

// NewShadow prepares a shadow. Nothing happens before Run.
func NewShadow(candidate Decider, store ShadowRecorder, opt ShadowOptions) *Shadow {
	opt = opt.withDefaults()
	return &Shadow{
		candidate: candidate, store: store, opt: opt, waiting: make(chan prediag.Diagnosis, opt.Queue),
		decided: make(chan prediag.Decision, opt.Queue), count: ShadowCounts{Decided: map[ShadowMove]int{}},
	}
}

// Offer hands a diagnosis over if it is in the sample and there is room. It never waits. Which tickets are in the sample
// follows from the tickets alone, and is independent of the audit sample.
func (s *Shadow) Offer(d prediag.Diagnosis) {
	if len(d.Facts) == 0 || s.opt.Sample < 1 && draw(prediag.Ticket{ID: "shadow\x00" + d.Ticket.ID, Title: d.Ticket.Title, Body: d.Ticket.Body}) >= s.opt.Sample {
		return
	}
	select {
	case s.waiting <- d:
	default:
		s.add(func(c *ShadowCounts) { c.Dropped++ })
	}
}

// Counts returns the counts so far.
func (s *Shadow) Counts() ShadowCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.count
	c.Decided = make(map[ShadowMove]int, len(s.count.Decided))
	for k, n := range s.count.Decided {
		c.Decided[k] = n
	}
	return c
}

func (s *Shadow) add(change func(*ShadowCounts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.count)
}

// stopGrace is how long Run waits at the end for a candidate that does not heed its context.
const stopGrace = time.Second

// Run works until ctx ends, then writes what was decided. It returns nil. A candidate that does not heed its context may
// still be at work afterwards: what it gives is thrown away.
func (s *Shadow) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range s.opt.Workers {
		workers.Go(func() { s.work(ctx) })
	}
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	s.write(ctx)
	select {
	case <-ended:
	case <-time.After(stopGrace):
		s.opt.Logger.Warn("the shadow candidate is still at work: the service stops without it")
	}
	return nil
}

func (s *Shadow) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.waiting:
			s.await(ctx)
			s.one(ctx, d)
		}
	}
}

const quietPoll = 2 * time.Millisecond // between two looks at Quiet

// await waits until there is room for background work, or its patience ends.
func (s *Shadow) await(ctx context.Context) {
	for end := time.Now().Add(s.opt.Patience); !s.opt.Quiet() && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(quietPoll):
		}
	}
}

// one lets the candidate decide one ticket.
func (s *Shadow) one(ctx context.Context, d prediag.Diagnosis) {
	limited, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	decision, err := s.decide(limited, d)
	switch {
	case ctx.Err() != nil: // the service stops: neither the candidate's fault nor a decision
		return
	case err != nil:
		s.opt.Logger.Warn("the shadow candidate failed", "diagnosis", d.ID, "error", err)
		s.add(func(c *ShadowCounts) { c.Failed++ })
		return
	}
	s.add(func(c *ShadowCounts) { c.Decided[ShadowMove{d.Outcome, decision.Outcome}]++ })
	decision.DiagnosisID = d.ID
	select {
	case s.decided <- decision:
	case <-ctx.Done():
	}
}

// decide turns a panic of the candidate into an error.
func (s *Shadow) decide(ctx context.Context, d prediag.Diagnosis) (decision prediag.Decision, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.candidate.Decide(ctx, d)
}

const shadowBatch = 64 // decisions that one write holds at most

// write collects decisions and stores them, at the latest after Flush.
func (s *Shadow) write(ctx context.Context) {
	tick := time.NewTicker(s.opt.Flush)
	defer tick.Stop()
	var batch []prediag.Decision
	for {
		select {
		case d := <-s.decided:
			if batch = append(batch, d); len(batch) < shadowBatch {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			for len(s.decided) > 0 {
				batch = append(batch, <-s.decided)
			}
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
			defer cancel()
			s.keep(last, batch)
			return
		}
		s.keep(ctx, batch)
		batch = batch[:0]
	}
}

func (s *Shadow) keep(ctx context.Context, batch []prediag.Decision) {
	if len(batch) == 0 {
		return
	}
	if err := s.store.RecordShadows(ctx, batch); err != nil && !errors.Is(err, context.Canceled) {
		s.opt.Logger.Error("the shadow's decisions could not be kept", "decisions", len(batch), "error", err)
		s.add(func(c *ShadowCounts) { c.Failed += len(batch) })
	}
}

// Candidate decides with another policy, and where Line is given with another model, search or drafter too.
type Candidate struct {
	Policy Policy
	Line   *Pipeline // under Policy; nil: the facts of the diagnosis decide
}

// Decide implements Decider. The ticket's text is clean already: whether anything was removed from it is taken from the facts
// where the diagnosis has them, and so is how the service stood: how old the index was, and whether the category was paused.
func (c Candidate) Decide(ctx context.Context, d prediag.Diagnosis) (prediag.Decision, error) {
	before, factsErr := ParseBasis(d.Facts)
	if c.Line == nil {
		if factsErr != nil {
			return prediag.Decision{}, factsErr
		}
		return decided(before, d.Versions, c.Policy, d.Facts), nil
	}
	now, err := c.Line.Diagnose(ctx, d.Ticket)
	if err != nil {
		return prediag.Decision{}, err
	}
	after, err := ParseBasis(now.Facts)
	if err != nil {
		return prediag.Decision{}, err
	}
	after.Facts.Draw = draw(d.Ticket)
	if factsErr == nil {
		after.Facts.Redacted, after.Facts.Draw, after.IndexAge = before.Facts.Redacted, before.Facts.Draw, before.IndexAge
		if sameCategory(after.Facts.Verdict, before.Facts.Verdict) {
			after.Facts.Paused = before.Facts.Paused
		}
	}
	raw, err := after.encode()
	if err != nil {
		return prediag.Decision{}, err
	}
	return decided(after, now.Versions, c.Policy, raw), nil
}

func sameCategory(a, b prediag.Verdict) bool {
	x, _ := a.Field(prediag.FieldCategory)
	y, _ := b.Field(prediag.FieldCategory)
	return x.Label == y.Label
}

// decided is the decision that a policy makes on a basis.
func decided(b Basis, v prediag.Versions, p Policy, raw []byte) prediag.Decision {
	v.Policy = p.Version()
	d := prediag.Decision{Versions: v, Facts: raw}
	d.Solved, d.Outcome, d.Reasons = b.Decide(p)
	return d
}
