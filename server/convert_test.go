package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// Generators of domain values as the service makes them: UTC, offsets that are not negative, no empty list for nil.

func texts() *rapid.Generator[string] { return rapid.String() }

func number() *rapid.Generator[int] { return rapid.IntRange(0, 1<<31-1) }

func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-62135596799, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
	})
}

func spans() *rapid.Generator[prediag.Span] {
	return rapid.Custom(func(t *rapid.T) prediag.Span {
		return prediag.Span{Start: number().Draw(t, "start"), End: number().Draw(t, "end")}
	})
}

// listOf is nil or has values.
func listOf[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.Custom(func(t *rapid.T) []T {
		if l := rapid.SliceOfN(g, 0, 3).Draw(t, "list"); len(l) > 0 {
			return l
		}
		return nil
	})
}

func mapOf[T any](g *rapid.Generator[T]) *rapid.Generator[map[string]T] {
	return rapid.Custom(func(t *rapid.T) map[string]T {
		if m := rapid.MapOfN(texts(), g, 0, 3).Draw(t, "map"); len(m) > 0 {
			return m
		}
		return nil
	})
}

func oneOf[D ~string, W comparable](e enum[D, W]) *rapid.Generator[D] {
	return rapid.Custom(func(t *rapid.T) D { return e[rapid.IntRange(0, len(e)-1).Draw(t, "value")].domain })
}

// fill is a value of T that set fills.
func fill[T any](set func(t *rapid.T, v *T)) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		var v T
		set(t, &v)
		return v
	})
}

func tickets() *rapid.Generator[prediag.Ticket] {
	return fill(func(t *rapid.T, v *prediag.Ticket) {
		*v = prediag.Ticket{
			ID: texts().Draw(t, "id"), Title: texts().Draw(t, "title"), Body: texts().Draw(t, "body"), Language: texts().Draw(t, "lang"),
			Product: texts().Draw(t, "product"), Codes: listOf(texts()).Draw(t, "codes"), Fields: mapOf(texts()).Draw(t, "fields"),
			Created: moments().Draw(t, "created"),
		}
	})
}

func citations() *rapid.Generator[prediag.Citation] {
	return fill(func(t *rapid.T, v *prediag.Citation) {
		*v = prediag.Citation{
			ArticleID: texts().Draw(t, "id"), Revision: texts().Draw(t, "rev"), Span: spans().Draw(t, "span"), Quote: texts().Draw(t, "quote"),
			Title: texts().Draw(t, "title"), URL: texts().Draw(t, "url"),
		}
	})
}

func faults() *rapid.Generator[prediag.FaultCode] {
	return fill(func(t *rapid.T, v *prediag.FaultCode) {
		*v = prediag.FaultCode{
			Code: texts().Draw(t, "code"), Message: texts().Draw(t, "msg"), Meaning: texts().Draw(t, "mean"), Solution: texts().Draw(t, "sol"),
			Product: texts().Draw(t, "product"), Citation: citations().Draw(t, "cite"),
		}
	})
}

func passages() *rapid.Generator[prediag.Passage] {
	return fill(func(t *rapid.T, v *prediag.Passage) {
		*v = prediag.Passage{Heading: texts().Draw(t, "h"), Span: spans().Draw(t, "s"), Text: texts().Draw(t, "t"), Score: rapid.Float64().Draw(t, "n")}
	})
}

// hits come without Codes, which do not travel.
func hits() *rapid.Generator[prediag.Hit] {
	return fill(func(t *rapid.T, v *prediag.Hit) {
		*v = prediag.Hit{
			ArticleID: texts().Draw(t, "id"), Revision: texts().Draw(t, "rev"), Title: texts().Draw(t, "title"), URL: texts().Draw(t, "url"),
			Language: texts().Draw(t, "lang"), Product: texts().Draw(t, "prod"), Category: texts().Draw(t, "cat"), Kind: texts().Draw(t, "kind"),
			Group: texts().Draw(t, "group"), Updated: moments().Draw(t, "upd"), Score: rapid.Float64().Draw(t, "score"),
			Coverage: rapid.Float64().Draw(t, "cov"), Passages: listOf(passages()).Draw(t, "pass"), Why: listOf(texts()).Draw(t, "why"),
		}
	})
}

// articles come without Audience, which does not travel.
func articles() *rapid.Generator[prediag.Article] {
	section := fill(func(t *rapid.T, v *prediag.Section) {
		*v = prediag.Section{Path: listOf(texts()).Draw(t, "path"), Span: spans().Draw(t, "span")}
	})
	return fill(func(t *rapid.T, v *prediag.Article) {
		*v = prediag.Article{
			ID: texts().Draw(t, "id"), Revision: texts().Draw(t, "rev"), Source: texts().Draw(t, "src"), Path: texts().Draw(t, "path"),
			Title: texts().Draw(t, "title"), Body: texts().Draw(t, "body"), Sections: listOf(section).Draw(t, "sec"), URL: texts().Draw(t, "url"),
			Language: texts().Draw(t, "lang"), Product: texts().Draw(t, "prod"), Category: texts().Draw(t, "cat"), Kind: texts().Draw(t, "kind"),
			Group: texts().Draw(t, "group"), Codes: listOf(faults()).Draw(t, "codes"), Updated: moments().Draw(t, "upd"),
		}
	})
}

func verdicts() *rapid.Generator[prediag.Verdict] {
	label := fill(func(t *rapid.T, v *prediag.Label) {
		*v = prediag.Label{Value: texts().Draw(t, "v"), Probability: rapid.Float64().Draw(t, "p")}
	})
	evidence := fill(func(t *rapid.T, v *prediag.Evidence) {
		*v = prediag.Evidence{Kind: oneOf(evidenceKinds()).Draw(t, "k"), Text: texts().Draw(t, "t"), Weight: rapid.Float64().Draw(t, "w")}
	})
	field := fill(func(t *rapid.T, v *prediag.FieldVerdict) {
		*v = prediag.FieldVerdict{
			Field: texts().Draw(t, "f"), Label: texts().Draw(t, "l"), Probability: rapid.Float64().Draw(t, "p"),
			Alternatives: listOf(label).Draw(t, "alt"), Evidence: listOf(evidence).Draw(t, "ev"),
		}
	})
	return fill(func(t *rapid.T, v *prediag.Verdict) {
		*v = prediag.Verdict{
			Fields: listOf(field).Draw(t, "fields"), Language: texts().Draw(t, "lang"), LanguageConfidence: rapid.Float64().Draw(t, "lc"),
			InScope: rapid.Float64().Draw(t, "scope"),
		}
	})
}

func drafts() *rapid.Generator[prediag.Draft] {
	statement := fill(func(t *rapid.T, v *prediag.Statement) {
		*v = prediag.Statement{Kind: oneOf(statementKinds()).Draw(t, "k"), Text: texts().Draw(t, "t"), Citations: listOf(citations()).Draw(t, "c")}
	})
	return fill(func(t *rapid.T, v *prediag.Draft) {
		*v = prediag.Draft{
			Language: texts().Draw(t, "lang"), Statements: listOf(statement).Draw(t, "st"), Missing: listOf(texts()).Draw(t, "miss"),
			Grounded: rapid.Float64().Draw(t, "g"), Origin: texts().Draw(t, "o"),
		}
	})
}

func handoffs() *rapid.Generator[*prediag.Handoff] {
	return rapid.Ptr(fill(func(t *rapid.T, v *prediag.Handoff) {
		*v = prediag.Handoff{
			CaseID: texts().Draw(t, "id"), Tier: texts().Draw(t, "tier"), Queue: texts().Draw(t, "q"), Priority: number().Draw(t, "p"),
			Deadline: moments().Draw(t, "d"), Message: texts().Draw(t, "m"),
		}
	}), true)
}

// diagnoses have one version of the model: the verdict's is not sent twice.
func diagnoses() *rapid.Generator[prediag.Diagnosis] {
	reason := fill(func(t *rapid.T, v *prediag.Reason) {
		*v = prediag.Reason{Code: oneOf(reasonCodes()).Draw(t, "c"), Field: texts().Draw(t, "f"), Detail: texts().Draw(t, "d")}
	})
	return fill(func(t *rapid.T, v *prediag.Diagnosis) {
		*v = prediag.Diagnosis{
			ID: texts().Draw(t, "id"), Ticket: tickets().Draw(t, "ticket"), Verdict: verdicts().Draw(t, "verdict"),
			Codes: listOf(faults()).Draw(t, "codes"), Unknown: listOf(texts()).Draw(t, "unknown"), Hits: listOf(hits()).Draw(t, "hits"),
			Draft: drafts().Draw(t, "draft"), Solved: rapid.Float64().Draw(t, "solved"), Outcome: oneOf(outcomes()).Draw(t, "outcome"),
			Reasons: listOf(reason).Draw(t, "reasons"), Handoff: handoffs().Draw(t, "handoff"),
			Versions: prediag.Versions{
				Model: texts().Draw(t, "model"), Taxonomy: texts().Draw(t, "tax"), Index: uint64(rapid.Uint32().Draw(t, "index")), Policy: texts().Draw(t, "pol"),
			},
			Degraded: listOf(oneOf(degradations())).Draw(t, "degraded"), Created: moments().Draw(t, "created"),
		}
		v.Verdict.Model = v.Versions.Model
	})
}

func resolutions() *rapid.Generator[prediag.Resolution] {
	return fill(func(t *rapid.T, v *prediag.Resolution) {
		*v = prediag.Resolution{
			Reviewer: texts().Draw(t, "rev"), Action: oneOf(actions()).Draw(t, "act"), Labels: mapOf(texts()).Draw(t, "labels"),
			Article: texts().Draw(t, "art"), Answer: texts().Draw(t, "ans"), Note: texts().Draw(t, "note"), At: moments().Draw(t, "at"), NewLabel: rapid.Bool().Draw(t, "new"),
		}
	})
}

func labelChecks() *rapid.Generator[prediag.LabelCheck] {
	return fill(func(t *rapid.T, v *prediag.LabelCheck) {
		*v = prediag.LabelCheck{
			Source: texts().Draw(t, "source"), Ticket: tickets().Draw(t, "ticket"), Field: texts().Draw(t, "field"), Label: texts().Draw(t, "label"),
			Suggested: texts().Draw(t, "suggested"), Probability: rapid.Float64().Draw(t, "p"), SuggestedProbability: rapid.Float64().Draw(t, "sp"),
		}
	})
}

func cases() *rapid.Generator[prediag.Case] {
	return fill(func(t *rapid.T, v *prediag.Case) {
		*v = prediag.Case{
			ID: texts().Draw(t, "id"), Diagnosis: diagnoses().Draw(t, "d"), State: oneOf(caseStates()).Draw(t, "s"), Priority: number().Draw(t, "p"),
			Created: moments().Draw(t, "c"), ClaimedBy: texts().Draw(t, "by"), LeaseUntil: moments().Draw(t, "until"),
			Resolution: rapid.Ptr(resolutions(), true).Draw(t, "r"), Check: rapid.Ptr(labelChecks(), true).Draw(t, "check"),
		}
		if v.Check != nil {
			v.Check.Ticket = prediag.Ticket{} // the diagnosis has it
		}
	})
}

func renewals() *rapid.Generator[prediag.Refresh] {
	source := fill(func(t *rapid.T, v *prediag.RefreshedSource) {
		n := func(label string) int { return number().Draw(t, label) }
		*v = prediag.RefreshedSource{
			Name: texts().Draw(t, "name"), Files: n("f"), Articles: n("a"), Added: n("add"), Changed: n("c"), Unchanged: n("u"), Deleted: n("d"),
			Skipped: mapOf(number()).Draw(t, "skipped"),
		}
	})
	report := fill(func(t *rapid.T, v *prediag.RefreshReport) {
		*v = prediag.RefreshReport{
			Sources: listOf(source).Draw(t, "s"), Generation: uint64(rapid.Uint32().Draw(t, "g")), Took: time.Duration(rapid.Int64Min(0).Draw(t, "took")),
		}
	})
	return fill(func(t *rapid.T, v *prediag.Refresh) {
		*v = prediag.Refresh{
			ID: texts().Draw(t, "id"), State: oneOf(refreshStates()).Draw(t, "s"), Stage: texts().Draw(t, "st"), Done: number().Draw(t, "d"),
			Total: number().Draw(t, "t"), Error: texts().Draw(t, "e"), Started: moments().Draw(t, "b"), Ended: moments().Draw(t, "f"),
			Report: rapid.Ptr(report, true).Draw(t, "rep"),
		}
	})
}

// roundTrip checks that a value survives the wire: to a message, to bytes, and back.
func roundTrip[D any, M proto.Message](t *testing.T, values *rapid.Generator[D], to func(D) M, from func(M) D) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		want := values.Draw(t, "value")
		raw, err := proto.Marshal(to(want))
		if err != nil {
			t.Fatal(err)
		}
		m := to(want).ProtoReflect().New().Interface().(M)
		if err := proto.Unmarshal(raw, m); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, from(m)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestConversionRoundTrips(t *testing.T) {
	t.Run("ticket", func(t *testing.T) { roundTrip(t, tickets(), ticketTo, ticketFrom) })
	t.Run("citation", func(t *testing.T) { roundTrip(t, citations(), citationTo, citationFrom) })
	t.Run("fault code", func(t *testing.T) { roundTrip(t, faults(), codeTo, codeFrom) })
	t.Run("hit", func(t *testing.T) { roundTrip(t, hits(), hitTo, hitFrom) })
	t.Run("article", func(t *testing.T) { roundTrip(t, articles(), articleTo, articleFrom) })
	t.Run("verdict", func(t *testing.T) { roundTrip(t, verdicts(), verdictTo, verdictFrom) })
	t.Run("draft", func(t *testing.T) { roundTrip(t, drafts(), draftTo, draftFrom) })
	t.Run("diagnosis", func(t *testing.T) { roundTrip(t, diagnoses(), diagnosisTo, diagnosisFrom) })
	t.Run("resolution", func(t *testing.T) { roundTrip(t, resolutions(), resolutionTo, resolutionFrom) })
	t.Run("label check", func(t *testing.T) { roundTrip(t, labelChecks(), labelCheckTo, labelCheckFrom) })
	t.Run("case", func(t *testing.T) { roundTrip(t, cases(), caseTo, caseFrom) })
	t.Run("operation", func(t *testing.T) { roundTrip(t, renewals(), operationTo, operationFrom) })
	t.Run("results", func(t *testing.T) {
		facet := fill(func(t *rapid.T, v *prediag.Facet) {
			*v = prediag.Facet{Name: texts().Draw(t, "n"), Values: listOf(fill(func(t *rapid.T, v *prediag.FacetValue) {
				*v = prediag.FacetValue{Value: texts().Draw(t, "v"), Count: number().Draw(t, "c")}
			})).Draw(t, "vs")}
		})
		results := fill(func(t *rapid.T, v *prediag.Results) {
			*v = prediag.Results{
				Hits: listOf(hits()).Draw(t, "h"), Total: number().Draw(t, "t"), Facets: listOf(facet).Draw(t, "f"), Generation: uint64(rapid.Uint32().Draw(t, "g")),
			}
			if rapid.Bool().Draw(t, "degraded") {
				v.Degraded = []prediag.Degradation{prediag.DegradedEmbeddings}
			}
		})
		roundTrip(t, results, resultsTo, resultsFrom)
	})
}

// A part of the domain that a pair of conversions forgets, or that is added later, must not vanish silently: the sample
// has no empty part, and neither has what comes back.
func TestEveryFieldOfADiagnosisTravels(t *testing.T) {
	want := sampleDiagnosis(prediag.Ticket{
		ID: "T-1", Title: "t", Body: "b", Language: "en", Product: "compute", Codes: []string{"ACS.0013"}, Fields: map[string]string{"channel": "phone"}, Created: noon,
	})
	require.Empty(t, cmp.Diff(want, diagnosisFrom(diagnosisTo(want))))
	m := diagnosisTo(want).ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		require.True(t, m.Has(f), "diagnosisTo leaves %s empty", f.Name())
	}
}

// constants returns the values of a string type's constants in the root package, read from its source.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	var out []string
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typeName {
				for _, v := range spec.Values {
					s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					require.NoError(t, err)
					out = append(out, s)
				}
			}
			return true
		})
	}
	return out
}

func requireComplete[D ~string, W ~int32](t *testing.T, typeName string, e enum[D, W], wire map[int32]string) {
	t.Helper()
	want := constants(t, typeName)
	require.NotEmpty(t, want)
	require.Len(t, e, len(want), typeName)
	require.Len(t, wire, len(want)+1, "%s: one wire value each and UNSPECIFIED", typeName)
	for _, s := range want {
		w := e.to(D(s))
		require.NotZero(t, w, "%s %q has no wire value", typeName, s)
		back, ok := e.from(w)
		require.True(t, ok)
		require.Equal(t, D(s), back)
	}
	_, ok := e.from(0)
	require.False(t, ok)
	require.Zero(t, e.to("no such value"))
}

func TestEveryNamedValueHasAWireValue(t *testing.T) {
	requireComplete(t, "Outcome", outcomes(), pb.Outcome_name)
	requireComplete(t, "ReasonCode", reasonCodes(), pb.ReasonCode_name)
	requireComplete(t, "StatementKind", statementKinds(), pb.StatementKind_name)
	requireComplete(t, "Degradation", degradations(), pb.Degradation_name)
	requireComplete(t, "CaseState", caseStates(), pb.CaseState_name)
	requireComplete(t, "ResolutionAction", actions(), pb.ResolutionAction_name)
	requireComplete(t, "EvidenceKind", evidenceKinds(), pb.EvidenceKind_name)
	requireComplete(t, "RefreshState", refreshStates(), pb.OperationState_name)
}
