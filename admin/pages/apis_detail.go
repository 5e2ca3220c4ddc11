package pages

import (
	"errors"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) apiDetail(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, _, err := s.apiOf(r)
	if err != nil {
		return err
	}
	having, err := s.Provider.ClientsOfAPI(r.Context(), a.ID)
	if err != nil {
		return err
	}
	page := templates.APIDetail{
		Admin: s.apiFrame(r, v, a.Title()), APIHead: apiHead(v, a, "settings"),
		Scopes: apiScopeLines(a, having), Count: len(having), CanClients: v.may(account.ViewClients),
	}
	client, err := s.clientOfAPI(r, a)
	if err != nil {
		return err
	}
	page.Settings, page.Snippets = apiFacts(v, a, client), s.apiSnippets(a, client)
	if page.CanClients {
		page.Listing = templates.ReadListing(r.URL.Query(), "Auth Clients", nil)
		page.Listing.Found(len(having))
		begin := min(page.Listing.Offset(), len(having))
		page.Clients = apiClientLines(a, having[begin:min(begin+page.Listing.PerPage, len(having))])
	}
	if page.CanAudit {
		events, _, err := s.Audit.Find(r.Context(), account.AuditQuery{Object: "api:" + a.ID, Limit: fewEvents})
		if err != nil {
			return err
		}
		page.Events = s.eventLines(r.Context(), v, events)
	}
	return s.show(w, r, page)
}

// clientOfAPI is the client as which an API asks about tokens, nil where it has none, or one that is gone.
func (s *site) clientOfAPI(r *http.Request, a *oauth.API) (*oauth.Client, error) {
	if a.ClientID == "" {
		return nil, nil
	}
	c, err := s.Provider.Client(r.Context(), a.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return c, err
}

// apiFacts says the settings of an API in words.
func apiFacts(v *visit, a *oauth.API, client *oauth.Client) []templates.ClientFact {
	registered := templates.ClientFact{Label: "Registered", Time: a.Created, Timed: true, Name: ownerName(a.Owner)}
	if a.Owner.Kind == account.ActorUser && v.may(account.ViewUsers) {
		registered.Path = "/admin/users/" + a.Owner.ID
	}
	lives := "As long as the auth client says."
	if a.AccessTokenLifetime != 0 {
		lives = "At most " + a.AccessTokenLifetime.String() + "."
	}
	return []templates.ClientFact{
		{Label: "Tokens", Text: apiTokenText(a)},
		{Label: "Access tokens live", Text: lives},
		apiClientFact(v, a, client),
		registered,
		{Label: "Last changed", Time: a.Updated, Timed: true},
		{Label: "ID in the REST API", Items: []string{a.ID}},
	}
}

func apiTokenText(a *oauth.API) string {
	text := "Opaque or JWT, as the auth client says"
	switch a.AccessTokenFormat {
	case oauth.Opaque:
		return "Opaque: it asks this server what they are worth."
	case oauth.JWT:
		text = "JWT: it checks them itself"
	}
	if a.AccessTokenSigningAlg != "" {
		text += "; JWTs are signed with " + string(a.AccessTokenSigningAlg)
	}
	return text + "."
}

func apiClientFact(v *visit, a *oauth.API, client *oauth.Client) templates.ClientFact {
	fact := templates.ClientFact{Label: "Asks about tokens as"}
	switch {
	case a.ClientID == "":
		fact.Text = "nobody: it has no auth client for that"
	case client == nil:
		fact.Text = "an auth client that is gone: " + a.ClientID
	default:
		fact.Name = client.Name()
		if v.may(account.ViewClients) {
			fact.Path = clientPath(client.ClientID)
		}
	}
	return fact
}

// apiScopeLines says what people read of each scope, and how many clients have it.
func apiScopeLines(a *oauth.API, having []*oauth.Client) []templates.APIScopeLine {
	counts := map[string]int{}
	for _, c := range having {
		for _, token := range scopeOf(c.Scope) {
			counts[token]++
		}
	}
	lines := make([]templates.APIScopeLine, len(a.Scopes))
	for i, scope := range a.Scopes {
		lines[i] = templates.APIScopeLine{
			Name: scope.Name, Sentence: sentenceOf(scope),
			BuiltIn: scope.Description == "", Clients: counts[scope.Name],
		}
	}
	return lines
}

func apiClientLines(a *oauth.API, clients []*oauth.Client) []templates.APIClientLine {
	lines := make([]templates.APIClientLine, len(clients))
	for i, c := range clients {
		lines[i] = templates.APIClientLine{
			ID: c.ClientID, Name: c.Name(), Scopes: scopesAt(a, scopeOf(c.Scope)),
			Default: c.DefaultAudience == a.Identifier, Disabled: c.Disabled,
		}
	}
	return lines
}

// sentenceOf is what people read of a scope of an API: its own sentence, or the words that the server has for such a scope.
func sentenceOf(scope oauth.APIScope) string {
	if scope.Description != "" {
		return scope.Description
	}
	return oauth.ScopeSentence(scope.Name)
}

// scopesAt are those of the scopes that belong to an API.
func scopesAt(a *oauth.API, scope oauth.Scope) []string {
	var at []string
	for _, known := range a.Scopes {
		if slices.Contains(scope, known.Name) {
			at = append(at, known.Name)
		}
	}
	return at
}
