//go:build race

package authtest

// Race says that the tests, and so the program, run under the race detector, which makes everything some times slower.
const Race = true

func buildFlags() []string { return []string{"-race"} }
