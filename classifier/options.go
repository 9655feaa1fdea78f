package classifier

import "runtime"

// Quality says how much work a training is worth.
type Quality string

// The qualities.
const (
	QualityBest Quality = "best" // several networks and a linear part vote; the default
	QualityFast Quality = "fast" // one network, with a linear part where labels are few: a quarter of the size and time
)

// Options says how to train. The zero value is complete.
type Options struct {
	Fields      []string              // fields to train; empty: every field that some example labels
	Quality     Quality               // empty: QualityBest; from 100,000 examples on there is no difference
	Seed        uint64                // of the shuffles and folds
	Workers     int                   // goroutines; 0: one per processor; the result does not depend on it
	Epochs      int                   // passes over the examples; 0: by their number
	Folds       int                   // parts of the examples, one of which is kept back to calibrate, 2 to 10; 0: 10
	Rounds      int                   // folds that are kept back in turn, 1 to Folds; 0: by the number of examples; from 100,000 on one sample is
	MaxFeatures int                   // size of the vocabulary; 0: 2^20, of 100,000 examples or more 2^18
	Progress    func(done, total int) // called after every pass over the data, of many examples more often, one call at a time; may be nil
}

// setDefaults completes the zero values for n examples.
func (o *Options) setDefaults(n int) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Quality == "" {
		o.Quality = QualityBest
	}
	if o.Epochs <= 0 {
		o.Epochs = epochs(n)
	}
	if o.Folds <= 0 {
		o.Folds = 10
	}
	o.Folds = min(max(o.Folds, 2), 10)
	if o.Rounds <= 0 {
		o.Rounds = rounds(n)
	}
	o.Rounds = min(o.Rounds, o.Folds)
	if o.MaxFeatures <= 0 {
		o.MaxFeatures = 1 << 20
		if n >= muchToLearn {
			o.MaxFeatures = muchWords
		}
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
}

// epochs falls with the number of examples: there is less to gain from seeing them again.
func epochs(n int) int {
	switch {
	case n < 300:
		return 40
	case n < 1_000:
		return 20
	case n < 10_000:
		return 24
	case n < 30_000:
		return 12
	case n < muchToLearn:
		return 6
	case n < 300_000:
		return 4
	case n < 700_000:
		return 3
	}
	return 2
}

// rounds is how many models are trained for calibration only: all folds where that is cheap, else as many as give
// about two thousand unseen examples.
func rounds(n int) int {
	switch {
	case n < 300:
		return 10
	case n < 2_000:
		return 4
	case n < 20_000:
		return 2
	}
	return 1
}

// Report says what was learned and how good it is.
type Report struct {
	Examples   int           `json:"examples"`   // that had text and at least one of the fields
	Blank      int           `json:"blank"`      // skipped: neither title nor body
	Unlabelled int           `json:"unlabelled"` // skipped: without a label of the fields
	Features   int           `json:"features"`   // size of the vocabulary
	Fields     []FieldReport `json:"fields"`
}

// minDF says in how many texts a feature must occur: words always count, the others once there is enough to choose from.
func minDF(n int) [groups]uint32 {
	switch {
	case n < 300:
		return [groups]uint32{1, 1, 1, 1, 1, 1, 1}
	case n < 100_000:
		return [groups]uint32{1, 2, 2, 2, 2, 1, 1}
	}
	return [groups]uint32{2, 4, 4, 4, 4, 4, 2}
}

// dropout is the share of features to leave out at a time, by how many a text has: of a long text a quarter says
// enough to learn from, of a short one it takes half.
func dropout(features float32) float32 { return min(max(1-25/max(features, 1), 0.5), 0.75) }
