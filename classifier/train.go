package classifier

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"prediag"
)

// Options says how to train. The zero value is complete.
type Options struct {
	Fields      []string              // fields to train; empty: every field that some example labels
	Seed        uint64                // of the shuffles and folds
	Workers     int                   // goroutines; 0: one per processor; the result does not depend on it
	Epochs      int                   // passes over the examples; 0: by their number
	Folds       int                   // of the cross-validation that calibrates, 2 to 10; 0: by their number
	MaxFeatures int                   // size of the vocabulary; 0: 2^20
	Progress    func(done, total int) // called after every pass over the data, from the calling goroutine; may be nil
}

// setDefaults completes the zero values for n examples.
func (o *Options) setDefaults(n int) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Epochs <= 0 {
		o.Epochs = min(200, max(4, 12, 4000/max(1, n)))
		if n > 100_000 {
			o.Epochs = 5
		}
	}
	if o.Folds <= 0 {
		o.Folds = 3
		if n < 2000 {
			o.Folds = 5
		}
	}
	o.Folds = min(max(o.Folds, 2), 10)
	if o.MaxFeatures <= 0 {
		o.MaxFeatures = 1 << 20
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
}

// Report says what was learned and how good it is.
type Report struct {
	Examples int           `json:"examples"` // that had text and at least one of the fields
	Blank    int           `json:"blank"`    // skipped: neither title nor body
	Unlabel  int           `json:"unlabelled"`
	Features int           `json:"features"` // size of the vocabulary
	Fields   []FieldReport `json:"fields"`
	Notes    []string      `json:"notes,omitempty"`
}

// Train learns a model from the examples.
//
// Equal examples in any order, with equal options, give a model with equal bytes, whatever the number of workers.
// Examples with blank texts are counted and skipped; the same text under several labels is allowed. Errors are of kind
// ErrInvalid (no usable examples, a field that no example labels) or wrap the context's.
func Train(ctx context.Context, examples []prediag.Example, opt Options) (*Model, Report, error) {
	opt.setDefaults(len(examples))
	fields, err := chooseFields(examples, opt.Fields)
	if err != nil {
		return nil, Report{}, err
	}
	t := &trainer{opt: opt, recipe: defaultRecipe()}
	t.report.Notes = []string{}
	t.choose(examples, fields)
	if len(t.examples) == 0 {
		return nil, Report{}, noExamples(len(examples), t.report)
	}
	t.plan(fields)
	if err := t.features(ctx); err != nil {
		return nil, Report{}, err
	}
	m := &Model{recipe: t.recipe, vocab: t.vocab, seed: opt.Seed}
	for _, f := range fields {
		h, err := t.field(ctx, f)
		if err != nil {
			return nil, Report{}, fmt.Errorf("train field %q: %w", f, err)
		}
		m.heads = append(m.heads, h)
	}
	m.scope = defaultScope()
	if err := m.seal(); err != nil {
		return nil, Report{}, err
	}
	return m, t.report, nil
}

func noExamples(n int, r Report) error {
	return prediag.Invalid("NO_EXAMPLES", "examples", fmt.Sprintf(
		"no example to train on among %d (%d blank, %d without a label): give tickets with text and labels", n, r.Blank, r.Unlabel))
}

// fieldOrder puts the fields that the service acts on first.
var fieldOrder = [...]string{prediag.FieldCategory, prediag.FieldType, prediag.FieldTier, prediag.FieldUrgency, prediag.FieldSentiment}

// sortFields sorts by fieldOrder, then by name.
func sortFields(fields []string) {
	rank := func(f string) int {
		if i := slices.Index(fieldOrder[:], f); i >= 0 {
			return i
		}
		return len(fieldOrder)
	}
	slices.SortFunc(fields, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// chooseFields returns the fields to train in the model's order.
func chooseFields(examples []prediag.Example, want []string) ([]string, error) {
	have := map[string]bool{}
	for _, e := range examples {
		for f, l := range e.Labels {
			if l != "" {
				have[f] = true
			}
		}
	}
	var all []string
	for f := range have {
		all = append(all, f)
	}
	sortFields(all)
	if len(want) == 0 {
		return all, nil
	}
	chosen := slices.Clone(want)
	sortFields(chosen)
	chosen = slices.Compact(chosen)
	for _, f := range chosen {
		if !have[f] && len(examples) > 0 {
			return nil, prediag.Invalid("FIELD_UNKNOWN", "fields", fmt.Sprintf(
				"no example has a label for field %q: the examples label %s", f, quoted(all)))
		}
	}
	return chosen, nil
}

func quoted(list []string) string {
	if len(list) == 0 {
		return "no field"
	}
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", s)
	}
	return b.String()
}

// trainer holds what one call of Train works on.
type trainer struct {
	opt      Options
	recipe   recipe
	examples []prediag.Example // usable ones, in canonical order
	keys     []uint64          // hash of each example's text
	vocab    *vocabulary
	rows     matrix
	report   Report
	done     int
	total    int
}

// choose keeps the examples that have text and a label, in an order that does not depend on the one given.
func (t *trainer) choose(examples []prediag.Example, fields []string) {
	type keyed struct {
		hash uint64
		text string
		e    prediag.Example
	}
	var list []keyed
	for _, e := range examples {
		labelled := slices.ContainsFunc(fields, func(f string) bool { return e.Labels[f] != "" })
		switch {
		case e.Ticket.Blank():
			t.report.Blank++
		case !labelled:
			t.report.Unlabel++
		default:
			text := e.Ticket.Title + "\x00" + e.Ticket.Body
			list = append(list, keyed{hashString(text) ^ t.opt.Seed, text, e})
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if c := cmp.Or(cmp.Compare(a.hash, b.hash), strings.Compare(a.text, b.text)); c != 0 {
			return c
		}
		for _, f := range fields {
			if c := strings.Compare(a.e.Labels[f], b.e.Labels[f]); c != 0 {
				return c
			}
		}
		return 0
	})
	for _, k := range list {
		t.examples = append(t.examples, k.e)
		t.keys = append(t.keys, k.hash)
	}
	t.report.Examples = len(list)
}

// plan counts the passes over the data, for the progress.
func (t *trainer) plan(fields []string) {
	t.total = 1 + len(fields)*t.opt.Epochs*(t.opt.Folds+1)
}

func (t *trainer) advance() {
	t.done = min(t.done+1, t.total)
	t.opt.Progress(t.done, t.total)
}

// features builds the vocabulary and the sparse rows of all examples.
func (t *trainer) features(ctx context.Context) error {
	n := len(t.examples)
	counters := make([]*counter, t.opt.Workers)
	err := t.parallel(ctx, func(w, from, to int) {
		counters[w] = newCounter()
		x := &extractor{recipe: t.recipe}
		for i := from; i < to && ctx.Err() == nil; i++ {
			counters[w].add(x.extract(t.examples[i].Ticket))
		}
	})
	if err != nil {
		return err
	}
	all := counters[0]
	for _, c := range counters[1:] {
		if c != nil {
			all.merge(c)
		}
	}
	t.vocab = all.vocabulary(minDF(n), t.opt.MaxFeatures)
	t.report.Features = len(t.vocab.hashes)
	parts := make([]matrix, t.opt.Workers)
	err = t.parallel(ctx, func(w, from, to int) {
		x, z := &extractor{recipe: t.recipe}, newVectoriser(t.vocab)
		for i := from; i < to && ctx.Err() == nil; i++ {
			parts[w].add(z.vector(x.extract(t.examples[i].Ticket), t.recipe))
		}
	})
	if err != nil {
		return err
	}
	for i := range parts {
		t.rows.join(&parts[i])
	}
	t.advance()
	return nil
}

// parallel splits the examples into one range per worker.
func (t *trainer) parallel(ctx context.Context, f func(worker, from, to int)) error {
	n, k := len(t.examples), t.opt.Workers
	var wait sync.WaitGroup
	for w := range k {
		wait.Go(func() { f(w, w*n/k, (w+1)*n/k) })
	}
	wait.Wait()
	return ctx.Err()
}

// minDF says in how many texts a feature must occur: words always count, the others once there is enough to choose from.
func minDF(n int) [groups]uint32 {
	if n < 1000 {
		return [groups]uint32{1, 1, 1, 1}
	}
	return [groups]uint32{1, 2, 2, 2}
}

// field trains and calibrates the head of one field.
func (t *trainer) field(ctx context.Context, field string) (*head, error) {
	rows, labels, y := t.labelled(field)
	r := FieldReport{Field: field, Labels: labels, Examples: len(rows), Temperature: 1}
	if len(labels) == 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("only one label, %q: every ticket gets it", labels[0]))
		r.Accuracy, r.MacroF1, r.Baseline, r.Coverage95 = 1, 1, 1, 1
		t.report.Fields = append(t.report.Fields, r)
		return constant(field, labels[0]), nil
	}
	job := task{x: &t.rows, rows: rows, y: y, classes: len(labels), size: len(t.vocab.hashes)}
	unseen, err := t.crossFit(ctx, job)
	if err != nil {
		return nil, err
	}
	temperature := float32(1)
	if len(unseen.truth) > 0 {
		temperature = unseen.temperature()
	}
	r.Temperature = float64(temperature)
	unseen.measure(&r, temperature)
	model, err := t.learner().learn(ctx, job)
	if err != nil {
		return nil, err
	}
	h := quantise(field, labels, model)
	h.temperature = temperature
	h.prior = prior(rows, y, len(labels))
	t.report.Fields = append(t.report.Fields, r)
	return h, nil
}

// learner returns the optimiser with the settings chosen by cross-validation on the training parts of nine data sets.
func (t *trainer) learner() learner {
	return learner{
		epochs: t.opt.Epochs, rate: 0.5, smoothing: 0.1, batch: 16, rowwise: true,
		workers: t.opt.Workers, seed: t.opt.Seed, progress: t.advance,
	}
}

// labelled returns the rows that have a label of the field, the labels in order, and the label of every row.
func (t *trainer) labelled(field string) (rows []int, labels []string, y []int32) {
	index := map[string]int32{}
	for i, e := range t.examples {
		if l := e.Labels[field]; l != "" {
			rows = append(rows, i)
			index[l] = 0
		}
	}
	for l := range index {
		labels = append(labels, l)
	}
	slices.Sort(labels)
	for i, l := range labels {
		index[l] = int32(i)
	}
	y = make([]int32, len(t.examples))
	for _, i := range rows {
		y[i] = index[t.examples[i].Labels[field]]
	}
	return rows, labels, y
}

func prior(rows []int, y []int32, classes int) []float32 {
	p := make([]float32, classes)
	for _, i := range rows {
		p[y[i]] += 1 / float32(len(rows))
	}
	return p
}
