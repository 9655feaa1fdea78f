package classifier

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// candidate is one implementation of prediag.Classifier under the common tests.
type candidate struct {
	name      string
	train     func(t *testing.T, examples []prediag.Example, fields ...string) prediag.Classifier
	quick     func(t *testing.T, examples []prediag.Example) prediag.Classifier // less good; nil: as train
	untrained prediag.Classifier
}

func candidates() []candidate {
	return []candidate{
		{"model", func(t *testing.T, examples []prediag.Example, fields ...string) prediag.Classifier {
			m, _, err := Train(context.Background(), examples, Options{Fields: fields, Seed: 7, Epochs: 10, Rounds: 2})
			require.NoError(t, err)
			return m
		}, func(t *testing.T, examples []prediag.Example) prediag.Classifier {
			m, _, err := Train(context.Background(), examples, Options{Quality: QualityFast, Epochs: 4, Rounds: 1})
			require.NoError(t, err)
			return m
		}, &Model{}},
		{"baseline", func(_ *testing.T, examples []prediag.Example, fields ...string) prediag.Classifier {
			return NewBaseline(examples, fields)
		}, nil, &Baseline{}},
		{"calibrated baseline", func(t *testing.T, examples []prediag.Example, fields ...string) prediag.Classifier {
			c, err := Calibrate(context.Background(), examples, 3, func(_ context.Context, part []prediag.Example) (prediag.Classifier, error) {
				return NewBaseline(part, fields), nil
			})
			require.NoError(t, err)
			return c
		}, nil, &Calibrated{}},
	}
}

func classify(t *testing.T, c prediag.Classifier, body string) prediag.Verdict {
	t.Helper()
	v, err := c.Classify(context.Background(), prediag.Ticket{Body: body})
	require.NoError(t, err)
	return v
}

// requireSound checks what must hold for any verdict.
func requireSound(t *testing.T, v prediag.Verdict) {
	t.Helper()
	require.NotEmpty(t, v.Model)
	require.True(t, v.InScope >= 0 && v.InScope <= 1, "in scope: %v", v.InScope)
	for _, f := range v.Fields {
		require.NotEmpty(t, f.Label)
		require.LessOrEqual(t, len(f.Alternatives), maxAlternatives)
		require.LessOrEqual(t, len(f.Evidence), maxEvidence)
		last, sum := f.Probability, f.Probability
		require.True(t, last >= 0 && last <= 1+1e-6, "probability %v", last)
		for _, a := range f.Alternatives {
			require.NotEqual(t, f.Label, a.Value)
			require.LessOrEqual(t, a.Probability, last)
			last = a.Probability
			sum += a.Probability
		}
		require.LessOrEqual(t, sum, 1+1e-5)
		for _, e := range f.Evidence {
			require.False(t, math.IsNaN(e.Weight) || math.IsInf(e.Weight, 0))
		}
	}
}

func TestConformance(t *testing.T) {
	for _, c := range candidates() {
		t.Run(c.name, func(t *testing.T) {
			examples := smallExamples()
			trained := c.train(t, examples)
			t.Run("untrained says so", func(t *testing.T) {
				_, err := c.untrained.Classify(context.Background(), prediag.Ticket{Body: "x"})
				require.ErrorIs(t, err, prediag.ErrNotReady)
				require.ErrorContains(t, err, "prediag train")
			})
			t.Run("fields in the model's order", func(t *testing.T) {
				v := classify(t, trained, "invoice")
				require.Equal(t, prediag.FieldCategory, v.Fields[0].Field)
				require.Equal(t, prediag.FieldTier, v.Fields[1].Field)
				require.Len(t, v.Fields, 2)
			})
			t.Run("training twice and in another order gives the same", func(t *testing.T) {
				mixed := slices.Clone(examples)
				rand.New(rand.NewPCG(1, 2)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
				again := c.train(t, mixed)
				for _, body := range []string{"the invoice is wrong", "dns", "", "login " + strings.Repeat("x", 300)} {
					require.Equal(t, classify(t, trained, body), classify(t, again, body))
				}
			})
			t.Run("texts without known features get the prior", func(t *testing.T) {
				for _, body := range []string{"", " \n\t", "\u200b"} {
					v := classify(t, trained, body)
					requireSound(t, v)
					require.InDelta(t, 1.0/3, v.Fields[0].Probability, 1e-6)
					require.InDelta(t, 0.5, v.Fields[1].Probability, 1e-6)
				}
			})
			t.Run("one label", func(t *testing.T) {
				same := slices.Clone(examples)
				for i := range same {
					same[i].Labels = map[string]string{"type": "incident"}
				}
				v := classify(t, c.train(t, same), "anything")
				requireSound(t, v)
				require.Equal(t, "incident", v.Fields[0].Label)
				require.Equal(t, 1.0, v.Fields[0].Probability)
			})
			t.Run("chosen field", func(t *testing.T) {
				v := classify(t, c.train(t, examples, prediag.FieldTier), "invoice")
				require.Len(t, v.Fields, 1)
				require.Equal(t, prediag.FieldTier, v.Fields[0].Field)
			})
			t.Run("hostile texts", func(t *testing.T) {
				for _, body := range hostileTexts() {
					requireSound(t, classify(t, trained, body))
				}
			})
			t.Run("ended context", func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_, err := trained.Classify(ctx, prediag.Ticket{Body: "invoice"})
				require.ErrorIs(t, err, context.Canceled)
			})
			t.Run("many goroutines", func(t *testing.T) {
				want := classify(t, trained, "my invoice")
				var wait sync.WaitGroup
				for g := range 8 {
					wait.Go(func() {
						for i := range 50 {
							_, err := trained.Classify(context.Background(), prediag.Ticket{Body: fmt.Sprint("login ", g, i)})
							if err != nil {
								t.Error(err)
							}
							if got, _ := trained.Classify(context.Background(), prediag.Ticket{Body: "my invoice"}); got.Fields[0].Probability != want.Fields[0].Probability {
								t.Error("another verdict under load")
							}
						}
					})
				}
				wait.Wait()
			})
		})
	}
}

// shaped makes tickets of a label, each with the label's own word.
func shaped(label string, n int) []prediag.Example {
	var out []prediag.Example
	for i := range n {
		out = append(out, prediag.Example{Ticket: prediag.Ticket{Body: fmt.Sprintf("%s fails since day %d", label, i%9)},
			Labels: map[string]string{prediag.FieldCategory: label}})
	}
	return out
}

// Files as they are found in the wild: a thousand labels, one ticket in a thousand that is different, labels with a
// ticket or two.
func TestConformanceToUnevenFiles(t *testing.T) {
	var many, tiny []prediag.Example
	for c := range 1000 {
		many = append(many, shaped(fmt.Sprintf("part%dx", c), 1+c%2)...)
	}
	for c := range 12 {
		tiny = append(tiny, shaped(fmt.Sprintf("part%dx", c), 1+c%2)...)
	}
	tiny = append(tiny, shaped("mainboard", 30)...)
	uneven := append(shaped("mainboard", 1000), shaped("turntable", 1)...)
	for _, c := range candidates() {
		if c.quick == nil {
			c.quick = func(t *testing.T, examples []prediag.Example) prediag.Classifier { return c.train(t, examples) }
		}
		probability := func(v prediag.Verdict, label string) float64 {
			requireSound(t, v)
			if v.Fields[0].Label == label {
				return v.Fields[0].Probability
			}
			for _, a := range v.Fields[0].Alternatives {
				if a.Value == label {
					return a.Probability
				}
			}
			return 0
		}
		t.Run(c.name+", a thousand labels", func(t *testing.T) {
			trained := c.quick(t, many)
			for _, label := range []string{"part1x", "part500x", "part999x"} {
				v := classify(t, trained, label+" fails")
				require.GreaterOrEqual(t, probability(v, label), probability(classify(t, trained, "day 3"), label))
				require.Len(t, v.Fields[0].Alternatives, maxAlternatives)
			}
		})
		t.Run(c.name+", one in a thousand", func(t *testing.T) {
			trained := c.quick(t, uneven)
			v := classify(t, trained, "mainboard fails since day 4")
			require.Equal(t, "mainboard", v.Fields[0].Label)
			require.Greater(t, v.Fields[0].Probability, 0.99)
			require.GreaterOrEqual(t, probability(classify(t, trained, "turntable fails"), "turntable"), probability(v, "turntable"))
		})
		t.Run(c.name+", labels with a ticket or two", func(t *testing.T) {
			trained := c.train(t, tiny)
			for c := range 12 {
				requireSound(t, classify(t, trained, fmt.Sprintf("part%dx fails", c)))
			}
			require.Equal(t, "mainboard", classify(t, trained, "mainboard fails since day 4").Fields[0].Label)
		})
	}
}

func hostileTexts() []string {
	return []string{
		"\xff\xfe\x80 invoice \xc3", "!!!", "🙂🙂", "?", "a", "发票 无法 下载", "ログインできない", "서버에 로그인할 수 없습니다",
		"ACS.0013", "i-0abc123.cn-north-4", strings.Repeat("a", 100_000), strings.Repeat("\u0301", 1000),
		strings.Repeat("domain name does not resolve ", 350_000), // 10 MB
		strings.Repeat("域名解析失败", 5000), strings.Repeat("x\x00", 5000), "ﷺ" + strings.Repeat("ﷺ", 200),
	}
}

func TestBaselineCounts(t *testing.T) {
	examples := []prediag.Example{
		{Ticket: prediag.Ticket{Body: "a"}, Labels: map[string]string{"type": "question"}},
		{Ticket: prediag.Ticket{Body: "b"}, Labels: map[string]string{"type": "incident"}},
		{Ticket: prediag.Ticket{Body: "c"}, Labels: map[string]string{"type": "incident"}},
		{Ticket: prediag.Ticket{Body: " "}, Labels: map[string]string{"type": "question"}},
		{Ticket: prediag.Ticket{Body: "d"}, Labels: map[string]string{"type": "incident"}},
	}
	v := classify(t, NewBaseline(examples, nil), "whatever")
	require.Equal(t, []prediag.FieldVerdict{{Field: "type", Label: "incident", Probability: 0.75,
		Alternatives: []prediag.Label{{Value: "question", Probability: 0.25}}}}, v.Fields)
}
