//go:build linux

package faulttest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// withModel gives a world a small model, so that a service starts at once.
func (w *world) withModel() *world {
	var b bytes.Buffer
	for i := range 60 {
		about := []string{"disk", "network", "login"}[i%3]
		fmt.Fprintf(&b, `{"id":"t%d","title":"%s problem %d","body":"the %s does not work since %d days","category":"%s"}`+"\n", i, about, i, about, i, about)
	}
	tickets := filepath.Join(w.t.TempDir(), "tickets.jsonl")
	require.NoError(w.t, os.WriteFile(tickets, b.Bytes(), 0o600))
	bin, err := binary()
	require.NoError(w.t, err)
	must(w.t, bin, "train", "--quality", "fast", "--tickets", tickets, "--model", filepath.Join(w.dir, "model"))
	return w
}

// service is a running prediag serve.
type service struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration
	ended chan error
	said  *bytes.Buffer
	http  *http.Client
}

var greeting = regexp.MustCompile(`HTTP +(http://\S+)`)

// serve starts a service and waits until it answers.
func (w *world) serve() (*service, error) {
	c := w.command(context.Background(), "serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0")
	s := &service{cmd: c, ended: make(chan error, 1), said: &bytes.Buffer{}, http: &http.Client{Timeout: 30 * time.Second}}
	c.Stderr = s.said
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return nil, err
	}
	url := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := greeting.FindStringSubmatch(lines.Text()); m != nil {
				url <- m[1]
			}
		}
		close(url)
		s.ended <- c.Wait()
	}()
	select {
	case u, ok := <-url:
		if !ok {
			err := <-s.ended
			return nil, fmt.Errorf("serve ended: %w: %s", err, s.said)
		}
		s.url, s.ready = u, time.Since(began)
		return s, nil
	case <-time.After(patience):
		s.kill()
		return nil, fmt.Errorf("serve is not ready: %s", s.said)
	}
}

// kill kills the service and its children at once, and waits.
func (s *service) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// call is one request; the status is 0 when there was no answer.
func (s *service) call(method, path string, body any) (status int, reply []byte) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		return 0, nil
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	if reply, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil
	}
	return resp.StatusCode, reply
}

// ack is one acknowledged write: a diagnosis, and with it perhaps a resolved case.
type ack struct {
	request string
	reply   []byte
	ID      string `json:"id"`
	Handoff struct {
		CaseID string `json:"caseId"`
	} `json:"handoff"`
	resolved bool
}

// ledger is what clients were told.
type ledger struct {
	mu   sync.Mutex
	acks []ack
	next int
}

func (l *ledger) add(a ack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, a)
}

// await waits until more was told than the first from entries, for half a minute at most.
func (l *ledger) await(from int) {
	for end := time.Now().Add(30 * time.Second); len(l.since(from)) == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// since copies what was told since the first from entries.
func (l *ledger) since(from int) []ack {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acks[from:])
}

func (l *ledger) request() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("r%06d", l.next)
}

// load lets clients write until the service is gone: a ticket, and where it became a case, its claim and resolution.
func (s *service) load(l *ledger, clients int) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for s.write(l) {
			}
		})
	}
	return &wg
}

// write is one client's turn; false: the service is gone.
func (s *service) write(l *ledger) bool {
	a := ack{request: l.request()}
	status, reply := s.call("POST", "/v1/triage", triage(a.request))
	if status == 0 {
		return false
	}
	if status != http.StatusOK {
		return true
	}
	a.reply = reply
	var got struct{ Diagnosis *ack }
	got.Diagnosis = &a
	if json.Unmarshal(reply, &got) != nil {
		return true
	}
	if id := a.Handoff.CaseID; id != "" {
		if status, _ = s.call("POST", "/v1/cases/"+id+":claim", map[string]any{"reviewer": "mei"}); status == http.StatusOK {
			status, _ = s.call("POST", "/v1/cases/"+id+":resolve", map[string]any{"requestId": "s" + a.request,
				"resolution": map[string]any{"action": "RESOLUTION_ACTION_REJECTED", "reviewer": "mei"}})
			a.resolved = status == http.StatusOK
		}
	}
	l.add(a)
	return status != 0
}

func triage(request string) any {
	return map[string]any{"requestId": request, "ticket": map[string]any{"title": "purple elephants " + request, "body": "nothing that anybody knows, " + request}}
}

// holds checks that everything acknowledged is there, that a repeated request gives the same answer to the byte, and that
// nothing is there twice. Only what was acknowledged since from is read.
func (s *service) holds(l *ledger, from int) error {
	cases := map[string]string{}
	for _, a := range l.acks[from:] {
		status, reply := s.call("POST", "/v1/triage", triage(a.request))
		if status != http.StatusOK || !bytes.Equal(reply, a.reply) {
			return fmt.Errorf("request %s was answered %s, and now %d %s", a.request, a.reply, status, reply)
		}
		id := a.Handoff.CaseID
		if id == "" {
			continue
		}
		if other, ok := cases[id]; ok {
			return fmt.Errorf("case %s belongs to %s and %s", id, other, a.request)
		}
		cases[id] = a.request
		status, reply = s.call("GET", "/v1/cases/"+id, nil)
		if status != http.StatusOK || a.resolved && !bytes.Contains(reply, []byte("RESOLVED")) {
			return fmt.Errorf("case %s, resolved %v, is now %d %s", id, a.resolved, status, reply)
		}
	}
	return nil
}

func TestKillWhileWriting(t *testing.T) {
	y := begin(t, "F2", "kill -9 of the service under writing clients")
	w := newWorld(t, t.TempDir()).withModel()
	l := &ledger{}
	worst, checked := time.Duration(0), 0
	for range y.rounds(count(1, 200)) {
		s, err := w.serve()
		if err == nil {
			worst = max(worst, s.ready)
			err = s.holds(l, checked)
			checked = len(l.acks)
			done := s.load(l, 4)
			l.await(checked)
			time.Sleep(time.Duration(y.r.IntN(200)) * time.Millisecond)
			s.kill()
			done.Wait()
		}
		y.trial("", err)
	}
	s, err := w.serve()
	require.NoError(t, err)
	y.trial("all acknowledged writes, once more", s.holds(l, 0))
	s.kill()
	require.NotEmpty(t, l.acks)
	resolved := 0
	for _, a := range l.acks {
		if a.resolved {
			resolved++
		}
	}
	require.Positive(t, resolved)
	y.note = fmt.Sprintf("%d tickets and %d resolutions acknowledged; ready again within %.1f s at worst", len(l.acks), resolved, worst.Seconds())
}

// TestTwoProcesses starts a second process in a data folder.
func TestTwoProcesses(t *testing.T) {
	y := begin(t, "F10", "a second service in the data folder")
	w := newWorld(t, t.TempDir()).withModel()
	s, err := w.serve()
	require.NoError(t, err)
	defer s.kill()
	worst := time.Duration(0)
	for range y.rounds(count(1, 10)) {
		began := time.Now()
		out, err := w.run(context.Background(), "serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0")
		worst = max(worst, time.Since(began))
		switch {
		case err == nil:
			err = errors.New("it ran")
		case !strings.Contains(string(out), fmt.Sprint(s.cmd.Process.Pid)):
			err = fmt.Errorf("the holder is not named: %s", out)
		default:
			err = plain(out)
		}
		if status, _ := s.call("GET", "/v1/search?query="+mark(1), nil); err == nil && status != http.StatusOK {
			err = fmt.Errorf("the first one answers %d", status)
		}
		y.trial("", err)
	}
	y.note = fmt.Sprintf("refused within %.1f s at worst", worst.Seconds())
}
