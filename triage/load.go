package triage

import (
	"sync"
	"time"
)

// load tells whether a pipeline is at work. The clock is the machine's: it measures pauses, not moments.
type load struct {
	mu     sync.Mutex
	active int
	ended  time.Time // when the last call ended
}

func (l *load) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active++
}

func (l *load) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active--
	l.ended = time.Now()
}

// quiet reports whether nothing was at work for a while.
func (l *load) quiet(d time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active == 0 && time.Since(l.ended) >= d
}

// quietTime is the pause after which no call is expected at once: calls of one client that come one after another are
// closer together.
const quietTime = 10 * time.Millisecond

// Quiet reports whether no ticket of Triage or Batch is or was just at work, so that background work takes nothing from
// an answer.
func (p *Pipeline) Quiet() bool { return p.load.quiet(quietTime) }
