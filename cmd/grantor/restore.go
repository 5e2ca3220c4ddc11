package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/bolt"
)

// restoring is what restore was told.
type restoring struct {
	file       string
	force      overwriting
	keepTokens bool
}

func (c *command) restore() *cobra.Command {
	var r restoring
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the store",
		Long: "Put a backup in the place of the store, embedded or a Redis, while no server works on it. The master key of the time must be there.\n" +
			"Tokens and sessions from before the restore end, since the backup does not know which of them were revoked after it was made.",
		Args: takes(1),
	}
	cmd.Flags().BoolVar((*bool)(&r.force), "force", false, "replace a store that is there; it is lost")
	cmd.Flags().BoolVar(&r.keepTokens, "keep-tokens", false, "let tokens and sessions live on, also those revoked since the backup")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.file = args[0]
		return c.runRestore(cmd, r)
	}
	return cmd
}

func (c *command) runRestore(cmd *cobra.Command, r restoring) error {
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	if err != nil {
		return err
	}
	if !cfg.Store.isRedis() && cfg.Store.scheme() != "bolt" {
		return errMemory
	}
	if err := r.check(cfg); err != nil {
		return err
	}
	ctx := account.WithActor(cmd.Context(), operator())
	restore := c.prepareRestore
	if cfg.Store.isRedis() {
		restore = c.restoreRedis
	}
	done, err := restore(ctx, cfg, r)
	if err != nil {
		return fmt.Errorf("restore %s: %w", r.file, err)
	}
	return c.sayRestored(cmd, cfg, r, done)
}

// check finds, before anything is written, what would stand in the way.
func (r restoring) check(cfg *Config) error {
	target := cfg.Store.path()
	backup, err := os.Stat(r.file)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	if err := opens(r.file); err != nil {
		return fmt.Errorf("%s is no backup that opens: %w", r.file, err)
	}
	if cfg.Store.isRedis() {
		return nil // see transfer.checkTarget
	}
	there, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if os.SameFile(backup, there) {
		return usagef("%s is the store itself: name the backup", r.file)
	}
	if !r.force {
		return fmt.Errorf("there is a store %s: replace it, and lose it, with --force; or name another place with --store", target)
	}
	return notInUse(target)
}

// notInUse makes sure that no server works on a store. One that is damaged may be replaced.
func notInUse(path string) error {
	s, err := openBoltWith(path, bolt.Options{ReadOnly: true})
	if errors.Is(err, bolt.ErrLocked) {
		return err
	}
	if err != nil {
		return nil
	}
	return s.Close()
}

// restored is what came of it.
type restored struct {
	Store       string `json:"store"`
	File        string `json:"file"`
	Clients     int    `json:"clients"`
	Users       int    `json:"users"`
	TokensEnded bool   `json:"tokens_ended"`
}

// prepareRestore makes the new store beside the old one, ends what must not live again, and then swaps them: a restore
// that fails or is interrupted leaves the old store as it was.
func (c *command) prepareRestore(ctx context.Context, cfg *Config, r restoring) (*restored, error) {
	master, err := cfg.keyOfBackup()
	if err != nil {
		return nil, err
	}
	target := cfg.Store.path()
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	done := &restored{Store: target, File: r.file, TokensEnded: !r.keepTokens}
	return done, writeWhole(target, overwriting(true), func(f *os.File) error {
		if err := copyStore(ctx, r.file, f); err != nil {
			return err
		}
		return c.renew(ctx, cfg, f.Name(), master, done)
	})
}

// restoreRedis prepares the store in a file and copies that into Redis. One that is interrupted is begun anew with --force;
// until then no server starts on it.
func (c *command) restoreRedis(ctx context.Context, cfg *Config, r restoring) (done *restored, err error) {
	master, err := cfg.keyOfBackup()
	if err != nil {
		return nil, err
	}
	to, err := c.openWhole(ctx, cfg.Store, bolt.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	t := &transfer{to: to, force: r.force, anew: true}
	if err := t.checkTarget(ctx, ""); err != nil { // before it is worked for
		return nil, err
	}
	dir, err := os.MkdirTemp("", "grantor-*") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	done = &restored{Store: cfg.Store.String(), File: r.file, TokensEnded: !r.keepTokens}
	path := filepath.Join(dir, "restored.db")
	err = writeWhole(path, overwriting(false), func(f *os.File) error {
		if err := copyStore(ctx, r.file, f); err != nil {
			return err
		}
		return c.renew(ctx, cfg, f.Name(), master, done)
	})
	if err != nil {
		return nil, err
	}
	s, err := bolt.Open(path, bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t.from = &copyable{s, r.file, s.Close}
	came, err := t.run(ctx)
	if err != nil {
		return nil, err
	}
	if !came.Equal {
		return nil, fmt.Errorf("%w: something else writes to %s", errDiffers, to.place)
	}
	return done, nil
}

// keyOfBackup gives the master key, and makes none: a new one would open nothing.
func (c *Config) keyOfBackup() ([]byte, error) {
	if c.MasterKey != "" {
		return parseMasterKey(string(c.MasterKey))
	}
	key, err := readKey(c.keyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the master key %s is missing: put the one of the time of the backup there (mode 0600), or set GRANTOR_MASTER_KEY", c.keyFile())
	}
	return key, err
}

// renew opens the copy, which proves the master key, and ends what was issued until now.
func (c *command) renew(ctx context.Context, cfg *Config, path string, master []byte, done *restored) (err error) {
	s, err := openBoltWith(path, bolt.Options{Warn: c.warn})
	if err != nil {
		return err
	}
	a := &app{config: cfg, store: s, records: s}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.build(ctx, master, c.warn); err != nil {
		return err
	}
	if err := a.loadSoon(ctx); err != nil {
		return err
	}
	if err := a.endEverything(ctx, done); err != nil {
		return err
	}
	return a.audit.Record(ctx, account.Event{Action: "store.restored", Object: "store", Detail: map[string]string{
		"backup": filepath.Base(done.File), "tokens_ended": fmt.Sprint(done.TokensEnded),
	}})
}

// endEverything counts clients and users, and ends what each has begun until now.
func (a *app) endEverything(ctx context.Context, done *restored) error {
	work := &crew{places: make(chan struct{}, crewSize)}
	err := a.everyClient(ctx, func(c *oauth.Client) error {
		done.Clients++
		if done.TokensEnded {
			work.do(func() error { return a.provider.EndClientTokens(ctx, c.ClientID) })
		}
		return ctx.Err()
	})
	if err != nil {
		return errors.Join(err, work.wait())
	}
	err = a.everyUser(ctx, func(u *account.User) error {
		done.Users++
		if done.TokensEnded {
			work.do(func() error { return a.directory.EndAll(ctx, u.ID) })
		}
		return ctx.Err()
	})
	return errors.Join(err, work.wait())
}

// crewSize is how many writes wait for the disk together.
const crewSize = 64

// crew does things at the same time and keeps the first error.
type crew struct {
	places chan struct{}
	all    sync.WaitGroup
	once   sync.Once
	err    error
}

func (c *crew) do(one func() error) {
	c.places <- struct{}{}
	c.all.Go(func() {
		defer func() { <-c.places }()
		if err := one(); err != nil {
			c.once.Do(func() { c.err = err })
		}
	})
}

func (c *crew) wait() error {
	c.all.Wait()
	return c.err
}

func (c *command) sayRestored(cmd *cobra.Command, cfg *Config, r restoring, done *restored) error {
	tokens := "Every token and session from before has ended, so that none revoked since the backup lives again."
	if r.keepTokens {
		tokens = "Tokens and sessions were kept, also those revoked since the backup."
	}
	return c.printer(cmd).say(fmt.Sprintf("Restored %s from %s: %d clients, %d users.\n%s\n"+
		"Clients and users are as they were then: block, disable or delete again who was since.",
		done.Store, r.file, done.Clients, done.Users, tokens), done)
}
