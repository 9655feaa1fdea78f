package classifier

import "math"

// scope turns signs of familiarity into the probability that a ticket is in scope: a logistic regression over the
// log-odds of the best category and the share of the text's words that were never seen in training.
type scope struct {
	Bias   float64 `json:"bias"`
	Logit  float64 `json:"logit"`  // times the log-odds of the best label
	Unseen float64 `json:"unseen"` // times the share of unseen words, 0 to 1
}

// defaultScope serves where there is too little data to fit one.
func defaultScope() scope { return scope{Bias: 2, Logit: 1, Unseen: -3} }

// probability of being in scope, given the probability of the best label and the share of unseen words.
func (s scope) probability(best, unseen float64) float64 {
	return sigmoid(s.Bias + s.Logit*logit(best) + s.Unseen*unseen)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logit of p, kept within what a probability of 32 bits can tell.
func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// scope fits the signs of familiarity.
func (t *trainer) scope() scope { return defaultScope() }
