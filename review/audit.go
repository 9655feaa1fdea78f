package review

import (
	"context"
	"encoding/json"
	"time"

	"prediag"
)

// Entry is one decision of the audit log with what became of it.
type Entry struct {
	Sequence int64 // grows with every decision
	At       time.Time
	Key      prediag.RequestKey // Method, ID and Caller; the digest is not kept
	Decision prediag.Decision   // without Facts when an older version of the program recorded it
	Shadow   *prediag.Decision  // what a candidate would have decided, where EntryFilter.Shadowed asks for it
	Example  *prediag.Example   // what a human decided on its case; nil: nobody did
	Ticket   prediag.Ticket     // as diagnosed, where EntryFilter.Tickets asks for it
}

// EntryFilter selects entries of the audit log.
type EntryFilter struct {
	Since, Until time.Time // half-open range of Entry.At; zero: from the first, to the last
	Tickets      bool      // read the tickets too, which takes longer
	Shadowed     bool      // only entries with a shadow
}

const auditPage = 256 // entries that one reading transaction returns at most

// Decisions calls each for the entries that the filter selects, by time and sequence, and ends with its error. It holds a
// page of them at a time, so that a long read neither takes much memory nor holds up the log's clean-up. Decisions
// that are recorded meanwhile come along when they are in the range.
func (s *Store) Decisions(ctx context.Context, f EntryFilter, each func(Entry) error) error {
	at := entryPosition{created: micros(f.Since), seq: 0}
	for {
		var page []Entry
		err := s.read(ctx, "read the audit log", func(q querier) (err error) {
			page, at, err = loadEntries(ctx, q, f, at)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// entryPosition is a place in the order of the audit log.
type entryPosition struct{ created, seq int64 }

// loadEntries reads the entries behind a position, and where the next page begins. Statements that follow from a row are
// made when its page is complete: a transaction has one connection, which reads one result at a time.
func loadEntries(ctx context.Context, q querier, f EntryFilter, at entryPosition) ([]Entry, entryPosition, error) {
	until := int64(1)<<62 - 1
	if !f.Until.IsZero() {
		until = micros(f.Until)
	}
	rows, err := q.QueryContext(ctx, `select d.seq, d.created, d.method, d.caller, d.request_id, d.diagnosis_id, d.checksum, d.body,
			coalesce(s.checksum, 0), coalesce(s.body, ''), coalesce(e.body, '')
		from decisions d
		left join shadows s on $4 = 1 and s.diagnosis_id = d.diagnosis_id
		left join cases c on c.diagnosis_id = d.diagnosis_id
		left join examples e on e.case_id = c.id
		where (d.created, d.seq) > ($1, $2) and d.created < $3 and ($4 = 0 or s.body is not null)
		order by d.created, d.seq limit $5`, at.created, at.seq, until, integer(f.Shadowed), auditPage)
	if err != nil {
		return nil, at, err
	}
	defer rows.Close()
	var page []Entry
	for size := 0; size < maxPageBytes && rows.Next(); {
		var r entryRow
		if err := rows.Scan(&r.seq, &r.created, &r.key.Method, &r.key.Caller, &r.key.ID, &r.diagnosisID, &r.checksum, &r.body,
			&r.shadowSum, &r.shadow, &r.example); err != nil {
			return nil, at, err
		}
		e, err := r.entry()
		if err != nil {
			return nil, at, err
		}
		at = entryPosition{r.created, r.seq}
		size += len(r.body) + len(r.shadow) + len(r.example)
		page = append(page, e)
	}
	if err := rows.Err(); err != nil {
		return nil, at, err
	}
	if err := rows.Close(); err != nil {
		return nil, at, err
	}
	for i := range page {
		if err := page[i].complete(ctx, q, f.Tickets); err != nil {
			return nil, at, err
		}
	}
	return page, at, nil
}

// entryRow is an entry as the database holds it.
type entryRow struct {
	seq, created          int64
	key                   prediag.RequestKey
	diagnosisID           string
	checksum, shadowSum   int64
	body, shadow, example []byte
}

func (r entryRow) entry() (e Entry, err error) {
	e = Entry{Sequence: r.seq, At: fromMicros(r.created), Key: r.key, Decision: prediag.Decision{DiagnosisID: r.diagnosisID}}
	if len(r.body) > 0 {
		if e.Decision, err = decodeDecision(r.diagnosisID, r.body, r.checksum); err != nil {
			return e, err
		}
	}
	if len(r.shadow) > 0 {
		d, err := decodeDecision(r.diagnosisID, r.shadow, r.shadowSum)
		if err != nil {
			return e, err
		}
		e.Shadow = &d
	}
	if len(r.example) > 0 {
		e.Example = new(prediag.Example)
		if err := json.Unmarshal(r.example, e.Example); err != nil {
			return e, unreadable("the example of diagnosis", r.diagnosisID, err)
		}
	}
	return e, nil
}

// complete reads what stands in the diagnosis: the ticket where it is wanted, and the decision where it was recorded
// before there was an audit log.
func (e *Entry) complete(ctx context.Context, q querier, ticket bool) error {
	if !ticket && e.Decision.Outcome != "" {
		return nil
	}
	d, err := loadDiagnosis(ctx, q, e.Decision.DiagnosisID)
	if err != nil {
		return err
	}
	if ticket {
		e.Ticket = d.Ticket
	}
	if e.Decision.Outcome == "" {
		e.Decision = decisionOf(d)
	}
	return nil
}

// decisionBody is a decision as the database holds it.
type decisionBody struct {
	Outcome  prediag.Outcome
	Reasons  []prediag.Reason
	Solved   float64
	Versions prediag.Versions
	Facts    json.RawMessage `json:",omitempty"`
}

func decisionOf(d prediag.Diagnosis) prediag.Decision {
	return prediag.Decision{DiagnosisID: d.ID, Outcome: d.Outcome, Reasons: d.Reasons, Solved: d.Solved, Versions: d.Versions, Facts: d.Facts}
}

func encodeDecision(d prediag.Decision) ([]byte, error) {
	body, err := encode(decisionBody{d.Outcome, d.Reasons, d.Solved, d.Versions, d.Facts})
	if err != nil {
		return nil, invalid("DIAGNOSIS_NOT_STORABLE", "diagnosis", "the decision on diagnosis %q cannot be stored: %v", d.DiagnosisID, err)
	}
	return body, nil
}

func decodeDecision(id string, body []byte, sum int64) (prediag.Decision, error) {
	var b decisionBody
	if checksum(body) != sum {
		return prediag.Decision{}, unreadable("the decision on diagnosis", id, nil)
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return prediag.Decision{}, unreadable("the decision on diagnosis", id, err)
	}
	return prediag.Decision{DiagnosisID: id, Outcome: b.Outcome, Reasons: b.Reasons, Solved: b.Solved, Versions: b.Versions, Facts: b.Facts}, nil
}

// insertDecision appends to the audit log.
func insertDecision(ctx context.Context, q querier, it item, now time.Time) error {
	_, err := q.ExecContext(ctx, `insert into decisions (diagnosis_id, created, method, caller, request_id, checksum, body)
		values ($1, $2, $3, $4, $5, $6, $7)`, it.d.ID, micros(now), it.key.Method, it.key.Caller, it.key.ID, checksum(it.decision), string(it.decision))
	return err
}

// RecordShadows stores what a candidate would have decided beside the diagnoses that were given, in one transaction. A
// diagnosis that has a shadow, or is not there, is passed over.
func (s *Store) RecordShadows(ctx context.Context, ds []prediag.Decision) error {
	bodies := make([][]byte, len(ds))
	for i, d := range ds {
		var err error
		if bodies[i], err = encodeDecision(d); err != nil {
			return err
		}
	}
	return s.write(ctx, "record shadows", func(q querier) error {
		now := micros(s.opt.Now())
		for i, d := range ds {
			_, err := q.ExecContext(ctx, `insert into shadows (diagnosis_id, created, checksum, body)
				select id, $2, $3, $4 from diagnoses where id = $1 on conflict (diagnosis_id) do nothing`,
				d.DiagnosisID, now, checksum(bodies[i]), string(bodies[i]))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func integer(b bool) int {
	if b {
		return 1
	}
	return 0
}
