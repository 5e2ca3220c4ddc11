package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
)

// The floor is what no server can be faster than: net/http, a form, the SHA-256 of a secret, and one step, by the shortest way
// to it. Where the step is one of Redis, it goes through the batcher of go-redis.

const floorCommand = "floor"

// The steps of the floor, which are the paths that it serves.
const (
	parseStep  = "/parse"  // nothing but the form and the secret
	staticStep = "/static" // not even those: the answer is there already
	signStep   = "/sign"   // one ES256 signature
	signEdStep = "/signed" // one Ed25519 signature
	readStep   = "/read"   // one GET
	turnStep   = "/turn"   // one GET of another record each time, of as many as it was told to keep
	writeStep  = "/write"  // one SET, or one durable group-committed write
	tripsStep  = "/trips"  // one after the other, those that the query names: r reads, w writes
)

// floorLife is how long what the floor writes lives, like an access token.
const floorLife = 10 * time.Minute

// floor is the process beside the server.
type floor struct {
	key    *ecdsa.PrivateKey
	edKey  ed25519.PrivateKey
	secret []byte // SHA-256 of the one secret
	redis  *goredis.AutoPipeliner
	bolt   *bolt.Store
	count  atomic.Uint64
	kept   uint64 // records that are read in turn
}

// serveFloor runs the process. It says on its output where it listens.
func serveFloor(args []string) error {
	flags := flag.NewFlagSet(floorCommand, flag.ContinueOnError)
	url := flags.String("redis", "", "URL of a Redis")
	file := flags.String("bolt", "", "path of an embedded store")
	kept := flags.Uint64("records", 1, "how many records are read in turn")
	secret := flags.String("secret", "", "SHA-256 of the secret of every client, in hex")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := openFloor(*url, *file)
	if err != nil {
		return err
	}
	if err := f.keep(*kept); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if f.secret, err = hex.DecodeString(*secret); err != nil {
		return fmt.Errorf("secret: %w", err)
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
	if _, f.edKey, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if url != "" {
		options, err := goredis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("address of redis: %w", err)
		}
		if f.redis, err = goredis.NewClient(options).AutoPipeline(); err != nil {
			return nil, fmt.Errorf("batcher of redis: %w", err)
		}
	}
	if file != "" {
		if f.bolt, err = bolt.Open(file, bolt.Options{}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// keep writes the records that are read.
func (f *floor) keep(records uint64) error {
	f.kept = records
	const writers = 64
	var all sync.WaitGroup
	faults := make([]error, writers)
	for w := range uint64(writers) {
		all.Go(func() {
			for i := w; i < records && faults[w] == nil; i += writers {
				faults[w] = f.put(context.Background(), readID(i), 0)
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// readID is the id of one of the records that are read.
func readID(i uint64) string { return fmt.Sprintf("read%012d", i) }

var floorKind = store.Kind{Name: "floor", Spread: true}

// record is as long as the authorization of a machine with one token.
func record() []byte { return bytes.Repeat([]byte("r"), 420) }

func (f *floor) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+parseStep, f.serve(func(context.Context) error { return nil }))
	routes.HandleFunc("POST "+signStep, f.serve(f.sign))
	routes.HandleFunc("POST "+signEdStep, f.serve(f.signEd))
	routes.HandleFunc("GET "+staticStep, fillAnswer)
	routes.HandleFunc("POST "+readStep, f.serve(func(ctx context.Context) error { return f.read(ctx, readID(0)) }))
	routes.HandleFunc("POST "+turnStep, f.serve(func(ctx context.Context) error { return f.read(ctx, readID(f.count.Add(1)%f.kept)) }))
	routes.HandleFunc("POST "+writeStep, f.serve(f.write))
	routes.HandleFunc("POST "+tripsStep, func(w http.ResponseWriter, r *http.Request) {
		f.serve(func(ctx context.Context) error { return f.trips(ctx, r.URL.RawQuery) })(w, r)
	})
	return routes
}

// serve checks the secret and answers with as many bytes as the request says.
func (f *floor) serve(step func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, secret, _ := r.BasicAuth()
		sum := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(sum[:], f.secret) != 1 {
			http.Error(w, "wrong secret", http.StatusUnauthorized)
			return
		}
		if err := step(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fillAnswer(w, r)
	}
}

// fillAnswer answers with as many bytes as the request says.
func fillAnswer(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.Header.Get(sizeHeader))
	if err != nil || size < 0 || size > len(filler) {
		http.Error(w, "no size", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(size))
	_, _ = w.Write(filler[:size]) // the caller may be gone
}

// sizeHeader tells the floor how long its answer should be.
const sizeHeader = "Answer-Size"

var filler = bytes.Repeat([]byte("a"), 1<<20)

func (f *floor) sign(context.Context) error {
	var claims [256]byte
	binary.BigEndian.PutUint64(claims[:], f.count.Add(1))
	digest := sha256.Sum256(claims[:])
	_, _, err := ecdsa.Sign(rand.Reader, f.key, digest[:])
	return err
}

func (f *floor) signEd(context.Context) error {
	var claims [256]byte
	binary.BigEndian.PutUint64(claims[:], f.count.Add(1))
	ed25519.Sign(f.edKey, claims[:])
	return nil
}

func (f *floor) read(ctx context.Context, id string) error {
	if f.redis != nil {
		return f.redis.Get(ctx, floorKind.Name+":"+id).Err()
	}
	_, err := f.bolt.Get(ctx, floorKind, id)
	return err
}

func (f *floor) trips(ctx context.Context, which string) error {
	for _, trip := range which {
		step := f.write
		if trip == 'r' {
			step = func(ctx context.Context) error { return f.read(ctx, readID(0)) }
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) write(ctx context.Context) error {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixNano())) // in the order of time, as the server's
	binary.BigEndian.PutUint64(id[8:], f.count.Add(1))
	return f.put(ctx, hex.EncodeToString(id[:]), floorLife)
}

// put writes a record that lives so long; 0 is for ever. Without a store there is none.
func (f *floor) put(ctx context.Context, id string, life time.Duration) error {
	if f.redis != nil {
		return f.redis.Set(ctx, floorKind.Name+":"+id, record(), life).Err()
	}
	if f.bolt == nil {
		return nil
	}
	r := store.Record{Kind: floorKind, ID: id, Value: record()}
	if life > 0 {
		r.Expires = time.Now().Add(life)
	}
	_, err := f.bolt.Create(ctx, r)
	return err
}
