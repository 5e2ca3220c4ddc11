package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/server"
)

// How a server stops so that nothing is lost of what was sent to it. Readiness ends first: a balancer looks elsewhere. Proxies
// that do not ask for readiness go on sending, over connections that they keep; each answer now tells them to keep this one no
// longer. What is still kept after that was not in use, and is closed by the proxy if it keeps connections for less than
// drainTime. Only then is nobody let in any more. To close a connection that is kept is not safe before: a request may be on
// its way on it, and nobody can tell its sender that it was not read.
const (
	leastDrain    = 1 * time.Second        // until a balancer has seen that readiness ended
	drainTime     = 3 * time.Second        // for as long as connections are kept, but no longer
	handshakeTime = 100 * time.Millisecond // for who was let in and waits to be received
	shutdownTime  = 15 * time.Second       // for what is being answered
)

// startHold is for how long after its start a server lets requests wait until it is ready. A proxy that was refused by the
// server before it, and does not ask for readiness, sends them as soon as the port is open.
const startHold = 5 * time.Second

// hold goes before everything else that a request meets.
func (p *program) hold(next http.Handler) http.Handler {
	var holding context.Context
	holding, p.release = context.WithTimeout(context.Background(), startHold)
	probes := server.Probes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.prepared.Load() && !slices.Contains(probes, r.URL.Path) {
			select {
			case <-holding.Done():
			case <-r.Context().Done():
			}
		}
		if p.draining.Load() {
			w.Header().Set("Connection", "close") // HTTP/2 sends GOAWAY for it, and no header
		}
		next.ServeHTTP(w, r)
	})
}

// countConnections knows how many are open.
func (p *program) countConnections(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		p.connections.Add(-1)
	}
}

func (p *program) shutdown(s *http.Server) error {
	p.draining.Store(true)
	if !p.config.Dev && p.prepared.Load() {
		p.log.Info("stopping: answering what still comes")
		p.drain()
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	p.log.Info("stopped")
	return nil
}

func (p *program) drain() {
	time.Sleep(leastDrain)
	for end := time.Now().Add(drainTime - leastDrain); p.connections.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := letNobodyIn(p.listener); err != nil {
		p.log.Debug("the port is closed while somebody may be at the door", "cause", err)
		return
	}
	time.Sleep(handshakeTime)
}
