//go:build unix

package pgtest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const immediateShutdown = syscall.SIGQUIT

const nobody = 65534

// unprivileged lets a command run as nobody where this process is root.
func unprivileged(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

// unprivilegedOwner gives a folder to that user.
func unprivilegedOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
}
