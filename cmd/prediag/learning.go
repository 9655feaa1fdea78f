package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"prediag"
	"prediag/classifier"
	"prediag/review"
)

// maxLessons is how many decisions of humans a service keeps in mind, the newest ones.
const maxLessons = 50_000

// lessons keeps a memory abreast of what humans decided in the record.
type lessons struct {
	store  *review.Store
	memory *classifier.Memory
	logger *slog.Logger

	mu    sync.Mutex
	after int64 // sequence of the last decision that the memory knows
}

func newLessons(store *review.Store, model prediag.Classifier, logger *slog.Logger) *lessons {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &lessons{store: store, logger: logger, memory: classifier.NewMemory(model, classifier.MemoryOptions{Max: maxLessons})}
}

// sync takes in what was decided since the last time.
func (l *lessons) sync(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, err := l.store.LastExample(ctx)
	if err != nil {
		return err
	}
	for l.after = max(l.after, last-maxLessons); ; {
		page, err := l.store.Examples(ctx, l.after, 0)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			l.after = e.Sequence
			if err := l.memory.Learn(classifier.Lesson{ID: e.CaseID, Example: e.Example}); err != nil {
				l.logger.Warn("a decision cannot be kept in mind", "case", e.CaseID, "error", err)
			}
		}
	}
}

// teaching is a record whose decisions count at once.
type teaching struct {
	*review.Store
	lessons *lessons
}

// Resolve writes the decision and lets it count. It is on disk by then: when the memory cannot be brought up to date,
// the decision counts from the next one, or the next start, on.
func (t teaching) Resolve(ctx context.Context, key prediag.RequestKey, id string, r prediag.Resolution) (prediag.Case, error) {
	c, err := t.Store.Resolve(ctx, key, id, r)
	if err != nil || t.lessons == nil {
		return c, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.lessons.sync(ctx); err != nil {
		t.lessons.logger.Error("a decision does not count yet", "case", id, "error", err)
	}
	return c, nil
}
