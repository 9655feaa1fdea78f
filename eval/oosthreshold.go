package eval

import (
	"cmp"
	"math"
	"slices"

	"prediag"
)

// ChooseOOSThreshold gives the in-scope probability below which a ticket should be refused: the one that makes most
// decisions on these items right, where an in-scope item is right when it is not refused and has the right label, and an
// out-of-scope one when it is refused. Among equals it is the lowest; -1 when refusing nothing is best. Choose it on
// validation items, not on the test's.
//
// Definition: the "oos-threshold" rule of Larson et al., An evaluation dataset for intent classification and
// out-of-scope prediction, 2019.
func ChooseOOSThreshold(items []ClassifyItem) float64 {
	sorted := slices.DeleteFunc(slices.Clone(items), func(it ClassifyItem) bool {
		return it.Error != "" || it.Label == prediag.LabelOutOfScope // these do not depend on the threshold
	})
	slices.SortStableFunc(sorted, func(a, b ClassifyItem) int { return cmp.Compare(a.InScope, b.InScope) })
	threshold, gain, best := -1.0, 0, 0
	for i, it := range sorted {
		switch {
		case it.OutOfScope():
			gain++
		case it.Right:
			gain--
		}
		// a threshold fits only between two different probabilities
		if gain > best && i+1 < len(sorted) && sorted[i+1].InScope > it.InScope {
			best, threshold = gain, it.InScope/2+sorted[i+1].InScope/2
		}
	}
	return threshold
}

// StreamOutside is the share of out-of-scope tickets for which LikelyOOSThreshold is asked where nothing else is known: that
// which Verdict.InScope assumes, too.
const StreamOutside = 0.10

// LikelyOOSThreshold is the in-scope probability at which refusing a ticket gains as often as it costs, in a stream of
// which a share (over 0, under 1) is out of scope: a logistic regression tells the out-of-scope items from those in scope
// with the right label by the log-odds of InScope, each kind weighted to its part of the stream. So the threshold depends
// on all items instead of the few beside it, and not on how many of the validation items happen to be out of scope. It is
// -1 where one kind is missing or the log-odds tell the kinds apart the wrong way round.
//
// Definition: Platt, Probabilistic outputs for support vector machines, 1999, with his targets; the weights as in King and
// Zeng, Logistic regression in rare events data, 2001.
func LikelyOOSThreshold(items []ClassifyItem, share float64) float64 {
	var inside, outside []float64
	in, out := 0, 0
	for _, it := range items {
		refused := it.Label == prediag.LabelOutOfScope // whatever the threshold
		switch x := logOdds(it.InScope); {
		case it.Error != "":
		case it.OutOfScope():
			out++
			if !refused {
				outside = append(outside, x)
			}
		default:
			in++
			if it.Right && !refused {
				inside = append(inside, x)
			}
		}
	}
	if len(inside) == 0 || len(outside) == 0 {
		return -1
	}
	a, b := plattScaling(inside, outside, share/(1-share)*float64(in)/float64(out))
	if b <= 0 {
		return -1
	}
	return 1 / (1 + math.Exp(a/b))
}

// logOdds of p, kept finite.
func logOdds(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// plattScaling fits the log-odds a + b·x that a value is one of yes and not of no, whose values weigh as given, by Newton's
// method. The targets lie within 0 and 1, so that values which a threshold parts have a finite answer.
func plattScaling(yes, no []float64, weight float64) (a, b float64) {
	top, low := float64(len(yes)+1)/float64(len(yes)+2), 1/float64(len(no)+2)
	b = 1
	for range 100 {
		var g0, g1, h00, h01, h11 float64
		add := func(values []float64, target, w float64) {
			for _, x := range values {
				p := 1 / (1 + math.Exp(-a-b*x))
				d, k := w*(p-target), w*p*(1-p)
				g0, g1 = g0+d, g1+d*x
				h00, h01, h11 = h00+k, h01+k*x, h11+k*x*x
			}
		}
		add(yes, top, 1)
		add(no, low, weight)
		h00, h11 = h00+1e-9, h11+1e-9
		det := h00*h11 - h01*h01
		da, db := (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		scale := min(1, 2/max(math.Abs(da), math.Abs(db), 2)) // a step of 2 at most: far from the answer the curve is flat
		a, b = a-scale*da, b-scale*db
		if max(math.Abs(da), math.Abs(db)) < 1e-9 {
			break
		}
	}
	return a, b
}

// OOSAt measures items as if tickets had been refused under another threshold; nil where none of them is out of scope.
func OOSAt(items []ClassifyItem, threshold float64) *OOSReport {
	var in, out []ClassifyItem
	for _, it := range items {
		it.Refused = it.Label == prediag.LabelOutOfScope || it.InScope < threshold
		switch {
		case it.Error != "":
		case it.OutOfScope():
			out = append(out, it)
		default:
			in = append(in, it)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return oosReport(in, out, threshold)
}
