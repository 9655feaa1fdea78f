package ingest

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"prediag"
)

// maxStragglers is how many parsers that did not end in time may go on in the background. A parser cannot be stopped
// from outside; when there are too many of these, further articles wait for one of them to end.
const maxStragglers = 4

// parser makes articles of tasks, bounded in time.
type parser interface {
	// parse returns the article or the reason for which there is none. The error, if any, says more about the reason.
	parse(ctx context.Context, t *task) (prediag.Article, string, error)
}

// guard runs parsers in this process so that a panic or an endless one does no more harm than the loss of one article.
type guard struct {
	slots   chan struct{}
	timeout time.Duration
}

func newGuard(workers int, timeout time.Duration) *guard {
	return &guard{slots: make(chan struct{}, workers+maxStragglers), timeout: timeout}
}

func (g *guard) parse(ctx context.Context, t *task) (prediag.Article, string, error) {
	return g.run(ctx, t.parse)
}

// run calls f and returns its result, or the reason for which there is none: SkipTimeout or SkipPanic, the latter with
// an error that holds the stack.
func (g *guard) run(ctx context.Context, f func() (prediag.Article, string)) (prediag.Article, string, error) {
	type result struct {
		article prediag.Article
		reason  string
		err     error
	}
	timer := time.NewTimer(g.timeout)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
	case <-timer.C:
		return prediag.Article{}, SkipTimeout, nil
	case <-ctx.Done():
		return prediag.Article{}, SkipTimeout, nil
	}
	ch := make(chan result, 1)
	go func() {
		defer func() { <-g.slots }()
		var res result
		defer func() {
			if p := recover(); p != nil {
				res = result{reason: SkipPanic, err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			ch <- res
		}()
		res.article, res.reason = f()
	}()
	select {
	case res := <-ch:
		return res.article, res.reason, res.err
	case <-timer.C:
		return prediag.Article{}, SkipTimeout, nil
	case <-ctx.Done():
		return prediag.Article{}, SkipTimeout, nil
	}
}
