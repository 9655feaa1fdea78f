package ingest

import (
	"encoding/json"
	"io"
	"strings"
	"time"
)

const (
	defaultFullEvery = 24 * time.Hour
	// overlap is how much of what was read before is asked for again: clocks differ, and some changes show late.
	overlap = 5 * time.Minute
)

// timeMark is where an API goes on: what changed since a time, and everything once in a while, for deletions are told by
// what is no longer listed.
type timeMark struct {
	Since time.Time `json:"since"` // when the walk before began
	Full  time.Time `json:"full"`  // when everything was last listed
}

// readTimeMark returns the mark, and false when everything is to be listed.
func readTimeMark(raw []byte, now time.Time, every time.Duration) (timeMark, bool) {
	var m timeMark
	if json.Unmarshal(raw, &m) != nil || m.Since.IsZero() || m.Since.After(now) {
		return timeMark{}, false
	}
	return m, now.Sub(m.Full) < orDefault(every, defaultFullEvery)
}

// walked is the end of a walk that began at a time.
func (m timeMark) walked(began time.Time, full bool) (Walked, error) {
	m.Since = began
	if full {
		m.Full = began
	}
	raw, err := json.Marshal(m)
	return Walked{Mark: raw, Rest: !full}, err
}

// stringItem is an item whose content is known already.
func stringItem(path, format, content string, given Meta) Item {
	return Item{Path: path, Format: format, Size: int64(len(content)), Given: given,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// textID is an ID that an API gives as a number or as text.
type textID string

// UnmarshalJSON accepts both.
func (t *textID) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(t))
	}
	if string(raw) != "null" {
		*t = textID(raw)
	}
	return nil
}
