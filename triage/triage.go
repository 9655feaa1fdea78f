// Package triage is a ticket's way from its text to an outcome: redact, classify, read fault codes, search, draft,
// decide, record.
//
// It is useful to whoever has a ticket and wants an answer, a suggestion or a human. It holds the one rule that decides
// (Decide) and knows neither the network nor the index nor the model: they are the seams of package prediag.
package triage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/redact"
	"prediag/internal/signal"
)

// maxHits is how many articles a diagnosis carries.
const maxHits = 5

// Explainer looks fault codes up.
type Explainer interface {
	// Explain returns what the knowledge base says about a code; nothing when it does not know the code.
	Explain(ctx context.Context, code string) ([]prediag.FaultCode, error)
}

// Reporter adds what a person wants to know beside the draft. hits are those that are worth showing.
type Reporter interface {
	// Causes quotes known causes, each statement cited.
	Causes(ctx context.Context, codes []prediag.FaultCode, hits []prediag.Hit) ([]prediag.Statement, error)
	// Related are articles near the hits.
	Related(ctx context.Context, codes []prediag.FaultCode, hits []prediag.Hit) ([]prediag.Hit, error)
}

// Recorder keeps what was decided.
type Recorder interface {
	// Recorded returns the diagnosis of an earlier call with the same key. ErrReused when its digest was another.
	Recorded(ctx context.Context, key prediag.RequestKey) (prediag.Diagnosis, bool, error)
	// RecordAll writes diagnoses, and the cases of those with a handoff, to disk before it returns. The result has
	// the stored diagnosis or the error of each.
	RecordAll(ctx context.Context, keys []prediag.RequestKey, ds []prediag.Diagnosis) ([]prediag.Diagnosis, []error)
}

// Parts are what a pipeline is made of. All are needed unless said otherwise.
type Parts struct {
	Classifier prediag.Classifier
	Searcher   prediag.Searcher
	Explainer  Explainer
	Drafter    prediag.Drafter
	Reporter   Reporter // nil: nothing stands beside the draft
	Recorder   Recorder
	Refreshed  func() time.Time             // when the index was last known to hold what its sources hold; zero: never
	Taxonomy   func(model string) string    // version of the taxonomy that a version of the model knows
	Search     string                       // version of how the searcher scores, see SearchVersion
	Embedder   string                       // what vectors come from; empty: NoEmbedder
	Paused     func(category string) string // why nothing of a category is done automatically for now; nil: never
}

// Options settle how a pipeline runs. Zero values are completed by withDefaults.
type Options struct {
	Now     func() time.Time
	NewID   func() string // for diagnoses and cases; unique
	Workers int           // tickets of a batch that are diagnosed at once; 0 means 2
	Logger  *slog.Logger
	// Recorded gets each diagnosis that was recorded for the first time, with its Facts. It is called in the caller's time
	// and must not wait. nil: not wanted.
	Recorded func(prediag.Diagnosis)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Pipeline diagnoses tickets. It is safe for concurrent use.
type Pipeline struct {
	parts  Parts
	policy Policy
	opt    Options
	load   load
}

// New joins the parts under a policy.
func New(parts Parts, policy Policy, opt Options) *Pipeline {
	if policy.finder == nil { // it has no phrases of its own
		policy.finder = signal.Standard()
	}
	return &Pipeline{parts: parts, policy: policy, opt: opt.withDefaults()}
}

// Policy returns the policy that decides.
func (p *Pipeline) Policy() Policy { return p.policy }

// Triage diagnoses one ticket and records the result: it is on disk when Triage returns without an error. The same
// key gives the same diagnosis again.
func (p *Pipeline) Triage(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, error) {
	ds, errs := p.Batch(ctx, []prediag.RequestKey{key}, []prediag.Ticket{t})
	return ds[0], errs[0]
}

// Batch diagnoses tickets and records the results in one write. keys and tickets have the same length, and so have
// the results: a diagnosis or an error for each.
func (p *Pipeline) Batch(ctx context.Context, keys []prediag.RequestKey, tickets []prediag.Ticket) ([]prediag.Diagnosis, []error) {
	p.load.begin()
	defer p.load.end()
	ds := make([]prediag.Diagnosis, len(tickets))
	errs := make([]error, len(tickets))
	known := make([]bool, len(tickets))
	var g errgroup.Group
	g.SetLimit(p.opt.Workers)
	for i := range tickets {
		g.Go(func() error {
			ds[i], known[i], errs[i] = p.once(ctx, keys[i], tickets[i])
			return nil
		})
	}
	_ = g.Wait() // the goroutines report through errs
	p.record(ctx, keys, ds, errs, known)
	return ds, errs
}

// once returns the diagnosis that was made under the key before, or makes one.
func (p *Pipeline) once(ctx context.Context, key prediag.RequestKey, t prediag.Ticket) (prediag.Diagnosis, bool, error) {
	if key.Idempotent() {
		d, ok, err := p.parts.Recorder.Recorded(ctx, key)
		if err != nil || ok {
			return d, ok, err
		}
	}
	d, err := p.Diagnose(ctx, t)
	return d, false, err
}

// record writes the diagnoses that are new and free of errors.
func (p *Pipeline) record(ctx context.Context, keys []prediag.RequestKey, ds []prediag.Diagnosis, errs []error, known []bool) {
	var at []int
	var newKeys []prediag.RequestKey
	var newOnes []prediag.Diagnosis
	for i := range ds {
		if errs[i] == nil && !known[i] {
			at, newKeys, newOnes = append(at, i), append(newKeys, keys[i]), append(newOnes, ds[i])
		}
	}
	if len(at) == 0 {
		return
	}
	stored, failed := p.parts.Recorder.RecordAll(ctx, newKeys, newOnes)
	for j, i := range at {
		ds[i], errs[i] = stored[j], failed[j]
		if failed[j] == nil && p.opt.Recorded != nil {
			d := stored[j]
			d.Facts = newOnes[j].Facts
			p.opt.Recorded(d)
		}
	}
}

// Diagnose runs the pipeline without recording anything. A part that fails is named in Diagnosis.Degraded and the
// others go on; an error is returned for a ticket that Check refuses and when the context ends.
func (p *Pipeline) Diagnose(ctx context.Context, t prediag.Ticket) (prediag.Diagnosis, error) {
	d, b, err := p.examine(ctx, t)
	if err != nil {
		return prediag.Diagnosis{}, err
	}
	_, d.Outcome, d.Reasons = b.Decide(p.policy)
	d.Versions.Policy = p.policy.Version()
	if d.Facts, err = b.encode(); err != nil { // a number that is not finite
		return prediag.Diagnosis{}, fmt.Errorf("triage: %w", err)
	}
	if d.Outcome != prediag.OutcomeAnswer {
		d.Handoff = handoff(d, p.policy, "c-"+strings.TrimPrefix(d.ID, "d-"))
	}
	return d, nil
}

// examine finds out everything that the outcome depends on: the diagnosis without its outcome, and the basis of that.
func (p *Pipeline) examine(ctx context.Context, t prediag.Ticket) (prediag.Diagnosis, Basis, error) {
	clean, redacted, err := Clean(t)
	if err != nil {
		return prediag.Diagnosis{}, Basis{}, err
	}
	now := p.opt.Now().UTC()
	d := prediag.Diagnosis{ID: "d-" + p.opt.NewID(), Ticket: clean, Created: now}
	p.classify(ctx, &d)
	codes := codesOf(clean)
	p.explain(ctx, &d, codes)
	unknown := p.search(ctx, &d, codes)
	b := Basis{Facts: Facts{Verdict: d.Verdict, Hits: d.Hits, Signals: signalsOf(p.policy.finder, clean), Redacted: redacted, Draw: draw(clean),
		Serves: p.serves(d.Verdict), Paused: p.paused(d.Verdict)},
		Features: ReadFeatures(d.Verdict, prediag.Results{Hits: d.Hits, Unknown: unknown}, codes), IndexAge: p.indexAge(now)}
	d.Solved = b.solved(p.policy)
	b.Facts.Degraded = d.Degraded
	p.draft(ctx, &d, &b)
	p.report(ctx, &d, b.shown(p.policy))
	if err := ctx.Err(); err != nil {
		return prediag.Diagnosis{}, Basis{}, fmt.Errorf("triage: %w", err)
	}
	d.Degraded = b.facts(p.policy).Degraded
	return d, b, nil
}

// serves is what the verdict and the search come from.
func (p *Pipeline) serves(v prediag.Verdict) Binding {
	return Binding{Model: v.Model, Taxonomy: p.parts.Taxonomy(v.Model), Search: p.parts.Search, Embedder: cmp.Or(p.parts.Embedder, NoEmbedder)}
}

// paused says why the verdict's category is paused; empty: it is not.
func (p *Pipeline) paused(v prediag.Verdict) string {
	c, ok := v.Field(prediag.FieldCategory)
	if !ok || p.parts.Paused == nil {
		return ""
	}
	return p.parts.Paused(c.Label)
}

// Clean checks a ticket as Check does and returns it without secrets and personal data, as it may be stored, and whether
// it held any.
func Clean(t prediag.Ticket) (prediag.Ticket, bool, error) {
	if err := Check(t); err != nil {
		return prediag.Ticket{}, false, err
	}
	clean, redacted := cleaned(t)
	return clean, redacted, nil
}

// cleaned is the ticket without secrets and personal data, and whether it held any.
func cleaned(t prediag.Ticket) (prediag.Ticket, bool) {
	parts := []string{t.Title, t.Body}
	keys := slices.Sorted(maps.Keys(t.Fields)) // sorted: the same ticket always gets the same placeholders
	for _, k := range keys {
		parts = append(parts, t.Fields[k])
	}
	clean, found := redact.Texts(parts)
	t.Title, t.Body, t.Codes = clean[0], clean[1], slices.Clone(t.Codes)
	t.Fields = maps.Clone(t.Fields)
	for i, k := range keys {
		t.Fields[k] = clean[2+i]
	}
	return t, slices.ContainsFunc(found, func(f []redact.Finding) bool { return len(f) > 0 })
}

func (p *Pipeline) classify(ctx context.Context, d *prediag.Diagnosis) {
	v, err := p.parts.Classifier.Classify(ctx, readable(d.Ticket))
	if err != nil {
		p.degrade(ctx, d, prediag.DegradedClassifier, err)
		return
	}
	d.Verdict = v
	d.Versions.Model, d.Versions.Taxonomy = v.Model, p.parts.Taxonomy(v.Model)
}

// codesOf are the ticket's fault codes in canonical form, without repetition, the declared ones first.
func codesOf(t prediag.Ticket) []string {
	var out []string
	add := func(c string) {
		if c != "" && !slices.Contains(out, c) && len(out) < prediag.MaxTicketCodes {
			out = append(out, c)
		}
	}
	for _, c := range t.Codes {
		add(code.Canonical(c))
	}
	for _, m := range code.Find(t.Text()) {
		add(m.Code)
	}
	return out
}

// explain looks the codes up. A code that the knowledge base explains in several articles is explained once, in the
// ticket's language where there is a choice.
func (p *Pipeline) explain(ctx context.Context, d *prediag.Diagnosis, codes []string) {
	for _, c := range codes {
		entries, err := p.parts.Explainer.Explain(ctx, c)
		if err != nil {
			p.degrade(ctx, d, prediag.DegradedSearch, err)
			return
		}
		if len(entries) == 0 {
			d.Unknown = append(d.Unknown, c)
			continue
		}
		d.Codes = append(d.Codes, bestEntry(entries, d.Ticket, d.Verdict.Language))
	}
}

// search looks for articles. It returns the share of the ticket's information in words that none holds.
func (p *Pipeline) search(ctx context.Context, d *prediag.Diagnosis, codes []string) (unknown float64) {
	r, err := p.parts.Searcher.Search(ctx, queryFor(*d, codes))
	if err != nil {
		p.degrade(ctx, d, prediag.DegradedSearch, err)
		return 0
	}
	for _, what := range r.Degraded {
		p.degrade(ctx, d, what, prediag.ErrNotReady)
	}
	d.Hits, d.Versions.Index = preferLanguage(r.Hits, d.Verdict.Language), r.Generation
	return r.Unknown
}

// draft writes the draft. What is not worth showing is not worth quoting; the basis gets the draft that quotes the hits all
// the same, because another policy may find them worth showing.
func (p *Pipeline) draft(ctx context.Context, d *prediag.Diagnosis, b *Basis) {
	draft := func(hits []prediag.Hit) (prediag.Draft, error) {
		return p.parts.Drafter.Draft(ctx, d.Ticket, d.Verdict, hits)
	}
	quoting, err := draft(d.Hits)
	b.Facts.Draft, b.DraftFailed = quoting, err != nil
	if d.Draft = quoting; len(d.Hits) > 0 && !b.shown(p.policy) {
		d.Draft, err = draft(nil)
	}
	if err == nil {
		return
	}
	p.degrade(ctx, d, prediag.DegradedDraft, err)
	if d.Draft = (prediag.Draft{}); !b.DraftFailed || !b.shown(p.policy) {
		b.Facts.Degraded = d.Degraded // a draft of nothing fails under every policy
	}
}

// report adds the known causes and the related articles: of the explained codes, and of the hits where they are worth showing. The
// outcome does not depend on them, so a failure is logged and nothing else.
func (p *Pipeline) report(ctx context.Context, d *prediag.Diagnosis, shown bool) {
	if p.parts.Reporter == nil {
		return
	}
	var hits []prediag.Hit
	var errs [2]error
	if shown {
		hits = d.Hits
		d.Related, errs[0] = p.parts.Reporter.Related(ctx, d.Codes, hits)
	}
	d.Causes, errs[1] = p.parts.Reporter.Causes(ctx, d.Codes, hits)
	if err := errors.Join(errs[:]...); err != nil && ctx.Err() == nil {
		p.opt.Logger.Error("known causes or related articles are missing", "diagnosis", d.ID, "error", err)
	}
}

// indexAge is how long ago the index was known to hold what its sources hold, 0 where that is unknown.
func (p *Pipeline) indexAge(now time.Time) time.Duration {
	at := p.parts.Refreshed()
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at))
}

func (p *Pipeline) degrade(ctx context.Context, d *prediag.Diagnosis, what prediag.Degradation, err error) {
	if ctx.Err() == nil && !errors.Is(err, prediag.ErrNotReady) {
		p.opt.Logger.Error("a part of the triage failed", "part", what, "diagnosis", d.ID, "error", err)
	}
	if !slices.Contains(d.Degraded, what) {
		d.Degraded = append(d.Degraded, what)
	}
}

// draw is a number in [0, 1) that depends on the ticket alone, so that a repeated ticket is drawn again or not again.
func draw(t prediag.Ticket) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.ID + "\x00" + t.Text())) // never fails
	x := h.Sum64() * 0x9e3779b97f4a7c15              // FNV leaves the high bits of short texts uneven
	return float64(x>>11) / (1 << 53)
}
