package eval

import (
	"cmp"
	"slices"
)

// AnswerableItem is one query with the stated probability that the search's first hit solves it.
type AnswerableItem struct {
	ID          string  `json:"id"`
	Collection  string  `json:"collection"`
	Language    string  `json:"language"`
	Foreign     bool    `json:"foreign,omitempty"` // asked of a collection that it does not belong to
	Answerable  bool    `json:"answerable"`        // the index holds a relevant article
	Solved      bool    `json:"solved"`            // the first hit is one
	Probability float64 `json:"probability"`       // 0 to 1
	First       string  `json:"first,omitempty"`   // ID of the first hit
	Error       string  `json:"error,omitempty"`   // the search failed: probability 0
}

// AnswerableFigures say how well probabilities tell queries that can be answered from those that cannot. Intervals are 95 %:
// DeLong's for AUROC, Wilson's for shares.
type AnswerableFigures struct {
	Name         string `json:"name"`
	Queries      int    `json:"queries"`      // without foreign ones
	Unanswerable int    `json:"unanswerable"` // of them: their relevant articles were taken away
	Foreign      int    `json:"foreign"`
	Failed       int    `json:"failed"`

	AUROC     Number `json:"auroc"` // answerable against unanswerable queries
	AUROCLow  Number `json:"auroc_low"`
	AUROCHigh Number `json:"auroc_high"`

	SolvedAUROC     Number `json:"solved_auroc"` // queries that the first hit solves against all others
	SolvedAUROCLow  Number `json:"solved_auroc_low"`
	SolvedAUROCHigh Number `json:"solved_auroc_high"`

	ForeignAUROC     Number `json:"foreign_auroc"` // answerable against foreign queries
	ForeignAUROCLow  Number `json:"foreign_auroc_low"`
	ForeignAUROCHigh Number `json:"foreign_auroc_high"`

	Solved     Number `json:"solved"` // share of queries that the first hit solves
	SolvedLow  Number `json:"solved_low"`
	SolvedHigh Number `json:"solved_high"`

	Stated Number `json:"stated"` // mean probability
	ECE    Number `json:"ece"`    // of the probability that the first hit solves
	Brier  Number `json:"brier"`
}

// AnswerableReport has the figures of every collection by name, and of all queries together.
type AnswerableReport struct {
	Collections []AnswerableFigures `json:"collections"`
	Pooled      AnswerableFigures   `json:"pooled"`
}

// Answerability measures the items of one or more collections. Foreign queries count in the figures of their name only.
func Answerability(items []AnswerableItem) AnswerableReport {
	by := map[string][]AnswerableItem{}
	var names []string
	for _, it := range items {
		if by[it.Collection] == nil {
			names = append(names, it.Collection)
		}
		by[it.Collection] = append(by[it.Collection], it)
	}
	slices.Sort(names)
	r := AnswerableReport{Pooled: answerableFigures("pooled", items)}
	for _, name := range names {
		r.Collections = append(r.Collections, answerableFigures(name, by[name]))
	}
	return r
}

func answerableFigures(name string, items []AnswerableItem) AnswerableFigures {
	f := AnswerableFigures{Name: name}
	var answerable, without, solved, unsolved, foreign []float64
	var scored []Scored
	var stated, brier float64
	for _, it := range items {
		p := it.Probability
		if it.Error != "" {
			f.Failed++
		}
		if it.Foreign {
			foreign = append(foreign, p)
			continue
		}
		target := &without
		if it.Answerable {
			target = &answerable
		}
		*target = append(*target, p)
		truth := 0.0
		if target = &unsolved; it.Solved {
			target, truth = &solved, 1
		}
		*target = append(*target, p)
		scored = append(scored, Scored{ID: it.Collection + "\x00" + it.ID, Confidence: p, Right: it.Solved})
		stated += p
		brier += (p - truth) * (p - truth)
	}
	f.Queries, f.Unanswerable, f.Foreign = len(scored), len(without), len(foreign)
	f.AUROC, f.AUROCLow, f.AUROCHigh = area(answerable, without)
	f.SolvedAUROC, f.SolvedAUROCLow, f.SolvedAUROCHigh = area(solved, unsolved)
	f.ForeignAUROC, f.ForeignAUROCLow, f.ForeignAUROCHigh = area(answerable, foreign)
	f.Solved, f.SolvedLow, f.SolvedHigh = Undefined(), Undefined(), Undefined()
	f.Stated, f.ECE, f.Brier = Undefined(), Undefined(), Undefined()
	if n := len(scored); n > 0 {
		slices.SortFunc(scored, func(a, b Scored) int { return cmp.Compare(a.ID, b.ID) })
		f.Solved, f.SolvedLow, f.SolvedHigh = proportion(len(solved), n)
		f.Stated, f.Brier = Number(stated/float64(n)), Number(brier/float64(n))
		f.ECE = Number(ECE(scored, DefaultBins))
	}
	return f
}

// area is the AUROC with its interval.
func area(positive, negative []float64) (a, low, high Number) {
	l, h := DeLong(positive, negative)
	return Number(AUROC(positive, negative)), Number(l), Number(h)
}
