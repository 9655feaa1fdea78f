package main

import (
	"context"
	"log/slog"
	"slices"
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

// remembered puts the article that solved a near twin of the ticket first.
type remembered struct {
	prediag.Searcher
	memory *classifier.Memory
}

// Search looks further down for the article where it is not among the hits that were asked for. An article that the
// search does not find at all, or that is not there any more, is left alone. Scores stay as they are, so that what is made
// of them grows no surer.
func (r remembered) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	found, err := r.Searcher.Search(ctx, q)
	if err != nil || q.Offset > 0 || len(found.Hits) == 0 {
		return found, err
	}
	article := r.memory.Article(prediag.Ticket{Body: q.Text})
	if article == "" || found.Hits[0].ArticleID == article {
		return found, nil
	}
	hits := found.Hits
	at := indexOf(hits, article)
	if at < 0 {
		q.Limit = prediag.MaxPageSize
		more, err := r.Searcher.Search(ctx, q)
		if err != nil {
			return found, nil // what was found is good enough
		}
		hits = more.Hits
		if at = indexOf(hits, article); at < 0 {
			return found, nil
		}
	}
	first := hits[at]
	found.Hits = append([]prediag.Hit{first}, slices.Delete(slices.Clone(hits), at, at+1)...)[:len(found.Hits)]
	return found, nil
}

func indexOf(hits []prediag.Hit, article string) int {
	return slices.IndexFunc(hits, func(h prediag.Hit) bool { return h.ArticleID == article })
}
