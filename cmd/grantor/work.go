package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
)

// work does something by the REST API of the server that is named, or, by the same requests, on the store directly.
func (c *command) work(cmd *cobra.Command, e expectation, do func(ctx context.Context, r *remote) error) error {
	to, err := c.workplace(cmd)
	if err != nil {
		return err
	}
	if to.server == "" {
		return c.manage(cmd, e, func(ctx context.Context, a *app) error {
			r, err := a.remote()
			if err != nil {
				return err
			}
			return do(ctx, r)
		})
	}
	r, err := c.remoteAt(to)
	if err != nil {
		return err
	}
	return do(cmd.Context(), r)
}

// remoteAt gives the REST API of a server.
func (c *command) remoteAt(to workplace) (r *remote, err error) {
	r = &remote{base: to.server + api.Path, place: to.server, issuer: to.server, client: newHTTPClient(nil)}
	r.bearer, err = c.bearerFor(to)
	return r, err
}

// remote gives the REST API over a store that this process holds. Requests act as the actor of their context.
func (a *app) remote() (*remote, error) {
	door, err := api.NewTransport(api.Config{Provider: a.provider, Directory: a.directory, Audit: a.audit, Keys: a.keys, Version: version})
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(a.config.Issuer)
	if err != nil {
		return nil, err
	}
	return &remote{
		base: "http://store.invalid" + issuer.Path + api.Path, place: "the store " + a.config.Store.String(), issuer: a.config.Issuer,
		client: newHTTPClient(door),
	}, nil
}

// manage does something on the store directly, in the name of the person at the terminal.
func (c *command) manage(cmd *cobra.Command, e expectation, do func(ctx context.Context, a *app) error) (err error) {
	cfg, err := loadConfig(cmd.Flags(), c.environ)
	if err != nil {
		return err
	}
	if err := cfg.manageable(e); err != nil {
		return err
	}
	a, err := openApp(cmd.Context(), cfg, c.warnOfFile(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.loadSoon(cmd.Context()); err != nil {
		return cfg.explain(err)
	}
	return cfg.explain(do(account.WithActor(cmd.Context(), operator()), a))
}

// onStore is manage for what no server does for anybody: it says so where a server is named.
func (c *command) onStore(cmd *cobra.Command, e expectation, do func(ctx context.Context, a *app) error) error {
	if flag := cmd.Flags().Lookup("server"); flag != nil && flag.Changed {
		return usagef("`%s` works on a store only: name it with --store or GRANTOR_STORE", cmd.CommandPath())
	}
	return c.manage(cmd, e, do)
}

// bearerFor gives what proves to a server who asks. Credentials of the environment are for GRANTOR_SERVER, and for the
// server of --server only where that variable is not set: they are not shown to another server than their own.
func (c *command) bearerFor(to workplace) (bearer, error) {
	token, id, secret := c.variable(tokenVariable), c.variable(clientIDVariable), c.variable(clientSecretVariable)
	switch {
	case token == "" && id == "" && secret == "":
		return c.savedLogin(to.server)
	case token != "" && id+secret != "":
		return nil, usagef("%s and %s both say who asks: set one of the two", tokenVariable, clientIDVariable)
	case id != "" && secret == "", id == "" && secret != "":
		return nil, usagef("set %s and %s together", clientIDVariable, clientSecretVariable)
	case to.naming == byLogin:
		return nil, usagef("%s and %s are for a server that is named: set %s", tokenVariable, clientIDVariable, serverVariable)
	}
	if named := c.variable(serverVariable); to.naming == byFlag && named != "" {
		if address, err := serverURL(named); err != nil || address != to.server {
			return c.savedLogin(to.server)
		}
	}
	if token != "" {
		return fixedToken{token, to.server}, nil
	}
	return &machineToken{server: to.server, id: id, secret: secret, client: newHTTPClient(nil)}, nil
}
