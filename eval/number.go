package eval

import (
	"encoding/json"
	"math"
	"strconv"
)

// Number is a measured value. NaN stands for "not defined"; in JSON that is null, in text "n/a".
type Number float64

// Undefined is the Number of a measure that has no value, e.g. an accuracy over no items.
func Undefined() Number { return Number(math.NaN()) }

// Defined reports whether the number is a finite value.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// String gives four decimals, or "n/a".
func (n Number) String() string {
	if !n.Defined() {
		return "n/a"
	}
	return strconv.FormatFloat(float64(n), 'f', 4, 64)
}

// MarshalJSON writes the shortest decimal that reads back as the same value, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Undefined()
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}
