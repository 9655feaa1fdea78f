package eval

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestReportsAsMarkdown(t *testing.T) {
	write := func(report interface{ WriteMarkdown(io.Writer) error }) []byte {
		var b strings.Builder
		require.NoError(t, report.WriteMarkdown(&b))
		require.NotContains(t, b.String(), "NaN")
		return []byte(b.String())
	}
	golden(t, "classify.md", write(classifySmall(t, ClassifyOptions{})))
	queries, qrels := collection()
	retrieved, _, err := Retrieve(t.Context(), prediag.SearcherFunc(words), queries, qrels, RetrieveOptions{Resamples: 100, Workers: 1, Now: ticks()})
	require.NoError(t, err)
	golden(t, "retrieve.md", write(retrieved))
	line, examples := lineCase()
	triaged, err := Triage(t.Context(), line, examples, TriageOptions{Resamples: 100})
	require.NoError(t, err)
	golden(t, "triage.md", write(triaged))
	write(ClassifyReport{})
}
