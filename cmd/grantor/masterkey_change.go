package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// newMasterKeyVariable holds a new key for one command. It is no setting of a server.
const newMasterKeyVariable = "GRANTOR_NEW_MASTER_KEY"

func (c *command) masterkey() *cobra.Command {
	return group("masterkey", "Change the key that seals the signing keys", c.masterkeyChange())
}

func (c *command) masterkeyChange() *cobra.Command {
	var newFile string
	cmd := &cobra.Command{
		Use:   "change",
		Short: "Seal the store under another master key, while no server works on it",
		Long: "Seal the store under another master key, while no server works on it: stop all nodes first. Tokens, sessions and logins stay as they are.\n" +
			"The key of now is the one that is configured. The new one is made, or is the one of --new-key-file or " + newMasterKeyVariable + ".\n" +
			"The file of the key, where there is one, is replaced last, and the old key is kept beside it as .old, for backups from before.\n" +
			"A change that was interrupted is finished by the same command; until then no server starts.",
		Args: takes(0),
	}
	cmd.Flags().StringVar(&newFile, "new-key-file", "", "`file` (mode 0600) of the new key; absent: a new one is made")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd.Flags(), c.environ)
		if err != nil {
			return err
		}
		if err := cfg.manageable(standing); err != nil {
			return err
		}
		given, err := c.newMasterKey(newFile)
		if err != nil {
			return err
		}
		k, err := planKeyChange(cfg, given)
		if err != nil {
			return err
		}
		done, err := c.runKeyChange(cmd.Context(), cfg, k)
		if err != nil {
			return cfg.explain(err)
		}
		return c.sayKeyChanged(cmd, k, done)
	}
	return cmd
}

// newMasterKey gives the new key that was named; nil where one is to be made.
func (c *command) newMasterKey(file string) ([]byte, error) {
	text := c.variable(newMasterKeyVariable)
	switch {
	case text != "" && file != "":
		return nil, usagef("--new-key-file and %s both name a new key: set one of the two", newMasterKeyVariable)
	case file != "":
		return readKey(file)
	case text != "":
		key, err := parseMasterKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", newMasterKeyVariable, err)
		}
		return key, nil
	}
	return nil, nil
}

// keyChange is from which key to which, and the file that holds it; "" where it stands in the environment.
type keyChange struct {
	old, next []byte
	file      string
}

func (k *keyChange) pending() string { return k.file + ".new" }
func (k *keyChange) kept() string    { return k.file + ".old" }

// planKeyChange writes nothing. A change that was begun goes on with the key that it began with, which lies in a file since
// before the first record was sealed under it.
func planKeyChange(cfg *Config, given []byte) (*keyChange, error) {
	k := &keyChange{next: given}
	if cfg.MasterKey != "" {
		if given == nil {
			return nil, usagef("the master key stands in GRANTOR_MASTER_KEY, where a command cannot put another one: make one with `openssl rand -base64 32` " +
				"and give it in " + newMasterKeyVariable + " or --new-key-file")
		}
		old, err := parseMasterKey(string(cfg.MasterKey))
		k.old = old
		return k, errors.Join(err, k.differ())
	}
	var err error
	k.file = cfg.keyFile()
	if k.old, err = readKey(k.file); err != nil {
		return nil, err
	}
	if kept, err := readKey(k.kept()); !errors.Is(err, fs.ErrNotExist) && (err != nil || !bytes.Equal(kept, k.old)) {
		return nil, fmt.Errorf("there is a key of an earlier change in %s: take it to the backups that need it, and away from here", k.kept())
	}
	begun, err := readKey(k.pending())
	switch {
	case errors.Is(err, fs.ErrNotExist) && given == nil:
		k.next = newMasterKey()
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case given != nil && !bytes.Equal(given, begun):
		return nil, fmt.Errorf("a change to the key in %s was begun and is to be finished first: do not name a new key", k.pending())
	default:
		k.next = begun
	}
	return k, k.differ()
}

func (k *keyChange) differ() error {
	if bytes.Equal(k.old, k.next) {
		return errors.New("the new master key is the old one")
	}
	return nil
}

// keyChanged is what came of it.
type keyChanged struct {
	Store      string `json:"store"`
	Records    int    `json:"records"`
	Sealed     int    `json:"sealed"` // this time; fewer than records where an earlier change was finished
	KeyFile    string `json:"key_file,omitempty"`
	OldKeyFile string `json:"old_key_file,omitempty"`
}

// explainKey tells a wrong master key from one whose change was interrupted before its file was replaced.
func (c *Config) explainKey(err error) error {
	if c.MasterKey != "" || !errors.Is(err, oauth.ErrWrongMaster) {
		return err
	}
	if _, missing := os.Stat((&keyChange{file: c.keyFile()}).pending()); missing != nil {
		return err
	}
	return fmt.Errorf("load keyring: %w", oauth.ErrMasterChanging)
}

// runKeyChange seals, proves that the new key opens the store, and replaces the file of the key last.
func (c *command) runKeyChange(ctx context.Context, cfg *Config, k *keyChange) (done *keyChanged, err error) {
	change := oauth.MasterChange{}
	if change.Old, err = jose.NewSealer(k.old); err != nil {
		return nil, err
	}
	if change.New, err = jose.NewSealer(k.next); err != nil {
		return nil, err
	}
	b, err := openBackend(ctx, cfg, c.warnOfFile(cfg))
	if err != nil {
		return nil, err
	}
	a := &app{config: cfg, store: b, records: b}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.fit(ctx); err != nil {
		return nil, err
	}
	change.Backend = b
	todo, total, err := change.Check(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.keepNew(); err != nil {
		return nil, err
	}
	if _, err := change.Run(ctx); err != nil {
		return nil, fmt.Errorf("change the master key: %w; the same command again goes on", err)
	}
	if err := a.build(ctx, k.next, c.warn); err != nil {
		return nil, err
	}
	if err := a.loadSoon(ctx); err != nil {
		return nil, err
	}
	err = a.audit.Record(account.WithActor(ctx, operator()), account.Event{Action: "store.master_key_changed", Object: "store"})
	if err != nil {
		return nil, err
	}
	done = &keyChanged{Store: cfg.Store.String(), Records: total, Sealed: todo}
	return done, k.replaceFile(done)
}

// fit tells whether the store answers and is one that servers work on.
func (a *app) fit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		return err
	}
	return store.PutInUse(ctx, a.records)
}

// keepNew puts the new key beside the file before anything is sealed under it.
func (k *keyChange) keepNew() error {
	if k.file == "" {
		return nil
	}
	if err := keepKey(k.pending(), k.next); err != nil {
		return fmt.Errorf("keep the new master key, before anything is changed: %w", err)
	}
	return nil
}

// keepKey writes a key into a file, or finds it there.
func keepKey(path string, key []byte) error {
	err := makeKey(path, key)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := readKey(path)
	if err == nil && !bytes.Equal(there, key) {
		return fmt.Errorf("%s holds another key: something else changes the master key, too", path)
	}
	return err
}

// replaceFile puts the new key in the place of the old one, of which a copy stays.
func (k *keyChange) replaceFile(done *keyChanged) error {
	if k.file == "" {
		return nil
	}
	if err := keepKey(k.kept(), k.old); err != nil {
		return fmt.Errorf("keep the old master key: %w", err)
	}
	if err := os.Rename(k.pending(), k.file); err != nil {
		return fmt.Errorf("put the new master key in its place: %w", err)
	}
	done.KeyFile, done.OldKeyFile = k.file, k.kept()
	return syncDirectory(filepath.Dir(k.file))
}

func (c *command) sayKeyChanged(cmd *cobra.Command, k *keyChange, done *keyChanged) error {
	text := fmt.Sprintf("Sealed %d of %d records of %s under the new master key; the old one opens none.\n", done.Sealed, done.Records, done.Store)
	if k.file == "" {
		text += "Start the servers with the new key in GRANTOR_MASTER_KEY. Backups from before need the old one."
	} else {
		text += fmt.Sprintf("The new key is in %s, for every node. The old one is in %s: backups from before need it, so take it to them.", done.KeyFile, done.OldKeyFile)
	}
	return c.printer(cmd).say(text, done)
}
