package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "prediag/proto/prediag/v1"
)

// rawCodec sends bytes as they are and drops replies.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}
func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }
func (rawCodec) Name() string                         { return "proto" }

func (r *running) raw(t testing.TB, method string, message []byte) error {
	t.Helper()
	return r.conn.Invoke(limit(t), method, message, new([]byte), grpc.ForceCodecV2(rawCodec{}))
}

// field encodes a field of bytes.
func field(number protowire.Number, content ...[]byte) []byte {
	var all []byte
	for _, c := range content {
		all = append(all, c...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), all)
}

func TestTextThatIsNotUTF8OverGRPC(t *testing.T) {
	r := start(t, Options{})
	bad, good := []byte("a\xff\xfeb"), []byte("ok")
	entry := func(k, v []byte) []byte { return field(7, field(1, k), field(2, v)) }
	for name, c := range map[string]struct {
		method string
		raw    []byte
		field  string
	}{
		"body":          {pb.TriageService_Triage_FullMethodName, field(1, field(2, good), field(3, bad)), "ticket.body"},
		"second code":   {pb.TriageService_Triage_FullMethodName, field(1, field(6, good), field(6, bad)), "ticket.codes[1]"},
		"field's key":   {pb.TriageService_Triage_FullMethodName, field(1, entry(bad, good)), "ticket.fields"},
		"field's value": {pb.TriageService_Triage_FullMethodName, field(1, entry(good, bad)), "ticket.fields"},
		"request id":    {pb.TriageService_Triage_FullMethodName, field(2, bad), "request_id"},
		"third ticket":  {pb.TriageService_BatchTriage_FullMethodName, append(append(field(1, field(2, good)), field(1, field(2, good))...), field(1, field(2, bad))...), "tickets[2].title"},
		"query":         {pb.KnowledgeService_Search_FullMethodName, field(1, bad), "query"},
		"language":      {pb.KnowledgeService_Search_FullMethodName, append(field(1, good), field(2, bad)...), "languages[0]"},
		"article":       {pb.KnowledgeService_GetArticle_FullMethodName, field(1, bad), "id"},
		"note":          {pb.ReviewService_ResolveCase_FullMethodName, field(2, field(6, bad)), "resolution.note"},
		"overlong":      {pb.KnowledgeService_Suggest_FullMethodName, field(1, []byte("\xc0\xaf")), "query"},
		"surrogate":     {pb.KnowledgeService_Suggest_FullMethodName, field(1, []byte("\xed\xa0\x80")), "query"},
	} {
		t.Run(name, func(t *testing.T) {
			requireStatus(t, r.raw(t, c.method, c.raw), codes.InvalidArgument, "NOT_UTF8", c.field)
		})
	}
}

func TestBytesThatAreNoMessage(t *testing.T) {
	r := start(t, Options{})
	for name, raw := range map[string][]byte{
		"random": []byte("\xff\xff\xff\xff"), "cut": field(1, []byte("abc"))[:3], "wrong length": {0x0a, 0x80, 0x80, 0x80, 0x80, 0x10},
		"group without end": protowire.AppendTag(nil, 1, protowire.StartGroupType),
		"deep groups":       []byte(strings.Repeat("\x0b", 20_000)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range rpcs() {
				requireStatus(t, r.raw(t, c.method, raw), codes.InvalidArgument, "UNDECODABLE_REQUEST", "")
			}
		})
	}
	require.NotContains(t, r.logs.String(), "panic")
}

func TestUnknownFieldsAreTakenForThoseOfANewerClient(t *testing.T) {
	r := start(t, Options{})
	m := append(field(1, field(2, []byte("title")), field(99, []byte("\xff"))), field(1000, []byte("x"))...)
	require.NoError(t, r.raw(t, pb.TriageService_Triage_FullMethodName, m))
}

// A request may hold a million fields: it costs what its bytes cost.
func TestAMillionFields(t *testing.T) {
	r := start(t, Options{})
	m := make([]byte, 0, 3<<20)
	for range 1_000_000 {
		m = append(m, field(2, []byte("a"))...)
	}
	requireStatus(t, r.raw(t, pb.KnowledgeService_Search_FullMethodName, append(field(1, []byte("x")), m...)), codes.InvalidArgument, "TOO_MANY_VALUES", "languages")
}

func TestLargeRequests(t *testing.T) {
	r := start(t, Options{})
	_, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Body: strings.Repeat("a", 10<<20)}})
	st := requireStatus(t, err, codes.InvalidArgument, "TICKET_TOO_LARGE", "ticket.body")
	require.Contains(t, st.Message(), "262144")
	_, err = r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Body: strings.Repeat("a", 17<<20)}})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "gRPC refuses it before it is read")
	_, err = r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Body: "alive?"}})
	require.NoError(t, err)
}

func TestCallersDeadline(t *testing.T) {
	r := start(t, Options{})
	interrupted := errors.New("sql: interrupted")
	for name, end := range map[string]func(context.Context) error{
		"with the context's error": func(ctx context.Context) error { return fmt.Errorf("x: %w", ctx.Err()) },
		"with an error of its own": func(context.Context) error { return interrupted },
	} {
		t.Run(name, func(t *testing.T) {
			r.set(func(f *fake) { f.hold = func(ctx context.Context) error { <-ctx.Done(); return end(ctx) } })
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := r.triage.Triage(ctx, &pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}})
			require.Less(t, time.Since(began), 15*time.Second)
			require.Equal(t, codes.DeadlineExceeded, status.Code(err))
			if len(status.Convert(err).Details()) > 0 { // the service was quicker than the caller's own clock
				requireStatus(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "")
			}
		})
	}
}

// The service keeps a little of the caller's time to say what was late.
func TestTheServiceAnswersBeforeTheCallerGivesUp(t *testing.T) {
	r := start(t, Options{})
	left := make(chan time.Duration, 1)
	r.set(func(f *fake) {
		f.hold = func(ctx context.Context) error {
			at, _ := ctx.Deadline()
			left <- time.Until(at)
			return nil
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := r.knowledge.Search(ctx, &pb.SearchRequest{Query: "x"})
	require.NoError(t, err)
	require.LessOrEqual(t, <-left, 10*time.Second-reply)
}

func TestOwnDeadlines(t *testing.T) {
	r := start(t, Options{Timeout: 50 * time.Millisecond, BatchTime: time.Hour})
	r.set(func(f *fake) { f.hold = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
	_, err := r.knowledge.Search(context.Background(), &pb.SearchRequest{Query: "x"})
	requireStatus(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "")
	r.set(func(f *fake) {
		f.hold = func(ctx context.Context) error {
			at, _ := ctx.Deadline()
			if time.Until(at) < 59*time.Minute {
				return errors.New("a batch has its own limit")
			}
			return nil
		}
	})
	got, err := r.triage.BatchTriage(context.Background(), &pb.BatchTriageRequest{Tickets: []*pb.Ticket{{Title: "x"}}})
	require.NoError(t, err)
	require.NotNil(t, got.GetResults()[0].GetDiagnosis(), got.GetResults()[0].GetError())
}

func TestABatchThatIsLateIsLateAsAWhole(t *testing.T) {
	r := start(t, Options{BatchTime: 50 * time.Millisecond})
	r.set(func(f *fake) { f.hold = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
	_, err := r.triage.BatchTriage(limit(t), &pb.BatchTriageRequest{Tickets: []*pb.Ticket{{Title: "x"}}})
	requireStatus(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "")
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	r := start(t, Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	first.Store(true)
	r.set(func(f *fake) {
		f.hold = func(context.Context) error {
			if first.CompareAndSwap(true, false) {
				close(entered)
				<-release
				return nil
			}
			panic("boom with a secret")
		}
	})
	var other error
	var done sync.WaitGroup
	done.Go(func() { _, other = r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "x"}) })
	<-entered
	panics := 0
	for _, c := range rpcs() {
		if c.seam {
			panics += 2
			_, err := c.overGRPC(t, r.conn)
			st := requireStatus(t, err, codes.Internal, "INTERNAL", "")
			require.NotContains(t, st.Message(), "secret")
			got := c.overHTTP(t, r)
			require.Equal(t, 500, got.code)
			require.NotContains(t, string(got.body), "secret")
		}
	}
	close(release)
	done.Wait()
	require.NoError(t, other, "the call that was at work meanwhile")
	require.Contains(t, r.logs.String(), "boom with a secret")
	require.Contains(t, r.logs.String(), "limits_test.go", "with the stack")
	require.EqualValues(t, panics, metric(t, r, "prediag_panics_total"))
}

func TestOverload(t *testing.T) {
	const most = 3
	r := start(t, Options{MaxInFlight: most})
	entered, release := make(chan struct{}, most), make(chan struct{})
	r.set(func(f *fake) {
		f.hold = func(context.Context) error { entered <- struct{}{}; <-release; return nil }
	})
	var done sync.WaitGroup
	failures := make(chan error, most)
	for range most {
		done.Go(func() {
			_, err := r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "x"})
			failures <- err
		})
	}
	for range most {
		<-entered
	}
	began := time.Now()
	_, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}})
	st := requireStatus(t, err, codes.ResourceExhausted, "OVERLOADED", "")
	require.Equal(t, time.Second, retryOf(st))
	require.Less(t, time.Since(began), 15*time.Second, "it does not wait")
	got := r.call(t, "GET", "/v1/search?query=x", nil)
	require.Equal(t, 429, got.code, "both protocols share the limit")
	require.Equal(t, "1", got.header.Get("Retry-After"))
	_, reason, _ := got.failure(t)
	require.Equal(t, "OVERLOADED", reason)
	_, err = healthpb.NewHealthClient(r.conn).Check(limit(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err, "a busy service is a healthy one")
	close(release)
	done.Wait()
	for range most {
		require.NoError(t, <-failures)
	}
	r.set(func(f *fake) { f.hold = nil })
	_, err = r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}})
	require.NoError(t, err, "the places are free again")
}

// decode runs raw bytes through the codec as a server does; nil when the request is refused.
func decode[M proto.Message](t *testing.T, raw []byte, m M) M {
	t.Helper()
	var none M
	if err := (lenientCodec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, m); err != nil {
		t.Fatal(err)
	}
	passed := false
	_, err := refuseUndecodable(t.Context(), m, nil, func(context.Context, any) (any, error) { passed = true; return nil, nil })
	if passed {
		return m
	}
	require.NotEmpty(t, reasonOf(statusOf(err)))
	return none
}

// FuzzBatchRequest sends raw bytes through the codec: what is refused has a reason, what passes is UTF-8 throughout.
func FuzzBatchRequest(f *testing.F) {
	f.Add([]byte{})
	f.Add(field(1, field(2, []byte("title")), field(3, []byte("\xff"))))
	f.Add(append(field(1, field(7, field(1, []byte("k")), field(2, []byte("v")))), field(2, []byte("id"))...))
	f.Add(field(1, field(8, protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1<<63))))
	f.Add([]byte(strings.Repeat("\x0b", 300)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := decode(t, raw, &pb.BatchTriageRequest{})
		if r == nil {
			err := proto.Unmarshal(raw, &pb.BatchTriageRequest{})
			path := badText(r.ProtoReflect().Descriptor(), raw)
			require.Equal(t, strings.Contains(err.Error(), "UTF-8"), path != "", "%v: %q", err, path)
			return
		}
		b := batchOf(r)
		require.Equal(t, len(r.GetTickets()), len(b.tickets)+len(b.refused))
		for i, place := range b.place {
			require.True(t, proto.Equal(withoutUnknown(r.GetTickets()[place]), ticketTo(b.tickets[i])) || !r.GetTickets()[place].GetCreateTime().AsTime().After(time.Time{}))
		}
	})
}

// withoutUnknown is a ticket without what the conversion does not carry on.
func withoutUnknown(t *pb.Ticket) *pb.Ticket {
	t = proto.CloneOf(t)
	t.ProtoReflect().SetUnknown(nil)
	if t.GetCreateTime() != nil {
		t.GetCreateTime().ProtoReflect().SetUnknown(nil)
	}
	return t
}
