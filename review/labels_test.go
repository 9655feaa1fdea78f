package review

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestLabelsOutsideTheTaxonomy(t *testing.T) {
	taxonomy := map[string][]string{"category": {"network/dns", "network/vpn", "storage/disk", "compute/login-failure"}}
	s := openStore(t, Options{Labels: func(field string) []string { return taxonomy[field] }})
	record(t, s, withCase(1, "network", "L1", 1), withCase(2, "network", "L1", 1), withCase(3, "network", "L1", 1))
	resolve := func(id string, newLabel bool, labels map[string]string) error {
		_, err := s.Resolve(t.Context(), noKey, id, prediag.Resolution{Reviewer: "mei", Action: prediag.ActionCorrected, Labels: labels, NewLabel: newLabel})
		return err
	}
	err := resolve("c000001", false, map[string]string{"category": "netwrok/dns"})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "near it: network/dns, network/vpn")
	require.ErrorContains(t, err, "--new-label")
	require.NoError(t, resolve("c000001", true, map[string]string{"category": "network/wlan"}), "it is meant")
	require.NoError(t, resolve("c000002", false, map[string]string{"category": "network/dns", "severity": "2"}), "the model has no such field")
	require.NoError(t, resolve("c000003", false, map[string]string{"category": prediag.LabelOutOfScope}))

	_, err = s.AddLabelChecks(t.Context(), noKey, []prediag.LabelCheck{labelCheck("1", "printers", "network/dns")})
	require.NoError(t, err)
	c, err := s.Claim(t.Context(), noKey, "", "mei", prediag.CaseFilter{Queue: LabelCheckQueue})
	require.NoError(t, err)
	require.ErrorContains(t, resolve(c.ID, false, map[string]string{"category": "printer"}), "near it: printers")
	require.NoError(t, resolve(c.ID, false, map[string]string{"category": "printers"}), "a label of the data that are checked")
}

func TestNear(t *testing.T) {
	labels := []string{"storage/disk", "network/dns", "network/vpn", "billing", "network/dns"}
	require.Equal(t, []string{"network/dns", "network/vpn"}, near("netork/dns", labels, 2))
	require.Equal(t, "network/dns", near("DNS", labels, 1)[0], "a part of it")
	require.Equal(t, "storage/disk", near("compute/disk", labels, 1)[0], "the same leaf in another branch")
	require.Len(t, near("x", labels, 9), 4)
	require.Empty(t, near("x", nil, 3))
}

func TestEditDistance(t *testing.T) {
	require.Equal(t, 3, editDistance("kitten", "sitting"))
	require.Equal(t, 1, editDistance("域名", "域"))
	text := rapid.StringMatching(`[ab]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := text.Draw(t, "a"), text.Draw(t, "b"), text.Draw(t, "c")
		if d := editDistance(a, b); d != editDistance(b, a) || (d == 0) != (a == b) || d > editDistance(a, c)+editDistance(c, b) {
			t.Fatalf("%q, %q, %q: no metric", a, b, c)
		}
	})
}
