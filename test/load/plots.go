package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// drawPlots measures throughput over connections, and introspection over live tokens, on each store.
func (s *settings) drawPlots(ctx context.Context) error {
	if err := os.MkdirAll(s.plot, 0o750); err != nil {
		return fmt.Errorf("make a folder for the plots: %w", err)
	}
	for _, name := range s.stores {
		if err := s.drawStore(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *settings) drawStore(ctx context.Context, name string) error {
	var started processes
	defer started.stop()
	setup, err := started.start(ctx, s, name)
	if err != nil {
		return err
	}
	b, operations, err := prepare(ctx, setup, s)
	if err != nil {
		return err
	}
	if err := s.overConnections(ctx, b, operations); err != nil {
		return err
	}
	return s.overTokens(ctx, b)
}

// overConnections draws the operations that need no preparation, over 1 to 256 connections.
func (s *settings) overConnections(ctx context.Context, b *subject, operations []*operation) error {
	p := plot{title: "Requests per second over connections, " + b.store, x: "connections", y: "requests/s"}
	drawn := map[string]bool{"client_credentials": true, "client_credentials JWT": true, "introspection": true}
	for _, o := range operations {
		if !drawn[o.name] {
			continue
		}
		server, floor := series{name: o.name}, series{name: o.name + ", floor", dashed: true}
		for n := 1; n <= 256; n *= 2 {
			r := row{operation: o}
			for round := range s.rounds {
				m, err := o.measure(ctx, &load{connections: n, duration: s.duration}, b, round)
				if err != nil {
					return fmt.Errorf("%s: %w", o.name, err)
				}
				r.add(m)
			}
			server.add(n, median(r.server).perSecond)
			floor.add(n, median(r.floor).perSecond)
			fmt.Printf("%s, %s, %d connections: %.0f/s, floor %.0f/s\n", b.store, o.name, n, median(r.server).perSecond, median(r.floor).perSecond)
		}
		p.lines = append(p.lines, server, floor)
	}
	return s.save(p, "connections-"+b.store)
}

// overTokens draws introspection over 1000 live tokens and more, up to as many as -tokens says.
func (s *settings) overTokens(ctx context.Context, b *subject) error {
	p := plot{title: "Introspections per second over live tokens, " + b.store, x: "live tokens", y: "requests/s"}
	line := series{name: "introspection"}
	all := &tokens{b: b}
	for n := 1000; n <= s.tokens; n *= 10 {
		if err := all.fill(ctx, n); err != nil {
			return fmt.Errorf("issue %d tokens: %w", n, err)
		}
		var found []figures
		for range s.rounds + 1 {
			f, err := (&load{connections: s.connections, duration: s.duration}).measure(ctx, b.server, all.introspect)
			if err != nil {
				return err
			}
			found = append(found, f)
		}
		f := median(found[1:])
		line.add(n, f.perSecond)
		fmt.Printf("%s, introspection over %d tokens: %.0f/s, %d µs of processor each\n", b.store, n, f.perSecond, f.processor.Microseconds())
	}
	p.lines = append(p.lines, line)
	return s.save(p, "tokens-"+b.store)
}

func (s *settings) save(p plot, name string) error {
	file := filepath.Join(s.plot, name+".svg")
	var text strings.Builder
	p.draw(&text)
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	fmt.Println(file)
	return nil
}
