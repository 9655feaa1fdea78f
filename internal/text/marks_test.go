package text

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStripMarks(t *testing.T) {
	for in, want := range map[string]string{"": "", "disk": "disk", "über": "uber", "médiathèque": "mediatheque", "žluťoučký": "zlutoucky",
		"øre": "ore", "łódź": "lodz", "işık": "isik", "δίκτυο": "δικτυο", "λόγος": "λογοσ"} {
		require.Equal(t, want, StripMarks(in))
	}
}

// TestStripMarksTwice: nothing is left to strip.
func TestStripMarksTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := StripMarks(rapid.String().Draw(t, "word"))
		require.Equal(t, once, StripMarks(once))
	})
}
