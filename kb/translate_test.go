package kb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/internal/concept"
)

func TestGroupKey(t *testing.T) {
	a, b := article("kb:en/a.md", "A", ""), article("kb:ja/a.md", "B", "")
	b.Language = "ja"
	require.Equal(t, groupKey(&a), groupKey(&b))
	b.Group = "kb:a.md"
	require.NotEqual(t, groupKey(&a), groupKey(&b), "what a source states is not an ID")
}

// manual is a small manual in English and German, of which the last pages have no German translation.
func manual(pages, translated int) []prediag.Article {
	return manualIn("de", []string{"stern", "mond", "himmel", "berg", "fluss", "wald", "meer", "wind"}, pages, translated)
}

// manualIn is the same in English and another language, by its words for the same eight things.
func manualIn(language string, own []string, pages, translated int) []prediag.Article {
	en := []string{"quokka", "wombat", "numbat", "dingo", "koala", "potoroo", "bilby", "emu"}
	sentence := func(words []string, n int) string {
		return strings.Join([]string{words[n%8], words[n/2%8], words[n/3%8], words[(n+5)%8]}, " ")
	}
	var out []prediag.Article
	for i := range pages {
		for _, l := range []struct {
			language string
			words    []string
		}{{"en", en}, {language, own}} {
			if l.language == language && i >= translated {
				continue
			}
			a := article(fmt.Sprintf("kb:%s/page%03d.md", l.language, i), l.words[i%8], "")
			for line := range 6 {
				a.Body += strings.Repeat(sentence(l.words, i*7+line*line)+" ", 1+line%3) + fmt.Sprintf("CODE-%d\n", 100+i)
			}
			a.Language, a.Revision = l.language, fmt.Sprint(i)
			out = append(out, a)
		}
	}
	return out
}

// TestAcrossLanguages finds English articles by German words, with the words' translations learned from other pages.
func TestAcrossLanguages(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := manual(60, 50)
	only := article("kb:en/special.md", "numbat", "the numbat sleeps by the bilby")
	only.Language = "en"
	apply(t, k, put(append(all, only)...))
	found, err := k.Search(t.Context(), prediag.Query{Text: "warum ist der Himmel über dem Meer nicht so wie der Himmel über dem Berg", Languages: []string{"en"}})
	require.NoError(t, err)
	require.NotEmpty(t, found.Hits)
	for _, h := range found.Hits {
		require.Equal(t, "en", h.Language)
	}
	require.Contains(t, strings.Join(found.Hits[0].Why, "|"), "himmel → numbat")
	var seen []string
	for _, h := range found.Hits {
		require.NotContains(t, seen, h.ArticleID)
		seen = append(seen, h.ArticleID)
	}
}

// TestKatakanaIsTranslatedByWords: a word of katakana is looked up as a whole, and each one that a compound is made of.
func TestKatakanaIsTranslatedByWords(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(manualIn("ja", []string{"ディスク", "サーバー", "ネットワーク", "クラスター", "コンテナ", "バケット", "ルーター", "スナップショット"}, 60, 50)...))
	found, err := k.Search(t.Context(), prediag.Query{Text: "ネットワークコンテナが見つからない", Languages: []string{"en"}})
	require.NoError(t, err)
	require.NotEmpty(t, found.Hits)
	why := ""
	for _, h := range found.Hits {
		why += strings.Join(h.Why, "|") + "|"
	}
	require.Contains(t, why, "→ koala")
}

// TestByTranslation: the article that solves a question in another language is found by its translation into that one.
func TestByTranslation(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := manual(20, 20)
	en, de := article("kb:en/printer.md", "Aardvark", "the aardvark digs"), article("kb:de/printer.md", "Die Presse", "Die Presse klemmt, weil sich das Papier im Schacht gestaut hat.")
	en.Language, de.Language = "en", "de"
	apply(t, k, put(append(all, en, de)...))
	q := prediag.Query{Text: "warum klemmt meine Presse, wenn sich das Papier im Schacht staut", Languages: []string{"en"}, Facets: true}
	found, err := k.Search(t.Context(), q)
	require.NoError(t, err)
	require.NotEmpty(t, found.Hits)
	require.Equal(t, "kb:en/printer.md", found.Hits[0].ArticleID)
	require.Contains(t, found.Hits[0].Why, "translation kb:de/printer.md")
	require.Greater(t, found.Hits[0].Coverage, 0.5)
	languages := counts(t, found, "language")
	require.Equal(t, found.Total, languages["en"])
	require.Positive(t, languages["de"], "a facet does not know the filter by it")
}

// TestTranslationLeaksNothing: neither a restricted page nor what was learned of it shows.
func TestTranslationLeaksNothing(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := manual(40, 40)
	for i := range all {
		all[i].Audience = []string{"staff"}
	}
	public := article("kb:en/open.md", "numbat", "numbat and bilby")
	public.Language = "en"
	apply(t, k, put(append(all, public)...))
	for _, audience := range [][]string{nil, {"guest"}} {
		found, err := k.Search(t.Context(), prediag.Query{Text: "warum ist der Himmel über dem Meer nicht so wie der Himmel über dem Wald", Languages: []string{"en"}, Audience: audience})
		require.NoError(t, err)
		require.Empty(t, found.Hits)
	}
}

// TestGraphIsSharedWhereItsPagesAreTheSame, and learned anew where they are not, as from scratch.
func TestGraphIsSharedWhereItsPagesAreTheSame(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir, Options{})
	all := manual(40, 40)
	apply(t, k, put(all...))
	graph := func() (os.FileInfo, string) {
		name := filepath.Join(dir, genName(k.Generation().Number), conceptsName)
		info, err := os.Stat(name)
		require.NoError(t, err)
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		return info, string(data)
	}
	first, text := graph()
	require.Contains(t, text, "en\tnumbat\thimmel\t")
	require.NotContains(t, strings.ToLower(text), "code", "codes are not translated")
	apply(t, k, put(article("other", "Other", "of no other language")))
	second, _ := graph()
	require.True(t, os.SameFile(first, second))
	changed := all[0]
	changed.Revision, changed.Body = "new", changed.Body+"\nkoala\n"
	apply(t, k, put(changed))
	third, text3 := graph()
	require.False(t, os.SameFile(first, third))

	fresh := open(t, t.TempDir(), Options{})
	apply(t, fresh, put(append(append([]prediag.Article{}, all[1:]...), changed, article("other", "Other", "of no other language"))...))
	data, err := os.ReadFile(filepath.Join(fresh.dir, genName(1), conceptsName))
	require.NoError(t, err)
	require.Equal(t, string(data), text3)
}

// TestBitextSparesReading: of the pairs whose pages stayed the same the graph is learned as they stand in the base's bitext.
func TestBitextSparesReading(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := manual(40, 40)
	apply(t, k, put(all...))
	text := func() *concept.Bitext {
		b, err := readBitext(filepath.Join(k.dir, genName(k.Generation().Number)))
		require.NoError(t, err)
		return b
	}
	g, err := k.acquire()
	require.NoError(t, err)
	defer g.release()
	learner := func() *conceptLearner {
		l := &conceptLearner{r: g.reader(), stop: k.stop, learners: map[string]*concept.Learner{}, rows: map[string]row{}, yield: func() {}, before: text()}
		require.NoError(t, readRows(g.dir, func(r row) error { l.rows[r.id] = r; return nil }))
		require.NoError(t, l.choose())
		require.NotEmpty(t, l.groups)
		return l
	}
	l, changed := learner(), learner()
	for _, group := range l.groups {
		for i := range group {
			group[i].doc = -1 // reading it would fail
		}
	}
	graph, err := l.learn(t.Context())
	require.NoError(t, err)
	require.Equal(t, g.concepts.Encode(), graph.Encode())

	m := changed.groups[3][1]
	was := changed.key(m, changed.groups[3][0])
	r := changed.rows[m.id]
	r.sketch[0]++
	changed.rows[m.id] = r
	require.NotEqual(t, was, changed.key(m, changed.groups[3][0]), "content that changed without a new fingerprint")
	_, err = changed.learn(t.Context())
	require.NoError(t, err)
	_, ok := changed.bitext.Find(was)
	require.False(t, ok, "what is gone is forgotten")
}

// TestUnreadableBitextCostsReadingOnly: the graph is learned from all pages as if there were none.
func TestUnreadableBitextCostsReadingOnly(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	all := manual(40, 40)
	apply(t, k, put(all...))
	learned := func(change func(name string)) string {
		b := &builder{kb: k, dir: t.TempDir(), rows: map[string]row{}}
		base, err := k.acquire()
		require.NoError(t, err)
		defer base.release()
		b.base = &generation{dir: t.TempDir(), manifest: base.manifest}
		require.NoError(t, readRows(base.dir, func(r row) error { b.rows[r.id] = r; return nil }))
		text, err := os.ReadFile(filepath.Join(base.dir, bitextName))
		require.NoError(t, err)
		name := filepath.Join(b.base.dir, bitextName)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		change(name)
		require.NoError(t, base.run(func(r *reader) error { return b.learn(t.Context(), r, map[string]fileSum{}) }))
		graph, err := os.ReadFile(filepath.Join(b.dir, conceptsName))
		require.NoError(t, err)
		return string(graph)
	}
	want := learned(func(string) {})
	require.Equal(t, want, learned(func(name string) { require.NoError(t, os.Truncate(name, 40)) }))
	require.Equal(t, want, learned(func(name string) { require.NoError(t, os.Remove(name)) }))
}

// TestOwnGlossary extends the built-in one.
func TestOwnGlossary(t *testing.T) {
	k := open(t, t.TempDir(), Options{Glossary: []byte("concepts:\n  flux:\n    en: [flux capacitor]\n    ja: [次元転移装置]\n")})
	a := article("flux", "Flux capacitor", "The flux capacitor needs 1.21 gigawatts.")
	a.Language = "en"
	apply(t, k, put(a))
	found, err := k.Search(t.Context(), prediag.Query{Text: "次元転移装置が動かないのですが、どうすればいいですか"})
	require.NoError(t, err)
	require.Len(t, found.Hits, 1)
	require.Contains(t, strings.Join(found.Hits[0].Why, "|"), "→ flux")
	_, err = Open(t.TempDir(), Options{Glossary: []byte("concepts: 7")})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

// TestOwnSynonyms: labels of one language in the maintainer's glossary stand for one another, in whole words and within one language; those of the built-in
// glossary are translations only.
func TestOwnSynonyms(t *testing.T) {
	k := open(t, t.TempDir(), Options{Glossary: []byte("concepts:\n  vm:\n    zh: [实例, 云服务器]\n    en: [virtual machine, VM]\n")})
	zh, en := article("zh", "实例登录超时", "实例没有响应。"), article("en", "A virtual machine hangs", "Restart the virtual machine.")
	zh.Language, en.Language = "zh", "en"
	apply(t, k, put(zh, en))
	found := find(t, k, prediag.Query{Text: "云服务器连不上"})
	require.Equal(t, "zh", found.Hits[0].ArticleID)
	require.Contains(t, found.Hits[0].Why, "云服务器 → 实例")
	require.Equal(t, []string{"en"}, ids(find(t, k, prediag.Query{Text: "my VM", Languages: []string{"en"}})))
	require.Empty(t, find(t, k, prediag.Query{Text: "err_vm-77x", Languages: []string{"en"}}).Hits, "not in a code")

	without := open(t, t.TempDir(), Options{})
	apply(t, without, put(zh, en))
	require.Empty(t, find(t, without, prediag.Query{Text: "my VM", Languages: []string{"en"}}).Hits)
}

// TestNoSynonymInACode: the parts of a code are not translated.
func TestNoSynonymInACode(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	a := article("x", "Festplatte", "Die Festplatte des Servers ist voll und muss ersetzt werden.")
	a.Language = "de"
	apply(t, k, put(a))
	for text, hits := range map[string]int{"the disk of this machine is making strange noises": 1, "what does the result err_disk-77x mean to me": 0} {
		found, err := k.Search(t.Context(), prediag.Query{Text: text})
		require.NoError(t, err)
		require.Len(t, found.Hits, hits, text)
	}
}
