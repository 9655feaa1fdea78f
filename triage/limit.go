package triage

// Own is the threshold of one category in place of the one for all.
type Own struct {
	Act float64 `yaml:"act,omitempty" json:"act,omitempty"`
	Off string  `yaml:"off,omitempty" json:"off,omitempty"` // why nothing of the category is acted on; empty: Act says
}

// limit is the least probability for acting on a category, or why there is none.
func limit(category string, act float64, off string, own map[string]Own) (float64, string) {
	if o, ok := own[category]; ok {
		return o.Act, o.Off
	}
	return act, off
}

func (t FieldThreshold) limit(label string) (float64, string) {
	return limit(label, t.Act, t.Off, t.Own)
}

func (t SolvedThreshold) limit(category string) (float64, string) {
	return limit(category, t.Act, t.Off, t.Own)
}
