package eval

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"prediag"
)

// GateStatus is the outcome of a gate; its value is the exit status of the command.
type GateStatus int

// The outcomes of a gate.
const (
	GateOK           GateStatus = 0
	GateRegression   GateStatus = 1 // beyond noise
	GateError        GateStatus = 2 // a figure is missing or not defined
	GateInconclusive GateStatus = 3 // missed, but within the interval: measure more items
)

// String names the status.
func (s GateStatus) String() string {
	switch s {
	case GateOK:
		return "ok"
	case GateRegression:
		return "regression"
	case GateInconclusive:
		return "inconclusive"
	}
	return "error"
}

// MarshalText gives the status its name in JSON.
func (s GateStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Condition is a limit that a figure must keep.
type Condition struct {
	Measure string  // key of the report, as in Figures
	Limit   float64 // the figure must be at least Limit, or at most Limit for AtMost
	AtMost  bool    // for errors, losses and latencies
	Proven  bool    // the end of the interval must keep the limit, not the figure alone
}

// String gives the form that ParseCondition reads.
func (c Condition) String() string {
	op := ">="
	if c.AtMost {
		op = "<="
	}
	if c.Proven {
		op += "!"
	}
	return c.Measure + op + strconv.FormatFloat(c.Limit, 'g', -1, 64)
}

var conditionForm = regexp.MustCompile(`^([\w@.\-]+)\s*(>=|<=|=)(!?)\s*(\S+)$`)

// ParseCondition reads "accuracy>=0.89", "ece<=0.02" or "accuracy=0.89" (the same as >=). With "!" after the operator
// ("accuracy>=!0.89") the limit must be kept by the end of the 95 % interval. Anything else is of kind ErrInvalid.
func ParseCondition(s string) (Condition, error) {
	m := conditionForm.FindStringSubmatch(strings.TrimSpace(s))
	if m != nil {
		if limit, err := strconv.ParseFloat(m[4], 64); err == nil && Number(limit).Defined() {
			return Condition{Measure: m[1], Limit: limit, AtMost: m[2] == "<=", Proven: m[3] == "!"}, nil
		}
	}
	return Condition{}, prediag.Invalid("CONDITION_INVALID", "condition", fmt.Sprintf("%.80q is no condition; write it like accuracy>=0.89 or ece<=0.02", s))
}

// ReadBudget reads conditions from a file, one a line; blank lines and those that start with "#" are skipped. A wrong
// line is of kind ErrInvalid and is named.
func ReadBudget(r io.Reader) ([]Condition, error) {
	var conditions []Condition
	err := scan(r, "budget", func(line []byte) error {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			return nil
		}
		c, err := ParseCondition(text)
		conditions = append(conditions, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conditions, nil
}

// GateResult is what became of one condition.
type GateResult struct {
	Name   string     `json:"name"`
	Status GateStatus `json:"status"`
	Detail string     `json:"detail"` // one sentence with the numbers
}

// Gate checks the conditions against a report's figures. A figure that misses its limit while its interval (the keys
// "…_low" and "…_high") still holds the limit is inconclusive, not a regression.
func Gate(figures map[string]Number, conditions []Condition) []GateResult {
	results := make([]GateResult, len(conditions))
	for i, c := range conditions {
		results[i] = c.check(figures)
	}
	return results
}

func (c Condition) check(figures map[string]Number) GateResult {
	r := GateResult{Name: c.String()}
	value, ok := figures[c.Measure]
	if !ok || !value.Defined() {
		r.Status, r.Detail = GateError, fmt.Sprintf("the report has no figure %q", c.Measure)
		return r
	}
	low, hasLow := figures[c.Measure+"_low"]
	high, hasHigh := figures[c.Measure+"_high"]
	if !hasLow || !hasHigh {
		if c.Proven {
			r.Status, r.Detail = GateError, fmt.Sprintf("the report has no interval for %q", c.Measure)
			return r
		}
		low, high = value, value
	}
	r.Detail = fmt.Sprintf("%s is %s (%s to %s), the limit is %v", c.Measure, value, low, high, c.Limit)
	worst, best := low, high
	if c.AtMost {
		worst, best = high, low
	}
	switch {
	case c.keeps(worst), c.keeps(value) && !c.Proven:
		r.Status = GateOK
	case c.keeps(best):
		r.Status = GateInconclusive
	default:
		r.Status = GateRegression
	}
	return r
}

func (c Condition) keeps(n Number) bool {
	if c.AtMost {
		return float64(n) <= c.Limit
	}
	return float64(n) >= c.Limit
}

// Measured states figures without a limit, so that a build server shows them; failed items are an error.
func Measured(figures map[string]Number, keys []string) []GateResult {
	var results []GateResult
	for _, key := range keys {
		value, ok := figures[key]
		if !ok {
			continue
		}
		r := GateResult{Name: key, Detail: fmt.Sprintf("%s is %s", key, value)}
		if low, ok := figures[key+"_low"]; ok {
			r.Detail += fmt.Sprintf(" (%s to %s)", low, figures[key+"_high"])
		}
		results = append(results, r)
	}
	if n := figures["failed"]; n > 0 {
		results = append(results, GateResult{Name: "failed", Status: GateError, Detail: fmt.Sprintf("%.0f items failed", float64(n))})
	}
	return results
}

// WriteResults writes a gate's results for a pull request.
func WriteResults(w io.Writer, results []GateResult) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Gate: %s\n\n| condition | status | figures |\n|---|---|---|\n", WorstStatus(results))
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(r.Name), r.Status, cell(r.Detail))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// GateAgainst turns a comparison into results: a regression where B is worse beyond noise, in its measures or in a
// slice.
func GateAgainst(c Comparison) []GateResult {
	var results []GateResult
	for _, list := range [][]Difference{c.Measures, c.Slices} {
		for _, d := range list {
			r := GateResult{Name: strings.TrimSpace(d.Measure+" "+d.Slice) + " against " + c.A, Detail: fmt.Sprintf(
				"%s: %s to %s, difference %s (%s to %s), p %s, smallest detectable %s", d.Verdict, d.A, d.B, d.Difference, d.Low, d.High, pValue(d.P), d.Detectable)}
			if d.Verdict == Worse {
				r.Status = GateRegression
			}
			results = append(results, r)
		}
	}
	return results
}

// WorstStatus is the status of the gate as a whole: an error before a regression before inconclusive.
func WorstStatus(results []GateResult) GateStatus {
	worst := GateOK
	order := map[GateStatus]int{GateOK: 0, GateInconclusive: 1, GateRegression: 2, GateError: 3}
	for _, r := range results {
		if order[r.Status] > order[worst] {
			worst = r.Status
		}
	}
	return worst
}
