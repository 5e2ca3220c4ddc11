package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

// listing are the flags of a list.
type listing struct{ search, sort string }

func addListing(cmd *cobra.Command, what string, sorts ...string) *listing {
	l := &listing{}
	cmd.Flags().StringVarP(&l.search, "search", "q", "", "`text` in "+what)
	cmd.Flags().StringVar(&l.sort, "sort", sorts[0], "`field` to sort by: "+strings.Join(sorts, ", ")+"; with - before it the other way round")
	var values []string
	for _, s := range sorts {
		values = append(values, s, "-"+s)
	}
	completeWith(cmd, "sort", values)
	return l
}

func (l *listing) query() url.Values {
	query := url.Values{"sort": {l.sort}}
	if l.search != "" {
		query.Set("q", l.search)
	}
	return query
}

func (c *command) clientList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all clients",
		Args:  takes(0),
	}
	asked := addListing(cmd, "name, redirect URIs or client_id", "client_id", "name", "redirect", "grants", "last_used", "status", "number")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.listClients(ctx, cmd, r, asked) })
	}
	return cmd
}

func (c *command) listClients(ctx context.Context, cmd *cobra.Command, r *remote, asked *listing) error {
	clients, err := all[api.Client](ctx, r, "/clients", asked.query())
	if err != nil {
		return listError(err)
	}
	shown := []shownClient{}
	var rows [][]string
	for i := range clients {
		s := showClient(&clients[i])
		shown = append(shown, s)
		rows = append(rows, []string{s.ClientID, shortened(s.ClientName, 28), shownGrants(s.Registration), shownDay(s.LastUsed), string(s.State)})
	}
	p := c.printer(cmd)
	if len(shown) == 0 && !p.asJSON {
		return p.say(nothingFound("client", asked.search), nil)
	}
	return p.table([]string{"CLIENT ID", "NAME", "GRANTS", "LAST USED", "STATE"}, rows, shown)
}

// shownGrants says in few words what a client is.
func shownGrants(r oauth.Registration) string {
	short := map[oauth.GrantType]string{oauth.AuthorizationCode: "code", oauth.RefreshToken: "refresh", oauth.ClientCredentials: "credentials", oauth.DeviceCode: "device"}
	var words []string
	for _, g := range r.GrantTypes {
		words = append(words, firstOf(short[g], string(g)))
	}
	if r.TokenEndpointAuthMethod == oauth.NoSecret {
		words = append(words, "public")
	}
	return strings.Join(words, " ")
}

func nothingFound(what, search string) string {
	if search != "" {
		return "There is no " + what + " with " + printable(search) + "."
	}
	return "There is no " + what + " yet: make one with `grantor " + what + " create`."
}

// listError names the flag of what is wrong with a question.
func listError(err error) error {
	return wording{what: "the question", join: asPredicate, names: map[string]string{
		"q": "--search", "sort": "--sort", "actor": "--actor", "object": "--object", "action": "--action", "from": "--since", "to": "--until",
	}}.faults(err)
}
