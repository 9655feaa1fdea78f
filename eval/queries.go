package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Query is one question of a test collection. All but ID and Text may be empty; they tell the parts of the data apart.
type Query struct {
	ID       string    `json:"id"`
	Text     string    `json:"text"` // may be empty, as published collections hold such: nothing is found for it
	Language string    `json:"lang"` // BCP 47 tag
	Category string    `json:"category"`
	Tier     string    `json:"tier"`
	Product  string    `json:"product"`
	Source   string    `json:"source"`
	Created  time.Time `json:"-"` // "created", RFC 3339 or a date; zero: unknown
}

// ReadQueries reads queries, one a line: JSON objects {"id", "text", "lang", ...} as in Query, or "id<TAB>text".
// Each line says itself which of the two it is; blank lines are skipped. Plain or gzipped. A wrong line or an ID given
// twice is of kind ErrInvalid and names the line.
func ReadQueries(r io.Reader) ([]Query, error) {
	var queries []Query
	seen := map[string]bool{}
	err := scan(r, "queries", func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		q, err := parseQuery(line)
		if err != nil {
			return err
		}
		if seen[q.ID] {
			return fmt.Errorf("the id %.80q was given before; ids must differ", q.ID)
		}
		seen[q.ID] = true
		queries = append(queries, q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return queries, nil
}

func parseQuery(line []byte) (Query, error) {
	var q Query
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		with := struct {
			*Query
			Created string `json:"created"`
		}{Query: &q}
		if err := json.Unmarshal(line, &with); err != nil {
			return Query{}, fmt.Errorf("not a JSON object with id, text and lang: %w", err)
		}
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, with.Created); err == nil {
				q.Created = at
			}
		}
	} else {
		id, text, ok := strings.Cut(string(line), "\t")
		if !ok {
			return Query{}, errors.New(`neither a JSON object nor "id<TAB>text"`)
		}
		q = Query{ID: strings.TrimSpace(id), Text: strings.TrimSpace(text)}
	}
	if q.ID == "" {
		return Query{}, errors.New("the id is empty or absent; give one")
	}
	return q, nil
}
