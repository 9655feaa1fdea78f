package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/internal/pgtest"
	"prediag/internal/s3test"
	"prediag/kb"
	"prediag/review"
)

// roundsVariable is how often TestThreeReplicas kills a process and cuts the store off; make test-faults asks for more.
const roundsVariable = "PREDIAG_REPLICA_ROUNDS"

const settled = 60 * time.Second // waits end long before

// TestThreeReplicas runs three services on one PostgreSQL and one S3 store, under load, while the builder is killed and the
// store is cut off and comes back; in more than one round also while PostgreSQL is out of reach, of the builder and of all. There is never more than one builder, nobody ever serves half a generation, all reach
// the same one, and no case that was acknowledged is lost.
func TestThreeReplicas(t *testing.T) {
	c := newCluster(t)
	for n := range c.services {
		c.launch(t, n)
	}
	for n := range c.services {
		c.services[n].await(t)
	}
	watch := c.observe()
	load := c.load()
	c.converge(t, c.write(t, 0))
	rounds, err := strconv.Atoi(os.Getenv(roundsVariable))
	if err != nil {
		rounds = 1
	}
	for n := 1; n <= rounds; n++ {
		killed := c.kill(t)
		c.converge(t, c.write(t, 3*n-2)) // another one builds
		c.proxy.cut(true)
		unseen := c.write(t, 3*n-1)
		c.awaitFault(t, true)
		c.answersAlone(t)
		if rounds > 1 {
			c.awaitNoBuilder(t)
		}
		c.proxy.cut(false)
		c.launch(t, killed)
		c.services[killed].await(t)
		c.awaitFault(t, false)
		c.converge(t, unseen, c.write(t, 3*n))
		if rounds > 1 { // waits for leases to end: not in every run of the tests
			c.losePostgres(t, 1000*n)
		}
	}
	load.stop()
	watch.stop()
	c.checkBuilders(t, watch, rounds)
	c.checkCases(t, load)
	c.checkFolders(t)
}

// cluster is three services, with what they share.
type cluster struct {
	sources  string
	docs     string
	data     [3]string
	address  string    // of PostgreSQL
	states   [3]*proxy // to it, for each service
	store    string
	proxy    *proxy
	env      []string
	mu       sync.Mutex
	services [3]*running // nil: killed
}

func newCluster(t *testing.T) *cluster {
	if testing.Short() {
		t.Skip("starts PostgreSQL, an S3 store and three services")
	}
	database, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = database.Close() })
	store, err := s3test.Start()
	if errors.Is(err, s3test.ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	dir := t.TempDir()
	c := &cluster{docs: filepath.Join(dir, "docs"), sources: filepath.Join(dir, "sources.yaml"), address: database.URL("postgres"), proxy: newProxy(t, store.Addr)}
	for n := range c.states {
		c.states[n] = newProxy(t, database.Addr)
	}
	c.store = store.URL(c.proxy.addr, "kb/test")
	c.env = append(s3test.Environment(), "PGPASSWORD="+pgtest.Password)
	for n := range 40 {
		put(t, filepath.Join(c.docs, fmt.Sprintf("a%02d.md", n)), fmt.Sprintf("# Disk %d is full\n\nDelete old files of volume %d, or resize it.\n", n, n))
	}
	put(t, c.sources, "sources:\n  - {name: docs, kind: files, location: docs}\n")
	first := filepath.Join(dir, "data-0")
	roughModel(t, first)
	if !raceEnabled {
		a := app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
		require.NoError(t, a.trainDemo(t.Context(), dataDir(first).model()))
	}
	for n := range c.data {
		c.data[n] = filepath.Join(dir, fmt.Sprint("data-", n))
		if n > 0 {
			require.NoError(t, os.CopyFS(dataDir(c.data[n]).model(), os.DirFS(dataDir(first).model())))
		}
	}
	return c
}

func (c *cluster) launch(t *testing.T, n int) {
	s := launch(t, c.data[n], c.env, "--state", strings.Replace(c.address, c.states[n].target, c.states[n].addr, 1), "--store", c.store, "--sources", c.sources,
		"--lease", "2s", "--fetch-every", "200ms", "--refresh-every", "1s", "--log-level", "info")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[n] = s
}

// alive are the services that run and can be asked.
func (c *cluster) alive() map[int]*running {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[int]*running{}
	for n, s := range c.services {
		if s != nil && s.http != "" {
			out[n] = s
		}
	}
	return out
}

// write adds an article and returns the word that finds it.
func (c *cluster) write(t *testing.T, n int) string {
	word := fmt.Sprintf("zebra%dword", n)
	put(t, filepath.Join(c.docs, word+".md"), "# About "+word+"\n\nThe remedy is "+word+".\n")
	return word
}

var client = &http.Client{Timeout: 20 * time.Second}

func readText(address string) (string, error) {
	resp, err := client.Get(address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return string(raw), err
}

// finds reports whether a service finds the article of a word.
func finds(s *running, word string) bool {
	raw, err := readText(s.http + "/v1/search?query=" + url.QueryEscape(word))
	return err == nil && strings.Contains(raw, word+".md")
}

// converge waits until all services find all words in the same generation.
func (c *cluster) converge(t *testing.T, words ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		generations := map[string]bool{}
		for _, s := range c.alive() {
			raw, err := readText(s.http + "/metrics")
			if err != nil {
				return false
			}
			generations[metric(raw, "prediag_index_generation")+" "+metric(raw, "prediag_index_made_time_seconds")] = true
			for _, w := range words {
				if !finds(s, w) {
					return false
				}
			}
		}
		return len(generations) == 1
	}, settled, 50*time.Millisecond, "all find %v", words)
}

func metric(raw, name string) string {
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(raw)
	if m == nil {
		return ""
	}
	return m[1]
}

// losePostgres takes PostgreSQL away: from the builder, whose packets vanish, so that another service builds; then from all, so that
// nobody does. It comes back each time, and everything written meanwhile is found.
func (c *cluster) losePostgres(t *testing.T, n int) {
	t.Helper()
	lost := c.builder(t)
	c.states[lost].freeze(true)
	require.Eventually(t, func() bool {
		now := c.builds()
		return now >= 0 && now != lost
	}, settled, 20*time.Millisecond, "another one builds")
	c.converge(t, c.write(t, n)) // the one that is cut off fetches as before
	c.states[lost].freeze(false)
	for _, p := range c.states {
		p.cut(true)
	}
	unseen := c.write(t, n+1)
	c.awaitNoBuilder(t)
	for _, s := range c.alive() {
		require.True(t, finds(s, "zebra0word"))
		_, err := triageOver(s, `{"request_id":"nowhere","ticket":{"id":"nowhere","title":"Nothing can be kept"}}`)
		require.Error(t, err, "what cannot be recorded is not acknowledged")
	}
	for _, p := range c.states {
		p.cut(false)
	}
	c.converge(t, unseen, c.write(t, n+2))
}

// builds is the service that says that it builds; -1: none does.
func (c *cluster) builds() int {
	for n, s := range c.alive() {
		if raw, err := readText(s.http + "/metrics"); err == nil && metric(raw, "prediag_replica_builder") == "1" {
			return n
		}
	}
	return -1
}

// builder waits until a service builds, and returns which.
func (c *cluster) builder(t *testing.T) int {
	builder := -1
	require.Eventually(t, func() bool {
		builder = c.builds()
		return builder >= 0
	}, settled, 20*time.Millisecond, "somebody builds")
	return builder
}

// kill ends the builder as a power cut does, and returns which one it was.
func (c *cluster) kill(t *testing.T) int {
	builder := c.builder(t)
	s := c.alive()[builder]
	require.NoError(t, s.cmd.Process.Kill()) // while calls are at work
	_ = s.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[builder] = nil
	return builder
}

func (c *cluster) awaitFault(t *testing.T, want bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range c.alive() {
			raw, err := readText(s.http + "/metrics")
			if err != nil || metric(raw, "prediag_replica_fault") != strconv.Itoa(integerOf(want)) {
				return false
			}
		}
		return true
	}, settled, 50*time.Millisecond, "fault %v", want)
}

// awaitNoBuilder waits until nobody builds: who does not reach the store gives the lease up.
func (c *cluster) awaitNoBuilder(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range c.alive() {
			if raw, err := readText(s.http + "/metrics"); err != nil || metric(raw, "prediag_replica_builder") != "0" {
				return false
			}
		}
		return true
	}, settled, 50*time.Millisecond, "nobody builds")
}

func integerOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// answersAlone asks the services while the store is away: they answer with what they have, and say that something is wrong.
func (c *cluster) answersAlone(t *testing.T) {
	t.Helper()
	for _, s := range c.alive() {
		require.True(t, finds(s, "zebra0word"))
		raw, err := readText(s.http + "/v1/status")
		require.NoError(t, err)
		require.Contains(t, raw, "the shared index cannot be followed")
		raw, err = readText(s.http + "/readyz")
		require.NoError(t, err, raw)
	}
}

// background is something that goes on until it is stopped.
type background struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
}

func (b *background) stop() { b.cancel(); b.group.Wait() }

// builderSpan is what is known about who built: from the end of the first answer that said so to the begin of the last one.
// An epoch that is left never comes again, so it was the builder all the time in between.
type builderSpan struct {
	process  *running
	from, to time.Time
}

type observer struct {
	background
	mu    sync.Mutex
	spans map[string]*builderSpan // by epoch
	twice []string                // epochs of which two processes said that they are theirs
}

// observe asks all services all the time who builds.
func (c *cluster) observe() *observer {
	ctx, cancel := context.WithCancel(context.Background())
	o := &observer{background: background{cancel: cancel}, spans: map[string]*builderSpan{}}
	o.group.Go(func() {
		for pause(ctx, 20*time.Millisecond) {
			var asked sync.WaitGroup
			for _, s := range c.alive() {
				asked.Go(func() { o.look(s) })
			}
			asked.Wait()
		}
	})
	return o
}

func (o *observer) look(s *running) {
	began := time.Now()
	raw, err := readText(s.http + "/metrics")
	if err != nil || metric(raw, "prediag_replica_builder") != "1" {
		return
	}
	epoch := metric(raw, "prediag_replica_epoch")
	o.mu.Lock()
	defer o.mu.Unlock()
	span, ok := o.spans[epoch]
	switch {
	case !ok:
		o.spans[epoch] = &builderSpan{process: s, from: time.Now(), to: began}
	case span.process != s:
		o.twice = append(o.twice, epoch)
	default:
		span.to = began
	}
}

// checkBuilders asserts that at no time two services built.
func (c *cluster) checkBuilders(t *testing.T, o *observer, rounds int) {
	t.Helper()
	require.Empty(t, o.twice, "an epoch has one holder")
	require.Greater(t, len(o.spans), rounds, "others took over")
	for e1, a := range o.spans {
		for e2, b := range o.spans {
			if e1 != e2 && a.process != b.process && a.to.After(a.from) && b.to.After(b.from) {
				require.False(t, a.from.Before(b.to) && b.from.Before(a.to), "epochs %s and %s overlap: %v, %v", e1, e2, a, b)
			}
		}
	}
}

// worker sends tickets and remembers what was acknowledged.
type worker struct {
	background
	mu           sync.Mutex
	acknowledged map[string]string // diagnosis by request
	failed       int
}

// load sends tickets to any of the services; what fails is sent again to another one with the same request ID.
func (c *cluster) load() *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{background: background{cancel: cancel}, acknowledged: map[string]string{}}
	for g := range 2 {
		w.group.Go(func() {
			for n := 0; pause(ctx, 20*time.Millisecond); n++ {
				w.send(ctx, c, fmt.Sprintf("r-%d-%d", g, n))
			}
		})
	}
	return w
}

func (w *worker) send(ctx context.Context, c *cluster, id string) {
	body := fmt.Sprintf(`{"request_id":%q,"ticket":{"id":%q,"title":"Production is down","body":"urgent: the instance of %s does not start, ACS.0013"}}`, id, id, id)
	for ctx.Err() == nil {
		for _, s := range c.alive() { // in a random order
			diagnosis, err := triageOver(s, body)
			if err == nil {
				w.mu.Lock()
				w.acknowledged[id] = diagnosis
				w.mu.Unlock()
				if rand.IntN(4) > 0 {
					return
				}
				continue // a retry, as of a client that did not see the answer: it must get the same one
			}
			w.mu.Lock()
			w.failed++
			w.mu.Unlock()
		}
		if w.has(id) {
			return
		}
	}
}

func (w *worker) has(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acknowledged[id] != ""
}

func triageOver(s *running, body string) (string, error) {
	resp, err := client.Post(s.http+"/v1/triage", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var r struct{ Diagnosis struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %w", resp.Status, err)
	}
	return r.Diagnosis.ID, nil
}

// checkCases asserts that every acknowledged diagnosis is stored, once, with its case.
func (c *cluster) checkCases(t *testing.T, w *worker) {
	t.Helper()
	require.Greater(t, len(w.acknowledged), 20, "the services worked")
	t.Setenv("PGPASSWORD", pgtest.Password)
	store, err := review.OpenReadOnly(c.address, review.Options{})
	require.NoError(t, err)
	defer store.Close()
	stored, byRequest := map[string]prediag.Decision{}, map[string]int{}
	require.NoError(t, store.Decisions(t.Context(), review.EntryFilter{}, func(e review.Entry) error {
		stored[e.Decision.DiagnosisID] = e.Decision
		byRequest[e.Key.ID]++
		return nil
	}))
	for id, diagnosis := range w.acknowledged {
		require.Contains(t, stored, diagnosis, "request %s was acknowledged", id)
		require.Equal(t, 1, byRequest[id], "request %s", id)
		d, err := store.Diagnosis(t.Context(), diagnosis)
		require.NoError(t, err)
		require.NotNil(t, d.Handoff, "urgent tickets are seen by a human")
		_, err = store.Case(t.Context(), d.Handoff.CaseID)
		require.NoError(t, err)
	}
	require.NoError(t, store.Verify(t.Context()))
	t.Logf("%d tickets acknowledged, %d calls failed and were repeated", len(w.acknowledged), w.failed)
}

// checkFolders proves every byte of what the services have on disk, and that it is the same.
func (c *cluster) checkFolders(t *testing.T) {
	t.Helper()
	generations := map[string]bool{}
	for n, s := range c.alive() {
		require.Equal(t, exitOK, s.stop(t), s.log.String())
		k, err := kb.Open(dataDir(c.data[n]).kb(), kb.Options{})
		require.NoError(t, err)
		require.Empty(t, k.Status().Degraded)
		require.NoError(t, k.Scrub(t.Context()))
		generations[k.Generation().Hash] = true
		require.NoError(t, k.Close())
	}
	require.Len(t, generations, 1)
}

// proxy stands between services and a store or database. It can be cut, and frozen: then nothing arrives any more and nobody is told.
type proxy struct {
	addr   string
	target string
	mu     sync.Mutex
	thaw   *sync.Cond // with mu
	frozen bool
	off    bool
	open   map[net.Conn]bool
}

func newProxy(t *testing.T, target string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{addr: l.Addr().String(), target: target, open: map[net.Conn]bool{}}
	p.thaw = sync.NewCond(&p.mu)
	t.Cleanup(func() { _ = l.Close(); p.cut(true); p.freeze(false) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(conn)
		}
	}()
	return p
}

// cut closes what is open and refuses what comes, or ends that.
func (p *proxy) cut(off bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = off
	for conn := range p.open {
		_ = conn.Close()
	}
}

// freeze lets bytes wait, or go on.
func (p *proxy) freeze(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = frozen
	p.thaw.Broadcast()
}

// gated is a connection that is written to only while its proxy is not frozen.
type gated struct {
	net.Conn
	p *proxy
}

func (g gated) Write(b []byte) (int, error) {
	g.p.mu.Lock()
	for g.p.frozen {
		g.p.thaw.Wait()
	}
	g.p.mu.Unlock()
	return g.Conn.Write(b)
}

// keep remembers connections to cut; false: they are cut now.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		return false
	}
	for _, c := range conns {
		p.open[c] = true
	}
	return true
}

func (p *proxy) forward(conn net.Conn) {
	defer conn.Close()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	if !p.keep(conn, out) {
		return
	}
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{conn, out}, {out, conn}} {
		go func() { _, _ = io.Copy(gated{pair[0], p}, pair[1]); done <- struct{}{} }()
	}
	<-done
	p.mu.Lock()
	delete(p.open, conn)
	delete(p.open, out)
	p.mu.Unlock()
}
