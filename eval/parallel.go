package eval

import (
	"sync"
	"sync/atomic"
)

// parallel calls do for 0 to n-1 from at most workers goroutines and returns when all calls have.
func parallel(n, workers int, do func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, workers) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}

// counter tells a progress callback how far the work is, one call at a time.
type counter struct {
	mu     sync.Mutex
	done   int
	total  int
	report func(done, total int)
}

func (c *counter) add() {
	if c.report == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.report(c.done, c.total)
}
