package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"prediag/eval"
)

// Words of a record where a fact is not there: a part that the measurement has none of, and one that nobody can tell.
const (
	originNone    = "none"
	originUnknown = "unknown"
)

// originOf fills in by what the figures were made, so that no field of a record is empty.
func originOf(r *eval.RunRecord) {
	r.Go, r.Machine = runtime.Version(), fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []*string{&r.Model, &r.Taxonomy, &r.Index, &r.Policy} {
		*part = cmp.Or(*part, originNone)
	}
	r.Commit, r.Dirty = stamped()
	if r.Commit == "" {
		r.Commit, r.Dirty = checkedOut(".")
	}
	r.Commit = cmp.Or(r.Commit, originUnknown)
}

// stamped is the commit that the build put into the binary; empty without one.
func stamped() (commit string, dirty bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	return commit, dirty
}

// module is the name that the program's own go.mod begins with: only its work tree says anything of the program.
const module = "prediag"

// checkedOut asks git for the commit of the work tree that holds a folder, for a binary that was built without a stamp
// ("go run", "go test", -buildvcs=false). Without git, or outside of the program's own work tree, it is empty.
func checkedOut(dir string) (commit string, dirty bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	top, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return "", false
	}
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if first, _, _ := bytes.Cut(mod, []byte("\n")); err != nil || strings.TrimSpace(string(first)) != "module "+module {
		return "", false
	}
	if commit, err = git("rev-parse", "HEAD"); err != nil {
		return "", false
	}
	changes, err := git("status", "--porcelain")
	return commit, err != nil || changes != ""
}
