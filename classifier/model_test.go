package classifier

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

var (
	_ prediag.Classifier = (*Model)(nil)
	_ prediag.Classifier = (*Baseline)(nil)
)

// smallExamples are eight tickets of each of three categories, two fields.
func smallExamples() []prediag.Example {
	subjects := map[string][]string{
		"compute/login-failure": {"cannot log in to my server", "ssh login refused by the server", "password of the server is wrong", "login to instance fails with permission denied"},
		"billing/invoice":       {"please send the invoice of march", "invoice shows the wrong company", "where do I download my invoice", "need a tax invoice for the bill"},
		"network/dns":           {"domain name does not resolve", "dns record is not updated", "resolver returns an old address for the domain", "dns lookup of the domain times out"},
	}
	var out []prediag.Example
	for category, list := range subjects {
		for i, s := range list {
			for j, tail := range []string{"", " since yesterday"} {
				out = append(out, prediag.Example{
					Ticket: prediag.Ticket{ID: fmt.Sprint(category, i, j), Body: s + tail},
					Labels: map[string]string{prediag.FieldCategory: category, prediag.FieldTier: []string{"L1", "L2"}[j]},
				})
			}
		}
	}
	return out
}

func TestModelLearnsSmallExamples(t *testing.T) {
	m, report, err := Train(context.Background(), smallExamples(), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{prediag.FieldCategory, prediag.FieldTier}, m.Fields())
	require.Equal(t, 24, report.Examples)
	v, err := m.Classify(context.Background(), prediag.Ticket{Title: "Invoice missing", Body: "I need the invoice"})
	require.NoError(t, err)
	f, ok := v.Field(prediag.FieldCategory)
	require.True(t, ok)
	require.Equal(t, "billing/invoice", f.Label)
	require.NotEmpty(t, f.Evidence)
	require.Equal(t, m.Version(), v.Model)

	dir := t.TempDir() + "/model"
	require.NoError(t, m.Save(dir))
	back, err := Load(dir)
	require.NoError(t, err)
	again, err := back.Classify(context.Background(), prediag.Ticket{Title: "Invoice missing", Body: "I need the invoice"})
	require.NoError(t, err)
	require.Equal(t, v, again)
}
