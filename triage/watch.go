package triage

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"prediag"
	"prediag/internal/stats"
)

// Audit is what a human found about an answer that was drawn for checking.
type Audit struct {
	Category string
	Right    bool
	At       time.Time
}

// AuditOf reads the finding off a resolved case of the audit sample; ok is false for any other case. An answer was wrong
// when the reviewer rejected it, named another article or another category, or sent another text without naming an article.
func AuditOf(c prediag.Case) (a Audit, ok bool) {
	if c.Resolution == nil || !has(c.Diagnosis.Reasons, prediag.ReasonAuditSample) || len(c.Diagnosis.Hits) == 0 {
		return Audit{}, false
	}
	category, _ := c.Diagnosis.Verdict.Field(prediag.FieldCategory)
	r, first := *c.Resolution, c.Diagnosis.Hits[0]
	a = Audit{Category: category.Label, At: r.At}
	given, judged := r.Labels[prediag.FieldCategory]
	switch {
	case r.Action == prediag.ActionRejected:
	case r.Action == prediag.ActionAccepted:
		a.Right = true
	case judged && given != category.Label:
	case r.Article != "":
		a.Right = r.Article == first.ArticleID || r.Article == first.Group
	default:
		a.Right = r.Answer == ""
	}
	return a, true
}

// Watch compares what humans found with what was promised. It is a value: the same audits give the same watch, so nothing
// of it needs to be kept but the audits.
type Watch struct {
	Target float64      `json:"target"` // 0: nothing is promised, and nothing is paused
	States []WatchState `json:"states"` // the first is about all categories
}

// WatchState is what was found about one category.
type WatchState struct {
	Category string     `json:"category"` // empty: all
	Audited  int        `json:"audited"`
	Wrong    int        `json:"wrong"`
	Low      float64    `json:"low"` // interval of the precision, valid at every moment, at 95 %
	High     float64    `json:"high"`
	Evidence float64    `json:"evidence"` // against the promise: greatest e-value so far; 1 is none
	Limit    float64    `json:"limit"`    // evidence from which the category is paused
	Paused   *time.Time `json:"paused,omitempty"`
}

// NewWatch judges the audits in the order of their times. Promises are paused that they disprove, and those of all categories
// when all together do: the chance that a promise which holds is ever paused, however often one looks, is at most allowance.
//
// The evidence is an e-value, which multiplies with every audit and on average does not grow as long as the precision is the target
// or more: the likelihood of the findings under every precision below the target, averaged, over that at the target. By Ville's inequality
// it ever reaches 1/x with probability x or less (Ramdas et al., Game-theoretic statistics and safe anytime-valid inference,
// 2023). Half of the allowance goes to all categories together, the rest to each in the order of their first audit: 1/2, 1/6,
// 1/12 and so on of it.
//
// Pausing waits for proof that the promise is broken. A lower bound under the target is no such proof: with few audits it is
// under any target.
func NewWatch(target, allowance float64, audits []Audit) Watch {
	w := Watch{Target: target, States: []WatchState{{Limit: 2 / allowance}}}
	audits = slices.Clone(audits)
	slices.SortStableFunc(audits, func(a, b Audit) int { return a.At.Compare(b.At) })
	at := map[string]int{}
	for _, a := range audits {
		w.States[0].add(a, target)
		if a.Category == "" {
			continue
		}
		i, known := at[a.Category]
		if !known {
			i = len(w.States)
			at[a.Category] = i
			w.States = append(w.States, WatchState{Category: a.Category, Limit: 2 * float64(i) * float64(i+1) / allowance})
		}
		w.States[i].add(a, target)
	}
	for i := range w.States {
		s := &w.States[i]
		s.Low, s.High = anytimeInterval(s.Audited-s.Wrong, s.Audited, 0.95)
	}
	slices.SortFunc(w.States[1:], func(a, b WatchState) int { return cmp.Compare(a.Category, b.Category) })
	return w
}

func (s *WatchState) add(a Audit, target float64) {
	s.Audited++
	if !a.Right {
		s.Wrong++
	}
	if target <= 0 {
		return
	}
	s.Evidence = max(s.Evidence, math.Exp(min(logEvidence(s.Audited, s.Wrong, 1-target), 600)))
	if s.Evidence >= s.Limit && s.Paused == nil {
		s.Paused = &a.At
	}
}

// logEvidence is the logarithm of the mean, over all shares of errors above tolerated, of the likelihood of wrong errors among
// n, relative to its likelihood when the share is what is tolerated.
func logEvidence(n, wrong int, tolerated float64) float64 {
	a, b := float64(wrong)+1, float64(n-wrong)+1
	above := stats.IncompleteBeta(b, a, 1-tolerated)
	return stats.LogBeta(a, b) + math.Log(above) - math.Log1p(-tolerated) -
		float64(wrong)*math.Log(tolerated) - float64(n-wrong)*math.Log1p(-tolerated)
}

// anytimeInterval is an interval of a proportion that holds at every moment of counting: all proportions whose likelihood is
// not under the mean likelihood by a factor of 1/(1-confidence) (the prior-posterior ratio of Waudby-Smith and Ramdas, 2020,
// with a uniform prior).
func anytimeInterval(successes, n int, confidence float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	k, m := float64(successes), float64(n)
	inside := func(p float64) bool {
		logLikelihood := 0.0
		if successes > 0 {
			logLikelihood += k * math.Log(p)
		}
		if successes < n {
			logLikelihood += (m - k) * math.Log1p(-p)
		}
		return stats.LogBeta(k+1, m-k+1)-logLikelihood < -math.Log(1-confidence)
	}
	return edge(k/m, 0, inside), edge(k/m, 1, inside)
}

// edge is the last point on the way from a point inside to another at which inside holds.
func edge(from, to float64, inside func(float64) bool) float64 {
	if inside(to) {
		return to
	}
	for range 50 {
		mid := (from + to) / 2
		if inside(mid) {
			from = mid
		} else {
			to = mid
		}
	}
	return from
}

// Paused says why nothing of a category is answered automatically for now; empty: it is.
func (w Watch) Paused(category string) string {
	for _, s := range w.States {
		if s.Paused != nil && (s.Category == "" || s.Category == category) {
			return s.Why(w.Target)
		}
	}
	return ""
}

// Why says in a sentence what paused the category; empty when nothing did.
func (s WatchState) Why(target float64) string {
	if s.Paused == nil {
		return ""
	}
	of := "answers"
	if s.Category != "" {
		of = fmt.Sprintf("answers about %q", s.Category)
	}
	return fmt.Sprintf("of %d %s that humans checked %d were wrong, which disproves a precision of %v (since %s): "+
		"fit the policy again, or resume with prediag policy resume", s.Audited, of, s.Wrong, target, s.Paused.UTC().Format(time.DateTime))
}
