//go:build linux

package faulttest

import (
	"flag"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seed   = flag.Uint64("seed", 1, "of all draws")
	steady = flag.Int("steady", 2*articles, "articles that stay as they are, beside those that change")
	budget = flag.Duration("budget", 0, "time after which no fault begins another trial; 0: none")
	trials = flag.Int("trials", 0, "kills by time, the other faults in proportion; 0: a short selection")
)

// outcome is one line of the table.
type outcome struct {
	fault, injection string
	trials, losses   int
	note             string
}

// results are what the tests found, by fault; binary is built once, at first use.
var (
	results struct {
		sync.Mutex
		list []outcome
	}
	binary = sync.OnceValues(build)
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *trials > 0 {
		fmt.Print(table(results.list))
	}
	if dir, ok := strings.CutSuffix(builtAt(), "/prediag"); ok {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// table renders the outcomes as Markdown.
func table(list []outcome) string {
	slices.SortStableFunc(list, func(a, b outcome) int { return strings.Compare(padded(a.fault), padded(b.fault)) })
	var s strings.Builder
	fmt.Fprintf(&s, "\n| fault | injection | trials | losses | note |\n|---|---|---|---|---|\n")
	total, lost := 0, 0
	for _, o := range list {
		fmt.Fprintf(&s, "| %s | %s | %d | %d | %s |\n", o.fault, o.injection, o.trials, o.losses, o.note)
		total, lost = total+o.trials, lost+o.losses
	}
	fmt.Fprintf(&s, "| all | seed %d | %d | %d | |\n\n", *seed, total, lost)
	return s.String()
}

// padded makes F2 stand before F10.
func padded(fault string) string { return fmt.Sprintf("%4s", fault) }

var (
	built   string
	started = time.Now()
)

func builtAt() string { return built }

func build() (string, error) {
	dir, err := os.MkdirTemp("", "faulttest-")
	if err != nil {
		return "", err
	}
	built = filepath.Join(dir, "prediag")
	// Without the race detector also where the tests have it: the binary would be ten times slower.
	if out, err := exec.Command("go", "build", "-o", built, "../../cmd/prediag").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return built, nil
}

// count is how many trials a fault gets that gets per of 100 kills by time, and short in the short selection.
func count(short, per int) int {
	if *trials == 0 {
		return short
	}
	return max(1, *trials*per/100)
}

// rounds counts to n, as far as the budget of time lets it.
func (y *tally) rounds(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if *budget > 0 && time.Since(started) > *budget || !yield(i) {
				return
			}
		}
	}
}

// tally counts the trials of one fault.
type tally struct {
	t *testing.T
	outcome
	r *rand.Rand
}

// begin starts a fault's tally, with draws of its own.
func begin(t *testing.T, fault, injection string) *tally {
	if *trials > 0 {
		t.Parallel() // most of a trial is waiting for the disk
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(fault + injection))
	y := &tally{t: t, outcome: outcome{fault: fault, injection: injection}, r: rand.New(rand.NewPCG(*seed, h.Sum64()))}
	t.Cleanup(func() {
		results.Lock()
		defer results.Unlock()
		results.list = append(results.list, y.outcome)
	})
	return y
}

// skip notes why a fault cannot be tried here.
func (y *tally) skip(why string) {
	y.note = "not tried: " + why
	y.t.Skip(why)
}

// trial counts one trial, in which err says what was lost; nil: nothing.
func (y *tally) trial(what string, err error) {
	y.t.Helper()
	y.trials++
	if err != nil {
		y.losses++
		y.t.Errorf("%s, %s, trial %d (%s): %v", y.fault, y.injection, y.trials, what, err)
	}
}

// needRoot skips without the right to mount.
func (y *tally) needRoot() {
	if os.Getuid() != 0 {
		y.skip("needs root")
	}
}

// need skips without a program.
func (y *tally) need(programs ...string) {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			y.skip(p + " is not installed")
		}
	}
}

// run runs a program to its end.
func must(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, out)
}

// mount mounts a file system on a new folder until the test ends, or skips.
func (y *tally) mount(dir string, args ...string) {
	y.t.Helper()
	require.NoError(y.t, os.MkdirAll(dir, 0o755))
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		y.skip("cannot mount: " + strings.TrimSpace(string(out)))
	}
	y.t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) // a trial may have done it
}

// short is few in the short selection, else all.
func short(few, all int) int {
	if *trials == 0 {
		return few
	}
	return all
}
