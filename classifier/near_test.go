package classifier

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// randomNear is an index of so many tickets in clusters, as hidden units of a network lie.
func randomNear(n, units int, r *rand.Rand) (*nearIndex, [][]float32) {
	x := &nearIndex{units: units}
	centres := make([][]float32, 50)
	for i := range centres {
		centres[i] = randomUnits(units, nil, r)
	}
	var all [][]float32
	for i := range n {
		h := randomUnits(units, centres[i%len(centres)], r)
		all = append(all, h)
		x.put(h)
		x.labels, x.ids, x.texts = append(x.labels, int32(i%len(centres))), append(x.ids, fmt.Sprint(i)), append(x.texts, fmt.Sprint("text ", i))
	}
	x.halve()
	x.index()
	return x, all
}

// randomUnits are hidden units, about half of them off, around a centre where one is given.
func randomUnits(units int, centre []float32, r *rand.Rand) []float32 {
	h := make([]float32, units)
	for j := range h {
		v := r.NormFloat64()
		if centre != nil {
			v = float64(centre[j]) + v/2 - 0.2
		}
		h[j] = float32(max(v, 0))
	}
	return h
}

func TestSearchFindsWhatComparingAllFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x, all := randomNear(5000, 128, r)
	found, wanted := 0, 0
	for range 100 {
		q := randomUnits(128, all[r.IntN(len(all))], r)
		cosines := make([]float32, len(all))
		for i, h := range all {
			cosines[i] = dot(q, h) / float32(math.Sqrt(float64(dot(q, q)*dot(h, h))))
		}
		exact := map[int]bool{}
		for _, i := range top(cosines, 3) {
			exact[i] = true
		}
		last := float32(1)
		for _, f := range x.search(q, 3, nil) {
			wanted++
			if exact[int(f.row)] {
				found++
			}
			require.InDelta(t, cosines[f.row], f.cosine, 0.01)
			require.LessOrEqual(t, f.cosine, last)
			last = f.cosine
		}
	}
	require.Equal(t, 300, wanted)
	require.Greater(t, found, 285, "of 300 nearest")
}

func TestNearestTickets(t *testing.T) {
	m := smallModel(t)
	ticket := prediag.Ticket{Body: "the domain name does not resolve"}
	v, err := m.Explain(context.Background(), ticket)
	require.NoError(t, err)
	plain, err := m.Classify(context.Background(), ticket)
	require.NoError(t, err)
	require.Equal(t, plain.Fields[0].Probability, v.Fields[0].Probability)
	require.Equal(t, plain.Fields[1], v.Fields[1], "only the first field has neighbours")
	require.LessOrEqual(t, len(v.Fields[0].Evidence), maxEvidence)
	near := v.Fields[0].Evidence[len(v.Fields[0].Evidence)-3:]
	require.Equal(t, prediag.EvidenceNearest, near[0].Kind)
	require.Contains(t, near[0].Text, `"domain name does not resolve`)
	require.Contains(t, near[0].Text, "→ network/dns")
	require.Greater(t, near[0].Weight, near[2].Weight)
	require.LessOrEqual(t, near[0].Weight, 1.0)
	require.Empty(t, m.Nearest(prediag.Ticket{Body: "…"}, 3), "nothing is known of this text")
	require.Empty(t, (*Model)(nil).Nearest(ticket, 3))
	_, err = (&Model{}).Explain(context.Background(), ticket)
	require.ErrorIs(t, err, prediag.ErrNotReady)
}

func TestNeighboursAreDifferentTickets(t *testing.T) {
	var examples []prediag.Example
	for i := range 6 {
		examples = append(examples, prediag.Example{Ticket: prediag.Ticket{ID: fmt.Sprint(i), Body: "the same words"}, Labels: map[string]string{"category": "a"}})
	}
	examples = append(examples, smallExamples()...)
	m, _, err := Train(context.Background(), examples, Options{Epochs: 2, Rounds: 1, Quality: QualityFast})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, n := range m.Nearest(prediag.Ticket{Body: "the same words"}, 5) {
		require.False(t, seen[n.Text], n.Text)
		seen[n.Text] = true
	}
	require.Len(t, seen, 5)
}

func TestStoredTextsHoldNoPersonalData(t *testing.T) {
	long := strings.Repeat("word ", 60)
	for in, want := range map[string]string{
		"mail anna.berg@example.com  \n please": "mail [EMAIL-1] please",
		long:                                    strings.TrimSpace(cut(long, 155)) + "…",
		"bad \xff byte":                         "bad byte",
	} {
		require.Equal(t, want, nearText(prediag.Ticket{Body: in}))
	}
	secret := strings.Repeat("x ", 70) + "anna.berg@example.com and more of it"
	require.NotContains(t, nearText(prediag.Ticket{Body: secret}), "anna", "cut after it was redacted")
}

func TestSampleKeepsSmallClasses(t *testing.T) {
	y := make([]int32, 1000)
	for i := range y {
		switch {
		case i%100 == 0:
			y[i] = 1
		case i%50 == 1:
			y[i] = -1
		}
	}
	kept := map[int32]int{}
	rows := sample(target{y: y, classes: 2}, 60)
	for _, r := range rows {
		kept[y[r]]++
	}
	require.Equal(t, map[int32]int{0: 50, 1: 10}, kept)
	require.Len(t, sample(target{y: y, classes: 2}, 5000), 980)
	require.Len(t, sample(target{y: []int32{0, 1, 2}, classes: 3}, 2), 2)
}

func TestNearFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := 8 * rapid.IntRange(1, 20).Draw(t, "units")
		x, _ := randomNear(rapid.IntRange(0, 60).Draw(t, "tickets"), units, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		back, err := decodeNear(x.encode(), units, 50)
		require.NoError(t, err)
		require.Equal(t, x.bits, back.bits)
		require.Equal(t, x.encode(), back.encode())
		_, err = decodeNear(x.encode(), units+8, 50)
		require.Error(t, err)
	})
}

func FuzzDecodeNear(f *testing.F) {
	x, _ := randomNear(3, 8, rand.New(rand.NewPCG(1, 1)))
	f.Add(x.encode())
	f.Add([]byte("PDNE\x00\x08"))
	f.Add([]byte("PDNE\xff\xff\xff\xff\x0f\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := decodeNear(data, 8, 50)
		if err != nil {
			return
		}
		require.Equal(t, data, n.encode())
		for _, found := range n.search([]float32{1, 0, 2, 0, 3, 0, 0, 1}, 3, nil) {
			require.True(t, found.cosine >= 0 && found.cosine <= 1)
		}
	})
}

func BenchmarkNearest(b *testing.B) {
	for _, n := range []int{10_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, all := randomNear(n, 128, rand.New(rand.NewPCG(1, 1)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				x.search(all[i%100], 3, nil)
			}
		})
	}
}
