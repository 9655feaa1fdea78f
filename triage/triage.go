// Package triage is a ticket's way from its text to an outcome: redact, classify, read fault codes, search, draft,
// decide, record.
//
// It is useful to whoever has a ticket and wants an answer, a suggestion or a human. It holds the one rule that decides
// (Decide) and knows neither the network nor the index nor the model: they are the seams of package prediag.
package triage

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"prediag"
	"prediag/internal/code"
	"prediag/internal/redact"
)

// maxHits is how many articles a diagnosis carries.
const maxHits = 5

// Explainer looks fault codes up.
type Explainer interface {
	// Explain returns what the knowledge base says about a code; nothing when it does not know the code.
	Explain(ctx context.Context, code string) ([]prediag.FaultCode, error)
}

// Recorder keeps what was decided.
type Recorder interface {
	// Recorded returns the diagnosis of an earlier call with the same key. ErrReused when its digest was another.
	Recorded(ctx context.Context, key prediag.RequestKey) (prediag.Diagnosis, bool, error)
	// RecordAll writes diagnoses, and the cases of those with a handoff, to disk before it returns. The result has
	// the stored diagnosis or the error of each.
	RecordAll(ctx context.Context, keys []prediag.RequestKey, ds []prediag.Diagnosis) ([]prediag.Diagnosis, []error)
}

// Parts are what a pipeline is made of. All are needed.
type Parts struct {
	Classifier prediag.Classifier
	Searcher   prediag.Searcher
	Explainer  Explainer
	Drafter    prediag.Drafter
	Recorder   Recorder
	Refreshed  func() time.Time // when the index was last known to hold what its sources hold; zero: never
	Taxonomy   func() string    // version of the taxonomy that the classifier knows
}

// Options settle how a pipeline runs. Zero values are completed by withDefaults.
type Options struct {
	Now     func() time.Time
	NewID   func() string // for diagnoses and cases; unique
	Workers int           // tickets of a batch that are diagnosed at once; 0 means 2
	Logger  *slog.Logger
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
}

// New joins the parts under a policy.
func New(parts Parts, policy Policy, opt Options) *Pipeline {
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
	}
}

// Diagnose runs the pipeline without recording anything. A part that fails is named in Diagnosis.Degraded and the
// others go on; an error is returned for a ticket that Check refuses and when the context ends.
func (p *Pipeline) Diagnose(ctx context.Context, t prediag.Ticket) (prediag.Diagnosis, error) {
	if err := Check(t); err != nil {
		return prediag.Diagnosis{}, err
	}
	now := p.opt.Now().UTC()
	clean, redacted := cleaned(t)
	d := prediag.Diagnosis{ID: "d-" + p.opt.NewID(), Ticket: clean, Created: now}
	p.classify(ctx, &d)
	codes := codesOf(clean)
	p.explain(ctx, &d, codes)
	p.search(ctx, &d, codes)
	if len(d.Hits) > 0 {
		d.Solved = p.policy.SolvedModel.Probability(featuresOf(d.Verdict, d.Hits, codes))
	}
	p.draft(ctx, &d)
	if err := ctx.Err(); err != nil {
		return prediag.Diagnosis{}, fmt.Errorf("triage: %w", err)
	}
	p.checkAge(&d, now)
	facts := Facts{
		Verdict: d.Verdict, Hits: d.Hits, Draft: d.Draft, Solved: d.Solved, Signals: signalsOf(clean),
		Degraded: d.Degraded, Redacted: redacted, Draw: draw(clean),
	}
	d.Outcome, d.Reasons = Decide(facts, p.policy)
	d.Versions.Policy = p.policy.Version()
	if d.Outcome != prediag.OutcomeAnswer {
		d.Handoff = handoff(d, p.policy, "c-"+strings.TrimPrefix(d.ID, "d-"))
	}
	return d, nil
}

// cleaned is the ticket without secrets and personal data, and whether it held any.
func cleaned(t prediag.Ticket) (prediag.Ticket, bool) {
	found := false
	clean := func(s string) string {
		out, hits := redact.Text(s)
		found = found || len(hits) > 0
		return out
	}
	t.Title, t.Body = clean(t.Title), clean(t.Body)
	t.Codes = slices.Clone(t.Codes)
	fields := make(map[string]string, len(t.Fields))
	for k, v := range t.Fields {
		fields[k] = clean(v)
	}
	if t.Fields != nil {
		t.Fields = fields
	}
	return t, found
}

func (p *Pipeline) classify(ctx context.Context, d *prediag.Diagnosis) {
	v, err := p.parts.Classifier.Classify(ctx, readable(d.Ticket))
	if err != nil {
		p.degrade(ctx, d, prediag.DegradedClassifier, err)
		return
	}
	d.Verdict = v
	d.Versions.Model, d.Versions.Taxonomy = v.Model, p.parts.Taxonomy()
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

func (p *Pipeline) search(ctx context.Context, d *prediag.Diagnosis, codes []string) {
	r, err := p.parts.Searcher.Search(ctx, queryFor(*d, codes))
	if err != nil {
		p.degrade(ctx, d, prediag.DegradedSearch, err)
		return
	}
	d.Hits, d.Versions.Index = preferLanguage(r.Hits, d.Verdict.Language), r.Generation
}

func (p *Pipeline) draft(ctx context.Context, d *prediag.Diagnosis) {
	hits := d.Hits
	if d.Solved < p.policy.Solved.Show {
		hits = nil // what is not worth showing is not worth quoting
	}
	draft, err := p.parts.Drafter.Draft(ctx, d.Ticket, d.Verdict, hits)
	if err != nil {
		p.degrade(ctx, d, prediag.DegradedDraft, err)
		return
	}
	d.Draft = draft
}

// checkAge marks a diagnosis that rests on an index that should have been renewed long ago.
func (p *Pipeline) checkAge(d *prediag.Diagnosis, now time.Time) {
	at := p.parts.Refreshed()
	if !at.IsZero() && now.Sub(at) > time.Duration(p.policy.IndexMaxAge) {
		d.Degraded = append(d.Degraded, prediag.DegradedIndexStale)
	}
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
