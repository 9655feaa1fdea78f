package kb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestNextGenerationKnowsWhatSearchesAskFor(t *testing.T) {
	k := open(t, t.TempDir(), Options{})
	apply(t, k, put(article("a", "Disk full", "the volume has no space"), article("b", "Network", "packets are lost")))
	find(t, k, prediag.Query{Text: "volume space unheard"})
	before := k.current
	apply(t, k, put(article("c", "Disk slow", "the volume is slow")))
	require.NotSame(t, before, k.current)
	for term, scored := range before.terms.known() {
		e, ok := k.current.terms.get(term)
		require.True(t, ok, term)
		require.Equal(t, scored, e.lists != nil, term)
	}
	e, ok := k.current.terms.get("volum")
	require.True(t, ok)
	require.Len(t, e.lists.text.sats, 2, "of the new generation, not of the one before")
	require.NotEmpty(t, k.current.filterKeys())
	require.ElementsMatch(t, before.filterKeys(), k.current.filterKeys())
}

func TestColdKnowledgeBaseReadsNothingAhead(t *testing.T) {
	k := open(t, t.TempDir(), Options{Cold: true})
	apply(t, k, put(article("a", "Disk full", "the volume has no space")))
	find(t, k, prediag.Query{Text: "volume space"})
	apply(t, k, put(article("c", "Disk slow", "the volume is slow")))
	require.Empty(t, k.current.terms.known())
	require.Len(t, find(t, k, prediag.Query{Text: "volume"}).Hits, 2)
}
