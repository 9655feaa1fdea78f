package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"prediag"
)

// LabelChange is one line of a patch: the label of a ticket, and the one that it should have.
type LabelChange struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Proposed string `json:"proposed"`
}

// PatchReport says what a patch did.
type PatchReport struct {
	Changes int      `json:"changes"` // lines of the patch
	Applied int      `json:"applied"`
	Stale   []string `json:"stale"`  // IDs whose label is no longer the one that was judged; left alone
	Absent  []string `json:"absent"` // IDs that the tickets do not have
}

// ReadPatch reads changes, one JSON object a line, as SuspectReport.WriteLines writes them; other keys are ignored. A line
// without one of the three keys, or an ID given twice, is of kind ErrInvalid and is named.
func ReadPatch(r io.Reader) ([]LabelChange, error) {
	var changes []LabelChange
	seen := map[string]bool{}
	err := scan(r, "patch", func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var c LabelChange
		if err := json.Unmarshal(line, &c); err != nil {
			return errors.Join(errors.New("not a JSON object with id, label and proposed"), err)
		}
		if c.ID == "" || c.Label == "" || c.Proposed == "" {
			return errors.New("id, label and proposed must all be there")
		}
		if seen[c.ID] {
			return fmt.Errorf("the id %.80q was given before; ids must differ", c.ID)
		}
		seen[c.ID] = true
		changes = append(changes, c)
		return nil
	})
	return changes, err
}

// Patch copies tickets, one JSON object a line, plain or gzipped, and gives those of the patch the proposed label in the
// column. Lines that are not changed keep their bytes; a changed one keeps its values and gets its keys sorted. A ticket
// whose label is not the one that was judged is left alone and told. A line that is no object is of kind ErrInvalid.
func Patch(w io.Writer, tickets io.Reader, column string, changes []LabelChange) (PatchReport, error) {
	report := PatchReport{Changes: len(changes), Stale: []string{}, Absent: []string{}}
	open := make(map[string]LabelChange, len(changes))
	for _, c := range changes {
		open[c.ID] = c
	}
	err := scan(tickets, "tickets", func(line []byte) error {
		out, err := report.patch(line, column, open)
		if err != nil {
			return err
		}
		_, err = w.Write(append(out, '\n'))
		return err
	})
	for _, c := range changes {
		if _, left := open[c.ID]; left {
			report.Absent = append(report.Absent, c.ID)
		}
	}
	return report, err
}

func (r *PatchReport) patch(line []byte, column string, open map[string]LabelChange) ([]byte, error) {
	line = bytes.Clone(line) // the scanner's
	if len(bytes.TrimSpace(line)) == 0 {
		return line, nil
	}
	var record map[string]json.RawMessage
	if err := json.Unmarshal(line, &record); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	var id, label string
	_ = json.Unmarshal(record["id"], &id) // a ticket without a text as ID cannot be meant
	c, ok := open[id]
	if !ok || id == "" {
		return line, nil
	}
	delete(open, id)
	if json.Unmarshal(record[column], &label) != nil || label != c.Label {
		r.Stale = append(r.Stale, id)
		return line, nil
	}
	r.Applied++
	quoted, err := json.Marshal(c.Proposed)
	if err != nil {
		return nil, fmt.Errorf("encode the label: %w", err)
	}
	record[column] = quoted
	return marshalPlain(record)
}

// marshalPlain leaves angle brackets and ampersands as they are.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a ticket: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Err is of kind ErrInvalid when nothing of a patch could be applied: it is that of another file.
func (r PatchReport) Err() error {
	if r.Applied > 0 || r.Changes == 0 {
		return nil
	}
	return prediag.Invalid("PATCH_FITS_NOT", "patch", fmt.Sprintf(
		"none of %d changes fits the tickets: %d have another label than the judged one, %d are not there; give the tickets that were judged, and --column",
		r.Changes, len(r.Stale), len(r.Absent)))
}
