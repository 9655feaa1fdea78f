package kb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
	"prediag/internal/vector"
)

// meanings is an embedder whose vectors say which of some groups of words a text has words of, so that "notebook" is near "laptop". Its
// faults can be scripted.
type meanings struct {
	mu      sync.Mutex
	name    string
	texts   []string // that got a vector
	queries int
	left    int           // passages before it fails; negative: it does not
	wait    time.Duration // before a query is answered
	broken  error         // of queries
}

var groupsOfWords = [][]string{{"laptop", "notebook", "thinkpad"}, {"printer", "paper", "toner"}, {"payment", "invoice", "money"}}

func newMeanings() *meanings { return &meanings{name: "meanings", left: -1} }

func (m *meanings) ID() string { return m.name }

func direct(text string) []float32 {
	if strings.Contains(text, "unembeddable") {
		return nil
	}
	v := make([]float32, len(groupsOfWords)+1)
	v[len(groupsOfWords)] = 0.1 + float32(len(text)%7)/100 // no two texts are quite alike
	for i, words := range groupsOfWords {
		for _, w := range words {
			v[i] += float32(strings.Count(strings.ToLower(text), w))
		}
	}
	if err := vector.Normalize(v); err != nil {
		panic(err)
	}
	return v
}

func (m *meanings) Passages(_ context.Context, texts []string) ([][]float32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]float32
	for _, t := range texts {
		if m.left == 0 {
			return nil, fmt.Errorf("the endpoint is gone: %w", prediag.ErrNotReady)
		}
		m.left--
		m.texts, out = append(m.texts, t), append(out, direct(t))
	}
	return out, nil
}

func (m *meanings) Query(ctx context.Context, text string) ([]float32, error) {
	m.mu.Lock()
	m.queries++
	wait, broken := m.wait, m.broken
	m.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	return direct(text), broken
}

func (m *meanings) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.texts)
}

func page1(id, title, body string, audience ...string) prediag.Change {
	return prediag.Change{Put: &prediag.Article{ID: id, Revision: fmt.Sprint(len(body), title), Source: "s", Title: title, Body: body, Language: "en", Audience: audience}}
}

func applied(t *testing.T, k *KB, changes ...prediag.Change) prediag.Generation {
	t.Helper()
	g, err := k.Apply(context.Background(), func(yield func(prediag.Change, error) bool) {
		for _, c := range changes {
			if !yield(c, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	return g
}

func opened(t *testing.T, dir string, e Embedding) *KB {
	t.Helper()
	k, err := Open(dir, Options{Embedding: e})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close()) })
	return k
}

func shop() []prediag.Change {
	return []prediag.Change{
		page1("a", "Laptop does not start", "Hold the power button of the laptop for ten seconds."),
		page1("b", "Toner is empty", "Replace the toner of the printer and load paper."),
		page1("c", "Where is my money", "An invoice is paid within a week."),
		page1("d", "Secret laptop", "The laptop of the boss.", "staff"),
	}
}

func hitIDs(r prediag.Results) []string {
	var out []string
	for _, h := range r.Hits {
		out = append(out, h.ArticleID)
	}
	return out
}

func TestVectorsFindWhatWordsDoNot(t *testing.T) {
	m := newMeanings()
	k := opened(t, t.TempDir(), Embedding{Embedder: m, Weight: 0.5})
	applied(t, k, shop()...)
	r, err := k.Search(context.Background(), prediag.Query{Text: "my thinkpad stays dark"})
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	require.Equal(t, "a", r.Hits[0].ArticleID)
	require.Contains(t, r.Hits[0].Why, "dense 1.00")
	require.Equal(t, "Hold the power button of the laptop for ten seconds.", r.Hits[0].Passages[0].Text)
	require.NotContains(t, hitIDs(r), "d", "permissions come before vectors")
	require.Zero(t, r.Hits[0].Coverage)
	staff, err := k.Search(context.Background(), prediag.Query{Text: "my thinkpad stays dark", Audience: []string{"staff"}})
	require.NoError(t, err)
	require.Contains(t, hitIDs(staff), "d")
	again, err := k.Search(context.Background(), prediag.Query{Text: "my thinkpad stays dark "})
	require.NoError(t, err)
	require.Equal(t, r, again)
	require.Equal(t, 1, m.queries, "a query's vector is kept")
	s := k.Status().Vectors
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 4, Queries: 1}, *s)
	plain := opened(t, t.TempDir(), Embedding{})
	applied(t, plain, shop()...)
	none, err := plain.Search(context.Background(), prediag.Query{Text: "my thinkpad stays dark"})
	require.NoError(t, err)
	require.NotContains(t, hitIDs(none), "a")
	require.Nil(t, plain.Status().Vectors)
}

// However much vectors count, what explains a code of the query comes first.
func TestCodesComeBeforeVectors(t *testing.T) {
	k := opened(t, t.TempDir(), Embedding{Embedder: newMeanings(), Weight: 10})
	applied(t, k, append(shop(), page1("code", "ACS.0013", "What the paper says about ACS.0013."))...)
	r, err := k.Search(context.Background(), prediag.Query{Text: "laptop notebook thinkpad ACS.0013"})
	require.NoError(t, err)
	require.Equal(t, []string{"code", "a"}, hitIDs(r)[:2])
}

// Pages of one list must not overlap, whatever words and vectors say of an article.
func TestPagesOfJoinedRankingsFitTogether(t *testing.T) {
	k := opened(t, t.TempDir(), Embedding{Embedder: newMeanings(), Weight: 0.7})
	var changes []prediag.Change
	for i := range 300 {
		word := groupsOfWords[i%3][i/3%3]
		changes = append(changes, page1(fmt.Sprintf("p%03d", i), fmt.Sprint("Page ", i), strings.Repeat("help ", i%11)+"with the "+word+" and "+groupsOfWords[i%2][i%3]))
	}
	applied(t, k, changes...)
	all, err := k.Search(context.Background(), prediag.Query{Text: "help with the laptop", Limit: 100})
	require.NoError(t, err)
	var paged []string
	for from := 0; from < 100; from += 20 {
		r, err := k.Search(context.Background(), prediag.Query{Text: "help with the laptop", Limit: 20, Offset: from})
		require.NoError(t, err)
		paged = append(paged, hitIDs(r)...)
	}
	require.Equal(t, hitIDs(all), paged)
}

func TestWordsAnswerWhereVectorsCannot(t *testing.T) {
	for name, fail := range map[string]func(*meanings){
		"down": func(m *meanings) { m.broken = errors.New("down") },
		"slow": func(m *meanings) { m.wait = 30 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMeanings()
			k := opened(t, t.TempDir(), Embedding{Embedder: m, Wait: 20 * time.Millisecond})
			applied(t, k, shop()...)
			fail(m)
			for n := range 2 {
				r, err := k.Search(context.Background(), prediag.Query{Text: "laptop"})
				require.NoError(t, err)
				require.Equal(t, []prediag.Degradation{prediag.DegradedEmbeddings}, r.Degraded)
				require.Equal(t, []string{"a"}, hitIDs(r))
				require.Equal(t, uint64(n+1), k.Status().Vectors.Queries, "an answer without vectors is not kept")
			}
			require.Equal(t, uint64(2), k.Status().Vectors.Failed)
		})
	}
	m := newMeanings()
	m.left = 0
	k := opened(t, t.TempDir(), Embedding{Embedder: m})
	applied(t, k, shop()...)
	r, err := k.Search(context.Background(), prediag.Query{Text: "laptop"})
	require.NoError(t, err)
	require.Equal(t, []prediag.Degradation{prediag.DegradedEmbeddings}, r.Degraded, "no article has a vector yet")
}

// vecFiles are the names of the segments of the serving generation.
func vecFiles(k *KB) (names []string) {
	for _, f := range k.current.manifest.Files {
		if strings.HasSuffix(f.Name, vectorsExt) {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestOnlyWhatIsNewIsEmbedded(t *testing.T) {
	dir, m := t.TempDir(), newMeanings()
	k := opened(t, dir, Embedding{Embedder: m})
	applied(t, k, shop()...)
	require.Equal(t, 4, m.asked())
	applied(t, k, page1("b", "Toner is empty", "Shake the toner."), prediag.Change{Delete: "c"})
	require.Equal(t, 5, m.asked())
	require.Equal(t, 3, k.Status().Vectors.Stored)
	applied(t, k, prediag.Change{Delete: "b"}, page1("moved", "Toner is empty", "Shake the toner."))
	require.Equal(t, 5, m.asked(), "the text is known under another article")
	r, err := k.Search(context.Background(), prediag.Query{Text: "paper"})
	require.NoError(t, err)
	require.Equal(t, "moved", r.Hits[0].ArticleID)
	for i := range 12 {
		applied(t, k, page1(fmt.Sprint("n", i), "New", fmt.Sprint("printer number ", i)))
	}
	require.Equal(t, 17, m.asked())
	require.LessOrEqual(t, len(vecFiles(k)), maxVecFiles)
	require.NoError(t, k.Scrub(context.Background()))
	require.NoFileExists(t, filepath.Join(dir, journalName))
	require.NoError(t, k.Close())
	m.name = "another"
	other := opened(t, dir, Embedding{Embedder: m})
	applied(t, other)
	require.Equal(t, 17+15, m.asked(), "another model's vectors are of no use")
	require.Equal(t, 15, other.Status().Vectors.Stored)
}

// What a build could not embed the next one does, at most once each, though no article changed; without progress there is no new
// generation.
func TestBuildsGoOnWithVectors(t *testing.T) {
	dir, m := t.TempDir(), newMeanings()
	k := opened(t, dir, Embedding{Embedder: m, Batch: 2})
	m.left = 3
	first := applied(t, k, shop()...)
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 2, Missing: 2}, *k.Status().Vectors)
	require.FileExists(t, filepath.Join(dir, journalName))
	require.Equal(t, first, applied(t, k))
	m.left = -1
	require.Greater(t, applied(t, k).Number, first.Number)
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 4}, *k.Status().Vectors)
	require.Equal(t, 5, m.asked(), "the second batch came twice as far as its first text")
	last := applied(t, k)
	require.Equal(t, last, applied(t, k))
	applied(t, k, page1("u", "Unembeddable", "unembeddable text"))
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 4, Refused: 1}, *k.Status().Vectors)
	require.Equal(t, k.Generation(), applied(t, k))
	asked := m.asked()
	applied(t, k, page1("u", "Unembeddable, renamed", "unembeddable text"), page1("e", "New", "paper"))
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 5, Refused: 1}, *k.Status().Vectors)
	require.Equal(t, asked+2, m.asked())
	applied(t, k, page1("e", "Newer", "paper"))
	require.Equal(t, VectorStatus{Embedder: "meanings", Stored: 5, Refused: 1}, *k.Status().Vectors)
	require.Equal(t, asked+3, m.asked())
}

// A build that ends after it got vectors and before it is published leaves them to the next.
func TestJournalSurvivesABuild(t *testing.T) {
	dir, m := t.TempDir(), newMeanings()
	ctx, cancel := context.WithCancel(context.Background())
	k, err := Open(dir, Options{Embedding: Embedding{Embedder: m}, Golden: func() (Golden, error) { cancel(); return Golden{}, errors.New("stop") }})
	require.NoError(t, err)
	_, err = k.Apply(ctx, func(yield func(prediag.Change, error) bool) {
		for _, c := range shop() {
			if !yield(c, nil) {
				return
			}
		}
	})
	require.Error(t, err)
	require.NoError(t, k.Close())
	require.Equal(t, 4, m.asked())
	name := filepath.Join(dir, journalName)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, data[:len(data)-3], 0o644)) // the last record was cut off
	applied(t, opened(t, dir, Embedding{Embedder: m}), shop()...)
	require.Equal(t, 5, m.asked())
}

func TestDamagedVectorsAreNoticed(t *testing.T) {
	for _, name := range []string{placesName, ""} {
		dir, m := t.TempDir(), newMeanings()
		k := opened(t, dir, Embedding{Embedder: m})
		applied(t, k, shop()...)
		if name == "" {
			name = vecFiles(k)[0]
		}
		path := filepath.Join(k.current.dir, filepath.FromSlash(name))
		require.NoError(t, k.Close())
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(path, data, 0o644))
		again := opened(t, dir, Embedding{Embedder: m})
		require.Contains(t, again.Status().Degraded, name)
		applied(t, again, shop()...)
		require.Empty(t, again.Status().Degraded)
	}
}

func TestPiecesCoverTheBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringOfN(rapid.SampledFrom([]rune("ab. \n。云x!")), 0, 6000, -1).Draw(t, "body")
		cut := len(cutBytes(body, rapid.IntRange(0, len(body)).Draw(t, "cut")))
		a := &prediag.Article{ID: "x", Title: "T", Body: body, Sections: []prediag.Section{{Span: prediag.Span{End: cut}}, {Path: []string{"H"}, Span: prediag.Span{Start: cut, End: len(body)}}}}
		end, covered := 0, 0
		for _, p := range piecesOf(a) {
			text, ok := p.span.Of(body)
			if !ok || p.span.Start < end || len(text) > maxPieceBytes || text != strings.TrimSpace(text) {
				t.Fatalf("piece %v of %d bytes after %d", p.span, len(text), end)
			}
			if !strings.HasSuffix(p.text, text) || !strings.HasPrefix(p.text, "T") {
				t.Fatalf("piece %q", p.text)
			}
			end, covered = p.span.End, covered+len(strings.Join(strings.Fields(text), ""))
		}
		if want := len(strings.Join(strings.Fields(body), "")); covered != want {
			t.Fatalf("%d of %d bytes covered", covered, want)
		}
	})
}

func TestJournalRoundTrip(t *testing.T) {
	name := filepath.Join(t.TempDir(), journalName)
	j, err := openJournal(name, "m")
	require.NoError(t, err)
	want := map[vector.Hash]vector.Row{}
	for i := range 5 {
		row := vector.NewRow([]float32{float32(math.Cos(float64(i))), float32(math.Sin(float64(i)))})
		j.add(vector.HashOf(fmt.Sprint(i)), row)
		want[vector.HashOf(fmt.Sprint(i))] = row
	}
	require.NoError(t, j.sync())
	require.NoError(t, j.close())
	j, err = openJournal(name, "m")
	require.NoError(t, err)
	require.Equal(t, want, j.rows)
	require.NoError(t, j.close())
	j, err = openJournal(name, "other")
	require.NoError(t, err)
	require.Empty(t, j.rows)
	require.NoError(t, j.close())
}

func FuzzJournal(f *testing.F) {
	j := &journal{}
	j.add(vector.HashOf("a"), vector.NewRow([]float32{1, 0}))
	f.Add(j.buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		j := &journal{}
		require.LessOrEqual(t, j.parse(data), len(data))
	})
}
