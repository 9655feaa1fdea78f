package prediag

import (
	"errors"
	"time"
)

// The kinds of errors. Match them with errors.Is. The list is only ever appended to.
var (
	ErrInvalid    = errors.New("invalid argument")  // the caller's input is wrong; a retry will not help
	ErrNotFound   = errors.New("not found")         // the thing named does not exist
	ErrConflict   = errors.New("conflict")          // the thing is not in the state that the call needs
	ErrReused     = errors.New("request id reused") // the same request ID came with another request
	ErrStale      = errors.New("stale")             // a page token or version belongs to a replaced generation
	ErrNotReady   = errors.New("not ready")         // a part is not loaded yet; a retry may help
	ErrTooLarge   = errors.New("too large")         // a limit on size or number was passed
	ErrOverloaded = errors.New("overloaded")        // refused to protect the service; retry later
	ErrDamaged    = errors.New("damaged")           // a file does not hold what its checksum says
	ErrLocked     = errors.New("in use")            // another process holds the data folder
)

// Error is an error of one kind with what a caller needs to mend it.
//
// Use it where the input, its fault and the remedy are known; wrap a kind with fmt.Errorf("...: %w", ErrNotFound)
// where the kind alone says enough.
type Error struct {
	Kind       error         // one of the kinds above
	Reason     string        // UPPER_SNAKE_CASE, stable, e.g. "TICKET_EMPTY"; empty: the kind's own
	Field      string        // path of the offending field in the request, e.g. "ticket.body"; may be empty
	Message    string        // what was wrong and the remedy, lower case, no trailing dot
	RetryAfter time.Duration // 0: do not say
	Err        error         // the cause; may be nil
}

// Error returns the message, with the cause where there is one.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap lets errors.Is find both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Invalid returns an error of kind ErrInvalid about one field of a request.
func Invalid(reason, field, message string) error {
	return &Error{Kind: ErrInvalid, Reason: reason, Field: field, Message: message}
}
