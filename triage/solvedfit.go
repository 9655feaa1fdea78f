package triage

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
)

// AnswerCase is what answering would do with one calibration ticket whose solving article is known.
type AnswerCase struct {
	Key      uint64 // of the text: equal texts stay in one fold
	Category string // predicted
	Features Features
	Right    bool    // the first hit solves the ticket
	Open     bool    // nothing but the probability of Right can stand against sending the draft
	Weight   float64 // in the fit; 0: 1
}

// solvedFolds is into how many parts the cases are dealt when probabilities are to come from a model that did not learn
// from them.
const solvedFolds = 5

// FitSolved fits the logistic function on all cases, and gives each case the probability of a function that was fitted on
// the other folds. Which cases share a fold depends on their texts and the seed.
func FitSolved(cases []AnswerCase, seed uint64) (SolvedModel, []float64) {
	fold := make([]int, len(cases))
	for i, c := range cases {
		h := fnv.New64a()
		_ = binary.Write(h, binary.LittleEndian, [2]uint64{seed, c.Key}) // never fails
		fold[i] = int(h.Sum64() % solvedFolds)
	}
	probabilities := make([]float64, len(cases))
	for k := range solvedFolds {
		m := fitLogistic(cases, func(i int) bool { return fold[i] != k })
		for i, c := range cases {
			if fold[i] == k {
				probabilities[i] = m.Probability(c.Features)
			}
		}
	}
	return fitLogistic(cases, func(int) bool { return true }), probabilities
}

// ridge keeps the weights finite where the features part right from wrong without error: that of a normal prior with a
// standard deviation of 5, wide for features from 0 to 1.
const ridge = 1.0 / 25

// fitLogistic is the penalised maximum likelihood of the logistic function on the cases that are used, by Newton's method
// with the weights' signs kept (projected Newton; Bertsekas 1982): a sign that would count the wrong way on these cases is
// left out.
func fitLogistic(cases []AnswerCase, used func(int) bool) SolvedModel {
	var w [weightCount]float64
	for range 50 {
		var gradient [weightCount]float64
		var hessian [weightCount][weightCount]float64
		for i, c := range cases {
			if used(i) {
				addCase(&gradient, &hessian, w, c)
			}
		}
		for j := range w {
			penalty := ridge
			if j == 0 {
				penalty = 1e-6 // the bias is free; without any case it stays 0
			}
			gradient[j] -= penalty * w[j]
			hessian[j][j] += penalty
			if w[j] == 0 && !admissible(j, gradient[j]) {
				leaveOut(&gradient, &hessian, j)
			}
		}
		step := solve(hessian, gradient)
		var moved float64
		for j := range w {
			next := w[j] + min(max(step[j], -4), 4) // far from the optimum a whole step may overshoot
			if !admissible(j, next) {
				next = 0
			}
			moved += math.Abs(next - w[j])
			w[j] = next
		}
		if moved < 1e-9 {
			break
		}
	}
	return modelOf(w)
}

// admissible reports whether the weight of sign j may have this value: the bias any, those of what speaks against a hit none
// that is positive, the others none that is negative.
func admissible(j int, weight float64) bool {
	switch {
	case j == 0:
		return true
	case j >= firstAgainst:
		return weight <= 0
	}
	return weight >= 0
}

// leaveOut keeps the weight of sign j as it is in the next step.
func leaveOut(gradient *[weightCount]float64, hessian *[weightCount][weightCount]float64, j int) {
	gradient[j] = 0
	for k := range hessian {
		hessian[j][k], hessian[k][j] = 0, 0
	}
	hessian[j][j] = 1
}

func addCase(gradient *[weightCount]float64, hessian *[weightCount][weightCount]float64, w [weightCount]float64, c AnswerCase) {
	x := c.Features.signs()
	var z, y float64
	for j := range x {
		z += w[j] * x[j]
	}
	if c.Right {
		y = 1
	}
	p, weight := 1/(1+math.Exp(-z)), cmp.Or(c.Weight, 1)
	for j := range x {
		gradient[j] += weight * (y - p) * x[j]
		for k := range x {
			hessian[j][k] += weight * p * (1 - p) * x[j] * x[k]
		}
	}
}

// solve gives x with a·x = b for a symmetric positive definite a, by Gaussian elimination.
func solve(a [weightCount][weightCount]float64, b [weightCount]float64) [weightCount]float64 {
	for i := range a {
		for r := i + 1; r < len(a); r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < len(a); c++ {
				a[r][c] -= f * a[i][c]
			}
			b[r] -= f * b[i]
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		for c := i + 1; c < len(a); c++ {
			b[i] -= a[i][c] * b[c]
		}
		b[i] /= a[i][i]
	}
	return b
}

// answerTrials are the trials of answering at given probabilities.
func answerTrials(cases []AnswerCase, probabilities []float64) []Trial {
	trials := make([]Trial, len(cases))
	for i, c := range cases {
		trials[i] = Trial{Category: c.Category}
		if c.Open {
			trials[i].Steps = []Step{{At: probabilities[i], Right: c.Right}}
		}
	}
	return trials
}
