package prediag

import "time"

// RefreshState is where a renewal of the index stands.
type RefreshState string

// The states of a renewal.
const (
	RefreshRunning   RefreshState = "RUNNING"
	RefreshSucceeded RefreshState = "SUCCEEDED"
	RefreshFailed    RefreshState = "FAILED" // the generation before serves on
)

// Refresh is one renewal of the index from its sources, at work or done.
type Refresh struct {
	ID      string
	State   RefreshState
	Stage   string // what it is doing, e.g. "parsing"
	Done    int    // items done in this stage
	Total   int    // items of this stage; 0 while unknown
	Error   string // why it failed
	Started time.Time
	Ended   time.Time      // zero while running
	Report  *RefreshReport // once it succeeded
}

// RefreshReport says what a renewal did.
type RefreshReport struct {
	Sources    []RefreshedSource
	Generation uint64 // that serves afterwards
	Took       time.Duration
}

// RefreshedSource says what a renewal found in one source, in articles unless said otherwise.
type RefreshedSource struct {
	Name      string
	Files     int // looked at
	Articles  int // that the source holds now
	Added     int
	Changed   int
	Unchanged int
	Deleted   int
	Skipped   map[string]int // files and records that gave no article, by reason
}
