package triage

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"prediag"
)

// Actions beside the fields that can be fitted.
const (
	ActionAnswer = "answer" // a draft is sent: right when the first article solves the ticket
	ActionRoute  = "route"  // the ticket is put into the queue of its category, or of the category's parent
)

// Request is what a policy is to be fitted on, and to what.
type Request struct {
	Base       Policy             // deadlines, gates and whatever is not fitted
	Targets    map[string]float64 // action → least precision; an action is ActionAnswer, ActionRoute or a field
	Options    FitOptions         // without Target; Horizon negative: as many as calibrate the action
	ShowTarget float64            // least precision of what an agent is shown; 0: thresholds for showing stay as they are
	Seed       uint64
	On         Binding
	Data       Data
	At         time.Time
}

// Labelled is a calibration ticket with what the line says of it.
type Labelled struct {
	Example prediag.Example
	Study   Study
}

// FitPolicy fits every action that the request names and returns the policy, sealed. An action without a valid threshold is
// off in it, with the reason. Without a ticket that an action can be judged on the error is of kind prediag.ErrInvalid.
func FitPolicy(tickets []Labelled, r Request) (Policy, error) {
	if len(r.Targets) == 0 {
		return Policy{}, prediag.Invalid("TARGET_MISSING", "target", "nothing to fit: name a target such as answer=0.95 or route=0.90")
	}
	if _, both := r.Targets[prediag.FieldCategory]; both && r.Targets[ActionRoute] > 0 {
		return Policy{}, prediag.Invalid("TARGET_TWICE", "target", "route and category are both about the category: name one of them")
	}
	p := r.Base.Gated()
	p.Fields = maps.Clone(p.Fields)
	p.CalibratedOn = r.On
	w := &Warranty{At: r.At.UTC().Truncate(time.Second), Confidence: r.Options.Confidence, Seed: r.Seed, Data: r.Data, Notes: notes(tickets, r)}
	for _, action := range slices.Sorted(maps.Keys(r.Targets)) {
		var promises []Promise
		var err error
		r.Options.Target = r.Targets[action]
		if action == ActionAnswer {
			promises, err = p.fitAnswer(tickets, r)
		} else {
			promises, err = p.fitField(action, tickets, r)
		}
		if err != nil {
			return Policy{}, err
		}
		w.Promises = append(w.Promises, promises...)
	}
	p.Warranty = w
	return p.Seal()
}

// Trials are the trials of an action other than ActionAnswer on the tickets whose truth is known, under the policy's rules.
func (p Policy) Trials(action string, tickets []Labelled) []Trial {
	field, rule := p.rule(action)
	return trialsOf(tickets, field, rule, p.MinInScope)
}

// rule is the field of an action, with its rule: the base's margin, and parents where tickets are routed.
func (p Policy) rule(action string) (field string, rule FieldThreshold) {
	field = action
	if action == ActionRoute {
		field = prediag.FieldCategory
	}
	rule = p.Fields[field]
	rule.Parents = action == ActionRoute
	rule.Own, rule.Off = nil, ""
	return field, rule
}

// Cases are the answer cases of the tickets whose solving article is known, or that are out of scope, which no article solves.
func Cases(tickets []Labelled) []AnswerCase {
	var out []AnswerCase
	for _, t := range tickets {
		if t.Example.Article != "" || t.Example.Labels[prediag.FieldCategory] == prediag.LabelOutOfScope {
			out = append(out, t.Study.Answer)
		}
	}
	return out
}

// options are for a promise that rests on n tickets.
func (r Request) options(n int) FitOptions {
	o := r.Options
	if o.Horizon < 0 {
		o.Horizon = n
	}
	return o
}

func (p *Policy) fitField(action string, tickets []Labelled, r Request) ([]Promise, error) {
	field, rule := p.rule(action)
	trials := p.Trials(action, tickets)
	if len(trials) == 0 {
		return nil, prediag.Invalid("NO_LABELS", "tickets", fmt.Sprintf("no ticket has a label for %q: give tickets that do, or leave out the target %s", field, action))
	}
	fitted, err := Fit(trials, r.options(len(trials)))
	if err != nil {
		return nil, err
	}
	promises := []Promise{{Action: action, Target: r.Options.Target, Horizon: r.options(len(trials)).Horizon, Thresholds: fitted}}
	rule.Act, rule.Off, rule.Own = thresholds(fitted)
	gate, gated := p.Solved.Gate[field]
	switch {
	case !gated: // what is shown of a field that no answer depends on keeps no answer back
		rule.Show = 0
	case r.ShowTarget > 0:
		plain := rule
		plain.Parents, plain.Margin = false, 0
		show, err := r.fitShow(trialsOf(tickets, field, plain, p.MinInScope))
		if err != nil {
			return nil, err
		}
		promises = append(promises, Promise{Action: action + showSuffix, Target: r.ShowTarget, Horizon: promises[0].Horizon, Thresholds: show})
		rule.Show = min(show[0].Act, gate.Act)
	}
	rule.Show = min(rule.Show, rule.Act)
	p.Fields[field] = rule
	return promises, nil
}

const showSuffix = " (show)"

func trialsOf(tickets []Labelled, field string, rule FieldThreshold, minInScope float64) []Trial {
	var out []Trial
	for _, t := range tickets {
		if truth := t.Example.Labels[field]; truth != "" {
			out = append(out, FieldTrial(t.Study.Verdict, field, truth, rule, minInScope))
		}
	}
	return out
}

// fitShow fits the threshold for showing: one for all categories.
func (r Request) fitShow(trials []Trial) ([]Fitted, error) {
	o := r.options(len(trials))
	o.Target, o.CategoryMin = r.ShowTarget, -1
	return Fit(trials, o)
}

func (p *Policy) fitAnswer(tickets []Labelled, r Request) ([]Promise, error) {
	cases := Cases(tickets)
	if len(cases) == 0 {
		return nil, prediag.Invalid("NO_ARTICLES", "tickets", `no ticket names the article that solves it: give tickets with a column "article", or leave out the target answer`)
	}
	model, probabilities := FitSolved(cases, r.Seed)
	fitted, err := Fit(answerTrials(cases, probabilities), r.options(len(cases)))
	if err != nil {
		return nil, err
	}
	promises := []Promise{{Action: ActionAnswer, Target: r.Options.Target, Horizon: r.options(len(cases)).Horizon, Thresholds: fitted}}
	p.SolvedModel = model
	p.Solved.Act, p.Solved.Off, p.Solved.Own = thresholds(fitted)
	if r.ShowTarget > 0 {
		all := slices.Clone(cases)
		for i := range all {
			all[i].Open = true
		}
		show, err := r.fitShow(answerTrials(all, probabilities))
		if err != nil {
			return nil, err
		}
		promises = append(promises, Promise{Action: ActionAnswer + showSuffix, Target: r.ShowTarget, Horizon: promises[0].Horizon, Thresholds: show})
		p.Solved.Show = show[0].Act
	}
	p.Solved.Show = min(p.Solved.Show, p.Solved.Act) // what is answered is shown
	for _, o := range p.Solved.Own {
		if o.Off == "" {
			p.Solved.Show = min(p.Solved.Show, o.Act)
		}
	}
	return promises, nil
}

// thresholds puts fitted ones into the words of a policy.
func thresholds(fitted []Fitted) (act float64, off string, own map[string]Own) {
	for _, f := range fitted {
		if f.Category == "" {
			act, off = f.Act, f.Off
			continue
		}
		if own == nil {
			own = map[string]Own{}
		}
		own[f.Category] = Own{Act: f.Act, Off: f.Off}
	}
	return act, off, own
}

// notes says what speaks against trusting the fit.
func notes(tickets []Labelled, r Request) []string {
	var out []string
	if n, expected := surprise(tickets); n >= 0 {
		out = append(out, fmt.Sprintf("the model errs on %d of these tickets where its own probabilities expect %.0f errors: if it was trained on them, the promises are worth nothing; "+
			"calibrate on tickets that it has not seen", n, expected))
	}
	if _, ok := r.Targets[ActionAnswer]; ok {
		if n := len(tickets) - len(Cases(tickets)); n > 0 {
			out = append(out, fmt.Sprintf("%d of %d tickets name no article and were left out of the target answer: it does not hold for tickets that no article solves, unless they are in the file with the article \"none\"", n, len(tickets)))
		}
	}
	return out
}

// surprise returns how many categories are wrong and how many were to be expected, when so few errors are hard to explain
// by chance (Chernoff's bound under 1 in 10,000); -1 when they are not.
func surprise(tickets []Labelled) (wrong int, expected float64) {
	for _, t := range tickets {
		c, ok := t.Study.Verdict.Field(prediag.FieldCategory)
		truth := t.Example.Labels[prediag.FieldCategory]
		if !ok || truth == "" {
			continue
		}
		expected += 1 - c.Probability
		if c.Label != truth {
			wrong++
		}
	}
	w := float64(wrong)
	if w >= expected {
		return -1, expected
	}
	logBound := w - expected
	if wrong > 0 {
		logBound += w * math.Log(expected/w)
	}
	if logBound > math.Log(1e-4) {
		return -1, expected
	}
	return wrong, expected
}

// Promised is the promise about an action; ok is false when the policy makes none.
func (w *Warranty) Promised(action string) (Promise, bool) {
	if w == nil {
		return Promise{}, false
	}
	i := slices.IndexFunc(w.Promises, func(p Promise) bool { return p.Action == action })
	if i < 0 {
		return Promise{}, false
	}
	return w.Promises[i], true
}

// ForShowing reports whether a promise is about what an agent is shown.
func (p Promise) ForShowing() bool { return strings.HasSuffix(p.Action, showSuffix) }

// WithMargin is the policy with one margin in the rules of all fields. The gate for answers keeps its own.
func (p Policy) WithMargin(margin float64) Policy {
	fields := maps.Clone(p.Fields)
	for name, f := range fields {
		f.Margin = margin
		fields[name] = f
	}
	p.Fields = fields
	return p
}
