package draft

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// TestWhatAnnouncesGoesWithWhatItAnnounces quotes sections in which sentences end in a colon.
func TestWhatAnnouncesGoesWithWhatItAnnounces(t *testing.T) {
	long := strings.Repeat("x ", maxStatementBytes/2)
	for name, c := range map[string]struct {
		section string
		want    []string
	}{
		"a command behind a sentence":     {"Stop it. Then run the following command:\n\nark stop\nark start\n\nDone.", []string{"Stop it.", "Then run the following command:\n\nark stop\nark start", "Done."}},
		"in Chinese":                      {"执行以下命令：\n\nark stop", []string{"执行以下命令：\n\nark stop"}},
		"nothing behind it":               {"It helps. Proceed as follows:", []string{"It helps."}},
		"the items under an item":         {"1. Check these:\n   - the port\n   - the rule\n2. Try again.", []string{"1. Check these:\n   - the port\n   - the rule", "2. Try again."}},
		"the item behind a line":          {"On Linux:\n- Run a.\n- Run b.", []string{"On Linux:\n- Run a.", "- Run b."}},
		"an item that announces nothing":  {"- Run a.\n- Otherwise:", []string{"- Run a."}},
		"one announces the next":          {"If it fails:\n\nRun this:\n\nark fix", []string{"If it fails:\n\nRun this:\n\nark fix"}},
		"too long to go along":            {"Read:\n\n" + long + "\n\nEnd.", []string{strings.TrimSpace(long), "End."}},
		"a colon in the middle of a line": {"Open A: it works.", []string{"Open A: it works."}},
	} {
		t.Run(name, func(t *testing.T) {
			span := prediag.Span{End: len(c.section)}
			var got []string
			for _, s := range items(c.section, span) {
				got = append(got, c.section[s.Start:s.End])
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestNoStatementEndsInAColon draws sections of sentences, items and commands.
func TestNoStatementEndsInAColon(t *testing.T) {
	piece := rapid.SampledFrom([]string{"Stop it. ", "Do this:", "请执行：", "\n", "\n\n", "- ", "  - ", "1. ", "run x", "键: 值", "```", "**Note:**", " "})
	rapid.Check(t, func(t *rapid.T) {
		section := strings.Join(rapid.SliceOfN(piece, 1, 24).Draw(t, "pieces"), "")
		last := 0
		for _, s := range items(section, prediag.Span{End: len(section)}) {
			require.GreaterOrEqual(t, s.Start, last, "in order and apart")
			require.False(t, announces(section[s.Start:s.End]), "%q of %q", section[s.Start:s.End], section)
			last = s.End
		}
		require.LessOrEqual(t, last, len(section))
	})
}
