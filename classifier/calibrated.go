package classifier

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"prediag"
)

// Learner trains a classifier on examples.
type Learner func(ctx context.Context, examples []prediag.Example) (prediag.Classifier, error)

// Calibrated is any classifier with its probabilities set right on tickets that it had not learned from: per field one
// temperature (Guo et al. 2017) over the labels that a verdict names, all others together counting as one. Labels, their
// order and the evidence stay. The zero Calibrated is untrained.
type Calibrated struct {
	base        prediag.Classifier
	temperature map[string]float64
	version     string
}

const (
	leastJudged = 20   // tickets of a field under which its probabilities stay as they are
	leastShare  = 1e-7 // probability that stands in for none
)

// Calibrate learns from all examples and calibrates by cross-fitting, so that no example is wasted: each is judged once, by
// a classifier that learned from the other folds. Equal texts share a fold; the order of the examples is of no account.
// folds is 2 to 10. An error of learn ends it.
func Calibrate(ctx context.Context, examples []prediag.Example, folds int, learn Learner) (*Calibrated, error) {
	if folds < 2 || folds > 10 {
		return nil, prediag.Invalid("FOLDS_INVALID", "folds", fmt.Sprintf("%d folds: give 2 to 10", folds))
	}
	judged := map[string]*outOfFold{}
	for k := range folds {
		var rest, test []prediag.Example
		for _, e := range examples {
			if foldOf(e, folds) == k {
				test = append(test, e)
			} else {
				rest = append(rest, e)
			}
		}
		if len(test) == 0 || len(rest) == 0 {
			continue
		}
		c, err := learn(ctx, rest)
		if err == nil {
			err = judge(ctx, c, test, judged)
		}
		if err != nil {
			return nil, fmt.Errorf("calibrate, fold %d of %d: %w", k+1, folds, err)
		}
	}
	base, err := learn(ctx, examples)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	return newCalibrated(base, judged), nil
}

// foldOf deals by text.
func foldOf(e prediag.Example, folds int) int {
	return int(hashString(e.Ticket.Title+"\x00"+e.Ticket.Body) % uint64(folds))
}

// judge adds what c says of the tickets to the fields' records.
func judge(ctx context.Context, c prediag.Classifier, tickets []prediag.Example, judged map[string]*outOfFold) error {
	for _, e := range tickets {
		v, err := c.Classify(ctx, e.Ticket)
		if err != nil {
			return err
		}
		for _, f := range v.Fields {
			truth := e.Labels[f.Field]
			if truth == "" || len(f.Alternatives) == 0 {
				continue
			}
			o := judged[f.Field]
			if o == nil {
				o = &outOfFold{classes: maxAlternatives + 2}
				judged[f.Field] = o
			}
			o.add(f, truth)
		}
	}
	return nil
}

// add takes the logarithms of a verdict's probabilities for logits: the named labels first, then all others as one, then
// nothing.
func (o *outOfFold) add(f prediag.FieldVerdict, truth string) {
	row := make([]float32, o.classes)
	for i := range row {
		row[i] = float32(math.Inf(-1))
	}
	at, rest := int32(len(f.Alternatives)+1), 1-f.Probability
	row[0] = logShare(f.Probability)
	if f.Label == truth {
		at = 0
	}
	for i, a := range f.Alternatives {
		row[i+1] = logShare(a.Probability)
		rest -= a.Probability
		if a.Value == truth {
			at = int32(i + 1)
		}
	}
	if others := len(f.Alternatives) + 1; rest > leastShare || int(at) == others {
		row[others] = logShare(rest)
	}
	o.logits, o.truth = append(o.logits, row...), append(o.truth, at)
}

func logShare(p float64) float32 { return float32(math.Log(max(p, leastShare))) }

func newCalibrated(base prediag.Classifier, judged map[string]*outOfFold) *Calibrated {
	c := &Calibrated{base: base, temperature: map[string]float64{}}
	var id strings.Builder
	for _, field := range slices.Sorted(maps.Keys(judged)) {
		if o := judged[field]; len(o.truth) >= leastJudged {
			c.temperature[field] = float64(o.temperature())
			fmt.Fprintf(&id, "%s %g\n", field, c.temperature[field])
		}
	}
	c.version = short([]byte(id.String()))
	return c
}

// Temperature is what the logarithms of a field's probabilities are divided by; 1 where there was too little to go by.
func (c *Calibrated) Temperature(field string) float64 {
	if t, ok := c.temperature[field]; ok {
		return t
	}
	return 1
}

// Classify returns the verdict of the classifier below with calibrated probabilities; see prediag.Classifier. The version
// that it names is that classifier's with the calibration's after a plus sign.
func (c *Calibrated) Classify(ctx context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	if c == nil || c.base == nil {
		return prediag.Verdict{}, notTrained()
	}
	v, err := c.base.Classify(ctx, t)
	if err != nil {
		return prediag.Verdict{}, err
	}
	v.Model += "+" + c.version
	v.Fields = slices.Clone(v.Fields)
	for i, f := range v.Fields {
		if t := c.Temperature(f.Field); t != 1 && len(f.Alternatives) > 0 {
			v.Fields[i] = temper(f, t)
		}
	}
	return v, nil
}

// temper raises the probabilities to the power of 1/temperature and scales them to a sum of 1, the labels that are not
// named included.
func temper(f prediag.FieldVerdict, temperature float64) prediag.FieldVerdict {
	rest := 1 - f.Probability
	power := func(p float64) float64 { return math.Pow(max(p, 0), 1/temperature) }
	sum := power(f.Probability)
	for _, a := range f.Alternatives {
		rest -= a.Probability
		sum += power(a.Probability)
	}
	if rest > leastShare {
		sum += power(rest)
	}
	f.Probability = power(f.Probability) / sum
	f.Alternatives = slices.Clone(f.Alternatives)
	for i, a := range f.Alternatives {
		f.Alternatives[i].Probability = power(a.Probability) / sum
	}
	return f
}
