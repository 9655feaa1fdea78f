package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// triageService is the gRPC face of a Triager.
type triageService struct {
	pb.UnsafeTriageServiceServer
	triager Triager
	record  Record
	metrics *metrics
}

// key makes a request key. content is the request without its request_id.
func key(method, id string, content proto.Message) prediag.RequestKey {
	if id == "" {
		return prediag.RequestKey{}
	}
	sum := digest(content)
	return prediag.RequestKey{Method: method, ID: id, Digest: hex.EncodeToString(sum[:])}
}

func (s *triageService) Triage(ctx context.Context, r *pb.TriageRequest) (*pb.TriageResponse, error) {
	var c check
	c.text("request_id", r.GetRequestId(), maxID)
	if r.GetTicket() == nil {
		c.fail("TICKET_EMPTY", "ticket", "the request holds no ticket: send {\"ticket\": {\"title\": ..., \"body\": ...}}")
	}
	if c.err != nil {
		return nil, c.err
	}
	d, err := s.triager.Triage(ctx, key("Triage", r.GetRequestId(), r.GetTicket()), ticketFrom(r.GetTicket()))
	if err != nil {
		return nil, err
	}
	s.metrics.outcome(d.Outcome)
	return &pb.TriageResponse{Diagnosis: diagnosisTo(d)}, nil
}

func (s *triageService) BatchTriage(ctx context.Context, r *pb.BatchTriageRequest) (*pb.BatchTriageResponse, error) {
	var c check
	c.text("request_id", r.GetRequestId(), maxID)
	switch n := len(r.GetTickets()); {
	case n == 0:
		c.fail("BATCH_EMPTY", "tickets", "the batch holds no tickets")
	case n > prediag.MaxBatch:
		c.fail("BATCH_TOO_LARGE", "tickets", "the batch holds %d tickets, at most %d are taken: send several batches", n, prediag.MaxBatch)
	}
	if c.err != nil {
		return nil, c.err
	}
	keys := make([]prediag.RequestKey, len(r.GetTickets()))
	tickets := make([]prediag.Ticket, len(r.GetTickets()))
	for i, t := range r.GetTickets() {
		if id := r.GetRequestId(); id != "" {
			keys[i] = key("BatchTriage", fmt.Sprintf("%s#%d", id, i), t)
		}
		tickets[i] = ticketFrom(t)
	}
	ds, errs := s.triager.Batch(ctx, keys, tickets)
	if err := ctx.Err(); err != nil {
		return nil, err // the deadline is the batch's, not that of the tickets that it cut off
	}
	results := make([]*pb.BatchTriageResult, len(ds))
	for i := range ds {
		results[i] = s.result(i, ds[i], errs[i])
	}
	return &pb.BatchTriageResponse{Results: results}, nil
}

// result is one item of a batch. Its hits come without passages, so that a full batch stays within the 4 MiB that gRPC
// clients accept by default; the draft quotes the passages that matter, and GetDiagnosis returns all.
func (s *triageService) result(i int, d prediag.Diagnosis, err error) *pb.BatchTriageResult {
	if err != nil {
		e := describe(err)
		return &pb.BatchTriageResult{Result: &pb.BatchTriageResult_Error{Error: &pb.ItemError{
			Code: int32(e.code), Reason: e.reason, Message: e.message,
			Field: strings.Replace(e.field, "ticket", fmt.Sprintf("tickets[%d]", i), 1),
		}}}
	}
	s.metrics.outcome(d.Outcome)
	m := diagnosisTo(d)
	for _, h := range m.GetHits() {
		h.Passages = nil
	}
	return &pb.BatchTriageResult{Result: &pb.BatchTriageResult_Diagnosis{Diagnosis: m}}
}

func (s *triageService) GetDiagnosis(ctx context.Context, r *pb.GetDiagnosisRequest) (*pb.GetDiagnosisResponse, error) {
	var c check
	if c.needed("id", r.GetId(), maxID); c.err != nil {
		return nil, c.err
	}
	d, err := s.record.Diagnosis(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	return &pb.GetDiagnosisResponse{Diagnosis: diagnosisTo(d)}, nil
}
