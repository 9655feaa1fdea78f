package kb

import (
	"syscall"
	"time"
	"unsafe"
)

// computing is the computing time of this thread so far: other work on the machine changes it less than the clock. (The kernel
// counts what getrusage says in its ticks, which are as long as a search.)
func computing() time.Duration {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID
	var now syscall.Timespec
	if _, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&now)), 0); failed != 0 {
		return 0
	}
	return time.Duration(now.Nano())
}
