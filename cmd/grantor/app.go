package main

import (
	"context"
	"fmt"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// app is the program without its listeners: the store and the rules over it. Commands that work on a store directly use
// it as it is; serve adds what listens.
type app struct {
	config    *Config
	store     backend
	records   store.Backend // the store, as the rules see it
	keys      *oauth.Keyring
	audit     *account.Audit
	directory *account.Directory
	provider  *oauth.Provider
}

// openApp opens the store and builds the rules. It does not load the keys; see app.load.
func openApp(ctx context.Context, c *Config, warn func(string)) (*app, error) {
	return openWatchedApp(ctx, c, warn, nil)
}

// openWatchedApp is openApp where somebody wants to know what becomes of the verbs of the store.
func openWatchedApp(ctx context.Context, c *Config, warn func(string), w *watching) (*app, error) {
	b, master, err := openStore(ctx, c, warn)
	if err != nil {
		return nil, err
	}
	a := &app{config: c, store: b, records: w.over(b)}
	if err := a.build(ctx, master, warn); err != nil {
		_ = b.Close() // the first error is the one to tell
		return nil, err
	}
	return a, nil
}

func (a *app) build(ctx context.Context, master []byte, warn func(string)) error {
	c := a.config
	sealer, err := jose.NewSealer(master)
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	a.keys, err = oauth.OpenKeyring(ctx, oauth.KeyringConfig{
		Backend: a.records, Now: c.now, Sealer: sealer, Algorithm: jose.Algorithm(c.SigningAlgorithm),
		RotateEvery: c.KeyRotation, KeepRetired: oauth.MaxAccessToken + oauth.KeySkew, Warn: warn,
	})
	if err != nil {
		return err
	}
	// Logins and clients wait at gates of their own: a flood at one endpoint does not stop the other.
	cost := c.Hashing.config()
	hasher, clientHasher := account.NewHasher(cost), account.NewHasher(cost)
	a.audit = account.NewAudit(a.records, c.now)
	a.directory = account.NewDirectory(account.Config{
		Backend: a.records, Now: c.now, Hasher: hasher, Audit: a.audit, Secret: a.keys.Secret,
		Sessions: account.SessionConfig{Idle: c.Lifetimes.SessionIdle, Absolute: c.Lifetimes.SessionAbsolute},
	})
	a.provider = oauth.New(oauth.Config{
		Issuer: c.Issuer, Backend: a.records, Now: c.now, Directory: a.directory, Hasher: clientHasher, Audit: a.audit, Keys: a.keys,
		Algorithm: jose.Algorithm(c.SigningAlgorithm), CLIDeviceLogin: c.CLIDeviceLogin, ExplainFor: c.ExplainFor,
		Lifetimes: oauth.Lifetimes{
			Code: c.Lifetimes.Code, DeviceCode: c.Lifetimes.DeviceCode, AccessToken: c.Lifetimes.AccessToken, RefreshIdle: c.Lifetimes.RefreshIdle,
			RefreshAbsolute: c.Lifetimes.RefreshAbsolute, RefreshGrace: c.Lifetimes.RefreshGrace, Consent: c.Lifetimes.Consent,
		},
	})
	return nil
}

// load reads the keys, or makes them at the very first start, if the store answers and is fit for use. It may be called
// again after a failure.
func (a *app) load(ctx context.Context) error {
	if err := a.store.Ping(ctx); err != nil {
		return err
	}
	if err := store.PutInUse(ctx, a.records); err != nil {
		return err
	}
	return a.config.explainKey(a.keys.Load(ctx))
}

func (a *app) close() error { return a.store.Close() }
