package eval

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"prediag"
)

// stored makes a run that a registry could have given.
func stored(t *testing.T, record RunRecord, items any, report any) StoredRun {
	t.Helper()
	var raw []byte
	var err error
	switch items := items.(type) {
	case []ClassifyItem:
		raw, err = WriteItems(items)
	case []TriageItem:
		raw, err = WriteItems(items)
	case []RetrieveItem:
		raw, err = WriteItems(items)
	}
	require.NoError(t, err)
	registry, err := OpenRegistry(t.TempDir())
	require.NoError(t, err)
	files := map[string][]byte{ItemsFile: raw}
	if report != nil {
		lines, err := WriteItems([]any{report})
		require.NoError(t, err)
		files[ReportFile] = lines
	}
	id, err := registry.Save(record, files)
	require.NoError(t, err)
	run, err := registry.Stored(id)
	require.NoError(t, err)
	return run
}

func TestCompareRunsRefuses(t *testing.T) {
	items := []ClassifyItem{{ID: "1", Truth: "a", Label: "a", Right: true}}
	record := func(kind, hash string) RunRecord {
		return RunRecord{Kind: kind, Name: kind, Data: map[string]string{"tickets/" + hash + ".jsonl": hash, "corpus/c": hash}}
	}
	a := stored(t, record("classify", "h1"), items, nil)
	_, err := CompareRuns(a, stored(t, record("retrieve", "h1"), nil, nil), CompareOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	b := stored(t, record("classify", "h2"), items, nil)
	_, err = CompareRuns(a, b, CompareOptions{})
	require.ErrorIs(t, err, prediag.ErrConflict)
	c, err := CompareRuns(a, b, CompareOptions{Force: true, Resamples: 10})
	require.NoError(t, err)
	require.Equal(t, CannotTell, c.Verdict)
	require.NotEqual(t, c.A, c.B, "two runs of one name are told apart")
	moved := record("classify", "h1")
	moved.Data = map[string]string{"tickets/elsewhere.jsonl": "h1", "corpus/c": "another"}
	_, err = CompareRuns(a, stored(t, moved, items, nil), CompareOptions{Resamples: 10})
	require.NoError(t, err, "the same data under another name, over another corpus")
}

// TestNoiseIsSeldomCalledBetter draws both runs from the same model 300 times: at the level of 5 % about 2.5 % may be
// called better.
func TestNoiseIsSeldomCalledBetter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	better := 0
	for range 300 {
		var runs [2][]ClassifyItem
		for i := range 200 {
			for r := range runs {
				right := rng.Float64() < 0.8
				runs[r] = append(runs[r], ClassifyItem{ID: fmt.Sprint(i), Truth: "a", Label: map[bool]string{true: "a", false: "b"}[right], Right: right})
			}
		}
		c, err := CompareClassify(runs[0], runs[1], CompareOptions{Resamples: 1})
		require.NoError(t, err)
		if c.Verdict == Better {
			better++
		}
	}
	require.LessOrEqual(t, better, 15)
	require.Positive(t, better, "the test would never find anything")
}

func TestCompareTriageCountsWhatIsSaved(t *testing.T) {
	var a, b []TriageItem
	for i := range 40 {
		it := TriageItem{ID: fmt.Sprint(i), Truth: "x", Label: "x", Article: "art", Rank: 1, Right: true, Outcome: prediag.OutcomeEscalate}
		a = append(a, it)
		it.Outcome = prediag.OutcomeAnswer
		if i < 10 {
			it.Right, it.Label = false, "y"
		}
		b = append(b, it)
	}
	c, err := CompareTriage(a, b, CompareOptions{Resamples: 1000})
	require.NoError(t, err)
	// 30 right answers save 1 each, 10 wrong ones cost 9 more than a handoff: (30 - 90) / 40
	require.InDelta(t, -1.5, float64(c.Measures[0].Difference), 1e-12)
	require.Equal(t, Worse, c.Verdict)
	require.Equal(t, "automation_rate", c.Measures[1].Measure)
	require.InDelta(t, 1, float64(c.Measures[1].Difference), 1e-12)
	require.InDelta(t, -0.25, float64(c.Measures[2].Difference), 1e-12, "category_accuracy")
	require.Len(t, c.Flips, 40)
}

// listing is a model that knows which texts it learned from.
type listing map[string]bool

func (l listing) Classify(_ context.Context, t prediag.Ticket) (prediag.Verdict, error) {
	if l[t.Body] {
		return prediag.Verdict{}, fmt.Errorf("learned from %q", t.Body)
	}
	return prediag.Verdict{InScope: 1, Fields: []prediag.FieldVerdict{{Field: prediag.FieldCategory, Label: "a", Probability: 1}}}, nil
}

func TestOutOfFoldNeverAsksAboutWhatWasLearned(t *testing.T) {
	var examples []prediag.Example
	for i := range 50 {
		examples = append(examples, prediag.Example{Ticket: prediag.Ticket{Body: fmt.Sprintf("text %d", i/2)}, Labels: map[string]string{prediag.FieldCategory: "a"}})
	}
	examples = append(examples, prediag.Example{Ticket: prediag.Ticket{Body: "without a label"}})
	sizes := []int{}
	train := func(_ context.Context, learn []prediag.Example) (prediag.Classifier, error) {
		known := listing{}
		for _, e := range learn {
			known[e.Ticket.Body] = true
		}
		sizes = append(sizes, len(learn))
		return known, nil
	}
	items, err := OutOfFold(t.Context(), train, examples, 5, ClassifyOptions{})
	require.NoError(t, err)
	require.Len(t, items, 50)
	for _, it := range items {
		require.Empty(t, it.Error, "equal texts share a fold")
	}
	require.Equal(t, []int{40, 40, 40, 40, 40}, sizes)
	require.Equal(t, "#1", items[0].ID, "the place in the file")
	_, err = OutOfFold(t.Context(), train, examples, 1, ClassifyOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestSuspectsNeverProposeTheLessProbable(t *testing.T) {
	// "rare" has one item, on which the model is unsure: everything reaches its threshold
	items := []ClassifyItem{
		{ID: "1", Truth: "rare", Ranked: []prediag.Label{{Value: "big", Probability: 0.9}, {Value: "rare", Probability: 0.01}}},
		{ID: "2", Truth: "big", Ranked: []prediag.Label{{Value: "big", Probability: 0.6}, {Value: "rare", Probability: 0.4}}},
		{ID: "3", Truth: "big", Ranked: []prediag.Label{{Value: "big", Probability: 0.9}, {Value: "rare", Probability: 0.1}}},
	}
	found := Suspects(items)
	require.Len(t, found, 1)
	require.Equal(t, "1", found[0].ID)
}

func TestFindSuite(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	data := fstest.MapFS{
		"classify/a/train.jsonl.gz": file, "classify/a/test.jsonl.gz": file, "classify/a/valid.jsonl.gz": file,
		"classify/b/train.jsonl.gz":     file,
		"retrieval/own/corpus.jsonl.gz": file, "retrieval/own/queries.jsonl": file, "retrieval/own/qrels.txt": file, "retrieval/own/qrels.to-en.txt": file,
		"retrieval/named/queries.jsonl": file, "retrieval/named/qrels.txt": file, "kb/k/articles.jsonl.gz": file,
		"retrieval/lost/queries.jsonl": file, "retrieval/lost/qrels.txt": file,
	}
	s, err := FindSuite(data, []Set{{Path: "retrieval/named", Corpus: "kb/k/articles.jsonl.gz", Within: map[string][]string{"qrels": {"en"}}}, {Path: "retrieval/lost", Corpus: "kb/gone"}})
	require.NoError(t, err)
	require.Equal(t, []ClassifyTask{{"a", "classify/a/train.jsonl.gz", "classify/a/valid.jsonl.gz", "classify/a/test.jsonl.gz"}}, s.Classify)
	require.Equal(t, []RetrieveTask{
		{"named (among en)", "kb/k/articles.jsonl.gz", "retrieval/named/queries.jsonl", "retrieval/named/qrels.txt", []string{"en"}},
		{"own to-en", "retrieval/own/corpus.jsonl.gz", "retrieval/own/queries.jsonl", "retrieval/own/qrels.to-en.txt", nil},
		{"own", "retrieval/own/corpus.jsonl.gz", "retrieval/own/queries.jsonl", "retrieval/own/qrels.txt", nil},
	}, s.Retrieve)
	require.Equal(t, []string{"classify/b: no train.jsonl.gz with a test.jsonl.gz", "retrieval/lost: no corpus kb/gone"}, s.Skipped)
	_, err = FindSuite(fstest.MapFS{}, nil)
	require.ErrorIs(t, err, prediag.ErrNotFound)
}

func TestCheckSets(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	set := Set{Path: "s", Files: map[string]string{"a": empty, "b": empty}}
	for state, data := range map[string]fstest.MapFS{
		"present":    {"s/a": {}, "s/b": {}},
		"changed":    {"s/a": {}, "s/b": {Data: []byte("x")}},
		"incomplete": {"s/a": {}},
		"absent":     {},
	} {
		got, err := CheckSets(data, []Set{set})
		require.NoError(t, err)
		require.Equal(t, state, got[0].State)
	}
	_, err := ReadSets([]byte(`{"sets":[{"path":"../secret"}]}`))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	sets, err := Sets()
	require.NoError(t, err)
	for _, s := range sets {
		require.NotEmpty(t, s.Licence, s.Path)
		require.NotEmpty(t, s.Files, s.Path)
	}
}

func TestPagesOfSearchAndLineStandAlone(t *testing.T) {
	bad := `<script>alert("x")</script>`
	retrieve := []RetrieveItem{{ID: bad, Language: "en", NDCG10: 0.3, R100: 1, Relevant: 2}, {ID: "2", Language: "zh", NDCG10: 1}, {ID: "3", Error: bad}}
	triage := []TriageItem{
		{ID: bad, Outcome: prediag.OutcomeAnswer, Truth: bad, Label: "b", Article: "art", Solved: 0.97},
		{ID: "2", Outcome: prediag.OutcomeEscalate, Reasons: []prediag.ReasonCode{"AMBIGUOUS"}},
	}
	opt := HTMLOptions{Text: func(string) string { return bad }}
	for name, run := range map[string]StoredRun{
		"search": stored(t, RunRecord{Kind: "retrieve", Name: "search"}, retrieve, retrieveReport(retrieve, RetrieveOptions{Resamples: 10})),
		"line":   stored(t, RunRecord{Kind: "triage", Name: "line"}, triage, triageReport(triage, TriageOptions{Resamples: 10})),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, WriteRunHTML(&b, run, opt))
			page := b.String()
			require.NotContains(t, page, "<script")
			require.NotContains(t, page, "NaN")
			require.NotRegexp(t, `(?i)(src|href)=|url\(|@import`, page, "nothing is fetched")
			require.Contains(t, page, "&lt;script&gt;")
			require.Contains(t, page, "prefers-color-scheme: dark")
			var md bytes.Buffer
			require.NoError(t, WriteRunMarkdown(&md, run))
			require.NotContains(t, md.String(), "NaN")
		})
	}
}

func TestResultsShowEveryThreshold(t *testing.T) {
	oos := func(threshold, recall Number) OOSReport { return OOSReport{N: 4, Threshold: threshold, Recall: recall} }
	chosen := oos(0.25, 0.5)
	r := Results{Classify: []ClassifyResult{{Name: "set", Chosen: true, Report: ClassifyReport{OOS: &chosen},
		Others: []OtherOOS{{How: "likely", Report: oos(0.4, 0.75)}, {How: "own", Report: oos(0.5, 1)}}}}}
	var b bytes.Buffer
	require.NoError(t, r.WriteMarkdown(&b))
	for _, row := range []string{"0.2500 (Larson) | 0.5000", "0.4000 (likely) | 0.7500", "0.5000 (own) | 1.0000"} {
		require.Contains(t, b.String(), row)
	}
}

func TestResultsKeepTimesApart(t *testing.T) {
	r := Results{
		Origin:   [][2]string{{"commit", "abc"}},
		Classify: []ClassifyResult{{Name: "set", Learned: 10, Report: ClassifyReport{N: 5, LabelFigures: LabelFigures{Accuracy: 0.8, AccuracyLow: 0.4, AccuracyHigh: 0.9}}, TrainSeconds: 12.3}},
		Retrieve: []RetrieveResult{{Name: "coll", Articles: 7, Report: RetrieveReport{Queries: 3, LatencyMS: &Percentiles{P50: 4.5}}, IndexSeconds: 6.7}},
		Line:     []LineResult{{Name: "demo", Report: TriageReport{N: 2, LatencyMS: &Percentiles{P50: 98.7}}}},
		Skipped:  []string{"x: no corpus"},
	}
	var b bytes.Buffer
	require.NoError(t, r.WriteMarkdown(&b))
	before, after, found := strings.Cut(b.String(), "## Times")
	require.True(t, found)
	require.Contains(t, before, "| set | 10 | 5 | 0.8000 [0.4000, 0.9000] |")
	for _, time := range []string{"12.3", "6.7", "98.7", "4.5", "abc"} {
		require.NotContains(t, before, time)
		require.Contains(t, after, time)
	}
}
