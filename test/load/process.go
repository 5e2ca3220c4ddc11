package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds how long a process may take to start or to end.
const patience = 20 * time.Second

// readyMark stands before the address in what the server, and the floor like it, prints when it is ready.
const readyMark = "is ready at "

// setup is what one store is measured on.
type setup struct {
	store   string
	server  endpoint
	floor   endpoint
	secrets secrets

	arguments []string // of the server

	opaquePeer, jwtPeer endpoint
}

// processes are those that this program started, in that order.
type processes struct {
	all         []*exec.Cmd
	environment []string // beside that of this program
}

// stop ends them, the last first, and waits.
func (p *processes) stop() {
	for _, cmd := range slices.Backward(p.all) {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		impatient := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ended does not matter any more
		impatient.Stop()
	}
}

// start runs the server with its default configuration on a new store, and the floor beside it.
func (p *processes) start(ctx context.Context, s *settings, name string) (made *setup, err error) {
	made = &setup{store: name, secrets: newSecrets()}
	p.environment = []string{"GRANTOR_MASTER_KEY=" + masterKey()}
	var storeURL string
	var floorArgs []string
	switch name {
	case "memory":
		storeURL = "memory:"
	case "bolt":
		if s.dir, err = filepath.Abs(s.dir); err != nil {
			return nil, err
		}
		storeURL = "bolt:" + filepath.Join(s.dir, "server.db")
		floorArgs = []string{"-bolt", filepath.Join(s.dir, "floor.db")}
	case "redis":
		url, err := p.startRedis(ctx, s.dir)
		if err != nil {
			return nil, err
		}
		storeURL, floorArgs = url, []string{"-redis", url}
	default:
		return nil, fmt.Errorf("no such store: write memory, bolt, redis")
	}
	seed := filepath.Join(s.dir, "seed.yaml")
	if err := os.WriteFile(seed, made.secrets.seed(), 0o600); err != nil {
		return nil, fmt.Errorf("write seed: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	made.arguments = []string{"serve", "--listen", "127.0.0.1:0", "--store", storeURL, "--seed", seed}
	if made.server, err = p.startReady(s.server, made.arguments...); err != nil {
		return nil, err
	}
	floorArgs = append([]string{floorCommand, "-secret", made.secrets.digest(), "-records", strconv.Itoa(max(s.tokens, 1))}, floorArgs...)
	if made.floor, err = p.startReady(self, floorArgs...); err != nil {
		return nil, err
	}
	return made, p.startPeers(s, made)
}

// startPeers runs what somebody would write otherwise, once for each form of token.
func (p *processes) startPeers(s *settings, made *setup) (err error) {
	if s.peer == "" {
		s.peer = filepath.Join(s.dir, "peer")
		build := exec.Command("go", "build", "-C", "test/load/peer", "-o", s.peer, ".")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build test/load/peer: %w: %s", err, out)
		}
	}
	p.environment = []string{"PEER_SECRET=" + made.secrets.client}
	if made.opaquePeer, err = p.startReady(s.peer, "-client", opaqueClient); err == nil {
		made.jwtPeer, err = p.startReady(s.peer, "-client", opaqueClient, "-jwt")
	}
	return err
}

// startReady runs a program until it says where it listens. Its log goes nowhere, so that the disk stays with the store.
func (p *processes) startReady(program string, args ...string) (at endpoint, err error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), p.environment...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return at, fmt.Errorf("start %s: %w", program, err)
	}
	if err := cmd.Start(); err != nil {
		return at, fmt.Errorf("start %s: %w", program, err)
	}
	p.all = append(p.all, cmd)
	impatient := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer impatient.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, found := strings.Cut(lines.Text(), readyMark); found {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
			return endpoint{net.JoinHostPort("127.0.0.1", port), cmd.Process.Pid}, err
		}
	}
	return at, fmt.Errorf("%s does not start: run it by hand with %s", program, strings.Join(args, " "))
}

func masterKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return hex.EncodeToString(key[:])
}

// startRedis runs a Redis without persistence on a free port.
func (p *processes) startRedis(ctx context.Context, dir string) (url string, err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	host, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close() // it was free
	cmd := exec.Command("redis-server", "--port", port, "--bind", host, "--dir", dir, "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start redis-server: %w", err)
	}
	p.all = append(p.all, cmd)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address := net.JoinHostPort(host, port)
	for ctx.Err() == nil {
		if c, err := net.Dial("tcp", address); err == nil {
			return "redis://" + address, c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", fmt.Errorf("redis-server does not listen on %s: %w", address, ctx.Err())
}
