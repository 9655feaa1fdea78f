package classifier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// sure is a classifier that says the same of every ticket.
func sure() prediag.Classifier {
	return prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
		return prediag.Verdict{InScope: 0.99, Model: "m", Fields: []prediag.FieldVerdict{{
			Field: prediag.FieldCategory, Label: "vpn", Probability: 0.9,
			Alternatives: []prediag.Label{{Value: "dns", Probability: 0.06}, {Value: "mail", Probability: 0.02}},
			Evidence:     []prediag.Evidence{{Kind: prediag.EvidenceNGram, Text: "tunnel", Weight: 2}},
		}, {Field: prediag.FieldTier, Label: "L1", Probability: 0.8}}}, nil
	})
}

const decided = "The tunnel to our office in Bonn drops every ten minutes since the update"

func lessonFor(id, category string) Lesson {
	return Lesson{ID: id, Example: prediag.Example{Ticket: prediag.Ticket{Body: decided}, Labels: map[string]string{prediag.FieldCategory: category}}}
}

func TestMemoryPutsTheDecidedLabelIn(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	require.Equal(t, "vpn", classify(t, m, decided).Fields[0].Label)
	require.NoError(t, m.Learn(lessonFor("c-1", "dns")))
	for _, twin := range []string{
		decided, strings.ToUpper(decided) + "!!", "Hello, " + decided + ", thanks",
		"Dear all,\n\n" + decided + "\n\nBest regards,\nAnna\n\n> On Monday you wrote:\n> have you tried to restart the router in the basement?",
		strings.Replace(decided, "drops", "dorps", 1), strings.Replace(decided, "ten minutes", "10 minutes", 1),
	} {
		v := classify(t, m, twin)
		requireSound(t, v)
		f := v.Fields[0]
		require.Equal(t, "dns", f.Label, twin)
		require.Equal(t, 0.5, f.Probability, "no surer than what is trusted")
		require.Equal(t, []prediag.Label{{Value: "vpn", Probability: 0.06}, {Value: "mail", Probability: 0.02}}, f.Alternatives)
		require.Equal(t, "corrected by a reviewer: ticket c-1 → dns", f.Evidence[0].Text)
		require.Len(t, f.Evidence, 1, "what spoke for the label before is gone")
		require.Equal(t, prediag.FieldVerdict{Field: prediag.FieldTier, Label: "L1", Probability: 0.8}, v.Fields[1], "nothing was decided about it")
	}
	for _, other := range []string{"The mail server in Bonn is down", "every ten minutes", "", "…"} {
		require.Equal(t, "vpn", classify(t, m, other).Fields[0].Label, other)
	}
	require.True(t, m.Forget("c-1"))
	require.False(t, m.Forget("c-1"))
	require.Equal(t, "vpn", classify(t, m, decided).Fields[0].Label)
}

func TestMemoryNeverRaisesConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		f := prediag.FieldVerdict{Field: "category", Label: "a", Probability: p}
		left := 1 - p
		for i := range rapid.IntRange(0, maxAlternatives).Draw(t, "alternatives") {
			p = min(p, left) * rapid.Float64Range(0, 1).Draw(t, "share")
			left -= p
			f.Alternatives = append(f.Alternatives, prediag.Label{Value: string(rune('b' + i)), Probability: p})
		}
		base := prediag.ClassifierFunc(func(context.Context, prediag.Ticket) (prediag.Verdict, error) {
			return prediag.Verdict{Model: "m", InScope: 0.5, Fields: []prediag.FieldVerdict{f}}, nil
		})
		m := NewMemory(base, MemoryOptions{})
		label := rapid.SampledFrom([]string{"a", "b", "f", "new", prediag.LabelOutOfScope}).Draw(t, "label")
		require.NoError(t, m.Learn(lessonFor("c", label)))
		v, err := m.Classify(context.Background(), prediag.Ticket{Body: decided})
		require.NoError(t, err)
		got := v.Fields[0]
		require.Equal(t, label, got.Label)
		require.LessOrEqual(t, got.Probability, f.Probability)
		require.LessOrEqual(t, v.InScope, 0.5)
		last, sum := got.Probability, got.Probability
		for _, a := range got.Alternatives {
			require.NotEqual(t, got.Label, a.Value)
			require.LessOrEqual(t, a.Probability, last)
			last, sum = a.Probability, sum+a.Probability
		}
		require.LessOrEqual(t, sum, 1+1e-9)
		require.LessOrEqual(t, len(got.Alternatives), maxAlternatives)
		if label == "a" {
			require.Equal(t, f.Probability, got.Probability, "both agree")
			require.Contains(t, got.Evidence[0].Text, "confirmed by a reviewer")
		} else if len(f.Alternatives) > 0 {
			require.Contains(t, fmt.Sprint(got.Alternatives), "{a ", "the old label stays in sight")
		}
	})
}

func TestTheNewestDecisionCounts(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	for i, label := range []string{"vpn", "dns", "mail", "dns", "vpn"} {
		require.NoError(t, m.Learn(lessonFor(fmt.Sprint("c-", i), label)))
	}
	f := classify(t, m, decided).Fields[0]
	require.Equal(t, "vpn", f.Label)
	require.Equal(t, 0.5, f.Probability, "humans disagree")
	var said []string
	for _, e := range f.Evidence[:3] {
		said = append(said, e.Text)
	}
	require.Equal(t, []string{
		"confirmed by a reviewer: ticket c-4 → vpn",
		"decided otherwise by a reviewer before: ticket c-3 → dns",
		"decided otherwise by a reviewer before: ticket c-2 → mail",
	}, said)
	require.NoError(t, m.Learn(lessonFor("c-1", "mail")), "the same case again is the newest")
	require.Equal(t, "mail", classify(t, m, decided).Fields[0].Label)
	require.Equal(t, 5, m.Len())
}

func TestMemoryFindsArticles(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	l := lessonFor("c-1", "dns")
	l.Example.Article = "bonn-tunnel"
	require.NoError(t, m.Learn(l))
	require.NoError(t, m.Learn(lessonFor("c-2", "dns")))
	require.Equal(t, "bonn-tunnel", m.Article(prediag.Ticket{Body: decided}))
	require.Empty(t, m.Article(prediag.Ticket{Body: "something else"}))
}

func TestMemoryIsBounded(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{Max: 20})
	for i := range 100 {
		l := lessonFor(fmt.Sprint(i%70), "dns")
		l.Example.Ticket.Body = fmt.Sprintf("ticket %d%d%d about subject%d with detail%d", i, i, i, i, i)
		require.NoError(t, m.Learn(l))
	}
	require.Equal(t, 20, m.Len())
	require.Len(t, m.oldest, 20)
	held := map[int32]bool{}
	for _, list := range m.twins.postings.newer {
		for _, place := range list {
			require.False(t, m.twins.lessons[place].gone)
			held[place] = true
		}
	}
	require.Len(t, held, 20)
	require.LessOrEqual(t, len(m.twins.lessons), 21)
	require.Equal(t, "dns", classify(t, m, "ticket 999999 about subject99 with detail99").Fields[0].Label)
	require.Equal(t, "vpn", classify(t, m, "ticket 797979 about subject79 with detail79").Fields[0].Label)
}

func TestLessonsWithoutContentAreRefused(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	for _, change := range []func(*Lesson){
		func(l *Lesson) { l.ID = "" },
		func(l *Lesson) { l.Example.Ticket.Body = " " },
		func(l *Lesson) { l.Example.Labels = nil },
	} {
		l := lessonFor("c", "dns")
		change(&l)
		require.ErrorIs(t, m.Learn(l), prediag.ErrInvalid)
	}
	require.Zero(t, m.Len())
}

// TestPersonalDataDoesNotHideTwins: the record holds a ticket with placeholders, the classifier is shown none.
func TestPersonalDataDoesNotHideTwins(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	l := lessonFor("c", "dns")
	l.Example.Ticket.Body = "call me at [PHONE-1], the tunnel drops, write to anna.berg@example.com"
	require.NoError(t, m.Learn(l))
	require.Equal(t, 1.0, m.find(prediag.Ticket{Body: "call me at , the tunnel drops, write to"})[0].resemblance)
}

// TestTwinsAreFoundAsByComparingAll compares the index with a look at every lesson.
func TestTwinsAreFoundAsByComparingAll(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	words := strings.Fields("the tunnel to our office in bonn drops every ten minutes since update server router mail cannot open page 域名 解析 失败 로그인")
	text := func(n int) string {
		var out []string
		for range n {
			out = append(out, words[r.IntN(len(words))])
		}
		return strings.Join(out, " ")
	}
	m := NewMemory(sure(), MemoryOptions{})
	var all []sketch
	var bodies []string
	for i := range 300 {
		body := text(3 + r.IntN(300))
		require.NoError(t, m.Learn(Lesson{ID: fmt.Sprint(i), Example: prediag.Example{Ticket: prediag.Ticket{Body: body}, Article: "a"}}))
		bodies, all = append(bodies, body), append(all, sketchOf(prediag.Ticket{Body: body}))
	}
	twins := 0
	for range 100 {
		asked := strings.Fields(bodies[r.IntN(len(bodies))])
		at := r.IntN(len(asked))
		s := sketchOf(prediag.Ticket{Body: strings.Join(asked[at/4:], " ") + " " + text(1+at/8)})
		want := 0
		for _, o := range all {
			if s.resemblance(o) >= twinResemblance {
				want++
			}
		}
		require.Len(t, m.twins.find(s, &twinSearch{}), want)
		twins += want
	}
	require.Positive(t, twins)
}

func TestResemblance(t *testing.T) {
	a, b := sketch{hashes: []uint32{1, 2, 3, 4}, order: 1}, sketch{hashes: []uint32{3, 4, 5}, order: 2}
	require.InDelta(t, 2.0/5, a.resemblance(b), 1e-9)
	require.InDelta(t, 2.0/5, b.resemblance(a), 1e-9)
	require.Equal(t, 1.0, a.resemblance(sketch{hashes: []uint32{9}, order: 1}), "the same words in order")
	require.Zero(t, sketch{}.resemblance(sketch{}))
	long := strings.Repeat("word ", 3000) + text3000()
	x, y := sketchOf(prediag.Ticket{Body: long}), sketchOf(prediag.Ticket{Body: long + " one more"})
	require.LessOrEqual(t, len(x.hashes), sketchSize)
	require.Greater(t, x.resemblance(y), 0.95)
}

func text3000() string {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "item%d ", i)
	}
	return b.String()
}

func TestMemoryUnderLoad(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{Max: 50})
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			for i := range 100 {
				if err := m.Learn(lessonFor(fmt.Sprint(g, i), []string{"dns", "mail"}[i%2])); err != nil {
					t.Error(err)
				}
				if v, err := m.Classify(context.Background(), prediag.Ticket{Body: decided}); err != nil || v.Fields[0].Label == "vpn" {
					t.Error("the lesson does not count at once", err)
				}
				m.Forget(fmt.Sprint(g, i-10))
			}
		})
	}
	wait.Wait()
}

func FuzzSketch(f *testing.F) {
	f.Add("the tunnel drops", "The TUNNEL drops!")
	f.Add("域名解析失败", "ログインできない \xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := sketchOf(prediag.Ticket{Body: a}), sketchOf(prediag.Ticket{Body: b})
		r := x.resemblance(y)
		require.True(t, r >= 0 && r <= 1)
		require.Equal(t, r, y.resemblance(x))
	})
}

func BenchmarkMemory(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	m := NewMemory(sure(), MemoryOptions{})
	body := func() string {
		var s strings.Builder
		for range 20 {
			fmt.Fprintf(&s, "word%d ", int(1000/(1+100*r.Float64())))
		}
		return s.String()
	}
	for i := range 50_000 {
		if err := m.Learn(Lesson{ID: fmt.Sprint(i), Example: prediag.Example{Ticket: prediag.Ticket{Body: body()}, Article: "a"}}); err != nil {
			b.Fatal(err)
		}
	}
	ask := body()
	b.ReportAllocs()
	for b.Loop() {
		m.Article(prediag.Ticket{Body: ask})
	}
}
