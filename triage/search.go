package triage

// search looks for the lowest threshold whose accepted tickets show a promise, from the surest ticket down.
//
// Thresholds are tested in the fixed sequence from high to low, and the search stops where one fails, so that each may be
// tested at the full level although many are (Bauer, Multiple testing in clinical trials, 1991; Angelopoulos et al.,
// Learn then Test, 2021). A few early errors would end such a search for good, so it begins at several depths with a share
// of the level each; one that gets as far as the next depth takes its share along (Bretz et al., A graphical approach to
// sequentially rejective multiple test procedures, 2009).
type search struct {
	promise promise
	starts  []int   // see promise.starts
	share   float64 // of the level, for each start
	begun   int     // starts that lie behind

	now    cut
	tested int // errors at the last test that was passed, -1: none was
	found  cut // the lowest threshold that showed the promise; level 0: none did
	failed cut // the last test that was not passed; level 0: none was
}

// cut is a threshold with what it accepts, and the level at which it is tested.
type cut struct {
	at       float64
	n, wrong int
	level    float64
}

func newSearch(p promise, level float64, fewest, tickets int) *search {
	s := &search{promise: p, tested: -1}
	s.starts, s.share = p.starts(level, fewest, tickets)
	return s
}

// take moves the threshold down to at, where the counts of accepted tickets and of errors among them change. Thresholds
// fall from call to call; equal ones are one threshold.
func (s *search) take(at float64, tickets, wrong int) {
	if at != s.now.at {
		s.judge()
	}
	s.now.at = at
	s.now.n += tickets
	s.now.wrong += wrong
}

// judge tests the threshold as it stands. It is called a last time at the end.
func (s *search) judge() {
	begins := false
	for s.begun < len(s.starts) && s.now.n >= s.starts[s.begun] {
		s.now.level += s.share
		s.begun++
		begins = true
	}
	if s.now.level == 0 {
		return
	}
	// More tickets without another error show more: there is nothing to test.
	if begins || s.now.wrong != s.tested {
		if !s.promise.holds(s.now.n, s.now.wrong, s.now.level) {
			s.failed = s.now
			s.now.level, s.tested = 0, -1
			return
		}
		s.tested = s.now.wrong
	}
	s.found = s.now
}
