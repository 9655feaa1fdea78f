package server

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func TestLabelChecksAreAddedOnce(t *testing.T) {
	r := start(t, Options{})
	client, err := Dial(r.grpcAddr)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	checks := []prediag.LabelCheck{labelCheckFrom(sampleCheck())}
	added, err := client.AddLabelChecks(limit(t), prediag.RequestKey{ID: "r"}, checks)
	require.NoError(t, err)
	require.Equal(t, 1, added)
	added, err = client.AddLabelChecks(limit(t), prediag.RequestKey{ID: "r"}, checks)
	require.NoError(t, err)
	require.Zero(t, added)
	require.Equal(t, checks[0], r.checks[0])
	require.Equal(t, "AddLabelChecks", r.keys[0].Method)
	require.Equal(t, r.keys[0], r.keys[1], "the digest is of the content, without the request_id")
	got, err := client.Case(limit(t), "c-1")
	require.NoError(t, err)
	require.Equal(t, "T-9", got.Diagnosis.Ticket.ID)
}

func TestFaultyLabelChecks(t *testing.T) {
	r := start(t, Options{})
	for name, c := range map[string]struct {
		change        func(*pb.LabelCheck)
		reason, field string
	}{
		"no ticket":     {func(k *pb.LabelCheck) { k.Ticket = nil }, "TICKET_EMPTY", "checks[1].ticket"},
		"no field":      {func(k *pb.LabelCheck) { k.Field = "" }, "FIELD_MISSING", "checks[1].field"},
		"no label":      {func(k *pb.LabelCheck) { k.Label = "" }, "FIELD_MISSING", "checks[1].label"},
		"no suggestion": {func(k *pb.LabelCheck) { k.SuggestedLabel = "" }, "FIELD_MISSING", "checks[1].suggested_label"},
		"over one":      {func(k *pb.LabelCheck) { k.LabelProbability = 1.1 }, "LABEL_CHECK_INVALID", "checks[1].label_probability"},
		"no number":     {func(k *pb.LabelCheck) { k.SuggestedProbability = math.NaN() }, "LABEL_CHECK_INVALID", "checks[1].suggested_probability"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := proto.CloneOf(sampleCheck())
			c.change(bad)
			_, err := r.review.AddLabelChecks(limit(t), &pb.AddLabelChecksRequest{Checks: []*pb.LabelCheck{sampleCheck(), bad}})
			requireStatus(t, err, codes.InvalidArgument, c.reason, c.field)
		})
	}
	_, err := r.review.AddLabelChecks(limit(t), &pb.AddLabelChecksRequest{Checks: make([]*pb.LabelCheck, prediag.MaxBatch+1)})
	requireStatus(t, err, codes.InvalidArgument, "BATCH_TOO_LARGE", "checks")
	require.Empty(t, r.checks)
}
