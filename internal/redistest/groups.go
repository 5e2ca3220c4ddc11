package redistest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

const slots = 16384

// StartCluster runs a Cluster of three masters until the test ends and returns its URL.
func StartCluster(t testing.TB) string {
	t.Helper()
	_, url := NewCluster(t)
	return url
}

// NewCluster runs a Cluster of three masters until the test ends.
func NewCluster(t testing.TB) ([]*Server, string) {
	t.Helper()
	const masters = 3
	var (
		nodes []*Server
		addrs []string
	)
	for i := range masters {
		s := newNode(t)
		s.Must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		s.Must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		for _, other := range nodes {
			s.meet(other)
		}
		nodes, addrs = append(nodes, s), append(addrs, s.Addr())
	}
	settled(nodes, masters)
	return nodes, "redis+cluster://" + strings.Join(addrs, ",")
}

// NewReplicatedCluster runs a Cluster of three masters until the test ends, each with a replica at the same place, which
// takes over when its master is gone.
func NewReplicatedCluster(t testing.TB) (masters, replicas []*Server, url string) {
	t.Helper()
	masters, url = NewCluster(t)
	for range masters {
		s := newNode(t)
		s.meet(masters[0])
		replicas = append(replicas, s)
	}
	all := append(append([]*Server{}, masters...), replicas...)
	settled(all, len(masters))
	for i, s := range replicas {
		s.Must("CLUSTER", "REPLICATE", masters[i].Must("CLUSTER", "MYID"))
	}
	for i, s := range replicas {
		s.Until("master_link_status:up", "INFO", "replication")
		masters[i].Until("state=online", "INFO", "replication")
	}
	for _, s := range all { // only a replica that the other masters know of as one gets their votes
		for _, master := range masters {
			s.Until("slave "+master.Must("CLUSTER", "MYID"), "CLUSTER", "NODES")
		}
	}
	return masters, replicas, url
}

// newNode runs a node that is in no Cluster yet.
func newNode(t testing.TB) *Server {
	t.Helper()
	bus := strconv.Itoa(FreePort(t))
	return New(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "3000",
		"--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0")
}

func (s *Server) meet(other *Server) {
	s.t.Helper()
	s.Must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.port), other.busPort())
}

// settled waits until all nodes know each other and the masters serve all slots.
func settled(nodes []*Server, masters int) {
	for _, s := range nodes {
		s.t.Helper()
		s.Until("cluster_state:ok", "CLUSTER", "INFO")
		s.Until(fmt.Sprintf("cluster_known_nodes:%d", len(nodes)), "CLUSTER", "INFO")
		s.Until(fmt.Sprintf("cluster_size:%d", masters), "CLUSTER", "INFO")
	}
}

func (s *Server) busPort() string {
	for i, arg := range s.args {
		if arg == "--cluster-port" {
			return s.args[i+1]
		}
	}
	return ""
}

// NewReplicated runs a master with some replicas until the test ends.
func NewReplicated(t testing.TB, replicas int, args ...string) (master *Server, following []*Server) {
	t.Helper()
	master = New(t, append([]string{"--repl-diskless-sync-delay", "0"}, args...)...)
	for range replicas {
		s := New(t, append([]string{"--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + strconv.Itoa(master.port)}, args...)...)
		s.Until("master_link_status:up", "INFO", "replication")
		master.Until(fmt.Sprintf("port=%d,state=online", s.port), "INFO", "replication")
		following = append(following, s)
	}
	return master, following
}

// Watched is a master with replicas, watched by a Sentinel that makes a replica the master when the master is gone.
type Watched struct {
	Master, Replica, Sentinel *Server

	Replicas []*Server // Replica is the first
}

// watchedName is what the Sentinel calls the master.
const watchedName = "grantor"

// NewWatched runs a watched master with one replica until the test ends.
func NewWatched(t testing.TB) *Watched {
	t.Helper()
	return NewWatchedBy(t, 1)
}

// NewWatchedBy runs a watched master with some replicas until the test ends.
func NewWatchedBy(t testing.TB, replicas int, args ...string) *Watched {
	t.Helper()
	w := &Watched{}
	w.Master, w.Replicas = NewReplicated(t, replicas, args...)
	w.Replica = w.Replicas[0]
	w.Sentinel = newSentinel(t, w.Master)
	w.Sentinel.Until(fmt.Sprintf("num-slaves\n%d", replicas), "SENTINEL", "MASTER", watchedName)
	return w
}

// URL gives the address of the watched master as Grantor takes it.
func (w *Watched) URL() string { return "redis+sentinel://" + w.Sentinel.Addr() + "/" + watchedName }

// Patience sets for how many milliseconds a master must be away before a replica takes over.
func (w *Watched) Patience(milliseconds string) {
	w.Sentinel.t.Helper()
	w.Sentinel.Must("SENTINEL", "SET", watchedName, "down-after-milliseconds", milliseconds)
}

func newSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), port: FreePort(t)}
	t.Cleanup(s.Kill)
	config := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 3000\n",
		s.port, s.dir, watchedName, master.port, watchedName, watchedName)
	if err := os.WriteFile(s.path("sentinel.conf"), []byte(config), 0o600); err != nil {
		t.Fatalf("write the configuration of the sentinel: %v", err)
	}
	s.exec(s.path("sentinel.conf"), "--sentinel")
	if !s.answers() {
		t.Fatalf("the sentinel does not start:\n%s", s.log)
	}
	return s
}
