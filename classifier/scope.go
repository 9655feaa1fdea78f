package classifier

import (
	"math"

	"prediag"
)

// scope turns signs of familiarity into the probability that a ticket is in scope: a logistic regression whose every
// weight points the way its sign must, so that a ticket never looks more familiar for being stranger. The probability is
// calibrated for a stream of which priorOutside is out of scope.
type scope struct {
	Bias    float64 `json:"bias"`
	Logit   float64 `json:"logit"`             // times the log-odds of the best label
	Unseen  float64 `json:"unseen"`            // times the information in unseen words, as a share, 0 to 1
	Energy  float64 `json:"energy,omitempty"`  // times the log of the sum of the exponentials of the logits
	Mean    float64 `json:"mean,omitempty"`    // times the cosine with the mean of the best label's tickets
	Nearest float64 `json:"nearest,omitempty"` // times the cosine with the nearest of the best label's tickets
	Outside float64 `json:"outside,omitempty"` // times the log-odds of the label "out of scope"
}

// priorOutside is the share of out-of-scope tickets that the probability assumes.
const priorOutside = 0.10

// defaultScope serves where there is too little data to fit one.
func defaultScope() scope { return scope{Bias: 2, Logit: 1, Unseen: -3} }

// sign is what is known of one text when its scope is judged.
type sign struct {
	best    float64 // probability of the best label in scope
	outside float64 // probability of the label "out of scope"; 0 where the model has none
	energy  float64 // log of the sum of the exponentials of the logits of the labels in scope (Liu et al. 2020)
	mean    float64 // cosine of the hidden units with the mean of the best label's tickets
	nearest float64 // with the nearest of them
	unseen  float64 // share of the information of the text's words that lies in words never seen
}

// signs is how many numbers a sign makes.
const signs = 6

// values are the numbers that the regression weighs; each must speak for the scope, the ones in rising as in falling.
func (s sign) values() [signs]float64 {
	return [signs]float64{logit(s.best), -s.unseen, s.energy, s.mean, s.nearest, -logit(s.outside)}
}

// weights are in the order of sign.values.
func (s scope) weights() [signs]float64 {
	return [signs]float64{s.Logit, -s.Unseen, s.Energy, s.Mean, s.Nearest, -s.Outside}
}

func scopeOf(bias float64, w [signs]float64) scope {
	return scope{Bias: bias, Logit: w[0], Unseen: -w[1], Energy: w[2], Mean: w[3], Nearest: w[4], Outside: -w[5]}
}

// probability of being in scope.
func (s scope) probability(x sign) float64 {
	sum, w := s.Bias, s.weights()
	for i, v := range x.values() {
		sum += w[i] * v
	}
	return sigmoid(sum)
}

// sound reports whether the weights are numbers that point the right way.
func (s scope) sound() bool {
	for _, w := range s.weights() {
		if !(w >= 0) || math.IsInf(w, 0) {
			return false
		}
	}
	return !math.IsNaN(s.Bias) && !math.IsInf(s.Bias, 0)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logit of p, kept within what a probability of 32 bits can tell.
func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// signOf judges a text by the probabilities p of the labels, the energy of all logits, and the hidden units.
func signOf(labels []string, p []float32, energy float64, x *nearIndex, hidden []float32) sign {
	var s sign
	label := -1
	for c, l := range labels {
		switch q := float64(p[c]); {
		case l == prediag.LabelOutOfScope:
			s.outside = q
		case label < 0 || q > s.best:
			s.best, label = q, c
		}
	}
	s.energy = energy + math.Log(max(1-s.outside, 1e-6))
	if x != nil && label >= 0 {
		s.mean, s.nearest = x.familiar(hidden, label)
	}
	return s
}

// unseenShare is the share of the information of the text's words that lies in words that v does not hold, or that
// known denies; 1 when there are no words. A nil known denies nothing.
func unseenShare(list []occurrence, v *vocabulary, known []bool) float64 {
	most := math.Log(float64(1+v.docs)) + 1
	var all, unseen float64
	for _, o := range list {
		if o.group != groupWord {
			continue
		}
		id := v.find(o.hash)
		if id < 0 || known != nil && !known[id] {
			all += most
			unseen += most
			continue
		}
		all += float64(v.idf[id])
	}
	if all == 0 {
		return 1
	}
	return unseen / all
}
