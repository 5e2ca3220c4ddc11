// Package redis keeps records in Redis 6.2 or later: one node, a master watched by Sentinels, or a Cluster. It has no cache,
// and no goroutine of its own outlives the commands that it sends; what Redis acknowledges is as durable as Redis is configured to be.
//
// An ACL user needs the keys under the prefix and: PING HELLO AUTH SELECT INFO TIME EVAL EVALSHA GET SET GETDEL GETRANGE SETRANGE
// MGET DEL EXISTS INCRBY PEXPIRE PTTL SCAN EXPIREAT PERSIST ZADD ZREM ZSCORE ZRANGEBYLEX ZRANGEBYSCORE ZREVRANGE, WAIT where writes wait for
// replicas, CONFIG|GET where possible, and the read-only CLUSTER commands on a Cluster.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
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

// defaultPatience bounds how long a write waits for replicas.
const defaultPatience = 500 * time.Millisecond

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

	// What sends commands of many callers together, one and the same where no write waits for replicas; nil: each command
	// goes alone.
	reading, writing *batches

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
//	redis://user:password@host:6379/0?prefix=grantor:&pool_size=40&timeout=2.5s&pipelining=on
//	redis+sentinel://user:password@host:26379,host:26379/master/0?sentinel_username=…&sentinel_password=…
//	redis+cluster://user:password@host:6379,host:6379
//
// and each with wait=N&wait_timeout=500ms where a write shall not be reported before N replicas have it: where they do not
// acknowledge it in time its outcome is unknown. A server that cannot be reached is no error: verbs fail until it can be, and Ping repeats the check of its settings. A
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
	if a.pipelining {
		s.reading = &batches{client: s.client, timeout: a.timeout}
		s.writing = s.reading
		if a.replicas > 0 {
			s.writing = &batches{client: s.client, timeout: a.timeout} // what is read waits for no replica
		}
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
	switch a.mode {
	case watched:
		client := goredis.NewFailoverClient(options.Failover())
		a.follow(client)
		return client
	case clustered:
		cluster := options.Cluster()
		cluster.DisableRoutingPolicies = true // every command of ours goes to the node of its key
		client := goredis.NewClusterClient(cluster)
		client.OnNewNode(a.follow)
		return client
	}
	client := goredis.NewClient(options.Simple())
	a.follow(client)
	return client
}

// Close ends all connections; every verb fails from then on.
func (s *Store) Close() error {
	err := s.client.Close()
	for _, b := range []*batches{s.reading, s.writing} {
		if b != nil {
			b.close()
		}
	}
	if err != nil && !errors.Is(err, goredis.ErrClosed) {
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
	return s.failed(operation{verb: "ping"}, s.client.Ping(ctx).Err())
}
