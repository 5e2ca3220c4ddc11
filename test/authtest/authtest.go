// Package authtest runs the whole program for tests: the real binary as a process of its own, on a free loopback port and
// on the store that the test chooses. It also brings what people and clients have: a browser that reads pages, fills in
// forms and presses buttons, and an application that speaks OAuth.
//
// A server that stops is judged: a data race, a panic, a log line that is not JSON, or a secret in the log fails the test
// that started it. The package knows nothing of the inside of the program; it sees what everybody sees.
package authtest

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// Options says how a server is started. The zero value is a server with the seed of this package over the memory store.
type Options struct {
	Store     string   // a store URL, or Bolt for a file of its own; empty: memory:
	Seed      string   // YAML; empty: Seed
	Issuer    string   // empty: what the program makes of its port
	Listen    string   // empty: a free port
	Args      []string // further flags of serve
	Env       []string // further variables, NAME=value
	MasterKey string   // empty: one of its own; other nodes of a store need the same
	TLS       bool     // the server terminates TLS, with a certificate of its own
	Unready   bool     // do not wait until it is ready; needs Listen
	Slow      bool     // passwords take the time that they take in production

	Ahead time.Duration // by which the clock of the server is ahead of that of this machine
}

// Bolt is the store URL of an embedded store in the folder of the server.
const Bolt = "bolt"

// NoMasterKey lets the server make its master key itself.
const NoMasterKey = "none"

// NoSeed starts a server without users and clients.
const NoSeed = "users: []"

// Main runs the tests of a package, searches all that their servers told about themselves for the secrets of all of them,
// and removes the program that they were run on.
func Main(m *testing.M) int {
	watched().begin()
	code := m.Run()
	for _, fault := range watched().faults() {
		fmt.Println(fault)
		code = 1
	}
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(folderOf(path)) // it lies in a temporary folder
	}
	return code
}

// Start runs a server until the test ends, and fails the test if the server did anything that none should do.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Run(o)
	if err != nil {
		t.Fatalf("start grantor: %v", err)
	}
	t.Cleanup(func() {
		for _, fault := range s.Close() {
			t.Error(fault)
		}
		if t.Failed() && testing.Verbose() {
			t.Logf("log of the server:\n%s", s.Log())
		}
	})
	return s
}

// Node runs a second server on the store, the issuer and the key of the first one.
func (s *Server) Node(t testing.TB, args ...string) *Server {
	t.Helper()
	return s.NodeAhead(t, 0, args...)
}

// NodeAhead is Node with a clock that is ahead of that of this machine.
func (s *Server) NodeAhead(t testing.TB, by time.Duration, args ...string) *Server {
	t.Helper()
	o := s.options
	o.Ahead = by
	o.Issuer, o.Listen, o.Args = s.Issuer, "", append(append([]string{}, o.Args...), args...)
	node := Start(t, o)
	node.secrets = s.secrets
	return node
}
