package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// answerTime is how long a command waits for a store that does not answer.
const answerTime = 10 * time.Second

// expectation is what a command expects of the store.
type expectation string

const (
	standing expectation = "standing" // a store that is not there is a mistake in its name
	creating expectation = "creating" // the store is made where it is not there
)

// warnOfFile passes on what is odd about an embedded store. Of a Redis the server warns, and a failure says enough.
func (c *command) warnOfFile(cfg *Config) func(string) {
	if cfg.Store.isRedis() {
		return func(string) {}
	}
	return c.warn
}

func (c *command) warn(text string) { fmt.Fprintln(c.err, "grantor: warning:", text) }

// loadSoon reads the keys without waiting long. What the store's set-up lacks is for the server to say.
func (a *app) loadSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return a.load(ctx)
}

// manageable says why a command cannot work on the store directly.
func (c *Config) manageable(e expectation) error {
	if c.Store.scheme() == "memory" {
		return errMemory
	}
	if e == creating && c.Store.scheme() == "bolt" {
		return nil
	}
	if err := c.fileStands(); err != nil {
		return err
	}
	return c.keyStands()
}

var errMemory = errors.New("a memory store lives within its server and cannot be managed from outside: name a store that lasts, " +
	"with --store or GRANTOR_STORE")

// fileStands says why an embedded store cannot be opened as one that exists.
func (c *Config) fileStands() error {
	if c.Store.scheme() != "bolt" {
		return nil
	}
	if _, err := os.Stat(c.Store.path()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store %s: name the one that the server uses with --store or GRANTOR_STORE; "+
			"a first `grantor serve` makes it", c.Store.path())
	}
	return nil
}

// keyStands keeps a command from making a key for a store that exists: it would open nothing, and be in the way later.
func (c *Config) keyStands() error {
	if c.MasterKey != "" {
		return nil
	}
	if _, err := os.Stat(c.keyFile()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the master key %s is missing: name the one that the server uses with --master-key-file or GRANTOR_MASTER_KEY", c.keyFile())
	}
	return nil
}

// explain adds to a failure of the store what to do about it.
func (c *Config) explain(err error) error {
	if !store.IsUnavailable(err) || errors.Is(err, context.Canceled) {
		return err
	}
	if c.Store.isRedis() {
		return fmt.Errorf("the store %s does not answer: see that it runs, or name another one with --store or GRANTOR_STORE: %w", c.Store, err)
	}
	return fmt.Errorf("the store %s cannot be used: see that its disk is there and has room: %w", c.Store.path(), err)
}

// operator is the person at the terminal, as the audit log names them.
func operator() account.Actor {
	a := account.Actor{Kind: account.ActorCLI, Name: "unknown"}
	if u, err := user.Current(); err == nil {
		a.Name = u.Username
	}
	return a
}

// printer gives what the command was asked to print with.
func (c *command) printer(cmd *cobra.Command) printer {
	asJSON, err := cmd.Flags().GetBool("json")
	return printer{out: c.out, asJSON: err == nil && asJSON}
}
