package classifier

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

func hashesOf(t prediag.Ticket, g group) []uint32 {
	var out []uint32
	for _, o := range (&extractor{recipe: defaultRecipe()}).extract(t) {
		if o.group == g {
			out = append(out, o.hash)
		}
	}
	return out
}

func TestEdges(t *testing.T) {
	edges := func(s string) []uint32 { return hashesOf(prediag.Ticket{Body: s}, groupEdge) }
	require.Len(t, edges("one"), 1+1+1+3, "first word, last word, length, last characters")
	require.Equal(t, edges("is the disk full")[0], edges("is it")[0], "the first word")
	require.NotEqual(t, edges("disk full is")[0], edges("is disk full")[0])
	require.Empty(t, edges("?!"))
	require.Equal(t, []uint64{0, 2, 3, 4, 4, 5, 5, 6}, []uint64{lengthClass(1), lengthClass(2), lengthClass(3), lengthClass(4), lengthClass(5), lengthClass(6), lengthClass(7), lengthClass(8)})
	same := 0
	for _, h := range edges("내일 날씨가 어떠니") {
		for _, k := range edges("그 사람은 어떠니") {
			if h == k {
				same++
			}
		}
	}
	require.GreaterOrEqual(t, same, 5, "the same ending, character by character")
}

func TestStyle(t *testing.T) {
	style := func(s string) []uint32 { return hashesOf(prediag.Ticket{Body: s}, groupStyle) }
	require.Empty(t, style("plain words, no" + " marks")[1:], "the comma only")
	require.Len(t, style("DOWN now"), 2)
	require.Empty(t, style("I am"), "one capital is grammar")
	require.Len(t, style("sooo slow"), 1)
	require.Empty(t, style("too slow"))
	require.Equal(t, style("why???"), style("why?????"))
	require.NotEqual(t, style("why?"), style("why???"))
}

func TestProductAndCodesCount(t *testing.T) {
	a := hashesOf(prediag.Ticket{Body: "x", Product: "Storage", Codes: []string{"D.01", ""}}, groupField)
	require.Len(t, a, 2)
	require.Equal(t, a[:1], hashesOf(prediag.Ticket{Body: "y", Product: "storage"}, groupField))
	var examples []prediag.Example
	for i := range 60 {
		p := []string{"storage", "compute"}[i%2]
		examples = append(examples, prediag.Example{
			Ticket: prediag.Ticket{Body: fmt.Sprint("it does not work ", i/2), Product: p},
			Labels: map[string]string{prediag.FieldCategory: p},
		})
	}
	m, _, err := Train(context.Background(), examples, Options{})
	require.NoError(t, err)
	v, err := m.Classify(context.Background(), prediag.Ticket{Body: "it does not work", Product: "compute"})
	require.NoError(t, err)
	require.Equal(t, "compute", v.Fields[0].Label)
	require.Equal(t, "product=compute", v.Fields[0].Evidence[0].Text)
}
