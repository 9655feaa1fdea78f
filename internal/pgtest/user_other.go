//go:build !unix

package pgtest

import (
	"os"
	"os/exec"
)

var immediateShutdown = os.Kill

func unprivileged(*exec.Cmd) {}

func unprivilegedOwner(string) error { return nil }
