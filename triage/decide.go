package triage

import (
	"fmt"
	"slices"

	"prediag"
	"prediag/internal/lang"
)

// Facts are everything that the outcome depends on.
type Facts struct {
	Verdict  prediag.Verdict
	Hits     []prediag.Hit
	Draft    prediag.Draft
	Solved   float64 // probability that the first hit solves the ticket
	Signals  Signals
	Degraded []prediag.Degradation
	Redacted bool    // secrets or personal data were removed
	Draw     float64 // for the audit sample: in [0, 1), fixed by the ticket
	Serves   Binding // what the probabilities come from; the model is the verdict's
	Paused   string  // why nothing of the category is done automatically for now; empty: it is
}

// finding is a reason with the most automatic outcome that it still allows.
type finding struct {
	prediag.Reason
	most prediag.Outcome
}

// Decide is the rule: which outcome, and every reason against a more automatic one. It is a pure function.
// Probabilities are compared with the policy's thresholds and never changed by a rule.
func Decide(f Facts, p Policy) (prediag.Outcome, []prediag.Reason) {
	var found []finding
	for _, check := range []func(Facts, Policy) []finding{signals, scope, fields, answer, state} {
		found = append(found, check(f, p)...)
	}
	outcome := prediag.OutcomeAnswer
	var reasons []prediag.Reason
	for _, r := range found {
		outcome = lessAutomatic(outcome, r.most)
		reasons = append(reasons, r.Reason)
	}
	if outcome == prediag.OutcomeAnswer && f.Draw < p.AuditSample {
		outcome = prediag.OutcomeSuggest
		reasons = append(reasons, prediag.Reason{
			Code: prediag.ReasonAuditSample, Detail: "drawn at random to measure the live precision of answers",
		})
	}
	return outcome, reasons
}

func lessAutomatic(a, b prediag.Outcome) prediag.Outcome {
	order := []prediag.Outcome{prediag.OutcomeAnswer, prediag.OutcomeSuggest, prediag.OutcomeEscalate}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// signals come from what the customer says in so many words.
func signals(f Facts, _ Policy) []finding {
	var out []finding
	for _, h := range f.Signals.Hits {
		code, about, most := meaning(h.Kind)
		out = append(out, found(code, "", most, "%s: %q (bytes %d to %d)", about, h.Quote, h.Span.Start, h.Span.End))
	}
	if f.Signals.Short {
		out = append(out, found(prediag.ReasonInformationMissing, "", prediag.OutcomeEscalate, "the ticket says too little to go on"))
	}
	if f.Redacted {
		out = append(out, found(prediag.ReasonPersonalData, "", prediag.OutcomeAnswer, "secrets or personal data were removed from the ticket"))
	}
	return out
}

// scope asks whether the ticket is one for this model at all.
func scope(f Facts, p Policy) []finding {
	if len(f.Verdict.Fields) == 0 { // no verdict: a degradation, said in state
		return nil
	}
	var out []finding
	category, ok := f.Verdict.Field(prediag.FieldCategory)
	if f.Verdict.InScope < p.MinInScope || ok && category.Label == prediag.LabelOutOfScope {
		out = append(out, found(prediag.ReasonOutOfScope, prediag.FieldCategory, prediag.OutcomeEscalate,
			"probability of being in scope %.3f, needed %.3f", f.Verdict.InScope, p.MinInScope))
	}
	known := len(p.Languages) == 0 || slices.Contains(p.Languages, f.Verdict.Language)
	if !known || f.Verdict.Language == "und" || f.Verdict.LanguageConfidence < p.MinLanguage {
		out = append(out, found(prediag.ReasonLanguage, "", prediag.OutcomeEscalate,
			"language %q with confidence %.3f", f.Verdict.Language, f.Verdict.LanguageConfidence))
	}
	return out
}

// fields compares the verdict's probabilities with the thresholds, in the verdict's order of fields.
func fields(f Facts, p Policy) []finding {
	var out []finding
	for _, v := range f.Verdict.Fields {
		if t, judged := p.Fields[v.Field]; judged {
			out = append(out, judge(v, t, p)...)
		}
		if g, gated := p.Solved.Gate[v.Field]; gated {
			out = append(out, underGate(v, g)...)
		}
		if v.Field == prediag.FieldCategory && p.humanOnly(v.Label) {
			out = append(out, found(prediag.ReasonCategoryNotAllowed, v.Field, prediag.OutcomeSuggest, "%q stays with humans", v.Label))
		}
		if v.Field == prediag.FieldCategory && f.Paused != "" {
			out = append(out, found(prediag.ReasonCategoryNotAllowed, v.Field, prediag.OutcomeSuggest, "%q is paused: %s", v.Label, f.Paused))
		}
	}
	return out
}

// judge says why a label is not shown, or not acted on.
func judge(v prediag.FieldVerdict, t FieldThreshold, p Policy) []finding {
	most := prediag.OutcomeSuggest
	if p.Solved.Gate != nil { // whether a draft is sent is asked of the gate
		most = prediag.OutcomeAnswer
	}
	label, acts := p.act(v)
	if acts && label.Value == v.Label {
		return nil
	}
	least, off := t.limit(v.Label)
	var out []finding
	if off != "" {
		out = append(out, found(prediag.ReasonLowConfidence, v.Field, most, "%s is not acted on: %s", v.Field, off))
	}
	switch {
	case !acts && v.Probability < t.Show:
		out = append(out, found(prediag.ReasonLowConfidence, v.Field, prediag.OutcomeEscalate,
			"%s %q has probability %.3f, needed %.3f to show it", v.Field, v.Label, v.Probability, t.Show))
	case off != "":
		return out
	case acts:
		out = append(out, found(prediag.ReasonLowConfidence, v.Field, most,
			"%s %q has probability %.3f; its parent %q, with %.3f, reaches the %.3f needed", v.Field, v.Label, v.Probability, label.Value, label.Probability, least))
	case v.Probability < least:
		out = append(out, found(prediag.ReasonLowConfidence, v.Field, most,
			"%s %q has probability %.3f, needed %.3f", v.Field, v.Label, v.Probability, least))
	}
	if len(v.Alternatives) > 0 && v.Margin() < t.Margin {
		out = append(out, tooClose(v, t.Margin, most))
	}
	return out
}

// underGate says why a field keeps a draft from being sent.
func underGate(v prediag.FieldVerdict, g Gate) []finding {
	var out []finding
	if v.Probability < g.Act {
		out = append(out, found(prediag.ReasonLowConfidence, v.Field, prediag.OutcomeSuggest,
			"%s %q has probability %.3f, an answer needs %.3f", v.Field, v.Label, v.Probability, g.Act))
	}
	if len(v.Alternatives) > 0 && v.Margin() < g.Margin {
		out = append(out, tooClose(v, g.Margin, prediag.OutcomeSuggest))
	}
	return out
}

func tooClose(v prediag.FieldVerdict, needed float64, most prediag.Outcome) finding {
	return found(prediag.ReasonAmbiguous, v.Field, most,
		"%q and %q are %.3f apart, needed %.3f", v.Label, v.Alternatives[0].Value, v.Margin(), needed)
}

// answer asks whether there is an answer, and whether the draft may be believed.
func answer(f Facts, p Policy) []finding {
	if slices.Contains(f.Degraded, prediag.DegradedSearch) { // not looked for: a degradation, said in state
		return nil
	}
	if len(f.Hits) == 0 || f.Solved < p.Solved.Show {
		return []finding{found(prediag.ReasonNoArticle, "", prediag.OutcomeEscalate,
			"the best article solves it with probability %.3f, needed %.3f to show it", f.Solved, p.Solved.Show)}
	}
	var out []finding
	category, _ := f.Verdict.Field(prediag.FieldCategory)
	least, off := p.Solved.limit(category.Label)
	switch {
	case off != "":
		out = append(out, found(prediag.ReasonLowConfidence, "", prediag.OutcomeSuggest, "answering is off: %s", off))
	case f.Solved < least:
		out = append(out, found(prediag.ReasonLowConfidence, "", prediag.OutcomeSuggest,
			"the best article solves it with probability %.3f, needed %.3f", f.Solved, least))
	}
	if said, wanted := f.Draft.Language, f.Verdict.Language; said != "" && wanted != "" && !lang.Match(said, wanted) {
		out = append(out, found(prediag.ReasonLanguage, "", prediag.OutcomeSuggest,
			"the draft is in %q, the customer writes in %q", said, wanted))
	}
	if f.Draft.Grounded < 1 {
		out = append(out, found(prediag.ReasonNotGrounded, "", prediag.OutcomeSuggest,
			"%.0f %% of the draft's statements are verified", 100*f.Draft.Grounded))
	}
	return out
}

// state looks at the service, not at the ticket.
func state(f Facts, p Policy) []finding {
	var out []finding
	if f.Verdict.Model != "" { // no verdict: a degradation
		serves := f.Serves
		serves.Model = f.Verdict.Model
		for _, d := range p.Differences(serves) {
			out = append(out, found(prediag.ReasonCalibrationStale, "", prediag.OutcomeSuggest, "%s", d))
		}
	}
	for _, d := range f.Degraded {
		most := prediag.OutcomeSuggest // old articles or a plainer draft still help an agent
		if d == prediag.DegradedClassifier || d == prediag.DegradedSearch {
			most = prediag.OutcomeEscalate
		}
		out = append(out, found(prediag.ReasonDegraded, "", most, "%s", d))
	}
	return out
}

func found(c prediag.ReasonCode, field string, most prediag.Outcome, format string, args ...any) finding {
	return finding{prediag.Reason{Code: c, Field: field, Detail: fmt.Sprintf(format, args...)}, most}
}
