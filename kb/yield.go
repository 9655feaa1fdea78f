package kb

import "time"

// Yield lets searches go first: it waits while any is at work, two milliseconds at most. Who reads sources beside a knowledge
// base that serves calls it about once in a millisecond of work: a refresh then takes all that searches leave, and under
// searches without a pause a third of the time.
func (k *KB) Yield() { k.giveWay(time.Sleep) }

const (
	yieldStep  = 500 * time.Microsecond
	yieldSteps = 4
)

func (k *KB) giveWay(sleep func(time.Duration)) {
	for n := 0; n < yieldSteps && k.searches.Load() > 0; n++ {
		sleep(yieldStep)
	}
}
