package ingest

import (
	"html"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestConfluenceStorage(t *testing.T) {
	in := `<p>First <ac:link><ri:page ri:content-title="Other"/><ac:plain-text-link-body><![CDATA[a <link>]]></ac:plain-text-link-body></ac:link>.</p>
<h2>Steps</h2><ol><li>One</li></ol>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">bash</ac:parameter><ac:plain-text-body><![CDATA[ls <dir>
  df -h]]></ac:plain-text-body></ac:structured-macro>
<ac:structured-macro ac:name="info"><ac:parameter ac:name="title">Note</ac:parameter><ac:rich-text-body><p>Inside.</p></ac:rich-text-body></ac:structured-macro>
<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>incomplete</ac:task-status><ac:task-body>Do it</ac:task-body></ac:task></ac:task-list>
<table><tbody><tr><th>Error code</th><th>Meaning</th></tr><tr><td>A.0001</td><td>Bad</td></tr></tbody></table>`
	a, reason := (&task{Source: "s", Path: "p", Format: FormatConfluence, Raw: []byte(in), Given: Meta{Title: "T", ID: "s/1"}}).parse()
	require.Empty(t, reason)
	require.Equal(t, "First a <link>.\n\nSteps\n\n1. One\n\nls <dir>\n  df -h\n\nNote\n\nInside.\n\n- Do it\n\nError code | Meaning\nA.0001 | Bad", a.Body)
	require.Len(t, a.Codes, 1)
	rapid.Check(t, func(t *rapid.T) { // code comes back as it was written
		code := rapid.StringMatching(`[a-z<>&"'/]{1,20}(\n {0,3}[a-z<>&]{1,9}){0,4}`).Draw(t, "code")
		in := `<ac:plain-text-body><![CDATA[` + code + `]]></ac:plain-text-body>`
		require.Equal(t, `<pre>`+html.EscapeString(code)+`</pre>`, storageHTML(in))
	})
}
