package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// stoppage is for how long Redis does not answer.
const stoppage = 10 * time.Second

// Two nodes on a Redis that is there and does not do what it should.
func TestRedisThatDoesNotAnswerOrWriteLeavesNoWrongAnswer(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
	s := authtest.Start(t, options(redis.URL(), strict))
	w := newWorkload(t, strict, s, s.Node(t))
	w.run(t.Context())
	w.trouble(
		func() {
			w.during("Redis is stopped", storeAway, func() {
				redis.Pause()
				time.Sleep(stoppage)
				redis.Resume()
			})
		},
		func() {
			w.during("Redis takes no writes for a while", storeAway, func() {
				redis.Must("CLIENT", "PAUSE", "600000", "WRITE")
				w.refusals(workers)
				redis.Must("CLIENT", "UNPAUSE")
			})
		},
		func() {
			w.during("Redis has no memory left", storeAway, func() {
				redis.Must("CONFIG", "SET", "maxmemory", "1")
				w.refusals(2 * workers)
				redis.Must("CONFIG", "SET", "maxmemory", "0")
			})
		},
		func() {
			w.during("Redis is read-only", storeAway, func() {
				redis.Must("REPLICAOF", "127.0.0.1", fmt.Sprint(redistest.FreePort(t))) // there is nobody, so it keeps its data
				w.refusals(2 * workers)
				redis.Must("REPLICAOF", "NO", "ONE")
			})
		},
		func() {
			w.during("the connections to Redis break", storeAway, func() { redis.Must("CLIENT", "KILL", "TYPE", "normal") })
		},
	)
	w.verify()
}
