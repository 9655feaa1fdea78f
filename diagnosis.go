package prediag

import "time"

// Draft is a suggested fix, statement by statement.
type Draft struct {
	Language   string
	Statements []Statement
	Missing    []string // what the customer should be asked for, in the draft's language
	Grounded   float64  // share of the asserting statements whose citation was verified, 0 to 1; 0 when there are none
	Origin     string   // who wrote it: "extractive", or the name of the language model
	Usage      *Usage   // what the language model counted; nil: none was asked, or it did not say
}

// Usage is what a language model charges for.
type Usage struct{ InputTokens, OutputTokens int }

// Statement is one sentence or step of a draft.
type Statement struct {
	Kind      StatementKind
	Text      string
	Citations []Citation // at least one, except for StatementQuestion and StatementNote
}

// StatementKind says what part a statement plays in the draft.
type StatementKind string

// The parts of a draft.
const (
	StatementSummary  StatementKind = "summary"  // what the issue is
	StatementCode     StatementKind = "code"     // what a fault code means
	StatementCause    StatementKind = "cause"    // the likely cause
	StatementStep     StatementKind = "step"     // something to do
	StatementQuestion StatementKind = "question" // something to ask the customer
	StatementNote     StatementKind = "note"     // about the draft itself, e.g. that nothing was found
)

// Asserts reports whether a statement of this kind says something about the product and therefore needs a citation.
func (k StatementKind) Asserts() bool { return k != StatementQuestion && k != StatementNote }

// Citation points to the passage that a statement rests on.
type Citation struct {
	ArticleID string
	Revision  string
	Span      Span   // in the article's body at that revision
	Quote     string // the text under Span
	Title     string
	URL       string
}

// Outcome is what happens to a ticket.
type Outcome string

// The outcomes, from the most automatic to the least.
const (
	OutcomeAnswer   Outcome = "ANSWER"   // the draft may be sent as it is
	OutcomeSuggest  Outcome = "SUGGEST"  // the draft goes to an agent, with what to check
	OutcomeEscalate Outcome = "ESCALATE" // a human is needed: findings, unknowns and questions go along
)

// ReasonCode names a reason against answering automatically.
type ReasonCode string

// The reasons. The list is only ever appended to.
const (
	ReasonLowConfidence      ReasonCode = "LOW_CONFIDENCE"         // a probability is under the policy's threshold
	ReasonAmbiguous          ReasonCode = "AMBIGUOUS"              // the two best labels are too close
	ReasonOutOfScope         ReasonCode = "OUT_OF_SCOPE"           // unlike anything in training
	ReasonNoArticle          ReasonCode = "NO_RELEVANT_ARTICLE"    // the knowledge base holds no answer
	ReasonNotGrounded        ReasonCode = "DRAFT_NOT_GROUNDED"     // a statement lacks a verified citation
	ReasonContradiction      ReasonCode = "ARTICLES_CONTRADICT"    // two articles disagree
	ReasonLanguage           ReasonCode = "LANGUAGE_NOT_SUPPORTED" // language unknown to model or knowledge base
	ReasonUrgent             ReasonCode = "URGENT"                 // the customer says that it is urgent
	ReasonMajorIncident      ReasonCode = "MAJOR_INCIDENT"         // red response: minutes count
	ReasonSensitive          ReasonCode = "SENSITIVE"              // security, privacy or legal matter
	ReasonPersonRequested    ReasonCode = "PERSON_REQUESTED"       // the customer asks for a human
	ReasonInformationMissing ReasonCode = "INFORMATION_MISSING"    // too little to go on
	ReasonModelStale         ReasonCode = "MODEL_STALE"            // model older than the policy allows
	ReasonCalibrationStale   ReasonCode = "CALIBRATION_STALE"      // policy fitted on another model, index or taxonomy
	ReasonDegraded           ReasonCode = "DEGRADED"               // a part did not answer; see Diagnosis.Degraded
	ReasonCategoryNotAllowed ReasonCode = "CATEGORY_NOT_AUTOMATED" // the policy keeps this category for humans
	ReasonAuditSample        ReasonCode = "AUDIT_SAMPLE"           // drawn at random to measure live accuracy
	ReasonPersonalData       ReasonCode = "PERSONAL_DATA_REMOVED"  // redacted text is shown to the reviewer only
	ReasonLabelCheck         ReasonCode = "LABEL_CHECK"            // a labelled ticket whose label is in doubt, see LabelCheck
)

// Reason is one reason with what it refers to.
type Reason struct {
	Code   ReasonCode
	Field  string // the field that it is about; may be empty
	Detail string // one sentence for the agent, with the numbers
}

// Degradation names a part that was missing or old when a diagnosis was made.
type Degradation string

// The degradations.
const (
	DegradedClassifier Degradation = "CLASSIFIER_UNAVAILABLE"
	DegradedSearch     Degradation = "SEARCH_UNAVAILABLE"
	DegradedDraft      Degradation = "DRAFT_UNAVAILABLE"
	DegradedIndexStale Degradation = "INDEX_STALE"
	DegradedLLM        Degradation = "LLM_UNAVAILABLE"
	DegradedEmbeddings Degradation = "EMBEDDINGS_UNAVAILABLE" // words alone found the hits
)

// Handoff says who must act on a ticket and by when.
type Handoff struct {
	CaseID   string
	Tier     string    // "L1", "L2" or "L3"
	Queue    string    // e.g. "network"
	Priority int       // 0 is served first: 0 major incident, 1 urgent, 2 high, 3 normal, 4 low, 5 audit sample, 6 label check
	Deadline time.Time // by which a human must act
	Message  string    // a sentence for the customer, in the customer's language
}

// Versions names everything that a diagnosis depends on, so that it can be made again.
type Versions struct {
	Model    string
	Taxonomy string
	Index    uint64 // generation
	Policy   string
}

// Diagnosis is the answer to a ticket.
type Diagnosis struct {
	ID       string
	Ticket   Ticket // secrets and personal data removed
	Verdict  Verdict
	Codes    []FaultCode // the codes found in the ticket that the knowledge base explains
	Unknown  []string    // the codes found in the ticket that it does not
	Hits     []Hit
	Draft    Draft
	Solved   float64 // probability that the first hit solves the ticket, 0 to 1
	Outcome  Outcome
	Reasons  []Reason
	Handoff  *Handoff // nil when Outcome is OutcomeAnswer
	Versions Versions
	Degraded []Degradation
	Causes   []Statement // what Hits and the articles of Codes say under headings of cause, each cited; at most 5
	Related  []Hit       // near the Hits and none of them, without passages; at most 5
	Created  time.Time
	Facts    []byte // JSON of what Outcome was decided on, for package triage to decide again; kept in the audit log only
}

// Decision is how a ticket was decided, without its texts: an entry of the audit log, or what a candidate would decide.
type Decision struct {
	DiagnosisID string
	Outcome     Outcome
	Reasons     []Reason
	Solved      float64
	Versions    Versions
	Facts       []byte // see Diagnosis
}

// CaseState is where a case stands.
type CaseState string

// The states of a case.
const (
	CaseOpen     CaseState = "OPEN"
	CaseClaimed  CaseState = "CLAIMED" // under a lease; open again when the lease ends
	CaseResolved CaseState = "RESOLVED"
)

// Case is a ticket that waits for, or has got, a human's decision.
type Case struct {
	ID         string
	Diagnosis  Diagnosis
	State      CaseState
	Priority   int // 0 is served first; equal ones by deadline
	Created    time.Time
	ClaimedBy  string
	LeaseUntil time.Time
	Resolution *Resolution // once resolved
	Check      *LabelCheck // nil: a customer's ticket waits
}

// LabelCheck asks which label of a labelled ticket is right. ACCEPTED takes the suggested one, REJECTED keeps the present
// one, CORRECTED names another.
type LabelCheck struct {
	Source               string // where the ticket is from, e.g. the file's name
	Ticket               Ticket // secrets and personal data removed; in a case it is that of the diagnosis, and empty here
	Field                string
	Label                string  // present
	Suggested            string  // by a model that did not learn from the ticket
	Probability          float64 // of Label by that model, 0 to 1
	SuggestedProbability float64 // 0 to 1
}

// Resolution is a human's decision on a case. It is final.
type Resolution struct {
	Reviewer string
	Action   ResolutionAction
	Labels   map[string]string // field → right label; fields that are absent were not judged
	Article  string            // ID of the article that solves the ticket; may be empty
	Answer   string            // what was sent to the customer; may be empty
	Note     string
	At       time.Time
	NewLabel bool // a label may be one that the model does not know
}

// ResolutionAction says what the human did with the suggestion.
type ResolutionAction string

// The actions of a reviewer.
const (
	ActionAccepted  ResolutionAction = "ACCEPTED"  // labels and draft were right as they were
	ActionCorrected ResolutionAction = "CORRECTED" // something was changed
	ActionRejected  ResolutionAction = "REJECTED"  // not a ticket for this service
)

// CaseFilter selects cases.
type CaseFilter struct {
	States []CaseState // empty: open and claimed
	Queue  string      // empty: all
	Tier   string      // empty: all
	After  string      // opaque position of the last case of the page before; empty: from the first
	Limit  int         // 1 to 500; 0 means 50
}
