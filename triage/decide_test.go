package triage

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
	"prediag/internal/signal"
)

func testPolicy(t testing.TB) Policy {
	t.Helper()
	p, err := ParsePolicy(DefaultPolicyFile())
	require.NoError(t, err)
	p.AuditSample = 0
	return p
}

// sure is a ticket about which nothing is in doubt under the default policy.
func sure() Facts {
	return Facts{
		Verdict: prediag.Verdict{
			Fields: []prediag.FieldVerdict{{
				Field: prediag.FieldCategory, Label: "network/dns", Probability: 0.95,
				Alternatives: []prediag.Label{{Value: "network/connectivity", Probability: 0.03}},
			}},
			Language: "en", LanguageConfidence: 0.99, InScope: 0.99, Model: "m1",
		},
		Hits:   []prediag.Hit{{ArticleID: "a"}},
		Draft:  prediag.Draft{Grounded: 1},
		Solved: 0.95,
		Draw:   0.5,
	}
}

// says lets the ticket hold a signal.
func says(f *Facts, k signal.Kind) {
	f.Signals.Hits = append(f.Signals.Hits, signal.Hit{Kind: k, Quote: "so"})
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts, *Policy)
		want   prediag.Outcome
		why    []prediag.ReasonCode
	}{
		{"nothing in doubt", func(*Facts, *Policy) {}, prediag.OutcomeAnswer, nil},
		{"probability at the threshold", func(f *Facts, p *Policy) { f.Verdict.Fields[0].Probability = p.Fields["category"].Act }, prediag.OutcomeAnswer, nil},
		{"under act", func(f *Facts, _ *Policy) { f.Verdict.Fields[0].Probability = 0.79 }, prediag.OutcomeSuggest, codes(prediag.ReasonLowConfidence)},
		{"under show", func(f *Facts, _ *Policy) { f.Verdict.Fields[0].Probability = 0.30 }, prediag.OutcomeEscalate, codes(prediag.ReasonLowConfidence)},
		{"two labels close", func(f *Facts, _ *Policy) { f.Verdict.Fields[0].Alternatives[0].Probability = 0.80 }, prediag.OutcomeSuggest, codes(prediag.ReasonAmbiguous)},
		{"out of scope", func(f *Facts, _ *Policy) { f.Verdict.InScope = 0.1 }, prediag.OutcomeEscalate, codes(prediag.ReasonOutOfScope)},
		{"label out of scope", func(f *Facts, _ *Policy) { f.Verdict.Fields[0].Label = prediag.LabelOutOfScope }, prediag.OutcomeEscalate, codes(prediag.ReasonOutOfScope)},
		{"language unknown", func(f *Facts, _ *Policy) { f.Verdict.Language = "und" }, prediag.OutcomeEscalate, codes(prediag.ReasonLanguage)},
		{"language not supported", func(_ *Facts, p *Policy) { p.Languages = []string{"zh"} }, prediag.OutcomeEscalate, codes(prediag.ReasonLanguage)},
		{"category of humans", func(_ *Facts, p *Policy) { p.HumanOnly = []string{"network"} }, prediag.OutcomeSuggest, codes(prediag.ReasonCategoryNotAllowed)},
		{"a category that only begins alike", func(_ *Facts, p *Policy) { p.HumanOnly = []string{"net", "network/d"} }, prediag.OutcomeAnswer, nil},
		{"no hit", func(f *Facts, _ *Policy) { f.Hits = nil }, prediag.OutcomeEscalate, codes(prediag.ReasonNoArticle)},
		{"no good hit", func(f *Facts, _ *Policy) { f.Solved = 0.1 }, prediag.OutcomeEscalate, codes(prediag.ReasonNoArticle)},
		{"a doubtful hit", func(f *Facts, _ *Policy) { f.Solved = 0.6 }, prediag.OutcomeSuggest, codes(prediag.ReasonLowConfidence)},
		{"not grounded", func(f *Facts, _ *Policy) { f.Draft.Grounded = 0.99 }, prediag.OutcomeSuggest, codes(prediag.ReasonNotGrounded)},
		{"a draft in another language", func(f *Facts, _ *Policy) { f.Draft.Language = "pt" }, prediag.OutcomeSuggest, codes(prediag.ReasonLanguage)},
		{"a draft in the customer's language", func(f *Facts, _ *Policy) { f.Draft.Language = "en" }, prediag.OutcomeAnswer, nil},
		{"urgent", func(f *Facts, _ *Policy) { says(f, signal.Urgent) }, prediag.OutcomeSuggest, codes(prediag.ReasonUrgent)},
		{"major incident", func(f *Facts, _ *Policy) { says(f, signal.Major) }, prediag.OutcomeEscalate, codes(prediag.ReasonMajorIncident)},
		{"sensitive", func(f *Facts, _ *Policy) { says(f, signal.Privacy) }, prediag.OutcomeEscalate, codes(prediag.ReasonSensitive)},
		{"a formal complaint", func(f *Facts, _ *Policy) { says(f, signal.Complaint) }, prediag.OutcomeEscalate, codes(prediag.ReasonPersonRequested)},
		{"a person", func(f *Facts, _ *Policy) { says(f, signal.Person) }, prediag.OutcomeEscalate, codes(prediag.ReasonPersonRequested)},
		{"too short", func(f *Facts, _ *Policy) { f.Signals.Short = true }, prediag.OutcomeEscalate, codes(prediag.ReasonInformationMissing)},
		{"redacted", func(f *Facts, _ *Policy) { f.Redacted = true }, prediag.OutcomeAnswer, codes(prediag.ReasonPersonalData)},
		{"fitted on this model", func(_ *Facts, p *Policy) { p.CalibratedOn.Model = "m1" }, prediag.OutcomeAnswer, nil},
		{"fitted on another model", func(_ *Facts, p *Policy) { p.CalibratedOn.Model = "m0" }, prediag.OutcomeSuggest, codes(prediag.ReasonCalibrationStale)},
		{"old index", func(f *Facts, _ *Policy) { f.Degraded = []prediag.Degradation{prediag.DegradedIndexStale} }, prediag.OutcomeSuggest, codes(prediag.ReasonDegraded)},
		{"no classifier", func(f *Facts, _ *Policy) {
			f.Verdict, f.Degraded = prediag.Verdict{}, []prediag.Degradation{prediag.DegradedClassifier}
		}, prediag.OutcomeEscalate, codes(prediag.ReasonDegraded)},
		{"no search", func(f *Facts, _ *Policy) {
			f.Hits, f.Solved, f.Degraded = nil, 0, []prediag.Degradation{prediag.DegradedSearch}
		}, prediag.OutcomeEscalate, codes(prediag.ReasonDegraded)},
		{"drawn for audit", func(f *Facts, p *Policy) { p.AuditSample, f.Draw = 0.02, 0.019 }, prediag.OutcomeSuggest, codes(prediag.ReasonAuditSample)},
		{"not drawn for audit", func(f *Facts, p *Policy) { p.AuditSample, f.Draw = 0.02, 0.02 }, prediag.OutcomeAnswer, nil},
		{"two reasons, the stricter one counts", func(f *Facts, _ *Policy) { says(f, signal.Urgent); f.Verdict.InScope = 0 }, prediag.OutcomeEscalate, codes(prediag.ReasonUrgent, prediag.ReasonOutOfScope)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, p := sure(), testPolicy(t)
			c.change(&f, &p)
			outcome, reasons := Decide(f, p)
			require.Equal(t, c.want, outcome)
			var got []prediag.ReasonCode
			for _, r := range reasons {
				got = append(got, r.Code)
				require.NotEmpty(t, r.Detail)
			}
			require.Equal(t, c.why, got)
		})
	}
}

func codes(c ...prediag.ReasonCode) []prediag.ReasonCode { return c }

// Less confidence never makes an outcome more automatic.
func TestDecideIsMonotone(t *testing.T) {
	p := testPolicy(t)
	order := map[prediag.Outcome]int{prediag.OutcomeAnswer: 0, prediag.OutcomeSuggest: 1, prediag.OutcomeEscalate: 2}
	rapid.Check(t, func(rt *rapid.T) {
		share := rapid.Float64Range(0, 1)
		f := sure()
		f.Solved, f.Verdict.InScope, f.Draft.Grounded = share.Draw(rt, "solved"), share.Draw(rt, "in scope"), share.Draw(rt, "grounded")
		f.Verdict.Fields[0].Probability = share.Draw(rt, "category")
		worse := f
		worse.Verdict.Fields = []prediag.FieldVerdict{f.Verdict.Fields[0]}
		factor := share.Draw(rt, "factor")
		worse.Solved *= factor
		worse.Verdict.InScope *= factor
		worse.Draft.Grounded *= factor
		worse.Verdict.Fields[0].Probability *= factor
		a, _ := Decide(f, p)
		b, _ := Decide(worse, p)
		if order[b] < order[a] {
			rt.Fatalf("%s became %s with less confidence", a, b)
		}
	})
}

func TestSignals(t *testing.T) {
	finder := signal.Standard()
	for _, c := range []struct {
		text  string
		want  map[signal.Kind]string
		short bool
	}{
		{"My disk is full", nil, false},
		{"URGENT: my disk is full", map[signal.Kind]string{signal.Urgent: "URGENT"}, false},
		{"I bought an insurgent album yesterday", nil, false},
		{"【加急】磁盘满了，请处理", map[signal.Kind]string{signal.Urgent: "加急"}, false},
		{"磁盘满了，不用加急", nil, false},
		{"至急対応をお願いします、ログインできません", map[signal.Kind]string{signal.Urgent: "至急"}, false},
		{"긴급합니다. 서버에 접속이 안 됩니다", map[signal.Kind]string{signal.Urgent: "긴급"}, false},
		{"The whole production is down since 9:00", map[signal.Kind]string{signal.Major: "production is down"}, false},
		{"我们的客户数据被泄露了，要找律师", map[signal.Kind]string{signal.Security: "数据被泄露", signal.Legal: "律师"}, false},
		{"请转人工，机器人没有用的", map[signal.Kind]string{signal.Person: "转人工"}, false},
		{"help", nil, true},
		{"???", nil, true},
		{"无法登录服务器", nil, false},
	} {
		t.Run(c.text, func(t *testing.T) {
			s := signalsOf(finder, prediag.Ticket{Title: "x", Body: c.text})
			require.Len(t, s.Hits, len(c.want))
			for _, h := range s.Hits {
				require.Contains(t, h.Quote, c.want[h.Kind])
				quote, ok := h.Span.Of("x\n\n" + c.text)
				require.True(t, ok)
				require.Equal(t, h.Quote, quote)
			}
			require.Equal(t, c.short, signalsOf(finder, prediag.Ticket{Body: c.text}).Short)
		})
	}
}

func TestSignalsOfWhatTheCustomerSays(t *testing.T) {
	body := "Hello,\nthe invoice shows the wrong address.\n\nKind regards\nJane Doe\nLawyer\n\nOn 3 Mar 2026, Support <a@example.org> wrote:\n> Is it urgent?\n> Shall we call you?"
	require.Empty(t, signalsOf(signal.Standard(), prediag.Ticket{Title: "Invoice", Body: body}).Hits)
	require.Len(t, signalsOf(signal.Standard(), prediag.Ticket{Title: "urgent: invoice", Body: body}).Hits, 1)
	q := queryFor(prediag.Diagnosis{Ticket: prediag.Ticket{Title: "Invoice", Body: body}}, nil)
	require.Equal(t, "Invoice\n\nthe invoice shows the wrong address.", q.Text)
}

func TestPolicyAddsSignals(t *testing.T) {
	p, err := ParsePolicy([]byte(string(DefaultPolicyFile()) + `
signals:
  - language: en
    major: {phrases: ["reactor ..3 stopped"], except: [all services down]}
`))
	require.NoError(t, err)
	require.Len(t, signalsOf(p.finder, prediag.Ticket{Body: "The reactor has suddenly stopped"}).Hits, 1)
	require.Empty(t, signalsOf(signal.Standard(), prediag.Ticket{Body: "The reactor has suddenly stopped"}).Hits)
	for name, c := range map[string]struct{ table, want string }{
		"unknown key":   {"{language: en, urgency: {}}", "urgency"},
		"faulty phrase": {"{language: en, urgent: {phrases: ['(a']}}", `signals of "en", urgent.phrases: the phrase "(a" lacks a closing bracket`},
		"no language":   {"{urgent: {phrases: [a]}}", "names no language"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(string(DefaultPolicyFile()) + "\nsignals: [" + c.table + "]\n"))
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.want)
		})
	}
}
