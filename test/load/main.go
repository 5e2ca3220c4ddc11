// Command load measures the token path of Grantor over loopback, on every store, beside a floor: a bare handler that does
// the one thing that cannot be left out, and beside what somebody would write with go-oauth2 alone, or another server. This
// process makes the load; the server and the floor are processes of their own.
//
// It finds no faults and tests no limits: an answer that is not the expected one ends it. What is measured, and how to read
// it, stands in docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// settings are what the command line decides.
type settings struct {
	server      string // the program to measure
	peer        string // the program beside it; empty: test/load/peer is built
	peerName    string
	connections int
	duration    time.Duration // of one measurement
	rounds      int
	stores      []string
	only        string // a part of the name of the operations to measure
	dir         string
	tokens      int // live ones, for introspection
	clients     int // for the list of clients
	plot        string
	trips       bool // the floor goes to the store as often as the server
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == floorCommand {
		fail(serveFloor(os.Args[2:]))
		return
	}
	s, err := parseFlags(os.Args[1:])
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fail(s.run(ctx))
}

func fail(err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	os.Exit(1)
}

func parseFlags(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&s.server, "server", "bin/grantor", "the program to measure")
	flags.IntVar(&s.connections, "connections", 64, "how many keep-alive connections, each with one request at a time")
	flags.DurationVar(&s.duration, "duration", 250*time.Millisecond, "how long one measurement takes")
	flags.IntVar(&s.rounds, "rounds", 24, "how often everything is measured; the medians are shown")
	flags.StringVar(&s.only, "only", "", "measure only operations whose name contains this")
	flags.StringVar(&s.dir, "dir", "", "folder for the stores; empty: a temporary one")
	flags.StringVar(&s.peer, "peer", "", "a program to measure beside the server that takes the flags of test/load/peer; empty: build and take that")
	flags.IntVar(&s.tokens, "tokens", 100_000, "how many live tokens are asked about in turn")
	flags.IntVar(&s.clients, "clients", 10_000, "how many clients are in the list that is read")
	flags.StringVar(&s.plot, "plot", "", "folder for plots over connections and live tokens, which are drawn instead of the table")
	flags.BoolVar(&s.trips, "trips", false, "the floor of codes, refreshes and revocations goes to the store as often as the server, not once")
	stores := flags.String("stores", "memory,bolt,redis", "which stores")
	short := flags.Bool("short", false, "a quick look: one short round")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *short {
		s.duration, s.rounds, s.tokens, s.clients = 300*time.Millisecond, 1, 5000, 500
	}
	s.stores, s.peerName = strings.Split(*stores, ","), "go-oauth2"
	if s.peer != "" {
		s.peerName = strings.TrimSuffix(filepath.Base(s.peer), filepath.Ext(s.peer))
	}
	if s.connections < 1 || s.rounds < 1 || s.duration <= 0 || flags.NArg() > 0 {
		return nil, errors.New("connections, duration and rounds must be positive, and nothing may follow the flags")
	}
	return s, nil
}

// run measures one store after the other and prints a table.
func (s *settings) run(ctx context.Context) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "grantor-load-")
		if err != nil {
			return fmt.Errorf("make a folder for the stores: %w", err)
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	fmt.Println(machine())
	fmt.Printf("%d connections, %d rounds of %s for each figure, medians\n\n", s.connections, s.rounds, s.duration)
	if s.plot != "" {
		return s.drawPlots(ctx)
	}
	printHead(s.peerName)
	for _, name := range s.stores {
		rows, err := s.measureStore(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		printRows(name, s.peerName, rows)
	}
	return nil
}

// measureStore starts what one store needs and measures every operation on it.
func (s *settings) measureStore(ctx context.Context, name string) (rows []row, err error) {
	var started processes
	defer started.stop()
	setup, err := started.start(ctx, s, name)
	if err != nil {
		return nil, err
	}
	b, operations, err := prepare(ctx, setup, s)
	if err != nil {
		return nil, err
	}
	load := &load{connections: s.connections, duration: s.duration}
	for _, o := range operations {
		rows = append(rows, row{operation: o})
	}
	for round := range s.rounds + 1 {
		for i := range rows {
			m, err := rows[i].operation.measure(ctx, load, b, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].operation.name, err)
			}
			if round > 0 { // the round before the first is for warming up
				rows[i].add(m)
			}
		}
	}
	return rows, nil
}
