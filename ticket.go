package prediag

import (
	"strings"
	"time"
)

// Ticket is one incoming issue as the ticket system hands it over.
type Ticket struct {
	ID       string            // the ticket system's own identifier; may be empty
	Title    string            // one line; may be empty when Body is not
	Body     string            // free text, logs included; may be empty when Title is not
	Language string            // BCP 47 tag as the caller states it, e.g. "zh"; empty: detected
	Product  string            // product key, e.g. "compute"; empty: unknown
	Codes    []string          // fault codes that came in a field of their own
	Fields   map[string]string // further columns, e.g. "channel": "phone"
	Created  time.Time         // when the customer filed it; zero: now
}

// Text is the title and the body as one text, a blank line between them where both are present.
func (t Ticket) Text() string {
	switch {
	case t.Title == "":
		return t.Body
	case t.Body == "":
		return t.Title
	}
	return t.Title + "\n\n" + t.Body
}

// Blank reports whether neither title nor body holds anything but white space.
func (t Ticket) Blank() bool {
	return strings.TrimSpace(t.Title) == "" && strings.TrimSpace(t.Body) == ""
}

// Example is a ticket with labels that a human gave or confirmed: what a classifier learns from and is measured on.
type Example struct {
	Ticket  Ticket
	Labels  map[string]string // field → label, e.g. "category": "compute/login-failure"
	Article string            // ID of the article that solved it; empty: unknown
	Source  string            // where the labels came from: "import" or "review"
}

// Fields that the service itself acts on. A model may be trained for any further field that the maintainer names.
const (
	FieldCategory  = "category"  // path in the taxonomy, levels joined with "/", e.g. "network/dns"
	FieldType      = "type"      // e.g. "incident", "question", "request"
	FieldTier      = "tier"      // support tier: "L1", "L2" or "L3"
	FieldUrgency   = "urgency"   // "low", "normal", "high" or "critical"
	FieldSentiment = "sentiment" // "negative", "neutral" or "positive"
)

// LabelOutOfScope is the label of a ticket that no label of the taxonomy fits.
const LabelOutOfScope = "oos"

// Label is one possible value of a field with the probability that it is the right one.
type Label struct {
	Value       string
	Probability float64 // 0 to 1, calibrated on data that the model did not learn from
}

// Evidence is one reason for a label that a human can check.
type Evidence struct {
	Kind   EvidenceKind
	Text   string  // the n-gram as it stands in the ticket, or the neighbour's ID and title
	Weight float64 // contribution to the label's log-odds; negative speaks against; neighbours: cosine, 0 to 1
}

// EvidenceKind says what an Evidence is.
type EvidenceKind string

// The kinds of evidence.
const (
	EvidenceNGram    EvidenceKind = "ngram"    // a word or character sequence of the ticket
	EvidenceNearest  EvidenceKind = "nearest"  // a labelled ticket that reads alike
	EvidenceDeclared EvidenceKind = "declared" // the caller stated it in a field of the ticket
)

// FieldVerdict is what the model says about one field of a ticket.
type FieldVerdict struct {
	Field        string
	Label        string     // the most probable label
	Probability  float64    // of Label, 0 to 1, calibrated
	Alternatives []Label    // the next best, most probable first; at most 5
	Evidence     []Evidence // strongest first; at most 8
}

// Margin is the distance between the probabilities of the two best labels, 0 to 1.
func (f FieldVerdict) Margin() float64 {
	if len(f.Alternatives) == 0 {
		return f.Probability
	}
	return f.Probability - f.Alternatives[0].Probability
}

// Verdict is everything that the classifier says about a ticket.
type Verdict struct {
	Fields             []FieldVerdict
	Language           string  // BCP 47 tag of the ticket's text; "und" where no language is clear
	LanguageConfidence float64 // 0 to 1
	InScope            float64 // probability that some label of the taxonomy fits, 0 to 1
	Model              string  // version of the model: the hash of its manifest
}

// Field returns the verdict on the named field, and whether the model has one.
func (v Verdict) Field(name string) (FieldVerdict, bool) {
	for _, f := range v.Fields {
		if f.Field == name {
			return f, true
		}
	}
	return FieldVerdict{}, false
}
