package concept

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func TestParseSKOS(t *testing.T) {
	g, err := ParseSKOS([]byte(`# a thesaurus
<http://example.org/t/lb> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> .
<http://example.org/t/lb> <http://www.w3.org/2004/02/skos/core#altLabel> "LB"@en .
<http://example.org/t/lb> <http://www.w3.org/2004/02/skos/core#prefLabel> "load balancer"@en-US . # preferred
<http://example.org/t/lb> <http://www.w3.org/2004/02/skos/core#prefLabel> "\u8D1F\u8f7d\U00005747\u8861 \"x\""@zh-Hans .
<http://example.org/t/lb> <http://www.w3.org/2004/02/skos/core#broader> _:b1 .
<http://example.org/t/lb> <http://purl.org/dc/terms/created> "2026"^^<http://www.w3.org/2001/XMLSchema#gYear> .
_:b1 <http://www.w3.org/2004/02/skos/core#prefLabel> "no name"@en .

`))
	require.NoError(t, err)
	require.Equal(t, map[string]Labels{"lb": {"en": {"load balancer", "LB"}, "zh": {`负载均衡 "x"`}}}, g.Concepts)
}

func TestParseSKOSFaults(t *testing.T) {
	const label = `<http://e.org/a> <http://www.w3.org/2004/02/skos/core#prefLabel> `
	for text, want := range map[string]string{
		`@prefix skos: <http://x/> .`:                  "line 1",
		label + `"x" .`:                                "no language",
		label + `"x"@en`:                               "N-Triples",
		label + `"x@en .`:                              "N-Triples",
		label + `"\q"@en .`:                            "N-Triples",
		label + `"x"@en .` + "\n" + label + `"y"@en .`: "two preferred",
		label + `"x"@en .` + "\n<http://other.org/a>" + label[len("<http://e.org/a>"):] + `"y"@de .`: "same last part",
		label + `""@en .`: "empty",
	} {
		_, err := ParseSKOS([]byte(text))
		require.ErrorIs(t, err, prediag.ErrInvalid, text)
		require.ErrorContains(t, err, want, text)
	}
	_, err := ParseSKOS(make([]byte, MaxGlossaryBytes+1))
	require.ErrorIs(t, err, prediag.ErrTooLarge)
}

func TestSKOSRoundTrip(t *testing.T) {
	builtIn, err := BuiltIn()
	require.NoError(t, err)
	again, err := ParseSKOS(builtIn.SKOS())
	require.NoError(t, err)
	require.Equal(t, builtIn, again)
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z"\\äß磁<>@. \t]{0,8}[a-z磁]`)
		labels := rapid.MapOfN(rapid.SampledFrom([]string{"en", "de", "zh"}), rapid.SliceOfNDistinct(label, 1, 4, rapid.ID), 0, 3)
		g := Glossary{Concepts: map[string]Labels{}}
		for id, l := range rapid.MapOf(rapid.StringMatching(`[a-zé /#:%"<>.]{0,6}[a-z]`), labels).Draw(t, "g") {
			g.Concepts[id] = l
		}
		again, err := ParseSKOS(g.SKOS())
		if err != nil {
			t.Fatal(err)
		}
		require.Equal(t, g, again)
	})
}

func FuzzParseSKOS(f *testing.F) {
	f.Add([]byte("<http://e/a> <" + skosPref + "> \"x\\u0041\"@en .\n"))
	f.Add([]byte("_:b <p> <o> .\n<"))
	f.Add([]byte("<a> <b> \"\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := ParseSKOS(data)
		if err != nil {
			return
		}
		_, err = ParseSKOS(g.SKOS())
		require.NoError(t, err)
	})
}

func TestAmbiguous(t *testing.T) {
	g := Glossary{Concepts: map[string]Labels{"a": {"en": {"LB", "x"}, "de": {"LB"}}, "b": {"en": {"lb"}}}}
	require.Equal(t, []Shared{{"en", "lb", []string{"a", "b"}}}, g.Ambiguous())
}
