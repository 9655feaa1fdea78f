package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"prediag"
	"prediag/classifier"
	"prediag/ingest"
	"prediag/kb"
	"prediag/server"
	"prediag/triage"
)

// service is what serve runs: the parts, and the loop that renews the index.
type service struct {
	p         *parts
	logger    *slog.Logger
	refresher *ingest.Ingester
	refreshed atomic.Pointer[time.Time] // the last refresh that succeeded in this process
	watcher   *classifier.Watcher
	audits    *auditWatch
	line      *triage.Pipeline // set by parts, before anything runs
	shadow    *triage.Shadow   // nil: no candidate runs
	replica   *replica         // nil: this service is alone
}

func newService(p *parts, dir dataDir, opt ingest.Options) *service {
	w := &auditWatch{p: p, dir: dir, logger: opt.Logger}
	p.paused = w.paused
	opt.Yield, opt.Finished = p.kb.Yield, freeing(opt.Finished)
	return &service{p: p, logger: opt.Logger, refresher: ingest.New(p.kb, opt), watcher: classifier.NewWatcher(p.model, p.folder), audits: w}
}

// freeing gives the memory that a refresh needed back to the system, which the runtime alone does over minutes: there are hours
// until the next one.
func freeing(finished func(ingest.Report, error)) func(ingest.Report, error) {
	return func(r ingest.Report, err error) {
		if finished != nil {
			finished(r, err)
		}
		debug.FreeOSMemory()
	}
}

// modelLoop takes in every model that becomes current in the model's folder.
func (s *service) modelLoop(ctx context.Context, every time.Duration) error {
	return s.watcher.Run(ctx, every, func(version string, err error) {
		if err != nil {
			s.logger.Error("a new model was refused", "error", err)
			return
		}
		s.logger.Info("a new model serves", "model", version)
	})
}

// indexLoop serves what somebody else made current in the index's folder, such as a rollback, and proves what serves
// every so often. Where damage leaves nothing that is whole, a refresh builds the index anew from the sources.
func (s *service) indexLoop(ctx context.Context, every, scrub time.Duration) error {
	return followIndex(ctx, s.p.kb, every, scrub, s.logger, s.refresher.Trigger)
}

// followIndex is indexLoop for any index; renew is called when something that it served is damaged, and when a build ended before it
// had made all vectors.
func followIndex(ctx context.Context, k *kb.KB, every, scrub time.Duration, logger *slog.Logger, renew func()) error {
	look, prove := time.NewTicker(every), time.NewTicker(scrub)
	defer look.Stop()
	defer prove.Stop()
	healthy, embedded := k.Status().Degraded == "", 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if switched, err := k.Reload(); err != nil {
				logger.Error("the current generation was refused", "error", err)
			} else if switched {
				logger.Warn("another generation was made current", "generation", k.Generation().Number)
			}
		case <-prove.C:
			if err := k.Scrub(ctx); err != nil && ctx.Err() == nil {
				logger.Error("the index is damaged", "error", err)
			}
		}
		if v := k.Status().Vectors; v != nil && v.Missing > 0 && v.Stored > embedded { // a build's time was over: the next goes on
			embedded = v.Stored
			renew()
		}
		if now := k.Status().Degraded == ""; now != healthy {
			if healthy = now; !healthy { // builds on what is intact, or anew
				renew()
			}
		}
	}
}

// refreshLoop renews the index at once and then every so often, or more often where a source has a schedule of its own.
// The list of sources is read anew each time.
func (s *service) refreshLoop(ctx context.Context, dir dataDir, every time.Duration) error {
	return s.refresher.Run(ctx, func() []ingest.Source {
		list, err := dir.readSources()
		if err != nil {
			return []ingest.Source{broken{name: "sources", err: err}}
		}
		return list.openAll(dir, every, s.logger)
	}, dir.shortestSchedule(every))
}

// buildLoop renews the index as long as this service may, which is always unless it is one of several.
func (s *service) buildLoop(ctx context.Context, dir dataDir, every time.Duration) error {
	build := func(ctx context.Context) error { return s.refreshLoop(ctx, dir, every) }
	if s.replica == nil {
		return build(ctx)
	}
	return s.replica.run(ctx, build)
}

// lessonsLoop takes in what humans decided through other services that share the state of record.
func (s *service) lessonsLoop(ctx context.Context, every time.Duration) {
	for pause(ctx, every) {
		if err := s.p.lessons.sync(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("decisions made elsewhere do not count yet", "error", err)
		}
	}
}

// broken is a source that cannot be opened: the refresh fails with its error, and what it held before stays.
type broken struct {
	name string
	err  error
}

func (b broken) Name() string { return b.name }

func (b broken) Walk(context.Context, func(ingest.Item) error) error { return b.err }

// refreshedHere is when this service last refreshed the index; zero when it never did.
func (s *service) refreshedHere() time.Time {
	if op, ok := s.refresher.Last(); ok && op.State == ingest.OperationSucceeded {
		s.refreshed.Store(&op.Ended)
	}
	if at := s.refreshed.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// refreshedAt is when the index was last known to hold what its sources hold.
func (s *service) refreshedAt() time.Time {
	at := s.refreshedHere()
	if at.IsZero() {
		at = s.p.kb.Generation().Created
	}
	if s.replica != nil && s.replica.refreshed().After(at) {
		return s.replica.refreshed()
	}
	return at
}

// remembered takes over when a refresh of an earlier process last succeeded.
func (s *service) remembered(dir dataDir) {
	if r, err := dir.readRefresh(); err == nil && r != nil && r.LastGood.After(s.p.kb.Generation().Created) && !r.LastGood.After(time.Now()) {
		s.refreshed.Store(&r.LastGood)
	}
}

// indexAge is how long ago the last good refresh is, and whether that is longer than the policy allows.
func (s *service) indexAge() (time.Duration, bool) {
	at := s.refreshedAt()
	if at.IsZero() {
		return 0, false
	}
	age := time.Since(at)
	return age, age > time.Duration(s.p.policy.IndexMaxAge)
}

func (s *service) status() server.Status {
	st := s.p.kb.Status()
	out := server.Status{
		Generation: st.Generation, Refreshed: s.refreshedAt(), NextRefresh: s.refresher.Next(),
		Model: s.p.model.Model().Version(), ModelSwaps: s.p.model.Swaps(), Policy: s.p.policy.Version(), Degraded: st.Degraded,
		Warranted: s.p.policy.Origin() == triage.OriginFitted, Watched: watched(s.audits.state()),
	}
	if err := s.watcher.Fault(); err != nil {
		out.ModelFault = err.Error()
		out.Degraded = strings.TrimPrefix(out.Degraded+"; the newest model does not serve: "+out.ModelFault, "; ")
	}
	if age, stale := s.indexAge(); stale {
		out.IndexStale = true
		out.Degraded = strings.TrimPrefix(fmt.Sprintf("%s; kb_stale: the last good refresh was %s ago", out.Degraded, shortAge(age.Seconds())), "; ")
	}
	for _, d := range s.p.policy.Differences(serves(s.p.model.Model(), s.p.kb.Settings(), embedder(s.p.kb))) {
		out.Stale = append(out.Stale, d.String())
	}
	if len(out.Stale) > 0 {
		out.Degraded = strings.TrimPrefix(out.Degraded+"; nothing is done automatically: "+strings.Join(out.Stale, "; "), "; ")
	}
	out.Embeddings = embeddingsStatus(st.Vectors)
	if s.replica != nil {
		out.Replica = s.replica.status()
		if fault := out.Replica.Fault; fault != "" {
			out.Degraded = strings.TrimPrefix(out.Degraded+"; the shared index cannot be followed: "+fault, "; ")
		}
	}
	if s.shadow != nil {
		out.Shadow = shadowStatus(s.shadow.Counts())
	}
	op, ok := s.refresher.Last()
	if ok {
		r := refreshOf(op)
		out.Refresh = &r
	}
	if st.Generation.Number == 0 {
		out.NotReady = "the index has no generation yet"
		if op.Error != "" {
			out.NotReady = fmt.Sprintf("the index has no generation yet, because its last refresh failed: %s", op.Error)
		}
	}
	return out
}

// watched puts the watch into the server's words.
func watched(w triage.Watch) []server.Watched {
	out := make([]server.Watched, len(w.States))
	for i, s := range w.States {
		out[i] = server.Watched{Category: s.Category, Right: s.Audited - s.Wrong, Wrong: s.Wrong, Low: s.Low, High: s.High,
			Paused: s.Paused != nil, Description: s.Why(w.Target)}
	}
	return out
}

func (s *service) parts() server.Parts {
	s.line = s.p.pipeline(s.refreshedAt, s.logger)
	return server.Parts{
		Triager: s.line, Knowledge: sureness{s.p.kb, s.p.policy.SolvedModel}, Refresher: refresher{s.refresher, s.replica},
		Queue: s.p.store, Record: teaching{s.p.store, s.p.lessons}, Checks: cleanChecks{s.p.store},
		Decided: decided{s.p.memory, s.p.kb, s.p.model}, Status: s.status,
	}
}

// refresher shows an ingester to the server.
type refresher struct {
	*ingest.Ingester
	replica *replica
}

func (r refresher) Start(ctx context.Context, force bool) (prediag.Refresh, error) {
	if r.replica != nil && !r.replica.builds() {
		return prediag.Refresh{}, r.replica.notBuilder()
	}
	op, err := r.Ingester.Start(ctx, force)
	return refreshOf(op), err
}

func (r refresher) Refresh(id string) (prediag.Refresh, bool) {
	op, ok := r.Operation(id)
	return refreshOf(op), ok
}

// refreshOf puts an operation into the words of the root package.
func refreshOf(op ingest.Operation) prediag.Refresh {
	r := prediag.Refresh{
		ID: op.ID, State: prediag.RefreshState(op.State), Stage: op.Progress.Stage, Done: op.Progress.Done, Total: op.Progress.Total,
		Error: op.Error, Started: op.Started, Ended: op.Ended,
	}
	if op.State != ingest.OperationSucceeded {
		return r
	}
	for _, s := range op.Report.Sources {
		if s.Error != "" { // the others were refreshed all the same
			r.Error = strings.TrimPrefix(r.Error+"; "+fmt.Sprintf("%s was not read to its end: %s", s.Name, s.Error), "; ")
		}
	}
	t := op.Report.Phases
	r.Report = &prediag.RefreshReport{Generation: op.Report.Generation, Took: op.Report.Took, Reading: t.Reading, Indexing: t.Indexing, Publishing: t.Publishing,
		Twins: op.Report.Twins}
	for _, s := range op.Report.Sources {
		faults := make([]prediag.Fault, len(s.Quarantined))
		for i, q := range s.Quarantined {
			faults[i] = prediag.Fault(q)
		}
		r.Report.Sources = append(r.Report.Sources, prediag.RefreshedSource{
			Name: s.Name, Files: s.Files, Articles: s.Articles, Added: s.Added, Changed: s.Changed, Moved: s.Moved,
			Unchanged: s.Unchanged + s.Kept, Deleted: s.Deleted, Parsed: s.Parsed, Broken: s.Broken, Skipped: s.Skipped, Faults: faults, Error: s.Error,
		})
	}
	return r
}
