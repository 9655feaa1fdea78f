package server

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "prediag/proto/prediag/v1"
)

// maxList is the largest reply with many diagnoses, bytes: under the 4 MiB that gRPC clients take by default, headers
// included.
const maxList = 4<<20 - 64<<10

// leftOutHeader names what a reply with many diagnoses came without.
const leftOutHeader = "prediag-left-out"

// shedding is a part of diagnoses that a list can do without: GetDiagnosis has it.
type shedding struct {
	name string
	drop func(*pb.Diagnosis)
}

// sheddings are in the order in which parts are left out, the most easily missed first.
func sheddings() []shedding {
	return []shedding{
		{"hits.passages", func(d *pb.Diagnosis) {
			for _, h := range d.GetHits() {
				h.Passages = nil
			}
		}},
		{"codes.citation.quote", func(d *pb.Diagnosis) {
			for _, c := range d.GetCodes() {
				if c.GetCitation() != nil {
					c.Citation.Quote = ""
				}
			}
		}},
		{"related", func(d *pb.Diagnosis) { d.Related = nil }},
		{"causes", func(d *pb.Diagnosis) { d.Causes = nil }},
		{"draft.statements.citations.quote", func(d *pb.Diagnosis) {
			for _, s := range d.GetDraft().GetStatements() {
				for _, c := range s.GetCitations() {
					c.Quote = ""
				}
			}
		}},
		{"verdict.fields.evidence", func(d *pb.Diagnosis) {
			for _, f := range d.GetVerdict().GetFields() {
				f.Evidence = nil
			}
		}},
		{"ticket.body", func(d *pb.Diagnosis) {
			if d.GetTicket() != nil {
				d.Ticket.Body = ""
			}
		}},
		{"codes", func(d *pb.Diagnosis) { d.Codes = nil }},
		{"draft", func(d *pb.Diagnosis) { d.Draft = nil }},
		{"ticket", func(d *pb.Diagnosis) { d.Ticket = &pb.Ticket{Id: d.GetTicket().GetId()} }},
		{"hits", func(d *pb.Diagnosis) { d.Hits = nil }},
	}
}

// fit leaves parts out of all diagnoses of a reply until the reply is within maxList; the first always of them are left
// out in any case. It returns the names of what is missing. All diagnoses of a reply lose the same parts, so that a
// caller need not look at each.
func fit(reply proto.Message, diagnoses []*pb.Diagnosis, always int) []string {
	var names []string
	for i, s := range sheddings() {
		if i >= always && proto.Size(reply) <= maxList {
			break
		}
		for _, d := range diagnoses {
			s.drop(d)
		}
		names = append(names, s.name)
	}
	return names
}

// setLeftOut tells the caller what a reply came without.
func setLeftOut(ctx context.Context, names []string) {
	if len(names) > 0 {
		_ = grpc.SetHeader(ctx, metadata.Pairs(leftOutHeader, strings.Join(names, ","))) // fails only for a call that has ended
	}
}
