// Package redis keeps records in Redis 6.2 or later: one node, a master watched by Sentinels, or a Cluster. It has no cache
// and starts no goroutine of its own; what Redis acknowledges is as durable as Redis is configured to be.
//
// An ACL user needs the keys under the prefix and: PING HELLO AUTH SELECT INFO TIME EVAL EVALSHA GET SET GETDEL GETRANGE SETRANGE
// MGET DEL EXISTS INCRBY PEXPIRE EXPIREAT PERSIST ZADD ZREM ZSCORE ZRANGEBYLEX ZRANGEBYSCORE ZREVRANGE, CONFIG|GET where possible,
// and the read-only CLUSTER commands on a Cluster.
package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/grantor-dev/grantor/store"
)

// defaultTimeout bounds every verb. Of it, waiting for a connection and making one may each take two fifths, and Redis three
// fifths for its answer.
const defaultTimeout = 2500 * time.Millisecond

// Options are what the URL cannot say.
type Options struct {
	AcceptEviction bool             // run although Redis may evict records when its memory is full
	Now            func() time.Time // the clock; nil is time.Now
	Warn           func(string)     // takes what an operator should know; nil drops it
	TLS            *tls.Config      // for rediss: URLs; nil trusts the authorities of the system
}

// Store is a store.Backend in Redis.
type Store struct {
	client  goredis.UniversalClient
	cluster bool
	keys    keys
	address address
	options Options
	checked atomic.Bool

	// How long an index entry without a record is left alone, and how long one stays after the end of its record.
	// Variable for tests.
	grace, slack time.Duration
}

var silence = sync.OnceFunc(func() {
	// go-redis writes what it meets to the standard logger; every error reaches the caller as well.
	goredis.SetLogger(&logging.VoidLogger{})
})

// Open prepares a store. The URL is redis://, rediss:// (TLS), redis+sentinel:// or redis+cluster:// (or rediss+…), as in
//
//	redis://user:password@host:6379/0?prefix=grantor:&pool_size=40&timeout=2.5s
//	redis+sentinel://user:password@host:26379,host:26379/master/0?sentinel_username=…&sentinel_password=…
//	redis+cluster://user:password@host:6379,host:6379
//
// A server that cannot be reached is no error: verbs fail until it can be, and Ping repeats the check of its settings. A
// malformed URL and a server that Check refuses are errors.
func Open(ctx context.Context, rawURL string, o Options) (*Store, error) {
	silence()
	a, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	s := &Store{
		client:  a.client(o.TLS),
		cluster: a.mode == clustered,
		keys:    keys{a.prefix},
		address: a,
		options: o,
		grace:   time.Hour,
		slack:   10 * time.Minute,
	}
	err = s.Ping(ctx)
	if store.IsUnavailable(err) {
		o.Warn("redis cannot be used yet: " + err.Error())
		return s, nil
	}
	if err != nil {
		_ = s.Close() // the reason to close is the error that counts
		return nil, err
	}
	return s, nil
}

// client makes the client. Nothing is retried below us: a command that may be used once must not run twice because its
// answer was lost.
func (a address) client(config *tls.Config) goredis.UniversalClient {
	switch {
	case !a.tls:
		config = nil
	case config == nil:
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	pool := a.poolSize
	if pool == 0 {
		pool = max(20, 10*runtime.GOMAXPROCS(0))
	}
	options := &goredis.UniversalOptions{
		Addrs:                 a.hosts,
		MasterName:            a.master,
		DB:                    a.db,
		Username:              a.username,
		Password:              a.password,
		SentinelUsername:      a.sentinelUsername,
		SentinelPassword:      a.sentinelPassword,
		TLSConfig:             config,
		Protocol:              2, // the push messages of 3 would be looked for at every command, and we use none
		MaxRetries:            -1,
		DialTimeout:           a.timeout * 2 / 5,
		DialerRetries:         1,
		ReadTimeout:           a.timeout * 3 / 5,
		WriteTimeout:          a.timeout * 3 / 5,
		ContextTimeoutEnabled: true,
		PoolSize:              pool,
		PoolTimeout:           a.timeout * 2 / 5,
		PipelinePoolSize:      -1, // pipelines use the one bounded pool
		DisableIdentity:       true,
		MaxRedirects:          3,

		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if a.mode != clustered {
		return goredis.NewUniversalClient(options)
	}
	cluster := options.Cluster()
	cluster.DisableRoutingPolicies = true // every command of ours goes to the node of its key
	return goredis.NewClusterClient(cluster)
}

// Close ends all connections; every verb fails from then on.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil && !errors.Is(err, goredis.ErrClosed) {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Ping reports whether Redis answers. The first time that it does, its settings are checked as well, and Ping fails as
// long as Check refuses them.
func (s *Store) Ping(ctx context.Context) error {
	if !s.checked.Load() {
		warnings, err := s.Check(ctx)
		if err != nil || s.checked.Swap(true) {
			return err
		}
		for _, w := range warnings {
			s.options.Warn(w)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.address.timeout)
	defer cancel()
	return s.failed("ping", s.client.Ping(ctx).Err())
}

// Get reads a record.
func (s *Store) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	op := "get " + kind.Name
	if !storable(id) {
		return store.Record{}, store.ErrNotFound
	}
	ctx, cancel, err := s.begin(ctx, op)
	if err != nil {
		return store.Record{}, err
	}
	defer cancel()
	reply := s.read(ctx, "get", s.keys.record(kind, id))
	return s.record(op, kind, id, reply)
}

// Create writes a record that must not exist.
func (s *Store) Create(ctx context.Context, r store.Record) (uint64, error) {
	op := "create " + r.Kind.Name
	if err := r.Check(); err != nil {
		return 0, err
	}
	ctx, cancel, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer cancel()
	r.Version = version()
	left := s.left(r.Expires)
	const attempts = 2 // the second if the record in the way ended between two steps of the first
	for range attempts {
		created, err := s.create(ctx, r, left)
		if err != nil {
			return 0, s.failed(op, err)
		}
		if created {
			return r.Version, nil
		}
		outcome, err := s.replaceEnded(ctx, r, left)
		if err != nil {
			return 0, s.failed(op, err)
		}
		if outcome == swapDone {
			return r.Version, nil
		}
		if outcome == swapConflict {
			break
		}
	}
	return 0, store.ErrExists
}

// replaceEnded writes r over a record that has ended by our clock and not yet by that of Redis.
func (s *Store) replaceEnded(ctx context.Context, r store.Record, left string) (int, error) {
	value, err := s.read(ctx, "get", s.keys.record(r.Kind, r.ID)).Text()
	if errors.Is(err, goredis.Nil) {
		return swapMissing, nil
	}
	if err != nil {
		return 0, err
	}
	old, err := store.Unmarshal(r.Kind, r.ID, []byte(value))
	if err != nil || !old.Expired(s.options.Now()) {
		return swapConflict, nil // what we cannot read exists as well
	}
	return s.swap(ctx, old, r, left)
}

func (s *Store) create(ctx context.Context, r store.Record, left string) (bool, error) {
	key := s.keys.record(r.Kind, r.ID)
	pairs := s.keys.index(r.Kind, r.Tags)
	if s.apart(r.Kind) {
		// The index first: a record that nobody can list must not exist, an entry without a record does no harm.
		if err := s.enter(ctx, pairs, r.ID, left); err != nil {
			return false, err
		}
		pairs = nil
	}
	if len(pairs) == 0 && left != ended {
		args := []any{"set", key, r.Marshal(), "nx"}
		if left != never {
			args = append(args, "px", left)
		}
		err := s.do(ctx, args...).Err()
		if errors.Is(err, goredis.Nil) {
			return false, nil
		}
		return err == nil, err
	}
	done, err := s.run(ctx, createScript, append([]string{key}, pairs...), s.slackSeconds(), r.ID, left, r.Marshal()).Int()
	return done == 1, err
}

// Swap replaces old by next if old still has its version.
func (s *Store) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	op := "swap " + next.Kind.Name
	if err := next.Check(); err != nil {
		return 0, err
	}
	if old.Kind != next.Kind || old.ID != next.ID {
		return 0, fmt.Errorf("%s: the records differ in kind or id", op)
	}
	ctx, cancel, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer cancel()
	if old.Expired(s.options.Now()) {
		return 0, store.ErrNotFound
	}
	next.Version = version()
	outcome, err := s.swap(ctx, old, next, s.left(next.Expires))
	switch {
	case err != nil:
		return 0, s.failed(op, err)
	case outcome == swapMissing:
		return 0, store.ErrNotFound
	case outcome == swapConflict:
		return 0, store.ErrConflict
	}
	return next.Version, nil
}

// What the swap scripts return.
const (
	swapDone     = 1
	swapConflict = 0
	swapMissing  = -1
)

func (s *Store) swap(ctx context.Context, old, next store.Record, left string) (int, error) {
	script, tags := swapSmallScript, next.Tags
	if next.Kind.Spread {
		script, tags = swapScript, unlisted(old, next)
	}
	pairs := s.keys.index(next.Kind, tags)
	if s.apart(next.Kind) {
		if err := s.enter(ctx, pairs, next.ID, left); err != nil {
			return 0, err
		}
		pairs = nil
	}
	names := append([]string{s.keys.record(next.Kind, next.ID)}, pairs...)
	return s.run(ctx, script, names, s.slackSeconds(), next.ID, left, next.Marshal(), binary.BigEndian.AppendUint64(nil, old.Version)).Int()
}

// Take reads a record and deletes it. The index entries of a spread kind stay behind; List drops them.
func (s *Store) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	op := "take " + kind.Name
	if !storable(id) {
		return store.Record{}, store.ErrNotFound
	}
	ctx, cancel, err := s.begin(ctx, op)
	if err != nil {
		return store.Record{}, err
	}
	defer cancel()
	key := s.keys.record(kind, id)
	if kind.Spread {
		return s.record(op, kind, id, s.do(ctx, "getdel", key))
	}
	names := append([]string{key}, s.keys.index(kind, nil)...)
	return s.record(op, kind, id, s.run(ctx, takeSmallScript, names, id))
}

// Add adds to a counter.
func (s *Store) Add(ctx context.Context, kind store.Kind, id string, n int64, ttl time.Duration) (int64, error) {
	op := "add " + kind.Name
	if err := (store.Record{Kind: kind, ID: id}).Check(); err != nil {
		return 0, err
	}
	ctx, cancel, err := s.begin(ctx, op)
	if err != nil {
		return 0, err
	}
	defer cancel()
	key := s.keys.counter(kind, id)
	var reply *goredis.Cmd
	switch {
	case n == 0:
		reply = s.read(ctx, "get", key)
	case ttl <= 0:
		reply = s.do(ctx, "incrby", key, n)
	default:
		reply = s.run(ctx, addScript, []string{key}, n, max(ttl.Milliseconds(), 1))
	}
	value, err := reply.Int64()
	if errors.Is(err, goredis.Nil) {
		return 0, nil
	}
	return value, s.failed(op, err)
}

// record makes a record of a reply that is one.
func (s *Store) record(op string, kind store.Kind, id string, reply *goredis.Cmd) (store.Record, error) {
	value, err := reply.Text()
	if errors.Is(err, goredis.Nil) {
		return store.Record{}, store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, s.failed(op, err)
	}
	r, err := store.Unmarshal(kind, id, []byte(value))
	if err != nil {
		return store.Record{}, fmt.Errorf("%s: %w", op, err)
	}
	if r.Expired(s.options.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

// apart reports whether the index lies elsewhere than the record and cannot change in one step with it.
func (s *Store) apart(kind store.Kind) bool { return s.cluster && kind.Spread }

// unlisted gives those tags of next that the index of a spread kind does not hold as long as next lives.
func unlisted(old, next store.Record) []string {
	longer := !old.Expires.IsZero() && (next.Expires.IsZero() || next.Expires.After(old.Expires))
	if longer {
		return next.Tags
	}
	had := map[string]bool{}
	for _, tag := range old.Tags {
		had[tag] = true
	}
	var tags []string
	for _, tag := range next.Tags {
		if !had[tag] {
			tags = append(tags, tag)
		}
	}
	return tags
}

// What left answers besides a number of milliseconds.
const (
	never = ""
	ended = "0"
)

// left gives the time to live in milliseconds. It is counted by our clock and told to Redis as a duration, so that the
// clock of Redis does not matter.
func (s *Store) left(expires time.Time) string {
	if expires.IsZero() {
		return never
	}
	ms := expires.UnixMilli() - s.options.Now().UnixMilli()
	return strconv.FormatInt(max(ms, 0), 10)
}

func (s *Store) slackSeconds() int64 { return int64(s.slack / time.Second) }

func storable(id string) bool { return id != "" && len(id) <= store.MaxID }

// version gives a random version: one that was never seen before, also after a record was deleted and made again.
func version() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return max(binary.BigEndian.Uint64(b[:]), 1)
}

// begin bounds a verb, and refuses it if its context has ended already.
func (s *Store) begin(ctx context.Context, op string) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, s.failed(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.address.timeout)
	return ctx, cancel, nil
}

// failed makes an UnavailableError of whatever Redis or the network said: nothing is known but that.
func (s *Store) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &store.UnavailableError{Op: op, Err: err}
}

// once is a command that go-redis must not send again by itself; its Cluster client would, whatever MaxRetries says.
type once struct{ *goredis.Cmd }

// NoRetry is part of goredis.Cmder.
func (once) NoRetry() bool { return true }

// do sends a command once.
func (s *Store) do(ctx context.Context, args ...any) *goredis.Cmd {
	cmd := once{goredis.NewCmd(ctx, args...)}
	_ = s.client.Process(ctx, cmd) // the command holds the error
	return cmd.Cmd
}

// read sends a command that changes nothing, a second time if the connection turned out to be broken: those that were
// idle while Redis restarted are.
func (s *Store) read(ctx context.Context, args ...any) *goredis.Cmd {
	cmd := s.do(ctx, args...)
	if brokenConnection(cmd.Err()) && ctx.Err() == nil {
		return s.do(ctx, args...)
	}
	return cmd
}

func brokenConnection(err error) bool {
	var refused goredis.Error
	if err == nil || errors.As(err, &refused) || errors.Is(err, goredis.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network net.Error
	return !errors.As(err, &network) || !network.Timeout()
}

// run runs a script, sending its text only if Redis does not know it.
func (s *Store) run(ctx context.Context, sc script, names []string, args ...any) *goredis.Cmd {
	cmd := s.do(ctx, sc.command("evalsha", sc.sha, names, args)...)
	if goredis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return s.do(ctx, sc.command("eval", sc.text, names, args)...)
	}
	return cmd
}
