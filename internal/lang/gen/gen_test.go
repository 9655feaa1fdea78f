package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag/internal/lang/ngram"
)

func TestReaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ending, in string
		want       []string
	}{
		"fluent":     {".ftl", "# comment here\nkey = Open the file\n    .label = Save it now\nvariant = { $n ->\n   *[other] Two files\n  }\n", []string{"Open the file", "Save it now", "Two files"}},
		"properties": {".properties", "# no\na.b=Der Text hier\n", []string{"Der Text hier"}},
		"dtd":        {".dtd", `<!ENTITY x.y "Le texte">`, []string{"Le texte"}},
		"json":       {".json", `{"a":["Il testo"],"n":3}`, []string{"Il testo"}},
		"html":       {".html", `<html><title>no no</title><p>Ein <b>Absatz</b></p><script>var not</script><li>Noch einer</li></html>`, []string{"Ein Absatz", "Noch einer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range readers[c.ending](c.in) {
				if s = clean(s); s != "" {
					got = append(got, s)
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"zh-TW": "zh-Hant", "zh_cn": "zh", "nn-no": "nb", "pt-br": "pt", "bs-Latn": "hr", "de-1996": "de"} {
		require.Equal(t, want, canonical(in), in)
	}
}

func TestNoise(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"Ljubav", "i", "dž"}, strings.Fields(latinised([]string{"Љубав и џ"})[0]))
	rng := rand.New(rand.NewPCG(1, 1))
	require.Contains(t, []string{"naechste ubung", "naechste uebung", "nachste ubung"}, strings.Join(plain(rng, []string{"nächste", "übung"}), " "))
	words := strings.Fields("one two three four five six")
	require.GreaterOrEqual(t, len(mixed(rng, words, nil)), 7)
	require.Equal(t, "one two three four five six", strings.Join(words, " "))
	require.LessOrEqual(t, len(window(rng, strings.Repeat("w ", 90))), 16)
}

// TestTrains learns two languages and "und" from a few lines, twice with the same bytes.
func TestTrains(t *testing.T) {
	t.Parallel()
	c := corpus{}
	for i := range 60 {
		n := strings.Repeat("x", i%7+1)
		c["ru"] = append(c["ru"], "ошибка при запуске сервера и файл "+strings.Repeat("ы", i+1), "что это было "+strings.Repeat("э", i+1))
		c["uk"] = append(c["uk"], "помилка під час запуску і ще "+strings.Repeat("ї", i+1), "що це було "+strings.Repeat("є", i+1))
		c["mn"] = append(c["mn"], "өнөө өглөө бид нэвтэрч "+strings.Repeat("ө", i+1)+n)
	}
	g := group{script: ngram.Cyrillic, bits: 8, draws: 6000, tags: "ru uk", clusters: []string{"mn"}}
	train := func() (*trainer, ngram.Group) {
		tr := newTrainer(g, c, 7)
		tr.learn()
		model := tr.quantised()
		tr.calibrate(&model)
		return tr, model
	}
	tr, model := train()
	_, again := train()
	require.Equal(t, model, again)
	right := 0
	outcomes := tr.judge(&model, 500)
	for _, o := range outcomes {
		if o.right {
			right++
		}
	}
	require.Greater(t, right, 425)
	var log bytes.Buffer
	tr.report(&model, &log)
	require.Contains(t, log.String(), "uk")
}

func TestRun(t *testing.T) {
	t.Parallel()
	raw, out := t.TempDir(), t.TempDir()
	dir := filepath.Join(raw, "firefox-esr-l10n-de", "browser")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.ftl"), []byte("a = Der Server startet nicht\nb = Der Server startet nicht\n"), 0o600))
	var log bytes.Buffer
	require.NoError(t, run([]string{"corpus", raw, out}, &log))
	data, err := os.ReadFile(filepath.Join(out, "de.txt"))
	require.NoError(t, err)
	require.Equal(t, "Der Server startet nicht\n", string(data))
	require.ErrorContains(t, run([]string{"corpus"}, &log), "two paths")
	require.Contains(t, log.String(), "gen corpus DIR CORPUS")
}
