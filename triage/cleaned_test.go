package triage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// A value has one placeholder in the whole ticket, and no placeholder stands for two values.
func TestCleanedNumbersAcrossTheTicket(t *testing.T) {
	fields := map[string]string{"cc": "a@example.org", "owner": "c@example.org and [EMAIL-7]"}
	got, found := cleaned(prediag.Ticket{Title: "Mail of a@example.org", Body: "b@example.org and a@example.org fail", Fields: fields})
	require.True(t, found)
	require.Equal(t, "Mail of [EMAIL-8]", got.Title)
	require.Equal(t, "[EMAIL-9] and [EMAIL-8] fail", got.Body)
	require.Equal(t, map[string]string{"cc": "[EMAIL-8]", "owner": "[EMAIL-10] and [EMAIL-7]"}, got.Fields)
	require.Equal(t, "a@example.org", fields["cc"], "the caller's ticket stays as it is")
	got, found = cleaned(prediag.Ticket{Body: "nothing to hide"})
	require.False(t, found)
	require.Nil(t, got.Fields)
}
