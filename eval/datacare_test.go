package eval

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestSuspectsByHand(t *testing.T) {
	item := func(id, truth string, dns, vpn float64) ClassifyItem {
		it := ClassifyItem{ID: id, Truth: truth, Ranked: []prediag.Label{{Value: "dns", Probability: dns}, {Value: "vpn", Probability: vpn}}}
		if vpn > dns {
			it.Ranked[0], it.Ranked[1] = it.Ranked[1], it.Ranked[0]
		}
		return it
	}
	// dns is told of its own items with (0.9 + 0.7 + 0.1 + 0.45) / 4 = 0.5375, vpn with (0.8 + 0.6 + 0.05) / 3 = 0.483
	items := []ClassifyItem{
		item("1", "dns", 0.9, 0.1), item("2", "dns", 0.7, 0.3), item("3", "dns", 0.1, 0.9), item("4", "dns", 0.45, 0.4),
		item("5", "vpn", 0.2, 0.8), item("6", "vpn", 0.4, 0.6), item("7", "vpn", 0.95, 0.05), {ID: "8", Truth: "vpn", Error: "no"},
	}
	require.Equal(t, []Suspect{
		{ID: "7", Label: "vpn", Proposed: "dns", Given: 0.05, Confidence: 0.95},
		{ID: "3", Label: "dns", Proposed: "vpn", Given: 0.1, Confidence: 0.9},
	}, Suspects(items), "4 is unsure, but nothing speaks for another label")
	require.Empty(t, Suspects(nil))
}

func texts(prefix, label string, list ...string) []prediag.Example {
	var out []prediag.Example
	for i, s := range list {
		out = append(out, prediag.Example{Ticket: prediag.Ticket{ID: fmt.Sprint(prefix, i), Body: s}, Labels: map[string]string{"category": label}})
	}
	return out
}

func TestLeakageByHand(t *testing.T) {
	train := texts("a", "dns", "The disk of my server is full", "购买实例时资源已经售罄怎么办", "one two three four five six seven eight nine ten")
	test := texts("b", "vpn", "the DISK of my server is FULL", "购买实例时资源已经售罄怎么办？", "one two three four five six seven eight nine eleven", "something else", "")
	r, err := Leakage(t.Context(), train, test, "category", 0.8)
	require.NoError(t, err)
	require.Equal(t, []int{5, 1, 3}, []int{r.Test, r.Exact, r.Near})
	require.Equal(t, Twin{A: "a0", B: "b0", Similarity: 1, Conflict: true}, r.Twins[0])
	require.Equal(t, "a1", r.Twins[1].A)
	require.InDelta(t, 9.0/11, float64(r.Twins[2].Similarity), 1e-12)
	r, err = Leakage(t.Context(), train, test, "category", 0.9)
	require.NoError(t, err)
	require.Equal(t, 2, r.Near)
	_, err = Leakage(t.Context(), train, test, "category", 0.5)
	require.ErrorIs(t, err, prediag.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Leakage(ctx, train, test, "category", 0.9)
	require.ErrorIs(t, err, context.Canceled)
}

// TestLeakageFindsWhatComparingAllPairsFinds holds the prefix filter against the plain way.
func TestLeakageFindsWhatComparingAllPairsFinds(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"})
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		s := ""
		for _, w := range rapid.SliceOfN(word, 0, 8).Draw(t, "words") {
			s += w + "word "
		}
		return s
	}), 1, 12)
	rapid.Check(t, func(t *rapid.T) {
		train, test := texts("a", "x", list.Draw(t, "train")...), texts("b", "x", list.Draw(t, "test")...)
		threshold := rapid.SampledFrom([]float64{0.51, 0.6, 0.75, 0.8, 1}).Draw(t, "threshold")
		index := newTwinIndex(train, test, threshold)
		for _, set := range index.test {
			best, at := 0.0, -1
			for i, other := range index.train {
				if s := jaccard(other, set); s >= threshold && s > best {
					best, at = s, i
				}
			}
			gotAt, got := index.nearest(set)
			require.Equal(t, at, gotAt)
			require.Equal(t, best, got)
		}
	})
}

// TestLeakageOfASharedSet finds the test texts that the set's own description counts.
func TestLeakageOfASharedSet(t *testing.T) {
	read := func(split string) (out []prediag.Example) {
		f, err := os.Open("../../shared/data/classify/banking77/" + split + ".jsonl.gz")
		if err != nil {
			t.Skip("no shared data")
		}
		defer f.Close()
		unpacked, err := gzip.NewReader(f)
		require.NoError(t, err)
		s := bufio.NewScanner(unpacked)
		for s.Scan() {
			var line struct{ ID, Text, Label string }
			require.NoError(t, json.Unmarshal(s.Bytes(), &line))
			out = append(out, prediag.Example{Ticket: prediag.Ticket{ID: line.ID, Body: line.Text}, Labels: map[string]string{"category": line.Label}})
		}
		require.NoError(t, s.Err())
		return out
	}
	r, err := Leakage(t.Context(), read("train"), read("test"), "category", 1)
	require.NoError(t, err)
	// the description counts 6 of the same bytes; folding case and white space finds a few more
	require.InDelta(t, 10, r.Exact, 4)
	require.Greater(t, r.Near, r.Exact)
	t.Logf("of %d test texts %d stand in training word for word, %d with the same tokens", r.Test, r.Exact, r.Near)
}
