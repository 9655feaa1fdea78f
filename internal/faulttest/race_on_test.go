//go:build race

package faulttest

// buildFlags make the binary share its compiled packages with the tests.
var buildFlags = []string{"-race"}
