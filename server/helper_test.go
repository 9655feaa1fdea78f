package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is what the clock of every test server says.
var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// fake is all parts in memory. A non-nil fail is what every part returns; hold is called by every part first.
type fake struct {
	mu         sync.Mutex
	fail       error
	hold       func(ctx context.Context) error
	diagnosis  func(t prediag.Ticket) prediag.Diagnosis
	recorded   map[prediag.RequestKey]prediag.Diagnosis
	made       int
	articles   []prediag.Article
	generation uint64
	refreshes  []prediag.Refresh
	cases      []prediag.Case
	keys       []prediag.RequestKey
	checks     []prediag.LabelCheck
	shadow     *ShadowStatus
	queries    []prediag.Query
	alike      []prediag.Ticket
	notReady   string
	searchOnly string
}

func newFake() *fake {
	f := &fake{recorded: make(map[prediag.RequestKey]prediag.Diagnosis), generation: 3, diagnosis: sampleDiagnosis}
	for i := range 25 {
		f.articles = append(f.articles, prediag.Article{
			ID: fmt.Sprintf("demo/a-%02d", i), Revision: "r1", Title: fmt.Sprintf("Disk full %d", i), Body: "free some space", Language: "en",
			Sections: []prediag.Section{{Path: []string{"Solution"}, Span: prediag.Span{Start: 0, End: 15}}},
		})
	}
	c := sampleDiagnosis(prediag.Ticket{ID: "T-9", Title: "no network"})
	f.cases = []prediag.Case{{ID: "c-1", Diagnosis: c, State: prediag.CaseOpen, Priority: 3, Created: noon}}
	return f
}

// enter is what every part does first.
func (f *fake) enter(ctx context.Context) error {
	f.mu.Lock()
	fail, hold := f.fail, f.hold
	f.mu.Unlock()
	if hold != nil {
		if err := hold(ctx); err != nil {
			return err
		}
	}
	return fail
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// checkTicket refuses what the contract of Triager says.
func checkTicket(t prediag.Ticket) error {
	if n := len(t.Title) + len(t.Body); n > prediag.MaxTicketBytes {
		return &prediag.Error{
			Kind: prediag.ErrTooLarge, Reason: "TICKET_TOO_LARGE", Field: "ticket.body",
			Message: fmt.Sprintf("title and body have %d bytes, at most %d are taken", n, prediag.MaxTicketBytes),
		}
	}
	if t.Blank() {
		return prediag.Invalid("TICKET_EMPTY", "ticket.body", "the ticket holds no text")
	}
	for k, v := range t.Fields {
		if !utf8.ValidString(k + v) {
			return prediag.Invalid("NOT_UTF8", "ticket.fields", "not UTF-8")
		}
	}
	return nil
}

func (f *fake) Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	ds, errs := f.Batch(ctx, []prediag.RequestKey{key}, []prediag.Ticket{t})
	return ds[0], errs[0]
}

func (f *fake) Batch(ctx context.Context, keys []prediag.RequestKey, ts []prediag.Ticket) ([]prediag.Diagnosis, []error) {
	ds, errs := make([]prediag.Diagnosis, len(ts)), make([]error, len(ts))
	fail := f.enter(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, keys...)
	for i := range ts {
		if errs[i] = fail; fail != nil {
			continue
		}
		ds[i], errs[i] = f.one(keys[i], ts[i])
	}
	return ds, errs
}

func (f *fake) one(key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	if err := checkTicket(t); err != nil {
		return prediag.Diagnosis{}, err
	}
	for k, d := range f.recorded {
		if key.Idempotent() && k.ID == key.ID && k.Method == key.Method {
			if k.Digest != key.Digest {
				return prediag.Diagnosis{}, &prediag.Error{Kind: prediag.ErrReused, Field: "request_id", Message: "used before"}
			}
			return d, nil
		}
	}
	d := f.diagnosis(t)
	f.made++
	d.ID = fmt.Sprintf("d-%d", f.made)
	if key.Idempotent() {
		f.recorded[key] = d
	}
	return d, nil
}

func (f *fake) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.Results{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, q)
	r := prediag.Results{Total: len(f.articles), Generation: f.generation}
	for i := q.Offset; i < min(q.Offset+q.Limit, len(f.articles)); i++ {
		r.Hits = append(r.Hits, prediag.Hit{ArticleID: f.articles[i].ID, Title: f.articles[i].Title, Score: float64(100 - i), Language: "en"})
	}
	if q.Facets {
		r.Facets = []prediag.Facet{{Name: "language", Values: []prediag.FacetValue{{Value: "en", Count: len(f.articles)}}}}
	}
	return r, nil
}

func (f *fake) Article(ctx context.Context, id string, _ []string) (prediag.Article, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.Article{}, err
	}
	for _, a := range f.articles {
		if a.ID == id {
			return a, nil
		}
	}
	return prediag.Article{}, fmt.Errorf("article: %w", prediag.ErrNotFound)
}

func (f *fake) Suggest(ctx context.Context, prefix string, _ []string, limit int) ([]string, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	var out []string
	for _, a := range f.articles {
		if len(out) < limit && strings.HasPrefix(strings.ToLower(a.Title), strings.ToLower(prefix)) {
			out = append(out, a.Title)
		}
	}
	return out, nil
}

func (f *fake) Start(ctx context.Context, _ bool) (prediag.Refresh, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.Refresh{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := prediag.Refresh{ID: fmt.Sprintf("op-%d", len(f.refreshes)+1), State: prediag.RefreshRunning, Stage: "parsing", Started: noon}
	f.refreshes = append(f.refreshes, r)
	return r, nil
}

func (f *fake) Refresh(id string) (prediag.Refresh, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.refreshes {
		if r.ID == id {
			return r, true
		}
	}
	return prediag.Refresh{}, false
}

func (f *fake) List(ctx context.Context, filter prediag.CaseFilter) (prediag.CasePage, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.CasePage{}, err
	}
	if filter.After != "" {
		return prediag.CasePage{}, prediag.Invalid("PAGE_TOKEN_INVALID", "page_token", "not a token")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return prediag.CasePage{Cases: f.cases[:min(filter.Limit, len(f.cases))], Open: len(f.cases)}, nil
}

// change applies a step to the case with an ID.
func (f *fake) change(ctx context.Context, key prediag.RequestKey, id string, step func(*prediag.Case)) (prediag.Case, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.Case{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, key)
	for i := range f.cases {
		if f.cases[i].ID == id || id == "" {
			step(&f.cases[i])
			return f.cases[i], nil
		}
	}
	return prediag.Case{}, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "CASE_NOT_FOUND", Message: "no such case"}
}

func (f *fake) Claim(ctx context.Context, key prediag.RequestKey, id, reviewer string, _ prediag.CaseFilter) (prediag.Case, error) {
	return f.change(ctx, key, id, func(c *prediag.Case) {
		c.State, c.ClaimedBy, c.LeaseUntil = prediag.CaseClaimed, reviewer, noon.Add(15*time.Minute)
	})
}

func (f *fake) Release(ctx context.Context, key prediag.RequestKey, id, _ string) (prediag.Case, error) {
	return f.change(ctx, key, id, func(c *prediag.Case) { c.State, c.ClaimedBy, c.LeaseUntil = prediag.CaseOpen, "", time.Time{} })
}

func (f *fake) Resolve(ctx context.Context, key prediag.RequestKey, id string, r prediag.Resolution) (prediag.Case, error) {
	return f.change(ctx, key, id, func(c *prediag.Case) { c.State, c.Resolution = prediag.CaseResolved, &r })
}

func (f *fake) Case(ctx context.Context, id string) (prediag.Case, error) {
	if id == "" {
		return prediag.Case{}, errors.New("a case without id was asked for")
	}
	return f.change(ctx, prediag.RequestKey{}, id, func(*prediag.Case) {})
}

func (f *fake) AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (int, error) {
	if err := f.enter(ctx); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, key)
	added := 0
	for _, c := range checks {
		if !slices.ContainsFunc(f.checks, func(k prediag.LabelCheck) bool { return k.Ticket.ID == c.Ticket.ID }) {
			f.checks = append(f.checks, c)
			added++
		}
	}
	return added, nil
}

// Alike lists all cases that are decided, each half as alike as the one before.
func (f *fake) Alike(ctx context.Context, t prediag.Ticket, limit int) ([]Alike, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alike = append(f.alike, t)
	out, r := []Alike{{CaseID: "c-gone", Resemblance: 1}}, 1.0
	for _, c := range f.cases {
		if c.Resolution != nil && len(out) < limit {
			r /= 2
			out = append(out, Alike{CaseID: c.ID, Article: c.Resolution.Article, Resemblance: r, SameArticle: r < 0.3})
		}
	}
	return out, nil
}

func (f *fake) Diagnosis(ctx context.Context, id string) (prediag.Diagnosis, error) {
	if err := f.enter(ctx); err != nil {
		return prediag.Diagnosis{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.cases {
		if c.Diagnosis.ID == id {
			return c.Diagnosis, nil
		}
	}
	return prediag.Diagnosis{}, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "DIAGNOSIS_NOT_FOUND", Message: "no such diagnosis"}
}

func (f *fake) status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{
		Generation: prediag.Generation{
			Number: f.generation, Created: noon.Add(-time.Hour), Articles: len(f.articles), Bytes: 4096,
			Languages: map[string]int{"en": len(f.articles)}, Sources: map[string]int{"demo": len(f.articles)},
		},
		Refreshed: noon.Add(-30 * time.Minute), NextRefresh: noon.Add(5 * time.Hour), Model: "m1", Policy: "p1", NotReady: f.notReady, SearchOnly: f.searchOnly, Shadow: f.shadow,
	}
	if n := len(f.refreshes); n > 0 {
		s.Refresh = &f.refreshes[n-1]
	}
	return s
}

// sampleDiagnosis is a diagnosis with every part of the answer set.
func sampleDiagnosis(t prediag.Ticket) prediag.Diagnosis {
	cite := prediag.Citation{
		ArticleID: "demo/acs-0013", Revision: "9f2c", Span: prediag.Span{Start: 40, End: 61}, Quote: "Restart the instance.",
		Title: "ACS.0013: start failure", URL: "https://docs.example.com/acs-0013",
	}
	code := prediag.FaultCode{Code: "ACS.0013", Message: "no capacity", Meaning: "the zone is full", Solution: "choose another zone", Product: "compute", Citation: cite}
	return prediag.Diagnosis{
		ID: "d-0", Ticket: t, Created: noon,
		Verdict: prediag.Verdict{
			Fields: []prediag.FieldVerdict{{
				Field: "category", Label: "compute/start-failure", Probability: 0.93,
				Alternatives: []prediag.Label{{Value: "compute/performance", Probability: 0.04}},
				Evidence:     []prediag.Evidence{{Kind: prediag.EvidenceNGram, Text: "cannot start", Weight: 2.5}},
			}},
			Language: "en", LanguageConfidence: 0.99, InScope: 0.97, Model: "m1",
		},
		Codes: []prediag.FaultCode{code}, Unknown: []string{"XYZ.0001"},
		Hits: []prediag.Hit{{
			ArticleID: "demo/acs-0013", Revision: "9f2c", Title: cite.Title, URL: cite.URL, Language: "en", Product: "compute",
			Category: "compute/start-failure", Kind: "errorcode", Group: "acs-0013", Updated: noon.Add(-24 * time.Hour), Score: 12.5, Coverage: 0.8,
			Passages: []prediag.Passage{{Heading: "Solution", Span: prediag.Span{Start: 40, End: 61}, Text: "Restart the instance.", Score: 4}},
			Why:      []string{"ACS.0013", "start"},
		}},
		Draft: prediag.Draft{
			Language: "en", Grounded: 1, Origin: "extractive", Missing: []string{"Which zone is it?"},
			Statements: []prediag.Statement{{Kind: prediag.StatementStep, Text: "Restart the instance.", Citations: []prediag.Citation{cite}}},
		},
		Solved: 0.71, Outcome: prediag.OutcomeSuggest,
		Reasons:  []prediag.Reason{{Code: prediag.ReasonLowConfidence, Field: "category", Detail: "0.93 is under 0.95"}},
		Handoff:  &prediag.Handoff{CaseID: "c-0", Tier: "L1", Queue: "compute", Priority: 3, Deadline: noon.Add(4 * time.Hour), Message: "A colleague looks at it."},
		Versions: prediag.Versions{Model: "m1", Taxonomy: "t1", Index: 3, Policy: "p1"},
		Degraded: []prediag.Degradation{prediag.DegradedIndexStale},
		Causes:   []prediag.Statement{{Kind: prediag.StatementCause, Text: "Restart the instance.", Citations: []prediag.Citation{cite}}},
		Related:  []prediag.Hit{{ArticleID: "demo/acs-0014", Revision: "77", Title: "ACS.0014", Language: "en", Updated: noon, Why: []string{"instance"}}},
	}
}

// running is a server on the loopback interface with a client of each kind.
type running struct {
	*fake
	srv       *Server
	conn      *grpc.ClientConn
	triage    pb.TriageServiceClient
	knowledge pb.KnowledgeServiceClient
	review    pb.ReviewServiceClient
	grpcAddr  string
	base      string // of HTTP
	web       *http.Client
	logs      *safeBuffer
	stop      context.CancelFunc
	stopped   chan error // gets what Serve returns
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func start(t testing.TB, opt Options) *running {
	t.Helper()
	r := &running{fake: newFake(), logs: &safeBuffer{}, stopped: make(chan error, 1)}
	if opt.Now == nil {
		opt.Now = func() time.Time { return noon }
	}
	opt.Logger = slog.New(slog.NewTextHandler(r.logs, nil))
	r.srv = New(Parts{Triager: r, Knowledge: r, Refresher: r, Queue: r, Record: r, Checks: r, Decided: r, Status: r.status}, opt)
	g, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.grpcAddr, r.base = cancel, g.Addr().String(), "http://"+h.Addr().String()
	finished := make(chan struct{})
	go func() { r.stopped <- r.srv.Serve(ctx, g, h); close(finished) }()
	r.conn, err = grpc.NewClient(r.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	r.triage, r.knowledge, r.review = pb.NewTriageServiceClient(r.conn), pb.NewKnowledgeServiceClient(r.conn), pb.NewReviewServiceClient(r.conn)
	r.web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
	t.Cleanup(func() {
		_ = r.conn.Close()
		r.web.CloseIdleConnections()
		cancel()
		<-finished
	})
	return r
}

// limit is a context for one call of a test.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// answer is an HTTP reply.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func (r *running) call(t testing.TB, method, path string, body io.Reader) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(limit(t), method, r.base+path, body)
	require.NoError(t, err)
	return r.do(t, req)
}

func (r *running) do(t testing.TB, req *http.Request) answer {
	t.Helper()
	resp, err := r.web.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, raw}
}

// webError is the JSON of an error.
type webError struct {
	Code    int
	Message string
	Details []struct {
		Type            string `json:"@type"`
		Reason          string
		Domain          string
		Metadata        map[string]string
		FieldViolations []struct{ Field, Description, Reason string }
		RetryDelay      string
	}
}

// failure reads an HTTP error, which must have an ErrorInfo of this service.
func (a answer) failure(t testing.TB) (e webError, reason, field string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, &e), "%d %.300q", a.code, a.body)
	for _, d := range e.Details {
		if d.Reason != "" {
			require.Equal(t, domain, d.Domain)
			reason = d.Reason
		}
		if len(d.FieldViolations) > 0 {
			field = d.FieldViolations[0].Field
		}
	}
	require.NotEmpty(t, reason, "%.300q", a.body)
	require.NotEmpty(t, e.Message)
	return e, reason, field
}

// requireStatus checks the code, the reason and the field of a gRPC error, and that it has what every error has.
func requireStatus(t testing.TB, err error, code codes.Code, reason, field string) *status.Status {
	t.Helper()
	require.Error(t, err)
	st := status.Convert(err)
	require.Equal(t, code, st.Code(), st.Message())
	info, ok := detail[*errdetails.ErrorInfo](st)
	require.True(t, ok, "no ErrorInfo: %v", st)
	require.Equal(t, domain, info.GetDomain())
	require.Equal(t, reason, info.GetReason())
	bad, _ := detail[*errdetails.BadRequest](st)
	got := ""
	if len(bad.GetFieldViolations()) > 0 {
		got = bad.GetFieldViolations()[0].GetField()
		require.Equal(t, reason, bad.GetFieldViolations()[0].GetReason())
	}
	require.Equal(t, field, got)
	require.NotEmpty(t, st.Message())
	return st
}

var errPlain = errors.New("open /secret/path: broken")
