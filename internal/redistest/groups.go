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
		bus := strconv.Itoa(FreePort(t))
		s := New(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "3000",
			"--cluster-config-file", "nodes.conf")
		s.Must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		s.Must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		for _, other := range nodes {
			s.Must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.port), other.busPort())
		}
		nodes, addrs = append(nodes, s), append(addrs, s.Addr())
	}
	for _, s := range nodes {
		s.Until("cluster_state:ok", "CLUSTER", "INFO")
		s.Until(fmt.Sprintf("cluster_known_nodes:%d", masters), "CLUSTER", "INFO")
		s.Until(fmt.Sprintf("cluster_size:%d", masters), "CLUSTER", "INFO")
	}
	return nodes, "redis+cluster://" + strings.Join(addrs, ",")
}

func (s *Server) busPort() string {
	for i, arg := range s.args {
		if arg == "--cluster-port" {
			return s.args[i+1]
		}
	}
	return ""
}

// Watched is a master with a replica, watched by a Sentinel that makes the replica the master when the master is gone.
type Watched struct {
	Master, Replica, Sentinel *Server
}

// watchedName is what the Sentinel calls the master.
const watchedName = "grantor"

// NewWatched runs a watched master until the test ends.
func NewWatched(t testing.TB) *Watched {
	t.Helper()
	w := &Watched{Master: New(t, "--repl-diskless-sync-delay", "0")}
	w.Replica = New(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(w.Master.port), "--repl-diskless-sync-delay", "0")
	w.Replica.Until("master_link_status:up", "INFO", "replication")
	w.Sentinel = newSentinel(t, w.Master)
	w.Sentinel.Until("num-slaves\n1", "SENTINEL", "MASTER", watchedName)
	return w
}

// URL gives the address of the watched master as Grantor takes it.
func (w *Watched) URL() string { return "redis+sentinel://" + w.Sentinel.Addr() + "/" + watchedName }

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
