package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
)

// group is a master with its replicas, one of which takes over when the master is gone.
type group struct {
	t        testing.TB
	master   *redistest.Server
	replicas []*redistest.Server
	cluster  bool // the servers know themselves whom to follow
}

// absence is for how long a server must be away before another takes over. A busy machine lets one wait for a second or two: a
// failover that nobody ordered would be found as a fault of ours.
const absence = "5000" // ms

// watched gives a master with some replicas behind a Sentinel.
func watched(t testing.TB, replicas int) (g *group, url string) {
	t.Helper()
	w := redistest.NewWatchedBy(t, replicas, "--appendonly", "yes")
	w.Patience(absence)
	return &group{t: t, master: w.Master, replicas: w.Replicas}, w.URL()
}

// heard waits until every replica has what the master has now: a failover should lose no more than what comes after. A replica
// whose machine is busy may be seconds behind, and right after it began to follow it may have nothing.
func (g *group) heard() {
	g.t.Helper()
	written := offset(g.master, "master_repl_offset:")
	if written < 0 {
		g.t.Fatal("the master does not say how much it has written")
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if !slices.ContainsFunc(g.replicas, func(s *redistest.Server) bool { return offset(s, "slave_repl_offset:") < written }) {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("not all replicas hear what the master writes within %v", patience)
		}
	}
}

// offset gives how far a server has got in the stream of writes, -1 where it does not say.
func offset(s *redistest.Server, field string) int64 {
	info, err := s.Do("INFO", "replication")
	_, rest, found := strings.Cut(info, field)
	value, _, _ := strings.Cut(rest, "\r\n")
	n, notNumber := strconv.ParseInt(value, 10, 64)
	if err != nil || !found || notNumber != nil {
		return -1
	}
	return n
}

// takenOver waits until a replica is the master.
func (g *group) takenOver() {
	g.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		for i, s := range g.replicas {
			if is(s, "role:master") {
				g.master, g.replicas[i] = s, g.master
				return
			}
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("no replica takes over within %v", patience)
		}
	}
}

// complete waits until all replicas follow the master.
func (g *group) complete() {
	g.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		missing := slices.ContainsFunc(g.replicas, func(s *redistest.Server) bool {
			return !is(s, "role:slave", "master_link_status:up", fmt.Sprintf("master_port:%d\r", g.master.Port()))
		})
		if !missing {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("not all replicas follow the new master within %v", patience)
		}
	}
}

// back starts the servers that were killed, as replicas, and waits until all follow the master.
func (g *group) back() {
	g.t.Helper()
	for _, s := range g.replicas {
		switch _, err := s.Do("PING"); {
		case err == nil:
		case g.cluster:
			s.Restart()
		default:
			s.Restart("--replicaof", fmt.Sprint("127.0.0.1 ", g.master.Port()))
		}
	}
	g.complete()
}

// is tells whether a server says all that of its replication.
func is(s *redistest.Server, texts ...string) bool {
	info, err := s.Do("INFO", "replication")
	return err == nil && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(info, text) })
}
