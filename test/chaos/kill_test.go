package chaos

import (
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// strict and lenient are the two rules for a refresh token that was used.
const (
	strict  = time.Duration(0)
	lenient = 10 * time.Second
)

func TestWhatBoltAcknowledgedHoldsThroughKills(t *testing.T) {
	t.Parallel()
	onBolt(t, lenient)
}

func TestWhatBoltAcknowledgedHoldsThroughKillsWithoutGrace(t *testing.T) {
	onlySoak(t)
	onBolt(t, strict)
}

func TestWhatRedisAcknowledgedHoldsThroughKills(t *testing.T) {
	t.Parallel()
	onRedis(t, strict)
}

func TestWhatRedisAcknowledgedHoldsThroughKillsWithGrace(t *testing.T) {
	onlySoak(t)
	onRedis(t, lenient)
}

func onlySoak(t *testing.T) {
	t.Helper()
	if authtest.Soak(t) == 0 {
		t.Skip("this is for make soak")
	}
	t.Parallel()
}

func onBolt(t *testing.T, grace time.Duration) {
	t.Helper()
	s := authtest.Start(t, options(authtest.Bolt, grace))
	w := newWorkload(t, grace, s)
	w.run(t.Context())
	w.trouble(func() {
		w.during("the server is killed", serverDead, func() { restart(t, s) })
	})
	w.verify()
}

func onRedis(t *testing.T, grace time.Duration) {
	t.Helper()
	redis := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
	s := authtest.Start(t, options(redis.URL(), grace))
	w := newWorkload(t, grace, s)
	w.run(t.Context())
	w.trouble(
		func() { // first: for a while after the server was dead, requests without an answer are excused
			w.during("Redis is killed", storeAway, func() {
				redis.Kill()
				w.refusals(workers)
				redis.Restart()
			})
		},
		func() { w.during("the server is killed", serverDead, func() { restart(t, s) }) },
		func() {
			w.during("both are killed", storeAway|serverDead, func() {
				redis.Kill()
				s.Kill()
				redis.Restart()
				restart(t, s)
			})
		},
	)
	w.verify()
}

// restart kills the server at once and starts it again.
func restart(t testing.TB, s *authtest.Server) {
	t.Helper()
	if err := s.Restart(); err != nil {
		t.Fatalf("it does not start again: %v", err)
	}
}
