package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// Client calls a running service and speaks the words of package prediag: the command line uses it when a service holds
// the data folder. Its errors have the kinds that the service's errors had.
type Client struct {
	conn      *grpc.ClientConn
	triage    pb.TriageServiceClient
	knowledge pb.KnowledgeServiceClient
	review    pb.ReviewServiceClient
}

// Dial prepares a client for addr ("host:port"). The connection is made at the first call; a service that does not
// answer gives an error of kind prediag.ErrNotReady.
func Dial(addr string) (*Client, error) {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)))
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", addr, err)
	}
	return &Client{
		conn: conn, triage: pb.NewTriageServiceClient(conn), knowledge: pb.NewKnowledgeServiceClient(conn), review: pb.NewReviewServiceClient(conn),
	}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Triage diagnoses a ticket.
func (c *Client) Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	r, err := c.triage.Triage(ctx, &pb.TriageRequest{Ticket: ticketTo(t), RequestId: key.ID})
	return diagnosisFrom(r.GetDiagnosis()), errorFrom(err)
}

// Search finds articles. Query.Offset must be 0: the service pages by token.
func (c *Client) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	order := pb.SearchOrder_SEARCH_ORDER_RELEVANCE
	if q.Newest {
		order = pb.SearchOrder_SEARCH_ORDER_NEWEST
	}
	r, err := c.knowledge.Search(ctx, &pb.SearchRequest{
		Query: q.Text, Like: q.Like, Languages: q.Languages, Products: q.Products, Kinds: q.Kinds, Categories: q.Categories,
		UpdatedAfter: timeTo(q.Since), Order: order, Typed: q.Typed, Highlight: q.Highlight, PageSize: int32(q.Limit), Facets: q.Facets,
	})
	return resultsFrom(r), errorFrom(err)
}

// Article returns an article. The audience is the service's business, not the caller's.
func (c *Client) Article(ctx context.Context, id string, _ []string) (prediag.Article, error) {
	r, err := c.knowledge.GetArticle(ctx, &pb.GetArticleRequest{Id: id})
	return articleFrom(r.GetArticle()), errorFrom(err)
}

// Start begins a renewal of the index, or returns the one that runs.
func (c *Client) Start(ctx context.Context, force bool) (prediag.Refresh, error) {
	r, err := c.knowledge.Refresh(ctx, &pb.RefreshRequest{Force: force})
	return operationFrom(r.GetOperation()), errorFrom(err)
}

// Operation returns a renewal by its ID.
func (c *Client) Operation(ctx context.Context, id string) (prediag.Refresh, error) {
	r, err := c.knowledge.GetOperation(ctx, &pb.GetOperationRequest{Id: id})
	return operationFrom(r.GetOperation()), errorFrom(err)
}

// Status returns the state of the service, as far as it tells it.
func (c *Client) Status(ctx context.Context) (Status, error) {
	r, err := c.knowledge.GetStatus(ctx, &pb.GetStatusRequest{})
	if err != nil {
		return Status{}, errorFrom(err)
	}
	st := Status{
		Generation: prediag.Generation{Number: uint64(r.GetGeneration()), Created: timeFrom(r.GetGenerationTime()), Articles: int(r.GetArticles()), Bytes: r.GetBytes(),
			Languages: countsFrom(r.GetLanguages()), Sources: countsFrom(r.GetSources())},
		Refreshed: timeFrom(r.GetRefreshTime()), IndexStale: r.GetKbStale(), NextRefresh: timeFrom(r.GetNextRefreshTime()), Model: r.GetModelVersion(), Policy: r.GetPolicyVersion(), Degraded: r.GetDegraded(),
	}
	if op := r.GetRefresh(); op != nil {
		refresh := operationFrom(op)
		st.Refresh = &refresh
	}
	return st, nil
}

// List returns a page of cases.
func (c *Client) List(ctx context.Context, f prediag.CaseFilter) (prediag.CasePage, error) {
	r, err := c.review.ListCases(ctx, &pb.ListCasesRequest{
		States: mapped(f.States, caseStates().to), Queue: f.Queue, Tier: f.Tier, PageSize: int32(f.Limit), PageToken: f.After,
	})
	return prediag.CasePage{Cases: mapped(r.GetCases(), caseFrom), Next: r.GetNextPageToken(), Open: int(r.GetOpenCount())}, errorFrom(err)
}

// Case returns a case as it stands now.
func (c *Client) Case(ctx context.Context, id string) (prediag.Case, error) {
	r, err := c.review.GetCase(ctx, &pb.GetCaseRequest{Id: id})
	return caseFrom(r.GetCase()), errorFrom(err)
}

// Claim takes a case under a lease.
func (c *Client) Claim(ctx context.Context, key prediag.RequestKey, id, reviewer string, f prediag.CaseFilter) (prediag.Case, error) {
	r, err := c.review.ClaimCase(ctx, &pb.ClaimCaseRequest{Id: id, Reviewer: reviewer, RequestId: key.ID, Queue: f.Queue, Tier: f.Tier})
	return caseFrom(r.GetCase()), errorFrom(err)
}

// Release gives a case back.
func (c *Client) Release(ctx context.Context, key prediag.RequestKey, id, reviewer string) (prediag.Case, error) {
	r, err := c.review.ReleaseCase(ctx, &pb.ReleaseCaseRequest{Id: id, Reviewer: reviewer, RequestId: key.ID})
	return caseFrom(r.GetCase()), errorFrom(err)
}

// Resolve records a decision.
func (c *Client) Resolve(ctx context.Context, key prediag.RequestKey, id string, r prediag.Resolution) (prediag.Case, error) {
	resp, err := c.review.ResolveCase(ctx, &pb.ResolveCaseRequest{Id: id, Resolution: resolutionTo(r), RequestId: key.ID})
	return caseFrom(resp.GetCase()), errorFrom(err)
}

// AddLabelChecks asks humans about labels, and returns how many of the questions are new.
func (c *Client) AddLabelChecks(ctx context.Context, key prediag.RequestKey, checks []prediag.LabelCheck) (int, error) {
	r, err := c.review.AddLabelChecks(ctx, &pb.AddLabelChecksRequest{Checks: mapped(checks, labelCheckTo), RequestId: key.ID})
	return int(r.GetAdded()), errorFrom(err)
}

// errorFrom turns a status back into an error of the kind that it was made of.
func errorFrom(err error) error {
	if err == nil {
		return nil
	}
	st := status.Convert(err)
	e := &prediag.Error{Kind: kindOf(st), Reason: reasonOf(st), Message: st.Message(), RetryAfter: retryOf(st)}
	if bad, ok := detail[*errdetails.BadRequest](st); ok && len(bad.GetFieldViolations()) > 0 {
		e.Field = bad.GetFieldViolations()[0].GetField()
	}
	if e.Reason == "" && st.Code() == codes.Unavailable { // the transport's, not the service's
		e.Message = fmt.Sprintf("the service does not answer (%s): is it running?", st.Message())
		e.RetryAfter = time.Second
	}
	return e
}

// errFailed is the kind of an error that the service has no kind for.
var errFailed = errors.New("the service failed")

// kindOf finds the kind that a status was made of: by the reason of the kind, which a service names in the metadata,
// and by the code where it does not.
func kindOf(st *status.Status) error {
	info, _ := detail[*errdetails.ErrorInfo](st)
	for _, r := range table() {
		if r.code == st.Code() && r.reason == info.GetMetadata()[kindKey] {
			return r.kind
		}
	}
	if kind := rowOfCode(st.Code()).kind; kind != nil {
		return kind
	}
	return errFailed
}
