package classifier

import (
	"context"
	"math"
	"sync"
)

// fit learns the model's parts from all examples and, for each round, from those outside of a fold, which then give the
// heads votes of parts that did not learn from them, nor from the same text.
func (t *trainer) fit(ctx context.Context) (*fitted, error) {
	if len(t.examples) >= muchToLearn {
		return t.fitOnce(ctx)
	}
	all, jobs := t.jobs(t.task.rows)
	type round struct {
		*fitted
		learn, test []int
	}
	var rounds []round
	for k, fold := 0, t.assign(); k < t.opt.Rounds; k++ {
		var r round
		for i := range t.examples {
			if fold[i] == k {
				r.test = append(r.test, i)
			} else {
				r.learn = append(r.learn, i)
			}
		}
		if len(r.learn) == 0 || len(r.test) == 0 {
			continue
		}
		var more []func(context.Context) error
		r.fitted, more = t.jobs(r.learn)
		rounds, jobs = append(rounds, r), append(jobs, more...)
	}
	if err := t.run(ctx, jobs); err != nil {
		return nil, err
	}
	for _, r := range rounds {
		t.ask(r.fitted, t.known(ctx, r.learn), r.test)
	}
	for k := range t.heads {
		t.heads[k].settle(t.grouped || !t.translations)
	}
	return all, ctx.Err()
}

// fitOnce learns from all examples but a sample, which calibrates the very parts that were learned. Of many examples a sample
// is no loss, and parts that are trained for calibration only would cost as much again.
func (t *trainer) fitOnce(ctx context.Context) (*fitted, error) {
	var learn, test []int
	y, prior := t.task.heads[0].y, t.heads[0].prior
	for i, fold := range t.assign() {
		rare := y[i] >= 0 && prior[y[i]]*float32(len(y)) < leastSampled
		if fold == 0 && len(test) < mostTested && !rare {
			test = append(test, i)
		} else {
			learn = append(learn, i)
		}
	}
	f, jobs := t.jobs(learn)
	if err := t.run(ctx, jobs); err != nil {
		return nil, err
	}
	t.ask(f, nil, test)
	for k := range t.heads {
		t.heads[k].settle(!t.translations)
	}
	return f, ctx.Err()
}

// assign puts every example into a fold, those of each label of the first field in turn; equal texts and near twins share
// a fold.
func (t *trainer) assign() []int {
	fold, first := make([]int, len(t.examples)), t.family
	y := t.task.heads[0].y
	count := make([]int, t.task.heads[0].classes+1) // the last one: no label
	for i, c := range y {
		if first[i] != int32(i) {
			fold[i] = fold[first[i]]
			continue
		}
		if c < 0 {
			c = int32(len(count) - 1)
		}
		fold[i] = (count[c] + int(c)) % t.opt.Folds
		count[c]++
	}
	return fold
}

// known says which features a model that learned from the rows knows.
func (t *trainer) known(ctx context.Context, rows []int) []bool {
	counts := make([][]uint32, t.opt.Workers)
	var wait sync.WaitGroup
	for w := range counts {
		wait.Go(func() {
			counts[w] = make([]uint32, len(t.vocab.hashes))
			x := t.task.x.reader()
			for i := w * len(rows) / len(counts); i < (w+1)*len(rows)/len(counts) && ctx.Err() == nil; i++ {
				for _, id := range x.row(rows[i]).ids {
					counts[w][id]++
				}
			}
		})
	}
	wait.Wait()
	df := counts[0]
	for _, c := range counts[1:] {
		for id, n := range c {
			df[id] += n
		}
	}
	least := minDF(len(t.examples))
	known := make([]bool, len(df))
	for i, n := range df {
		known[i] = n >= least[t.vocab.groups[i]]
	}
	return known
}

// forget returns v without the features that are not known, with the norms of the groups that it had. A nil known knows all.
func (t *trainer) forget(v vector, known []bool) vector {
	if known == nil {
		return v
	}
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
