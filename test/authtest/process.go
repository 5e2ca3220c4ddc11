package authtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience bounds how long a server may take to do what it was told. It is generous: other tests use the machine, too.
const patience = 60 * time.Second

// Server is one process of the program. Its folder and its port stay the same from one start to the next.
type Server struct {
	Issuer string // what clients know it by
	Addr   string // host and port that it listens on
	Dir    string // its working folder, with the embedded store, if any

	options Options
	store   string
	pool    *certificate
	client  *http.Client
	secrets *secrets

	mu      sync.Mutex
	process *exec.Cmd
	exited  chan struct{}
	failure error
	out     *lines
	log     *lines
}

// Run starts a server. Close ends it.
func Run(o Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "grantor-server-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	s := &Server{Issuer: o.Issuer, Addr: o.Listen, Dir: dir, options: o, secrets: newSecrets(), out: new(lines), log: new(lines)}
	switch s.options.MasterKey {
	case "":
		s.options.MasterKey = newMasterKey()
	case NoMasterKey:
		s.options.MasterKey = ""
	}
	s.secrets.add(s.options.MasterKey)
	watched().add(s)
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, fmt.Errorf("it said:\n%s%s", s.out, s.log), os.RemoveAll(dir))
	}
	return s, nil
}

func newMasterKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

func (s *Server) prepare() error {
	seed := s.options.Seed
	if seed == "" {
		seed = Seed()
	}
	for _, secret := range seedSecrets {
		s.secrets.add(secret)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "seed.yaml"), []byte(seed), 0o600); err != nil {
		return fmt.Errorf("write the seed: %w", err)
	}
	switch s.store = s.options.Store; s.store {
	case "":
		s.store = "memory:"
	case Bolt:
		s.store = "bolt:" + filepath.Join(s.Dir, "grantor.db")
	}
	if s.options.TLS {
		return s.certify()
	}
	return nil
}

// MasterKey gives the key under which the server keeps its signing keys.
func (s *Server) MasterKey() string { return s.options.MasterKey }

// Store gives the URL of the store, as flags and commands take it.
func (s *Server) Store() string { return s.store }

func (s *Server) arguments() []string {
	listen := s.Addr
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	args := []string{"serve", "--store", s.store, "--listen", listen, "--seed", filepath.Join(s.Dir, "seed.yaml")}
	if s.Issuer != "" {
		args = append(args, "--issuer", s.Issuer)
	}
	if s.options.TLS {
		args = append(args, "--tls-cert", filepath.Join(s.Dir, "cert.pem"), "--tls-key", filepath.Join(s.Dir, "key.pem"))
	}
	return append(args, s.options.Args...)
}

// environment leaves out what the person at the machine has set for himself.
func (s *Server) environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GRANTOR_") {
			env = append(env, variable)
		}
	}
	if s.options.MasterKey != "" {
		env = append(env, "GRANTOR_MASTER_KEY="+s.options.MasterKey)
	}
	env = append(env, "CLOCK_AHEAD="+s.options.Ahead.String())
	env = append(env, watched().variables()...)
	if s.options.Slow {
		return append(append(env, slowPasswords()...), s.options.Env...)
	}
	return append(append(env, "GRANTOR_PASSWORD_MEMORY=64", "GRANTOR_PASSWORD_TIME=1"), s.options.Env...)
}

// program gives what is run: where the clock is to be another, what the program's own tests are.
func (s *Server) program() (string, error) {
	if s.options.Ahead != 0 {
		return testBinary()
	}
	return binary()
}

// begin starts the process and waits until it is ready.
func (s *Server) begin() error {
	program, err := s.program()
	if err != nil {
		return err
	}
	s.mu.Lock()
	process := exec.Command(program, s.arguments()...)
	process.Dir, process.Env = s.Dir, s.environment()
	process.Stdout, process.Stderr = s.out, s.log
	exited := make(chan struct{})
	s.process, s.exited, s.failure = process, exited, nil
	from := s.log.len()
	s.mu.Unlock()
	if err := process.Start(); err != nil {
		return fmt.Errorf("run the program: %w", err)
	}
	go func() {
		err := process.Wait()
		s.mu.Lock()
		s.failure = err
		s.mu.Unlock()
		close(exited)
	}()
	if s.options.Unready {
		s.connect()
		return nil
	}
	return s.awaitReady(from)
}

// awaitReady reads from the log where the server listens and what its issuer is.
func (s *Server) awaitReady(from int) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s.readReady(from) {
			s.connect()
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended before it was ready: %w", s.failure)
		default:
		}
	}
	_ = s.process.Process.Kill() // it is of no use
	<-s.exited
	return errors.New("it did not become ready")
}

func (s *Server) readReady(from int) bool {
	for _, line := range s.log.from(from) {
		var ready struct{ Msg, Issuer, Listen string }
		if json.Unmarshal([]byte(line), &ready) == nil && ready.Msg == "ready" {
			if s.Issuer != ready.Issuer || s.Addr != ready.Listen { // never at a restart, while others may read them
				s.Issuer, s.Addr = ready.Issuer, ready.Listen
			}
			return true
		}
	}
	return false
}

func (s *Server) connect() {
	if s.client == nil {
		s.client = &http.Client{Transport: newRoute(s), Timeout: patience, CheckRedirect: stay}
	}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Client gives an HTTP client to which the issuer is this server, wherever it listens. It follows no redirects.
func (s *Server) Client() *http.Client { return s.client }

// URL gives the address of a path below the issuer.
func (s *Server) URL(path string) string { return s.Issuer + path }

// Origin gives scheme, host and port of the issuer.
func (s *Server) Origin() string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Kill ends the process at once, as a crash would.
func (s *Server) Kill() {
	if !s.running() {
		return
	}
	_ = s.process.Process.Kill() // it may have ended by itself
	<-s.exited
	s.client.CloseIdleConnections()
}

// Restart starts the server again on its store and port. One that still runs is killed first.
func (s *Server) Restart() error {
	s.Kill()
	return s.begin()
}

// Stop asks the process to end and waits for it. It gives what it ended with.
func (s *Server) Stop() error {
	if s.running() {
		s.client.CloseIdleConnections()               // it would wait until they are used or given up
		_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		_ = s.process.Process.Kill() // it had its time
		<-s.exited
		return errors.New("the server does not end when it is asked to")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Wait waits until the process has ended by itself and gives what it ended with.
func (s *Server) Wait() error {
	select {
	case <-s.exited:
	case <-time.After(patience):
		return errors.New("the server still runs")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Running tells whether the process has not ended.
func (s *Server) Running() bool { return s.running() }

func (s *Server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// Close stops the server, removes its folder, and tells everything it did that no server should do.
func (s *Server) Close() []string {
	wasRunning := s.running()
	watched().noteMetrics(s)
	err := s.Stop()
	faults := s.Faults()
	if wasRunning && err != nil {
		faults = append(faults, fmt.Sprintf("the server ended badly: %v", err))
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		faults = append(faults, err.Error())
	}
	return faults
}

// Command runs another command of the program beside the server, with the settings of the server in its environment.
func (s *Server) Command(args ...string) (string, error) {
	program, err := binary()
	if err != nil {
		return "", err
	}
	c := exec.Command(program, args...)
	c.Dir = s.Dir
	c.Env = append(s.environment(), "GRANTOR_STORE="+s.store, "GRANTOR_ISSUER="+s.Issuer,
		"HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir) // where nobody has signed in: a saved login would come first
	out, err := c.CombinedOutput()
	return string(out), err
}

// ProcessID gives the number of the process.
func (s *Server) ProcessID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Process.Pid
}
