//go:build !linux && !darwin

package ingest

import (
	"runtime/debug"
	"time"
)

// confine bounds what the garbage collector lets this process use; here the parent's clock alone ends a parser that
// computes for too long.
func confine(memory uint64) (arm func(time.Duration), err error) {
	debug.SetMemoryLimit(int64(memory) / 2)
	return func(time.Duration) {}, nil
}
