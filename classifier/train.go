package classifier

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"prediag"
)

// Train learns a model from the examples.
//
// Examples with one GroupField share a fold of the cross-validation, as equal texts do.
//
// Equal examples in any order, with equal options, give a model with equal bytes, whatever the number of workers.
// Examples with blank texts are counted and skipped; the same text under several labels is allowed. Errors are of kind
// ErrInvalid (no usable examples, a field that no example labels) or wrap the context's.
func Train(ctx context.Context, examples []prediag.Example, opt Options) (*Model, Report, error) {
	opt.setDefaults(len(examples))
	if opt.Quality != QualityBest && opt.Quality != QualityFast {
		return nil, Report{}, prediag.Invalid("QUALITY_UNKNOWN", "quality", fmt.Sprintf("quality %q: choose %q or %q", opt.Quality, QualityBest, QualityFast))
	}
	fields, err := chooseFields(examples, opt.Fields)
	if err != nil {
		return nil, Report{}, err
	}
	t := &trainer{opt: opt}
	t.choose(examples, fields)
	if len(t.examples) == 0 {
		return nil, Report{}, noExamples(len(examples), t.report)
	}
	t.recipe = recipeFor(len(t.examples))
	if err := t.features(ctx); err != nil {
		return nil, Report{}, fmt.Errorf("train: %w", err)
	}
	for _, f := range fields {
		t.label(f)
	}
	t.family, t.translations = t.kin()
	t.plan()
	all, err := t.fit(ctx)
	if err != nil {
		return nil, Report{}, fmt.Errorf("train: %w", err)
	}
	familiar, err := t.fitScope(ctx)
	if err != nil {
		return nil, Report{}, fmt.Errorf("train: %w", err)
	}
	m := t.assemble(all)
	m.scope = familiar
	if m.near, err = t.neighbours(ctx, m); err != nil {
		return nil, Report{}, fmt.Errorf("train: %w", err)
	}
	if m.report, err = t.report.encode(); err != nil {
		return nil, Report{}, err
	}
	if err := m.seal(); err != nil {
		return nil, Report{}, err
	}
	return m, t.report, nil
}

func noExamples(n int, r Report) error {
	return prediag.Invalid("NO_EXAMPLES", "examples", fmt.Sprintf(
		"no example to train on among %d (%d blank, %d without a label): give tickets with text and labels", n, r.Blank, r.Unlabelled))
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
	opt          Options
	recipe       recipe
	examples     []prediag.Example // usable ones, in canonical order
	keys         []uint64          // hash of each example's text
	family       []int32           // first example of each one's family, see kin
	translations bool              // many of the texts are translations of others
	grouped      bool              // the examples say themselves what belongs together
	vocab        *vocabulary
	density      float32 // features of a row, on average
	task         task
	heads        []headPlan
	report       Report
	mu           sync.Mutex // of what follows
	done         int
	total        int
}

// headPlan is what is known of a head while it is trained.
type headPlan struct {
	field  string
	labels []string
	prior  []float32
	votes  votes
	rows   []int     // of the votes
	first  []float32 // logits of the first network, as votes.by
	alone  float32   // see solo

	mixture
	temperature float32 // of the mixture
}

// plan counts the steps that will be reported as progress.
func (t *trainer) plan() {
	linear := 0
	for k := range t.heads {
		if t.linear(k) {
			linear += 3
		}
	}
	n, trainings := len(t.examples), t.opt.Rounds+1
	if n >= muchToLearn {
		trainings = 1 // see fitOnce
	}
	t.total = 1 + trainings*(t.opt.Epochs*t.nets()*ticks(n)+linear) + scopePasses(t.opt.Epochs, n)*ticks(n)
	t.advance() // the features are there
}

// choose keeps the examples that have text and a label, in an order that does not depend on the one given.
func (t *trainer) choose(examples []prediag.Example, fields []string) {
	type keyed struct {
		hash uint64
		at   int
	}
	var list []keyed
	text := func(k keyed) string { return examples[k.at].Ticket.Title + "\x00" + examples[k.at].Ticket.Body }
	for i, e := range examples {
		labelled := slices.ContainsFunc(fields, func(f string) bool { return e.Labels[f] != "" })
		switch {
		case e.Ticket.Blank():
			t.report.Blank++
		case !labelled:
			t.report.Unlabelled++
		default:
			k := keyed{at: i}
			k.hash = hashString(text(k)) ^ t.opt.Seed
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		if c := strings.Compare(text(a), text(b)); c != 0 {
			return c
		}
		for _, f := range fields {
			if c := strings.Compare(examples[a.at].Labels[f], examples[b.at].Labels[f]); c != 0 {
				return c
			}
		}
		return 0
	})
	t.examples = make([]prediag.Example, 0, len(list))
	for _, k := range list {
		t.examples = append(t.examples, examples[k.at])
		t.keys = append(t.keys, k.hash)
	}
	t.report.Examples = len(list)
}

func (t *trainer) advance() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = min(t.done+1, t.total)
	t.opt.Progress(t.done, t.total)
}

// features builds the vocabulary and the sparse rows of all examples.
func (t *trainer) features(ctx context.Context) error {
	n := len(t.examples)
	counters := make([]*counter, t.opt.Workers)
	err := t.parallel(ctx, min(n, vocabSample), func(w, from, to int) {
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
	t.task.size = len(t.vocab.hashes)
	for i := range t.examples {
		t.task.rows = append(t.task.rows, i)
	}
	if n >= muchToLearn {
		t.task.x = newRemake(t.examples, t.recipe, t.vocab)
		t.density = meanFeatures(t.task.x, n)
		return nil
	}
	return t.matrix(ctx)
}

// matrix makes the rows of all examples.
func (t *trainer) matrix(ctx context.Context) error {
	n := len(t.examples)
	parts := make([]matrix, t.opt.Workers)
	err := t.parallel(ctx, n, func(w, from, to int) {
		x, z := &extractor{recipe: t.recipe}, newVectoriser(t.vocab)
		for i := from; i < to && ctx.Err() == nil; i++ {
			parts[w].add(z.vector(x.extract(t.examples[i].Ticket), t.recipe))
		}
	})
	if err != nil {
		return err
	}
	rows := &matrix{}
	for i := range parts {
		rows.join(&parts[i])
	}
	t.task.x, t.density = rows, float32(len(rows.ids))/float32(max(1, n))
	return nil
}

// parallel splits the first n examples into one range per worker.
func (t *trainer) parallel(ctx context.Context, n int, f func(worker, from, to int)) error {
	k := t.opt.Workers
	var wait sync.WaitGroup
	for w := range k {
		wait.Go(func() { f(w, w*n/k, (w+1)*n/k) })
	}
	wait.Wait()
	return ctx.Err()
}

// learner returns the optimiser. Its settings were chosen on a kept-back fifth of the training parts of several data
// sets; they serve all sets.
func (t *trainer) learner() learner {
	return learner{
		hidden: 128, epochs: t.opt.Epochs, batch: 16, rate: 0.04, outRate: 0.1, sigma: 0.05,
		dropFeature: dropout(t.density),
		workers:     t.opt.Workers, seed: t.opt.Seed, progress: t.advance, ticks: ticks(len(t.examples)),
	}
}

// label adds the head of a field: its labels in order, and the label of every row.
func (t *trainer) label(field string) {
	index := map[string]int32{}
	n := 0
	for _, e := range t.examples {
		if l := e.Labels[field]; l != "" {
			index[l] = 0
			n++
		}
	}
	plan := headPlan{field: field, labels: slices.Sorted(maps.Keys(index))}
	for i, l := range plan.labels {
		index[l] = int32(i)
	}
	plan.prior = make([]float32, len(plan.labels))
	plan.votes.classes = len(plan.labels)
	y := make([]int32, len(t.examples))
	for i, e := range t.examples {
		y[i] = -1
		if l := e.Labels[field]; l != "" {
			y[i] = index[l]
			plan.prior[y[i]] += 1 / float32(n)
		}
	}
	t.heads = append(t.heads, plan)
	t.task.heads = append(t.task.heads, target{y: y, classes: len(plan.labels)})
}

// head puts head k together, calibrates it, and reports on it.
func (t *trainer) head(k int, f *fitted) *head {
	plan := &t.heads[k]
	h := &head{field: plan.field, labels: plan.labels, prior: plan.prior, temperature: 1, solo: 1}
	r := FieldReport{Field: plan.field, Labels: plan.labels, Temperature: 1}
	for _, y := range t.task.heads[k].y {
		if y >= 0 {
			r.Examples++
		}
	}
	switch {
	case len(plan.labels) == 1:
		r.Notes = append(r.Notes, fmt.Sprintf("only one label, %q: every ticket gets it", plan.labels[0]))
		r.Accuracy, r.MacroF1, r.Baseline, r.Coverage90, r.Coverage95, r.Coverage99 = 1, 1, 1, 1, 1, 1
	case len(plan.votes.truth) == 0:
		r.Notes = append(r.Notes, "too few examples to keep some back: not measured, not calibrated")
		w := usual(f.there(k))
		h.join(k, f, w, t.task.size)
		h.solo = float32(w[partNets]) / float32(len(f.nets))
	default:
		h.join(k, f, plan.mixture, t.task.size)
		h.temperature = plan.temperature
		h.solo = plan.solo() * float32(plan.mixture[partNets]) / float32(len(f.nets))
		r.Parts = Parts{len(f.nets), plan.says(partNets), plan.says(partPlain), plan.says(partChars), plan.says(partWeighted), plan.says(partBayes)}
		r.Temperature = float64(h.temperature)
		r.Measured = len(plan.votes.truth)
		plan.votes.measure(&r, h.temperature, t.languages(plan.rows))
	}
	t.report.Fields = append(t.report.Fields, r)
	return h
}
