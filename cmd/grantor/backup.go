package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/store/bolt"
)

// overwriting is whether a file that stands there may be replaced.
type overwriting bool

func (c *command) backup() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the embedded store into a file",
		Long: "Copy the embedded store into a file (mode 0600) that `grantor restore` reads. The master key is not in it, so that nobody who\n" +
			"finds the file can sign tokens: keep a copy of the key at another place.",
		Args: takes(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runBackup(cmd, args[0], overwriting(force)) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite FILE if it is there")
	return cmd
}

func (c *command) runBackup(cmd *cobra.Command, path string, force overwriting) error {
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	if err != nil {
		return err
	}
	if err := cfg.embedded(); err != nil {
		return err
	}
	if err := cfg.fileStands(); err != nil {
		return err
	}
	if err := free(path, force); err != nil {
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
	key := "the variable GRANTOR_MASTER_KEY"
	if cfg.MasterKey == "" {
		key = cfg.keyFile()
	}
	return c.printer(cmd).say(fmt.Sprintf("Backed up %s into %s. Keep the master key (%s) apart from it: a restore needs both.", cfg.Store.path(), path, key),
		map[string]string{"store": cfg.Store.path(), "file": path})
}

// embedded says why there is no file to copy.
func (c *Config) embedded() error {
	switch {
	case c.Store.scheme() == "bolt":
		return nil
	case c.Store.isRedis():
		return fmt.Errorf("the store %s is a Redis: back it up and restore it by the means of Redis (RDB snapshots, AOF, replicas)", c.Store)
	}
	return errMemory
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
