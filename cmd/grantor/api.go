package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) api() *cobra.Command {
	return atServer(group("api", "Register and manage APIs, which tokens are meant for",
		c.apiList(), c.apiShow(), c.apiCreate(), c.apiEdit(), c.apiDelete(), c.apiExport()))
}

// atAPI gives the path of an API that a person named, by its identifier or its id. The id follows from the identifier, which
// has slashes that not every proxy leaves as they are.
func atAPI(named string, more ...string) string {
	if !strings.HasPrefix(named, "api_") {
		named = oauth.APIID(named)
	}
	return at(append([]string{"apis", named}, more...)...)
}

// shownAPI is an API as it is printed.
type shownAPI struct {
	api.API
	ClientSecret string            `json:"client_secret,omitempty"` // that was just made
	Clients      []api.ClientOfAPI `json:"clients,omitzero"`        // absent where nobody asked, or may know
}

// rows are in the order of the flags that set them.
func (s *shownAPI) rows() [][]string {
	rows := [][]string{{"identifier", s.Identifier}}
	add := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	add("name", s.Name)
	for i, line := range scopeLines(s.Scopes, columns-27) { // beside the longest name of a field
		add([]string{"scopes", " "}[min(i, 1)], line)
	}
	add("access_token_format", string(s.AccessTokenFormat))
	add("access_token_lifetime", shownDuration(s.AccessTokenLifetime))
	add("access_token_signing_alg", string(s.AccessTokenSigningAlg))
	add("client_id", s.ClientID)
	add("client_secret", s.ClientSecret)
	for i, line := range folded(strings.Join(clientIDs(s.Clients), " "), columns-27) {
		add([]string{"given to", " "}[min(i, 1)], line)
	}
	if s.Clients != nil && len(s.Clients) == 0 {
		add("given to", "no client yet")
	}
	add("id", s.ID)
	if s.Owner != nil {
		add("registered by", firstOf(s.Owner.Name, s.Owner.Kind))
	}
	add("created", shownTime(s.Created))
	add("updated", shownTime(s.Updated))
	return rows
}

// scopeLines puts each scope beside its sentence.
func scopeLines(scopes []oauth.APIScope, width int) []string {
	longest := 0
	for _, s := range scopes {
		longest = max(longest, len(s.Name))
	}
	longest = min(longest, width/2)
	var lines []string
	for _, s := range scopes {
		sentence := folded(s.Description, width-longest-2)
		if len(sentence) == 0 {
			sentence = []string{""}
		}
		for i, words := range sentence {
			lines = append(lines, fmt.Sprintf("%-*s  %s", longest, []string{s.Name, ""}[min(i, 1)], words))
		}
	}
	return lines
}

func clientIDs(clients []api.ClientOfAPI) []string {
	var ids []string
	for _, one := range clients {
		ids = append(ids, one.ClientID)
	}
	return ids
}

// apiError says of a failure that concerns one API what to do about it.
func apiError(named string, err error) error {
	var r *refusal
	switch {
	case isRefused(err, codeNotFound):
		return fmt.Errorf("no API %s: see `grantor api list`", printable(named))
	case isRefused(err, codeConflict, codeStale):
		return fmt.Errorf("API %s was changed by someone else at this moment: look at it and try again", printable(named))
	case isTaken(err, "/identifier"):
		return fmt.Errorf("there is an API %s already: change it by `grantor api edit %[1]s`", printable(named))
	case isRefused(err, codeInUse) && errors.As(err, &r):
		return fmt.Errorf("API %s cannot be deleted: %s (`grantor client edit CLIENT_ID --audience`, which replaces the list)", printable(named), lowered(strings.TrimSuffix(printable(r.Detail), ".")))
	}
	return err
}

// apiWording names faults of an API by the flags that a person wrote.
func apiWording(r *oauth.APIRegistration) wording {
	return wording{what: "the API", names: apiFlagOf, join: asPredicate, value: func(field string, index int) string {
		if field != "scopes" || index < 0 || index >= len(r.Scopes) {
			return ""
		}
		return r.Scopes[index].Name
	}}
}

// readAPI gives an API.
func readAPI(ctx context.Context, r *remote, named string) (*api.API, found, error) {
	one := &api.API{}
	seen, err := r.call(ctx, "GET", atAPI(named), nil, one)
	return one, seen, apiError(named, err)
}

// printAPI shows an API, with the secret that was just made for its client.
func (c *command) printAPI(cmd *cobra.Command, shown *shownAPI) error {
	p := c.printer(cmd)
	if err := p.record(shown.rows(), shown); err != nil || shown.ClientSecret == "" {
		return err
	}
	return p.say("\nKeep the secret now: it is stored as a hash and cannot be shown again.", nil)
}

func (c *command) apiShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show IDENTIFIER",
		Short: "Show what is registered of an API, and which clients have it",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				one, _, err := readAPI(ctx, r, args[0])
				if err != nil {
					return err
				}
				shown := &shownAPI{API: *one}
				knows, err := may(ctx, r, account.ViewClients)
				if err == nil && knows {
					shown.Clients, err = whole[api.ClientOfAPI](ctx, r, atAPI(args[0], "clients"))
				}
				if err != nil {
					return apiError(args[0], err)
				}
				return c.printAPI(cmd, shown)
			})
		},
	}
}

// may tells whether whoever runs the command holds a permission. It is asked where a command does without: what is refused
// stands in the audit log.
func may(ctx context.Context, r *remote, p account.Permission) (bool, error) {
	var me api.Me
	err := r.get(ctx, "/me", &me)
	return account.Rights{SuperAdmin: me.SuperAdmin, Permissions: me.Permissions}.Has(p), err
}

func (c *command) apiList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all APIs",
		Args:  takes(0),
	}
	asked := addListing(cmd, "name, identifier or scopes", "name", "identifier", "scopes", "created")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.listAPIs(ctx, cmd, r, asked) })
	}
	return cmd
}

func (c *command) listAPIs(ctx context.Context, cmd *cobra.Command, r *remote, asked *listing) error {
	apis, err := all[api.API](ctx, r, "/apis", asked.query())
	if err != nil {
		return listError(err)
	}
	var rows [][]string
	for _, a := range apis {
		tokens := strings.TrimSpace(string(a.AccessTokenFormat) + " " + shownDuration(a.AccessTokenLifetime))
		rows = append(rows, []string{a.Identifier, shortened(a.Name, 24), fmt.Sprint(len(a.Scopes)), tokens, a.ClientID})
	}
	p := c.printer(cmd)
	if len(apis) == 0 && !p.asJSON {
		return p.say(strings.Replace(nothingFound("api", asked.search), "no api", "no API", 1), nil)
	}
	return p.table([]string{"IDENTIFIER", "NAME", "SCOPES", "TOKENS", "CLIENT ID"}, rows, apis)
}

func (c *command) apiDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete IDENTIFIER",
		Short: "Delete an API that no client has any more",
		Args:  takes(1),
	}
	yes := addYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
			one, _, err := readAPI(ctx, r, args[0])
			if err != nil {
				return err
			}
			if err := c.confirm(ctx, *yes, fmt.Sprintf("Delete API %s for good?", named(one.Identifier, one.Name))); err != nil {
				return err
			}
			if err := r.delete(ctx, atAPI(args[0]), nil); err != nil {
				return apiError(one.Identifier, err)
			}
			return c.printer(cmd).say(fmt.Sprintf("API %s is deleted.", printable(one.Identifier)),
				map[string]any{"identifier": one.Identifier, "id": one.ID, "deleted": true})
		})
	}
	return cmd
}

func (c *command) apiExport() *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Print all APIs as JSON that apply reads",
		Long:    "Print all APIs as JSON, in the form that `grantor apply` reads.",
		Example: "  grantor api export >apis.json",
		Args:    takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error {
				file := struct {
					APIs []oauth.APIRegistration `json:"apis"`
				}{[]oauth.APIRegistration{}}
				err := each(ctx, r, "/apis", nil, func(a api.API) (bool, error) {
					file.APIs = append(file.APIs, a.APIRegistration)
					return true, nil
				})
				if err != nil {
					return err
				}
				return c.printer(cmd).json(file)
			})
		},
	}
}
