package prediag

// RequestKey makes a call that changes something safe to repeat.
//
// Two calls with the same Method, Caller and ID are the same request: the second one changes nothing and gets the
// answer of the first, for 24 hours. When their digests differ the second is refused with ErrReused. An empty ID means
// that the caller did not ask for this: every call counts.
type RequestKey struct {
	Method string // the operation, e.g. "Triage": the same ID may be used once for each
	ID     string // the caller's request_id, at most MaxFieldBytes; empty: not idempotent
	Caller string // who asks, as authenticated: IDs of different callers never meet
	Digest string // hash of the request's content without the ID, e.g. SHA-256 in hex
}

// Idempotent reports whether the caller asked for repeats to be recognised.
func (k RequestKey) Idempotent() bool { return k.ID != "" }

// CasePage is one page of the human queue.
type CasePage struct {
	Cases []Case // by priority, deadline and ID
	Next  string // CaseFilter.After of the next page; empty: this is the last one
	Open  int    // all cases of the filter's queue and tier that wait for a reviewer, on every page and in any state asked for
}
