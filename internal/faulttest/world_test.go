//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// articles is how many articles of a knowledge base change with every revision.
const articles = 40

// patience is how long anything may take before it counts as hanging. Machines that run tests are slow.
const patience = 5 * time.Minute

// world is a data folder and its source. Every article of the source holds the mark of the source's revision, so that a
// mixture of two revisions shows.
type world struct {
	t    *testing.T
	dir  string // the data folder
	src  string // the folder of the source
	rev  int    // of the source
	seen int    // revision that served last; 0: none
	pad  int    // bytes that are added to every article
}

func newWorld(t *testing.T, dir string) *world {
	w := &world{t: t, dir: filepath.Join(dir, "data"), src: filepath.Join(dir, "source")}
	require.NoError(t, os.MkdirAll(w.src, 0o755))
	w.revise()
	out, err := w.run(context.Background(), "ingest", w.src)
	require.NoError(t, err, "%s", out)
	w.seen = w.rev
	return w
}

// mark is a word that no other revision has, and that no stemmer takes for a form of another.
func mark(rev int) string {
	return "zq" + strings.Map(func(r rune) rune { return rune("bdfgkpvwxz"[r-'0']) }, fmt.Sprint(rev)) + "q"
}

// revise writes the next revision of the source. Half of the articles stand in a file that stays, so that the generation
// shares what it has with the one before; their mark is the first one.
func (w *world) revise() {
	w.rev++
	write := func(name string, from, to int, mark string) {
		var b bytes.Buffer
		for i := from; i < to; i++ {
			body := fmt.Sprintf("%s of article number%d. The disk is full. %s", mark, i, strings.Repeat(fmt.Sprintf("%x ", i*w.rev*7919), w.pad/6))
			raw, err := json.Marshal(map[string]string{"id": fmt.Sprintf("x%03d", i), "title": fmt.Sprintf("Article %d", i), "body": body, "lang": "en"})
			require.NoError(w.t, err)
			b.Write(append(raw, '\n'))
		}
		require.NoError(w.t, os.WriteFile(filepath.Join(w.src, name), b.Bytes(), 0o600))
	}
	if w.rev == 1 {
		write("stays.jsonl", articles, articles+*steady, "steady")
	}
	write("changes.jsonl", 0, articles, mark(w.rev))
}

// command is the binary on the world's data folder, in a process group of its own.
func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	bin, err := binary()
	require.NoError(w.t, err)
	return group(ctx, bin, append(args, "--data-dir", w.dir)...)
}

// group is a program in a process group of its own, which is killed as a whole.
func group(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	return c
}

// run runs a command to its end.
func (w *world) run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.command(ctx, args...).CombinedOutput()
}

// serves asks the index which revision it holds: the one revision whose mark all changing articles have.
func (w *world) serves() (rev int, generation uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := w.command(ctx, "search", "--json", "--limit", "100", mark(w.rev)+" "+mark(w.seen)+" "+mark(w.rev-1))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("search: %w: %s", err, stderr.Bytes())
	}
	var got struct {
		Hits []struct {
			ArticleID string `json:"articleId"`
			Passages  []struct {
				Text string `json:"text"`
			} `json:"passages"`
		} `json:"hits"`
		Generation uint64 `json:"generation"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return 0, 0, err
	}
	ids := map[string]bool{}
	for _, h := range got.Hits {
		if len(h.Passages) == 0 {
			return 0, 0, fmt.Errorf("article %s: no passage", h.ArticleID)
		}
		word, _, _ := strings.Cut(h.Passages[0].Text, " ")
		found := slices.Index([]string{mark(w.rev), mark(w.seen), mark(w.rev - 1)}, word)
		if found < 0 {
			return 0, 0, fmt.Errorf("article %s holds %q", h.ArticleID, word)
		}
		r := []int{w.rev, w.seen, w.rev - 1}[found]
		if rev != 0 && r != rev {
			return 0, 0, fmt.Errorf("a mixture of revisions %d and %d in generation %d", rev, r, got.Generation)
		}
		rev, ids[h.ArticleID] = r, true
	}
	if len(ids) != articles {
		return 0, 0, fmt.Errorf("%d of %d articles found in generation %d", len(ids), articles, got.Generation)
	}
	return rev, got.Generation, nil
}

// sound is the oracle after a fault: the old or the new revision serves as a whole and every kept file is what it was. With
// done the new one must serve.
func (w *world) sound(done bool) error {
	rev, _, err := w.serves()
	if err != nil {
		return err
	}
	if done && rev != w.rev {
		return fmt.Errorf("the refresh to revision %d was reported as done, and revision %d serves", w.rev, rev)
	}
	w.seen = rev
	if out, err := w.run(context.Background(), "kb", "verify"); err != nil {
		return fmt.Errorf("kb verify: %w: %s", err, out)
	}
	return nil
}

// tidy refreshes without a fault: the next revision must serve, and nothing of what the faults left may stand.
func (w *world) tidy() error {
	w.revise()
	if out, err := w.run(context.Background(), "ingest", w.src); err != nil {
		return fmt.Errorf("ingest after the faults: %w: %s", err, out)
	}
	if err := w.sound(true); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(w.dir, "kb"))
	if err != nil {
		return err
	}
	generations := 0
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "gen-"):
			generations++
		case strings.HasPrefix(e.Name(), "build-"), strings.Contains(e.Name(), ".tmp"):
			return fmt.Errorf("%s was left in the index's folder", e.Name())
		}
	}
	if generations > 3 {
		return fmt.Errorf("%d generations are kept", generations)
	}
	return nil
}

// plain looks for what no message to a human holds.
func plain(out []byte) error {
	if bytes.Contains(out, []byte("netpollBreak")) {
		return nil // strace failed a write of Go's runtime to itself, which no disk does
	}
	for _, bad := range []string{"panic:", "fatal error:", "goroutine 1", "SIGSEGV", "DATA RACE"} {
		if bytes.Contains(out, []byte(bad)) {
			return fmt.Errorf("the output holds %q: %s", bad, out)
		}
	}
	return nil
}

// killed reports whether a process was ended by a signal, its own or its leader's.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	s, ok := exit.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() || exit.ExitCode() == 137
}
