package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
)

// The floor is what no server can be faster than: net/http, a form, and one step, by the shortest way to it.

const floorCommand = "floor"

// The steps of the floor, which are the paths that it serves.
const (
	parseStep = "/parse" // nothing but the form
	signStep  = "/sign"  // one ES256 signature
	readStep  = "/read"  // one GET
	writeStep = "/write" // one SET, or one durable group-committed write
)

// floorLife is how long what the floor writes lives, like an access token.
const floorLife = 10 * time.Minute

// floor is the process beside the server.
type floor struct {
	key   *ecdsa.PrivateKey
	redis *goredis.Client
	bolt  *bolt.Store
	count atomic.Uint64
}

// serveFloor runs the process. It says on its output where it listens.
func serveFloor(args []string) error {
	flags := flag.NewFlagSet(floorCommand, flag.ContinueOnError)
	url := flags.String("redis", "", "URL of a Redis")
	file := flags.String("bolt", "", "path of an embedded store")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := openFloor(*url, *file)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(os.Stdout, "%shttp://%s\n", readyMark, listener.Addr())
	return http.Serve(listener, f.routes())
}

func openFloor(url, file string) (f *floor, err error) {
	f = &floor{}
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if url != "" {
		options, err := goredis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("address of redis: %w", err)
		}
		f.redis = goredis.NewClient(options)
		if err := f.redis.Set(context.Background(), floorRead, record(), 0).Err(); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
	}
	if file != "" {
		if f.bolt, err = bolt.Open(file, bolt.Options{}); err != nil {
			return nil, err
		}
		if _, err := f.bolt.Create(context.Background(), store.Record{Kind: floorKind, ID: floorRead, Value: record()}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// floorRead is the id of the record that is read.
const floorRead = "read"

var floorKind = store.Kind{Name: "floor", Spread: true}

// record is as long as the authorization of a machine with one token.
func record() []byte { return bytes.Repeat([]byte("r"), 420) }

func (f *floor) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+parseStep, f.serve(func(context.Context) error { return nil }))
	routes.HandleFunc("POST "+signStep, f.serve(f.sign))
	routes.HandleFunc("POST "+readStep, f.serve(f.read))
	routes.HandleFunc("POST "+writeStep, f.serve(f.write))
	return routes
}

// serve answers with as many bytes as the request says.
func (f *floor) serve(step func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		size, err := strconv.Atoi(r.Header.Get(sizeHeader))
		if err != nil || size < 0 || size > len(filler) {
			http.Error(w, "no size", http.StatusBadRequest)
			return
		}
		if err := step(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(filler[:size]) // the caller may be gone
	}
}

// sizeHeader tells the floor how long its answer should be.
const sizeHeader = "Answer-Size"

var filler = bytes.Repeat([]byte("a"), 1<<14)

func (f *floor) sign(context.Context) error {
	var claims [256]byte
	binary.BigEndian.PutUint64(claims[:], f.count.Add(1))
	digest := sha256.Sum256(claims[:])
	_, _, err := ecdsa.Sign(rand.Reader, f.key, digest[:])
	return err
}

func (f *floor) read(ctx context.Context) error {
	if f.redis != nil {
		return f.redis.Get(ctx, floorRead).Err()
	}
	_, err := f.bolt.Get(ctx, floorKind, floorRead)
	return err
}

func (f *floor) write(ctx context.Context) error {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixNano())) // in the order of time, as the server's
	binary.BigEndian.PutUint64(id[8:], f.count.Add(1))
	name := hex.EncodeToString(id[:])
	if f.redis != nil {
		return f.redis.Set(ctx, floorKind.Name+":"+name, record(), floorLife).Err()
	}
	_, err := f.bolt.Create(ctx, store.Record{Kind: floorKind, ID: name, Value: record(), Expires: time.Now().Add(floorLife)})
	return err
}
