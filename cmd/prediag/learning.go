package main

import (
	"context"
	"errors"
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

// saveAfter is how many decisions a memory may be ahead of its file: that many are read again at the next start.
const saveAfter = 500

// lessons keeps a memory abreast of what humans decided in the record, and a file abreast of the memory.
type lessons struct {
	store  *review.Store
	memory *classifier.Memory
	file   string
	logger *slog.Logger

	mu     sync.Mutex
	known  classifier.Mark // the last decision that the memory knows
	behind int             // decisions that the file does not know
	saving sync.WaitGroup  // at most one at a time, see save
	busy   bool
}

// openLessons gives a memory what humans decided in the record: first from the file where one is, then what came since.
func openLessons(ctx context.Context, store *review.Store, model prediag.Classifier, file string, logger *slog.Logger) (*lessons, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &lessons{store: store, logger: logger, file: file, memory: classifier.NewMemory(model, classifier.MemoryOptions{Max: maxLessons})}
	if err := l.restore(ctx); err != nil {
		return nil, err
	}
	if err := l.sync(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// restore takes the file's lessons over if it is of this record: decisions are only ever appended there, so a record that
// holds the file's last one holds them all.
func (l *lessons) restore(ctx context.Context) error {
	mark, err := l.memory.Restore(l.file)
	switch {
	case errors.Is(err, prediag.ErrNotFound):
		return nil
	case err != nil:
		l.logger.Warn("what humans decided is read from the record, which takes longer", "error", err)
		return nil
	}
	page, err := l.store.Examples(ctx, mark.Sequence-1, 1)
	if err != nil {
		return err
	}
	if len(page) == 1 && markOf(page[0]) == mark {
		l.known = mark
		return nil
	}
	l.logger.Warn("the saved lessons are of another record: what humans decided is read from this one", "file", l.file)
	l.memory = l.memory.Emptied()
	return nil
}

func markOf(e review.Example) classifier.Mark {
	return classifier.Mark{Sequence: e.Sequence, ID: e.CaseID, At: e.At.UTC()}
}

// sync takes in what was decided since the last time.
func (l *lessons) sync(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, err := l.store.LastExample(ctx)
	if err != nil {
		return err
	}
	defer l.saveSometimes()
	for after := max(l.known.Sequence, last-maxLessons); ; after = l.known.Sequence {
		page, err := l.store.Examples(ctx, after, 0)
		if err != nil || len(page) == 0 {
			return err
		}
		list := make([]classifier.Lesson, len(page))
		for i, e := range page {
			list[i] = classifier.Lesson{ID: e.CaseID, Example: e.Example}
		}
		for i, err := range l.memory.LearnAll(list) {
			if err != nil {
				l.logger.Warn("a decision cannot be kept in mind", "case", page[i].CaseID, "error", err)
			}
		}
		l.known, l.behind = markOf(page[len(page)-1]), l.behind+len(page)
	}
}

// saveSometimes writes the file in the background when it is far behind; the caller holds the lock. A file that cannot be
// written is no fault: the record holds everything.
func (l *lessons) saveSometimes() {
	if l.behind < saveAfter || l.busy {
		return
	}
	mark := l.known
	l.behind, l.busy = 0, true
	l.saving.Go(func() {
		err := l.memory.Save(l.file, mark)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.busy = false; err != nil {
			l.logger.Warn("the lessons were not saved: the next start takes longer", "error", err)
		}
	})
}

// close waits until the file is written, if it is about to be.
func (l *lessons) close() { l.saving.Wait() }

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
