package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/redis"
)

// kinds is everything that a store of ours may hold.
func kinds() store.Kinds {
	return store.NewKinds(oauth.Kinds(), account.Kinds())
}

// copyable is a store that is open to be copied.
type copyable struct {
	store.Walker
	place string // in words for people, without secrets
	close func() error
}

// openWhole opens a store, an embedded one for reading only or not.
func (c *command) openWhole(ctx context.Context, at storeURL, o bolt.Options) (*copyable, error) {
	if err := at.check(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if at.scheme() == "bolt" {
		s, err := openBoltWith(at.path(), o)
		if err != nil {
			return nil, err
		}
		return &copyable{s, at.path(), s.Close}, nil
	}
	if !at.isRedis() {
		return nil, errMemory
	}
	s, err := redis.Open(ctx, string(at), redis.Options{AcceptEviction: o.ReadOnly, Warn: c.warn})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", at, err)
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", at, err), s.Close())
	}
	return &copyable{s, at.String(), s.Close}, nil
}

// openSource opens what is to be copied: a store, or what a server sends of its own.
func (c *command) openSource(cmd *cobra.Command) (*copyable, error) {
	at, err := c.workplace(cmd)
	if err != nil {
		return nil, err
	}
	if at.server != "" {
		return c.sentSource(cmd.Context(), at)
	}
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	if err != nil {
		return nil, err
	}
	if cfg.Store.scheme() == "bolt" {
		if err := cfg.fileStands(); err != nil {
			return nil, err
		}
	}
	return c.openWhole(cmd.Context(), cfg.Store, bolt.Options{ReadOnly: true, Warn: c.warn})
}

// sentSource keeps what a server sends in a file of this moment, which is gone once the copy is closed.
func (c *command) sentSource(ctx context.Context, at workplace) (*copyable, error) {
	r, err := c.remoteAt(at)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "grantor-*") // mode 0700
	if err != nil {
		return nil, err
	}
	gone := func() error { return os.RemoveAll(dir) }
	path := filepath.Join(dir, "backup.db")
	if err := writeWhole(path, overwriting(false), func(f *os.File) error { return r.backup(ctx, f) }); err != nil {
		return nil, errors.Join(err, gone())
	}
	s, err := bolt.Open(path, bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, errors.Join(err, gone())
	}
	return &copyable{s, at.server, func() error { return errors.Join(s.Close(), gone()) }}, nil
}

// transfer is the copying of one store into another.
type transfer struct {
	from, to *copyable
	force    overwriting
	anew     bool // what the target holds does not matter, nor does it have to be a copy of the source
}

// copied is what came of it.
type copied struct {
	From     string                      `json:"from"`
	To       string                      `json:"to"`
	Records  int                         `json:"records"`
	Kinds    int                         `json:"kinds"`
	Counters int                         `json:"counters"`
	Changed  int                         `json:"changed"`
	Equal    bool                        `json:"equal"`
	Differs  map[string]store.Difference `json:"differs,omitempty"`
}

func (t *transfer) copying() *store.Copying {
	return &store.Copying{From: t.from, To: t.to, Kinds: kinds(), Now: time.Now}
}

func (t *transfer) told(last *store.Compared, changed int) *copied {
	return &copied{
		From: t.from.place, To: t.to.place, Records: last.Records, Kinds: last.Kinds, Counters: last.Counters,
		Changed: changed, Equal: last.Equal(), Differs: last.Differs,
	}
}

// compare changes nothing.
func (t *transfer) compare(ctx context.Context) (*copied, error) {
	last, err := t.copying().Compare(ctx)
	if err != nil {
		return nil, err
	}
	return t.told(last, 0), nil
}

// run copies. As long as the two are not equal the target says so, and no server starts on it.
func (t *transfer) run(ctx context.Context) (*copied, error) {
	identity, err := oauth.StoreIdentity(ctx, t.from)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is nothing to copy in %s: no server has worked on it yet", t.from.place)
	}
	if err != nil {
		return nil, err
	}
	if err := t.checkSource(ctx); err != nil {
		return nil, err
	}
	if err := t.checkTarget(ctx, identity); err != nil {
		return nil, err
	}
	mark := store.Mark{Source: identity, Nonce: rand.Text(), Begun: time.Now().UTC()}
	if err := t.begin(ctx, mark); err != nil {
		return nil, err
	}
	last, changed, err := t.copying().Run(ctx)
	if err != nil {
		return nil, err
	}
	if last.Equal() {
		mark.Ended = time.Now().UTC()
		if err := store.WriteMark(ctx, t.to, mark); err != nil {
			return nil, err
		}
	}
	return t.told(last, changed), nil
}

func (t *transfer) checkSource(ctx context.Context) error {
	m, err := store.ReadMark(ctx, t.from)
	if errors.Is(err, store.ErrNotFound) || err == nil && (bool(t.force) || !m.Ended.IsZero()) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is itself a copy that was not finished: finish it, or copy what there is with --force", t.from.place)
}

// checkTarget makes sure that nothing is lost that is not to be found in the source.
func (t *transfer) checkTarget(ctx context.Context, identity string) error {
	if t.force {
		return nil
	}
	m, err := store.ReadMark(ctx, t.to)
	if err == nil && m.Source == identity && !t.anew {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	empty, err := store.Empty(ctx, t.to, kinds())
	if err != nil || empty {
		return err
	}
	if t.anew {
		return fmt.Errorf("there is something in %s: replace it, and lose it, with --force", t.to.place)
	}
	return fmt.Errorf("there is something in %s, and it is no copy of this store that nobody has used yet: replace it, and lose it, with --force", t.to.place)
}

// begin marks the target, and sees that it is not the source by another name.
func (t *transfer) begin(ctx context.Context, mark store.Mark) error {
	before, err := store.ReadMark(ctx, t.to)
	marked := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := store.WriteMark(ctx, t.to, mark); err != nil {
		return err
	}
	seen, err := store.ReadMark(ctx, t.from)
	if errors.Is(err, store.ErrNotFound) || err == nil && seen.Nonce != mark.Nonce {
		return nil
	}
	if err != nil {
		return err
	}
	undo := store.RemoveMark
	if marked {
		undo = func(ctx context.Context, b store.Backend) error { return store.WriteMark(ctx, b, before) }
	}
	return errors.Join(usagef("%s and %s are the same store", t.from.place, t.to.place), undo(ctx, t.to))
}
