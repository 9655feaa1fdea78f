package triage

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"prediag"
)

// Trial is what an action would do with one calibration ticket whose truth is known.
type Trial struct {
	Category string // predicted; it decides which threshold counts
	// Steps say at or above which threshold the ticket is treated in which way, thresholds falling: a higher one may give
	// the parent category, a lower one the category itself. Without steps the ticket is never taken.
	Steps []Step
}

// Step is one way to treat a ticket.
type Step struct {
	At    float64 // the threshold up to which the ticket is treated so
	Right bool
}

// at returns whether the ticket is taken under a threshold, and whether rightly.
func (t Trial) at(threshold float64) (taken, right bool) {
	for _, s := range t.Steps {
		if s.At < threshold {
			break
		}
		taken, right = true, s.Right
	}
	return taken, right
}

// FitOptions say what is to be promised.
type FitOptions struct {
	Target      float64 // least precision of what is taken, in (0, 1)
	Confidence  float64 // with which all of the fitted thresholds keep it together, in (0, 1)
	Horizon     int     // tickets that the promise is about, taken or not: with that probability the next so many keep it in fact; 0: the true precision keeps it
	MinAccepted int     // tickets that a threshold must accept in any case
	CategoryMin int     // predicted tickets from which a category gets a threshold of its own; 0: see suffices; negative: never
}

func (o FitOptions) check() error {
	if !(o.Target > 0 && o.Target < 1) {
		return prediag.Invalid("TARGET_INVALID", "target", fmt.Sprintf("the target is %v: give a number over 0 and under 1, e.g. 0.95", o.Target))
	}
	if !(o.Confidence > 0 && o.Confidence < 1) {
		return prediag.Invalid("CONFIDENCE_INVALID", "confidence", fmt.Sprintf("the confidence is %v: give a number over 0 and under 1, e.g. 0.95", o.Confidence))
	}
	if o.Horizon < 0 || o.MinAccepted < 0 {
		return prediag.Invalid("HORIZON_INVALID", "horizon", "horizon and min-accepted are counts of tickets: 0 or more")
	}
	return nil
}

// Fitted is one threshold with the evidence for it.
type Fitted struct {
	Category  string  `yaml:"category,omitempty" json:"category,omitempty"` // empty: all that have no threshold of their own
	Act       float64 `yaml:"act" json:"act"`                               // 1 when Off
	Off       string  `yaml:"off,omitempty" json:"off,omitempty"`           // why no threshold shows the promise; empty: one does
	Tickets   int     `yaml:"tickets" json:"tickets"`                       // to calibrate on
	Accepted  int     `yaml:"accepted" json:"accepted"`                     // of these at or above the threshold
	Errors    int     `yaml:"errors" json:"errors"`                         // of these treated wrongly
	Allowed   int     `yaml:"allowed" json:"allowed"`                       // errors that so many accepted tickets might have had
	Bound     float64 `yaml:"bound" json:"bound"`                           // the target that would just have been shown; 0 when Off
	Level     float64 `yaml:"level" json:"level"`                           // chance of a false promise that the test was made at
	Precision float64 `yaml:"precision" json:"precision"`                   // observed, of the accepted; 0 when there are none
}

// Fit finds the lowest thresholds that show the promise on the calibration tickets: first the one of all categories that
// have none of their own, then the categories' own in ascending order.
//
// A category gets a threshold of its own when its tickets suffice; which do is decided by counting what is predicted, never
// by looking at errors. All thresholds together keep the promise with the confidence asked for: each gets an equal share of the level of
// error (Bonferroni). So the promise holds within each category that is listed, within the rest, and therefore in all.
func Fit(trials []Trial, opt FitOptions) ([]Fitted, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	return newLadder(trials).fit(nil, opt), nil
}

// ladder holds the steps of many trials in the order in which a falling threshold meets them.
type ladder struct {
	trials []Trial
	rungs  []rung
}

// rung is the change at one threshold that one trial makes.
type rung struct {
	at             float64
	trial          int
	tickets, wrong int
}

func newLadder(trials []Trial) ladder {
	l := ladder{trials: trials}
	for i, t := range trials {
		wrongBefore := 0
		for j, s := range t.Steps {
			r := rung{at: s.At, trial: i, wrong: -wrongBefore}
			if j == 0 {
				r.tickets = 1
			}
			if wrongBefore = 0; !s.Right {
				wrongBefore = 1
			}
			r.wrong += wrongBefore
			l.rungs = append(l.rungs, r)
		}
	}
	slices.SortStableFunc(l.rungs, func(a, b rung) int { return cmp.Compare(b.at, a.at) })
	return l
}

// fit is Fit on the trials that are members; nil: all are.
func (l ladder) fit(member []bool, opt FitOptions) []Fitted {
	p := promise{target: opt.Target, horizon: opt.Horizon}
	predicted := map[string]int{}
	open := 0
	for i, t := range l.trials {
		if member != nil && !member[i] {
			continue
		}
		p.tickets++
		if len(t.Steps) > 0 {
			predicted[t.Category]++
			open++
		}
	}
	own := ownThresholds(predicted, p, opt)
	for _, c := range own {
		open -= predicted[c]
	}
	sharing := len(own)
	if open > 0 || sharing == 0 {
		sharing++ // all the others
	}
	level := rounded(searched(opt) * (1 - opt.Confidence) / float64(sharing))
	searches := map[string]*search{}
	for _, c := range own {
		searches[c] = newSearch(p, level, opt.MinAccepted, predicted[c])
	}
	rest := newSearch(p, level, opt.MinAccepted, open)
	for _, r := range l.rungs {
		if member != nil && !member[r.trial] {
			continue
		}
		s := searches[l.trials[r.trial].Category]
		if s == nil {
			s = rest
		}
		s.take(r.at, r.tickets, r.wrong)
	}
	out := []Fitted{rest.fitted("", level, opt)}
	for _, c := range own {
		out = append(out, searches[c].fitted(c, level, opt))
	}
	return out
}

// searched is the share of the level of error that each test gets. A search for a threshold that the next tickets keep in fact
// ends where the draw of the calibration tickets was lucky: at the whole level, promises were missed in up to 5.0 % of 1,000 splits
// in place of at most 5 %, so a tenth of it is kept back for that. A promise about the true precision (horizon 0) needs none: there
// a fixed sequence of tests keeps the level by itself.
func searched(opt FitOptions) float64 {
	if opt.Horizon == 0 {
		return 1
	}
	return 0.9
}

// ownThresholds are the categories that get a threshold of their own, sorted. Whether the tickets of one suffice depends
// on how many others share the level with it.
func ownThresholds(predicted map[string]int, p promise, opt FitOptions) []string {
	if opt.CategoryMin < 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(predicted))
	for {
		kept := slices.DeleteFunc(slices.Clone(names), func(c string) bool {
			if c == "" || opt.CategoryMin > 0 {
				return c == "" || predicted[c] < opt.CategoryMin
			}
			return !p.suffices(predicted[c], (1-opt.Confidence)/float64(len(names)+1))
		})
		if len(kept) == len(names) {
			return kept
		}
		names = kept
	}
}

// suffices reports whether a test on n tickets leaves at least half of the errors usable that the target tolerates: with
// fewer tickets, a threshold of its own would cost a category more than it is worth.
func (p promise) suffices(n int, level float64) bool {
	return float64(p.allowed(n, level)) >= 0.5*(1-p.target)*float64(n)
}

// fitted ends a search and puts what it found into words.
func (s *search) fitted(category string, level float64, opt FitOptions) Fitted {
	s.judge()
	f := Fitted{Category: category, Act: 1, Tickets: s.promise.tickets, Level: level}
	c := s.found
	switch {
	case c.level > 0:
		f.Act = c.at
	case s.now.n == 0:
		f.Off = "no ticket could be taken"
	case len(s.starts) == 0 || s.now.n < s.starts[0]:
		f.Off = fmt.Sprintf("too few tickets: %d could be taken, and it needs %d without an error to show a precision of %v",
			s.now.n, max(s.promise.needed(level), opt.MinAccepted), s.promise.target)
	default:
		c = s.failed
		f.Off = fmt.Sprintf("no threshold shows a precision of %v: of the %d surest tickets %d were wrong, and %d might have been",
			s.promise.target, c.n, c.wrong, max(0, s.promise.allowed(c.n, c.level)))
	}
	if c.n > 0 {
		f.Accepted, f.Errors, f.Precision = c.n, c.wrong, 1-float64(c.wrong)/float64(c.n)
		f.Allowed, f.Level, f.Precision = max(0, s.promise.allowed(c.n, c.level)), rounded(c.level), rounded(f.Precision)
	}
	if f.Off == "" {
		f.Bound = rounded(s.promise.bound(c.n, c.wrong, c.level))
	}
	return f
}

// rounded keeps nine digits after the point: 1-0.95 is to be read as 0.05 in a file.
func rounded(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// needed is promise.fewest without errors and without regard to how many tickets there are.
func (p promise) needed(level float64) int {
	if p.horizon == p.tickets { // as many to come as there are: more tickets to calibrate on are more to come
		p.horizon = 1 << 20
	}
	p.tickets = 1 << 20
	return p.fewest(0, level)
}
