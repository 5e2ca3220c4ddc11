package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/store/redis"
)

// backend is what every store offers to the program that owns it.
type backend interface {
	store.Backend
	Ping(ctx context.Context) error
	Close() error
}

// openStore opens the store that the configuration names, and gives the key that seals what lies in it. The key comes
// first: no store is made whose key could not be kept. An unreachable Redis is not an error; a wrong address is.
func openStore(ctx context.Context, c *Config, warn func(string)) (backend, []byte, error) {
	key, err := masterKey(c)
	if err != nil {
		return nil, nil, err
	}
	b, err := openBackend(ctx, c, warn)
	if err != nil {
		return nil, nil, err
	}
	return b, key, nil
}

func openBackend(ctx context.Context, c *Config, warn func(string)) (backend, error) {
	if err := c.Store.check(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	switch {
	case c.Store.isRedis():
		s, err := redis.Open(ctx, string(c.Store), redis.Options{AcceptEviction: c.AcceptEviction, Warn: warn, Now: c.now})
		if err != nil {
			return nil, fmt.Errorf("open store %s: %w", c.Store, err)
		}
		return s, nil
	case c.Store.scheme() == "bolt":
		return openBolt(c.Store.path(), bolt.Options{Warn: warn, Now: c.now})
	}
	s := memory.New()
	if c.now != nil {
		s.Now = c.now
	}
	return s, nil
}

func openBolt(path string, o bolt.Options) (backend, error) {
	s, err := openBoltWith(path, o)
	if err != nil {
		return nil, err // not s: a nil pointer in an interface is not nil
	}
	return s, nil
}

func openBoltWith(path string, o bolt.Options) (*bolt.Store, error) {
	s, err := bolt.Open(path, o)
	if errors.Is(err, bolt.ErrLocked) {
		return nil, &lockedError{path, err}
	}
	return s, err
}

// lockedError says what to do where another process has the embedded store open.
type lockedError struct {
	path  string
	cause error
}

func (e *lockedError) Error() string {
	return fmt.Sprintf("the store %s is in use by another process, probably a running `grantor serve`: an embedded store belongs to one "+
		"process at a time, so stop that one first, or let it do the work: `grantor login --server URL`", e.path)
}

func (e *lockedError) Unwrap() error { return e.cause }
