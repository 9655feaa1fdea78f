package server

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"prediag"
)

const (
	maxID     = 128 // bytes of an identifier that the service made, and of a request_id
	maxFilter = 64  // values of one filter
	maxNote   = 64 << 10
)

// check collects the first fault of a request.
type check struct{ err error }

func (c *check) fail(reason, field, format string, args ...any) {
	if c.err == nil {
		c.err = prediag.Invalid(reason, field, fmt.Sprintf(format, args...))
	}
}

// text refuses what is longer than limit bytes, or not UTF-8.
func (c *check) text(field, s string, limit int) {
	switch {
	case len(s) > limit:
		if c.err == nil {
			c.err = &prediag.Error{
				Kind: prediag.ErrTooLarge, Reason: "FIELD_TOO_LARGE", Field: field,
				Message: fmt.Sprintf("%s has %d bytes, at most %d are taken", field, len(s), limit),
			}
		}
	case !utf8.ValidString(s):
		c.fail("NOT_UTF8", field, "%s is not valid UTF-8: convert the text first", field)
	}
}

// needed refuses an empty text, and otherwise what text refuses.
func (c *check) needed(field, s string, limit int) {
	if s == "" {
		c.fail("FIELD_MISSING", field, "%s is empty: it is needed", field)
	}
	c.text(field, s, limit)
}

// list refuses too many values, and values that text refuses.
func (c *check) list(field string, values []string) {
	if len(values) > maxFilter {
		c.fail("TOO_MANY_VALUES", field, "%s has %d values, at most %d are taken", field, len(values), maxFilter)
	}
	for i, v := range values {
		c.text(fmt.Sprintf("%s[%d]", field, i), v, prediag.MaxFieldBytes)
	}
}

// time refuses what is no moment of the years 1 to 9999.
func (c *check) time(field string, t *timestamppb.Timestamp) {
	if t != nil && t.CheckValid() != nil {
		c.fail("TIME_INVALID", field, "%s is out of range: use a time of the years 1 to 9999 with 0 to 999,999,999 nanoseconds", field)
	}
}

// share refuses what is no probability.
func (c *check) share(field string, p float64) {
	if !(p >= 0 && p <= 1) { // also refuses NaN
		c.fail("LABEL_CHECK_INVALID", field, "%s is %v: use a number from 0 to 1", field, p)
	}
}

// pageSize is the size to use: 0 means the default, more than the most means the most. Negative sizes are refused.
func (c *check) pageSize(field string, n int32, byDefault, most int) int {
	switch {
	case n < 0:
		c.fail("PAGE_SIZE_INVALID", field, "%s is %d: use 1 to %d, or 0 for the default", field, n, most)
	case n == 0:
		return byDefault
	}
	return min(int(n), most)
}
