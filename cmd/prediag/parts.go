package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"prediag"
	"prediag/classifier"
	"prediag/draft"
	"prediag/internal/demo"
	"prediag/kb"
	"prediag/review"
	"prediag/triage"
)

// parts are the open contents of a data folder.
type parts struct {
	kb      *kb.KB
	model   *classifier.Live
	folder  string // of the model
	store   *review.Store
	lessons *lessons           // nil: what humans decided is left out
	memory  *classifier.Memory // of the lessons, around the model
	policy  triage.Policy
	demo    bool                         // the model is the embedded demo's
	paused  func(category string) string // see triage.Parts; nil: nothing is watched

	quick    bool                    // nobody asks why: the pipeline classifies without evidence
	recorded func(prediag.Diagnosis) // gets what pipeline recorded; nil: not wanted
}

// partsOptions say where the contents are that may stand elsewhere.
type partsOptions struct {
	model   string // folder; empty: the data folder's own
	policy  string // file; empty: the data folder's own, or else the default policy
	ranker  string // file; empty: the data folder's own, or else the built-in order
	record  string // address of the state of record; empty: the remembered one, or else the data folder's own
	unaided bool   // the model answers alone, as it is measured: what humans decided in the record is left out
	logger  *slog.Logger
}

// openParts opens a data folder that the caller holds. Where it has no model the embedded demo's is trained.
func (a *app) openParts(ctx context.Context, dir dataDir, opt partsOptions) (p *parts, err error) {
	p = &parts{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.policy, err = loadPolicy(dir, opt.policy); err != nil {
		return p, err
	}
	m, isDemo, err := a.loadModel(ctx, dir, opt.model)
	if err != nil {
		return p, err
	}
	p.model, p.demo, p.folder = classifier.NewLive(m), isDemo, cmp.Or(opt.model, dir.model())
	where := opt.record
	if where == "" {
		if where, err = dir.record(); err != nil {
			return p, err
		}
	}
	if p.store, err = review.Open(where, review.Options{Labels: p.model.Labels}); err != nil {
		return p, err
	}
	if !opt.unaided {
		if p.lessons, err = openLessons(ctx, p.store, p.model, dir.lessons(), opt.logger); err != nil {
			return p, err
		}
		p.memory = p.lessons.memory
	}
	p.kb, err = dir.openLearnt(kb.Options{Logger: opt.logger, Golden: dir.readGolden}, opt.ranker)
	return p, err
}

func (p *parts) close() error {
	var errs []error
	if p.lessons != nil {
		p.lessons.close()
	}
	if p.kb != nil {
		errs = append(errs, p.kb.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

// serves is what the policy's thresholds must have been fitted on; settings are the search's.
func serves(m *classifier.Model, settings, embedder string) triage.Binding {
	return triage.Binding{Model: m.Version(), Taxonomy: m.Taxonomy(), Search: triage.SearchVersion(settings), Embedder: embedder}
}

// loadPolicy reads the file that was named, else the data folder's, else the default policy.
func loadPolicy(dir dataDir, file string) (triage.Policy, error) {
	if file != "" {
		return triage.LoadPolicy(file)
	}
	p, err := triage.LoadPolicy(dir.policy())
	if errors.Is(err, prediag.ErrNotFound) {
		return triage.ParsePolicy(triage.DefaultPolicyFile())
	}
	return p, err
}

// loadModel loads the model that was named, else the data folder's. Where the data folder has none, the embedded demo's
// is trained into it, and the human is told.
func (a *app) loadModel(ctx context.Context, dir dataDir, folder string) (*classifier.Model, bool, error) {
	if folder != "" {
		m, err := classifier.Load(folder)
		return m, false, err
	}
	if _, err := os.Stat(dir.model()); errors.Is(err, os.ErrNotExist) {
		if err := a.trainDemo(ctx, dir.model()); err != nil {
			return nil, false, err
		}
	}
	m, err := classifier.Load(dir.model())
	if err != nil {
		return nil, false, err
	}
	demoModel, err := isDemo(m)
	return m, demoModel, err
}

// trainDemo trains the model of the embedded demo tickets.
func (a *app) trainDemo(ctx context.Context, folder string) error {
	examples, err := demoExamples()
	if err != nil {
		return err
	}
	a.note("no model yet: training one on the %d tickets of the embedded demo (your own: prediag train --tickets FILE --model %s)", len(examples), folder)
	bar := a.newProgress("training")
	defer bar.end()
	m, _, err := classifier.Train(ctx, examples, classifier.Options{Quality: classifier.QualityFast, Progress: bar.set})
	if err != nil {
		return fmt.Errorf("train the demo model: %w", err)
	}
	return classifier.Publish(folder, m)
}

func demoExamples() ([]prediag.Example, error) {
	r, err := demo.TrainTickets()
	if err != nil {
		return nil, err
	}
	examples, _, err := classifier.ReadExamples(r, classifier.ReadOptions{})
	return examples, err
}

// isDemo reports whether a model knows exactly the demo's categories.
func isDemo(m *classifier.Model) (bool, error) {
	examples, err := demoExamples()
	if err != nil {
		return false, err
	}
	known := make(map[string]bool)
	for _, l := range m.Labels(prediag.FieldCategory) {
		known[l] = true
	}
	wanted := make(map[string]bool)
	for _, e := range examples {
		wanted[e.Labels[prediag.FieldCategory]] = true
		if !known[e.Labels[prediag.FieldCategory]] {
			return false, nil
		}
	}
	return len(known) == len(wanted), nil
}

// pipeline joins the parts into the way of a ticket.
func (p *parts) pipeline(refreshed func() time.Time, logger *slog.Logger) *triage.Pipeline {
	articles := draft.ReaderFunc(func(ctx context.Context, id string) (prediag.Article, error) {
		return p.kb.Article(ctx, id, nil)
	})
	var asked prediag.Classifier = p.model
	var searched prediag.Searcher = p.kb
	if p.quick {
		asked = prediag.ClassifierFunc(p.model.Model().Quick)
	}
	if p.memory != nil {
		asked, searched = p.memory, remembered{p.kb, p.memory}
	}
	var reporter triage.Reporter
	if !p.quick {
		reporter = draft.NewReporter(articles, p.kb)
	}
	return triage.New(triage.Parts{
		Classifier: asked, Searcher: searched, Explainer: p.kb, Drafter: draft.NewExtractive(articles), Reporter: reporter,
		Recorder: p.store, Refreshed: refreshed, Taxonomy: p.model.Taxonomy, Search: triage.SearchVersion(p.kb.Settings()), Embedder: embedder(p.kb), Paused: p.paused,
	}, p.policy, triage.Options{Logger: logger, Recorded: p.recorded})
}
