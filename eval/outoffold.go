package eval

import (
	"context"
	"fmt"

	"prediag"
)

// OutOfFold classifies every example that has a label for the field by a model that did not learn from it, nor from the
// same text: cross-validation, stratified by label. Which examples share a fold follows from their contents, not from
// their order. There must be at least two folds and as many examples; opt.Progress counts the folds.
func OutOfFold(ctx context.Context, train TrainFunc, examples []prediag.Example, folds int, opt ClassifyOptions) ([]ClassifyItem, error) {
	opt = opt.withDefaults()
	named := withIDs(examples, opt.Field)
	if folds < 2 || len(named) < folds {
		return nil, prediag.Invalid("FOLDS_INVALID", "folds", fmt.Sprintf("%d folds of %d labelled examples: take at least 2 folds, and no more than examples", folds, len(named)))
	}
	named = shuffledByContent(named)
	fold := assignFolds(named, opt.Field, folds)
	var items []ClassifyItem
	for k := range folds {
		var learn, test []prediag.Example
		for i, e := range named {
			if fold[i] == k {
				test = append(test, e)
			} else {
				learn = append(learn, e)
			}
		}
		if len(test) == 0 || len(learn) == 0 { // equal texts share a fold, so that one may stay empty
			continue
		}
		model, err := train(ctx, learn)
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", k+1, folds, err)
		}
		_, err = Classify(ctx, model, test, ClassifyOptions{Field: opt.Field, Workers: opt.Workers, Resamples: 1,
			Item: func(it ClassifyItem) { items = append(items, it) }})
		if err != nil {
			return nil, fmt.Errorf("fold %d of %d: %w", k+1, folds, err)
		}
		if opt.Progress != nil {
			opt.Progress(k+1, folds)
		}
	}
	sortItems(items)
	return items, nil
}

// withIDs keeps the examples with a label for the field and gives each an ID that tells its place.
func withIDs(examples []prediag.Example, field string) []prediag.Example {
	var out []prediag.Example
	for i, e := range examples {
		if e.Labels[field] != "" {
			e.Ticket.ID = exampleID(e, i)
			out = append(out, e)
		}
	}
	return out
}

// assignFolds deals the examples of each label out in turn; equal texts share a fold.
func assignFolds(examples []prediag.Example, field string, folds int) []int {
	fold := make([]int, len(examples))
	dealt, byText := map[string]int{}, map[string]int{}
	for i, e := range examples {
		key := folded(e)
		k, ok := byText[key]
		if !ok {
			label := e.Labels[field]
			k = dealt[label] % folds
			dealt[label]++
			byText[key] = k
		}
		fold[i] = k
	}
	return fold
}
