package kb

import "time"

// Yield lets searches go first: it waits while any is at work, two milliseconds at most. Who reads sources beside a knowledge
// base that serves calls it about once in a millisecond of work: a refresh then takes all that searches leave, and under
// searches without a pause a third of the time.
func (k *KB) Yield() { k.giveWay(time.Sleep) }

// yieldAt yields at every n-th of many small steps.
func (k *KB) yieldAt(step, n int) {
	if step%n == 0 {
		k.Yield()
	}
}

const (
	yieldRows   = 512 // rows of the table that are read in about a millisecond
	yieldGroups = 8   // groups of translations that are learned from in about a millisecond

	yieldStep  = 500 * time.Microsecond
	yieldSteps = 4
)

func (k *KB) giveWay(sleep func(time.Duration)) {
	for n := 0; n < yieldSteps && k.searches.Load() > 0; n++ {
		sleep(yieldStep)
	}
}
