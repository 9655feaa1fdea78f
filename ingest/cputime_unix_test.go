//go:build unix

package ingest

import (
	"syscall"
	"time"
)

// cpuTime is what this process has computed so far: a measure that other processes on the machine do not disturb.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
