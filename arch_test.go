package prediag

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const module = "prediag"

// joiners may import every folder: the command joins them.
var joiners = []string{"cmd"}

// extra is what a folder may import beside the root, internal and itself.
var extra = map[string][]string{
	"server": {"proto"}, // the network edge speaks protobuf
}

// TestImportRule reads the imports of every file: every folder imports the root, no folder imports a sibling, cmd joins
// them. It reads the files itself because the test cache does not see what go list reads.
func TestImportRule(t *testing.T) {
	require.Empty(t, importFaults(os.DirFS(".")))
}

// TestImportRuleCanFail plants the imports that the rule forbids.
func TestImportRuleCanFail(t *testing.T) {
	for name, c := range map[string]struct{ file, imports, fault string }{
		"sibling":                {"kb/x.go", "prediag/ingest", `kb/x.go: folder "kb" imports its sibling "ingest"`},
		"sibling's child":        {"kb/x.go", "prediag/proto/prediag/v1", `kb/x.go: folder "kb" imports its sibling "proto"`},
		"sibling in a test":      {"kb/x_test.go", "prediag/ingest", `kb/x_test.go: folder "kb" imports its sibling "ingest"`},
		"root beyond stdlib":     {"x.go", "golang.org/x/text/language", `x.go: the root imports "golang.org/x/text/language", which is not in the standard library`},
		"internal up":            {"internal/text/x.go", "prediag/kb", `internal/text/x.go: folder "internal" imports its sibling "kb"`},
		"grpc outside the edge":  {"triage/x.go", "google.golang.org/grpc", `triage/x.go: "google.golang.org/grpc" belongs to server`},
		"bleve outside the kb":   {"eval/x.go", "github.com/blevesearch/bleve/v2", `eval/x.go: "github.com/blevesearch/bleve/v2" belongs to kb`},
		"sql outside the record": {"triage/x.go", "modernc.org/sqlite", `triage/x.go: "modernc.org/sqlite" belongs to review`},
	} {
		t.Run(name, func(t *testing.T) {
			planted := fstest.MapFS{c.file: {Data: fmt.Appendf(nil, "package x\nimport _ %q\n", c.imports)}}
			require.Equal(t, []string{c.fault}, importFaults(planted))
		})
	}
	allowed := fstest.MapFS{
		"server/x.go": {Data: []byte("package x\nimport (_ \"prediag\"; _ \"prediag/proto/prediag/v1\"; _ \"prediag/internal/text\"; _ \"google.golang.org/grpc\")\n")},
		"cmd/a/x.go":  {Data: []byte("package x\nimport (_ \"prediag/kb\"; _ \"prediag/server\")\n")},
		"x.go":        {Data: []byte("package x\nimport _ \"context\"\n")},
	}
	require.Empty(t, importFaults(allowed))
}

// TestRootStaysSmall keeps the words few: a type enters the root only when a second folder needs it.
func TestRootStaysSmall(t *testing.T) {
	files, err := fs.Glob(os.DirFS("."), "*.go")
	require.NoError(t, err)
	lines := 0
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			raw, err := os.ReadFile(f)
			require.NoError(t, err)
			lines += strings.Count(string(raw), "\n")
		}
	}
	require.Less(t, lines, 700)
}

// owners are the folders that alone may link a heavy library, so that all others are tested and replaced without it.
func owners() map[string][]string {
	return map[string][]string{
		"google.golang.org/grpc":                   {"server", "proto", "cmd"},
		"github.com/grpc-ecosystem":                {"server", "proto"},
		"github.com/blevesearch":                   {"kb"},
		"modernc.org/sqlite":                       {"review"},
		"github.com/jackc/pgx":                     {"review"},
		"github.com/minio":                         {"blob"},
		"github.com/yuin/goldmark":                 {"ingest"},
		"github.com/spf13/cobra":                   {"cmd"},
		"github.com/prometheus":                    {"server"},
		"github.com/sashabaranov":                  {"embed"},
		"google.golang.org/protobuf/encoding/json": {"server", "cmd"},
	}
}

// importFaults lists what breaks the rule, in a fixed order.
func importFaults(fsys fs.FS) []string {
	var faults []string
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "tools" || d.Name() == "data"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		raw, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, raw, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			if fault := faultOf(file, strings.Trim(i.Path.Value, `"`)); fault != "" {
				faults = append(faults, file+": "+fault)
			}
		}
		return nil
	})
	if err != nil {
		faults = append(faults, err.Error())
	}
	return faults
}

func faultOf(file, imported string) string {
	folder := ""
	if dir := path.Dir(file); dir != "." {
		folder, _, _ = strings.Cut(dir, "/")
	}
	for library, by := range owners() {
		if strings.HasPrefix(imported, library) && !slices.Contains(by, folder) {
			return fmt.Sprintf("%q belongs to %s", imported, by[0])
		}
	}
	if folder == "" {
		if strings.Contains(strings.Split(imported, "/")[0], ".") && !strings.HasSuffix(file, "_test.go") {
			return fmt.Sprintf("the root imports %q, which is not in the standard library", imported)
		}
	}
	sibling, inside := strings.CutPrefix(imported, module+"/")
	if !inside || slices.Contains(joiners, folder) {
		return ""
	}
	sibling, _, _ = strings.Cut(sibling, "/")
	if sibling == folder || sibling == "internal" && folder != "" || slices.Contains(extra[folder], sibling) {
		return ""
	}
	return fmt.Sprintf("folder %q imports its sibling %q", folder, sibling)
}
