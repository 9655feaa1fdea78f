//go:build linux

package faulttest

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	before = flag.String("before", "", "TestSearchDuringRefresh: file of articles, as internal/kbgen makes one")
	after  = flag.String("after", "", "TestSearchDuringRefresh: the same with changes")
	data   = flag.String("data", "", "TestSearchDuringRefresh: folder to work in and to keep; default: a new one")
)

// TestSearchDuringRefresh measures how long searches take while nothing else happens, and while a refresh clones, applies
// and switches. It is a measurement: run it alone on a machine that has nothing else to do.
func TestSearchDuringRefresh(t *testing.T) {
	if *before == "" || *after == "" {
		t.Skip("a measurement: needs -before and -after")
	}
	dir := *data
	if dir == "" {
		dir = t.TempDir()
	}
	w := &world{t: t, dir: filepath.Join(dir, "data"), src: filepath.Join(dir, "articles.jsonl")}
	require.NoError(t, place(*before, w.src))
	if _, err := os.Stat(w.dir); err != nil {
		w.withModel()
		bin, err := binary()
		require.NoError(t, err)
		must(t, bin, "ingest", "--data-dir", w.dir, w.src)
	}
	s, err := w.serve()
	require.NoError(t, err)
	defer s.kill()
	t.Logf("ready after %v; resident memory %s", s.ready, s.memory())
	queries := sample(t, *before, 2000)
	require.NoError(t, s.refresh())
	require.Greater(t, len(queries), 200)
	s.search(t, queries[:100], nil) // warm
	idle := s.search(t, queries[100:], nil)
	t.Logf("idle: %v", idle)
	for _, state := range []string{*after, *before, *after} {
		require.NoError(t, place(state, w.src))
		done := make(chan error, 1)
		began := time.Now()
		go func() { done <- s.refresh() }()
		during := s.search(t, queries[100:], done)
		t.Logf("refresh of %v: %v; p99 is %.2f of idle; resident memory %s", time.Since(began), during, float64(during.p99)/float64(idle.p99), s.memory())
	}
	require.NoError(t, place(*before, w.src))
	require.NoError(t, s.refresh())
}

// place copies a file over another in one step.
func place(from, to string) error {
	if out, err := exec.Command("cp", from, to+".new").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return os.Rename(to+".new", to)
}

// sample draws queries of 20 words out of the articles of a file.
func sample(t *testing.T, file string, n int) []string {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r := rand.New(rand.NewPCG(*seed, 20))
	var list []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if r.IntN(8) != 0 {
			continue
		}
		var a struct{ Body string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
		words := strings.Fields(a.Body)
		if len(words) < 20 {
			continue
		}
		at := r.IntN(len(words) - 19)
		list = append(list, strings.Join(words[at:at+20], " "))
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

// latency sums up how long calls took.
type latency struct {
	n             int
	p50, p99, max time.Duration
}

func (l latency) String() string {
	return fmt.Sprintf("%d searches, p50 %v, p99 %v, most %v", l.n, l.p50, l.p99, l.max)
}

// search asks one query after the other, until done or all were asked once.
func (s *service) search(t *testing.T, queries []string, done <-chan error) latency {
	var took []time.Duration
	for i := 0; done != nil || i < len(queries); i++ {
		select {
		case err := <-done:
			require.NoError(t, err)
			done, i = nil, len(queries)
			continue
		default:
		}
		began := time.Now()
		status, reply := s.call(http.MethodGet, "/v1/search?query="+url.QueryEscape(queries[i%len(queries)]), nil)
		require.Equal(t, http.StatusOK, status, "%s", reply)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return latency{n: len(took), p50: took[len(took)/2], p99: took[len(took)*99/100], max: took[len(took)-1]}
}

// refresh asks for a refresh and waits for its end.
func (s *service) refresh() error {
	_, reply := s.call(http.MethodPost, "/v1/refresh", map[string]any{})
	var op struct {
		Operation struct{ ID string }
	}
	if err := json.Unmarshal(reply, &op); err != nil {
		return fmt.Errorf("%w: %s", err, reply)
	}
	for range 60000 {
		_, reply = s.call(http.MethodGet, "/v1/operations/"+op.Operation.ID, nil)
		switch {
		case strings.Contains(string(reply), "SUCCEEDED"):
			return nil
		case strings.Contains(string(reply), "FAILED"):
			return fmt.Errorf("refresh: %s", reply)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the refresh does not end")
}

// memory is what the service has of its own in memory, and with the files that it has mapped.
func (s *service) memory() string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return "unknown"
	}
	var own, files string
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "RssAnon":
			own = strings.TrimSpace(value)
		case "RssFile":
			files = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%s, and %s of mapped files", own, files)
}
