package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) logout() *cobra.Command {
	return atServer(&cobra.Command{
		Use:   "logout",
		Short: "End the saved login at the server, and forget it",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := c.serverOf(cmd)
			if err != nil {
				return err
			}
			return c.runLogout(cmd, server)
		},
	})
}

// runLogout forgets even what the server could not be told of: whoever leaves a machine wants nothing left on it.
func (c *command) runLogout(cmd *cobra.Command, server string) error {
	var gone login
	err := c.changeCredentials(func(saved *credentials) error {
		known, ok := saved.Servers[server]
		if !ok {
			return fmt.Errorf("nobody is signed in to %s", server)
		}
		gone = known
		delete(saved.Servers, server)
		if saved.Current == server {
			saved.Current = "" // not another one: the next command would work at a server that nobody named
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := revoke(cmd.Context(), newHTTPClient(nil), gone); err != nil {
		c.warn(fmt.Sprintf("the login is forgotten here, but %s could not be told (%v): withdraw “Grantor command line” there under “My account”", server, err))
	}
	return c.printer(cmd).say("Signed out of "+server+".", map[string]any{"server": server, "signed_out": true})
}

// revoke ends a login at its server (RFC 7009).
func revoke(ctx context.Context, client *http.Client, l login) error {
	token := firstOf(l.RefreshToken, l.AccessToken)
	if l.Revocation == "" || token == "" {
		return errors.New("it has no revocation endpoint")
	}
	form := url.Values{"token": {token}, "client_id": {oauth.CommandLineClient}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("its revocation endpoint is no address")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		return (&remote{place: "it"}).unreachable(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers with the status %s", printable(answer.Status))
	}
	return nil
}

// shownMe is who commands act as.
type shownMe struct {
	Server string `json:"server,omitempty"`
	Store  string `json:"store,omitempty"`
	api.Me
}

func (c *command) whoami() *cobra.Command {
	return atServer(&cobra.Command{
		Use:   "whoami",
		Short: "Show where commands work, as whom, and what is allowed",
		Args:  takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				var me api.Me
				if err := r.get(ctx, "/me", &me); err != nil {
					return err
				}
				return c.printMe(cmd, r, me)
			})
		},
	})
}

func (c *command) printMe(cmd *cobra.Command, r *remote, me api.Me) error {
	shown := shownMe{Me: me}
	where := []string{"server", r.place}
	if shown.Server = r.place; r.bearer == nil {
		shown.Server, shown.Store = "", strings.TrimPrefix(r.place, "the store ")
		where = []string{"store", shown.Store}
	}
	rows := [][]string{where, {inWordsOf(me.Actor.Kind), me.Actor.Name}}
	switch {
	case me.SuperAdmin:
		rows = append(rows, []string{"permissions", "all"})
	case len(me.Permissions) == 0:
		rows = append(rows, []string{"permissions", "none"})
	}
	if !me.SuperAdmin {
		rows = append(rows, listRows("permissions", me.Permissions)...)
	}
	return c.printer(cmd).record(rows, shown)
}

func inWordsOf(kind string) string {
	if kind == account.ActorCLI {
		return "operator"
	}
	return kind
}

// powers says what somebody may do, in half a sentence.
func powers(superAdmin bool, permissions account.Permissions) string {
	switch {
	case superAdmin:
		return "may do everything there (super admin)"
	case len(permissions) == 0:
		return "has no permission in the administration"
	case len(permissions) == 1:
		return "has 1 permission there (see `grantor whoami`)"
	}
	return fmt.Sprintf("has %d permissions there (see `grantor whoami`)", len(permissions))
}

// listRows shows a list, one value a line, under one name.
func listRows[S ~string](name string, list []S) [][]string {
	var rows [][]string
	for i, value := range list {
		rows = append(rows, []string{[]string{name, " "}[min(i, 1)], string(value)})
	}
	return rows
}
