package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// rpc is one method with a request that the fake parts answer, over both protocols.
type rpc struct {
	method  string // full, as gRPC names it
	request proto.Message
	verb    string
	path    string
	body    bool   // the request travels as the body, not in path and query
	seam    bool   // the answer comes from a part, which may fail
	want    string // in the JSON of the answer
}

func rpcs() []rpc {
	ticket := &pb.Ticket{Id: "T-1", Title: "cannot start", Body: "ACS.0013 无法启动"}
	decision := &pb.Resolution{Reviewer: "ann", Action: pb.ResolutionAction_RESOLUTION_ACTION_ACCEPTED}
	return []rpc{
		{pb.TriageService_Triage_FullMethodName, &pb.TriageRequest{Ticket: ticket}, "POST", "/v1/triage", true, true, "OUTCOME_SUGGEST"},
		{pb.TriageService_BatchTriage_FullMethodName, &pb.BatchTriageRequest{Tickets: []*pb.Ticket{ticket}}, "POST", "/v1/triage:batch", true, true, "OUTCOME_SUGGEST"},
		{pb.TriageService_GetDiagnosis_FullMethodName, &pb.GetDiagnosisRequest{Id: "d-0"}, "GET", "/v1/diagnoses/d-0", false, true, "T-9"},
		{pb.KnowledgeService_Search_FullMethodName, &pb.SearchRequest{Query: "disk 磁盘", Languages: []string{"en", "zh"}, PageSize: 3}, "GET", "/v1/search?query=disk+%E7%A3%81%E7%9B%98&languages=en&languages=zh&page_size=3", false, true, "demo/a-02"},
		{pb.KnowledgeService_GetArticle_FullMethodName, &pb.GetArticleRequest{Id: "demo/a-07"}, "GET", "/v1/articles/demo/a-07", false, true, "Disk full 7"},
		{pb.KnowledgeService_Suggest_FullMethodName, &pb.SuggestRequest{Query: "disk"}, "GET", "/v1/suggest?query=disk", false, true, "Disk full 4"},
		{pb.KnowledgeService_Refresh_FullMethodName, &pb.RefreshRequest{}, "POST", "/v1/refresh", true, true, "OPERATION_STATE_RUNNING"},
		{pb.KnowledgeService_GetOperation_FullMethodName, &pb.GetOperationRequest{Id: "op-1"}, "GET", "/v1/operations/op-1", false, false, "parsing"},
		{pb.KnowledgeService_GetStatus_FullMethodName, &pb.GetStatusRequest{}, "GET", "/v1/status", false, false, `"modelVersion":"m1"`},
		{pb.ReviewService_ListCases_FullMethodName, &pb.ListCasesRequest{}, "GET", "/v1/cases", false, true, "CASE_STATE_OPEN"},
		{pb.ReviewService_GetCase_FullMethodName, &pb.GetCaseRequest{Id: "c-1"}, "GET", "/v1/cases/c-1", false, true, "CASE_STATE_OPEN"},
		{pb.ReviewService_ClaimCase_FullMethodName, &pb.ClaimCaseRequest{Id: "c-1", Reviewer: "ann"}, "POST", "/v1/cases/c-1:claim", true, true, `"lease":"900s"`},
		{pb.ReviewService_ReleaseCase_FullMethodName, &pb.ReleaseCaseRequest{Id: "c-1", Reviewer: "ann"}, "POST", "/v1/cases/c-1:release", true, true, "CASE_STATE_OPEN"},
		{pb.ReviewService_ResolveCase_FullMethodName, &pb.ResolveCaseRequest{Id: "c-1", Resolution: decision}, "POST", "/v1/cases/c-1:resolve", true, true, "CASE_STATE_RESOLVED"},
		{pb.ReviewService_FindSimilarCases_FullMethodName, &pb.FindSimilarCasesRequest{Text: "no network"}, "GET", "/v1/cases:similar?text=no+network", false, true, `"nextPageToken":`},
		{pb.ReviewService_AddLabelChecks_FullMethodName, &pb.AddLabelChecksRequest{Checks: []*pb.LabelCheck{sampleCheck()}}, "POST", "/v1/cases:addLabelChecks", true, true, `"known":`},
	}
}

func sampleCheck() *pb.LabelCheck {
	return &pb.LabelCheck{Ticket: &pb.Ticket{Id: "T-1", Title: "cannot start"}, Field: "category", Label: "storage", SuggestedLabel: "compute",
		LabelProbability: 0.01, SuggestedProbability: 0.9}
}

// methods are the descriptors of all methods of the API by full name.
func methods() map[string]protoreflect.MethodDescriptor {
	out := make(map[string]protoreflect.MethodDescriptor)
	for _, file := range []protoreflect.FileDescriptor{pb.File_prediag_v1_triage_proto, pb.File_prediag_v1_knowledge_proto, pb.File_prediag_v1_review_proto} {
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			for j := range s.Methods().Len() {
				out[fmt.Sprintf("/%s/%s", s.FullName(), s.Methods().Get(j).Name())] = s.Methods().Get(j)
			}
		}
	}
	return out
}

func (c rpc) name() string { return c.method[strings.LastIndexByte(c.method, '/')+1:] }

func (c rpc) overGRPC(t testing.TB, conn *grpc.ClientConn, opts ...grpc.CallOption) (proto.Message, error) {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(methods()[c.method].Output().FullName())
	require.NoError(t, err)
	reply := kind.New().Interface()
	return reply, conn.Invoke(limit(t), c.method, c.request, reply, opts...)
}

func (c rpc) overHTTP(t testing.TB, r *running) answer {
	t.Helper()
	if !c.body {
		return r.call(t, c.verb, c.path, nil)
	}
	raw, err := protojson.Marshal(c.request)
	require.NoError(t, err)
	return r.call(t, c.verb, c.path, bytes.NewReader(raw))
}

func TestTheTableHasEveryMethod(t *testing.T) {
	known := make(map[string]bool)
	for _, c := range rpcs() {
		known[c.method] = true
	}
	for m := range methods() {
		require.True(t, known[m], m)
	}
	require.Len(t, known, len(methods()))
}

func TestEveryMethodOverBothProtocols(t *testing.T) {
	r := start(t, Options{})
	_, err := r.Start(context.Background(), false) // the operation that GetOperation asks for
	require.NoError(t, err)
	for _, c := range rpcs() {
		t.Run(c.name(), func(t *testing.T) {
			reply, err := c.overGRPC(t, r.conn)
			require.NoError(t, err)
			raw, err := newWireJSON().Marshal(reply)
			require.NoError(t, err)
			require.Contains(t, string(raw), c.want)

			got := c.overHTTP(t, r)
			require.Equal(t, http.StatusOK, got.code, "%s", got.body)
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
			require.Contains(t, string(got.body), c.want)
			if !strings.Contains("Triage BatchTriage Refresh AddLabelChecks", c.name()) { // these make something new each time
				require.Equal(t, string(raw), string(got.body), "both protocols answer the same")
			}
		})
	}
}

func TestTriageReturnsTheDiagnosisOfTheTicket(t *testing.T) {
	r := start(t, Options{})
	ticket := prediag.Ticket{
		ID: "T-1", Title: "启动失败", Body: "ACS.0013", Language: "zh", Product: "compute", Codes: []string{"ACS.0013"},
		Fields: map[string]string{"channel": "phone"}, Created: noon,
	}
	got, err := r.triage.Triage(limit(t), &pb.TriageRequest{Ticket: ticketTo(ticket)})
	require.NoError(t, err)
	want := sampleDiagnosis(ticket)
	want.ID = "d-1"
	require.Equal(t, want, diagnosisFrom(got.GetDiagnosis()))
}

func TestStatusNamesAgeAndCounts(t *testing.T) {
	r := start(t, Options{})
	s, err := r.knowledge.GetStatus(limit(t), &pb.GetStatusRequest{})
	require.NoError(t, err)
	require.Equal(t, 30*time.Minute, s.GetAge().AsDuration())
	require.EqualValues(t, 3, s.GetGeneration())
	require.Equal(t, map[string]uint32{"en": 25}, s.GetLanguages())
	require.Equal(t, noon.Add(5*time.Hour), s.GetNextRefreshTime().AsTime())
	require.Nil(t, s.GetRefresh())
}

// The service decides when a case was resolved, and a repeat is told by request_id, method and content.
func TestReviewCallsHandOnKeyAndTime(t *testing.T) {
	r := start(t, Options{})
	decision := &pb.Resolution{
		Reviewer: "ann", Action: pb.ResolutionAction_RESOLUTION_ACTION_CORRECTED, Labels: map[string]string{"category": "network/dns"},
		Time: timeTo(noon.Add(-1000 * time.Hour)),
	}
	for _, id := range []string{"req-1", "req-2"} {
		got, err := r.review.ResolveCase(limit(t), &pb.ResolveCaseRequest{Id: "c-1", Resolution: decision, RequestId: id})
		require.NoError(t, err)
		require.Equal(t, noon, got.GetCase().GetResolution().GetTime().AsTime())
		require.Equal(t, map[string]string{"category": "network/dns"}, got.GetCase().GetResolution().GetLabels())
	}
	require.Len(t, r.keys, 2)
	require.Equal(t, "ResolveCase", r.keys[0].Method)
	require.Equal(t, "req-1", r.keys[0].ID)
	require.NotEmpty(t, r.keys[0].Digest)
	require.Equal(t, r.keys[0].Digest, r.keys[1].Digest, "the digest does not depend on the request_id")
	_, err := r.review.ResolveCase(limit(t), &pb.ResolveCaseRequest{Id: "c-2", Resolution: decision, RequestId: "req-3"})
	requireStatus(t, err, codes.NotFound, "CASE_NOT_FOUND", "")
	require.NotEqual(t, r.keys[0].Digest, r.keys[2].Digest, "the digest covers the case")
}

func TestTriageIsIdempotentByRequestID(t *testing.T) {
	r := start(t, Options{})
	request := &pb.TriageRequest{Ticket: &pb.Ticket{Title: "no network"}, RequestId: "q-1"}
	first, err := r.triage.Triage(limit(t), request)
	require.NoError(t, err)
	again, err := r.triage.Triage(limit(t), request)
	require.NoError(t, err)
	require.True(t, proto.Equal(first, again))
	request.Ticket.Title = "another"
	_, err = r.triage.Triage(limit(t), request)
	requireStatus(t, err, codes.FailedPrecondition, "REQUEST_ID_REUSED", "request_id")

	batch := &pb.BatchTriageRequest{Tickets: []*pb.Ticket{{Title: "a"}, {Title: "b"}}, RequestId: "q-1"}
	one, err := r.triage.BatchTriage(limit(t), batch)
	require.NoError(t, err)
	require.NotEqual(t, one.GetResults()[0].GetDiagnosis().GetId(), one.GetResults()[1].GetDiagnosis().GetId())
	two, err := r.triage.BatchTriage(limit(t), batch)
	require.NoError(t, err)
	require.True(t, proto.Equal(one, two))
}

func TestRefreshIsIdempotentByRequestID(t *testing.T) {
	r := start(t, Options{})
	refresh := func(id string, force bool) (string, error) {
		got, err := r.knowledge.Refresh(limit(t), &pb.RefreshRequest{RequestId: id, Force: force})
		return got.GetOperation().GetId(), err
	}
	for _, step := range []struct {
		id    string
		force bool
		want  string
	}{{"", false, "op-1"}, {"", false, "op-2"}, {"a", false, "op-3"}, {"a", false, "op-3"}, {"b", true, "op-4"}, {"b", true, "op-4"}, {"a", false, "op-3"}} {
		got, err := refresh(step.id, step.force)
		require.NoError(t, err)
		require.Equal(t, step.want, got, "%+v", step)
	}
	_, err := refresh("a", true)
	requireStatus(t, err, codes.FailedPrecondition, "REQUEST_ID_REUSED", "request_id")
	got := r.call(t, "POST", "/v1/refresh", strings.NewReader(`{"requestId":"a","force":true}`))
	require.Equal(t, http.StatusBadRequest, got.code)

	for i := range maxRemembered { // the oldest are forgotten, so that the memory stays bounded
		_, err := refresh(fmt.Sprintf("many-%d", i), false)
		require.NoError(t, err)
	}
	id, err := refresh("a", true)
	require.NoError(t, err)
	require.NotEqual(t, "op-3", id)
}

func TestAFailedRefreshIsNotRemembered(t *testing.T) {
	r := start(t, Options{})
	r.set(func(f *fake) { f.fail = prediag.ErrNotReady })
	_, err := r.knowledge.Refresh(limit(t), &pb.RefreshRequest{RequestId: "a"})
	requireStatus(t, err, codes.Unavailable, "NOT_READY", "")
	r.set(func(f *fake) { f.fail = nil })
	got, err := r.knowledge.Refresh(limit(t), &pb.RefreshRequest{RequestId: "a"})
	require.NoError(t, err)
	require.Equal(t, "op-1", got.GetOperation().GetId())
}

func TestBatchReportsEachTicketOnItsOwn(t *testing.T) {
	r := start(t, Options{})
	wrongTime := timeTo(noon)
	wrongTime.Nanos = -1
	got, err := r.triage.BatchTriage(limit(t), &pb.BatchTriageRequest{RequestId: "b", Tickets: []*pb.Ticket{
		{Title: "first"}, {Title: " "}, {Title: "x", CreateTime: wrongTime}, {Body: strings.Repeat("a", prediag.MaxTicketBytes+1)}, {Title: "last"},
	}})
	require.NoError(t, err)
	require.Len(t, got.GetResults(), 5)
	require.Equal(t, "first", got.GetResults()[0].GetDiagnosis().GetTicket().GetTitle())
	require.Equal(t, "last", got.GetResults()[4].GetDiagnosis().GetTicket().GetTitle())
	require.Empty(t, got.GetResults()[0].GetDiagnosis().GetHits()[0].GetPassages())
	for i, want := range map[int]struct{ reason, field string }{
		1: {"TICKET_EMPTY", "tickets[1].body"}, 2: {"TIME_INVALID", "tickets[2].create_time"}, 3: {"TICKET_TOO_LARGE", "tickets[3].body"},
	} {
		e := got.GetResults()[i].GetError()
		require.Equal(t, want.reason, e.GetReason())
		require.Equal(t, want.field, e.GetField())
		require.EqualValues(t, codes.InvalidArgument, e.GetCode())
		require.NotEmpty(t, e.GetMessage())
	}
	require.Len(t, r.keys, 4, "the ticket with the wrong time never reaches the pipeline")
	require.Equal(t, "b#4", r.keys[3].ID, "a ticket keeps its own place under the request_id")
}

func TestBatchItemOfTheServicesFaultIsLogged(t *testing.T) {
	r := start(t, Options{})
	r.set(func(f *fake) { f.fail = errPlain })
	got, err := r.triage.BatchTriage(limit(t), &pb.BatchTriageRequest{Tickets: []*pb.Ticket{{Title: "a"}}})
	require.NoError(t, err)
	e := got.GetResults()[0].GetError()
	require.EqualValues(t, codes.Internal, e.GetCode())
	require.Equal(t, "INTERNAL", e.GetReason())
	require.NotContains(t, e.GetMessage(), "secret")
	require.Contains(t, r.logs.String(), "secret")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	client := healthpb.NewHealthClient(r.conn)
	for _, service := range []string{"", "prediag.v1.TriageService", "prediag.v1.KnowledgeService", "prediag.v1.ReviewService"} {
		got, err := client.Check(limit(t), &healthpb.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.GetStatus())
	}
	_, err := client.Check(limit(t), &healthpb.HealthCheckRequest{Service: "no.such"})
	requireStatus(t, err, codes.NotFound, "NOT_FOUND", "")

	watch, err := client.Watch(limit(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	got, err := watch.Recv()
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, got.GetStatus())
	require.Equal(t, http.StatusOK, r.call(t, "GET", "/readyz", nil).code)
	r.set(func(f *fake) { f.notReady = "no model" })
	got, err = watch.Recv()
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, got.GetStatus())
	ready := r.call(t, "GET", "/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, ready.code)
	require.Contains(t, string(ready.body), "no model")
	require.Equal(t, http.StatusOK, r.call(t, "GET", "/healthz", nil).code, "alive is not the same as ready")
}

func TestHealthOfASearchOnlyService(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	client := healthpb.NewHealthClient(r.conn)
	r.set(func(f *fake) { f.searchOnly = "the folder is read-only" })
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"": healthpb.HealthCheckResponse_SERVING, "prediag.v1.KnowledgeService": healthpb.HealthCheckResponse_SERVING,
		"prediag.v1.TriageService": healthpb.HealthCheckResponse_NOT_SERVING, "prediag.v1.ReviewService": healthpb.HealthCheckResponse_NOT_SERVING,
	} {
		require.Eventually(t, func() bool {
			got, err := client.Check(limit(t), &healthpb.HealthCheckRequest{Service: service})
			return err == nil && got.GetStatus() == want
		}, 30*time.Second, 20*time.Millisecond, service)
	}
}

func TestReflectionListsTheServices(t *testing.T) {
	r := start(t, Options{})
	stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(limit(t))
	require.NoError(t, err)
	require.NoError(t, stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	}))
	got, err := stream.Recv()
	require.NoError(t, err)
	var names []string
	for _, s := range got.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	require.Subset(t, names, []string{
		"prediag.v1.TriageService", "prediag.v1.KnowledgeService", "prediag.v1.ReviewService", "grpc.health.v1.Health",
	})
	require.NoError(t, stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "prediag.v1.TriageService"},
	}))
	got, err = stream.Recv()
	require.NoError(t, err)
	require.NotEmpty(t, got.GetFileDescriptorResponse().GetFileDescriptorProto())
	require.NoError(t, stream.CloseSend())
}

// The client gets back the kind, the reason, the field and the delay of an error that the service was given.
func TestClientErrorsKeepTheirKind(t *testing.T) {
	r := start(t, Options{})
	client, err := Dial(r.grpcAddr)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	for _, row := range table() {
		t.Run(row.reason, func(t *testing.T) {
			r.set(func(f *fake) {
				f.fail = &prediag.Error{Kind: row.kind, Reason: "SOME_REASON", Field: "query", Message: "m", RetryAfter: 7 * time.Second}
			})
			_, err := client.Search(limit(t), prediag.Query{Text: "x"})
			require.ErrorIs(t, err, row.kind)
			var e *prediag.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "SOME_REASON", e.Reason)
			require.Equal(t, "query", e.Field)
			require.Equal(t, 7*time.Second, e.RetryAfter)
		})
	}
	r.set(func(f *fake) { f.fail = errPlain })
	_, err = client.Search(limit(t), prediag.Query{Text: "x"})
	require.ErrorIs(t, err, errFailed)
}

func TestClientSpeaksTheDomain(t *testing.T) {
	r := start(t, Options{})
	client, err := Dial(r.grpcAddr)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	ticket := prediag.Ticket{ID: "T-1", Title: "no network"}
	want := sampleDiagnosis(ticket)
	want.ID = "d-1"
	d, err := client.Triage(limit(t), prediag.RequestKey{ID: "x"}, ticket)
	require.NoError(t, err)
	require.Equal(t, want, d)
	found, err := client.Search(limit(t), prediag.Query{Text: "disk", Limit: 2, Facets: true})
	require.NoError(t, err)
	require.Equal(t, 25, found.Total)
	require.Len(t, found.Hits, 2)
	require.Len(t, found.Facets, 1)
	a, err := client.Article(limit(t), "demo/a-01", nil)
	require.NoError(t, err)
	require.Equal(t, r.articles[1], a)
	op, err := client.Start(limit(t), true)
	require.NoError(t, err)
	op2, err := client.Operation(limit(t), op.ID)
	require.NoError(t, err)
	require.Equal(t, op, op2)
	page, err := client.List(limit(t), prediag.CaseFilter{States: []prediag.CaseState{prediag.CaseOpen}})
	require.NoError(t, err)
	require.Equal(t, r.cases, page.Cases)
	claimed, err := client.Claim(limit(t), prediag.RequestKey{}, "c-1", "ann", prediag.CaseFilter{})
	require.NoError(t, err)
	require.Equal(t, "ann", claimed.ClaimedBy)
	_, err = client.Release(limit(t), prediag.RequestKey{}, "c-1", "ann")
	require.NoError(t, err)
	done, err := client.Resolve(limit(t), prediag.RequestKey{}, "c-1", prediag.Resolution{Reviewer: "ann", Action: prediag.ActionAccepted})
	require.NoError(t, err)
	require.Equal(t, prediag.CaseResolved, done.State)
	require.Equal(t, noon, done.Resolution.At)
}

func TestClientSaysThatNobodyAnswers(t *testing.T) {
	client, err := Dial("127.0.0.1:1")
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	_, err = client.Search(limit(t), prediag.Query{Text: "x"})
	require.ErrorIs(t, err, prediag.ErrNotReady)
	require.ErrorContains(t, err, "is it running?")
}

// Articles have IDs of all sorts; each must be reachable as a path.
func TestArticleIDsInPaths(t *testing.T) {
	r := start(t, Options{})
	ids := []string{"a", "a/b/c", "a//b", "src:doc#1", "如何/重启", "50% off", "a b+c", "q?x=1", "x:claim", "...", "a%2Fb"}
	for _, id := range ids {
		r.articles = append(r.articles, prediag.Article{ID: id, Title: "T " + id})
	}
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			got := r.call(t, "GET", "/v1/articles/"+url.PathEscape(id), nil)
			require.Equal(t, 200, got.code, "%s", got.body)
			var m struct{ Article struct{ ID string } }
			require.NoError(t, json.Unmarshal(got.body, &m))
			require.Equal(t, id, m.Article.ID)
		})
	}
}
