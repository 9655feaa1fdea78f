package eval

import "prediag"

// A verdict names the best labels only (six of them at most). What they leave of the probability is taken to be spread
// evenly over the other labels of the evaluation, so that log loss and Brier score are over whole distributions.

// labelCount is the number of labels that the evaluation knows: those in the truth and in the verdicts.
func labelCount(items []ClassifyItem) int {
	seen := map[string]bool{}
	for _, it := range items {
		seen[it.Truth] = true
		for _, l := range it.Ranked {
			seen[l.Value] = true
		}
	}
	return len(seen)
}

// rest is the probability of each of the labels that the verdict does not name.
func (it ClassifyItem) rest(labels int) float64 {
	left := 1.0
	for _, l := range it.Ranked {
		left -= l.Probability
	}
	if unnamed := labels - len(it.Ranked); unnamed > 0 && left > 0 {
		return left / float64(unnamed)
	}
	return 0
}

// truthProbability is the probability of the true label.
func (it ClassifyItem) truthProbability(labels int) float64 {
	if it.Rank > 0 {
		return it.Ranked[it.Rank-1].Probability
	}
	return it.rest(labels)
}

// brier is the item's squared distance to the truth, as Brier's over the whole distribution.
func (it ClassifyItem) brier(labels int) float64 {
	var sum float64
	for _, l := range it.Ranked {
		sum += squaredError(l, it.Truth)
	}
	rest := it.rest(labels)
	unnamed := labels - len(it.Ranked)
	if it.Rank == 0 {
		sum += (1 - rest) * (1 - rest)
		unnamed--
	}
	return sum + float64(unnamed)*rest*rest
}

func squaredError(l prediag.Label, truth string) float64 {
	if l.Value == truth {
		return (1 - l.Probability) * (1 - l.Probability)
	}
	return l.Probability * l.Probability
}
