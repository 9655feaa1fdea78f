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
	Reading    time.Duration // of Took: waiting for sources and parsers
	Indexing   time.Duration // of Took: waiting for the index to take the changes in
	Publishing time.Duration // of Took: making the new generation durable, proving and publishing it
	Twins      int           // articles of the generation that say the same, or nearly the same, as another one
}

// RefreshedSource says what a renewal found in one source, in articles unless said otherwise.
type RefreshedSource struct {
	Name      string
	Files     int // looked at
	Articles  int // that the source holds now
	Added     int
	Changed   int
	Moved     int // their files have another path: neither added nor deleted
	Unchanged int
	Deleted   int
	Parsed    int            // files and records that went through a parser
	Broken    int            // internal links of the articles parsed that lead nowhere
	Skipped   map[string]int // files and records that gave no article, by reason
	Faults    []Fault        // those of them that should have given one, at most 100
	Error     string         // why the source could not be read to its end; empty: it was
}

// Fault is a file or record that should have given an article and did not.
type Fault struct{ Path, Reason string }
