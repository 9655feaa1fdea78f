package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/kb"
	"prediag/server"
	"prediag/triage"
)

// isUnwritable reports whether an error says that a folder can be read at most.
func isUnwritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// searchOnly is a service on a data folder that cannot be written: it answers searches, and refuses what would have to be kept.
type searchOnly struct {
	kb     *kb.KB
	policy triage.Policy
	dir    dataDir
}

// openSearchOnly opens the index of a folder that cannot be written. A folder without a generation to serve gives the error why.
func (a *app) openSearchOnly(dir dataDir, f serveFlags, logger *slog.Logger, why error) (*searchOnly, error) {
	if f.replica.state != "" || f.replica.store != "" {
		return nil, why // these are asked for writes
	}
	policy, err := loadPolicy(dir, f.parts.policy)
	if err != nil {
		return nil, err
	}
	k, err := dir.openKB(kb.Options{Logger: logger, Golden: dir.readGolden})
	if err != nil {
		return nil, errors.Join(why, err)
	}
	if k.Generation().Number == 0 {
		return nil, errors.Join(why, k.Close())
	}
	return &searchOnly{kb: k, policy: policy, dir: dir}, nil
}

// serveSearches answers searches until ctx ends.
func (a *app) serveSearches(ctx context.Context, dir dataDir, f serveFlags, logger *slog.Logger, why error) (err error) {
	s, err := a.openSearchOnly(dir, f, logger, why)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.kb.Close()) }()
	grpcLis, httpLis, err := listenBoth(ctx, f.grpcAddr, f.httpAddr)
	if err != nil {
		return err
	}
	defer func() { _, _ = grpcLis.Close(), httpLis.Close() }() // closed by the server when it ran
	refusing := refusal{s.refuse()}
	srv := server.New(server.Parts{Triager: refusing, Knowledge: sureness{s.kb, s.policy.SolvedModel}, Refresher: refusing, Queue: refusing,
		Record: refusing, Checks: refusing, Decided: refusing, Status: s.status}, server.Options{Logger: logger, Drain: f.drain})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Serve(ctx, grpcLis, httpLis) })
	g.Go(func() error { return followIndex(ctx, s.kb, f.modelEvery, f.scrub, logger, func() {}) })
	now := s.kb.Generation()
	fmt.Fprintf(a.out, "prediag %s serves searches only: %d articles (generation %d)\n\n  gRPC  %s\n  HTTP  http://%s\n\nCtrl-C stops it.\n",
		version(), now.Articles, now.Number, grpcLis.Addr(), httpLis.Addr())
	a.note("warning: %s\n%v", s.refuse(), why)
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	a.note("stopped")
	return nil
}

// refuse is the error of every call but a search. It names no folder: callers see it.
func (s *searchOnly) refuse() error {
	return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "READ_ONLY",
		Message: "the service cannot write its data folder: it answers searches from the last generation; tickets, cases and refreshes are off until the folder can be written and the service is started again"}
}

func (s *searchOnly) status() server.Status {
	st := s.kb.Status()
	out := server.Status{Generation: st.Generation, Refreshed: st.Generation.Created, Policy: s.policy.Version(), SearchOnly: s.refuse().Error()}
	out.Degraded = out.SearchOnly
	if r, err := s.dir.readRefresh(); err == nil && r != nil && r.LastGood.After(out.Refreshed) {
		out.Refreshed = r.LastGood
	}
	if st.Degraded != "" {
		out.Degraded += "; " + st.Degraded
	}
	if age := time.Since(out.Refreshed); age > time.Duration(s.policy.IndexMaxAge) {
		out.IndexStale = true
		out.Degraded += fmt.Sprintf("; kb_stale: the last good refresh was %s ago", shortAge(age.Seconds()))
	}
	return out
}

// refusal stands for the parts that a service lacks: each call gets its error.
type refusal struct{ err error }

func (r refusal) Triage(context.Context, prediag.RequestKey, prediag.Ticket) (prediag.Diagnosis, error) {
	return prediag.Diagnosis{}, r.err
}

func (r refusal) Batch(_ context.Context, _ []prediag.RequestKey, ts []prediag.Ticket) ([]prediag.Diagnosis, []error) {
	errs := make([]error, len(ts))
	for i := range errs {
		errs[i] = r.err
	}
	return make([]prediag.Diagnosis, len(ts)), errs
}

func (r refusal) Start(context.Context, bool) (prediag.Refresh, error) {
	return prediag.Refresh{}, r.err
}

func (r refusal) Refresh(string) (prediag.Refresh, bool) { return prediag.Refresh{}, false }

func (r refusal) List(context.Context, prediag.CaseFilter) (prediag.CasePage, error) {
	return prediag.CasePage{}, r.err
}

func (r refusal) Claim(context.Context, prediag.RequestKey, string, string, prediag.CaseFilter) (prediag.Case, error) {
	return prediag.Case{}, r.err
}

func (r refusal) Release(context.Context, prediag.RequestKey, string, string) (prediag.Case, error) {
	return prediag.Case{}, r.err
}

func (r refusal) Alike(context.Context, prediag.Ticket, int) ([]server.Alike, error) {
	return nil, r.err
}

func (r refusal) Diagnosis(context.Context, string) (prediag.Diagnosis, error) {
	return prediag.Diagnosis{}, r.err
}

func (r refusal) Case(context.Context, string) (prediag.Case, error) { return prediag.Case{}, r.err }

func (r refusal) Resolve(context.Context, prediag.RequestKey, string, prediag.Resolution) (prediag.Case, error) {
	return prediag.Case{}, r.err
}

func (r refusal) AddLabelChecks(context.Context, prediag.RequestKey, []prediag.LabelCheck) (int, error) {
	return 0, r.err
}
