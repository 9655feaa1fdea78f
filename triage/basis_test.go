package triage

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// unit draws a probability, round ones more often, so that thresholds are met exactly.
func unit(t *rapid.T, label string) float64 {
	return rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 0.3, 0.5, 0.8, 1})).Draw(t, label)
}

func drawnPolicy(t *rapid.T, label string) Policy {
	p := Policy{
		Name:   label,
		Fields: map[string]FieldThreshold{"category": {Act: unit(t, "act"), Show: unit(t, "show"), Margin: unit(t, "margin")}},
		Solved: SolvedThreshold{Act: unit(t, "solved act"), Show: unit(t, "solved show")},
		SolvedModel: SolvedModel{Bias: rapid.Float64Range(-4, 4).Draw(t, "bias"), Coverage: rapid.Float64Range(0, 4).Draw(t, "coverage"),
			Margin: unit(t, "m"), Code: unit(t, "code"), Category: unit(t, "cat")},
		MinInScope: unit(t, "scope"), MinLanguage: unit(t, "lang"), AuditSample: unit(t, "sample"),
		IndexMaxAge: Duration(rapid.IntRange(1, 3).Draw(t, "age")) * Duration(time.Hour),
		Deadlines:   Deadlines{L1: 1, L2: 1, L3: 1, MajorIncident: 1},
	}
	if rapid.Bool().Draw(t, "human only") {
		p.HumanOnly = []string{"network"}
	}
	if rapid.Bool().Draw(t, "languages") {
		p.Languages = []string{"zh"}
	}
	if rapid.Bool().Draw(t, "calibrated") {
		p.CalibratedOn.Model = "m1"
	}
	return p
}

// drawnParts answer the same to every call.
func drawnParts(t *rapid.T) Parts {
	v := prediag.Verdict{
		Fields: []prediag.FieldVerdict{{
			Field: "category", Label: rapid.SampledFrom([]string{"network/dns", "storage", "oos"}).Draw(t, "label"), Probability: unit(t, "p"),
			Alternatives: []prediag.Label{{Value: "storage/disk", Probability: unit(t, "p2")}}, Evidence: []prediag.Evidence{{Text: "dns"}},
		}},
		Language: rapid.SampledFrom([]string{"en", "zh", "und"}).Draw(t, "language"), LanguageConfidence: unit(t, "lc"), InScope: unit(t, "in scope"),
		Model: rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "model"),
	}
	hits := make([]prediag.Hit, rapid.IntRange(0, 3).Draw(t, "hits"))
	for i := range hits {
		hits[i] = prediag.Hit{ArticleID: string(rune('a' + i)), Score: float64(10 - i), Coverage: unit(t, "cov"), Category: "network/dns",
			Codes: []prediag.FaultCode{{Code: "ADN.0404"}}, Passages: []prediag.Passage{{Text: "long"}}}
	}
	grounded := unit(t, "grounded")
	fails := map[string]bool{}
	for _, part := range []string{"classifier", "search", "draft"} {
		fails[part] = rapid.IntRange(0, 5).Draw(t, part) == 0
	}
	broken := func(part string) error {
		if fails[part] {
			return errors.New(part)
		}
		return nil
	}
	age := time.Duration(rapid.IntRange(0, 4).Draw(t, "index age")) * time.Hour
	return Parts{
		Classifier: prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
			if err := broken("classifier"); err != nil {
				return prediag.Verdict{}, err
			}
			return v, nil
		}),
		Searcher: prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) {
			return prediag.Results{Hits: hits}, broken("search")
		}),
		Explainer: explainer{},
		Drafter: prediag.DrafterFunc(func(_ context.Context, _ prediag.Ticket, _ prediag.Verdict, hits []prediag.Hit) (prediag.Draft, error) {
			if len(hits) == 0 {
				return prediag.Draft{Language: "en"}, nil
			}
			return prediag.Draft{Language: "zh", Grounded: grounded, Statements: []prediag.Statement{{Text: "quoted"}}}, broken("draft")
		}),
		Recorder:  &memory{byKey: map[prediag.RequestKey]prediag.Diagnosis{}},
		Refreshed: func() time.Time { return testNow.Add(-age) },
		Taxonomy:  func(string) string { return "t" },
	}
}

// TestFactsDecideAsThePipelineWould is the promise of a replay by facts: whatever policy was in force when a ticket was
// decided, its facts give under another policy what the whole line would give under it.
func TestFactsDecideAsThePipelineWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawnParts(t)
		ticket := prediag.Ticket{Body: rapid.SampledFrom([]string{
			"our domain does not resolve, ADN.0404", "加急：域名无法解析", "help", "I was hacked, my phone is 13800138000", "call me about the disk",
		}).Draw(t, "ticket")}
		before, after := drawnPolicy(t, "before"), drawnPolicy(t, "after")
		stored, err := New(parts, before, testOptions()).Diagnose(t.Context(), ticket)
		require.NoError(t, err)
		want, err := New(parts, after, testOptions()).Diagnose(t.Context(), ticket)
		require.NoError(t, err)
		b, err := ParseBasis(stored.Facts)
		require.NoError(t, err)
		solved, outcome, reasons := b.Decide(before)
		require.Equal(t, stored.Solved, solved)
		require.Equal(t, stored.Outcome, outcome)
		require.Equal(t, stored.Reasons, reasons)
		require.Equal(t, stored.Degraded, b.facts(before).Degraded)
		solved, outcome, reasons = b.Decide(after)
		require.Equal(t, want.Solved, solved)
		require.Equal(t, want.Outcome, outcome)
		require.Equal(t, want.Reasons, reasons)
	})
}

// setAll gives every field that can be reached a value that is not zero.
func setAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				setAll(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		setAll(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Float64:
		v.SetFloat(0.1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	}
}

// TestEveryFactIsKept fails when a fact that is added later does not survive its encoding.
func TestEveryFactIsKept(t *testing.T) {
	var b Basis
	setAll(reflect.ValueOf(&b).Elem())
	b.Facts.Hits[0].Updated = time.Time{}
	raw, err := b.encode()
	require.NoError(t, err)
	got, err := ParseBasis(raw)
	require.NoError(t, err)
	require.Equal(t, b.trimmed(), got)
	require.NotEmpty(t, got.Facts.Signals.Hits[0].Quote)

	empty, err := Basis{}.encode()
	require.NoError(t, err)
	require.Equal(t, "null", string(empty))
	_, err = Basis{IndexAge: 1, Features: Features{Coverage: math.NaN()}}.encode()
	require.Error(t, err)
}

func TestFactsThatAreNone(t *testing.T) {
	for _, raw := range []string{"", "{", `{"Facts":7}`} {
		_, err := ParseBasis([]byte(raw))
		require.ErrorIs(t, err, prediag.ErrInvalid, raw)
	}
}

func FuzzParseBasis(f *testing.F) {
	f.Add([]byte(`{"Facts":{"Hits":[{},{"Score":1}],"Draw":0.5},"IndexAge":3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ParseBasis(raw)
		if err != nil {
			return
		}
		again, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseBasis(again)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := ParsePolicy(DefaultPolicyFile())
		s1, o1, _ := b.Decide(p)
		s2, o2, _ := c.Decide(p)
		if s1 != s2 || o1 != o2 {
			t.Fatalf("%s decides otherwise than %s", again, raw)
		}
	})
}
