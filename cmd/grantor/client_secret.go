package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientSecret() *cobra.Command {
	return group("secret", "List, add, rotate and revoke the secrets of a client",
		c.secretList(), c.secretAdd(), c.secretRotate("rotate CLIENT_ID"), c.secretRevoke())
}

// clientRotateSecret is the short way to `secret rotate`.
func (c *command) clientRotateSecret() *cobra.Command {
	return c.secretRotate("rotate-secret CLIENT_ID")
}

func (c *command) secretList() *cobra.Command {
	return &cobra.Command{
		Use:   "list CLIENT_ID",
		Short: "List what is known of a client's secrets",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				secrets, err := whole[api.Secret](ctx, r, at("clients", args[0], "secrets"))
				if err != nil {
					return clientError(args[0], err)
				}
				return c.printSecrets(cmd, args[0], secrets)
			})
		},
	}
}

func (c *command) printSecrets(cmd *cobra.Command, id string, secrets []api.Secret) error {
	p := c.printer(cmd)
	if len(secrets) == 0 && !p.asJSON {
		return p.say(fmt.Sprintf("Client %s has no secret: make one with `grantor client secret add %[1]s`, unless it is public.", printable(id)), nil)
	}
	var rows [][]string
	for _, s := range secrets {
		prefix := s.Prefix
		if prefix != "" {
			prefix += "…"
		}
		rows = append(rows, []string{s.ID, s.Name, prefix, shownDay(s.Created), shownDay(s.LastUsed), firstOf(shownMinute(s.Expires), "never")})
	}
	return p.table([]string{"ID", "NAME", "BEGINS WITH", "MADE", "LAST USED", "ENDS"}, rows, secrets)
}

// newSecretFlags are the flags of a secret that is about to be made.
type newSecretFlags struct {
	name    string
	expires string
}

func addSecretFlags(cmd *cobra.Command) *newSecretFlags {
	f := &newSecretFlags{}
	cmd.Flags().StringVar(&f.name, "name", "", "`text` to tell it from others")
	cmd.Flags().StringVar(&f.expires, "expires", "", "`when` it ends: a duration from now such as 90d, or a time (default never)")
	return f
}

func (f *newSecretFlags) secret() (api.NewSecret, error) {
	ends, err := moment("--expires", f.expires, ahead)
	return api.NewSecret{Name: f.name, Expires: ends}, err
}

func (c *command) secretAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add CLIENT_ID",
		Short: "Make one more secret, and print it once",
		Args:  takes(1),
	}
	flags := addSecretFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := flags.secret()
		if err != nil {
			return err
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			var made api.CreatedSecret
			if err := r.post(ctx, at("clients", args[0], "secrets"), n, &made); err != nil {
				return secretError(ctx, r, args[0], err)
			}
			return c.printSecret(cmd, args[0], &made)
		})
	}
	return cmd
}

func (c *command) printSecret(cmd *cobra.Command, id string, made *api.CreatedSecret) error {
	rows := [][]string{{"client_id", id}, {"client_secret", made.ClientSecret}, {"id", made.ID}}
	if made.Name != "" {
		rows = append(rows, []string{"name", made.Name})
	}
	rows = append(rows, []string{"ends", firstOf(shownTime(made.Expires), "never")})
	p := c.printer(cmd)
	if err := p.record(rows, struct {
		ClientID string `json:"client_id"`
		*api.CreatedSecret
	}{id, made}); err != nil {
		return err
	}
	return p.say("\nKeep the secret now: it is stored as a hash and cannot be shown again.", nil)
}

func (c *command) secretRotate(use string) *cobra.Command {
	var overlap oauth.Duration
	cmd := &cobra.Command{
		Use:   use,
		Short: "Give a client a new secret, and end the others",
		Long:  "Give a client a new secret, print it once, and end the others: at once, or after --overlap, in which the client can be given the new one.",
		Args:  takes(1),
	}
	flags := addSecretFlags(cmd)
	cmd.Flags().TextVar(&overlap, "overlap", oauth.Duration(0), "`duration` that the other secrets stay good, such as 24h (default they end at once)")
	cmd.Flags().Lookup("overlap").DefValue = ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := flags.secret()
		if err != nil {
			return err
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			var made api.CreatedSecret
			if err := r.post(ctx, at("clients", args[0], "secrets", "rotate"), api.Rotation{NewSecret: n, Overlap: overlap}, &made); err != nil {
				return secretError(ctx, r, args[0], err)
			}
			return c.printSecret(cmd, args[0], &made)
		})
	}
	return cmd
}

// secretError says of a client that can have no secret why.
func secretError(ctx context.Context, r *remote, id string, err error) error {
	if !isRefused(err, codeInvalid) {
		return clientError(id, err)
	}
	if found, failed := readClient(ctx, r, id); failed == nil && found.TokenEndpointAuthMethod == oauth.NoSecret {
		return fmt.Errorf("client %s is public and has no secret: `grantor client edit %[1]s --auth-method client_secret_basic` changes that", printable(id))
	}
	return wording{what: "the secret", join: asPredicate, names: map[string]string{
		"name": "--name", "expires": "--expires", "overlap": "--overlap", "client_secret": "the client", "secrets": "the client",
	}}.faults(err)
}

func (c *command) secretRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke CLIENT_ID SECRET_ID",
		Short: "End one secret at once",
		Args:  takes(2),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, secret := args[0], args[1]
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			question := fmt.Sprintf("End the secret %s of client %s at once?", printable(secret), printable(client))
			if err := c.confirm(ctx, *yes, question); err != nil {
				return err
			}
			_, err := r.call(ctx, http.MethodDelete, at("clients", client, "secrets", secret), nil, nil)
			if isRefused(err, codeNotFound) {
				return fmt.Errorf("client %s has no secret %s: see `grantor client secret list %[1]s`", printable(client), printable(secret))
			}
			if err != nil {
				return clientError(client, err)
			}
			return c.printer(cmd).say(fmt.Sprintf("The secret %s of client %s has ended.", secret, client),
				map[string]any{"client_id": client, "id": secret, "revoked": true})
		})
	}
	return cmd
}

// direction is where a duration leads from now.
type direction int

const (
	ahead direction = 1
	back  direction = -1
)

// moment reads a time that a person wrote: a duration from now, a day, or a time of RFC 3339.
func moment(flag, text string, d direction) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	if span, err := oauth.ParseDuration(text); err == nil && span >= 0 {
		return time.Now().Add(time.Duration(d) * time.Duration(span)).UTC(), nil
	}
	return time.Time{}, usagef("%s %q is no time: write for example 24h, 7d, 2026-11-22 or 2026-11-22T14:03:00Z", flag, printable(text))
}
