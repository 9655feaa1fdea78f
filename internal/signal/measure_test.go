package signal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// labelled is one line of testdata/tickets.jsonl: a ticket written for the test, and the kinds that a reader sees.
type labelled struct {
	Lang string   `json:"lang"`
	Want []string `json:"want"`
	Part string   `json:"part"` // see TestMeasure
	Text string   `json:"text"`
}

func tickets(t testing.TB) []labelled {
	t.Helper()
	f, err := os.Open("testdata/tickets.jsonl")
	require.NoError(t, err)
	defer f.Close()
	var out []labelled
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l labelled
		require.NoError(t, json.Unmarshal(lines.Bytes(), &l))
		out = append(out, l)
	}
	require.NoError(t, lines.Err())
	return out
}

func finder(testing.TB) *Finder { return Standard() }

// counts are the hits and misses of one kind in one group of languages.
type counts struct{ right, wrong, missed int }

func (c counts) precision() float64 { return share(c.right, c.right+c.wrong) }
func (c counts) recall() float64    { return share(c.right, c.right+c.missed) }

func share(a, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(a) / float64(of)
}

// reported joins what the decision joins: security, privacy and law are one reason there.
func reported(kinds []string) []string {
	var out []string
	for _, k := range kinds {
		switch k {
		case "security", "privacy", "legal":
			k = "sensitive"
		}
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func found(f *Finder, s string) []string {
	var out []string
	for _, h := range f.Find(s) {
		out = append(out, h.Kind.String())
	}
	return out
}

// measure counts per group, e.g. "zh", and per group and kind, e.g. "zh urgent", on one part of the set.
func measure(t testing.TB, part string) map[string]*counts {
	t.Helper()
	f, out := finder(t), map[string]*counts{}
	add := func(key string, right, wrong, missed int) {
		if out[key] == nil {
			out[key] = &counts{}
		}
		out[key].right += right
		out[key].wrong += wrong
		out[key].missed += missed
	}
	for _, l := range tickets(t) {
		if l.Part != part {
			continue
		}
		language, _, _ := strings.Cut(l.Lang, "-")
		want, got := reported(l.Want), reported(found(f, l.Text))
		for _, k := range []string{"urgent", "major", "sensitive", "person", "complaint"} {
			w, g := slices.Contains(want, k), slices.Contains(got, k)
			for _, key := range []string{language, language + " " + k, "all " + k} {
				add(key, count(w && g), count(g && !w), count(w && !g))
			}
		}
		if !slices.Equal(sorted(want), sorted(got)) && testing.Verbose() && os.Getenv("SHOW") == part {
			var quotes []string
			for _, h := range f.Find(l.Text) {
				quotes = append(quotes, fmt.Sprintf("%s:%q", h.Kind, h.Quote))
			}
			fmt.Printf("%s %s want %v got %v: %s\n", l.Part, l.Lang, want, quotes, l.Text)
		}
	}
	return out
}

func sorted(s []string) []string { slices.Sort(s); return s }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestMeasure fails under what was reached. Both first parts were written by one hand, before the phrases; the phrases were
// then corrected on "dev" alone, and "held" was looked at once, at the end. "third", "fourth" and "fifth" are wordings that
// the lists did not have when they were written; the lists grew from each in turn, so that only what each gave before says
// what unseen wordings give: precision 0.97 and recall 0.47 on "fifth" (29 of 62) after the lists had grown from "fourth".
// "sixth" (18 languages) was written without a look at the lists: precision 0.98, recall 0.60 (93 of 154). The lists grew from
// it. "seventh" was written after that and describes things without naming them: precision 1.00, recall 0.27 (33 of
// 122; 0.23 with the lists before).
func TestMeasure(t *testing.T) {
	for _, part := range []string{"dev", "held", "second", "third", "fourth", "fifth", "sixth", "seventh"} {
		all := measure(t, part)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			c := all[key]
			t.Logf("%-5s %-14s precision %.3f recall %.3f  (%d right, %d wrong, %d missed)", part, key, c.precision(), c.recall(), c.right, c.wrong, c.missed)
			if c.right+c.missed < 20 || slices.Contains([]string{"third", "fourth", "fifth", "sixth", "seventh"}, part) {
				continue // one ticket would be more than five points
			}
			require.GreaterOrEqual(t, c.precision(), 0.95, "%s %s", part, key)
			require.GreaterOrEqual(t, c.recall(), 0.93, "%s %s", part, key)
		}
		if part == "dev" {
			require.GreaterOrEqual(t, len(all), 5*18, "languages and kinds")
		}
	}
}
