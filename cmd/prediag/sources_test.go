package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// put writes a file with its folders.
func put(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestIngestDeclaredSources(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	put(t, filepath.Join(dir, "docs/a.md"), "# Disk full\n\nDelete files.")
	put(t, filepath.Join(dir, "docs/b.html"), "<html><nav>n</nav><main><h1>Page</h1><p>Text of the page.</p></main></html>")
	put(t, filepath.Join(dir, "docs/broken.docx"), "no zip")
	put(t, filepath.Join(dir, "codes.csv"), "nr,error_code,text,fix\n1,DSK.0001,No space,Delete files\n")
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`[{"key":1,"text":"From the API."}]`))
	}))
	defer server.Close()
	file := put(t, filepath.Join(dir, "sources.yaml"), `
sources:
  - {name: docs, kind: files, location: docs, product: storage}
  - {name: codes, kind: files, location: codes.csv, columns: {id: nr, code: error_code, meaning: text, solution: fix}}
  - {name: api, kind: json-api, location: "`+server.URL+`", allow_private: true, limits: {retries: 1}, columns: {id: key, body: text}}
`)
	out := must(t, "ingest", "--data-dir", data, "--sources", file)
	require.Contains(t, out, "docs: 3 files, 2 articles: 2 added")
	require.Contains(t, out, `"broken.docx": malformed docx`)
	require.Contains(t, out, "codes: 1 files, 1 articles")
	require.Contains(t, out, "api: 1 files, 1 articles")
	require.Contains(t, must(t, "search", "--data-dir", data, "DSK.0001"), "DSK.0001")
	require.Contains(t, must(t, "ingest", "--data-dir", data), "Nothing changed", "the file is remembered")

	require.Contains(t, must(t, "ingest", "--data-dir", data, "--quarantine"), "1 quarantined")
	var left []map[string]any
	require.NoError(t, json.Unmarshal([]byte(must(t, "ingest", "--data-dir", data, "--quarantine", "--json")), &left))
	require.Equal(t, "broken.docx", left[0]["path"])
	require.Equal(t, "docs", left[0]["source"])

	status = http.StatusUnauthorized
	r := call(t, "", "ingest", "--data-dir", data)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.out, "api: 0 files, 1 articles")
	require.Contains(t, r.out, "answered 401 Unauthorized: check the credentials that auth names")
	require.Contains(t, r.err, "not every source could be read")
	status = http.StatusOK

	r = call(t, "", "ingest", "--data-dir", data, "--remove", "docs")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "take it out there first")
	put(t, file, "sources:\n  - {name: codes, kind: files, location: codes.csv, columns: {id: nr, code: error_code, meaning: text, solution: fix}}\n")
	r = call(t, "", "ingest", "--data-dir", data)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, `2 articles are of source "docs", which is no longer declared`)
	must(t, "ingest", "--data-dir", data, "--remove", "docs", "--remove", "api")
	require.NotContains(t, call(t, "", "ingest", "--data-dir", data).err, "no longer declared")
}

func TestSourcesFileThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"sources:\n  - {name: a, kind: files, location: x, colour: red}": `sources.yaml:2: source of kind files: unknown key "colour"`,
		"sources:\n  - {name: a, kind: files, location: nowhere}":        "does not exist",
	} {
		file := put(t, filepath.Join(dir, "sources.yaml"), content)
		r := call(t, "", "ingest", "--data-dir", filepath.Join(dir, "data"), "--sources", file)
		require.Equal(t, exitUsage, r.code, r.err)
		require.Contains(t, r.err, want)
	}
	r := call(t, "", "ingest", "--data-dir", filepath.Join(dir, "data"), "--sources", filepath.Join(dir, "none.yaml"))
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "none.yaml")
	_, err := os.Stat(filepath.Join(dir, "data", "sources.json"))
	require.ErrorIs(t, err, os.ErrNotExist, "a file that is wrong is not remembered")
}
