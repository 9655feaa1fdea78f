package review

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"prediag"
)

// childPath tells a test binary that was started by TestKillLosesNothing which file to write.
const childPath = "PREDIAG_REVIEW_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := writeForEver(path); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// writeForEver records and resolves cases and prints what was acknowledged, until the process is killed.
func writeForEver(path string) error {
	ctx := context.Background()
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	st, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	for n := st.Open + st.Resolved; ; n++ {
		// A retry of the request before, as of a client that did not see the answer, must not count twice.
		for _, id := range []int{max(0, n-1), n} {
			d, err := s.Record(ctx, key(fmt.Sprint(id)), withCase(id, "network", "L1", id))
			if err != nil {
				return err
			}
			fmt.Println("recorded", d.ID)
		}
		if n%3 == 0 {
			c, err := s.Resolve(ctx, noKey, withCase(n, "", "", 0).Handoff.CaseID, prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected})
			if err != nil {
				return err
			}
			fmt.Println("resolved", c.ID)
		}
	}
}

// A process that is killed at any moment loses nothing that it acknowledged, and leaves nothing half done.
func TestKillLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged := map[string]bool{}
	trials := 20
	if os.Getenv(onPostgres) != "" {
		trials = 6 // the durability of PostgreSQL is tested by others
	}
	for trial := range trials {
		for _, line := range runAndKill(t, path, 1+rand.IntN(40), time.Duration(rand.IntN(5000))*time.Microsecond) {
			acknowledged[line] = true
		}
		s, err := Open(place(t, path), Options{})
		require.NoError(t, err, "trial %d", trial)
		checkConsistent(t, s)
		for line := range acknowledged {
			what, id, _ := strings.Cut(line, " ")
			if what == "recorded" {
				_, err := s.Diagnosis(t.Context(), id)
				require.NoError(t, err, "trial %d lost %s", trial, line)
				continue
			}
			c, err := s.Case(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, prediag.CaseResolved, c.State, "trial %d lost %s", trial, line)
		}
		require.NoError(t, s.Close())
	}
	require.Greater(t, len(acknowledged), 40, "the children got to work")
}

// runAndKill lets a child write, kills it the delay after so many acknowledgements, and returns all that it gave.
func runAndKill(t *testing.T, path string, after int, delay time.Duration) []string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+place(t, path))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	watchdog := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var lines []string
	for in := bufio.NewScanner(out); in.Scan(); {
		require.False(t, strings.HasPrefix(in.Text(), "failed"), in.Text())
		lines = append(lines, in.Text())
		if len(lines) == after {
			time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		}
	}
	require.Error(t, cmd.Wait(), "killed")
	return lines
}

// checkConsistent asserts what holds between the tables after every transaction.
func checkConsistent(t *testing.T, s *Store) {
	require.NoError(t, s.Verify(t.Context()))
	cases := count(t, s, "select count(*) from cases")
	for what, query := range map[string]string{
		"diagnoses":          "select count(*) from diagnoses",
		"audit log":          "select count(*) from decisions",
		"requests":           "select count(distinct id) from requests",
		"requests' answers":  "select count(distinct diagnosis_id) from requests",
		"events":             "select count(*) from events where action = 'RECORDED'",
		"backlog":            "select coalesce(sum(waiting + resolved), 0) from backlog",
		"outcomes":           "select coalesce(sum(n), 0) from tallies where kind = 'outcome'",
		"cases of diagnoses": "select count(*) from cases c join diagnoses d on d.id = c.diagnosis_id",
	} {
		require.Equal(t, cases, count(t, s, query), what)
	}
	resolved := count(t, s, "select count(*) from cases where resolved = 1")
	for what, query := range map[string]string{
		"examples":    "select count(*) from examples",
		"events":      "select count(*) from events where action = 'RESOLVED'",
		"backlog":     "select coalesce(sum(resolved), 0) from backlog",
		"actions":     "select coalesce(sum(n), 0) from tallies where kind = 'action'",
		"resolutions": "select count(*) from cases where resolution <> ''",
	} {
		require.Equal(t, resolved, count(t, s, query), what)
	}
}
