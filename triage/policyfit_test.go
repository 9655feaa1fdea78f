package triage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// labelled are calibration tickets whose category is right as often as its probability says, and whose first article
// solves them as often as its coverage says.
func labelled(n int, seed uint64) []Labelled {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := make([]Labelled, n)
	for i := range out {
		p := 0.4 + 0.6*math.Sqrt(rng.Float64())
		label := []string{"network/dns", "network/vpn", "billing/refund"}[i%3]
		e := prediag.Example{Labels: map[string]string{prediag.FieldCategory: label, prediag.FieldUrgency: "high"}, Article: fmt.Sprint("a", i%7)}
		v := prediag.FieldVerdict{Field: prediag.FieldCategory, Label: label, Probability: p,
			Alternatives: []prediag.Label{{Value: "network/other", Probability: (1 - p) / 2}, {Value: "billing/other", Probability: (1 - p) / 4}}}
		if rng.Float64() > p {
			e.Labels[prediag.FieldCategory] = "network/other"
		}
		coverage := rng.Float64()
		out[i] = Labelled{Example: e, Study: Study{
			Verdict: prediag.Verdict{InScope: 1, Language: "en", LanguageConfidence: 1, Model: "m1", Fields: []prediag.FieldVerdict{
				v, {Field: prediag.FieldUrgency, Label: "high", Probability: p}}},
			Answer: AnswerCase{Key: rng.Uint64(), Category: label, Open: true, Features: Features{Coverage: coverage}, Right: rng.Float64() < 1/(1+math.Exp(2-8*coverage))},
		}}
	}
	return out
}

func request(t testing.TB) Request {
	p := testPolicy(t)
	return Request{Base: p, Targets: map[string]float64{ActionAnswer: 0.9, ActionRoute: 0.9, prediag.FieldUrgency: 0.9},
		Options: FitOptions{Confidence: 0.95, Horizon: -1}, ShowTarget: 0.5, Seed: 1,
		On:   Binding{Model: "m1", Taxonomy: "t1", Search: "kb-1/1", Embedder: NoEmbedder},
		Data: Data{SHA256: "ab", Tickets: 900}, At: time.Date(2026, 5, 4, 3, 2, 1, 5, time.FixedZone("", 3600))}
}

func fit(t testing.TB, r Request) Policy {
	t.Helper()
	p, err := FitPolicy(labelled(900, 1), r)
	require.NoError(t, err)
	return p
}

func TestFitPolicy(t *testing.T) {
	p := fit(t, request(t))
	require.Equal(t, OriginFitted, p.Origin())
	category := p.Fields[prediag.FieldCategory]
	require.True(t, category.Parents)
	require.Empty(t, category.Off)
	require.Greater(t, category.Act, 0.4)
	require.Less(t, category.Show, category.Act)
	require.Equal(t, 0.20, category.Margin, "the base's")
	require.Equal(t, "no ticket could be taken", p.Fields[prediag.FieldUrgency].Off, "there is one label, and it suffices for itself")
	require.Empty(t, p.Fields[prediag.FieldUrgency].Own["high"].Off, "always right")
	require.Equal(t, Gate{Act: 0.8, Margin: 0.2}, p.Solved.Gate[prediag.FieldCategory], "what an answer needed before")
	require.InDelta(t, 8, p.SolvedModel.Coverage, 1.5)
	require.InDelta(t, -2, p.SolvedModel.Bias, 0.7)
	require.Greater(t, p.Solved.Act, 0.5)
	require.Less(t, p.Solved.Act, 0.9)

	actions := []string{}
	for _, promised := range p.Warranty.Promises {
		actions = append(actions, promised.Action)
		require.Equal(t, 900, promised.Horizon, "as many as calibrate")
		for _, f := range promised.Thresholds {
			if f.Off != "" {
				continue
			}
			require.GreaterOrEqual(t, f.Bound, promised.Target-1e-9)
			require.LessOrEqual(t, f.Errors, f.Allowed)
		}
	}
	require.Equal(t, []string{"answer", "answer (show)", "route", "route (show)", "urgency"}, actions)
	require.Empty(t, p.Warranty.Notes)
	require.Equal(t, testPolicy(t).Deadlines, p.Deadlines)
	again := fit(t, request(t))
	require.Equal(t, p, again, "the same for the same tickets and seed")
}

func TestFittedPolicyRoundTrip(t *testing.T) {
	p := fit(t, request(t))
	raw, err := p.Encode()
	require.NoError(t, err)
	back, err := ParsePolicy(raw)
	require.NoError(t, err)
	require.Equal(t, p, back)
	require.Equal(t, OriginFitted, back.Origin())
	require.Contains(t, string(raw), "# Written by prediag policy fit")
	require.Contains(t, string(raw), "index_max_age: 12h\n")
}

func TestAnyPolicyRoundTrip(t *testing.T) {
	base := testPolicy(t)
	share := rapid.Float64Range(0, 1)
	rapid.Check(t, func(t *rapid.T) {
		p := base
		act := share.Draw(t, "act")
		own := map[string]Own{"a/b": {Act: share.Draw(t, "own")}, "日本": {Off: rapid.String().Draw(t, "off")}}
		p.Fields = map[string]FieldThreshold{rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "field"): {Act: act, Show: act / 2, Margin: share.Draw(t, "margin"), Own: own, Parents: true, Off: "because: \"x\"\n# y"}}
		p.Solved.Gate = map[string]Gate{"category": {Act: share.Draw(t, "gate")}}
		p.IndexMaxAge = Duration(rapid.Int64Range(1, 1<<50).Draw(t, "age"))
		p.Warranty = &Warranty{At: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "at"), 0).UTC(), Confidence: 0.9,
			Promises: []Promise{{Action: "route", Target: 0.9, Thresholds: []Fitted{{Act: act, Errors: 3}}}}}
		sealed, err := p.Seal()
		require.NoError(t, err)
		raw, err := sealed.Encode()
		require.NoError(t, err)
		back, err := ParsePolicy(raw)
		require.NoError(t, err)
		require.Equal(t, sealed, back)
		require.Equal(t, OriginFitted, back.Origin())
	})
}

// What the promises depend on cannot be changed unnoticed; what they do not depend on can.
func TestEditedPolicyCountsAsSetByHand(t *testing.T) {
	raw, err := fit(t, request(t)).Encode()
	require.NoError(t, err)
	for old, changed := range map[string]Origin{
		"min_in_scope: 0.3": OriginEdited, "  - security": OriginEdited, "margin: 0.2": OriginEdited, "confidence: 0.95": OriginEdited,
		"parents: true": OriginEdited, "model: m1": OriginEdited, "target: 0.9": OriginEdited, "tickets: 900": OriginEdited,
		"L1: 5m": OriginFitted, "audit_sample: 0.02": OriginFitted, "index_max_age: 12h": OriginFitted, "name: default": OriginFitted,
	} {
		edit := strings.NewReplacer("0.3", "0.2", "security", "other", "0.2", "0.1", "0.95", "0.99", "true", "false", "m1", "m2",
			"0.9", "0.8", "900", "901", "5m", "6m", "0.02", "0.03", "12h", "13h", "default", "ours").Replace(old)
		p, err := ParsePolicy([]byte(strings.Replace(string(raw), old, edit, 1)))
		require.NoError(t, err, old)
		require.Equal(t, changed, p.Origin(), old)
	}
	p, err := ParsePolicy(raw)
	require.NoError(t, err)
	lowered := p.Fields[prediag.FieldCategory]
	lowered.Act -= 0.1
	p.Fields[prediag.FieldCategory] = lowered
	require.Equal(t, OriginEdited, p.Origin(), "a lowered threshold")
	require.Equal(t, OriginHand, testPolicy(t).Origin())
}

func TestStalePolicyActsNoMore(t *testing.T) {
	p := testPolicy(t)
	p.CalibratedOn = request(t).On
	fits := p.CalibratedOn
	require.Empty(t, p.Differences(fits))
	for what, change := range map[string]func(*Binding){
		"model": func(b *Binding) { b.Model = "x" }, "taxonomy": func(b *Binding) { b.Taxonomy = "x" },
		"search": func(b *Binding) { b.Search = "x" }, "embedder": func(b *Binding) { b.Embedder = "x" },
	} {
		serves := fits
		change(&serves)
		differences := p.Differences(serves)
		require.Len(t, differences, 1)
		require.Equal(t, what, differences[0].What)
		f := sure()
		f.Serves, f.Verdict.Model = serves, serves.Model
		outcome, reasons := Decide(f, p)
		require.Equal(t, prediag.OutcomeSuggest, outcome, what)
		require.Equal(t, prediag.ReasonCalibrationStale, reasons[0].Code)
		require.Contains(t, reasons[0].Detail, what)
	}
	f := sure()
	f.Serves, f.Verdict.Model = fits, fits.Model
	outcome, _ := Decide(f, p)
	require.Equal(t, prediag.OutcomeAnswer, outcome)
}

// What is off says why in the policy and in the reason of every diagnosis.
func TestOffActionsSayWhy(t *testing.T) {
	r := request(t)
	r.Targets = map[string]float64{ActionAnswer: 0.999, ActionRoute: 0.999}
	p := fit(t, r)
	require.NotEmpty(t, p.Solved.Off)
	require.NotEmpty(t, p.Fields[prediag.FieldCategory].Off)
	f := sure()
	f.Serves, f.Verdict.Model = r.On, r.On.Model
	f.Solved = 1
	outcome, reasons := Decide(f, p)
	require.Equal(t, prediag.OutcomeSuggest, outcome)
	var said string
	for _, reason := range reasons {
		require.Equal(t, prediag.ReasonLowConfidence, reason.Code)
		said += reason.Detail + "\n"
	}
	require.Contains(t, said, "answering is off: "+p.Solved.Off)
	require.Contains(t, said, "category is not acted on: "+p.Fields[prediag.FieldCategory].Off)
}

func TestFitPolicyRefusals(t *testing.T) {
	bare := []Labelled{{Example: prediag.Example{Labels: map[string]string{prediag.FieldTier: "L1"}}}}
	for name, c := range map[string]struct {
		targets map[string]float64
		tickets []Labelled
		reason  string
	}{
		"no target":       {nil, bare, "TARGET_MISSING"},
		"category twice":  {map[string]float64{ActionRoute: 0.9, prediag.FieldCategory: 0.9}, bare, "TARGET_TWICE"},
		"no label":        {map[string]float64{ActionRoute: 0.9}, bare, "NO_LABELS"},
		"no article":      {map[string]float64{ActionAnswer: 0.9}, bare, "NO_ARTICLES"},
		"target over one": {map[string]float64{ActionRoute: 1.5}, labelled(10, 1), "TARGET_INVALID"},
	} {
		r := request(t)
		r.Targets = c.targets
		_, err := FitPolicy(c.tickets, r)
		var e *prediag.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.reason, e.Reason, name)
		require.ErrorIs(t, err, prediag.ErrInvalid)
	}
}

// Tickets on which the model is far better than its own probabilities say were probably in its training.
func TestTooGoodToBeTrueIsSaid(t *testing.T) {
	tickets := labelled(900, 1)
	for i := range tickets {
		tickets[i].Example.Labels[prediag.FieldCategory] = tickets[i].Study.Verdict.Fields[0].Label
	}
	p, err := FitPolicy(tickets, request(t))
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warranty.Notes, " "), "if it was trained on them")

	tickets = labelled(900, 1)
	tickets[0].Example.Article = ""
	p, err = FitPolicy(tickets, request(t))
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warranty.Notes, " "), "1 of 900 tickets name no article")
}

// A ticket that is unsure of its category but sure of the branch is treated as the branch, and routed there.
func TestParentBackOff(t *testing.T) {
	v := prediag.FieldVerdict{Field: prediag.FieldCategory, Label: "net/dns/record", Probability: 0.40, Alternatives: []prediag.Label{
		{Value: "net/dns/zone", Probability: 0.25}, {Value: "net/vpn", Probability: 0.20}, {Value: "billing", Probability: 0.10}, {Value: "network", Probability: 0.05}}}
	rule := FieldThreshold{Parents: true, Margin: 0.1}
	verdict := prediag.Verdict{InScope: 1, Fields: []prediag.FieldVerdict{v}}
	steps := func(truth string) []Step { return FieldTrial(verdict, prediag.FieldCategory, truth, rule, 0.3).Steps }
	require.InDeltaSlice(t, []float64{0.85, 0.65, 0.40}, []float64{steps("")[0].At, steps("")[1].At, steps("")[2].At}, 1e-12)
	rights := func(truth string) (out []bool) {
		for _, s := range steps(truth) {
			out = append(out, s.Right)
		}
		return out
	}
	require.Equal(t, []bool{true, true, true}, rights("net/dns/record"))
	require.Equal(t, []bool{true, true, false}, rights("net/dns/zone"))
	require.Equal(t, []bool{true, false, false}, rights("net/vpn"))
	require.Equal(t, []bool{false, false, false}, rights("network"), "another category that only begins alike")
	require.Equal(t, []bool{false, false, false}, rights(prediag.LabelOutOfScope))
	rule.Margin = 0.2
	require.Len(t, steps(""), 2, "too close to the second: only the parents are left")
	verdict.InScope = 0.2
	require.Empty(t, steps(""), "out of scope")

	p := testPolicy(t)
	for _, c := range []struct {
		act   float64
		label string
		queue string
	}{{0.39, "net/dns/record", "net"}, {0.5, "net/dns", "net"}, {0.8, "net", "net"}, {0.9, "", "general"}} {
		p.Fields[prediag.FieldCategory] = FieldThreshold{Act: c.act, Parents: true}
		label, ok := p.act(v)
		require.Equal(t, c.label != "", ok)
		require.Equal(t, c.label, label.Value)
		d := prediag.Diagnosis{Verdict: prediag.Verdict{Fields: []prediag.FieldVerdict{v}}}
		require.Equal(t, c.queue, queueOf(d, p))
		d.Reasons = []prediag.Reason{{Code: prediag.ReasonCalibrationStale}}
		require.Equal(t, "general", queueOf(d, p), "a stale policy routes nothing")
	}
	p.Fields[prediag.FieldCategory] = FieldThreshold{Act: 0.1, Parents: true, Own: map[string]Own{"net/dns/record": {Off: "because"}}}
	_, ok := p.act(v)
	require.False(t, ok)
}

// An answer asks the gate, whatever may be routed.
func TestGateStandsApartFromRouting(t *testing.T) {
	p := testPolicy(t).Gated()
	f := sure()
	p.Fields[prediag.FieldCategory] = FieldThreshold{Act: 0.99, Parents: true}
	outcome, reasons := Decide(f, p)
	require.Equal(t, prediag.OutcomeAnswer, outcome, "not sure enough to be routed, sure enough to be answered")
	require.NotEmpty(t, reasons)
	p.Fields[prediag.FieldCategory] = FieldThreshold{Act: 0.1, Parents: true}
	f.Verdict.Fields[0].Probability = 0.79
	outcome, _ = Decide(f, p)
	require.Equal(t, prediag.OutcomeSuggest, outcome, "sure enough to be routed, not to be answered")
	f = sure()
	f.Paused = "because"
	outcome, reasons = Decide(f, p)
	require.Equal(t, prediag.OutcomeSuggest, outcome)
	require.Equal(t, prediag.ReasonCategoryNotAllowed, reasons[0].Code)
}

// Under a fitted policy what Decide answers is what the threshold was fitted on: open, and at or above it.
func TestAnsweredIsWhatWasFitted(t *testing.T) {
	base := testPolicy(t).Gated()
	rapid.Check(t, func(t *rapid.T) {
		f := sure()
		f.Verdict.Fields[0].Probability = rapid.Float64Range(0, 1).Draw(t, "category")
		f.Draft.Grounded = float64(rapid.IntRange(0, 1).Draw(t, "grounded"))
		b := Basis{Facts: f, Features: Features{Coverage: rapid.Float64Range(0, 2).Draw(t, "coverage")}}
		p := base
		p.Solved.Act = rapid.Float64Range(0, 1).Draw(t, "act")
		p.Solved.Show = min(p.Solved.Show, p.Solved.Act)
		solved, outcome, _ := b.Decide(p)
		require.Equal(t, b.open(p) && solved >= p.Solved.Act, outcome == prediag.OutcomeAnswer)
	})
}

func TestFitSolved(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	want := SolvedModel{Bias: -3, Coverage: 3, Margin: 2, Code: 1.5, Category: 1, Lead: 0.7, Rarity: 0.5, Early: 1.2, Missed: -1, Unknown: -1.5, Listing: -2}
	cases := make([]AnswerCase, 8000)
	for i := range cases {
		x := Features{Coverage: rng.Float64(), Margin: rng.Float64(), Code: float64(rng.IntN(2)), Category: rng.Float64(), Lead: 3 * rng.Float64(),
			Rarity: 3 * rng.Float64(), Early: rng.Float64(), Missed: float64(rng.IntN(2)), Unknown: rng.Float64(), Listing: rng.Float64()}
		cases[i] = AnswerCase{Key: uint64(i), Features: x, Right: rng.Float64() < want.Probability(x), Open: true}
	}
	got, probabilities := FitSolved(cases, 1)
	for name, pair := range map[string][2]float64{"bias": {want.Bias, got.Bias}, "coverage": {want.Coverage, got.Coverage},
		"margin": {want.Margin, got.Margin}, "code": {want.Code, got.Code}, "category": {want.Category, got.Category},
		"lead": {want.Lead, got.Lead}, "early": {want.Early, got.Early}, "missed": {want.Missed, got.Missed}, "rarity": {want.Rarity, got.Rarity},
		"unknown": {want.Unknown, got.Unknown}, "listing": {want.Listing, got.Listing}} {
		require.InDelta(t, pair[0], pair[1], 0.4, name)
	}
	flipped := append([]AnswerCase{}, cases...)
	flipped[5].Right = !flipped[5].Right
	_, again := FitSolved(flipped, 1)
	require.Equal(t, probabilities[5], again[5], "a case's probability does not come from its own label")
	require.NotEqual(t, probabilities, again)

	for i := range cases { // signs that count the wrong way are left out
		x := &cases[i].Features
		x.Coverage, x.Missed, x.Listing = 1-x.Coverage, 1-x.Missed, 1-x.Listing
	}
	got, _ = FitSolved(cases, 1)
	require.Zero(t, got.Coverage)
	require.Zero(t, got.Missed)
	require.Zero(t, got.Listing)
	require.Greater(t, got.Margin, 1.0, "the others stay")

	for i := range cases { // parted without error, and all alike: the weights stay finite
		cases[i].Right = cases[i].Features.Coverage > 0.5
	}
	got, _ = FitSolved(cases[:200], 1)
	require.False(t, math.IsNaN(got.Bias) || math.IsInf(got.Coverage, 0))
	got, probabilities = FitSolved(cases[:1], 1)
	require.False(t, math.IsNaN(got.Bias+probabilities[0]))
	_, probabilities = FitSolved(nil, 1)
	require.Empty(t, probabilities)
}
