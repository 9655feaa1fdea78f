package kb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"prediag"
	"prediag/internal/ltr"
)

// learnedDepth is how many articles a learned order looks at.
const learnedDepth = 100

// Ranker is an order that was learned from queries whose relevant articles are known: a linear function of the features of
// the second stage, in place of its built-in formula. It holds for one knowledge base, and for one version of the analysis
// and scoring.
type Ranker struct {
	Settings string             `json:"settings"` // the Settings that it was learned under
	Weights  map[string]float64 `json:"weights"`  // by feature; absent: 0
	Evidence Evidence           `json:"evidence"`
}

// Evidence is what the learned order gave on queries that it was not learned from.
type Evidence struct {
	Queries int     `json:"queries"`
	Before  float64 `json:"ndcg_before"` // nDCG@10 of the built-in order
	After   float64 `json:"ndcg_after"`
	P       float64 `json:"p"` // of the difference, two-sided
}

// ParseRanker reads what Encode wrote. Anything else is of kind prediag.ErrInvalid and names the fault.
func ParseRanker(raw []byte) (Ranker, error) {
	var r Ranker
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, invalidRanker("it is not a JSON object with settings, weights and evidence: " + err.Error())
	}
	if _, err := d.Token(); err == nil {
		return r, invalidRanker("something follows the JSON object")
	}
	names := featureNames()
	for name, w := range r.Weights {
		if !slices.Contains(names[:], name) {
			return r, invalidRanker(fmt.Sprintf("it has a weight for %.80q, which is no feature of this version", name))
		}
		if math.Abs(w) > maxRankerWeight {
			return r, invalidRanker(fmt.Sprintf("the weight of %s is over %g", name, maxRankerWeight))
		}
	}
	if len(r.Weights) == 0 {
		return r, invalidRanker("it has no weights")
	}
	return r, nil
}

// maxRankerWeight bounds a weight, so that scores stay numbers.
const maxRankerWeight = 1e9

func invalidRanker(what string) error {
	return prediag.Invalid("RANKER_INVALID", "ranker", "the ranker cannot be used: "+what+"; learn it again with prediag train ranker")
}

// Encode writes the ranker as JSON with the keys in order.
func (r Ranker) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(r, "", "  ")
	return append(raw, '\n'), err
}

// Version names the weights.
func (r Ranker) Version() string {
	var b strings.Builder
	for _, name := range featureNames() {
		_, _ = fmt.Fprintf(&b, "%s %v\n", name, r.Weights[name]) // never fails
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:6])
}

// weights are the ranker's numbers in the order of the features.
func (r Ranker) weights() *features {
	var w features
	for i, name := range featureNames() {
		w[i] = r.Weights[name]
	}
	return &w
}

// Found is what a query found before any learned order, with what one looks at.
type Found struct {
	IDs      []string // of the articles, best first, at most 100
	codes    []float64
	features []features
}

// Observe searches as Search does, for a ranker to learn from.
func (k *KB) Observe(ctx context.Context, q prediag.Query) (Found, error) {
	var f Found
	q.Limit, q.Offset = 1, 0
	if err := validate(q); err != nil {
		return f, err
	}
	err := k.read(func(r *reader) error {
		query := k.newQuery(q, r.analyzer)
		query.ranker = nil
		query.observed = func(list []candidate) {
			for _, c := range list {
				f.IDs, f.codes, f.features = append(f.IDs, c.id), append(f.codes, c.codes), append(f.features, *c.features)
			}
		}
		_, err := r.search(ctx, query)
		return err
	})
	if err != nil {
		return Found{}, fmt.Errorf("observe: %w", err)
	}
	return f, nil
}

// Order is the IDs in the order of a ranker.
func (f Found) Order(r Ranker) []string {
	w := r.weights()
	at := make([]int, len(f.IDs))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int {
		return cmp.Or(cmp.Compare(f.codes[b], f.codes[a]), cmp.Compare(w.dot(&f.features[b]), w.dot(&f.features[a])), strings.Compare(f.IDs[a], f.IDs[b]))
	})
	out := make([]string, len(at))
	for i, n := range at {
		out[i] = f.IDs[n]
	}
	return out
}

func (w *features) dot(x *features) (sum float64) {
	for i := range w {
		sum += w[i] * x[i]
	}
	return sum
}

// LearnRanker learns from what queries found; grades are the relevance of the articles of each, by ID. Its Evidence is the
// caller's to fill in. Without a query that found a relevant article and another the error is of kind prediag.ErrInvalid.
func LearnRanker(ctx context.Context, found []Found, grades []map[string]int) (Ranker, error) {
	lists := make([]ltr.List, len(found))
	for i, f := range found {
		for j := range f.features {
			lists[i].Features = append(lists[i].Features, f.features[j][:])
			lists[i].Gains = append(lists[i].Gains, float64(max(0, grades[i][f.IDs[j]])))
		}
	}
	w, err := ltr.Fit(ctx, lists, ltr.Options{Ridge: rankerRidge})
	if errors.Is(err, ltr.ErrNothing) {
		return Ranker{}, prediag.Invalid("NOTHING_TO_LEARN", "qrels", "no query finds one of its relevant articles among others: check that the judgements name articles of this knowledge base")
	}
	if err != nil {
		return Ranker{}, fmt.Errorf("learn ranker: %w", err)
	}
	unit := spreadOf(lists, w)
	r := Ranker{Settings: Settings(), Weights: map[string]float64{}}
	for i, name := range featureNames() {
		if w[i] != 0 {
			r.Weights[name] = w[i] * unit
		}
	}
	return r, nil
}

// rankerRidge is the pull towards the built-in order, see ltr.Options. In cross-validation on the collections of docs/search.md less
// (0.01) loses where there are few queries, more (0.3) gives up a fifth of the gain where there are many.
const rankerRidge = 0.1

// spreadOf is by how much scores of the weights have to be multiplied to be as far apart as those of the built-in order.
func spreadOf(lists []ltr.List, w []float64) float64 {
	var before, after float64
	for _, l := range lists {
		lowest, highest, least, most := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
		for _, x := range l.Features {
			s := 0.0
			for j, v := range x {
				s += w[j] * v
			}
			lowest, highest = min(lowest, s), max(highest, s)
			least, most = min(least, x[featureScore]), max(most, x[featureScore])
		}
		if len(l.Features) > 1 {
			before, after = before+most-least, after+highest-lowest
		}
	}
	if after <= 0 {
		return 1
	}
	return before / after
}

// learnt puts scores by the ranker in the place of the candidates' words, on the same scale: the last candidate keeps as much
// as the least of them had.
func learnt(list []candidate, w *features, mass float64) {
	if len(list) == 0 {
		return
	}
	least, lowest := math.Inf(1), math.Inf(1)
	for _, c := range list {
		least, lowest = min(least, c.words), min(lowest, w.dot(c.features))
	}
	for i := range list {
		list[i].words = least + (w.dot(list[i].features)-lowest)*mass
	}
}

// depthOf is how many articles the second stage looks at: more where they are passages themselves, because several are about one
// subject, and cost little.
func (r *reader) depthOf(q *query) int {
	switch {
	case q.observes():
		return learnedDepth
	case r.long() == 0:
		return shortDepth
	}
	return rerankDepth
}

// observes says whether the features of the candidates are wanted.
func (q *query) observes() bool { return q.ranker != nil || q.observed != nil }

// learnt orders candidates by what was learned, where anything was, or shows them to who learns.
func (q *query) learnt(list []candidate, mass float64) {
	if !q.observes() {
		return
	}
	observeTogether(list, mass)
	if q.observed != nil {
		slices.SortStableFunc(list, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.words+b.codes, a.words+a.codes), strings.Compare(a.id, b.id))
		})
		q.observed(list)
		q.observed = func([]candidate) {} // translations that lead to articles come in a list of their own
		return
	}
	learnt(list, q.ranker, mass)
}

// prepare makes room for the features of a query's candidates, and looks up the kinds.
func (x *reranker) prepare(q *query) (err error) {
	if !q.observes() {
		return nil
	}
	x.features = slices.Grow(x.features[:0], learnedDepth)
	if x.fix, err = x.r.anyOf(fieldKind, []string{"troubleshooting", "errorcode", "alarm"}); err != nil {
		return err
	}
	x.faq, err = x.r.holders(fieldKind, "faq")
	return err
}

// product is how well the query names the product of a document, 0 to 1.
func (x *reranker) product(doc int) float64 {
	if x.named == nil {
		return 0
	}
	return x.named[x.r.products.of[doc]]
}

// setRanker takes a learned order over when it fits.
func (k *KB) setRanker(raw []byte) error {
	k.settings = Settings()
	if len(raw) == 0 {
		return nil
	}
	r, err := ParseRanker(raw)
	if err != nil {
		return err
	}
	if r.Serves() == k.settings {
		k.opt.Logger.Warn("the ranker is left out: it was learned under other settings of the search; learn it again with prediag train ranker",
			"learned", r.Settings, "serves", k.settings)
		return nil
	}
	k.ranker = r.weights()
	k.settings = r.Serves()
	return nil
}

// Serves is the Settings of a knowledge base that is given the ranker: without it where the ranker was learned under others.
func (r Ranker) Serves() string {
	if settings := Settings(); r.Settings != settings {
		return settings
	}
	return r.Settings + "+" + r.Version()
}

// Settings names how this knowledge base analyses and scores, its ranker included: what was fitted on scores holds as long as
// it stays the same.
func (k *KB) Settings() string { return k.settings }
