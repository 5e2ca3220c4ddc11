//go:build !race

package authtest

// Race says that the tests, and so the program, run under the race detector, which makes everything some times slower.
const Race = false

func buildFlags() []string { return nil }

// slowPasswords has a password take the time that it takes in production.
func slowPasswords() []string { return nil }
