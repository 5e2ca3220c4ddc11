package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

// auditFlags say which events are wanted.
type auditFlags struct {
	actor, object, action, since, until string
	limit                               int
}

// auditPage is how many events people are shown who do not say how many they want.
const auditPage = 100

func (c *command) audit() *cobra.Command {
	f := &auditFlags{}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what, the newest first",
		Long: "Show who did what, on what, old to new, and from where, the newest first. With --json each event is one line, and all are printed unless\n" +
			"--limit says otherwise. A time is a duration back from now (24h, 7d), a day, or RFC 3339.",
		Example: `  grantor audit --object client:shop
  grantor audit --object api:https://orders.example.com
  grantor audit --actor alice --action user --since 7d
  grantor audit --json --since 2026-11-01 >november.jsonl`,
		Args: takes(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.actor, "actor", "", "`name` or id of who did it")
	cmd.Flags().StringVar(&f.object, "object", "", "`object` that it was done to, client:shop, or a kind of objects, client")
	cmd.Flags().StringVar(&f.action, "action", "", "`action`, client.created, or a kind of actions, client")
	cmd.Flags().StringVar(&f.since, "since", "", "`time` from which on")
	cmd.Flags().StringVar(&f.until, "until", "", "`time` before which")
	cmd.Flags().IntVarP(&f.limit, "limit", "n", 0, "`number` of events at most (default "+strconv.Itoa(auditPage)+", with --json all)")
	cmd.Flags().Lookup("limit").DefValue = ""
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query, err := f.query()
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("limit") && f.limit < 1 {
			return usagef("--limit must be 1 or more")
		}
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.showAudit(ctx, cmd, r, query, f.limit) })
	}
	return atServer(cmd)
}

func (f *auditFlags) query() (url.Values, error) {
	query := url.Values{}
	for name, value := range map[string]string{"actor": f.actor, "object": objectOf(f.object), "action": f.action} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for _, one := range []struct{ flag, name, value string }{{"--since", "from", f.since}, {"--until", "to", f.until}} {
		t, err := moment(one.flag, one.value, back)
		if err != nil {
			return nil, err
		}
		if !t.IsZero() {
			query.Set(one.name, t.Format(time.RFC3339))
		}
	}
	return query, nil
}

// objectOf names an API as the log does, where a person named it by its identifier.
func objectOf(named string) string {
	identifier, isAPI := strings.CutPrefix(named, "api:")
	if !isAPI || strings.HasPrefix(identifier, "api_") {
		return named
	}
	return "api:" + oauth.APIID(identifier)
}

func (c *command) showAudit(ctx context.Context, cmd *cobra.Command, r *remote, query url.Values, limit int) error {
	p := c.printer(cmd)
	most := limit
	if most == 0 && !p.asJSON {
		most = auditPage
	}
	lines := json.NewEncoder(c.out)
	lines.SetEscapeHTML(false)
	var rows [][]string
	count, more := 0, false
	err := each(ctx, r, "/audit", query, func(e api.Event) (bool, error) {
		if most > 0 && count == most {
			more = true
			return false, nil
		}
		count++
		if p.asJSON {
			return true, lines.Encode(e)
		}
		rows = append(rows, eventRows(&e)...)
		return true, nil
	})
	if err != nil {
		return listError(err)
	}
	if p.asJSON {
		return nil
	}
	if count == 0 {
		return p.say("There is no such event.", nil)
	}
	if err := p.table([]string{"TIME (UTC)", "WHO", "WHAT"}, rows, nil); err != nil {
		return err
	}
	if more && limit == 0 {
		return p.say("\nThere are more: see --limit, --since and --actor.", nil)
	}
	return nil
}

// eventRows shows an event: what was done to what, and below it what changed.
func eventRows(e *api.Event) [][]string {
	who := firstOf(e.Actor.Name, firstOf(e.Actor.ID, e.Actor.Kind))
	if e.Actor.Address != "" {
		who += " " + e.Actor.Address
	}
	kind, id, _ := strings.Cut(e.Object, ":")
	about := firstOf(e.Detail["username"], firstOf(e.Detail["group"], firstOf(e.Detail["client_name"], id)))
	if kind == "client" || strings.Contains(about, " -> ") {
		about = id
	}
	rows := [][]string{{e.Time.UTC().Format(time.DateTime), who, strings.TrimSpace(e.Action + " " + about)}}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		if value := e.Detail[name]; value != about && value != "" {
			rows = append(rows, []string{" ", " ", "  " + name + ": " + changed(value)})
		}
	}
	return rows
}

// changed shows "old -> new" as apply does.
func changed(detail string) string {
	before, after, found := strings.Cut(detail, " -> ")
	if !found {
		return detail
	}
	return firstOf(before, "-") + " → " + firstOf(after, "-")
}
