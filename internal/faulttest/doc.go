// Package faulttest breaks the real binary on purpose and looks at what is left: processes killed at any moment and at any
// system call, power cut, calls of the kernel that fail, full and read-only disks, damaged files, two processes in one
// folder, and sources that are no files. It holds tests only.
//
//	make test-faults SEED=7 TRIALS=200     # all faults, with the table of docs/resilience.md at the end
//	go test ./internal/faulttest           # a short selection, as in make test
//
//	go test ./internal/faulttest -args -seed 7 -trials 20 -steady 20000   # the same with 20,000 more articles
//
// TRIALS is the number of kills by time; the other faults follow in proportion. The same seed makes the same draws; what the
// machine makes of a draw of a moment in time differs from run to run. What needs root, strace or a file system that can be
// mounted is left out where there is none, and the table says so.
package faulttest
