package main

import (
	"context"

	"prediag"
	"prediag/internal/code"
	"prediag/kb"
	"prediag/triage"
)

// sureness is a knowledge base that says how likely the first hit solves the query. It knows no category, so that where the
// policy's function counts one it is never surer than a diagnosis.
type sureness struct {
	*kb.KB
	model triage.SolvedModel
}

// judgedHits are looked at to judge the first.
const judgedHits = 10

// Search judges the first page.
func (s sureness) Search(ctx context.Context, q prediag.Query) (prediag.Results, error) {
	wanted := q.Limit
	if q.Offset == 0 && q.Limit > 0 && q.Limit < judgedHits {
		q.Limit = judgedHits
	}
	found, err := s.KB.Search(ctx, q)
	switch {
	case err != nil || q.Offset > 0 || len(found.Hits) == 0:
		return found, err
	case !q.Newest && q.Like == "": // else the first hit is not the best answer to a question
		found.Solved = s.model.Probability(searchFeatures(q, found))
	}
	if wanted > 0 {
		found.Hits = found.Hits[:min(wanted, len(found.Hits))]
	}
	return found, nil
}

// searchFeatures are those of a search without a classifier.
func searchFeatures(q prediag.Query, found prediag.Results) triage.Features {
	var codes []string
	for _, c := range q.Codes {
		codes = append(codes, code.Canonical(c))
	}
	for _, m := range code.Find(q.Text) {
		codes = append(codes, code.Canonical(m.Code))
	}
	return triage.ReadFeatures(prediag.Verdict{}, found, codes)
}
