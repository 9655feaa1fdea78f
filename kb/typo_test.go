package kb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestDidYouMean(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	secret := article("secret", "Quokkabase", "quokkabase")
	secret.Audience = []string{"staff"}
	ru := article("ru", "Соединение с сервером", "Соединения прерываются.")
	ru.Language = "ru"
	apply(t, k, put(article("a", "Certificates", "How certificates are renewed."), article("b", "Terminate a server", "Termination removes its disks."),
		article("c", "Codes such as ErrImagePull", "ErrImagePull means that the image is missing."), secret, ru))
	for query, want := range map[string]string{
		"renew Certificatse":    "renew certificates",
		"certifcates, renewed?": "certificates, renewed?",
		"renewed certificates":  "",
		"trminate":              "terminate",
		"соеденение":            "соединение",
		"ErrImagePul":           "ErrImagePul",
		"ErrImagePull":          "",
		"quokkabose":            "",
		"cert":                  "",
		"zzzzzzzz":              "",
		"ACS.0013 certificate":  "",
	} {
		r := find(t, k, prediag.Query{Text: query})
		if query == want {
			continue
		}
		require.Equal(t, want, r.DidYouMean, query)
		if want != "" {
			require.NotEmpty(t, r.Hits, query)
		}
	}
	r := find(t, k, prediag.Query{Text: "quokkabose", Audience: []string{"staff"}})
	require.Equal(t, "quokkabase", r.DidYouMean, "who may read the article is helped")
	require.Equal(t, []string{"secret"}, ids(r))
}

func TestLongTextsAreNotMended(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Certificates", "How certificates are renewed.")))
	text := "certificatse"
	for _, w := range zipfArticles(1)[0].Body[:200] {
		text += string(w)
	}
	require.Empty(t, find(t, k, prediag.Query{Text: text}).DidYouMean)
}

func TestCodesAreCompleted(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	var all []prediag.Article
	for _, c := range []string{"APIG.0201", "APIG.0202", "APIG.0301", "APIG.0299"} {
		a := article(c, "About "+c, "what it means")
		a.Codes = []prediag.FaultCode{{Code: c}}
		all = append(all, a)
	}
	all[3].Audience = []string{"staff"}
	apply(t, k, put(all...))
	suggest := func(prefix string, audience ...string) []string {
		got, err := k.SuggestFor(t.Context(), prefix, nil, 3, audience)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, []string{"APIG.0201", "APIG.0202"}, suggest("apig.02")[:2])
	require.NotContains(t, suggest("apig.02"), "APIG.0299")
	require.Equal(t, []string{"APIG.0201", "APIG.0202", "APIG.0299"}, suggest("APIG.02", "staff"))
	require.Equal(t, []string{"About APIG.0201", "About APIG.0202", "About APIG.0301"}, suggest("abo"))
	require.Empty(t, suggest("9"))
}
