package server

import (
	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// What the command line prints as JSON is what the API answers.

// TriageMessage is the answer of Triage.
func TriageMessage(d prediag.Diagnosis) proto.Message {
	return &pb.TriageResponse{Diagnosis: diagnosisTo(d)}
}

// SearchMessage is the answer of Search, without a page token.
func SearchMessage(r prediag.Results) proto.Message {
	return resultsTo(r)
}

// CasesMessage is the answer of ListCases.
func CasesMessage(p prediag.CasePage) proto.Message {
	return &pb.ListCasesResponse{Cases: mapped(p.Cases, caseTo), NextPageToken: p.Next, OpenCount: uint32(p.Open)}
}

// CaseMessage is a case as the calls of ReviewService answer it.
func CaseMessage(c prediag.Case) proto.Message { return &pb.ResolveCaseResponse{Case: caseTo(c)} }
