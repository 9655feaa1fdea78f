package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// kindsOfErrors are errors that parts return, with what they must become.
func kindsOfErrors() map[string]struct {
	err    error
	code   codes.Code
	reason string
	retry  bool
} {
	type want = struct {
		err    error
		code   codes.Code
		reason string
		retry  bool
	}
	return map[string]want{
		"invalid":                             {fmt.Errorf("x: %w", prediag.ErrInvalid), codes.InvalidArgument, "INVALID_ARGUMENT", false},
		"too large":                           {fmt.Errorf("x: %w", prediag.ErrTooLarge), codes.InvalidArgument, "TOO_LARGE", false},
		"not found":                           {prediag.ErrNotFound, codes.NotFound, "NOT_FOUND", false},
		"reused":                              {prediag.ErrReused, codes.FailedPrecondition, "REQUEST_ID_REUSED", false},
		"stale":                               {prediag.ErrStale, codes.FailedPrecondition, "STALE", false},
		"conflict":                            {prediag.ErrConflict, codes.Aborted, "CONFLICT", false},
		"own reason":                          {&prediag.Error{Kind: prediag.ErrConflict, Reason: "CASE_CLAIMED", Message: "claimed"}, codes.Aborted, "CASE_CLAIMED", false},
		"overloaded":                          {prediag.ErrOverloaded, codes.ResourceExhausted, "OVERLOADED", true},
		"not ready":                           {prediag.ErrNotReady, codes.Unavailable, "NOT_READY", true},
		"locked":                              {prediag.ErrLocked, codes.Unavailable, "LOCKED", true},
		"damaged":                             {fmt.Errorf("/secret/path: %w", prediag.ErrDamaged), codes.DataLoss, "DAMAGED", false},
		"damaged here":                        {&prediag.Error{Kind: prediag.ErrDamaged, Reason: "STATE_DAMAGED", Message: "/secret/path"}, codes.DataLoss, "STATE_DAMAGED", false},
		"with a cause":                        {&prediag.Error{Kind: prediag.ErrOverloaded, Reason: "STATE_BUSY", Message: "busy", Err: errPlain}, codes.ResourceExhausted, "STATE_BUSY", true},
		"late":                                {fmt.Errorf("x: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "DEADLINE_EXCEEDED", false},
		"given up":                            {context.Canceled, codes.Canceled, "CANCELED", false},
		"unknown":                             {errPlain, codes.Internal, "INTERNAL", false},
		"no kind":                             {&prediag.Error{Kind: errors.New("other"), Message: "/secret/path"}, codes.Internal, "INTERNAL", false},
		"a bare status of another service":    {status.Error(codes.PermissionDenied, "no"), codes.PermissionDenied, "PERMISSION_DENIED", false},
		"a bare status of a method not there": {status.Error(codes.Unimplemented, "no"), codes.Unimplemented, "UNIMPLEMENTED", false},
	}
}

// No method ever answers an error without code, reason and domain, whatever a part says, and none tells the caller what
// is the operator's business.
func TestNoErrorComesWithoutErrorInfo(t *testing.T) {
	r := start(t, Options{})
	for _, c := range rpcs() {
		if !c.seam || c.name() == "BatchTriage" { // whose errors are those of its items
			continue
		}
		for name, want := range kindsOfErrors() {
			t.Run(c.name()+"/"+name, func(t *testing.T) {
				r.set(func(f *fake) { f.fail = want.err })
				defer r.set(func(f *fake) { f.fail = nil })
				reason := want.reason
				if c.name() == "GetArticle" && want.code == codes.NotFound {
					reason = "ARTICLE_NOT_FOUND" // which hides whether the article exists
				}
				var trailer metadata.MD
				_, err := c.overGRPC(t, r.conn, grpc.Trailer(&trailer))
				st := requireStatus(t, err, want.code, reason, "")
				require.Equal(t, want.retry, retryOf(st) > 0)
				require.Equal(t, []string{reason}, trailer.Get(reasonTrailer))
				require.NotContains(t, st.Message(), "secret")

				got := c.overHTTP(t, r)
				e, webReason, _ := got.failure(t)
				require.Equal(t, reason, webReason)
				require.EqualValues(t, want.code, e.Code)
				require.Equal(t, st.Message(), e.Message)
				require.Equal(t, want.retry, got.header.Get("Retry-After") != "")
				require.GreaterOrEqual(t, got.code, 400)
			})
		}
	}
	require.Contains(t, r.logs.String(), "secret", "the log has what callers do not get")
}

// An empty request is refused by every method that needs something in it, naming the field.
func TestEmptyRequests(t *testing.T) {
	r := start(t, Options{})
	for name, want := range map[string]struct{ reason, field string }{
		"Triage": {"TICKET_EMPTY", "ticket"}, "BatchTriage": {"BATCH_EMPTY", "tickets"}, "GetDiagnosis": {"FIELD_MISSING", "id"},
		"Search": {"QUERY_EMPTY", "query"}, "GetArticle": {"FIELD_MISSING", "id"}, "Suggest": {"FIELD_MISSING", "query"},
		"GetOperation": {"FIELD_MISSING", "id"}, "ClaimCase": {"FIELD_MISSING", "reviewer"}, "ReleaseCase": {"FIELD_MISSING", "id"},
		"ResolveCase": {"FIELD_MISSING", "id"}, "GetCase": {"FIELD_MISSING", "id"}, "AddLabelChecks": {"BATCH_EMPTY", "checks"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range rpcs() {
				if c.name() == name {
					c.request = c.request.ProtoReflect().New().Interface()
					_, err := c.overGRPC(t, r.conn)
					requireStatus(t, err, codes.InvalidArgument, want.reason, want.field)
				}
			}
		})
	}
}

func TestFaultyFields(t *testing.T) {
	r := start(t, Options{})
	long := strings.Repeat("x", 4000)
	many := make([]string, maxFilter+1)
	labels := make(map[string]string)
	for i := range prediag.MaxTicketFields + 1 {
		labels[fmt.Sprint(i)] = "x"
	}
	good := pb.ResolutionAction_RESOLUTION_ACTION_ACCEPTED
	resolve := func(res *pb.Resolution) error {
		_, err := r.review.ResolveCase(limit(t), &pb.ResolveCaseRequest{Id: "c-1", Resolution: res})
		return err
	}
	search := func(q *pb.SearchRequest) error {
		_, err := r.knowledge.Search(limit(t), q)
		return err
	}
	list := func(q *pb.ListCasesRequest) error {
		_, err := r.review.ListCases(limit(t), q)
		return err
	}
	triage := func(q *pb.TriageRequest) error {
		_, err := r.triage.Triage(limit(t), q)
		return err
	}
	future := timeTo(noon)
	future.Seconds = 1 << 60
	for name, c := range map[string]struct {
		err           error
		reason, field string
	}{
		"request id":        {triage(&pb.TriageRequest{Ticket: &pb.Ticket{Title: "x"}, RequestId: long}), "FIELD_TOO_LARGE", "request_id"},
		"time":              {triage(&pb.TriageRequest{Ticket: &pb.Ticket{Title: "x", CreateTime: future}}), "TIME_INVALID", "ticket.create_time"},
		"blank ticket":      {triage(&pb.TriageRequest{Ticket: &pb.Ticket{Title: " \n"}}), "TICKET_EMPTY", "ticket.body"},
		"blank query":       {search(&pb.SearchRequest{Query: " \t "}), "QUERY_EMPTY", "query"},
		"long query":        {search(&pb.SearchRequest{Query: strings.Repeat("磁", prediag.MaxQueryRunes+1)}), "QUERY_TOO_LONG", "query"},
		"huge query":        {search(&pb.SearchRequest{Query: strings.Repeat("x", 1<<20)}), "FIELD_TOO_LARGE", "query"},
		"negative page":     {search(&pb.SearchRequest{Query: "x", PageSize: -1}), "PAGE_SIZE_INVALID", "page_size"},
		"too many filters":  {search(&pb.SearchRequest{Query: "x", Products: many}), "TOO_MANY_VALUES", "products"},
		"long filter":       {search(&pb.SearchRequest{Query: "x", Kinds: []string{"faq", long}}), "FIELD_TOO_LARGE", "kinds[1]"},
		"unknown state":     {list(&pb.ListCasesRequest{States: []pb.CaseState{77}}), "STATE_UNKNOWN", "states"},
		"unspecified state": {list(&pb.ListCasesRequest{States: []pb.CaseState{0}}), "STATE_UNKNOWN", "states"},
		"too many states":   {list(&pb.ListCasesRequest{States: make([]pb.CaseState, 1000)}), "TOO_MANY_VALUES", "states"},
		"case token":        {list(&pb.ListCasesRequest{PageToken: "x"}), "PAGE_TOKEN_INVALID", "page_token"},
		"unknown action":    {resolve(&pb.Resolution{Reviewer: "ann", Action: 9}), "ACTION_UNKNOWN", "resolution.action"},
		"no action":         {resolve(&pb.Resolution{Reviewer: "ann"}), "ACTION_UNKNOWN", "resolution.action"},
		"no reviewer":       {resolve(&pb.Resolution{Action: good}), "FIELD_MISSING", "resolution.reviewer"},
		"long note":         {resolve(&pb.Resolution{Reviewer: "a", Action: good, Note: strings.Repeat("x", maxNote+1)}), "FIELD_TOO_LARGE", "resolution.note"},
		"many labels":       {resolve(&pb.Resolution{Reviewer: "a", Action: good, Labels: labels}), "TOO_MANY_VALUES", "resolution.labels"},
		"long label":        {resolve(&pb.Resolution{Reviewer: "a", Action: good, Labels: map[string]string{"tier": long}}), "FIELD_TOO_LARGE", `resolution.labels["tier"]`},
	} {
		t.Run(name, func(t *testing.T) { requireStatus(t, c.err, codes.InvalidArgument, c.reason, c.field) })
	}
}

func TestUnknownMethod(t *testing.T) {
	r := start(t, Options{})
	for _, m := range []string{"/prediag.v1.TriageService/Nothing", "/no.such.Service/Call"} {
		err := r.conn.Invoke(limit(t), m, &pb.GetStatusRequest{}, &pb.GetStatusResponse{})
		requireStatus(t, err, codes.Unimplemented, "METHOD_UNKNOWN", "")
	}
}

func TestBadRequestDescribesWhatTheErrorSays(t *testing.T) {
	st := statusOf(prediag.Invalid("R", "f", "f is wrong: mend it"))
	bad, ok := detail[*errdetails.BadRequest](st)
	require.True(t, ok)
	require.Equal(t, "f is wrong: mend it", bad.GetFieldViolations()[0].GetDescription())
	bad, _ = detail[*errdetails.BadRequest](statusOf(prediag.Invalid("R", "resolution.article", "m")))
	require.Equal(t, "resolution.article_id", bad.GetFieldViolations()[0].GetField(), "the name in the request")
}

// What an error quotes of its input is bounded and is text, or the error itself could not be sent.
func TestErrorsQuoteLittle(t *testing.T) {
	r := start(t, Options{})
	long := strings.Repeat("字", 100_000)
	for name, fail := range map[string]error{
		"message": prediag.Invalid("R", "query", long), "field": prediag.Invalid("R", long, "m"), "bytes": prediag.Invalid("R", "\xff", "\xfe"),
		"cause": &prediag.Error{Kind: prediag.ErrInvalid, Message: "m", Err: errors.New(long)}, "status": status.Error(codes.NotFound, long+"\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			r.set(func(f *fake) { f.fail = fail })
			_, err := r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "x"})
			st := status.Convert(err)
			require.NotEmpty(t, reasonOf(st))
			require.Less(t, proto.Size(st.Proto()), 4000)
			require.NotEqual(t, codes.Internal, st.Code())
			require.Equal(t, st.Message(), strings.ToValidUTF8(st.Message(), "?"))
			require.Equal(t, runtime.HTTPStatusFromCode(st.Code()), r.call(t, "GET", "/v1/search?query=x", nil).code)
		})
	}
	require.Equal(t, "字…", shown("字字字", 8))
	require.Equal(t, "字字", shown("字字", 6))
	require.Equal(t, "a\uFFFD", shown("a\xff", 6))
	got := r.call(t, "POST", "/v1/triage", strings.NewReader(`{"ticket":{"createTime":"`+long+`"}}`))
	require.Equal(t, 400, got.code)
	require.Less(t, len(got.body), 4000)
}
