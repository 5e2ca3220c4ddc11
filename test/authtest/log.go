package authtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// lines is the output of a process in lines.
type lines struct{ Output }

func (l *lines) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Len()
}

// from gives the complete lines after an offset.
func (l *lines) from(offset int) []string {
	text := l.String()[offset:]
	end := strings.LastIndexByte(text, '\n')
	if end < 0 {
		return nil
	}
	return strings.Split(text[:end], "\n")
}

// forget drops the complete lines.
func (l *lines) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	rest := text[strings.LastIndexByte(text, '\n')+1:]
	l.text.Reset()
	l.text.WriteString(rest)
}

// secrets are what must never stand in a log. Helpers of this package add what they see.
type secrets struct {
	mu  sync.Mutex
	all map[string]struct{}
}

func newSecrets() *secrets { return &secrets{all: map[string]struct{}{}} }

func (s *secrets) add(secret string) {
	if len(secret) < 8 {
		return // too short to be told from other text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[secret] = struct{}{}
}

func (s *secrets) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = map[string]struct{}{}
}

// in gives the secrets that stand in a text. Where there are many, most texts hold none, which is soon told.
func (s *secrets) in(text string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) > 100 {
		known := newNeedles()
		for secret := range s.all {
			known.add(secret)
		}
		if secret, _ := known.in(text); secret == "" {
			return nil
		}
	}
	var found []string
	for secret := range s.all {
		if strings.Contains(text, secret) {
			found = append(found, secret)
		}
	}
	return found
}

// Keep adds something that must never stand in the log or in the store.
func (s *Server) Keep(secret string) { s.secrets.add(secret) }

// SecretsIn gives the secrets that stand in a text: tokens, codes, passwords, cookies, keys that this server has seen.
func (s *Server) SecretsIn(text string) []string { return s.secrets.in(text) }

// SecretCount tells how many secrets are known.
func (s *Server) SecretCount() int {
	s.secrets.mu.Lock()
	defer s.secrets.mu.Unlock()
	return len(s.secrets.all)
}

// Log gives everything that the server has logged, in all its lives.
func (s *Server) Log() string { return s.log.String() }

// Out gives everything that the server has printed for the person at the terminal.
func (s *Server) Out() string { return s.out.String() }

// LogEvents gives the log lines, decoded.
func (s *Server) LogEvents() []map[string]any {
	var events []map[string]any
	for _, line := range s.log.from(0) {
		var event map[string]any
		if json.Unmarshal([]byte(line), &event) == nil {
			events = append(events, event)
		}
	}
	return events
}

// Settle tells what Faults tells, and forgets what the server has logged so far and the secrets that stand nowhere in it. It is
// for tests that last for long, and must not run beside a start of the server.
func (s *Server) Settle() []string {
	faults := s.Faults()
	s.log.forget()
	s.secrets.forget()
	return faults
}

// Faults tells what the server wrote that no server should write.
func (s *Server) Faults() []string {
	var faults []string
	text := s.Log()
	for _, sign := range []string{"WARNING: DATA RACE", "panic:", "goroutine 1 [", "fatal error:", "runtime error"} {
		if at := strings.Index(text, sign); at >= 0 {
			faults = append(faults, fmt.Sprintf("the server says %q:\n%s", sign, text[at:min(len(text), at+6000)]))
		}
	}
	for _, secret := range s.SecretsIn(text) {
		faults = append(faults, "a secret stands in the log: "+lineWith(text, secret))
	}
	if len(faults) > 0 {
		return faults
	}
	for _, line := range s.log.from(0) {
		isLastWord := strings.HasPrefix(line, "grantor: ") // what a program that does not start tells the person at the terminal
		if !json.Valid([]byte(line)) && !isLastWord {
			faults = append(faults, fmt.Sprintf("a log line is not JSON: %q", line))
		}
	}
	return faults
}

func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
