package chaos

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// howLong is for how long processes are killed in each test: short, unless GRANTOR_SOAK says otherwise.
func howLong(t testing.TB) time.Duration {
	t.Helper()
	given := os.Getenv("GRANTOR_SOAK")
	if given == "" {
		return 8 * time.Second
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("GRANTOR_SOAK: %v", err)
	}
	return d
}

func TestWhatBoltAcknowledgedHoldsThroughKills(t *testing.T) {
	t.Parallel()
	const grace = 10 * time.Second
	s := authtest.Start(t, options(authtest.Bolt, grace))
	w := newWorkload(t, grace, s)
	w.run(t.Context())
	for end := time.Now().Add(howLong(t)); time.Now().Before(end); {
		w.during("the server is killed", serverDead, func() { killed(t, s) })
	}
	w.verify()
}

func TestWhatRedisAcknowledgedHoldsThroughKills(t *testing.T) {
	t.Parallel()
	const grace = 0 // strict
	redis := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
	s := authtest.Start(t, options(redis.URL(), grace))
	w := newWorkload(t, grace, s)
	w.run(t.Context())
	for end := time.Now().Add(howLong(t)); time.Now().Before(end); {
		switch rand.IntN(3) {
		case 0:
			w.during("the server is killed", serverDead, func() { killed(t, s) })
		case 1:
			w.during("Redis is killed", storeAway, func() {
				redis.Kill()
				w.refusals(workers)
				redis.Restart()
			})
		case 2:
			w.during("both are killed", storeAway|serverDead, func() {
				redis.Kill()
				s.Kill()
				redis.Restart()
				killed(t, s)
			})
		}
	}
	w.verify()
}

// killed kills the server at once and starts it again.
func killed(t testing.TB, s *authtest.Server) {
	t.Helper()
	if err := s.Restart(); err != nil {
		t.Fatalf("it does not start again: %v", err)
	}
}
