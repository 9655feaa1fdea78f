package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/classifier"
	pb "prediag/proto/prediag/v1"
)

// subjects are what the tickets of the models below are about.
func subjects() map[string][]string {
	return map[string][]string{
		"compute/login":   {"cannot log in to my server", "ssh login refused by the server", "password of the server is wrong", "login to the instance fails"},
		"billing/invoice": {"please send the invoice of march", "invoice shows the wrong company", "where do I download my invoice", "need a tax invoice for the bill"},
		"network/dns":     {"domain name does not resolve", "dns record is not updated", "resolver returns an old address", "dns lookup of the domain times out"},
	}
}

// tinyModel trains on a few tickets; the prefix makes its labels tell it from others.
func tinyModel(t *testing.T, prefix string) *classifier.Model {
	t.Helper()
	var examples []prediag.Example
	for category, list := range subjects() {
		for i, s := range list {
			for j, tail := range []string{"", " since yesterday", " again", " please help"} {
				examples = append(examples, prediag.Example{
					Ticket: prediag.Ticket{ID: fmt.Sprint(category, i, j), Body: s + tail},
					Labels: map[string]string{prediag.FieldCategory: prefix + category},
				})
			}
		}
	}
	m, _, err := classifier.Train(t.Context(), examples, classifier.Options{Epochs: 12, Rounds: 1, Quality: classifier.QualityFast})
	require.NoError(t, err)
	return m
}

func ask(ctx context.Context, t *testing.T, client pb.TriageServiceClient, body string) *pb.Diagnosis {
	t.Helper()
	r, err := client.Triage(ctx, &pb.TriageRequest{Ticket: &pb.Ticket{Body: body}})
	require.NoError(t, err)
	return r.GetDiagnosis()
}

func categoryOf(d *pb.Diagnosis) *pb.FieldVerdict { return d.GetVerdict().GetFields()[0] }

// TestDecisionsCountAtOnce corrects a ticket and asks about its near twin: at once, after kill -9, and after a model was
// trained on what was decided.
func TestDecisionsCountAtOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	require.NoError(t, classifier.Publish(dataDir(data).model(), tinyModel(t, "")))
	s := start(t, data, "--model-every", "20ms")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const body, twin = "The invoice of the domain registrar shows the wrong company name", "hello, the invoice of the domain registrar shows the worng company name"
	client := pb.NewTriageServiceClient(s.dial(t))
	before := ask(ctx, t, client, body)
	require.Equal(t, "billing/invoice", categoryOf(before).GetLabel())
	require.NotEmpty(t, before.GetHandoff().GetCaseId())
	near := categoryOf(before).GetEvidence()[len(categoryOf(before).GetEvidence())-1]
	require.Equal(t, pb.EvidenceKind_EVIDENCE_KIND_NEAREST, near.GetKind(), "the nearest labelled tickets are shown")

	_, err := pb.NewReviewServiceClient(s.dial(t)).ResolveCase(ctx, &pb.ResolveCaseRequest{Id: before.GetHandoff().GetCaseId(), Resolution: &pb.Resolution{
		Reviewer: "mei", Action: pb.ResolutionAction_RESOLUTION_ACTION_CORRECTED, Labels: map[string]string{"category": "network/dns"},
		ArticleId: "adn-record-not-resolving-en",
	}})
	require.NoError(t, err)
	corrected := func(client pb.TriageServiceClient) {
		t.Helper()
		d := ask(ctx, t, client, twin)
		require.Equal(t, "network/dns", categoryOf(d).GetLabel())
		require.LessOrEqual(t, categoryOf(d).GetProbability(), 0.5)
		require.Contains(t, categoryOf(d).GetEvidence()[0].GetText(), "corrected by a reviewer: ticket "+before.GetHandoff().GetCaseId())
		require.NotEqual(t, pb.Outcome_OUTCOME_ANSWER, d.GetOutcome())
		require.Equal(t, "adn-record-not-resolving-en", d.GetHits()[0].GetArticleId(), "what solved the twin comes first")
		require.Equal(t, "compute/login", categoryOf(ask(ctx, t, client, "cannot log in to my server today")).GetLabel(), "others are as before")
	}
	corrected(client)
	require.NoError(t, s.cmd.Process.Kill())
	_ = s.cmd.Wait()
	s = start(t, data, "--model-every", "20ms")
	corrected(pb.NewTriageServiceClient(s.dial(t)))

	again := ask(ctx, t, pb.NewTriageServiceClient(s.dial(t)), twin)
	must(t, "review", "resolve", "--data-dir", data, again.GetHandoff().GetCaseId(), "--reviewer", "bo", "--action", "corrected", "--label", "category=billing/invoice")
	f := categoryOf(ask(ctx, t, pb.NewTriageServiceClient(s.dial(t)), twin))
	require.Equal(t, "billing/invoice", f.GetLabel(), "the newest decision counts")
	require.LessOrEqual(t, f.GetProbability(), 0.5, "humans disagree")
	require.Contains(t, f.GetEvidence()[1].GetText(), before.GetHandoff().GetCaseId(), "both are shown")
	require.Equal(t, exitOK, s.stop(t), s.log.String())
	learnsDecisions(t, data)
}

// learnsDecisions trains on two decisions, about a ticket and its twin, beside imported tickets.
func learnsDecisions(t *testing.T, data string) {
	t.Helper()
	var lines strings.Builder
	for category, list := range subjects() {
		for _, s := range list {
			fmt.Fprintf(&lines, `{"text":%q,"category":%q}`+"\n", s, category)
		}
	}
	tickets := filepath.Join(t.TempDir(), "tickets.jsonl")
	require.NoError(t, os.WriteFile(tickets, []byte(lines.String()), 0o600))
	var report trainReport
	require.NoError(t, json.Unmarshal([]byte(must(t, "train", "--tickets", tickets, "--reviews", data, "--model", dataDir(data).model(), "--json")), &report))
	require.Equal(t, 2, report.Reviews)
	require.Equal(t, 14, report.Examples)
	list, err := classifier.Versions(dataDir(data).model())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, report.Model, list[0].Version)
	require.Contains(t, must(t, "model", "list", "--model", dataDir(data).model()), "current")
	require.Contains(t, must(t, "model", "rollback", "--model", dataDir(data).model()), list[1].Version)
	require.Contains(t, must(t, "model", "verify", "--model", dataDir(data).model()), list[1].Version+" in ")
	r := call(t, "", "train", "--reviews", t.TempDir(), "--model", "m")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "holds no record")
}

func TestDecisionsTakeThePlaceOfImportedLabels(t *testing.T) {
	example := func(body string, labels ...string) prediag.Example {
		e := prediag.Example{Ticket: prediag.Ticket{Body: body}, Labels: map[string]string{}}
		for i := 0; i < len(labels); i += 2 {
			e.Labels[labels[i]] = labels[i+1]
		}
		return e
	}
	imported := []prediag.Example{example("a b", "category", "x", "tier", "L1"), example("c", "category", "y")}
	decided := []prediag.Example{
		example("A  b!", "category", "y", "mood", "new"), example("a b", "category", "z"), example("d", "category", "x"), example("e", "mood", "new"),
	}
	require.Equal(t, []prediag.Example{
		example("a b", "category", "z", "tier", "L1"), example("c", "category", "y"),
		example("A  b!", "category", "z"), example("d", "category", "x"),
	}, withReviews(imported, decided))
	require.Equal(t, []prediag.Example{example("e", "mood", "new")}, withReviews(nil, decided[3:]))
	require.Equal(t, "x", imported[0].Labels["category"], "what was imported is not changed")
}

// TestModelsAreSwappedUnderLoad publishes models while calls run: no call fails, and each answer is one model's.
func TestModelsAreSwappedUnderLoad(t *testing.T) {
	swaps, callers := 20, 8
	if raceEnabled {
		swaps = 5
	}
	data := filepath.Join(t.TempDir(), "data")
	folder := dataDir(data).model()
	models := []*classifier.Model{tinyModel(t, "a/"), tinyModel(t, "b/")}
	prefix := map[string]string{models[0].Version(): "a/", models[1].Version(): "b/"}
	taxonomy := map[string]string{models[0].Version(): models[0].Taxonomy(), models[1].Version(): models[1].Taxonomy()}
	require.NoError(t, classifier.Publish(folder, models[0]))
	s := start(t, data, "--model-every", "20ms")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stop atomic.Bool
	var calls atomic.Int64
	var wait sync.WaitGroup
	for c := range callers {
		client := pb.NewTriageServiceClient(s.dial(t))
		wait.Go(func() {
			for i := 0; !stop.Load(); i++ {
				r, err := client.Triage(ctx, &pb.TriageRequest{Ticket: &pb.Ticket{Body: fmt.Sprint("dns lookup of the domain times out ", c, i)}})
				if err != nil {
					t.Error(err)
					return
				}
				d, version := r.GetDiagnosis(), r.GetDiagnosis().GetVersions().GetModel()
				if prefix[version] == "" || !strings.HasPrefix(categoryOf(d).GetLabel(), prefix[version]) || d.GetVersions().GetTaxonomy() != taxonomy[version] {
					t.Errorf("model %q, taxonomy %q, label %q", version, d.GetVersions().GetTaxonomy(), categoryOf(d).GetLabel())
				}
				calls.Add(1)
			}
		})
	}
	serves := func(version string) func() bool {
		return func() bool { _, body := s.get(t, "/v1/status"); return strings.Contains(body, version) }
	}
	for i := range swaps {
		m := models[(i+1)%2]
		require.NoError(t, classifier.Publish(folder, m))
		require.Eventually(t, serves(m.Version()), 30*time.Second, 10*time.Millisecond)
	}
	stop.Store(true)
	wait.Wait()
	require.Greater(t, calls.Load(), int64(swaps))
	_, metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, fmt.Sprintf("prediag_model_swaps %d\n", swaps))
	refused(t, s, folder, models[(swaps+1)%2])
	require.Equal(t, exitOK, s.stop(t), s.log.String())
	require.Contains(t, s.log.String(), "a new model was refused")
}

// refused publishes a model and damages it: the one before serves on, and the service says so.
func refused(t *testing.T, s *running, folder string, next *classifier.Model) {
	t.Helper()
	serving := func() string { _, body := s.get(t, "/v1/status"); return body }
	other := filepath.Join(folder, "versions", next.Version(), "embedding.bin")
	require.NoError(t, os.WriteFile(other, []byte("damaged"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "current"), []byte(next.Version()+"\n"), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(serving(), "the newest model does not serve") }, 30*time.Second, 20*time.Millisecond)
	require.NotContains(t, serving(), `"modelVersion":"`+next.Version())
	require.Contains(t, serving(), "embedding.bin")
	_, metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, "prediag_model_fault 1\n")
	code, _ := s.get(t, "/readyz")
	require.Equal(t, http.StatusOK, code)
	code, body := s.post(t, "/v1/triage", `{"ticket":{"body":"dns lookup fails"}}`)
	require.Equal(t, http.StatusOK, code, body)
}

func TestWhatSolvedATwinComesFirst(t *testing.T) {
	asked := 0
	base := prediag.SearcherFunc(func(_ context.Context, q prediag.Query) (prediag.Results, error) {
		asked++
		all := []prediag.Hit{{ArticleID: "a", Score: 4}, {ArticleID: "b", Score: 3}, {ArticleID: "c", Score: 2}, {ArticleID: "d", Score: 1}}
		return prediag.Results{Hits: all[:min(q.Limit, len(all))], Total: 4}, nil
	})
	memory := classifier.NewMemory(nil, classifier.MemoryOptions{})
	r := remembered{base, memory}
	search := func() (ids string) {
		found, err := r.Search(t.Context(), prediag.Query{Text: "the tunnel drops every ten minutes", Limit: 3})
		require.NoError(t, err)
		for _, h := range found.Hits {
			ids += h.ArticleID
		}
		return ids
	}
	for article, want := range map[string]string{"a": "abc", "c": "cab", "d": "dab", "gone": "abc"} {
		require.NoError(t, memory.Learn(classifier.Lesson{ID: "c", Example: prediag.Example{
			Ticket: prediag.Ticket{Title: "The tunnel drops", Body: "every ten minutes!"}, Article: article,
		}}))
		require.Equal(t, want, search(), article)
	}
	memory.Forget("c")
	asked = 0
	require.Equal(t, "abc", search())
	require.Equal(t, 1, asked)
}

func TestThresholdIsChosenOnOtherTickets(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, classifier.Publish(filepath.Join(dir, "m"), tinyModel(t, "")))
	write := func(name string, outside ...string) string {
		var lines strings.Builder
		for category, list := range subjects() {
			for _, s := range list {
				fmt.Fprintf(&lines, `{"text":"%s today","category":%q}`+"\n", s, category)
			}
		}
		for _, s := range outside {
			fmt.Fprintf(&lines, `{"text":%q,"category":"oos"}`+"\n", s)
		}
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o600))
		return file
	}
	tickets, valid := write("test.jsonl", "sing a song about rain"), write("valid.jsonl", "what is for lunch", "tell me a joke")
	measure := func(args ...string) (report struct {
		OOS struct{ Threshold, Recall float64 }
	}) {
		args = append([]string{"eval", "classify", "--model", filepath.Join(dir, "m"), "--tickets", tickets, "--json"}, args...)
		require.NoError(t, json.Unmarshal([]byte(must(t, args...)), &report))
		return report
	}
	require.Equal(t, 0.5, measure().OOS.Threshold)
	require.NotEqual(t, 0.5, measure("--valid", valid).OOS.Threshold)
	require.Equal(t, 0.5, measure("--valid", write("in.jsonl")).OOS.Threshold, "nothing to choose by")
}
