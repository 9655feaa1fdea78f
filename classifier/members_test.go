package classifier

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// toy is a task of two labels that the first feature tells apart, with noise in the others.
func toy(n int) (task, target) {
	random := rand.New(rand.NewPCG(1, 2))
	x, y := &matrix{}, make([]int32, n)
	t := task{x: x, size: 6}
	for i := range n {
		y[i] = int32(i % 2)
		x.add(vector{[]int32{y[i], 2 + int32(random.IntN(4))}, []float32{1, 1}})
		t.rows = append(t.rows, i)
	}
	return t, target{y, 2}
}

func TestLinearPartsLearn(t *testing.T) {
	x, head := toy(60)
	plain, err := learnMachine(context.Background(), x, head, plainCost, weighing{}, 1)
	require.NoError(t, err)
	weighted, err := learnMachine(context.Background(), x, head, weightedCost, weighing{gains: gains(x, head)}, 1)
	require.NoError(t, err)
	byLabel, err := learnMachine(context.Background(), x, head, weightedCost, weighing{ratios: true}, 1)
	require.NoError(t, err)
	for name, l := range map[string]*linear{"plain": plain, "weighted": weighted, "by label": byLabel, "bayes": learnBayes(x, head)} {
		z := make([]float32, l.stride)
		for i := range 60 {
			l.logits(x.x.row(i), z)
			require.Equal(t, i%2, top(z[:2], 1)[0], name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = learnMachine(ctx, x, head, plainCost, weighing{}, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// The machine's solution must satisfy what makes it the optimum: the weights are the sum of the examples times their
// multipliers, so that the gradient of ½w² + C·Σmax(0, 1-y·z)² vanishes; over weighted features, by their weights.
func TestMachineIsOptimal(t *testing.T) {
	x, head := toy(40)
	for _, by := range []weighing{{}, {ratios: true}} {
		l, err := learnMachine(context.Background(), x, head, 1, by, 1)
		require.NoError(t, err)
		gain := []float32{1, 1, 1, 1, 1, 1}
		if by.ratios {
			r := newRatios(x.rows, x.x, x.size)
			r.weigh([]int{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39}, len(x.rows), x.x)
			gain = r.gain
		}
		gradient := make([]float64, x.size)
		for f := range gradient {
			require.NotZero(t, gain[f])
			gradient[f] = float64(l.row(int32(f))[1] / gain[f])
		}
		z := make([]float32, l.stride)
		for i, r := range x.rows {
			v := x.x.row(r)
			l.logits(v, z)
			side := float64(2*head.y[i] - 1)
			if slack := 1 - side*float64(z[1]); slack > 0 {
				for j, id := range v.ids {
					gradient[id] -= 2 * slack * side * float64(v.vals[j]*gain[id])
				}
			}
		}
		for _, g := range gradient {
			require.InDelta(t, 0, g, 0.2, "it was about 80 without weights")
		}
	}
}

func TestGainsFavourWhatTells(t *testing.T) {
	x, head := toy(60)
	g := gains(x, head)
	for f := 2; f < 6; f++ {
		require.Greater(t, g[0], 2*g[f])
	}
	var before, after float64
	for _, r := range x.rows {
		v := x.x.row(r)
		for i, id := range v.ids {
			before += float64(v.vals[i] * v.vals[i])
			after += float64(v.vals[i]*v.vals[i]) * float64(g[id]*g[id])
		}
	}
	require.InDelta(t, before, after, 1e-3*before)
}

func TestLabelledRowsAreCounted(t *testing.T) {
	require.Equal(t, 2, target{y: []int32{-1, 0, 3, -1}, classes: 4}.labelled())
}

// Of six texts, two with the label: feature 0 is in both of these and no other, 1 in one and two, 2 in all, 3 in none.
func TestRatiosByHand(t *testing.T) {
	x := &matrix{}
	for _, ids := range [][]int32{{0, 1, 2}, {0, 2}, {1, 2}, {1, 2}, {2}, {2}} {
		v := vector{ids: ids}
		for range ids {
			v.vals = append(v.vals, 1)
		}
		x.add(v)
	}
	r := newRatios([]int{0, 1, 2, 3, 4, 5}, x, 4)
	r.weigh([]int{0, 1}, 6, x)
	raw := []float64{math.Log(3.0 / 4 / (1.0 / 6)), math.Log(2.0 / 4 / (3.0 / 6)), math.Log(5.0 / 6 / (3.0 / 4)), math.Log(1.0 / 4 / (1.0 / 6))}
	scale := math.Sqrt((2 + 3 + 6) / (2*raw[0]*raw[0] + 3*raw[1]*raw[1] + 6*raw[2]*raw[2]))
	for f := range raw {
		require.InDelta(t, scale*raw[f], r.gain[f], 1e-5)
		require.InDelta(t, scale*raw[f]*scale*raw[f], r.mass[f], 1e-4)
	}
	r.weigh([]int{4, 5}, 6, x)
	require.InDelta(t, math.Log(1.0/4/(3.0/6))/math.Log(1.0/4/(4.0/6)), r.gain[0]/r.gain[1], 1e-5, "each label has its own")
}

// Votes of a part that knows and of one that does not: the mixture must find the first, at its temperature.
func TestStackingFindsThePartThatKnows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	v := votes{outOfFold: outOfFold{classes: 3}}
	for range 3000 {
		var z [3]float64
		var sum float64
		for c := range z {
			z[c] = 2 * random.NormFloat64()
			sum += math.Exp(z[c])
		}
		u, y := random.Float64()*sum, 0
		for ; y < 2 && u > math.Exp(z[y]); y++ {
			u -= math.Exp(z[y])
		}
		v.truth = append(v.truth, int32(y))
		for c := range z {
			v.by[partNets] = append(v.by[partNets], float32(random.NormFloat64()))
			v.by[partBayes] = append(v.by[partBayes], float32(4*z[c])) // too sure of itself by four
		}
	}
	w, loss := v.fit(v.there())
	require.InDelta(t, 0.25, w[partBayes], 0.02)
	require.InDelta(t, leastNets, w[partNets], 0.05)
	require.Zero(t, w[partPlain], "the part is not there")
	for _, other := range []mixture{{w[0] + 0.05, 0, 0, 0, w[4]}, {w[0], 0, 0, 0, w[4] * 1.1}, {w[0], 0, 0, 0, w[4] * 0.9}} {
		require.Greater(t, v.loss(other), loss)
	}
	v.mix(w)
	require.InDelta(t, 1, v.temperature(), 0.02)
	shares, temperature := w.split()
	require.InDelta(t, 1, shares.says(partNets)+shares.says(partBayes), 1e-9)
	require.InDelta(t, w[partBayes], shares[partBayes]/temperature, 1e-9)
}

// With next to nothing to go by, the mixture stays where it usually is, and its temperature too.
func TestFewExamplesMoveTheMixtureLittle(t *testing.T) {
	v := votes{outOfFold: outOfFold{classes: 2, truth: []int32{0, 1}}}
	v.by[partNets], v.by[partChars], v.by[partBayes] = []float32{9, 0, 0, 9}, []float32{-1, 0, 0, -1}, []float32{0, 0, 0, 0}
	w, _ := v.fit(v.there())
	for p := range parts {
		require.InDelta(t, usual(v.there()).says(p), w.says(p), 0.2)
	}
	v.by[partNets], v.by[partChars] = v.by[partChars], v.by[partNets]
	again, _ := v.fit(v.there())
	require.Greater(t, w.says(partNets), again.says(partNets))
}

// A head whose folds cannot be trusted keeps the usual mixture, however much better one part looks.
func TestUntrustedFoldsFitTheTemperatureAlone(t *testing.T) {
	plan := func() *headPlan {
		p := &headPlan{labels: []string{"a", "b"}, votes: votes{outOfFold: outOfFold{classes: 2}}}
		for i := range 1000 {
			y := int32(i % 2)
			p.votes.truth = append(p.votes.truth, y)
			for c := range int32(2) {
				knows := float32(0)
				if c == y {
					knows = 1
				}
				p.votes.by[partNets] = append(p.votes.by[partNets], knows*8)
				p.votes.by[partChars] = append(p.votes.by[partChars], -knows*float32(i%3)/10)
				p.votes.by[partBayes] = append(p.votes.by[partBayes], float32(i%5)*float32(c)/10)
			}
		}
		return p
	}
	trusted, untrusted := plan(), plan()
	trusted.settle(true)
	untrusted.settle(false)
	require.Greater(t, trusted.says(partNets), 0.8)
	for p, says := range map[int]float64{partNets: 0.5, partPlain: 0, partChars: 0.25, partWeighted: 0, partBayes: 0.25} {
		require.InDelta(t, says, untrusted.says(p), 1e-9)
	}
	require.NotEqual(t, float32(1), untrusted.temperature)
}

// kinOf gives the families of the texts, by text.
func kinOf(t *testing.T, texts ...string) (map[string][]int32, bool) {
	t.Helper()
	var examples []prediag.Example
	for _, s := range texts {
		examples = append(examples, prediag.Example{Ticket: prediag.Ticket{Body: s}, Labels: map[string]string{"category": "x"}})
	}
	tr := &trainer{recipe: defaultRecipe()}
	tr.opt.setDefaults(len(examples))
	tr.choose(examples, []string{"category"})
	require.NoError(t, tr.features(context.Background()))
	first, translations := tr.kin()
	family := map[string][]int32{}
	for i, f := range first {
		s := tr.examples[i].Ticket.Body
		family[s] = append(family[s], f)
	}
	return family, translations
}

func TestMembersAreUnlike(t *testing.T) {
	tr := &trainer{vocab: &vocabulary{groups: []group{groupWord, groupNext, groupPair, groupChar, groupEdge, groupStyle, groupField}}}
	tr.opt.setDefaults(100)
	require.Nil(t, tr.member(0).skip)
	require.Equal(t, []bool{false, false, false, false, true, true, false}, tr.member(1).skip)
	rate := tr.member(0).rate
	tr.translations = true
	require.Equal(t, []bool{false, true, true, false, true, true, false}, tr.member(0).skip)
	require.Equal(t, []bool{false, false, true, false, true, true, false}, tr.member(3).skip)
	require.Equal(t, 2*rate, tr.member(0).rate)
	require.NotEqual(t, tr.member(0).seed, tr.member(2).seed)
}

func TestFamilies(t *testing.T) {
	english, german := "please play the album Mirrorshades of Joseph Utsler", "bitte spiele das Album Mirrorshades von Joseph Utsler"
	family, translations := kinOf(t, english, german, "my invoice is missing", "where do I find the invoice of May",
		"how hot is it going to be tomorrow", "my invoice is missing")
	require.True(t, translations)
	require.Equal(t, family[english], family[german])
	require.Equal(t, family["my invoice is missing"][0], family["my invoice is missing"][1])
	require.NotEqual(t, family["my invoice is missing"][0], family["how hot is it going to be tomorrow"][0])

	twin := "please play that album Mirrorshades of Joseph Utsler"
	family, translations = kinOf(t, english, twin, "my invoice is missing", "my invoice is missing", "where do I find the invoice of May")
	require.False(t, translations, "all is in English")
	require.NotEqual(t, family[english], family[twin], "near twins in one language are what the future holds, too")
	require.Equal(t, family["my invoice is missing"][0], family["my invoice is missing"][1])

	var grouped []prediag.Example
	for _, g := range []string{"1", "2", "1", "", "2"} {
		grouped = append(grouped, prediag.Example{Ticket: prediag.Ticket{Body: fmt.Sprint("text ", len(grouped)), Fields: map[string]string{GroupField: g}},
			Labels: map[string]string{"category": "x"}})
	}
	tr := &trainer{recipe: defaultRecipe()}
	tr.opt.setDefaults(len(grouped))
	tr.choose(grouped, []string{"category"})
	require.NoError(t, tr.features(context.Background()))
	first, _ := tr.kin()
	require.True(t, tr.grouped)
	for i := range first {
		for j := range first {
			a, b := tr.examples[i].Ticket.Fields[GroupField], tr.examples[j].Ticket.Fields[GroupField]
			require.Equal(t, i == j || a == b && a != "", first[i] == first[j])
		}
	}

	f := &families{parent: []int32{0, 1, 2}, size: []int32{1, 1, 1}, most: 2}
	f.unite(2, 1)
	f.unite(0, 2)
	require.Equal(t, []int32{0, 1, 1}, []int32{f.root(0), f.root(1), f.root(2)}, "a family that is full takes nobody")
}

func TestFastModelsAreSmall(t *testing.T) {
	examples := manyExamples(200)
	best, _, err := Train(context.Background(), examples, Options{Epochs: 3, Rounds: 1})
	require.NoError(t, err)
	fast, _, err := Train(context.Background(), examples, Options{Epochs: 3, Rounds: 1, Quality: QualityFast})
	require.NoError(t, err)
	require.Len(t, best.more, bestNets-1)
	require.Empty(t, fast.more)
	_, _, err = Train(context.Background(), examples, Options{Quality: "perfect"})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, `"perfect"`)
}
