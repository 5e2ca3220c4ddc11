package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) tokenRevoke() *cobra.Command {
	var client, user, before string
	cmd := &cobra.Command{
		Use:   "revoke {TOKEN|- | --client CLIENT_ID | --user USERNAME | --before TIME}",
		Short: "End a token and all that was issued with it, or all of a client or a user",
		Long: "End the authorization that a token belongs to, with all its tokens. Or everything that was issued to a client, that a user allowed, or\n" +
			"that began before a time; where several are named, what is all of these. --user alone signs the user out of all browsers as well. \"-\"\n" +
			"reads the token from the standard input. A time is a duration back from now (24h, 7d), a day, or RFC 3339.",
		Example: `  grantor token revoke --client shop --before 2026-11-01 --yes
  grantor token revoke --user alice`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&client, "client", "", "`id` of the client whose tokens end")
	cmd.Flags().StringVar(&user, "user", "", "`name` of the user whose tokens end")
	cmd.Flags().StringVar(&before, "before", "", "`time` before which they began")
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		selects := client != "" || user != "" || before != ""
		switch {
		case len(args) == 1 && !selects:
			return c.revokeToken(cmd, args[0])
		case len(args) == 0 && selects:
			moment, err := moment("--before", before, back)
			if err != nil {
				return err
			}
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				return c.revokeSelected(ctx, cmd, r, selection{client, user, moment}, *yes)
			})
		}
		return usagef("name one thing: a token (or - for the standard input), or --client CLIENT_ID, --user USERNAME, --before TIME")
	}
	return cmd
}

func (c *command) revokeToken(cmd *cobra.Command, argument string) error {
	token, err := c.readToken(cmd.Context(), argument)
	if err != nil {
		return err
	}
	return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
		var came api.Revoked
		if err := r.post(ctx, "/tokens/revoke", api.Revocation{Token: token}, &came); err != nil {
			return err
		}
		if came.Ended > 0 {
			return c.printer(cmd).say("The token is revoked, and all that was issued with it.", map[string]any{"revoked": true})
		}
		return c.printer(cmd).say("There was nothing to revoke: "+printable(came.Reason)+".", map[string]any{"revoked": false, "reason": came.Reason})
	})
}

// selection says which tokens end.
type selection struct {
	client, user string
	before       time.Time
}

// words says what is selected, as the object of a sentence.
func (s selection) words() string {
	words := "all tokens"
	if s.client != "" {
		words += " of client " + printable(s.client)
	}
	if s.user != "" {
		words += " of user " + printable(s.user)
	}
	if !s.before.IsZero() {
		words += " from before " + shownTime(s.before)
	}
	return words
}

func (c *command) revokeSelected(ctx context.Context, cmd *cobra.Command, r *remote, s selection, yes consent) error {
	which := api.Revocation{ClientID: s.client, Before: s.before}
	var who *api.User
	if s.user != "" {
		var err error
		if who, err = findUser(ctx, r, s.user); err != nil {
			return err
		}
		which.UserID, s.user = who.ID, who.Username
	}
	// Whoever revokes in a script because of a theft should not fail for want of a flag. All clients at once are another thing.
	if s.client+s.user != "" && !c.onTerminal() {
		yes = true
	}
	if err := c.confirm(ctx, yes, "End "+s.words()+"?"); err != nil {
		return err
	}
	// The sessions first: a browser that is signed in would get new tokens, and the tokens may be those of this command.
	also, open := "", error(nil)
	if who != nil && s.client == "" && s.before.IsZero() {
		also, open = " and sessions", r.delete(ctx, at("users", who.ID, "sessions"), nil)
	}
	var came api.Revoked
	err := r.post(ctx, "/tokens/revoke", which, &came)
	if isRefused(err, codeInvalid) && s.client != "" {
		if _, failed := readClient(ctx, r, s.client); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	if open != nil {
		return fmt.Errorf("the tokens of %s are revoked, but the sessions in browsers have not ended: %w", printable(s.user), open)
	}
	text := strings.Replace(s.words(), "all tokens", "All tokens"+also, 1)
	if s.before.IsZero() {
		text += " until now"
	}
	return c.printer(cmd).say(fmt.Sprintf("%s have ended (%d authorizations of users).", text, came.Ended),
		map[string]any{"revoked": true, "client_id": s.client, "username": s.user, "ended": came.Ended})
}
