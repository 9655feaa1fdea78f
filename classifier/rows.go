package classifier

import "prediag"

// rowSource gives the sparse rows of the examples. One goroutine at a time asks a source; every other one needs its own
// reader.
type rowSource interface {
	row(i int) vector // valid until the next call
	reader() rowSource
}

// reader returns the matrix: any number of goroutines may read it.
func (m *matrix) reader() rowSource { return m }

// remake makes the rows anew whenever they are asked for: of many examples they would take many times the room that the
// texts take.
type remake struct {
	examples   []prediag.Example
	recipe     recipe
	extractor  extractor
	vectoriser *vectoriser
}

func newRemake(examples []prediag.Example, r recipe, v *vocabulary) *remake {
	return &remake{examples: examples, recipe: r, extractor: extractor{recipe: r}, vectoriser: newVectoriser(v)}
}

func (m *remake) row(i int) vector {
	return m.vectoriser.vector(m.extractor.extract(m.examples[i].Ticket), m.recipe)
}

func (m *remake) reader() rowSource { return newRemake(m.examples, m.recipe, m.vectoriser.vocab) }

// meanFeatures is how many features a row has on average, of a sample at the beginning: the order is that of a hash.
func meanFeatures(rows rowSource, n int) float32 {
	n = min(n, meanSample)
	sum := 0
	for i := range n {
		sum += len(rows.row(i).ids)
	}
	return float32(sum) / float32(max(1, n))
}

// What is different from muchToLearn examples on, so that a million tickets fit into memory and some minutes.
const (
	meanSample   = 10_000  // rows whose features are counted
	vocabSample  = 100_000 // examples that the vocabulary is made of
	mostTested   = 50_000  // kept-back examples that calibrate
	leastSampled = 20      // examples of a label, under which none is kept back
	muchWords    = 1 << 18 // features
	ticksOfPass  = 50      // reports of progress in a pass
)

// recipeFor leaves out the pairs of distant words and of characters where there is much to learn from: they are most of a
// long text's features, and pay where examples are few.
func recipeFor(n int) recipe {
	r := defaultRecipe()
	if n >= muchToLearn {
		r.PairWindow, r.CharMin = 0, 3
	}
	return r
}

// ticks is how often a pass over the data reports progress.
func ticks(n int) int {
	if n >= muchToLearn {
		return ticksOfPass
	}
	return 1
}
