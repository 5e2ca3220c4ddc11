package main

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
)

func (c *command) explain() *cobra.Command {
	var client string
	var limit int
	cmd := &cobra.Command{
		Use:   "explain [ID]",
		Short: "Tell why a request was refused",
		Long: "Tell which rule a refused request broke, where that rule stands, and by how much the request missed it. The id is what an error page shows, and " +
			"every answer in the header X-Request-Id. Without an id: list what was refused lately, the newest first. Secrets are covered up. " +
			"The setting explain_for says for how long it is known.",
		Example: `  grantor explain 0192f3d1a4b07c1e9f86d081884c7d65
  grantor explain --client shop`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takes(1)(cmd, args)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&client, "client", "", "only what this `client` was refused, or others in its name")
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "`number` of refusals to list at most")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case limit < 1 || limit > maxRefusals:
			return usagef("--limit must be a number from 1 to %d", maxRefusals)
		case len(args) == 1 && client != "":
			return usagef("name an id or a client, not both")
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			if len(args) == 1 {
				return c.explainOne(ctx, cmd, r, args[0])
			}
			return c.listRefusals(ctx, cmd, r, client, limit)
		})
	}
	return atServer(cmd)
}

// maxRefusals is how many the API lists at once.
const maxRefusals = 500

func (c *command) explainOne(ctx context.Context, cmd *cobra.Command, r *remote, id string) error {
	id = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(id), "urn:request:"))
	var told api.Refusal
	if err := r.get(ctx, "/refusals"+at(id), &told); err != nil {
		return explainError(err)
	}
	return c.printer(cmd).record(refusalRows(&told, time.Now()), told)
}

// explainError tells the reason alone: "there is no such thing" would be no news to who asks.
func explainError(err error) error {
	var problem *refusal
	if errors.As(err, &problem) && problem.Code() == codeNotFound && problem.Detail != "" {
		return errors.New(lowered(strings.TrimSuffix(printable(problem.Detail), ".")))
	}
	return err
}

func refusalRows(e *api.Refusal, now time.Time) [][]string {
	answered := e.Description
	if e.Error != "" {
		answered = strings.TrimPrefix(e.Error+": "+e.Description, ": ")
	}
	how := "with the status " + strconv.Itoa(e.Status)
	if e.Status < 400 {
		how = "by redirect to the client"
	}
	rows := [][]string{}
	for _, row := range [][]string{
		{"rule", e.Rule}, {"near miss", e.Near}, {"source", e.Source}, {"answered", answered + " (" + how + ")"}, {"cause", e.Cause},
		{"request", strings.TrimSpace(e.Method + " " + e.Path)}, {"client", claimed(e)}, {"grant", e.Grant}, {"subject", e.Subject}, {"address", e.Address},
		{"time", shownTime(e.Time) + ", " + fromNow(e.Time.Sub(now))}, {"forgotten", shownTime(e.Expires) + ", " + fromNow(e.Expires.Sub(now))},
		{"id", e.RequestID},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

func claimed(e *api.Refusal) string {
	if e.Claimed {
		return e.ClientID + " (claimed, not proven)"
	}
	return e.ClientID
}

func (c *command) listRefusals(ctx context.Context, cmd *cobra.Command, r *remote, client string, limit int) error {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if client != "" {
		query.Set("client_id", client)
	}
	var page api.Page[api.Refusal]
	if err := r.get(ctx, "/refusals?"+query.Encode(), &page); err != nil {
		return err
	}
	p := c.printer(cmd)
	if len(page.Items) == 0 && !p.asJSON {
		return p.say("Nothing that was refused is known.", nil)
	}
	rows := make([][]string, 0, len(page.Items))
	for i := range page.Items {
		e := &page.Items[i]
		rows = append(rows, []string{shownMinute(e.Time), e.RequestID, claimed(e), firstOf(e.Rule, e.Description)})
	}
	return p.table([]string{"TIME (UTC)", "ID", "CLIENT", "RULE"}, rows, page.Items)
}
