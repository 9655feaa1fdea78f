package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/ingest"
	"prediag/server"
)

// serveFlags are the settings of the service.
type serveFlags struct {
	dataDir            *string
	grpcAddr, httpAddr string
	every, drain       time.Duration
	modelEvery, scrub  time.Duration
	parts              partsOptions
	shadow             shadowFlags
	replica            replicaFlags
	keep               string
	logLevel           string
	sources            string // file that declares sources
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the service: gRPC, JSON over HTTP, and a refresh of the index every six hours",
		Long: `serve answers tickets and searches until it is stopped with Ctrl-C or SIGTERM; accepted calls are finished first.

In a new data folder it starts on the embedded demo: a knowledge base about a fictional cloud platform in eight languages,
and a model trained on 720 labelled tickets. Give it your own with prediag ingest and prediag train: a model that train
writes to the folder is taken in within seconds, without a lost call. What a reviewer decides counts at once for tickets
that are nearly the same.

In a data folder that cannot be written it answers searches alone, from the last generation, and says so.

With --shadow-model or --shadow-policy a candidate decides the same tickets in the background: its decisions are kept beside
those that were given, and nothing else comes of them.

With --state and --store several services share the cases and the index: one of them refreshes it, the others fetch what it
publishes, and when it is gone another one takes over.`,
		Example: `  prediag serve
  prediag serve --data-dir /var/lib/prediag --grpc-addr :50051 --http-addr :8080
  prediag serve --refresh-every 1h --policy policy.yaml
  prediag serve --shadow-policy bolder.yaml --shadow-sample 0.2   # see prediag eval replay --shadow
  prediag serve --sources sources.yaml    # see docs/sources.md
  prediag serve --state postgres://prediag@db/prediag --store s3://kb/prod?endpoint=https://s3.example   # one of several, see docs/operations.md`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	f.dataDir = dataDirFlag(c)
	c.Flags().StringVar(&f.grpcAddr, "grpc-addr", "127.0.0.1:50051", "where gRPC listens, HOST:PORT; port 0 takes a free one")
	c.Flags().StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "where HTTP listens, HOST:PORT; port 0 takes a free one")
	c.Flags().DurationVar(&f.every, "refresh-every", ingest.DefaultInterval, "time from one refresh of the index to the next")
	c.Flags().StringVar(&f.sources, "sources", "", "file that declares sources, remembered (default: the one remembered)")
	c.Flags().DurationVar(&f.modelEvery, "model-every", 2*time.Second, "time from one look for a newer model in the model's folder to the next")
	c.Flags().DurationVar(&f.scrub, "scrub-every", 24*time.Hour, "time from one proof of every byte of the index to the next")
	c.Flags().DurationVar(&f.drain, "drain", 10*time.Second, "time that accepted calls get when the service stops")
	c.Flags().StringVar(&f.parts.model, "model", "", "folder of the model (default: the data folder's)")
	c.Flags().StringVar(&f.parts.policy, "policy", "", "file of the policy (default: the data folder's policy.yaml, or the built-in one)")
	c.Flags().StringVar(&f.parts.ranker, "ranker", "", "file of a learned order, see prediag train ranker (default: the data folder's ranker.json, where there is one)")
	f.shadow.flags(c)
	f.replica.flags(c)
	c.Flags().StringVar(&f.keep, "keep-diagnoses", "180d", "time after which a diagnosis and its entry in the audit log are removed, e.g. 90d or 36h; 0 keeps all. Those whose case waits stay")
	c.Flags().StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn or error; logs go to standard error as JSON")
	return c
}

// check refuses times that make no sense.
func (f *serveFlags) check() error {
	if f.every < time.Second || f.drain <= 0 || f.modelEvery <= 0 || f.scrub <= 0 {
		return usageError{errors.New("--refresh-every takes 1s or more, --drain, --model-every and --scrub-every more than 0, e.g. 6h, 10s, 2s and 24h")}
	}
	return f.replica.check()
}

func (a *app) serve(ctx context.Context, f serveFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	keep, err := parseKeep(f.keep)
	if err != nil {
		return err
	}
	logger, err := newLogger(a.err, f.logLevel)
	if err != nil {
		return err
	}
	dir := dataDir(*f.dataDir)
	held, err := dir.holdToServe()
	if isUnwritable(err) {
		return a.serveSearches(ctx, dir, f, logger, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	grpcLis, httpLis, err := listenBoth(ctx, f.grpcAddr, f.httpAddr)
	if err != nil {
		return err
	}
	defer func() { _, _ = grpcLis.Close(), httpLis.Close() }() // closed by the server when it ran
	f.parts.logger = logger
	if f.parts.record, err = dir.useRecord(f.replica.state); err != nil {
		return err
	}
	depot, err := f.replica.depot(dir.ownRecord(f.parts.record))
	if err != nil {
		return err
	}
	if depot == nil && f.sources == "" { // before the index is opened: the demo brings a glossary along
		if err := dir.startOnDemo(); err != nil {
			return err
		}
	}
	p, err := a.openParts(ctx, dir, f.parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	r, err := newReplica(f.replica, depot, p, logger)
	if err != nil {
		return err
	}
	list, err := sourcesToServe(dir, p, f.sources, r.mayStartOnDemo(ctx))
	if err != nil {
		return err
	}
	s := newService(p, dir, a.ingestOptions(dir, logger))
	s.join(r)
	s.remembered(dir)
	if err := s.audits.look(ctx); err != nil {
		return err
	}
	if err := s.addShadow(ctx, f.shadow); err != nil {
		return err
	}
	srv := server.New(s.parts(), server.Options{Logger: logger, Drain: f.drain})
	if err := held.announce(grpcLis.Addr().String()); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Serve(ctx, grpcLis, httpLis) })
	s.loops(ctx, g, dir, f, keep)
	g.Go(func() error {
		return a.greet(ctx, s, srv.PublishHealth, greeting{list, grpcLis.Addr(), httpLis.Addr()})
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	a.note("stopped")
	return nil
}

// loops are what the service does beside answering.
func (s *service) loops(ctx context.Context, g *errgroup.Group, dir dataDir, f serveFlags, keep time.Duration) {
	g.Go(func() error { return s.buildLoop(ctx, dir, f.every) })
	g.Go(func() error { return s.modelLoop(ctx, f.modelEvery) })
	g.Go(func() error { return s.indexLoop(ctx, f.modelEvery, f.scrub) })
	g.Go(func() error { return s.audits.run(ctx) })
	g.Go(func() error { s.pruneLoop(ctx, keep); return nil })
	if !dir.ownRecord(f.parts.record) && s.p.lessons != nil {
		g.Go(func() error { s.lessonsLoop(ctx, f.modelEvery); return nil })
	}
	if s.shadow != nil {
		g.Go(func() error { return s.shadow.Run(ctx) })
	}
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level is %q: use debug, info, warn or error", level)}
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// listenBoth opens both ports before anything slow begins, so that a port in use is said at once.
func listenBoth(ctx context.Context, grpcAddr, httpAddr string) (net.Listener, net.Listener, error) {
	g, err := listen(ctx, "grpc-addr", grpcAddr)
	if err != nil {
		return nil, nil, err
	}
	h, err := listen(ctx, "http-addr", httpAddr)
	if err != nil {
		return nil, nil, errors.Join(err, g.Close())
	}
	return g, h, nil
}

func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	var conf net.ListenConfig
	l, err := conf.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: choose another address with --%s HOST:PORT (port 0 takes a free one)", addr, err, flag)
	}
	return l, nil
}

// sourcesToServe returns the data folder's sources, with the file that declares others where one is named. A folder that
// has neither sources nor articles gets the demo, where that may be. A file that is wrong stops the start.
func sourcesToServe(dir dataDir, p *parts, file string, mayDemo bool) (sourceList, error) {
	list, err := dir.readSources()
	if err != nil {
		return list, err
	}
	if file != "" {
		if list.File, err = filepath.Abs(file); err != nil {
			return list, err
		}
	}
	if _, err := list.declared(); err != nil {
		return list, err
	}
	if len(list.Sources) == 0 && list.File == "" && p.kb.Generation().Number == 0 && mayDemo {
		list = list.with(sourceEntry{Name: demoSource})
	}
	return list, writeJSON(dir.sources(), list)
}

// greeting is what greet tells beside the state of the service.
type greeting struct {
	sources    sourceList
	grpc, http net.Addr
}

// greet waits until the service can answer, calls ready, and says how to talk to the service.
func (a *app) greet(ctx context.Context, s *service, ready func(), to greeting) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.status().NotReady != "" {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	ready()
	g := s.p.kb.Generation()
	what := "your knowledge base"
	if to.sources.isDemo() {
		what = "the embedded demo"
	}
	fmt.Fprintf(a.out, `prediag %s serves %s: %d articles (generation %d), %d categories

  gRPC  %s
  HTTP  http://%s

Try:
  grpcurl -plaintext -d '{"ticket":{"title":"实例启动失败，报错 ACS.0013"}}' %s prediag.v1.TriageService/Triage
  curl -s http://%s/v1/triage -d '{"ticket":{"title":"SSH to my server times out","body":"ACS.0105 since this morning"}}'
  curl -s 'http://%s/v1/search?query=too+many+connections'

Ctrl-C stops it.
`, version(), what, g.Articles, g.Number, len(s.p.model.Labels(prediag.FieldCategory)), to.grpc, to.http, to.grpc, to.http, to.http)
	a.note("policy %s, %s (prediag policy show says what it promises)", s.p.policy.Version(), s.p.policy.Origin())
	if d := s.status().Degraded; d != "" {
		a.note("warning: %s", strings.TrimSpace(d))
	}
	return nil
}
