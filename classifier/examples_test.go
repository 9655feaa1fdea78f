package classifier

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestReadExamples(t *testing.T) {
	example := func(body string, labels map[string]string) prediag.Example {
		return prediag.Example{Ticket: prediag.Ticket{Body: body}, Labels: labels, Source: "import"}
	}
	category := func(l string) map[string]string { return map[string]string{"category": l} }
	for _, c := range []struct {
		name   string
		in     string
		labels map[string]string
		want   []prediag.Example
	}{
		{"label is the category", `{"text":"a","label":"x"}` + "\n" + `{"text":"b","label":"y"}`, nil,
			[]prediag.Example{example("a", category("x")), example("b", category("y"))}},
		{"known columns before label", `{"text":"a","label":"x","tier":"L1","urgency":"low"}`, nil,
			[]prediag.Example{example("a", map[string]string{"tier": "L1", "urgency": "low"})}},
		{"gzip", zipped(`{"text":"a","label":"x"}`), nil, []prediag.Example{example("a", category("x"))}},
		{"byte order mark and empty lines", "\ufeff\r\n{\"text\":\"a\",\"label\":\"x\"}\r\n\n", nil, []prediag.Example{example("a", category("x"))}},
		{"mapped nested column", `{"text":"a","fields":{"intent":{"name":"x"}}}`, category("fields.intent.name"), []prediag.Example{example("a", category("x"))}},
		{"numbers and booleans", `{"text":"a","p":1.50,"q":true}`, map[string]string{"tier": "p", "vip": "q"},
			[]prediag.Example{example("a", map[string]string{"tier": "1.50", "vip": "true"})}},
		{"all columns", `{"id":"7","title":"t","body":"b","lang":"de","product":"compute","article":"kb1","label":" x ","source":"review"}`, nil,
			[]prediag.Example{{Ticket: prediag.Ticket{ID: "7", Title: "t", Body: "b", Language: "de", Product: "compute"},
				Labels: category("x"), Article: "kb1", Source: "review"}}},
		{"empty file", "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, report, err := ReadExamples(strings.NewReader(c.in), ReadOptions{Labels: c.labels})
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, len(c.want), report.Examples)
		})
	}
}

func TestReadExamplesCountsWhatItSkips(t *testing.T) {
	in := `{"text":"a","label":"x"}
{"text":" ","label":"x"}
{"label":"x"}
{"text":"b","label":""}
{"text":"b","label":null}`
	got, report, err := ReadExamples(strings.NewReader(in), ReadOptions{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, ReadReport{Records: 5, Examples: 1, WithoutText: 2, WithoutLabel: 2, Labels: map[string]string{"category": "label"}}, report)
}

func TestReadExamplesKeepsUnlabelledOnesWhenAsked(t *testing.T) {
	in := `{"id":"1","text":"a","created":"2026-03-01T08:00:00Z","source":"phone"}` + "\n" + `{"id":"2","text":"b","created":"2026-03-02"}` + "\n" + `{"text":"c","created":"soon"}`
	_, _, err := ReadExamples(strings.NewReader(in), ReadOptions{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	got, report, err := ReadExamples(strings.NewReader(in), ReadOptions{Unlabelled: true})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, 3, report.WithoutLabel)
	require.Equal(t, "phone", got[0].Ticket.Fields["source"])
	require.Equal(t, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), got[0].Ticket.Created)
	require.Equal(t, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), got[1].Ticket.Created)
	require.True(t, got[2].Ticket.Created.IsZero())
	require.Empty(t, got[2].Labels)
}

func TestReadExamplesKeepsTheGroup(t *testing.T) {
	file := `{"text": "a", "label": "x", "fields": {"thread": 7}, "source": "mail"}
{"text": "b", "label": "x"}
`
	list, _, err := ReadExamples(strings.NewReader(file), ReadOptions{Group: "fields.thread"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"source": "mail", GroupField: "7"}, list[0].Ticket.Fields)
	require.Empty(t, list[1].Ticket.Fields)
	list, _, err = ReadExamples(strings.NewReader(file), ReadOptions{})
	require.NoError(t, err)
	require.NotContains(t, list[0].Ticket.Fields, GroupField)
	_, _, err = ReadExamples(strings.NewReader(file), ReadOptions{Group: "thread"})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, `"thread"`)
}

func TestReadExamplesRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     string
		labels map[string]string
		kind   error
		says   string
	}{
		{"no JSON", "{\"text\":\"a\",\"label\":\"x\"}\n{oops}", nil, prediag.ErrInvalid, "line 2"},
		{"a list", "[1]", nil, prediag.ErrInvalid, "line 1"},
		{"null", "null", nil, prediag.ErrInvalid, "line 1"},
		{"two objects", `{} {}`, nil, prediag.ErrInvalid, "line 1"},
		{"unknown column", `{"text":"a","intent":"x"}`, map[string]string{"category": "intnt"}, prediag.ErrInvalid, `"intnt" for field "category": the columns are "intent", "text"`},
		{"no label column", `{"text":"a","intent":"x"}`, nil, prediag.ErrInvalid, `the columns are "intent", "text"`},
		{"overlong line", "\n" + strings.Repeat("x", maxLine+1), nil, prediag.ErrTooLarge, "line 2"},
		{"cut gzip", zipped(strings.Repeat(`{"text":"a","label":"x"}`+"\n", 1000))[:40], nil, prediag.ErrInvalid, "line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ReadExamples(strings.NewReader(c.in), ReadOptions{Labels: c.labels})
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestReadExamplesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[\p{L}"\\][\p{L} "\\]{0,10}[\p{L}]`)
		var in strings.Builder
		var want []prediag.Example
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			e := prediag.Example{Ticket: prediag.Ticket{ID: word.Draw(t, "id"), Title: word.Draw(t, "title"), Body: word.Draw(t, "body")},
				Labels: map[string]string{"category": word.Draw(t, "label")}, Source: "import"}
			line, err := json.Marshal(map[string]any{"id": e.Ticket.ID, "title": e.Ticket.Title, "body": e.Ticket.Body, "category": e.Labels["category"]})
			require.NoError(t, err)
			in.Write(append(line, '\n'))
			want = append(want, e)
		}
		got, _, err := ReadExamples(strings.NewReader(in.String()), ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func FuzzReadExamples(f *testing.F) {
	f.Add([]byte(`{"text":"a","label":"x"}`), "")
	f.Add([]byte(zipped(`{"text":"a","fields":{"x":1}}`)), "fields.x")
	f.Add([]byte("\xef\xbb\xbf{\"a\":[{}]}\n\n"), "a")
	f.Add([]byte("\x1f\x8b\x00"), "x")
	f.Add([]byte("text;label\n\"a\nb\";c\n"), "")
	f.Fuzz(func(t *testing.T, data []byte, column string) {
		var labels map[string]string
		if column != "" {
			labels = map[string]string{"category": column}
		}
		examples, report, err := ReadExamples(bytes.NewReader(data), ReadOptions{Labels: labels})
		if err != nil {
			require.Error(t, err)
			return
		}
		require.Equal(t, report.Records, len(examples)+report.WithoutText+report.WithoutLabel)
	})
}
