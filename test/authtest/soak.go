package authtest

import (
	"os"
	"testing"
	"time"
)

// Soak is for how long a test makes trouble in `make soak`; 0 in `make test`.
func Soak(t testing.TB) time.Duration {
	t.Helper()
	given := os.Getenv("GRANTOR_SOAK")
	if given == "" {
		return 0
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("GRANTOR_SOAK: %v", err)
	}
	return d
}
