package chaos

import (
	"math/rand/v2"
	"testing"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// What a failover may lose is lost, and nothing else is wrong.
func TestClusterFailoverIsFollowed(t *testing.T) {
	t.Parallel()
	onCluster(t, "", storeAway|loses, killed)
}

// Where writes wait for the replica nothing is lost; they do not go on before a master has one again.
func TestClusterFailoverLosesNothingThatWasWaitedFor(t *testing.T) {
	onlySoak(t)
	onCluster(t, "?wait=1&wait_timeout=1s", storeAway, killedAndBack)
}

func onCluster(t *testing.T, query string, excuse excuse, fault func(*group)) {
	t.Helper()
	masters, replicas, url := redistest.NewReplicatedCluster(t)
	var groups []*group
	for i, master := range masters {
		for _, node := range []*redistest.Server{master, replicas[i]} {
			node.Must("CONFIG", "SET", "cluster-node-timeout", absence)
		}
		groups = append(groups, &group{t: t, master: master, replicas: replicas[i : i+1], cluster: true})
	}
	s := authtest.Start(t, options(url+query, strict))
	w := newWorkload(t, strict, s, s.Node(t))
	w.run(t.Context())
	w.trouble(func() {
		g := groups[rand.IntN(len(groups))]
		w.during("a master is killed", excuse|replaced, func() { fault(g) })
		g.back()
	})
	w.verify()
}
