package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"prediag"
)

// ClassifyOptions says how Classify measures. The zero value is ready for use.
type ClassifyOptions struct {
	Field        string                // field to measure; empty: prediag.FieldCategory
	Workers      int                   // calls at a time; 0: one for each processor
	Resamples    int                   // of the bootstrap; 0: DefaultResamples
	Seed         uint64                // of the bootstrap
	OOSThreshold float64               // a ticket is refused when Verdict.InScope is below; 0: 0.5; -1: never
	Baseline     prediag.Classifier    // measured on the same examples for comparison; nil: the most frequent label's share
	Cache        *Cache                // of a key that names program and model; nil: none
	Item         func(ClassifyItem)    // gets every measured item at the end, by ID; nil: not wanted
	Progress     func(done, total int) // called after each example, one call at a time; nil: not wanted
}

func (o ClassifyOptions) withDefaults() ClassifyOptions {
	o.Field = cmp.Or(o.Field, prediag.FieldCategory)
	o.Resamples = cmp.Or(o.Resamples, DefaultResamples)
	o.OOSThreshold = cmp.Or(o.OOSThreshold, 0.5)
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// ClassifyItem is what became of one example. It holds no text of the ticket.
type ClassifyItem struct {
	ID          string          `json:"id"` // of the ticket; "#n" for the n-th example when it has none
	Language    string          `json:"language"`
	Truth       string          `json:"truth"`
	Label       string          `json:"label,omitempty"`
	Probability float64         `json:"probability"`
	Ranked      []prediag.Label `json:"-"` // every label that the verdict names, best first
	Rank        int             `json:"rank"`
	InScope     float64         `json:"in_scope"`
	Refused     bool            `json:"refused"` // taken for out of scope
	Right       bool            `json:"right"`
	Error       string          `json:"error,omitempty"`

	// Slices names the parts of the data that the item belongs to, beside the language: "length" of the text, and where
	// known "category", its "area", "tier", "product", "source" and "age" beside the newest ticket.
	Slices map[string]string `json:"slices,omitempty"`

	model string
}

// OutOfScope reports whether no label of the taxonomy fits the item.
func (it ClassifyItem) OutOfScope() bool { return it.Truth == prediag.LabelOutOfScope }

func (it ClassifyItem) scored() Scored { return Scored{it.ID, it.Probability, it.Right} }

// Classify runs the classifier over the examples and measures one field.
//
// Examples without a label for the field are counted and left out. Items that the classifier fails on are counted
// apart. Following Larson et al. (2019, the CLINC150 data), every figure is over the in-scope examples alone, and those
// with the label "oos" are reported in OOS. Without any labelled example the error is of kind ErrInvalid; when the
// context ends it wraps the context's.
func Classify(ctx context.Context, c prediag.Classifier, examples []prediag.Example, opt ClassifyOptions) (ClassifyReport, error) {
	opt = opt.withDefaults()
	labelled := make([]int, 0, len(examples))
	for i, e := range examples {
		if e.Labels[opt.Field] != "" {
			labelled = append(labelled, i)
		}
	}
	if len(labelled) == 0 {
		return ClassifyReport{}, prediag.Invalid("NO_LABELS", "examples",
			fmt.Sprintf("none of %d examples has a label for the field %q; choose another field or data set", len(examples), opt.Field))
	}
	items, err := classifyAll(ctx, c, examples, labelled, opt)
	if err != nil {
		return ClassifyReport{}, err
	}
	report := classifyReport(items, opt)
	report.Unlabelled = len(examples) - len(labelled)
	if opt.Baseline != nil {
		base, err := Classify(ctx, opt.Baseline, examples, ClassifyOptions{Field: opt.Field, Workers: opt.Workers, Resamples: 1})
		if err != nil {
			return ClassifyReport{}, fmt.Errorf("baseline: %w", err)
		}
		report.BaselineAccuracy, report.BaselineAccuracyLow, report.BaselineAccuracyHigh = base.Accuracy, base.AccuracyLow, base.AccuracyHigh
	}
	if opt.Item != nil {
		for _, it := range items {
			opt.Item(it)
		}
	}
	return report, nil
}

// Predict classifies every example, labelled or not, and gives the items by ID: what Drift compares. When the context
// ends the error wraps the context's.
func Predict(ctx context.Context, c prediag.Classifier, examples []prediag.Example, opt ClassifyOptions) ([]ClassifyItem, error) {
	all := make([]int, len(examples))
	for i := range all {
		all[i] = i
	}
	return classifyAll(ctx, c, examples, all, opt.withDefaults())
}

// classifyAll gives the items of the examples at the indexes, sorted.
func classifyAll(ctx context.Context, c prediag.Classifier, examples []prediag.Example, at []int, opt ClassifyOptions) ([]ClassifyItem, error) {
	items, newest := make([]ClassifyItem, len(at)), newestTicket(examples)
	progress := counter{total: len(items), report: opt.Progress}
	parallel(len(items), opt.Workers, func(i int) {
		if ctx.Err() == nil {
			items[i] = classifyOne(ctx, c, examples[at[i]], at[i], opt)
			items[i].Slices = slicesOf(examples[at[i]], newest)
			progress.add()
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	sortItems(items)
	return items, nil
}

// sortItems orders the items so that sums over them do not depend on the order of the examples.
func sortItems(items []ClassifyItem) {
	slices.SortStableFunc(items, func(a, b ClassifyItem) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Truth, b.Truth), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Probability, b.Probability))
	})
}

func classifyOne(ctx context.Context, c prediag.Classifier, e prediag.Example, index int, opt ClassifyOptions) ClassifyItem {
	it := ClassifyItem{ID: cmp.Or(e.Ticket.ID, fmt.Sprintf("#%d", index+1)), Truth: e.Labels[opt.Field], Language: e.Ticket.Language}
	v, err := remembered(opt.Cache, func() (prediag.Verdict, error) {
		v, err := c.Classify(ctx, e.Ticket)
		if err != nil {
			return v, err
		}
		return essence(v, opt.Field)
	}, "classify", opt.Field, e.Ticket)
	if err == nil {
		it.take(v.Fields[0], v, opt)
	}
	it.Language = cmp.Or(it.Language, v.Language, "und")
	if err != nil {
		it.Error = cmp.Or(err.Error(), "error without text")
	}
	return it
}

// essence keeps what is measured of a verdict, one field without its evidence, and refuses one that is not a distribution.
func essence(v prediag.Verdict, field string) (prediag.Verdict, error) {
	f, ok := v.Field(field)
	if !ok {
		return v, fmt.Errorf("the model %q has no field %q", v.Model, field)
	}
	for _, l := range append([]prediag.Label{{Value: f.Label, Probability: f.Probability}}, f.Alternatives...) {
		if !(l.Probability >= 0 && l.Probability <= 1) {
			return v, fmt.Errorf("label %q has the probability %v", l.Value, l.Probability)
		}
	}
	if !(v.InScope >= 0 && v.InScope <= 1) {
		return v, errors.New("the in-scope probability is outside 0 to 1")
	}
	f.Evidence = nil
	v.Fields = []prediag.FieldVerdict{f}
	return v, nil
}

// take reads the verdict's part on the field.
func (it *ClassifyItem) take(f prediag.FieldVerdict, v prediag.Verdict, opt ClassifyOptions) {
	ranked := append([]prediag.Label{{Value: f.Label, Probability: f.Probability}}, f.Alternatives...)
	it.Ranked, it.Label, it.Probability, it.InScope, it.model = ranked, f.Label, f.Probability, v.InScope, v.Model
	it.Rank = 1 + slices.IndexFunc(ranked, func(l prediag.Label) bool { return l.Value == it.Truth })
	it.Right = it.Label == it.Truth
	it.Refused = it.Label == prediag.LabelOutOfScope || it.InScope < opt.OOSThreshold
}
