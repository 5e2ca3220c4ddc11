package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
)

// overwriting is whether a file that stands there may be replaced.
type overwriting bool

func (c *command) backup() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store into a file",
		Long: "Copy the store into a file (mode 0600) that `grantor restore` reads: the embedded store, a Redis while its servers work on it, or, with\n" +
			"--server or after `grantor login`, the embedded store of a running server, which sends it. The file is whole or is not there. The\n" +
			"master key is not in it, so that nobody who finds the file can sign tokens: keep a copy of the key at another place.",
		Args: takes(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runBackup(cmd, args[0], overwriting(force)) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite FILE if it is there")
	return atServer(cmd)
}

func (c *command) runBackup(cmd *cobra.Command, path string, force overwriting) error {
	if err := free(path, force); err != nil {
		return err
	}
	at, err := c.workplace(cmd)
	if err != nil {
		return err
	}
	if at.server != "" {
		return c.backUpServer(cmd, at, path, force)
	}
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	if err != nil {
		return err
	}
	key := "the variable GRANTOR_MASTER_KEY"
	if cfg.MasterKey == "" {
		key = cfg.keyFile()
	}
	switch {
	case cfg.Store.isRedis():
		return c.backUpRedis(cmd, path, force, key)
	case cfg.Store.scheme() != "bolt":
		return errMemory
	}
	if err := cfg.fileStands(); err != nil {
		return err
	}
	s, err := openBoltWith(cfg.Store.path(), bolt.Options{ReadOnly: true, Warn: c.warn})
	if err != nil {
		return err
	}
	err = writeWhole(path, force, func(f *os.File) error { return s.Backup(cmd.Context(), f) })
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("back up %s: %w", cfg.Store.path(), err)
	}
	return c.sayBackedUp(cmd, cfg.Store.path(), path, key)
}

func (c *command) sayBackedUp(cmd *cobra.Command, place, path, key string) error {
	return c.printer(cmd).say(fmt.Sprintf("Backed up %s into %s. Keep the master key (%s) apart from it: a restore needs both.", place, path, key),
		map[string]string{"store": place, "file": path})
}

// backUpServer has a running server send its store.
func (c *command) backUpServer(cmd *cobra.Command, at workplace, path string, force overwriting) error {
	r, err := c.remoteAt(at)
	if err != nil {
		return err
	}
	if err := writeWhole(path, force, func(f *os.File) error { return r.backup(cmd.Context(), f) }); err != nil {
		return fmt.Errorf("back up %s: %w", at.server, err)
	}
	return c.sayBackedUp(cmd, at.server, path, "the server's")
}

// backUpRedis copies a Redis into a file. Servers may work on meanwhile: then each record is as it was at some moment between
// the beginning and the end.
func (c *command) backUpRedis(cmd *cobra.Command, path string, force overwriting, key string) (err error) {
	from, err := c.openSource(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	began := time.Now()
	var done *copied
	err = writeWhole(path, force, func(f *os.File) (err error) {
		s, err := bolt.Open(f.Name(), bolt.Options{Warn: c.warn})
		if err != nil {
			return err
		}
		t := &transfer{from: from, to: &copyable{s, path, s.Close}}
		defer func() { err = errors.Join(err, s.Close()) }()
		if done, err = t.run(cmd.Context()); err != nil {
			return err
		}
		return store.RemoveMark(cmd.Context(), s)
	})
	if err != nil {
		return fmt.Errorf("back up %s: %w", from.place, err)
	}
	if !done.Equal {
		c.warn(fmt.Sprintf("%s was written to meanwhile: each record is as it was at some moment of the last %s", from.place, time.Since(began).Round(time.Second)))
	}
	return c.sayBackedUp(cmd, from.place, path, key)
}

func free(path string, force overwriting) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s is there already: choose another name, or overwrite it with --force", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeWhole writes a store file under another name and gives it its own when it is whole, on the disk, and opens: under
// the name there is never half a file, and what was there stays until then.
func writeWhole(path string, force overwriting, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".grantor-*.part") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = write(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := opens(f.Name()); err != nil {
		return err
	}
	if err := free(path, force); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// opens checks that a file is a whole store. It changes nothing.
func opens(path string) error {
	s, err := bolt.Open(path, bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// copyStore copies a store that is open into a file.
func copyStore(ctx context.Context, path string, to io.Writer) error {
	s, err := bolt.Open(path, bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, to), s.Close())
}
