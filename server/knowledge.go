package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

const (
	defaultHits        = 10
	defaultSuggestions = 5
	maxSuggestions     = 20
	maxRemembered      = 100 // request IDs of renewals: as many as the renewals that are kept
)

// knowledgeService is the gRPC face of the knowledge base and of its renewal.
type knowledgeService struct {
	pb.UnsafeKnowledgeServiceServer
	knowledge Knowledge
	refresher Refresher
	status    func() Status
	now       func() time.Time

	mu        sync.Mutex
	refreshes map[string]remembered // by request_id
	order     []string              // of the request IDs, oldest first
}

// remembered is a renewal that was asked for under a request ID.
type remembered struct {
	operation string
	force     bool
}

func newKnowledgeService(p Parts, now func() time.Time) *knowledgeService {
	return &knowledgeService{
		knowledge: p.Knowledge, refresher: p.Refresher, status: p.Status, now: now, refreshes: make(map[string]remembered),
	}
}

func (s *knowledgeService) Search(ctx context.Context, r *pb.SearchRequest) (*pb.SearchResponse, error) {
	q, from, err := queryFrom(r)
	if err != nil {
		return nil, err
	}
	found, err := s.knowledge.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	if from != nil && from.generation != found.Generation {
		return nil, &prediag.Error{
			Kind: prediag.ErrStale, Reason: "PAGE_TOKEN_STALE", Field: "page_token",
			Message: fmt.Sprintf("the index was renewed since (generation %d, now %d): search again from the first page", from.generation, found.Generation),
		}
	}
	resp := resultsTo(found)
	if next := q.Offset + len(found.Hits); len(found.Hits) > 0 && next < found.Total && next <= prediag.MaxOffset {
		resp.NextPageToken = position{generation: found.Generation, offset: uint32(next), query: queryHash(r)}.token()
	}
	return resp, nil
}

// queryFrom checks a request and turns it into a query; the position is nil on the first page.
func queryFrom(r *pb.SearchRequest) (prediag.Query, *position, error) {
	var c check
	switch empty := strings.TrimSpace(r.GetQuery()) == ""; {
	case empty && r.GetLike() == "":
		c.fail("QUERY_EMPTY", "query", "the query is empty: say what to look for")
	case !empty && r.GetLike() != "":
		c.fail("QUERY_INVALID", "like", "query and like are both set: leave one out")
	}
	c.text("like", r.GetLike(), prediag.MaxFieldBytes)
	c.time("updated_after", r.GetUpdatedAfter())
	if _, known := pb.SearchOrder_name[int32(r.GetOrder())]; !known {
		c.fail("QUERY_INVALID", "order", "the order %d is unknown: leave it out, or take one of the API", r.GetOrder())
	}
	c.text("query", r.GetQuery(), 4*prediag.MaxQueryRunes)
	if n := utf8.RuneCountInString(r.GetQuery()); n > prediag.MaxQueryRunes {
		c.fail("QUERY_TOO_LONG", "query", "the query has %d characters, at most %d are taken: shorten it", n, prediag.MaxQueryRunes)
	}
	c.list("languages", r.GetLanguages())
	c.list("products", r.GetProducts())
	c.list("kinds", r.GetKinds())
	c.list("categories", r.GetCategories())
	q := prediag.Query{
		Text: r.GetQuery(), Like: r.GetLike(), Languages: r.GetLanguages(), Products: r.GetProducts(), Kinds: r.GetKinds(),
		Categories: r.GetCategories(), Since: timeFrom(r.GetUpdatedAfter()), Newest: r.GetOrder() == pb.SearchOrder_SEARCH_ORDER_NEWEST,
		Typed: r.GetTyped(), Highlight: r.GetHighlight(),
		Limit: c.pageSize("page_size", r.GetPageSize(), defaultHits, prediag.MaxPageSize), Facets: r.GetFacets(),
	}
	if c.err != nil || r.GetPageToken() == "" {
		return q, nil, c.err
	}
	p, err := parseToken(r.GetPageToken())
	if err == nil && p.query != queryHash(r) {
		err = prediag.Invalid("PAGE_TOKEN_INVALID", "page_token", "the page token belongs to another query: send the same query with it")
	}
	q.Offset = int(p.offset)
	return q, &p, err
}

func (s *knowledgeService) GetArticle(ctx context.Context, r *pb.GetArticleRequest) (*pb.GetArticleResponse, error) {
	var c check
	if c.needed("id", r.GetId(), prediag.MaxFieldBytes); c.err != nil {
		return nil, c.err
	}
	a, err := s.knowledge.Article(ctx, r.GetId(), nil)
	if errors.Is(err, prediag.ErrNotFound) {
		return nil, &prediag.Error{
			Kind: prediag.ErrNotFound, Reason: "ARTICLE_NOT_FOUND", Message: fmt.Sprintf("no article %q that you may read", r.GetId()),
		}
	}
	if err != nil {
		return nil, err
	}
	return &pb.GetArticleResponse{Article: articleTo(a), Generation: uint32(s.status().Generation.Number)}, nil
}

func (s *knowledgeService) Suggest(ctx context.Context, r *pb.SuggestRequest) (*pb.SuggestResponse, error) {
	var c check
	c.needed("query", r.GetQuery(), prediag.MaxFieldBytes)
	c.list("languages", r.GetLanguages())
	limit := c.pageSize("limit", r.GetLimit(), defaultSuggestions, maxSuggestions)
	if c.err != nil {
		return nil, c.err
	}
	found, err := s.knowledge.Suggest(ctx, r.GetQuery(), r.GetLanguages(), limit)
	if err != nil {
		return nil, err
	}
	return &pb.SuggestResponse{Suggestions: found}, nil
}

// Refresh is idempotent by request_id as long as the operation is kept.
func (s *knowledgeService) Refresh(ctx context.Context, r *pb.RefreshRequest) (*pb.RefreshResponse, error) {
	var c check
	if c.text("request_id", r.GetRequestId(), maxID); c.err != nil {
		return nil, c.err
	}
	s.mu.Lock() // held over Start, which returns at once, so that two retries cannot both begin
	defer s.mu.Unlock()
	if before, ok := s.refreshes[r.GetRequestId()]; ok && r.GetRequestId() != "" {
		if before.force != r.GetForce() {
			return nil, &prediag.Error{
				Kind: prediag.ErrReused, Reason: "REQUEST_ID_REUSED", Field: "request_id",
				Message: fmt.Sprintf("request_id %q came with another request before: use a new one", r.GetRequestId()),
			}
		}
		if op, ok := s.refresher.Refresh(before.operation); ok {
			return &pb.RefreshResponse{Operation: operationTo(op)}, nil
		}
	}
	op, err := s.refresher.Start(ctx, r.GetForce())
	if err != nil {
		return nil, err
	}
	s.remember(r, op.ID)
	return &pb.RefreshResponse{Operation: operationTo(op)}, nil
}

func (s *knowledgeService) remember(r *pb.RefreshRequest, operation string) {
	id := r.GetRequestId()
	if id == "" {
		return
	}
	if _, known := s.refreshes[id]; !known {
		s.order = append(s.order, id)
	}
	s.refreshes[id] = remembered{operation: operation, force: r.GetForce()}
	if len(s.order) > maxRemembered {
		delete(s.refreshes, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *knowledgeService) GetOperation(_ context.Context, r *pb.GetOperationRequest) (*pb.GetOperationResponse, error) {
	var c check
	if c.needed("id", r.GetId(), maxID); c.err != nil {
		return nil, c.err
	}
	op, ok := s.refresher.Refresh(r.GetId())
	if !ok {
		return nil, &prediag.Error{
			Kind: prediag.ErrNotFound, Reason: "OPERATION_NOT_FOUND",
			Message: fmt.Sprintf("no operation %q: the last 100 are kept while the service runs", r.GetId()),
		}
	}
	return &pb.GetOperationResponse{Operation: operationTo(op)}, nil
}

func (s *knowledgeService) GetStatus(context.Context, *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	st := s.status()
	resp := &pb.GetStatusResponse{
		Generation: uint32(st.Generation.Number), GenerationTime: timeTo(st.Generation.Created), Age: durationpb.New(age(st, s.now())),
		Articles: uint32(st.Generation.Articles), Bytes: st.Generation.Bytes,
		Languages: countsTo(st.Generation.Languages), Sources: countsTo(st.Generation.Sources),
		ModelVersion: st.Model, PolicyVersion: st.Policy, NextRefreshTime: timeTo(st.NextRefresh), Degraded: st.Degraded,
		RefreshTime: timeTo(st.Refreshed), KbStale: st.IndexStale,
	}
	if st.Refresh != nil {
		resp.Refresh = operationTo(*st.Refresh)
	}
	return resp, nil
}
