// Package server is the network edge: the gRPC services, the same API as JSON over HTTP, health, metrics, limits, and
// the one table that turns errors into statuses.
//
// Protobuf messages stay here: a handler converts, calls one of the seams below, and converts back. The package knows
// neither the index nor the model nor the database.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// Triager diagnoses tickets and records the results. A ticket that is blank or over a limit of package prediag gets an
// error of kind prediag.ErrInvalid or prediag.ErrTooLarge whose field begins with "ticket".
type Triager interface {
	// Triage diagnoses one ticket; it is on disk when Triage returns. The same key gives the same diagnosis again.
	Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error)
	// Batch diagnoses tickets; keys, tickets and both results have the same length.
	Batch(ctx context.Context, keys []prediag.RequestKey, ts []prediag.Ticket) ([]prediag.Diagnosis, []error)
}

// Knowledge is the knowledge base.
type Knowledge interface {
	prediag.Searcher
	// Article returns an article that one of the audiences may read, or an error of kind prediag.ErrNotFound.
	Article(ctx context.Context, id string, audience []string) (prediag.Article, error)
	// Suggest completes a prefix from titles, best first, at most limit.
	Suggest(ctx context.Context, prefix string, languages []string, limit int) ([]string, error)
}

// Refresher renews the index.
type Refresher interface {
	// Start begins a renewal, or returns the one that runs.
	Start(ctx context.Context, force bool) (prediag.Refresh, error)
	// Refresh returns a renewal by its ID.
	Refresh(id string) (prediag.Refresh, bool)
}

// Queue is the line of cases that wait for a human.
type Queue interface {
	List(ctx context.Context, f prediag.CaseFilter) (prediag.CasePage, error)
	Claim(ctx context.Context, key prediag.RequestKey, id, reviewer string, f prediag.CaseFilter) (prediag.Case, error)
	Release(ctx context.Context, key prediag.RequestKey, id, reviewer string) (prediag.Case, error)
}

// Record is what was decided, by the machine and by humans.
type Record interface {
	Diagnosis(ctx context.Context, id string) (prediag.Diagnosis, error)
	Case(ctx context.Context, id string) (prediag.Case, error)
	Resolve(ctx context.Context, key prediag.RequestKey, id string, r prediag.Resolution) (prediag.Case, error)
}

// Checks takes in questions about the labels of training tickets. The tickets come as the caller sent them; what may not be
// stored is removed from them there.
type Checks interface {
	// AddLabelChecks opens a case for each check that has none, and returns how many are new.
	AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (added int, err error)
}

// Parts are what a server serves. All are needed.
type Parts struct {
	Triager   Triager
	Knowledge Knowledge
	Refresher Refresher
	Queue     Queue
	Record    Record
	Checks    Checks
	Decided   Decided
	Status    func() Status
}

// Status is the state of the service at one moment.
type Status struct {
	Generation  prediag.Generation
	Refreshed   time.Time // when the index was last known to hold what its sources hold
	IndexStale  bool      // Refreshed is longer ago than the policy allows
	NextRefresh time.Time // zero: none planned
	Refresh     *prediag.Refresh
	Model       string
	ModelSwaps  uint64 // models that took another one's place since the start
	ModelFault  string // why the newest model does not serve; empty: it does
	Policy      string
	Degraded    string        // what is wrong with the index, the policy or the newest model; empty: nothing
	Stale       []string      // what the policy was not fitted on; none: nothing keeps it from acting
	Warranted   bool          // the policy's thresholds are fitted ones, and unchanged
	Watched     []Watched     // what humans found about answers, by category
	SearchOnly  string        // why nothing but searches is answered; empty: everything is
	NotReady    string        // why the service cannot answer yet; empty: it can
	Shadow      *ShadowStatus // nil: no candidate runs
	Embeddings  *Embeddings   // nil: no embedder is configured
	Replica     *Replica      // nil: this is not one of several
}

// Watched is what humans found about the answers of a category that were drawn for checking.
type Watched struct {
	Category    string // empty: of all
	Right       int
	Wrong       int
	Low, High   float64 // interval of the precision that holds at any time
	Paused      bool    // nothing of it is answered automatically for now
	Description string  // why, in a sentence; empty unless Paused
}

// Replica says how a service stands among several that share their generations.
type Replica struct {
	Builder bool      // this one builds and publishes them
	Epoch   uint64    // of the present builder, as far as this one knows
	Synced  time.Time // when the shared store last answered; zero: never
	Fault   string    // why this one is not as the store has it; empty: it is
}

// ShadowStatus counts what a candidate did that decides in the background, since the start.
type ShadowStatus struct {
	Decided map[Transition]int // tickets by how they were decided and how the candidate would have
	Dropped int                // tickets that the candidate did not get, because it was behind
	Failed  int                // tickets on which it failed, panicked, or was too slow
}

// Transition is a decision and the candidate's on the same ticket.
type Transition struct{ From, To prediag.Outcome }

// Options are the server's limits. Zero values are completed by withDefaults.
type Options struct {
	Now         func() time.Time
	Logger      *slog.Logger
	Timeout     time.Duration // of a call that states no deadline, and the most that any call gets; 0 means 30 s
	BatchTime   time.Duration // the same for BatchTriage; 0 means 5 min
	Drain       time.Duration // for accepted calls when the service stops; 0 means 10 s
	MaxInFlight int           // calls at work at once; more are refused with RetryInfo; 0 means 256
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.BatchTime, 5*time.Minute)
	setDefault(&o.Drain, 10*time.Second)
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 256
	}
	return o
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// maxMessage is the largest request, bytes. It is above every limit of the fields, so that what is too large is refused
// with the field's name.
const maxMessage = 16 << 20

// Server serves one set of parts.
type Server struct {
	parts    Parts
	opt      Options
	metrics  *metrics
	grpc     *grpc.Server // for the network
	inner    *grpc.Server // for the JSON gateway: it stops after the gateway, which lets accepted requests finish
	health   *health.Server
	stopping context.Context // ends when the service begins to stop
	stop     context.CancelFunc
}

// New makes a server. It does not listen yet.
func New(parts Parts, opt Options) *Server {
	s := &Server{parts: parts, opt: opt.withDefaults(), health: health.NewServer()}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.metrics = newMetrics(parts.Status, s.opt.Now)
	interceptors := grpc.ChainUnaryInterceptor(s.observe, s.recovered, s.admit(), refuseUndecodable, s.deadline)
	s.inner = grpc.NewServer(interceptors, grpc.MaxRecvMsgSize(maxReply))
	s.grpc = grpc.NewServer(interceptors,
		grpc.ForceServerCodecV2(lenientCodec{}),
		grpc.ChainStreamInterceptor(s.streamed),
		grpc.UnknownServiceHandler(unknownMethod),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(250),
		grpc.ConnectionTimeout(5*time.Second),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// Connections end now and then, so that clients spread anew over replicas.
			MaxConnectionAge: 30 * time.Minute, MaxConnectionAgeGrace: time.Minute, Time: 2 * time.Minute, Timeout: 20 * time.Second,
		}),
	)
	s.register()
	s.PublishHealth()
	return s
}

// register gives both gRPC servers the same services; health and reflection are for the network only.
func (s *Server) register() {
	triage := &triageService{triager: s.parts.Triager, record: s.parts.Record, metrics: s.metrics, log: s.opt.Logger}
	knowledge := newKnowledgeService(s.parts, s.opt.Now)
	review := &reviewService{queue: s.parts.Queue, record: s.parts.Record, checks: s.parts.Checks, now: s.opt.Now,
		similar: SimilarFinder{s.parts.Decided, s.parts.Record, s.parts.Knowledge}}
	for _, g := range []*grpc.Server{s.grpc, s.inner} {
		pb.RegisterTriageServiceServer(g, triage)
		pb.RegisterKnowledgeServiceServer(g, knowledge)
		pb.RegisterReviewServiceServer(g, review)
	}
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
}

// Serve answers on both listeners until ctx ends, then lets accepted calls finish within Options.Drain. It returns nil
// after a stop that was asked for. A handler that does not heed its context may still be at work afterwards. A server
// serves once.
func (s *Server) Serve(ctx context.Context, grpcAddr, httpAddr net.Listener) error {
	handler, closeGateway, err := s.httpHandler()
	if err != nil {
		return err
	}
	defer closeGateway()
	web := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		WriteTimeout:   s.opt.BatchTime + 2*time.Minute, // counted from the head: the body, the longest call, the reply
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- s.grpc.Serve(grpcAddr) }()
	go func() { failed <- web.Serve(httpAddr) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.PublishHealth()
		case <-ctx.Done():
			s.drain(web)
			return nil
		case err := <-failed:
			s.drain(web)
			return fmt.Errorf("serve: %w", err)
		}
	}
}

// drain stops: no new calls, the accepted ones may finish, and what is left at the limit is cut off.
func (s *Server) drain(web *http.Server) {
	s.health.Shutdown()
	ctx, cancel := context.WithTimeout(context.Background(), s.opt.Drain)
	defer cancel()
	time.AfterFunc(min(lastWord, s.opt.Drain/2), s.stop)
	var both sync.WaitGroup
	both.Go(func() {
		if err := web.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.opt.Logger.Warn("stop http", "error", err)
		}
		_ = web.Close()
	})
	both.Go(func() { stopGRPC(ctx, s.grpc) })
	both.Wait()
	stopGRPC(ctx, s.inner)
}

const (
	lastWord = 100 * time.Millisecond // that health watches get, to hear NOT_SERVING
	cutOff   = time.Second            // that handlers get after the limit, to notice that their call is over
)

// stopGRPC stops gracefully until ctx ends and hard afterwards. It does not wait for handlers that do not notice.
func stopGRPC(ctx context.Context, g *grpc.Server) {
	done := make(chan struct{})
	go func() { g.GracefulStop(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	g.Stop()
	select {
	case <-done:
	case <-time.After(cutOff):
	}
}

// PublishHealth tells the health service what Status says. Serve does so every second; whoever knows of a change calls
// it at once.
func (s *Server) PublishHealth() {
	now := s.parts.Status()
	for name, down := range map[string]bool{
		"": false, pb.KnowledgeService_ServiceDesc.ServiceName: false,
		pb.TriageService_ServiceDesc.ServiceName: now.SearchOnly != "", pb.ReviewService_ServiceDesc.ServiceName: now.SearchOnly != "",
	} {
		state := healthpb.HealthCheckResponse_SERVING
		if down || now.NotReady != "" {
			state = healthpb.HealthCheckResponse_NOT_SERVING
		}
		s.health.SetServingStatus(name, state)
	}
}
