package classifier

import (
	"context"
	"math"
)

// crossFit gives every row logits from a model that did not learn from it, nor from the same text.
func (t *trainer) crossFit(ctx context.Context, job task) (*outOfFold, error) {
	fold := t.assign(job)
	out := &outOfFold{classes: job.classes}
	for k := range t.opt.Folds {
		var learn, test []int
		for i, r := range job.rows {
			if fold[i] == k {
				test = append(test, r)
			} else {
				learn = append(learn, r)
			}
		}
		if len(learn) == 0 || len(test) == 0 {
			continue
		}
		part := job
		part.rows = learn
		model, err := t.learner().learn(ctx, part)
		if err != nil {
			return nil, err
		}
		known := t.known(learn)
		for _, r := range test {
			v := t.forget(t.rows.row(r), known)
			z := make([]float32, job.classes)
			model.logits(v, z)
			out.logits = append(out.logits, z...)
			out.truth = append(out.truth, job.y[r])
		}
	}
	return out, nil
}

// assign puts every row of the job into a fold, label by label in turn; equal texts share a fold.
func (t *trainer) assign(job task) []int {
	fold := make([]int, len(job.rows))
	count := make([]int, job.classes)
	for i, r := range job.rows {
		if i > 0 && t.keys[r] == t.keys[job.rows[i-1]] {
			fold[i] = fold[i-1]
			continue
		}
		c := job.y[r]
		fold[i] = (count[c] + int(c)) % t.opt.Folds
		count[c]++
	}
	return fold
}

// known says which features a model that learned from the rows knows.
func (t *trainer) known(rows []int) []bool {
	df := make([]uint32, len(t.vocab.hashes))
	for _, r := range rows {
		for _, id := range t.rows.row(r).ids {
			df[id]++
		}
	}
	least := minDF(len(t.examples))
	known := make([]bool, len(df))
	for i, n := range df {
		known[i] = n >= least[t.vocab.groups[i]]
	}
	return known
}

// forget returns v without the features that are not known, with the norms of the groups that it had.
func (t *trainer) forget(v vector, known []bool) vector {
	var before, after [groups]float64
	var out vector
	for i, id := range v.ids {
		g, x := t.vocab.groups[id], v.vals[i]
		before[g] += float64(x * x)
		if known[id] {
			after[g] += float64(x * x)
			out.ids = append(out.ids, id)
			out.vals = append(out.vals, x)
		}
	}
	for i, id := range out.ids {
		if g := t.vocab.groups[id]; after[g] > 0 {
			out.vals[i] *= float32(math.Sqrt(before[g] / after[g]))
		}
	}
	return out
}
