package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/require"
	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
)

// documented is one line of a table in docs/errors.md.
type documented struct {
	code codes.Code
	http int
}

func documentation(t *testing.T) map[string]documented {
	t.Helper()
	raw, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	out := make(map[string]documented)
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (\\w+) \\| (\\d+) \\| [^|]+\\. \\| [^|]+\\. \\|$").FindAllStringSubmatch(string(raw), -1) {
		number, ok := rpccode.Code_value[m[2]]
		require.True(t, ok, "%s: no code %s", m[1], m[2])
		require.NotContains(t, out, m[1], "twice")
		status, err := strconv.Atoi(m[3])
		require.NoError(t, err)
		out[m[1]] = documented{codes.Code(number), status}
	}
	require.Equal(t, strings.Count(string(raw), "\n| `")-3, len(out), "a line of a table is not of the common form; three are about details")
	return out
}

// found is a reason in the source; kind is the name of what makes it an error: a kind of package prediag, or the
// function that it is handed to; empty where neither is told.
type found struct{ place, kind string }

// reasons collects the reasons in the source of folders.
func reasons(t *testing.T, folders ...string) map[string][]found {
	t.Helper()
	out := make(map[string][]found)
	form := regexp.MustCompile(`^"[A-Z]+(_[A-Z0-9]+)+"$`)
	for _, folder := range folders {
		files, err := filepath.Glob("../" + folder + "/*.go")
		require.NoError(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, name, nil, 0)
			require.NoError(t, err)
			kinds := make(map[*ast.BasicLit]string)
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					for _, a := range n.Args {
						if lit, ok := a.(*ast.BasicLit); ok {
							kinds[lit] = nameOf(n.Fun)
						}
					}
				case *ast.CompositeLit:
					kindOfLiteral(n, kinds)
				case *ast.BasicLit:
					if form.MatchString(n.Value) {
						reason := strings.Trim(n.Value, `"`)
						out[reason] = append(out[reason], found{set.Position(n.Pos()).String(), kinds[n]})
					}
				}
				return true
			})
		}
	}
	require.NotEmpty(t, out)
	return out
}

// kindOfLiteral notes the kind of a prediag.Error written out.
func kindOfLiteral(n *ast.CompositeLit, kinds map[*ast.BasicLit]string) {
	var reason *ast.BasicLit
	kind := ""
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch nameOf(kv.Key) {
		case "Reason":
			reason, _ = kv.Value.(*ast.BasicLit)
		case "Kind":
			kind = nameOf(kv.Value)
		}
	}
	if reason != nil {
		kinds[reason] = kind
	}
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// codeOf is the code that an error made this way gets.
func codeOf(kind string) (codes.Code, bool) {
	code, ok := map[string]codes.Code{
		"Invalid": codes.InvalidArgument, "invalid": codes.InvalidArgument, "fail": codes.InvalidArgument, "tooLarge": codes.InvalidArgument,
		"ErrInvalid": codes.InvalidArgument, "ErrTooLarge": codes.InvalidArgument, "ErrNotFound": codes.NotFound, "notFound": codes.NotFound,
		"ErrConflict": codes.Aborted, "conflict": codes.Aborted, "wantRow": codes.Aborted, "ErrReused": codes.FailedPrecondition,
		"ErrStale": codes.FailedPrecondition, "ErrOverloaded": codes.ResourceExhausted, "ErrNotReady": codes.Unavailable,
		"ErrLocked": codes.Unavailable, "ErrDamaged": codes.DataLoss,
	}[kind]
	return code, ok
}

func TestEveryReasonIsDocumented(t *testing.T) {
	docs := documentation(t)
	source := reasons(t, "server", "triage", "review", "kb", "ingest", "embed", "internal/vector", "internal/concept") // whose errors reach callers
	for reason, places := range source {
		if strings.HasPrefix(reason, "PREDIAG_") { // an environment variable
			continue
		}
		doc, ok := docs[reason]
		require.True(t, ok, "docs/errors.md lacks %s (%s)", reason, places[0].place)
		for _, p := range places {
			if code, known := codeOf(p.kind); known {
				require.Equal(t, code, doc.code, "%s at %s", reason, p.place)
			}
		}
	}
	for _, r := range append(table(), unexpected()) {
		require.Equal(t, r.code, docs[r.reason].code, r.reason)
		source[r.reason] = nil
	}
	commands := reasons(t, "cmd/prediag")
	for reason, doc := range docs {
		if _, ok := commands[reason]; ok { // need not be documented, but may be
			source[reason] = nil
		}
		require.Contains(t, source, reason, "docs/errors.md explains a reason that nothing gives")
		switch reason {
		case "REQUEST_TOO_LARGE", "METHOD_NOT_ALLOWED":
			require.Equal(t, httpCode(withInfo(doc.code, reason, "")), doc.http, reason)
		default:
			require.Equal(t, runtime.HTTPStatusFromCode(doc.code), doc.http, reason)
		}
	}
}
