package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

const (
	defaultCases = 50
	maxCases     = 500
)

// reviewService is the gRPC face of the human queue.
type reviewService struct {
	pb.UnsafeReviewServiceServer
	queue  Queue
	record Record
	checks Checks
	now    func() time.Time

	similar SimilarFinder
}

func (s *reviewService) ListCases(ctx context.Context, r *pb.ListCasesRequest) (*pb.ListCasesResponse, error) {
	var c check
	c.text("queue", r.GetQueue(), prediag.MaxFieldBytes)
	c.text("tier", r.GetTier(), prediag.MaxFieldBytes)
	c.text("page_token", r.GetPageToken(), prediag.MaxFieldBytes)
	if len(r.GetStates()) > maxFilter {
		c.fail("TOO_MANY_VALUES", "states", "states has %d values, at most %d are taken", len(r.GetStates()), maxFilter)
	}
	f := prediag.CaseFilter{
		Queue: r.GetQueue(), Tier: r.GetTier(), After: r.GetPageToken(),
		Limit: c.pageSize("page_size", r.GetPageSize(), defaultCases, maxCases),
	}
	for _, st := range r.GetStates() {
		state, ok := caseStates().from(st)
		if !ok {
			c.fail("STATE_UNKNOWN", "states", "states holds %v: use OPEN, CLAIMED or RESOLVED", st)
		}
		f.States = append(f.States, state)
	}
	if c.err != nil {
		return nil, c.err
	}
	page, err := s.queue.List(ctx, f)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCasesResponse{
		Cases: mapped(page.Cases, caseTo), NextPageToken: page.Next, OpenCount: uint32(page.Open),
	}
	setLeftOut(ctx, fit(resp, mapped(resp.GetCases(), (*pb.Case).GetDiagnosis), 0))
	return resp, nil
}

func (s *reviewService) GetCase(ctx context.Context, r *pb.GetCaseRequest) (*pb.GetCaseResponse, error) {
	var c check
	if c.needed("id", r.GetId(), maxID); c.err != nil {
		return nil, c.err
	}
	found, err := s.record.Case(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	return &pb.GetCaseResponse{Case: caseTo(found)}, nil
}

func (s *reviewService) ClaimCase(ctx context.Context, r *pb.ClaimCaseRequest) (*pb.ClaimCaseResponse, error) {
	var c check
	c.text("id", r.GetId(), maxID)
	c.needed("reviewer", r.GetReviewer(), prediag.MaxFieldBytes)
	c.text("request_id", r.GetRequestId(), maxID)
	c.text("queue", r.GetQueue(), prediag.MaxFieldBytes)
	c.text("tier", r.GetTier(), prediag.MaxFieldBytes)
	if c.err != nil {
		return nil, c.err
	}
	bare := proto.CloneOf(r)
	bare.RequestId = ""
	claimed, err := s.queue.Claim(ctx, key("ClaimCase", r.GetRequestId(), bare), r.GetId(), r.GetReviewer(),
		prediag.CaseFilter{Queue: r.GetQueue(), Tier: r.GetTier()})
	if err != nil {
		return nil, err
	}
	return &pb.ClaimCaseResponse{Case: caseTo(claimed), Lease: durationpb.New(max(0, claimed.LeaseUntil.Sub(s.now())))}, nil
}

func (s *reviewService) ReleaseCase(ctx context.Context, r *pb.ReleaseCaseRequest) (*pb.ReleaseCaseResponse, error) {
	var c check
	c.needed("id", r.GetId(), maxID)
	c.needed("reviewer", r.GetReviewer(), prediag.MaxFieldBytes)
	c.text("request_id", r.GetRequestId(), maxID)
	if c.err != nil {
		return nil, c.err
	}
	bare := proto.CloneOf(r)
	bare.RequestId = ""
	released, err := s.queue.Release(ctx, key("ReleaseCase", r.GetRequestId(), bare), r.GetId(), r.GetReviewer())
	if err != nil {
		return nil, err
	}
	return &pb.ReleaseCaseResponse{Case: caseTo(released)}, nil
}

func (s *reviewService) ResolveCase(ctx context.Context, r *pb.ResolveCaseRequest) (*pb.ResolveCaseResponse, error) {
	var c check
	res := r.GetResolution()
	c.needed("id", r.GetId(), maxID)
	c.text("request_id", r.GetRequestId(), maxID)
	c.needed("resolution.reviewer", res.GetReviewer(), prediag.MaxFieldBytes)
	c.text("resolution.article_id", res.GetArticleId(), prediag.MaxFieldBytes)
	c.text("resolution.answer", res.GetAnswer(), maxNote)
	c.text("resolution.note", res.GetNote(), maxNote)
	if len(res.GetLabels()) > prediag.MaxTicketFields {
		c.fail("TOO_MANY_VALUES", "resolution.labels", "%d labels, at most %d are taken", len(res.GetLabels()), prediag.MaxTicketFields)
	}
	for _, k := range slices.Sorted(maps.Keys(res.GetLabels())) { // sorted: the same request always gives the same error
		c.text("resolution.labels", k, prediag.MaxFieldBytes)
		c.text(fmt.Sprintf("resolution.labels[%.64q]", k), res.GetLabels()[k], prediag.MaxFieldBytes)
	}
	if _, ok := actions().from(res.GetAction()); !ok {
		c.fail("ACTION_UNKNOWN", "resolution.action", "resolution.action is %v: use ACCEPTED, CORRECTED or REJECTED", res.GetAction())
	}
	if c.err != nil {
		return nil, c.err
	}
	bare := proto.CloneOf(r)
	bare.RequestId = ""
	decision := resolutionFrom(res)
	decision.At = s.now().UTC() // whatever the caller's clock says
	resolved, err := s.record.Resolve(ctx, key("ResolveCase", r.GetRequestId(), bare), r.GetId(), decision)
	if err != nil {
		return nil, err
	}
	return &pb.ResolveCaseResponse{Case: caseTo(resolved)}, nil
}

func (s *reviewService) AddLabelChecks(ctx context.Context, r *pb.AddLabelChecksRequest) (*pb.AddLabelChecksResponse, error) {
	var c check
	c.text("request_id", r.GetRequestId(), maxID)
	switch n := len(r.GetChecks()); {
	case n == 0:
		c.fail("BATCH_EMPTY", "checks", "the request holds no label checks")
	case n > prediag.MaxBatch:
		c.fail("BATCH_TOO_LARGE", "checks", "the request holds %d label checks, at most %d are taken: send several requests", n, prediag.MaxBatch)
	}
	for i, k := range r.GetChecks() {
		c.labelCheck(fmt.Sprintf("checks[%d].", i), k)
	}
	if c.err != nil {
		return nil, c.err
	}
	bare := proto.CloneOf(r)
	bare.RequestId = ""
	added, err := s.checks.AddLabelChecks(ctx, key("AddLabelChecks", r.GetRequestId(), bare), mapped(r.GetChecks(), labelCheckFrom))
	if err != nil {
		return nil, err
	}
	return &pb.AddLabelChecksResponse{Added: uint32(added), Known: uint32(len(r.GetChecks()) - added)}, nil
}

// labelCheck refuses a label check that lacks something. at is its place, with a dot.
func (c *check) labelCheck(at string, k *pb.LabelCheck) {
	if k.GetTicket() == nil {
		c.fail("TICKET_EMPTY", at+"ticket", "%sticket is missing: a label cannot be judged without it", at)
	}
	c.time(at+"ticket.create_time", k.GetTicket().GetCreateTime())
	c.text(at+"source", k.GetSource(), prediag.MaxFieldBytes)
	c.needed(at+"field", k.GetField(), prediag.MaxFieldBytes)
	c.needed(at+"label", k.GetLabel(), prediag.MaxFieldBytes)
	c.needed(at+"suggested_label", k.GetSuggestedLabel(), prediag.MaxFieldBytes)
	c.share(at+"label_probability", k.GetLabelProbability())
	c.share(at+"suggested_probability", k.GetSuggestedProbability())
}
