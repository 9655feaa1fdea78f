//go:build linux || darwin

package ingest

import (
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// confine takes from this process what a parser does not need: writing files, core dumps, more than so many bytes of
// memory. The function that it returns makes the kernel end the process once it computes for the time from then on, in
// whole seconds rounded up.
func confine(memory uint64) (arm func(time.Duration), err error) {
	debug.SetMemoryLimit(int64(memory) / 2) // collect before the kernel refuses
	err = errors.Join(
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}),
		syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}),
		syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: memory, Max: memory}),
	)
	if err != nil {
		return nil, err
	}
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGXCPU)
	go func() {
		<-over
		os.Exit(exitCPU)
	}()
	return func(d time.Duration) {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return
		}
		used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
		var limit syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_CPU, &limit) != nil {
			return
		}
		limit.Cur = uint64((used + d + time.Second - 1) / time.Second)
		_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &limit) // without it the parent's clock ends the process
	}, nil
}
