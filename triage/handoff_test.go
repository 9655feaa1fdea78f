package triage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestPriority(t *testing.T) {
	reasons := func(codes ...prediag.ReasonCode) (out []prediag.Reason) {
		for _, c := range codes {
			out = append(out, prediag.Reason{Code: c})
		}
		return out
	}
	for name, c := range map[string]struct {
		urgency string
		reasons []prediag.Reason
		want    int
	}{
		"nothing known":            {"", nil, 3},
		"low":                      {"low", nil, 4},
		"high":                     {"high", nil, 2},
		"critical":                 {"critical", nil, 1},
		"urgent by word":           {"low", reasons(prediag.ReasonLowConfidence, prediag.ReasonUrgent), 1},
		"incident over all":        {"critical", reasons(prediag.ReasonMajorIncident), 0},
		"a person asked for":       {"normal", reasons(prediag.ReasonPersonRequested), 2},
		"sensitive does not lower": {"critical", reasons(prediag.ReasonSensitive), 1},
		"audit sample alone":       {"high", reasons(prediag.ReasonAuditSample), 5},
		"audit sample beside what does not stand against an answer": {"high", reasons(prediag.ReasonLowConfidence, prediag.ReasonAuditSample), 5},
	} {
		t.Run(name, func(t *testing.T) {
			d := prediag.Diagnosis{Reasons: c.reasons}
			d.Verdict.Fields = []prediag.FieldVerdict{{Field: prediag.FieldUrgency, Label: c.urgency}}
			require.Equal(t, c.want, priorityOf(d))
		})
	}
}
