package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"prediag"
	"prediag/classifier"
	"prediag/ingest"
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
}

func newService(p *parts, dir dataDir, opt ingest.Options) *service {
	w := &auditWatch{p: p, dir: dir, logger: opt.Logger}
	p.paused = w.paused
	return &service{p: p, logger: opt.Logger, refresher: ingest.New(p.kb, opt), watcher: classifier.NewWatcher(p.model, p.folder), audits: w}
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

// broken is a source that cannot be opened: the refresh fails with its error, and what it held before stays.
type broken struct {
	name string
	err  error
}

func (b broken) Name() string { return b.name }

func (b broken) Walk(context.Context, func(ingest.Item) error) error { return b.err }

// refreshedAt is when the index was last known to hold what its sources hold.
func (s *service) refreshedAt() time.Time {
	if op, ok := s.refresher.Last(); ok && op.State == ingest.OperationSucceeded {
		s.refreshed.Store(&op.Ended)
	}
	if at := s.refreshed.Load(); at != nil {
		return *at
	}
	return s.p.kb.Generation().Created
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
	for _, d := range s.p.policy.Differences(serves(s.p.model.Model())) {
		out.Stale = append(out.Stale, d.String())
	}
	if len(out.Stale) > 0 {
		out.Degraded = strings.TrimPrefix(out.Degraded+"; nothing is done automatically: "+strings.Join(out.Stale, "; "), "; ")
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
		Triager: s.line, Knowledge: s.p.kb, Refresher: refresher{s.refresher},
		Queue: s.p.store, Record: teaching{s.p.store, s.p.lessons}, Checks: cleanChecks{s.p.store}, Status: s.status,
	}
}

// refresher shows an ingester to the server.
type refresher struct{ *ingest.Ingester }

func (r refresher) Start(ctx context.Context, force bool) (prediag.Refresh, error) {
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
	r.Report = &prediag.RefreshReport{Generation: op.Report.Generation, Took: op.Report.Took}
	for _, s := range op.Report.Sources {
		r.Report.Sources = append(r.Report.Sources, prediag.RefreshedSource{
			Name: s.Name, Files: s.Files, Articles: s.Articles, Added: s.Added, Changed: s.Changed,
			Unchanged: s.Unchanged + s.Kept, Deleted: s.Deleted, Skipped: s.Skipped,
		})
	}
	return r
}
