package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// WriteItems writes items as JSON, one a line, for a run's folder.
func WriteItems[T any](items []T) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, it := range items {
		if err := e.Encode(it); err != nil {
			return nil, fmt.Errorf("items: %w", err)
		}
	}
	return b.Bytes(), nil
}

// ReadItems reads what WriteItems wrote: T is ClassifyItem or RetrieveItem. A wrong line is of kind ErrInvalid and is named.
func ReadItems[T any](raw []byte) ([]T, error) {
	var items []T
	err := scan(bytes.NewReader(raw), "items", func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var it T
		if err := json.Unmarshal(line, &it); err != nil {
			return errors.Join(errors.New("not an item"), err)
		}
		items = append(items, it)
		return nil
	})
	return items, err
}
