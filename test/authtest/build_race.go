//go:build race

package authtest

// Race says that the tests, and so the program, run under the race detector, which makes everything some times slower.
const Race = true

func buildFlags() []string { return []string{"-race"} }

// slowPasswords has a password take the time that it takes in production: the race detector makes argon2id five times as slow.
func slowPasswords() []string { return []string{"GRANTOR_PASSWORD_MEMORY=4096"} }
