package classifier

import (
	"context"
	"math"
)

// crossFit gives the heads logits for examples from models that did not learn from them, nor from the same text.
func (t *trainer) crossFit(ctx context.Context) error {
	fold := t.assign()
	for k := range t.opt.Rounds {
		var learn, test []int
		for i := range t.examples {
			if fold[i] == k {
				test = append(test, i)
			} else {
				learn = append(learn, i)
			}
		}
		if len(learn) == 0 || len(test) == 0 {
			continue
		}
		part := t.task
		part.rows = learn
		net, err := t.learner().learn(ctx, part)
		if err != nil {
			return err
		}
		t.ask(net, t.known(learn), test)
	}
	return nil
}

// ask adds the network's logits for the rows to the heads.
func (t *trainer) ask(net *network, known []bool, rows []int) {
	h := make([]float32, net.hidden)
	for _, r := range rows {
		net.activate(t.forget(t.rows.row(r), known), h)
		for k := range t.heads {
			y := t.task.heads[k].y[r]
			if y < 0 {
				continue
			}
			u := &t.heads[k].unseen
			z := make([]float32, u.classes)
			net.outs[k].logits(h, z)
			u.logits = append(u.logits, z...)
			u.truth = append(u.truth, y)
		}
	}
}

// assign puts every example into a fold, those of each label of the first field in turn; equal texts share a fold.
func (t *trainer) assign() []int {
	fold := make([]int, len(t.examples))
	y := t.task.heads[0].y
	count := make([]int, t.task.heads[0].classes+1) // the last one: no label
	for i, c := range y {
		if i > 0 && t.keys[i] == t.keys[i-1] {
			fold[i] = fold[i-1]
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
