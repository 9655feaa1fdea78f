package kb

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pgregory.net/rapid"
	"prediag/internal/lang"

	"prediag"
	"prediag/internal/text"
)

// termsIn are the terms of a text in a language.
func termsIn(language, s string) []string {
	a := newAnalyzer()
	a.speak(language)
	return slices.Clone(a.terms(s))
}

// TestFormsOfAWordAreOneTerm goes through the languages whose words are reduced.
func TestFormsOfAWordAreOneTerm(t *testing.T) {
	for language, forms := range map[string][2]string{
		"en": {"connections failed", "connection fails"},
		"de": {"Verbindungen", "Verbindung"},
		"fr": {"les disques pleins", "le disque plein"},
		"es": {"conexiones fallidas", "conexión fallida"},
		"pt": {"servidores", "servidor"},
		"it": {"connessioni interrotte", "connessione interrotta"},
		"nl": {"verbindingen", "verbinding"},
		"ro": {"conexiunile", "conexiune"},
		"sv": {"anslutningar", "anslutning"},
		"da": {"forbindelser", "forbindelse"},
		"nb": {"forbindelser", "forbindelse"},
		"fi": {"yhteyksissä", "yhteyksistä"},
		"hu": {"szerverek", "szerver"},
		"tr": {"bağlantılar", "bağlantı"},
		"ru": {"соединения", "соединений"},
		"ar": {"الخوادم", "خوادم"},
		"hi": {"समस्याएं", "समस्या"},
		"el": {"συνδέσεις", "σύνδεσης"},
		"zh": {"無法連接雲伺服器", "无法连接云伺服器"},
		"ja": {"ｻｰﾊﾞｰに接続", "サーバーに接続"},
		"ko": {"ＶＰＮ 연결", "vpn 연결"},
	} {
		assert.Equal(t, termsIn(language, forms[1]), termsIn(language, forms[0]), language)
	}
}

// TestEnglishInAnyLanguage: product names and log lines are analysed alike in texts without a Latin alphabet.
func TestEnglishInAnyLanguage(t *testing.T) {
	for _, language := range []string{"zh", "ja", "ko", "ru", "ar", "th", "el", "und", ""} {
		require.Equal(t, termsIn("en", "snapshots failed"), termsIn(language, "snapshots failed"), language)
	}
}

// TestCodesAreNeverCut draws codes and words and finds the codes as they were, whatever the language.
func TestCodesAreNeverCut(t *testing.T) {
	codes := []string{"ACS.0013", "ALM-21004", "0x80070005", "ECS_INSTANCES", "i-0abc12def", "sqlstate-42501", "10.0.0.1"}
	rapid.Check(t, func(t *rapid.T) {
		language := rapid.SampledFrom([]string{"en", "de", "fr", "es", "ro", "tr", "ru", "ar", "fi", "zh", "el", "hi"}).Draw(t, "language")
		code := rapid.SampledFrom(codes).Draw(t, "code")
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"errors", "Fehler", "ошибки", "错误", "hatalar", "σφάλματα"}), 0, 4).Draw(t, "words")
		require.Contains(t, termsIn(language, strings.Join(append(words, code), " ")), text.Fold(code))
	})
}

// TestLanguageOfQuery: the languages of the articles speak against a guess that is not sure.
func TestLanguageOfQuery(t *testing.T) {
	a := newAnalyzer()
	a.known = map[string]int{"en": 10}
	require.Equal(t, "en", a.languageOf(lang.Detect("restart")))
	require.Equal(t, "de", a.languageOf(lang.Detect("Warum kann ich mich nicht mehr mit dem Server verbinden, obwohl das Kennwort stimmt?")))
	a.known = map[string]int{"fr": 10, "de": 3}
	require.Equal(t, "fr", a.languageOf(lang.Detect("x-17")))
	a.known = nil
	require.Equal(t, "en", a.languageOf(lang.Detect("x-17")))
}

// TestSearchByWordForm: a query finds another form of its word in the article's language.
func TestSearchByWordForm(t *testing.T) {
	ru := article("ru", "Потерянные соединения", "Сервер закрывает соединения через минуту.")
	ru.Language = "ru"
	de := article("de", "Zurücksetzen", "Die Verbindungen werden vom Verteiler getrennt, die Häuser bleiben dunkel.")
	de.Language = "de"
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(ru, de))
	for query, want := range map[string]string{
		"почему сервер не закрыл соединение":                                  "ru",
		"warum ist das Haus dunkel und die Verbindung vom Verteiler getrennt": "de",
	} {
		found, err := k.Search(t.Context(), prediag.Query{Text: query})
		require.NoError(t, err)
		require.NotEmpty(t, found.Hits, query)
		require.Equal(t, want, found.Hits[0].ArticleID)
		require.Greater(t, found.Hits[0].Coverage, 0.2)
	}
}

// TestStopListsByLanguage: a function word of one language may be a subject in another.
func TestStopListsByLanguage(t *testing.T) {
	lists := newStopLists()
	require.GreaterOrEqual(t, len(lists), 17)
	require.Equal(t, stopWeight, lists.weight("de", "die"))
	require.Equal(t, 1.0, lists.weight("en", "die"))
	require.Equal(t, stopWeight, lists.weight("de", "the"))
	require.Equal(t, stopCJKWeight, lists.weight("zh", "什么"))
}
