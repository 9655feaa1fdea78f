package classifier

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// quotes lists the places of one group's features as they stand in the text.
func quotes(t prediag.Ticket, g group) []string {
	x := &extractor{recipe: defaultRecipe()}
	var out []string
	for _, o := range x.extract(t) {
		if o.group == g {
			out = append(out, x.quote(place{o.from, o.to}, t.Text()))
		}
	}
	return out
}

func TestExtract(t *testing.T) {
	for _, c := range []struct {
		name   string
		ticket prediag.Ticket
		group  group
		want   []string
	}{
		{"words and signs", prediag.Ticket{Body: "Disk full!!"}, groupWord, []string{"!!", "Disk", "full"}},
		{"title and body", prediag.Ticket{Title: "Disk", Body: "is full"}, groupWord, []string{"Disk", "is", "full"}},
		{"next", prediag.Ticket{Body: "disk is full"}, groupNext, []string{"disk is", "is full"}},
		{"pairs", prediag.Ticket{Body: "disk is full"}, groupPair, []string{"disk is", "disk … full", "is full"}},
		{"short run", prediag.Ticket{Body: "域名解析 失败"}, groupWord, []string{"域名", "名解", "解析", "域名解析", "失败"}},
		{"next to a short run", prediag.Ticket{Body: "域名解析 失败"}, groupNext, []string{"域名解析 失败"}},
		{"long run", prediag.Ticket{Body: "一二三四五六七八九"}, groupNext, []string{"一二三", "二三四", "三四五", "四五六", "五六七", "六七八", "七八九"}},
		{"emoji only", prediag.Ticket{Body: " 🙂 "}, groupWord, []string{"🙂"}},
		{"nothing", prediag.Ticket{Body: " \n"}, groupWord, nil},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, quotes(c.ticket, c.group)) })
	}
}

func TestPairsHaveNoOrder(t *testing.T) {
	x := &extractor{recipe: defaultRecipe()}
	hashes := func(s string, g group) (out []uint32) {
		for _, o := range x.extract(prediag.Ticket{Body: s}) {
			if o.group == g {
				out = append(out, o.hash)
			}
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, hashes("disk is full", groupPair), hashes("full is disk", groupPair))
	require.NotEqual(t, hashes("disk is full", groupNext), hashes("full is disk", groupNext))
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("x ", maxBodyBytes/2)
	x := &extractor{recipe: defaultRecipe()}
	n := len(x.extract(prediag.Ticket{Body: long}))
	require.Len(t, x.extract(prediag.Ticket{Body: long + "more words"}), n)
	require.Equal(t, "ab", cut("abé", 3))
	require.Equal(t, "", cut("é", 1))
}

func TestVectorsHaveTheNormOfTheirGroups(t *testing.T) {
	r := defaultRecipe()
	c, x := newCounter(), &extractor{recipe: r}
	ticket := prediag.Ticket{Title: "disk full", Body: "the disk of my server is FULL!!", Product: "storage", Codes: []string{"D.01"}}
	c.add(x.extract(ticket))
	v := c.vocabulary([groups]uint32{1, 1, 1, 1, 1, 1, 1}, 1<<20)
	var sum [groups]float64
	z := newVectoriser(v)
	vec := z.vector(x.extract(ticket), r)
	for i, id := range vec.ids {
		sum[v.groups[id]] += float64(vec.vals[i]) * float64(vec.vals[i])
	}
	for g, w := range [groups]float32{1, r.NextWeight, r.PairWeight, r.CharWeight, r.EdgeWeight, r.StyleWeight, r.FieldWeight} {
		require.InDelta(t, w, math.Sqrt(sum[g]), 1e-5)
	}
}

func TestVocabularyKeepsTheMostFrequent(t *testing.T) {
	c := newCounter()
	for i := range uint32(10) {
		for range i + 1 {
			c.add([]occurrence{{hash: 100 - i}})
		}
	}
	v := c.vocabulary([groups]uint32{3, 1, 1, 1}, 5)
	require.Equal(t, []uint32{91, 92, 93, 94, 95}, v.hashes)
	require.Equal(t, []uint32{10, 9, 8, 7, 6}, v.df)
	require.Equal(t, int32(2), v.find(93))
	require.Equal(t, int32(-1), v.find(96))
	back, err := decodeVocabulary(v.encode())
	require.NoError(t, err)
	require.Equal(t, v, back)
}

// The sums of whole numbers must agree with the plain sums of the quantised weights.
func TestEmbeddingActivates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hidden, features := 8*rapid.IntRange(1, 3).Draw(t, "blocks"), rapid.IntRange(1, 40).Draw(t, "features")
		weight := rapid.Float32Range(-3, 3)
		n := &network{hidden: hidden, embed: rapid.SliceOfN(weight, features*hidden, features*hidden).Draw(t, "weights"),
			bias: rapid.SliceOfN(weight, hidden, hidden).Draw(t, "bias")}
		var v vector
		for f := range features {
			v.ids = append(v.ids, int32(f))
			v.vals = append(v.vals, rapid.Float32Range(0, 1).Draw(t, "value"))
		}
		e := quantise(n)
		got, want := make([]float32, hidden), make([]float32, hidden)
		e.activate(v, got, nil)
		n.activate(v, want)
		for j := range want {
			require.InDelta(t, want[j], got[j], 3.0/(2*coarseLevels)*float64(features)+1e-3)
			exact := float64(n.bias[j])
			for i, id := range v.ids {
				exact += float64(v.vals[i]) * float64(e.scale[id]) * float64(int(e.weights[int(id)*hidden+j])-offset)
			}
			require.InDelta(t, max(exact, 0), got[j], 1e-2)
		}
	})
}

// All contributions and the constant part must add up to the logit against the mean of the others.
func TestEvidenceIsExact(t *testing.T) {
	m, s := smallModel(t), (*scratch)(nil)
	s = m.scratch()
	text := "I cannot log in to the server, please help me with the login"
	s.list = s.extractor.extract(prediag.Ticket{Body: text})
	s.vec = s.vectoriser.vector(s.list, m.recipe)
	s.coefs = m.embed.activate(s.vec, s.hidden, s.coefs)
	for i, e := range m.more {
		s.coefs = e.activate(s.vec, s.others[i], s.coefs)
	}
	h := m.heads[0]
	require.Len(t, h.labels, 3)
	contrast := func(z []float32) float64 { return float64(z[1] - (z[0]+z[2])/2) }
	var want, got float64
	way := func(e *embedding, bias []float32) {
		s.parts = append(s.parts[:0], make([]float32, len(s.vec.ids))...)
		s.along(e)
		for _, x := range s.parts {
			got += float64(x)
		}
		got += float64(dot(s.u, e.bias)) + contrast(bias)
	}
	z := make([]float32, 8)
	nets, layers, hidden := append([]*embedding{m.embed}, m.more...), append([]layer{h.layer}, h.more...), append([][]float32{s.hidden}, s.others...)
	for i := range nets {
		layers[i].logits(hidden[i], z[:3])
		want += contrast(z)
		s.toward(&layers[i], hidden[i], 3, 1)
		way(nets[i], layers[i].bias)
	}
	if h.wide != nil {
		h.wide.sums(s.vec, z, nil)
		want += contrast(z)
		s.towardLabel(8, 3, 1)
		way(h.wide, make([]float32, 3))
	}
	require.InDelta(t, want, got, 1e-3)

	list := s.evidence(m, h, 1, text)
	require.Len(t, list, maxEvidence)
	for i, e := range list {
		require.Equal(t, prediag.EvidenceNGram, e.Kind)
		if i > 0 {
			require.GreaterOrEqual(t, math.Abs(list[i-1].Weight), math.Abs(e.Weight))
		}
		for part := range strings.SplitSeq(e.Text, " … ") {
			require.Contains(t, text, part)
		}
	}
}

func TestTop(t *testing.T) {
	require.Equal(t, []int{2, 0, 3}, top([]float32{5, 1, 9, 5, 2}, 3))
	require.Equal(t, []int{0}, top([]float32{1}, 6))
}

func FuzzExtract(f *testing.F) {
	m := smallModel(f)
	for _, s := range []string{"", "disk full!", "域名解析 ACS.0013", "\xff\xfe", "서버 login 🙂", "a\u0301\u0301"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, title, body string) {
		v, err := m.Classify(context.Background(), prediag.Ticket{Title: title, Body: body})
		require.NoError(t, err)
		requireSound(t, v)
	})
}

func BenchmarkClassify(b *testing.B) {
	m := smallModel(b)
	ticket := prediag.Ticket{Title: "Login refused", Body: "I cannot log in to my server since yesterday, what can I do?"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Classify(context.Background(), ticket); err != nil {
			b.Fatal(err)
		}
	}
}

// A mail has the features of what it says, at their places in the ticket.
func TestFeaturesOfWhatTheCustomerWrote(t *testing.T) {
	ticket := prediag.Ticket{Title: "Disk", Body: "Hello team,\n\nthe disk is full\n\nKind regards\nJane Doe"}
	mail, plain := extractor{recipe: defaultRecipe()}, extractor{recipe: defaultRecipe()}
	require.Equal(t, plain.extract(prediag.Ticket{Title: "Disk", Body: "the disk is full"}), mail.extract(ticket))
	last := mail.units[len(mail.units)-1]
	require.Equal(t, "full", ticket.Text()[last.start:last.end])
	mail.recipe.Filed = false
	require.Greater(t, len(mail.extract(ticket)), len(plain.out))
}
