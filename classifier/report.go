package classifier

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"prediag/internal/lang"
	"prediag/internal/stats"
)

// Interval is a 95 % interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// PartReport says how good a classifier is on a part of the kept-back examples.
type PartReport struct {
	Name     string   `json:"name"`     // language, or label
	Measured int      `json:"measured"` // examples of the part
	Accuracy float64  `json:"accuracy"` // of a label: its recall
	Interval Interval `json:"interval"` // exact (Clopper and Pearson 1934)
}

// reportName is the file of a model folder that holds the report of its training.
const reportName = "report.json"

func (r Report) encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return append(b, '\n'), nil
}

// resamples is how many bootstrap samples an interval rests on (Efron and Tibshirani 1993, chapter 13).
const resamples = 200

// scored is one kept-back example: the probability of its best label, whether that was right, and its losses.
type scored struct {
	outcome
	brier, loss float64
}

// intervals gives the bootstrap's 95 % intervals of the figures that are no proportions.
func intervals(list []scored, seed uint64) map[string]Interval {
	random := rand.New(rand.NewPCG(seed, 0x626f6f74))
	values := map[string][]float64{}
	again := make([]scored, len(list))
	for range resamples {
		for i := range again {
			again[i] = list[random.IntN(len(list))]
		}
		for name, v := range figures(again) {
			values[name] = append(values[name], v)
		}
	}
	out := map[string]Interval{}
	for name, v := range values {
		slices.Sort(v)
		out[name] = Interval{v[resamples*25/1000], v[resamples*975/1000-1]}
	}
	return out
}

// figures measures examples; it sorts them, the surest first.
func figures(list []scored) map[string]float64 {
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(b.p, a.p) })
	outcomes := make([]outcome, len(list))
	n := float64(len(list))
	var brier, loss, aurc, wrong float64
	for i, s := range list {
		outcomes[i] = s.outcome
		brier += s.brier / n
		loss += s.loss / n
		if !s.right {
			wrong++
		}
		aurc += wrong / float64(i+1) / n
	}
	return map[string]float64{"ece": calibrationError(outcomes, 15), "brier": brier, "log_loss": loss, "aurc": aurc,
		"coverage_at90": coverage(outcomes, 0.90), "coverage_at95": coverage(outcomes, 0.95), "coverage_at99": coverage(outcomes, 0.99)}
}

// byPart counts the outcomes of the parts that name tells, in the order of their names.
func byPart(outcomes []outcome, name func(i int) string) []PartReport {
	type tally struct{ right, all int }
	count := map[string]tally{}
	for i, o := range outcomes {
		t := count[name(i)]
		t.all++
		if o.right {
			t.right++
		}
		count[name(i)] = t
	}
	var out []PartReport
	for part, t := range count {
		r := PartReport{Name: part, Measured: t.all, Accuracy: float64(t.right) / float64(t.all)}
		r.Interval.Low, r.Interval.High = stats.ClopperPearson(t.right, t.all, 0.95)
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b PartReport) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// languages names the languages of the kept-back examples: as the tickets state them, else as detected.
func (t *trainer) languages(rows []int) []string {
	var out []string
	for _, r := range rows {
		l := t.examples[r].Ticket.Language
		if l == "" {
			l, _ = lang.Detect(cut(t.examples[r].Ticket.Text(), maxNearText))
		}
		out = append(out, l)
	}
	return out
}
