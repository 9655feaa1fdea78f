package classifier

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func readAll(t require.TestingT, text string, opt ReadOptions) ([]prediag.Example, ReadReport) {
	list, report, err := ReadExamples(strings.NewReader(text), opt)
	require.NoError(t, err)
	return list, report
}

func TestTablesAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"comma":         "id,text,category\r\n1,\"no \"\"login\"\", since\nyesterday\",auth\r\n\r\n2,the disk is full,storage\r\n",
		"tab":           "id\ttext\tcategory\n1\t\"no \"\"login\"\", since\nyesterday\"\tauth\n2\tthe disk is full\tstorage",
		"semicolon":     "\xef\xbb\xbf\"id\";\"text\";\"category\"\n1;\"no \"\"login\"\", since\nyesterday\";auth\n2;the disk is full;storage\n",
		"jira, servers": "id,Description,category\n1,\"no \"\"login\"\", since\nyesterday\",auth\n2,the disk is full,storage\n",
	} {
		list, report := readAll(t, text, ReadOptions{})
		require.Equal(t, 2, report.Records, name)
		require.Equal(t, "no \"login\", since\nyesterday", list[0].Ticket.Body, name)
		require.Equal(t, map[string]string{"category": "storage"}, list[1].Labels, name)
		require.Equal(t, "2", list[1].Ticket.ID, name)
	}
	list, _ := readAll(t, `{"Subject":"VPN","Description":"drops","Topic":"net"}`, ReadOptions{Labels: map[string]string{"category": "Topic"}})
	require.Equal(t, "VPN\n\ndrops", list[0].Ticket.Text())
	list, _ = readAll(t, `{"text":"this one","description":"not this one","label":"a"}`, ReadOptions{})
	require.Equal(t, "this one", list[0].Ticket.Text())
}

func TestFilesOfOtherFormsAreRefusedByName(t *testing.T) {
	long := strings.Repeat("x", prediag.MaxFieldBytes+1)
	for name, c := range map[string]struct{ text, want string }{
		"array":          {`[{"text":"a","label":"b"}]`, "jq -c"},
		"utf-16":         {"\xff\xfe{\x00", "UTF-16"},
		"latin-1":        {"{\"text\":\"caf\xe9\",\"label\":\"b\"}", "line 1: is not UTF-8"},
		"latin-1 table":  {"text,label\na,b\ncaf\xe9,b\n", "line 3: is not UTF-8"},
		"no text":        {`{"Beschreibung":"a","label":"b"}`, `"Beschreibung"`},
		"long label":     {`{"text":"a","label":"` + long + `"}`, "is it the column of the labels?"},
		"long label row": {"text,label\na," + long, `line 2: the label in column "label"`},
		"ragged":         {"text,label\na,b\na,b,c\n", "line 3: has not as many columns"},
		"bare quote":     {"text,label\na \"b\" c,d\n", "line 2: is no row of a table"},
		"twice":          {"text,text\na,b\n", "column 2"},
		"open quote":     {"text,label\n\"" + strings.Repeat("a,b\n", 2<<20), "longer than"},
	} {
		_, _, err := ReadExamples(strings.NewReader(c.text), ReadOptions{})
		require.ErrorContains(t, err, c.want, name)
	}
	_, report, err := ReadExamples(strings.NewReader(""), ReadOptions{})
	require.NoError(t, err)
	require.Zero(t, report.Records)
}

// TestTableRoundTrip writes random values as a table and reads them back.
func TestTableRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-zé域 ,;"'\t\n]{0,12}x`)
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "separator")
		rows := [][]string{{"text", "label"}}
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			rows = append(rows, []string{value.Draw(t, "text"), value.Draw(t, "label")})
		}
		require.NoError(t, w.WriteAll(rows))
		list, _ := readAll(t, b.String(), ReadOptions{})
		require.Len(t, list, len(rows)-1)
		for i, e := range list {
			require.Equal(t, rows[i+1][0], e.Ticket.Body)
			require.Equal(t, strings.TrimSpace(rows[i+1][1]), e.Labels["category"])
		}
	})
}

func TestMacroF1LeavesOutLabelsThatWereNotMeasured(t *testing.T) {
	require.InDelta(t, (1+0.5)/2, macroF1([]int{2, 1, 0}, []int{2, 2, 0}, []int{2, 2, 0}), 1e-9)
	require.Zero(t, macroF1([]int{0}, []int{0}, []int{0}))
}
