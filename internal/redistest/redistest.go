// Package redistest starts real redis-server processes for tests, on free loopback ports, and stops them when the test ends.
// It can hurt them as well: kill, restart, pause. It is no Redis client; Do is for setting up and looking after a server.
package redistest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds how long a server may take to do what it was told.
const patience = 20 * time.Second

// Server is one redis-server process. Its data lies in a directory of its own and survives Kill and Restart.
type Server struct {
	t    testing.TB
	args []string
	dir  string
	port int

	mu      sync.Mutex
	process *exec.Cmd
	exited  chan struct{}
	log     *bytes.Buffer
}

// Start runs one server until the test ends and returns its URL. The arguments are those of redis-server, such as
// "--appendonly", "yes".
func Start(t testing.TB, args ...string) string {
	t.Helper()
	return New(t, args...).URL()
}

// New runs one server until the test ends. It skips the test where redis-server is not installed, unless
// GRANTOR_TEST_REQUIRE is set.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, args: args, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	s.start()
	return s
}

// program finds redis-server, or ends the test.
func program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err == nil {
		return path
	}
	if os.Getenv("GRANTOR_TEST_REQUIRE") != "" {
		t.Fatalf("redis-server is needed: %v", err)
	}
	t.Skip("redis-server is not installed")
	return ""
}

// Ports that are handed out lie below those that kernels give to who asks for any.
const (
	firstPort = 10_240
	ports     = 20_000
)

// FreePort finds a loopback port that nobody listens on. Nobody who listens on any port gets it by chance before it is used;
// whoever asks here at the same time could, once in some thousand times.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		chosen, err := rand.Int(rand.Reader, big.NewInt(ports))
		if err != nil {
			t.Fatalf("choose a port: %v", err)
		}
		port := firstPort + int(chosen.Int64())
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close() // it was only asked for its port
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// URL gives the address as Grantor takes it.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Addr gives host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port gives the port.
func (s *Server) Port() int { return s.port }

// start runs the process on its port, on a first start on a free one, where somebody else may be faster.
func (s *Server) start() {
	s.t.Helper()
	first := s.port == 0
	for range 5 {
		if first {
			s.port = FreePort(s.t)
		}
		s.run()
		if s.answers() {
			return
		}
		s.Kill()
	}
	s.t.Fatalf("redis-server does not start:\n%s", s.log)
}

func (s *Server) run() {
	s.t.Helper()
	args := []string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no", "--save", "",
		"--loglevel", "warning"}
	for _, arg := range s.args {
		args = append(args, strings.NewReplacer("{port}", strconv.Itoa(s.port), "{dir}", s.dir).Replace(arg))
	}
	s.exec(args...)
}

func (s *Server) exec(args ...string) {
	s.t.Helper()
	s.log = new(bytes.Buffer)
	process := exec.Command(program(s.t), args...)
	process.Stdout, process.Stderr = s.log, s.log
	if err := process.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = process.Wait() // it is killed: that it ended is what matters
		close(exited)
	}()
	s.mu.Lock()
	s.process, s.exited = process, exited
	s.mu.Unlock()
}

// answers waits until the server takes connections, or has exited.
func (s *Server) answers() bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-s.exited:
			return false
		default:
		}
		reply, err := s.Do("PING")
		var refused Error
		switch {
		case errors.As(err, &refused):
			if !strings.HasPrefix(string(refused), "LOADING") {
				return true // it speaks, and wants a password
			}
		case err == nil && reply == "PONG":
			return true
		case err != nil && strings.Contains(strings.Join(s.args, " "), "--tls-port"):
			if c, err := net.Dial("tcp", s.Addr()); err == nil {
				_ = c.Close()
				return true
			}
		}
	}
	return false
}

// Kill ends the process at once, as a crash would.
func (s *Server) Kill() {
	s.mu.Lock()
	process, exited := s.process, s.exited
	s.mu.Unlock()
	if process == nil {
		return
	}
	_ = process.Process.Kill() // it may have ended already
	<-exited
}

// Restart runs the server again on its port and data, with further arguments if given.
func (s *Server) Restart(args ...string) {
	s.t.Helper()
	s.Kill()
	s.args = append(s.args, args...)
	s.start()
}

// Pause stops the process from running; its connections stay open.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused process run again.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatalf("signal redis-server: %v", err)
	}
}

// Must runs a command and ends the test if it fails.
func (s *Server) Must(args ...string) string {
	s.t.Helper()
	reply, err := s.Do(args...)
	if err != nil {
		s.t.Fatalf("redis: %s: %v", strings.Join(args, " "), err)
	}
	return reply
}

// Until runs a command until its reply contains a text.
func (s *Server) Until(text string, args ...string) {
	s.t.Helper()
	var (
		reply string
		err   error
	)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if reply, err = s.Do(args...); err == nil && strings.Contains(reply, text) {
			return
		}
	}
	s.t.Fatalf("redis: %s does not say %q: %s %v", strings.Join(args, " "), text, reply, err)
}

// path gives a file in the directory of the server.
func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }
