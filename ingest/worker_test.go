package ingest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be its own parse worker; the last argument says how it behaves.
func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) == "" {
		os.Exit(m.Run())
	}
	answers := map[string]func(*task) result{
		"parse": answer,
		"spin": func(*task) result {
			for n := 0; ; n++ { //nolint:revive // it is meant to be empty
			}
		},
		"sleep": func(*task) result { time.Sleep(time.Hour); return result{} },
		"crash": func(*task) result { os.Exit(3); return result{} },
		"stack": func(*task) result { var f func() int; f = func() int { return f() + 1 }; f(); return result{} },
		"panic": func(*task) result {
			return func() (r result) {
				defer func() { r = result{Reason: SkipPanic, Fault: "panic: bug"}; _ = recover() }()
				panic("bug")
			}()
		},
		"write": func(t *task) result { return result{Fault: os.WriteFile(string(t.Raw), []byte("x"), 0o600).Error()} },
		"memory": func(*task) result {
			var all [][]byte
			for {
				b := make([]byte, 64<<20)
				for i := range b {
					b[i] = 1
				}
				all = append(all, b)
				if len(all) > 100 {
					return result{}
				}
			}
		},
	}
	if err := work(os.Stdin, os.Stdout, answers[os.Args[len(os.Args)-1]]); err != nil {
		os.Exit(1)
	}
}

// workerCommand is a worker that behaves so.
func workerCommand(t testing.TB, how string) []string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	return []string{exe, how}
}

func newTestPool(t *testing.T, how string, limit time.Duration) *pool {
	t.Helper()
	p, err := newPool(workerCommand(t, how), 1, limit)
	require.NoError(t, err)
	t.Cleanup(p.close)
	return p
}

func TestWorkerParsesLikeThisProcess(t *testing.T) {
	p := newTestPool(t, "parse", 2*time.Second)
	for _, name := range []string{"a.md", "a.mdx", "a.rst", "a.txt", "a.html"} {
		for _, s := range seeds {
			tk := &task{Source: "s", Path: name, Raw: []byte(s), Given: Meta{URL: "u", Audience: []string{"x"}, Updated: time.Unix(5, 0)},
				Defaults: Defaults{Language: "en", Columns: &Columns{ID: "i"}, AudienceMap: map[string]string{"a": "b"}}}
			want, wantReason := tk.parse()
			got, reason, err := p.parse(t.Context(), tk)
			require.NoError(t, err)
			require.Equal(t, wantReason, reason)
			require.Equal(t, want, got)
		}
	}
}

func TestWorkersThatMisbehave(t *testing.T) {
	for _, c := range []struct{ how, reason string }{
		{"spin", SkipTimeout}, {"sleep", SkipTimeout}, {"crash", SkipPanic}, {"stack", SkipPanic}, {"memory", SkipMemory}, {"panic", SkipPanic},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			if c.how == "memory" && raceEnabled {
				t.Skip("the race detector's own memory is over the limit")
			}
			limit := 300 * time.Millisecond
			if c.how == "memory" || c.how == "stack" {
				limit = 10 * time.Second
			}
			p := newTestPool(t, c.how, limit)
			start := time.Now()
			_, reason, err := p.parse(t.Context(), &task{Source: "s", Path: "a.md", Raw: []byte("x")})
			require.Error(t, err)
			require.Equal(t, c.reason, reason, err)
			require.Less(t, time.Since(start), 30*time.Second)
			if limit > time.Second {
				return // it takes long enough
			}
			_, again, _ := p.parse(t.Context(), &task{Source: "s", Path: "a.md", Raw: []byte("x")})
			require.Equal(t, c.reason, again, "another one took its place")
		})
	}
}

func TestWorkerCannotWriteFiles(t *testing.T) {
	file := t.TempDir() + "/x"
	p := newTestPool(t, "write", 2*time.Second)
	_, _, err := p.parse(t.Context(), &task{Raw: []byte(file)})
	require.ErrorContains(t, err, "file too large")
}

func TestWorkerThatIsNone(t *testing.T) {
	index := newMemory()
	for _, command := range [][]string{{"/nowhere/prediag"}, {"/bin/true"}, {"/bin/echo", "hello"}} {
		_, err := New(index, Options{Worker: command}).Refresh(t.Context(), []Source{FS("s", files(numberedFiles(1)))})
		require.ErrorContains(t, err, "parse worker")
	}
	require.Empty(t, index.articles, "nothing is quarantined for want of a worker")
	t.Setenv(workerEnv, "1")
	_, err := newPool(workerCommand(t, "parse"), 1, time.Second)
	require.ErrorContains(t, err, "is one itself")
}

func TestWorkerEndsWithTheCaller(t *testing.T) {
	p := newTestPool(t, "sleep", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, reason, err := p.parse(ctx, &task{Path: "a.md"})
	require.Error(t, err)
	require.Contains(t, []string{SkipTimeout, SkipNoWorker}, reason) // at work, or still waiting for a child
	for range 10 {
		_, reason, err = p.parse(ctx, &task{Path: "a.md"})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, SkipNoWorker, reason, "not the file's fault")
	}
}

func TestRefreshWithWorkers(t *testing.T) {
	tree := numberedFiles(50)
	tree["r.jsonl"] = `{"id":"r1","body":"b"}`
	with, without := newMemory(), newMemory()
	_, err := New(with, Options{Worker: workerCommand(t, "parse")}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	_, err = New(without, Options{}).Refresh(t.Context(), []Source{FS("s", files(tree))})
	require.NoError(t, err)
	require.Equal(t, without.articles, with.articles)

	spun, left := newMemory(), FileLedger{Dir: t.TempDir()}
	opt := Options{Worker: workerCommand(t, "spin"), ParseTimeout: 200 * time.Millisecond, Ledger: left}
	rep, err := New(spun, opt).Refresh(t.Context(), []Source{FS("s", files(numberedFiles(1)))})
	require.NoError(t, err)
	require.Equal(t, map[string]int{SkipTimeout: 1}, rep.Sources[0].Skipped)
	opt.Worker, opt.ParseTimeout = workerCommand(t, "parse"), 30*time.Second // which could read it
	rep, err = New(spun, opt).Refresh(t.Context(), []Source{FS("s", files(numberedFiles(1)))})
	require.NoError(t, err)
	require.Equal(t, map[string]int{SkipTimeout: 1}, rep.Sources[0].Skipped, "quarantined: it is not tried again")
	e, err := left.Load("s")
	require.NoError(t, err)
	require.Len(t, e.Quarantine(), 1)
	require.Equal(t, "000.md", e.Quarantine()[0].Path)
	opt.RetryQuarantined = true
	rep, err = New(spun, opt).Refresh(t.Context(), []Source{FS("s", files(numberedFiles(1)))})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Sources[0].Added)
	e, err = left.Load("s")
	require.NoError(t, err)
	require.Empty(t, e.Quarantine())
}

// BenchmarkWorker compares parsing in this process with parsing in a child.
func BenchmarkWorker(b *testing.B) {
	t := &task{Source: "s", Path: "a.md", Raw: []byte("# Title\n\nSome text of a usual length.\n\n- a\n- b\n")}
	children, err := newPool(workerCommand(b, "parse"), 1, 2*time.Second)
	require.NoError(b, err)
	defer children.close()
	pools := map[string]parser{"process": newGuard(1, 2*time.Second), "child": children}
	for name, p := range pools {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, reason, err := p.parse(b.Context(), t); reason != "" {
					b.Fatal(reason, err)
				}
			}
		})
	}
}
