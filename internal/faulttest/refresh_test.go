//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killWhen runs a refresh and kills it, with its parsers, when the channel that wait gives says so. It reports whether the
// refresh ended before.
func (w *world) killWhen(wait func() <-chan struct{}) (done bool, err error) {
	c := w.command(context.Background(), "ingest", w.src)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-wait():
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // it may just have ended
		err = <-ended
	case err = <-ended:
	case <-time.After(patience):
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		return false, fmt.Errorf("hangs: %s", out.Bytes())
	}
	if err != nil && !killed(err) {
		return false, fmt.Errorf("refresh: %w: %s", err, out.Bytes())
	}
	return err == nil, nil
}

// usual is how long a refresh takes here.
func (w *world) usual() time.Duration {
	began := time.Now()
	require.NoError(w.t, w.tidy())
	return time.Since(began) / 2 // the other half is the search and the verification
}

func TestKillAtAnyMoment(t *testing.T) {
	y := begin(t, "F1", "kill -9 of a refresh at a random moment")
	w := newWorld(t, t.TempDir())
	usual := w.usual()
	kills := 0
	for range y.rounds(count(3, 100)) {
		w.revise()
		after := time.Duration(y.r.Float64() * 1.2 * float64(usual))
		done, err := w.killWhen(func() <-chan struct{} {
			ch := make(chan struct{})
			time.AfterFunc(after, func() { close(ch) })
			return ch
		})
		if !done {
			kills++
		}
		if err == nil {
			err = w.sound(done)
		}
		y.trial(after.String(), err)
	}
	y.note = fmt.Sprintf("%d killed before the end", kills)
	y.trial("clean refresh afterwards", w.tidy())
}

// states are what a refresh makes in the index's folder, in order, as patterns of names.
var states = []string{
	"build-*", "build-*/index/store", "build-*/index/store/root.bolt", "build-*/index/index_meta.json", "build-*/index/store/*.zap",
	"build-*/articles.tsv.gz", "build-*/changes.tsv", "build-*/manifest.json", "gen-%08d", "gen-%08d/manifest.json", "CURRENT.tmp*", "../ledger/tmp-*", "../refresh.json.tmp*",
}

func TestKillAtState(t *testing.T) {
	y := begin(t, "F1", "kill -9 of a refresh when a file of the new generation appears")
	w := newWorld(t, t.TempDir())
	kills := 0
	for range y.rounds(count(1, 2)) {
		for _, state := range states {
			if *trials == 0 && state != states[len(states)-6] {
				continue
			}
			w.revise()
			done, err := w.killWhen(func() <-chan struct{} { return w.appears(state) })
			if !done {
				kills++
			}
			if err == nil {
				err = w.sound(done)
			}
			y.trial(state, err)
		}
	}
	y.note = fmt.Sprintf("%d killed before the end", kills)
	y.trial("clean refresh afterwards", w.tidy())
}

// appears closes the channel when a name that was not there before appears in the index's folder. It gives up after ten
// seconds: some states last for no longer than a system call.
func (w *world) appears(pattern string) <-chan struct{} {
	kb := filepath.Join(w.dir, "kb")
	if bytes.Contains([]byte(pattern), []byte("%08d")) {
		_, generation, err := w.serves()
		require.NoError(w.t, err)
		pattern = fmt.Sprintf(pattern, generation+1)
	}
	ch := make(chan struct{})
	go func() {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			if found, _ := filepath.Glob(filepath.Join(kb, pattern)); len(found) > 0 {
				close(ch)
				return
			}
			time.Sleep(20 * time.Microsecond)
		}
	}()
	return ch
}

// calls are the system calls by which a refresh changes what is on the disk.
var calls = []string{"openat", "write", "pwrite64", "fsync", "fdatasync", "renameat", "linkat", "unlinkat", "mkdirat", "ftruncate", "close"}

// keptSome reports whether a report says that files or records could not be read: their articles are then as they were,
// beside those that were renewed, until the next refresh.
func keptSome(report []byte) bool {
	return bytes.Contains(report, []byte("kept")) || bytes.Contains(report, []byte("skipped"))
}

// strace runs a refresh under strace, which tampers with a system call, and returns what it printed.
func (w *world) strace(inject string) ([]byte, error) {
	bin, err := binary()
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := group(ctx, "strace", "-f", "-qq", "-o", os.DevNull, "-e", "inject="+inject, "--seccomp-bpf", "-e", "trace="+callOf(inject),
		bin, "ingest", "--data-dir", w.dir, w.src)
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		return out, fmt.Errorf("hangs: %w", ctx.Err())
	}
	return out, err
}

func callOf(inject string) string {
	call, _, _ := bytes.Cut([]byte(inject), []byte(":"))
	return string(call)
}

func TestKillAtCall(t *testing.T) {
	y := begin(t, "F1", "kill -9 of a refresh at the n-th system call of a thread")
	y.need("strace")
	w := newWorld(t, t.TempDir())
	kills := 0
	for range y.rounds(count(0, 100)) {
		w.revise()
		call := calls[y.r.IntN(len(calls))]
		inject := fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, 1+y.r.IntN(nth(call)))
		out, err := w.strace(inject)
		if err != nil {
			kills++
		}
		done := err == nil
		if err = plain(out); err == nil {
			err = w.sound(done)
		}
		y.trial(inject, err)
	}
	y.note = fmt.Sprintf("%d killed before the end", kills)
	y.trial("clean refresh afterwards", w.tidy())
}

// nth is how often one thread makes a call in a refresh, about.
func nth(call string) int {
	switch call {
	case "openat", "close", "write":
		return 25
	case "fsync", "fdatasync":
		return 4
	}
	return 2
}

// failures are what calls fail with. close is not among them: strace would leave the file open, which no kernel does.
var failures = map[string][]string{
	"openat": {"EMFILE", "EIO", "ENOSPC", "EACCES"}, "write": {"ENOSPC", "EIO"}, "pwrite64": {"ENOSPC", "EIO"}, "fsync": {"EIO", "ENOSPC"},
	"fdatasync": {"EIO", "ENOSPC"}, "renameat": {"EIO", "ENOSPC"}, "linkat": {"EIO", "EMLINK", "ENOSPC"}, "unlinkat": {"EIO", "EPERM"},
	"mkdirat": {"ENOSPC", "EROFS"}, "ftruncate": {"EIO", "ENOSPC"},
}

func TestFailingCalls(t *testing.T) {
	y := begin(t, "F4", "a system call of a refresh fails from the n-th on, or once")
	y.need("strace")
	w := newWorld(t, t.TempDir())
	failed, kept := 0, 0
	for range y.rounds(count(0, 200)) {
		w.revise()
		call := calls[y.r.IntN(len(calls)-1)]
		list := failures[call]
		inject := fmt.Sprintf("%s:error=%s:when=%d", call, list[y.r.IntN(len(list))], 1+y.r.IntN(nth(call)))
		if y.r.IntN(2) == 0 {
			inject += "+"
		}
		out, err := w.strace(inject)
		done := err == nil
		if !done {
			failed++
			if killed(err) {
				err = fmt.Errorf("died: %w: %s", err, out)
			} else if err = plain(out); err == nil && len(bytes.TrimSpace(out)) == 0 && call != "write" {
				err = fmt.Errorf("failed without a word")
			}
		}
		switch {
		case err != nil:
		case done && keptSome(out):
			kept++
			err = w.tidy()
		default:
			err = w.sound(done)
		}
		y.trial(inject, err)
	}
	y.note = fmt.Sprintf("%d refreshes failed with an error, %d kept articles as they were and said so", failed, kept)
	y.trial("clean refresh afterwards", w.tidy())
}
