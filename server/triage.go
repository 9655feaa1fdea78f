package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
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
	log     *slog.Logger
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
	c.time("ticket.create_time", r.GetTicket().GetCreateTime())
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
	results := make([]*pb.BatchTriageResult, len(r.GetTickets()))
	b := batchOf(r)
	for i, err := range b.refused {
		results[i] = s.itemError(i, err)
	}
	ds, errs := s.triager.Batch(ctx, b.keys, b.tickets)
	if err := ctx.Err(); err != nil {
		return nil, err // the deadline is the batch's, not that of the tickets that it cut off
	}
	for j, i := range b.place {
		if errs[j] != nil {
			results[i] = s.itemError(i, errs[j])
			continue
		}
		s.metrics.outcome(ds[j].Outcome)
		results[i] = &pb.BatchTriageResult{Result: &pb.BatchTriageResult_Diagnosis{Diagnosis: diagnosisTo(ds[j])}}
	}
	resp := &pb.BatchTriageResponse{Results: results}
	setLeftOut(ctx, fit(resp, batchDiagnoses(results), 1))
	return resp, nil
}

// batch is what a batch request asks for, without the tickets that are refused here.
type batch struct {
	keys    []prediag.RequestKey
	tickets []prediag.Ticket
	place   []int         // of each ticket in the request
	refused map[int]error // by place
}

func batchOf(r *pb.BatchTriageRequest) batch {
	b := batch{refused: make(map[int]error)}
	for i, t := range r.GetTickets() {
		var c check
		if c.time("ticket.create_time", t.GetCreateTime()); c.err != nil {
			b.refused[i] = c.err
			continue
		}
		k := prediag.RequestKey{}
		if id := r.GetRequestId(); id != "" {
			k = key("BatchTriage", fmt.Sprintf("%s#%d", id, i), t)
		}
		b.keys, b.tickets, b.place = append(b.keys, k), append(b.tickets, ticketFrom(t)), append(b.place, i)
	}
	return b
}

// itemError is the error of the i-th ticket of a batch.
func (s *triageService) itemError(i int, err error) *pb.BatchTriageResult {
	e := describe(err)
	if e.operators() {
		s.log.Error("ticket of a batch failed", "item", i, "error", err)
	}
	if within, ok := strings.CutPrefix(e.field, "ticket"); ok {
		e.field = fmt.Sprintf("tickets[%d]%s", i, within)
	}
	return &pb.BatchTriageResult{Result: &pb.BatchTriageResult_Error{Error: &pb.ItemError{
		Code: int32(e.code), Reason: e.reason, Message: e.message, Field: e.field,
	}}}
}

func batchDiagnoses(results []*pb.BatchTriageResult) []*pb.Diagnosis {
	var ds []*pb.Diagnosis
	for _, r := range results {
		if d := r.GetDiagnosis(); d != nil {
			ds = append(ds, d)
		}
	}
	return ds
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
