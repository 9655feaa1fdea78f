//go:build !race

package main

// raceEnabled says that the tests run under the race detector, where training takes minutes.
const raceEnabled = false
