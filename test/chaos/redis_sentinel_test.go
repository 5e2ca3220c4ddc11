package chaos

import (
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// What a failover may lose is lost, and nothing else is wrong.
func TestSentinelFailoverIsFollowed(t *testing.T) {
	onlySoak(t)
	g, url := watched(t, 1)
	failovers(t, g, url, storeAway|loses, killed, stopped)
}

// Where writes wait for the replica nothing is lost; they do not go on before the new master has one.
func TestSentinelFailoverLosesNothingThatWasWaitedFor(t *testing.T) {
	t.Parallel()
	g, url := watched(t, 1)
	failovers(t, g, url+"?wait=1&wait_timeout=1s", storeAway, killedAndBack)
}

// A master that stalls and goes on when another has taken over finds at most a replica that has not heard of it, and never the
// one that took over: where writes wait for every replica it acknowledges none.
func TestSentinelFailoverLosesNothingThatEveryReplicaHas(t *testing.T) {
	onlySoak(t)
	g, url := watched(t, 2)
	failovers(t, g, url+"?wait=2&wait_timeout=1s", storeAway, stopped, killedAndBack)
}

func failovers(t *testing.T, g *group, url string, excuse excuse, faults ...func(*group)) {
	t.Helper()
	s := authtest.Start(t, options(url, strict))
	w := newWorkload(t, strict, s, s.Node(t))
	w.run(t.Context())
	var trouble []func()
	for _, fault := range faults {
		trouble = append(trouble, func() {
			w.during("another becomes the master", excuse|replaced, func() { fault(g) })
			g.back()
		})
	}
	w.trouble(trouble...)
	w.verify()
}

func killed(g *group) {
	g.heard()
	g.master.Kill()
	g.takenOver()
}

func killedAndBack(g *group) {
	killed(g)
	g.back()
}

// stopped lets the old master go on when another has taken over: until it is told it takes itself for the master, and has
// writes in its sockets that nobody waits for any more.
func stopped(g *group) {
	old := g.master
	g.heard()
	old.Pause()
	g.takenOver()
	old.Resume()
	g.complete()
}
