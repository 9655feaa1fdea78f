package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"prediag"
	"prediag/classifier"
	"prediag/internal/demo"
	pb "prediag/proto/prediag/v1"
)

// TestMain lets the test binary be the command: a service that is killed has to be another process, and so do its parsers.
func TestMain(m *testing.M) {
	if os.Getenv("PREDIAG_BE_THE_COMMAND") == "1" || len(os.Args) > 1 && os.Args[1] == parseWorkerName {
		main()
		return
	}
	// results of single items stay out of the user's own folder; what Go compiled does not
	if dir, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		_ = os.Setenv("GOCACHE", filepath.Join(dir, "go-build"))
	}
	caches, err := os.MkdirTemp("", "prediag-test-caches-*")
	if err == nil {
		err = os.Setenv("XDG_CACHE_HOME", caches)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(caches)
	os.Exit(code)
}

// running is a service in another process.
type running struct {
	cmd        *exec.Cmd
	grpc, http string
	log        *strings.Builder
	out        io.Reader
}

// start runs prediag serve and waits until it can answer.
func start(t *testing.T, data string, args ...string) *running {
	t.Helper()
	r := launch(t, data, nil, args...)
	r.await(t)
	return r
}

// launch runs prediag serve with an environment beside the test's own.
func launch(t *testing.T, data string, env []string, args ...string) *running {
	t.Helper()
	args = append([]string{"serve", "--data-dir", data, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}, args...)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), "PREDIAG_BE_THE_COMMAND=1"), env...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	r := &running{cmd: cmd, log: &strings.Builder{}, out: out}
	cmd.Stderr = r.log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return r
}

// await waits until the service can answer.
func (r *running) await(t *testing.T) {
	t.Helper()
	address := regexp.MustCompile(`^  (gRPC|HTTP)  (?:http://)?(\S+)$`)
	watchdog := time.AfterFunc(2*time.Minute, func() { _ = r.cmd.Process.Kill() })
	defer watchdog.Stop()
	lines := bufio.NewScanner(r.out)
	for lines.Scan() {
		switch m := address.FindStringSubmatch(lines.Text()); {
		case m == nil:
		case m[1] == "gRPC":
			r.grpc = m[2]
		default:
			r.http = "http://" + m[2]
			go func() { _, _ = io.Copy(io.Discard, r.out) }()
			return
		}
	}
	_ = r.cmd.Wait() // so that the log is whole
	require.Fail(t, "the service did not come up", r.log.String())
}

// stop asks the service to stop and returns its exit code.
func (r *running) stop(t *testing.T) int {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	_ = r.cmd.Wait() // the code says it
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(r.http + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func (r *running) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(r.http+path, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func (r *running) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(r.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// roughModel trains a quick model of the demo into a data folder when the race detector makes the real one take minutes.
func roughModel(t *testing.T, data string) {
	t.Helper()
	if !raceEnabled {
		return
	}
	examples, err := demoExamples()
	require.NoError(t, err)
	m, _, err := classifier.Train(t.Context(), examples, classifier.Options{Quality: classifier.QualityFast,
		Fields: []string{prediag.FieldCategory, prediag.FieldTier}, Epochs: 1, Rounds: 1, MaxFeatures: 2000, Workers: 1,
	})
	require.NoError(t, err)
	require.NoError(t, m.Save(dataDir(data).model()))
}

// TestServiceOnItsDemo is a newcomer's first quarter of an hour, with the real process, the real data folder, real
// clients: start, ask in two languages, work on a case, kill, start again.
func TestServiceOnItsDemo(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	roughModel(t, data)
	s := start(t, data)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn := s.dial(t)

	health, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, health.GetStatus())
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/"} {
		code, _ := s.get(t, path)
		require.Equal(t, http.StatusOK, code, path)
	}

	var caseID, diagnosisID string
	t.Run("a ticket in Chinese over gRPC", func(t *testing.T) {
		r, err := pb.NewTriageServiceClient(conn).Triage(ctx, &pb.TriageRequest{RequestId: "zh-1", Ticket: &pb.Ticket{
			Title: "加急：数据库连接失败", Body: "应用从今天早上开始连接 ADB 报错 ADB.1040 Too many connections，重启应用后过几分钟又出现。",
		}})
		require.NoError(t, err)
		d := r.GetDiagnosis()
		require.Equal(t, "zh", d.GetVerdict().GetLanguage())
		require.Equal(t, "ADB.1040", d.GetCodes()[0].GetCode())
		require.Contains(t, d.GetHits()[0].GetArticleId(), "adb-too-many-connections")
		require.Equal(t, "zh", d.GetHits()[0].GetLanguage())
		require.InDelta(t, 1, d.GetDraft().GetGrounded(), 0)
		require.NotEqual(t, pb.Outcome_OUTCOME_ANSWER, d.GetOutcome(), "urgent tickets are seen by a human")
		caseID, diagnosisID = d.GetHandoff().GetCaseId(), d.GetId()
	})
	t.Run("a ticket in English over HTTP", func(t *testing.T) {
		code, body := s.post(t, "/v1/triage", `{"ticket":{"id":"T-1","title":"SSH times out","body":"ssh to i-0a1b2c3d4e hangs since this morning, console shows ACS.0105"}}`)
		require.Equal(t, http.StatusOK, code, body)
		require.Contains(t, body, "acs-login-ssh-timeout")
	})
	t.Run("the knowledge base", func(t *testing.T) {
		code, body := s.get(t, "/v1/search?query=too+many+connections&languages=en")
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, "adb-too-many-connections-en")
		require.Contains(t, must(t, "search", "--data-dir", data, "镜像拉取失败"), "ake-image-pull-backoff")
		first := must(t, "search", "--data-dir", data, "--limit", "1", "云服务器 ssh 连接超时")
		require.Contains(t, first, "acs-login-ssh-timeout-zh", "the page says 实例: the demo's glossary knows that it is the same")
		require.Contains(t, first, "云服务器 → 实例")
	})
	t.Run("the command line goes through the service", func(t *testing.T) { throughService(t, s, data, caseID) })
	t.Run("a port in use", func(t *testing.T) {
		r := call(t, "", "serve", "--data-dir", t.TempDir(), "--grpc-addr", s.grpc, "--http-addr", "127.0.0.1:0")
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.err, "--grpc-addr")
	})

	t.Run("the held-out tickets in one batch", func(t *testing.T) { batch(ctx, t, conn) })

	require.NoError(t, s.cmd.Process.Kill())
	_ = s.cmd.Wait()
	s = start(t, data)
	t.Run("nothing is lost by kill -9", func(t *testing.T) {
		code, body := s.get(t, "/v1/diagnoses/"+diagnosisID)
		require.Equal(t, http.StatusOK, code, body)
		require.Contains(t, must(t, "review", "list", "--data-dir", data), caseID)
		again, err := pb.NewTriageServiceClient(s.dial(t)).Triage(ctx, &pb.TriageRequest{RequestId: "zh-1", Ticket: &pb.Ticket{
			Title: "加急：数据库连接失败", Body: "应用从今天早上开始连接 ADB 报错 ADB.1040 Too many connections，重启应用后过几分钟又出现。",
		}})
		require.NoError(t, err)
		require.Equal(t, diagnosisID, again.GetDiagnosis().GetId(), "a retry gets the answer of the first call")
	})
	t.Run("a case is claimed and resolved", func(t *testing.T) {
		require.Contains(t, must(t, "review", "claim", "--data-dir", data, caseID, "--reviewer", "mei"), "claimed by mei")
		r := call(t, "", "review", "claim", "--data-dir", data, caseID, "--reviewer", "bo")
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.err, "mei")
		must(t, "review", "resolve", "--data-dir", data, caseID, "--reviewer", "mei", "--action", "corrected", "--label", "category=database/connection")
		require.NotContains(t, must(t, "review", "list", "--data-dir", data), caseID)
	})
	require.Equal(t, exitOK, s.stop(t), s.log.String())
	require.Contains(t, s.log.String(), "stopped")
}

// throughService calls the commands while a service holds the data folder.
func throughService(t *testing.T, s *running, data, caseID string) {
	t.Helper()
	require.Contains(t, must(t, "triage", "--data-dir", data, "--json", "AOS.4031 AccessDenied when I download an object"), "aos-access-denied-policy")
	require.Contains(t, must(t, "ingest", "--data-dir", data), "Nothing changed: generation")
	require.Contains(t, must(t, "review", "list", "--data-dir", data), caseID)
	r := call(t, "", "ingest", "--data-dir", data, docsFolder(t))
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, fmt.Sprintf("prediag serve (process %d) holds data folder", s.cmd.Process.Pid))
	require.Contains(t, r.err, "does not know the source")
	require.Contains(t, r.err, "stop it, run this again, and start it again")
	r = call(t, "", "serve", "--data-dir", data)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "in use by prediag serve")
}

// batch sends the demo's held-out tickets, and an empty one, through the running service.
func batch(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	r, err := demo.EvalTickets()
	require.NoError(t, err)
	var tickets []*pb.Ticket
	dec := json.NewDecoder(r)
	for dec.More() {
		var v struct{ ID, Title, Body string }
		require.NoError(t, dec.Decode(&v))
		tickets = append(tickets, &pb.Ticket{Id: v.ID, Title: v.Title, Body: v.Body})
	}
	tickets = append(tickets, &pb.Ticket{Title: " "})
	resp, err := pb.NewTriageServiceClient(conn).BatchTriage(ctx, &pb.BatchTriageRequest{Tickets: tickets})
	require.NoError(t, err)
	require.Len(t, resp.GetResults(), len(tickets))
	last := len(tickets) - 1
	for i, r := range resp.GetResults()[:last] {
		require.Nil(t, r.GetError())
		require.Equal(t, tickets[i].GetId(), r.GetDiagnosis().GetTicket().GetId())
		require.NotEqual(t, pb.Outcome_OUTCOME_UNSPECIFIED, r.GetDiagnosis().GetOutcome())
	}
	require.Equal(t, "TICKET_EMPTY", resp.GetResults()[last].GetError().GetReason())
	require.Equal(t, fmt.Sprintf("tickets[%d].body", last), resp.GetResults()[last].GetError().GetField())
}
