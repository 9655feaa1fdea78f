package eval

import (
	"encoding/json"
	"fmt"
)

// Figures gives a report's numbers by the keys of its JSON, those of nested objects joined with a dot ("oos.recall").
// Lists are left out; so is what is not defined. The report is any value whose JSON is an object.
func Figures(report any) (map[string]Number, error) {
	raw, err := json.Marshal(report)
	if err != nil {
		return nil, fmt.Errorf("figures: %w", err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("figures: %w", err)
	}
	figures := map[string]Number{}
	addFigures(figures, "", object)
	return figures, nil
}

func addFigures(figures map[string]Number, prefix string, object map[string]any) {
	for key, value := range object {
		switch value := value.(type) {
		case float64:
			figures[prefix+key] = Number(value)
		case map[string]any:
			addFigures(figures, prefix+key+".", value)
		}
	}
}
