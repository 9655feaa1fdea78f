package eval

import "math"

// logFloor keeps the logarithm of a probability of zero finite: the distance from 1 to the next float64, as in
// scikit-learn since 1.3.
const logFloor = 0x1p-52

// LogLoss is the mean of -ln p over the probabilities p that a model gave to the truth, in nats; NaN without items.
// Probabilities are clipped to [2^-52, 1-2^-52].
//
// Definition: Good 1952; as scikit-learn's log_loss.
func LogLoss(truthProbability []float64) float64 {
	var sum float64
	for _, p := range truthProbability {
		sum -= math.Log(min(max(p, logFloor), 1-logFloor))
	}
	return sum / float64(len(truthProbability)) // 0/0 is NaN
}

// Brier is the mean over items of the squared distance between the predicted distribution and the truth, summed over
// all classes: 0 is perfect, 2 the worst; NaN without items. The two-class score that takes the positive class alone
// (scikit-learn's brier_score_loss before 1.7) is half of it.
//
// Definition: Brier, Verification of forecasts expressed in terms of probability, 1950.
func Brier(truth []int, distributions [][]float64) float64 {
	var sum float64
	for i, t := range truth {
		for class, p := range distributions[i] {
			if class == t {
				p--
			}
			sum += p * p
		}
	}
	return sum / float64(len(truth)) // 0/0 is NaN
}
