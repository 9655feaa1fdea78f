package review

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"

	"prediag"
)

// encode is the JSON of a root type, as it is stored.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // logs are full of < and >, which would take six bytes each
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func encodeDiagnosis(d prediag.Diagnosis) ([]byte, error) {
	body, err := encode(inUTC(d))
	if err != nil {
		return nil, invalid("DIAGNOSIS_NOT_STORABLE", "diagnosis", "diagnosis %q cannot be stored (%v); numbers must be finite and years between 0 and 9999", d.ID, err)
	}
	return body, nil
}

func decodeDiagnosis(id string, body []byte) (prediag.Diagnosis, error) {
	var d prediag.Diagnosis
	if err := json.Unmarshal(body, &d); err != nil {
		return prediag.Diagnosis{}, unreadable("diagnosis", id, err)
	}
	return d, nil
}

// unreadable is the error about a stored record that is not what was written.
func unreadable(what, id string, err error) error {
	return &prediag.Error{Kind: prediag.ErrDamaged, Reason: "STATE_DAMAGED", Err: err, Message: fmt.Sprintf(
		"%s %q in the state database is not what was written; stop the service and restore the file from a backup", what, id)}
}

// inUTC is the diagnosis with every time in UTC, so that equal instants have equal bytes.
func inUTC(d prediag.Diagnosis) prediag.Diagnosis {
	d.Created = d.Created.UTC()
	d.Ticket.Created = d.Ticket.Created.UTC()
	d.Hits = slices.Clone(d.Hits)
	for i := range d.Hits {
		d.Hits[i].Updated = d.Hits[i].Updated.UTC()
	}
	d.Related = slices.Clone(d.Related)
	for i := range d.Related {
		d.Related[i].Updated = d.Related[i].Updated.UTC()
	}
	if d.Handoff != nil {
		h := *d.Handoff
		h.Deadline = h.Deadline.UTC()
		d.Handoff = &h
	}
	return d
}

// checksum is CRC-32C (Castagnoli), which the processor computes itself: SQLite does not notice a flipped bit in a text.
func checksum(body []byte) int64 {
	return int64(crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
