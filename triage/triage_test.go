package triage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// memory is a Recorder that keeps everything in a map.
type memory struct {
	mu     sync.Mutex
	byKey  map[prediag.RequestKey]prediag.Diagnosis
	writes int
}

func (m *memory) Recorded(_ context.Context, key prediag.RequestKey) (prediag.Diagnosis, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.byKey[key]
	return d, ok, nil
}

func (m *memory) RecordAll(_ context.Context, keys []prediag.RequestKey, ds []prediag.Diagnosis) ([]prediag.Diagnosis, []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	for i, k := range keys {
		if k.Idempotent() {
			m.byKey[k] = ds[i]
		}
	}
	return ds, make([]error, len(ds))
}

type explainer map[string][]prediag.FaultCode

func (e explainer) Explain(_ context.Context, code string) ([]prediag.FaultCode, error) {
	return e[code], nil
}

var testNow = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// parts of a pipeline that is sure of everything.
func testParts() (Parts, *memory) {
	rec := &memory{byKey: map[prediag.RequestKey]prediag.Diagnosis{}}
	hit := prediag.Hit{ArticleID: "a1", Score: 9, Coverage: 0.9, Lead: 9, Rarity: 5, Category: "network/dns", Codes: []prediag.FaultCode{{Code: "ADN.0404"}}}
	return Parts{
		Classifier: prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
			v := sure().Verdict
			v.Fields = append(v.Fields, prediag.FieldVerdict{Field: prediag.FieldTier, Label: "L2", Probability: 0.9})
			return v, nil
		}),
		Searcher: prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) {
			return prediag.Results{Hits: []prediag.Hit{hit}, Total: 1, Generation: 7}, nil
		}),
		Explainer: explainer{"ADN.0404": {{Code: "ADN.0404", Meaning: "no such record"}}},
		Drafter: prediag.DrafterFunc(func(context.Context, prediag.Ticket, prediag.Verdict, []prediag.Hit) (prediag.Draft, error) {
			return prediag.Draft{Language: "en", Grounded: 1}, nil
		}),
		Recorder:  rec,
		Refreshed: func() time.Time { return testNow.Add(-time.Hour) },
		Taxonomy:  func(string) string { return "t1" },
	}, rec
}

func testOptions() Options {
	n := 0
	var mu sync.Mutex
	return Options{
		Now: func() time.Time { return testNow },
		NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return fmt.Sprint(n)
		},
	}
}

func TestTriageAnswersWhatIsSure(t *testing.T) {
	parts, rec := testParts()
	p := New(parts, testPolicy(t), testOptions())
	d, err := p.Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{Body: "ADN.0404 and ADN.9999 when resolving our domain"})
	require.NoError(t, err)
	require.Equal(t, prediag.OutcomeAnswer, d.Outcome, "%v", d.Reasons)
	require.Nil(t, d.Handoff)
	require.Equal(t, "d-1", d.ID)
	require.Equal(t, testNow, d.Created)
	require.Equal(t, []prediag.FaultCode{{Code: "ADN.0404", Meaning: "no such record"}}, d.Codes)
	require.Equal(t, []string{"ADN.9999"}, d.Unknown)
	require.Equal(t, prediag.Versions{Model: "m1", Taxonomy: "t1", Index: 7, Policy: p.Policy().Version()}, d.Versions)
	require.Equal(t, 1, rec.writes)
}

func TestTriageHandsOver(t *testing.T) {
	parts, _ := testParts()
	inner := parts.Classifier
	parts.Classifier = prediag.ClassifierFunc(func(ctx context.Context, tk prediag.Ticket) (prediag.Verdict, error) {
		v, err := inner.Classify(ctx, tk)
		v.Language = "zh"
		return v, err
	})
	p := New(parts, testPolicy(t), testOptions())
	d, err := p.Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{Body: "加急！域名无法解析，客户都打不开网站"})
	require.NoError(t, err)
	require.Equal(t, prediag.OutcomeSuggest, d.Outcome)
	require.Equal(t, &prediag.Handoff{
		CaseID: "c-1", Tier: "L2", Queue: "network", Priority: 1, Deadline: testNow.Add(30 * time.Minute),
		Message: "感谢您的反馈，我们已安排专家处理，稍后会与您联系。",
	}, d.Handoff)
}

func TestTriageMajorIncidentIsFirstAndFast(t *testing.T) {
	parts, _ := testParts()
	p := New(parts, testPolicy(t), testOptions())
	d, err := p.Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{Body: "Complete outage: nothing resolves"})
	require.NoError(t, err)
	require.Equal(t, prediag.OutcomeEscalate, d.Outcome)
	require.Equal(t, 0, d.Handoff.Priority)
	require.Equal(t, "L3", d.Handoff.Tier)
	require.Equal(t, testNow.Add(15*time.Minute), d.Handoff.Deadline)
}

func TestTriageSurvivesEachPart(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name   string
		break_ func(*Parts)
		want   prediag.Degradation
		least  prediag.Outcome
	}{
		{"classifier", func(p *Parts) {
			p.Classifier = prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) { return prediag.Verdict{}, broken })
		}, prediag.DegradedClassifier, prediag.OutcomeEscalate},
		{"search", func(p *Parts) {
			p.Searcher = prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) { return prediag.Results{}, broken })
		}, prediag.DegradedSearch, prediag.OutcomeEscalate},
		{"draft", func(p *Parts) {
			p.Drafter = prediag.DrafterFunc(func(context.Context, prediag.Ticket, prediag.Verdict, []prediag.Hit) (prediag.Draft, error) {
				return prediag.Draft{}, broken
			})
		}, prediag.DegradedDraft, prediag.OutcomeSuggest},
		{"old index", func(p *Parts) {
			p.Refreshed = func() time.Time { return testNow.Add(-13 * time.Hour) }
		}, prediag.DegradedIndexStale, prediag.OutcomeSuggest},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts, _ := testParts()
			c.break_(&parts)
			d, err := New(parts, testPolicy(t), testOptions()).Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{Body: "our domain does not resolve, ADN.0404"})
			require.NoError(t, err)
			require.Equal(t, []prediag.Degradation{c.want}, d.Degraded)
			require.Equal(t, c.least, d.Outcome)
			require.NotNil(t, d.Handoff)
		})
	}
}

func TestTriageRepeatsAnAnswer(t *testing.T) {
	parts, rec := testParts()
	p := New(parts, testPolicy(t), testOptions())
	key := prediag.RequestKey{Method: "Triage", ID: "r1"}
	a, err := p.Triage(t.Context(), key, prediag.Ticket{Body: "our domain does not resolve"})
	require.NoError(t, err)
	b, err := p.Triage(t.Context(), key, prediag.Ticket{Body: "our domain does not resolve"})
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, 1, rec.writes)
}

func TestBatchHasAResultOrAnErrorForEach(t *testing.T) {
	parts, rec := testParts()
	p := New(parts, testPolicy(t), testOptions())
	tickets := []prediag.Ticket{{Body: "our domain does not resolve"}, {Body: " \n"}, {Title: "DNS lookup times out"}, {Body: "bad \xff bytes in here"}}
	ds, errs := p.Batch(t.Context(), make([]prediag.RequestKey, 4), tickets)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], prediag.ErrInvalid)
	require.NoError(t, errs[2])
	require.ErrorIs(t, errs[3], prediag.ErrInvalid)
	require.Equal(t, tickets[0].Body, ds[0].Ticket.Body)
	require.Equal(t, tickets[2].Title, ds[2].Ticket.Title)
	require.Equal(t, 1, rec.writes, "one write for the whole batch")
}

func TestTriageRemovesSecretsBeforeAnythingSeesThem(t *testing.T) {
	parts, _ := testParts()
	secret := "hunter2hunter2"
	parts.Classifier = prediag.ClassifierFunc(func(_ context.Context, tk prediag.Ticket) (prediag.Verdict, error) {
		require.NotContains(t, tk.Text(), secret)
		return sure().Verdict, nil
	})
	parts.Searcher = prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
		require.NotContains(t, q.Text, secret)
		return prediag.Results{}, nil
	})
	d, err := New(parts, testPolicy(t), testOptions()).Triage(t.Context(), prediag.RequestKey{}, prediag.Ticket{Body: "I cannot log in, password=" + secret})
	require.NoError(t, err)
	require.NotContains(t, d.Ticket.Body, secret)
	require.Contains(t, fmt.Sprint(d.Reasons), string(prediag.ReasonPersonalData))
}

func TestTriageEndsWithItsContext(t *testing.T) {
	parts, rec := testParts()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(parts, testPolicy(t), testOptions()).Triage(ctx, prediag.RequestKey{}, prediag.Ticket{Body: "our domain does not resolve"})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, rec.writes)
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		ticket prediag.Ticket
		kind   error
		field  string
	}{
		{"a title is enough", prediag.Ticket{Title: "x"}, nil, ""},
		{"blank", prediag.Ticket{Title: " ", Body: "\n"}, prediag.ErrInvalid, "ticket.body"},
		{"largest body", prediag.Ticket{Body: strings.Repeat("x", prediag.MaxTicketBytes)}, nil, ""},
		{"body too large", prediag.Ticket{Body: strings.Repeat("x", prediag.MaxTicketBytes+1)}, prediag.ErrTooLarge, "ticket.body"},
		{"title too large", prediag.Ticket{Title: strings.Repeat("x", prediag.MaxTitleBytes+1)}, prediag.ErrTooLarge, "ticket.title"},
		{"id too large", prediag.Ticket{Body: "x", ID: strings.Repeat("x", prediag.MaxFieldBytes+1)}, prediag.ErrTooLarge, "ticket.id"},
		{"codes", prediag.Ticket{Body: "x", Codes: make([]string, prediag.MaxTicketCodes+1)}, prediag.ErrInvalid, "ticket.codes"},
		{"title not UTF-8", prediag.Ticket{Title: "\xff", Body: "x"}, prediag.ErrInvalid, "ticket.title"},
		{"field not UTF-8", prediag.Ticket{Body: "x", Fields: map[string]string{"k": "\xff"}}, prediag.ErrInvalid, "ticket.fields[k]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.ticket)
			require.ErrorIs(t, err, c.kind)
			if c.kind != nil {
				var e *prediag.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.field, e.Field)
			}
		})
	}
}

func TestPolicyFaults(t *testing.T) {
	good := string(DefaultPolicyFile())
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "min_in_scope:", "min_inscope:", "min_inscope"},
		{"share over one", "min_in_scope: 0.30", "min_in_scope: 3", "min_in_scope is 3"},
		{"not a number", "min_in_scope: 0.30", "min_in_scope: .nan", "min_in_scope"},
		{"show above act", "act: 0.80, show: 0.35", "act: 0.30, show: 0.35", "show 0.35 is above act 0.3"},
		{"bad duration", "L1: 5m", "L1: soon", `"soon" is not a duration`},
		{"missing duration", "  L1: 5m\n", "", "deadlines.L1 is missing"},
		{"no name", "name: default", "", "name is missing"},
		{"empty", good, "", "not a policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, good, c.from)
			_, err := ParsePolicy([]byte(strings.Replace(good, c.from, c.to, 1)))
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add(DefaultPolicyFile())
	f.Add([]byte("name: x\nfields: {a: {act: 1e999}}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePolicy(raw)
		if err == nil && p.Version() == "" {
			t.Fatal("a policy without a version")
		}
	})
}

func TestPreferLanguageKeepsTheRank(t *testing.T) {
	hits := []prediag.Hit{
		{ArticleID: "a-en", Group: "a", Language: "en"}, {ArticleID: "b-en", Group: "b", Language: "en"}, {ArticleID: "a-zh", Group: "a", Language: "zh"},
	}
	got := preferLanguage(hits, "zh")
	require.Equal(t, []string{"a-zh", "b-en", "a-en"}, []string{got[0].ArticleID, got[1].ArticleID, got[2].ArticleID})
	foreign := []prediag.Hit{{ArticleID: "a-pt", Group: "a", Language: "pt"}, {ArticleID: "a-en", Group: "a", Language: "en"}}
	require.Equal(t, "a-en", preferLanguage(foreign, "de")[0].ArticleID, "English where the customer's language is missing")
}

func TestMarginPassesOverTranslations(t *testing.T) {
	hits := []prediag.Hit{{Score: 10, Group: "a"}, {Score: 9, Group: "a"}, {Score: 4, Group: "b"}}
	require.InDelta(t, 0.6, margin(hits), 1e-9)
	require.InDelta(t, 1, margin(hits[:2]), 1e-9)
}

// beside is a reporter that says what it was asked.
type beside struct{ hits, codes int }

func (b *beside) Causes(_ context.Context, codes []prediag.FaultCode, hits []prediag.Hit) ([]prediag.Statement, error) {
	b.hits, b.codes = len(hits), len(codes)
	return []prediag.Statement{{Kind: prediag.StatementCause, Text: "a cause"}}, nil
}

func (b *beside) Related(context.Context, []prediag.FaultCode, []prediag.Hit) ([]prediag.Hit, error) {
	return []prediag.Hit{{ArticleID: "related"}}, errors.New("some are missing")
}

func TestWhatStandsBesideTheDraft(t *testing.T) {
	parts, _ := testParts()
	var b beside
	parts.Reporter = &b
	ticket := prediag.Ticket{Title: "cannot log in", Body: "ssh to i-0abc1234 times out, console shows ADN.0404"}
	d, err := New(parts, testPolicy(t), testOptions()).Diagnose(t.Context(), ticket)
	require.NoError(t, err)
	require.Equal(t, "a cause", d.Causes[0].Text)
	require.Equal(t, "related", d.Related[0].ArticleID, "what was found counts, though something failed")
	require.Equal(t, len(d.Hits), b.hits)
	require.Equal(t, len(d.Codes), b.codes)
	require.Empty(t, d.Degraded, "the outcome does not depend on it")

	strict := testPolicy(t)
	strict.Solved.Show = 1
	parts.Searcher = prediag.SearcherFunc(func(context.Context, prediag.Query) (prediag.Results, error) {
		return prediag.Results{Hits: []prediag.Hit{{ArticleID: "weak", Coverage: 0.01}}}, nil
	})
	d, err = New(parts, strict, testOptions()).Diagnose(t.Context(), prediag.Ticket{Body: "hello there"})
	require.NoError(t, err)
	require.NotEmpty(t, d.Hits)
	require.Zero(t, b.hits, "what is not worth showing is not worth quoting")
	require.Empty(t, d.Related)
}
