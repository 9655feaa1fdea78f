package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// realistic is a diagnosis of the size of a full one: a ticket of a page, six fields with all alternatives and evidence,
// five hits with three passages, a draft of ten steps.
func realistic(t prediag.Ticket) prediag.Diagnosis {
	d := sampleDiagnosis(t)
	sentence := "重启实例之后请检查云硬盘是否已经挂载，然后再次尝试登录控制台。 "
	field := d.Verdict.Fields[0]
	for range 4 {
		field.Alternatives = append(field.Alternatives, field.Alternatives[0])
	}
	for range 7 {
		field.Evidence = append(field.Evidence, field.Evidence[0])
	}
	d.Verdict.Fields = []prediag.FieldVerdict{field, field, field, field, field, field}
	hit := d.Hits[0]
	for range 9 {
		hit.Why = append(hit.Why, "磁盘扩容")
	}
	passage := hit.Passages[0]
	passage.Text = strings.Repeat(sentence, 15)
	hit.Passages = []prediag.Passage{passage, passage, passage}
	d.Hits = []prediag.Hit{hit, hit, hit, hit, hit}
	step := d.Draft.Statements[0]
	step.Text = strings.Repeat(sentence, 2)
	step.Citations = []prediag.Citation{step.Citations[0]}
	step.Citations[0].Quote = step.Text
	for range 9 {
		d.Draft.Statements = append(d.Draft.Statements, step)
	}
	return d
}

// maxDefault is what a gRPC client takes when nothing is configured.
const maxDefault = 4 << 20

func TestAFullBatchFitsIntoOneReply(t *testing.T) {
	r := start(t, Options{})
	r.set(func(f *fake) { f.diagnosis = realistic })
	for name, c := range map[string]struct {
		body    int
		leftOut string
	}{
		"short tickets": {300, "hits.passages,codes.citation.quote,related,causes,draft.statements.citations.quote"},
		"page tickets":  {3000, "hits.passages,codes.citation.quote,related,causes,draft.statements.citations.quote,verdict.fields.evidence,ticket.body"},
		"long tickets":  {30_000, "hits.passages,codes.citation.quote,related,causes,draft.statements.citations.quote,verdict.fields.evidence,ticket.body"},
	} {
		t.Run(name, func(t *testing.T) {
			request := &pb.BatchTriageRequest{}
			for i := range prediag.MaxBatch {
				request.Tickets = append(request.Tickets, &pb.Ticket{Id: fmt.Sprint(i), Title: "t", Body: strings.Repeat("a", c.body)})
			}
			var header metadata.MD
			got, err := r.triage.BatchTriage(limit(t), request, grpc.Header(&header)) // a client with default limits
			require.NoError(t, err)
			t.Logf("%d bytes, without %v", proto.Size(got), header.Get(leftOutHeader))
			require.Less(t, proto.Size(got), maxDefault)
			require.Len(t, got.GetResults(), prediag.MaxBatch)
			require.Equal(t, []string{c.leftOut}, header.Get(leftOutHeader))
			for i, one := range got.GetResults() {
				require.Equal(t, fmt.Sprint(i), one.GetDiagnosis().GetTicket().GetId())
				require.NotEmpty(t, one.GetDiagnosis().GetDraft().GetStatements())
				require.NotEmpty(t, one.GetDiagnosis().GetHits())
			}
		})
	}
	web := r.call(t, "POST", "/v1/triage:batch", strings.NewReader(`{"tickets":[{"title":"x"}]}`))
	require.Equal(t, "hits.passages", web.header.Get(leftOutHeader))
}

// Whatever is in the diagnoses, a list stays within its limit; identifiers, labels, outcomes and reasons stay.
func TestTheLargestListFits(t *testing.T) {
	r := start(t, Options{})
	huge := realistic(prediag.Ticket{ID: "T", Title: strings.Repeat("t", prediag.MaxTitleBytes), Body: strings.Repeat("b", 50_000)})
	for range 60 {
		huge.Codes = append(huge.Codes, huge.Codes[0])
	}
	for i := range huge.Draft.Statements {
		huge.Draft.Statements[i].Text = strings.Repeat("x", 1200)
	}
	for i := range huge.Hits {
		huge.Hits[i].URL = strings.Repeat("u", 2000)
	}
	r.cases = nil
	for i := range maxCases {
		huge.ID = fmt.Sprint("d-", i)
		r.cases = append(r.cases, prediag.Case{ID: fmt.Sprint("c-", i), Diagnosis: huge, State: prediag.CaseOpen})
	}
	var header metadata.MD
	got, err := r.review.ListCases(limit(t), &pb.ListCasesRequest{PageSize: maxCases}, grpc.Header(&header))
	require.NoError(t, err)
	require.Less(t, proto.Size(got), maxDefault)
	require.Len(t, got.GetCases(), maxCases)
	for _, c := range got.GetCases() {
		require.NotEmpty(t, c.GetDiagnosis().GetId())
		require.Equal(t, pb.Outcome_OUTCOME_SUGGEST, c.GetDiagnosis().GetOutcome())
		require.Len(t, c.GetDiagnosis().GetVerdict().GetFields(), 6)
		require.Equal(t, "T", c.GetDiagnosis().GetTicket().GetId())
	}
	require.Contains(t, header.Get(leftOutHeader)[0], "hits.passages,codes.citation.quote,related,causes,draft.statements")

	got, err = r.review.ListCases(limit(t), &pb.ListCasesRequest{PageSize: 2}, grpc.Header(&header))
	require.NoError(t, err)
	require.Equal(t, huge.Ticket.Body, got.GetCases()[0].GetDiagnosis().GetTicket().GetBody(), "a short list comes whole")
}

func TestSheddingsNameTheirFields(t *testing.T) {
	for _, s := range sheddings() {
		m := diagnosisTo(sampleDiagnosis(prediag.Ticket{Body: "b"}))
		before := proto.Size(m)
		s.drop(m)
		require.Less(t, proto.Size(m), before, s.name)
		s.drop(&pb.Diagnosis{}) // nothing there: no harm
		fields := m.ProtoReflect().Descriptor().Fields()
		for _, part := range strings.Split(s.name, ".") {
			f := fields.ByTextName(part)
			require.NotNil(t, f, "%s: no field %s", s.name, part)
			if f.Message() != nil {
				fields = f.Message().Fields()
			}
		}
	}
}
