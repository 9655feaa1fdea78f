package eval

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestPatchChangesOnlyWhatWasJudged(t *testing.T) {
	tickets := `{"id": "1", "text": "a < b", "label": "x", "big": 12345678901234567890}
{"id": "2", "text": "second",  "label": "y"}
{"id": "3", "label": "relabelled since"}
`
	changes, err := ReadPatch(strings.NewReader(`{"id":"1","label":"x","proposed":"z","text":"ignored"}
{"id":"3","label":"w","proposed":"z"}

{"id":"9","label":"w","proposed":"z"}
`))
	require.NoError(t, err)
	var out bytes.Buffer
	report, err := Patch(&out, strings.NewReader(tickets), "label", changes)
	require.NoError(t, err)
	require.Equal(t, PatchReport{Changes: 3, Applied: 1, Stale: []string{"3"}, Absent: []string{"9"}}, report)
	require.NoError(t, report.Err())
	require.Equal(t, `{"big":12345678901234567890,"id":"1","label":"z","text":"a < b"}
{"id": "2", "text": "second",  "label": "y"}
{"id": "3", "label": "relabelled since"}
`, out.String(), "lines that are not meant keep their bytes, and numbers their digits")

	var again bytes.Buffer
	report, err = Patch(&again, &out, "label", changes)
	require.NoError(t, err)
	require.Zero(t, report.Applied, "twice is once")
	require.ErrorIs(t, report.Err(), prediag.ErrInvalid)
}

func TestReadPatchNamesTheWrongLine(t *testing.T) {
	for name, c := range map[string]struct{ patch, says string }{
		"no proposal": {`{"id":"1","label":"x"}`, "line 1"},
		"no object":   {"{\"id\":\"1\",\"label\":\"x\",\"proposed\":\"y\"}\n[1]", "line 2"},
		"twice":       {strings.Repeat(`{"id":"1","label":"x","proposed":"y"}`+"\n", 2), "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadPatch(strings.NewReader(c.patch))
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func FuzzPatch(f *testing.F) {
	f.Add(`{"id":"1","label":"x"}`, `{"id":"1","label":"x","proposed":"y"}`)
	f.Add("{}\n[]", "")
	f.Add(`{"id":1,"label":{"x":[]}}`, `{"id":"1","label":"x","proposed":"\u0000"}`)
	f.Fuzz(func(t *testing.T, tickets, patch string) {
		changes, err := ReadPatch(strings.NewReader(patch))
		if err != nil {
			return
		}
		var out bytes.Buffer
		report, err := Patch(&out, strings.NewReader(tickets), "label", changes)
		if err == nil && report.Applied+len(report.Stale)+len(report.Absent) != len(changes) {
			t.Fatalf("%d changes, but %+v", len(changes), report)
		}
	})
}
