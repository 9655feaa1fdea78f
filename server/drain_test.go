package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	pb "prediag/proto/prediag/v1"
)

// waits makes every part wait until it is let go; the channel gets one value per call that has arrived.
func (r *running) waits() (arrived chan struct{}, letGo func()) {
	arrived = make(chan struct{}, 100)
	gate := make(chan struct{})
	r.set(func(f *fake) { f.hold = func(context.Context) error { arrived <- struct{}{}; <-gate; return nil } })
	return arrived, sync.OnceFunc(func() { close(gate) })
}

func TestDrainFinishesAcceptedCalls(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Drain: 20 * time.Second})
	arrived, letGo := r.waits()
	const each = 10
	results := make(chan error, 2*each)
	var calls sync.WaitGroup
	for i := range each {
		calls.Go(func() {
			_, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}})
			results <- err
		})
		calls.Go(func() {
			req, err := http.NewRequestWithContext(limit(t), "POST", r.base+"/v1/triage", strings.NewReader(fmt.Sprintf(`{"ticket":{"title":"%d"}}`, i)))
			if err == nil {
				var resp *http.Response
				if resp, err = r.web.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != 200 {
						err = errors.New(resp.Status)
					}
				}
			}
			results <- err
		})
	}
	for range 2 * each {
		<-arrived
	}
	r.stop()
	require.Eventually(t, func() bool { // no new connection is taken
		c, err := net.Dial("tcp", r.grpcAddr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, 10*time.Millisecond)
	select {
	case <-r.stopped:
		t.Fatal("stopped before the accepted calls were done")
	case <-time.After(300 * time.Millisecond):
	}
	letGo()
	calls.Wait()
	for range 2 * each {
		require.NoError(t, <-results)
	}
	require.NoError(t, <-r.stopped)
}

// A request whose head has arrived is accepted, although its body is still on its way.
func TestDrainFinishesARequestThatIsStillArriving(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Drain: 20 * time.Second})
	c, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	body := `{"ticket":{"title":"slow"}}`
	_, err = fmt.Fprintf(c, "POST /v1/triage HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])
	require.NoError(t, err)
	time.Sleep(100 * time.Millisecond)
	r.stop()
	time.Sleep(300 * time.Millisecond)
	_, err = io.WriteString(c, body[10:])
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, 200, resp.StatusCode)
	require.NoError(t, <-r.stopped)
}

// Health watches and idle connections have no end of their own; they must not hold up the stop.
func TestDrainDoesNotWaitForWatchesAndIdleConnections(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Drain: time.Minute})
	watch, err := healthpb.NewHealthClient(r.conn).Watch(limit(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	got, err := watch.Recv()
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.GetStatus())
	r.call(t, "GET", "/healthz", nil) // leaves an idle connection
	silent, err := net.Dial("tcp", r.grpcAddr)
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	began := time.Now()
	r.stop()
	got, err = watch.Recv()
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, got.GetStatus(), "the watcher hears of it")
	_, err = watch.Recv()
	require.Error(t, err)
	require.NoError(t, <-r.stopped)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestTheLimitOfADrainHolds(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*running) func(){
		"a handler that heeds nothing": func(r *running) func() {
			arrived, letGo := r.waits()
			for range 2 {
				go func() { _, _ = r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "x"}) }()
			}
			<-arrived
			return letGo
		},
		"a handler of a json call": func(r *running) func() {
			arrived, letGo := r.waits()
			var done sync.WaitGroup
			done.Go(func() {
				if resp, err := r.web.Get(r.base + "/v1/search?query=x"); err == nil {
					_ = resp.Body.Close()
				}
			})
			<-arrived
			return func() { letGo(); done.Wait() }
		},
		"a stream that stays open": func(r *running) func() {
			stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(limit(t))
			require.NoError(t, err)
			require.NoError(t, stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}))
			_, err = stream.Recv()
			require.NoError(t, err)
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{Drain: 300 * time.Millisecond})
			letGo := prepare(r)
			defer letGo()
			began := time.Now()
			r.stop()
			require.NoError(t, <-r.stopped)
			require.GreaterOrEqual(t, time.Since(began), 250*time.Millisecond)
			require.Less(t, time.Since(began), 20*time.Second)
		})
	}
}

// A handler that heeds its context is not left behind by the stop.
func TestTheLimitOfADrainCancelsHandlers(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Drain: 200 * time.Millisecond})
	arrived, ended := make(chan struct{}), make(chan struct{})
	r.set(func(f *fake) {
		f.hold = func(ctx context.Context) error { close(arrived); <-ctx.Done(); close(ended); return ctx.Err() }
	})
	var call sync.WaitGroup
	call.Go(func() { _, _ = r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "x"}) })
	<-arrived
	r.stop()
	require.NoError(t, <-r.stopped)
	select {
	case <-ended:
	default:
		t.Fatal("the handler is still at work")
	}
	call.Wait()
}

// When one of the listeners fails, both doors close and Serve says why.
func TestServeReportsAListenerThatFails(t *testing.T) {
	f := newFake()
	srv := New(Parts{Triager: f, Knowledge: f, Refresher: f, Queue: f, Record: f, Status: f.status}, Options{})
	g, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, h.Close())
	err = srv.Serve(t.Context(), g, h)
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = net.Dial("tcp", g.Addr().String())
	require.Error(t, err)
}

func TestASlowClientIsDropped(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the time limit of a connection")
	}
	t.Parallel()
	r := start(t, Options{})
	var both sync.WaitGroup
	for name, addr := range map[string]string{"grpc": r.grpcAddr, "http": strings.TrimPrefix(r.base, "http://")} {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = io.WriteString(c, "PRI * HT") // a part of either preface, and no more
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(9*time.Second)))
		both.Go(func() {
			defer func() { _ = c.Close() }()
			_, err := io.Copy(io.Discard, c)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s: the connection is still open", name)
			}
		})
	}
	both.Wait()
}
