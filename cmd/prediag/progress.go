package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often long work says how far it is where no bar can be drawn.
const lineEvery = 10 * time.Second

// progress shows how far long work is: a bar on a terminal, elsewhere a line now and then with an estimate of what is left.
type progress struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	w     io.Writer
	what  string
	now   func() time.Time
	start time.Time
	told  time.Time // of the last line
	lines bool
}

// newProgress returns a progress that writes to the standard error.
func (a *app) newProgress(what string) *progress {
	start := time.Now()
	return &progress{w: a.err, what: what, now: time.Now, start: start, told: start, lines: !a.interactive}
}

// set says that done of total steps are done; a total of 0 is unknown.
func (p *progress) set(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines {
		p.line(done, total)
		return
	}
	if total <= 0 || done > total {
		total = -1
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(p.what), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish())
	}
	if total != p.bar.GetMax() {
		p.bar.ChangeMax(total)
	}
	_ = p.bar.Set(done) // drawing only
}

// line writes a line when the last one is long ago.
func (p *progress) line(done, total int) {
	now := p.now()
	if now.Sub(p.told) < lineEvery {
		return
	}
	p.told = now
	if total <= 0 || done > total || done <= 0 {
		fmt.Fprintf(p.w, "%s: %d done after %v\n", p.what, done, now.Sub(p.start).Round(time.Second))
		return
	}
	left := time.Duration(float64(now.Sub(p.start)) / float64(done) * float64(total-done))
	fmt.Fprintf(p.w, "%s: %d of %d (%d %%) after %v, about %v left\n",
		p.what, done, total, 100*done/total, now.Sub(p.start).Round(time.Second), left.Round(time.Second))
}

// end takes the bar off the screen.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // drawing only
		fmt.Fprint(p.w, "\r")
		p.bar = nil
	}
}
