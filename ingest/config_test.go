package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestParseSources(t *testing.T) {
	got, err := ParseSources("s.yaml", []byte(`
sources:
  - name: handbook
    kind: files
    location: docs
    schedule: 1h
    language: zh-hant
    product: ecs
    audience: [staff]
    include: ["**/*.md"]
    columns: {id: nr, body: text}
`))
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, SourceConfig{Name: "handbook", Kind: "files", Location: "docs", Schedule: time.Hour, Language: "zh-hant", Product: "ecs",
		Audience: []string{"staff"}, Include: []string{"**/*.md"}, Columns: &Columns{ID: "nr", Body: "text"}, line: 3}, got[0])
}

func TestParseSourcesNamesWhatIsWrong(t *testing.T) {
	one := func(more string) string {
		return "sources:\n  - name: a\n    kind: files\n    location: docs\n" + more
	}
	for name, c := range map[string]struct{ in, want string }{
		"empty":           {"", "s.yaml:1: expected a list"},
		"a list":          {"- a", "s.yaml:1: expected a list"},
		"no sources":      {"sources: []", "s.yaml:1: expected a list of at least one"},
		"other top key":   {"sources: []\nsurces: []", `s.yaml:2: unknown key "surces"`},
		"no yaml":         {"sources: [", "s.yaml: line 1"},
		"unknown key":     {one("    produkt: ecs\n"), `s.yaml:5: source of kind files: unknown key "produkt"`},
		"key of others":   {one("    branch: main\n"), `s.yaml:5: source of kind files: unknown key "branch"`},
		"secret":          {"sources:\n  - {name: a, kind: feed, location: x, auth: {secret: x}}\n", `auth: unknown key "secret"; known are header, secret_env`},
		"unknown column":  {one("    columns:\n      text: x\n"), `s.yaml:6: source of kind files: columns: unknown key "text"`},
		"twice":           {one("    location: x\n"), `s.yaml:2: `},
		"type":            {one("    schedule: often\n"), "line 5: cannot unmarshal"},
		"unknown kind":    {"sources:\n  - name: a\n    kind: fles\n    location: x\n", `s.yaml:2: kind "fles" is not known; known are`},
		"no kind":         {"sources:\n  - name: a\n    location: x\n", `kind "" is not known`},
		"no location":     {"sources:\n  - name: a\n    kind: files\n", "location is missing"},
		"no name":         {"sources:\n  - kind: files\n    location: x\n", `name ""`},
		"same name":       {one("  - name: a\n    kind: files\n    location: x\n"), `s.yaml:5: name "a" is used twice`},
		"short schedule":  {one("    schedule: 1s\n"), "schedule takes 1m or more"},
		"language":        {one("    language: englisch!\n"), "is no language tag"},
		"empty audience":  {one("    audience: [\"\"]\n"), "audience holds an empty name"},
		"bad glob":        {one("    include: [\"\"]\n"), `include holds ""`},
		"source a string": {"sources: [x]", "expected a source"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSources("s.yaml", []byte(c.in))
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "s.yaml")
		})
	}
}

func TestDeclaredFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "docs/a.md", "# A\n\nx")
	write(t, dir, "docs/sub/b.md", "---\naudience: [hr]\nlanguage: de\n---\n# B\n\nx")
	write(t, dir, "docs/sub/c.md", "---\naudience: [public]\n---\n# C\n\nx")
	write(t, dir, "docs/drafts/d.md", "# D\n\nx")
	write(t, dir, "docs/e.txt", "E\n\nx")
	c := SourceConfig{Name: "s", Kind: "files", Location: "docs", Language: "en", Product: "p", Category: "c", Audience: []string{"staff", "people"},
		AudienceMap: map[string]string{"hr": "people"}, Include: []string{"*.md"}, Exclude: []string{"drafts/**"}}
	src, err := c.Open(Setup{Dir: dir})
	require.NoError(t, err)
	index := newMemory()
	rep, err := New(index, Options{}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	require.Equal(t, map[string]int{SkipExcluded: 2, SkipAudience: 1}, rep.Sources[0].Skipped)
	a, b := index.articles["s/a.md"], index.articles["s/sub/b.md"]
	require.Equal(t, []string{"en", "p", "c", "staff", "people"}, append([]string{a.Language, a.Product, a.Category}, a.Audience...))
	require.Equal(t, []string{"de", "people"}, append([]string{b.Language}, b.Audience...))

	c.Product = "q" // the configuration changes: everything is parsed again
	src, err = c.Open(Setup{Dir: dir})
	require.NoError(t, err)
	rep, err = New(index, Options{}).Refresh(t.Context(), []Source{src})
	require.NoError(t, err)
	require.Equal(t, 2, rep.Sources[0].Changed)
	c.Location = "nowhere"
	_, err = c.Open(Setup{Dir: dir})
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"*.md", "a/b.md", true}, {"*.md", "a/b.mdx", false}, {"docs/*.md", "docs/a.md", true}, {"docs/*.md", "docs/a/b.md", false},
		{"docs/**", "docs/a/b.md", true}, {"**/b.md", "b.md", true}, {"**/b.md", "x/y/b.md", true}, {"/a.md", "a.md", true}, {"/a.md", "b/a.md", false},
		{"a?.md", "ab.md", true}, {"a?.md", "a/.md", false}, {"a+.md", "a+.md", true}, {"a+.md", "aa.md", false}, {"zh-cn/**", "zh-cn/新.md", true},
	} {
		f, err := newFilter([]string{c.glob}, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, f.takes(c.path), "%s %s", c.glob, c.path)
	}
	f, err := newFilter(nil, []string{"*.txt"})
	require.NoError(t, err)
	require.True(t, f.takes("a.md"))
	require.False(t, f.takes("x/a.txt"))
	rapid.Check(t, func(t *rapid.T) { // a path without wildcards matches itself alone
		p := rapid.StringMatching(`[a-z.+()\[\]]{1,5}/[a-z.+一-龥]{1,5}`).Draw(t, "path")
		f, err := newFilter([]string{p}, nil)
		require.NoError(t, err)
		require.True(t, f.takes(p))
		require.False(t, f.takes(p+"x"))
	})
}

func FuzzParseSources(f *testing.F) {
	f.Add("sources:\n  - {name: a, kind: files, location: x, include: ['**/*']}\n")
	f.Add("sources: &a [*a]")
	f.Fuzz(func(t *testing.T, raw string) {
		list, err := ParseSources("s.yaml", []byte(raw))
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		require.NotEmpty(t, list)
	})
}
