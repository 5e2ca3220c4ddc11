package pages

import (
	"context"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// What the page of a client shows of what has a page of its own.
const (
	fewAuthorizations = 10
	fewEvents         = 5
)

func (s *site) clientDetail(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	page := templates.ClientDetail{
		Admin: s.clientFrame(r, v, c.Name()), ClientHead: s.clientHead(v, c, "settings"),
		Confidential: !c.IsPublic(),
	}
	page.CanSecrets = page.CanEnable // the same: EditClients, and no more powers than the visitor's
	if page.CanEdit && !page.CanSecrets {
		page.SecretsWhyNot = "This auth client may do more than you may, so you cannot change it or give it secrets."
		page.CanEdit = false
	}
	for _, fill := range []func(*http.Request, *visit, *oauth.Client, *templates.ClientDetail) error{
		s.fillSettings, s.fillPlot, s.fillLive, s.fillEvents,
	} {
		if err := fill(r, v, c, &page); err != nil {
			return err
		}
	}
	return s.show(w, r, page)
}

// fillSettings fills in the settings and the secrets, both with when they were last used, and what goes with the settings.
func (s *site) fillSettings(r *http.Request, v *visit, c *oauth.Client, page *templates.ClientDetail) error {
	keys := []string{oauth.ClientKey(c.ClientID)}
	for _, secret := range c.Secrets {
		keys = append(keys, oauth.SecretKey(c.ClientID, secret.ID))
	}
	used, err := s.Provider.LastUsed(r.Context(), keys...)
	if err != nil {
		return err
	}
	reach, err := s.reachOf(r.Context(), v, c)
	if err != nil {
		return err
	}
	page.Settings, page.APIs, page.Snippets = s.clientFacts(v, c, reach, used[keys[0]]), reach.apis, s.clientSnippets(c, reach.serves)
	for i, secret := range c.Secrets {
		page.Secrets = append(page.Secrets, templates.ClientSecretLine{
			ID: secret.ID, Name: secret.Name, Prefix: secret.Prefix, Created: secret.Created, LastUsed: used[keys[i+1]],
			Expires: secret.Expires, Expired: !secret.Expires.IsZero() && !secret.Expires.After(s.Now()),
		})
	}
	return nil
}

// clientFacts says every setting of a client in words.
func (s *site) clientFacts(v *visit, c *oauth.Client, reach clientReach, used time.Time) []templates.ClientFact {
	registered := templates.ClientFact{Label: "Registered", Time: c.Created, Timed: true, Name: ownerName(c.Owner)}
	if c.Owner.Kind == account.ActorUser && v.may(account.ViewUsers) {
		registered.Path = "/admin/users/" + c.Owner.ID
	}
	facts := []templates.ClientFact{
		{Label: "Number", Text: "#" + number(c.Number)},
		{Label: "Kind", Text: kindText(c)},
		{Label: "Grants", Chips: grantTitles(&c.Registration), Text: ifNone(len(grantTitles(&c.Registration)), "none")},
		{Label: "Redirect URLs", Items: c.RedirectURIs, Text: ifNone(len(c.RedirectURIs), "none")},
	}
	scopes := templates.ClientFact{Label: "Scopes", Chips: reach.scope, Text: ifNone(len(reach.scope), "none")}
	audience := templates.ClientFact{Label: "APIs (audience)", Items: reach.audience, Text: ifNone(len(reach.audience), "none in particular")}
	if len(reach.apis) > 0 { // what belongs to them is told with them
		scopes.Label, audience.Label, audience.Text = "Other scopes", "Other audiences", ifNone(len(reach.audience), "none")
	}
	facts = append(facts, scopes)
	if c.DefaultScope != "" {
		facts = append(facts, templates.ClientFact{Label: "Default scopes", Chips: scopeOf(c.DefaultScope)})
	}
	facts = append(facts,
		audience,
		templates.ClientFact{Label: "Tokens", Text: tokenText(c)},
		templates.ClientFact{Label: "Access tokens live", Text: lifetime(c.AccessTokenLifetime, s.Provider.Lifetimes().AccessToken, "")},
	)
	if c.MayUse(oauth.RefreshToken) {
		facts = append(facts, templates.ClientFact{Label: "Refresh tokens live", Text: lifetime(c.RefreshTokenLifetime, s.Provider.Lifetimes().RefreshIdle, ", counted from their last use")})
	}
	if len(reach.serves) > 0 {
		facts = append(facts, templates.ClientFact{Label: "Resource server", Text: "It may ask what the tokens are worth that are meant for:", Items: reach.serves})
	}
	if c.ClientURI != "" {
		facts = append(facts, templates.ClientFact{Label: "Home page", Items: []string{c.ClientURI}})
	}
	if len(c.Permissions) > 0 {
		facts = append(facts, templates.ClientFact{Label: "Permissions", Chips: permissionTitles(c.Permissions)})
	}
	return append(facts, registered,
		templates.ClientFact{Label: "Last changed", Time: c.Updated, Timed: true},
		templates.ClientFact{Label: "Last used", Time: used, Timed: true, Ago: true},
	)
}

func ifNone(n int, text string) string {
	if n == 0 {
		return text
	}
	return ""
}

func ownerName(a account.Actor) string {
	switch {
	case a.Name != "":
		return a.Name
	case a.Kind == account.ActorCLI:
		return "the command line"
	case a.Kind == account.ActorSystem:
		return "the server"
	}
	return a.ID
}

func permissionTitles(permissions account.Permissions) []string {
	titles := make([]string, len(permissions))
	for i, p := range permissions {
		titles[i] = p.Title()
	}
	return titles
}

func kindText(c *oauth.Client) string {
	switch c.TokenEndpointAuthMethod {
	case oauth.NoSecret:
		if !c.MayUse(oauth.AuthorizationCode) {
			return "Public: it has no secret."
		}
		return "Public: it has no secret and proves itself with PKCE."
	case oauth.ClientSecretPost:
		return "Confidential: it sends its secret in the body of the request (client_secret_post)."
	}
	return "Confidential: it sends its secret in the Authorization header (client_secret_basic)."
}

func tokenText(c *oauth.Client) string {
	text := "Opaque: APIs ask this server what they are worth."
	if c.AccessTokenFormat == oauth.JWT {
		text = "JWT: APIs check them themselves"
		if c.AccessTokenSigningAlg != "" {
			text += ", signed with " + string(c.AccessTokenSigningAlg)
		}
		text += "."
	}
	return text
}

// lifetime says how long something lives, by a setting of the client or else of the server.
func lifetime(own oauth.Duration, ofServer time.Duration, rest string) string {
	if own == 0 {
		return oauth.Duration(ofServer).String() + rest + " (the setting of this server)"
	}
	return own.String() + rest
}

// fillPlot counts what was issued, for who may see that.
func (s *site) fillPlot(r *http.Request, v *visit, c *oauth.Client, page *templates.ClientDetail) error {
	if !v.may(account.ViewTokens) {
		return nil
	}
	period, text := oauth.Day, "Per hour, over the last day, by grant."
	if r.URL.Query().Get("period") == string(oauth.Week) {
		period, text = oauth.Week, "Per hour, over the last week, by grant."
	}
	counted, err := s.Provider.ClientStatistics(r.Context(), c.ClientID, period)
	if err != nil {
		return err
	}
	page.Period = string(period)
	page.Plot = &templates.Plot{ID: "issued", Title: "Tokens issued", Text: text, Noun: "tokens", From: counted.From, Step: counted.Step}
	for _, series := range counted.Issued {
		page.Plot.Series = append(page.Plot.Series, templates.PlotSeries{Name: grantTitle(oauth.GrantType(series.Name)), Counts: series.Counts})
	}
	return nil
}

// fillLive lists the latest authorizations, for who may see them.
func (s *site) fillLive(r *http.Request, v *visit, c *oauth.Client, page *templates.ClientDetail) error {
	if !v.may(account.ViewTokens) {
		return nil
	}
	lines, next, err := s.authorizationLines(r.Context(), v, c, "", fewAuthorizations)
	if err != nil {
		return err
	}
	page.Authorizations, page.MoreLive = lines, next != ""
	page.Live, err = s.liveCount(r.Context(), c.ClientID)
	return err
}

func (s *site) authorizationLines(ctx context.Context, v *visit, c *oauth.Client, cursor string, limit int) (lines []templates.AuthorizationLine, next string, err error) {
	live, next, err := s.Provider.LiveAuthorizations(ctx, "client:"+c.ClientID, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	for _, a := range live {
		line := templates.AuthorizationLine{ID: a.ID, User: firstOf(a.Username, a.UserID), Scopes: a.Scope, Issued: a.Created, LastUsed: a.LastUsed}
		if v.may(account.ViewUsers) {
			line.UserPath = s.base + "/admin/users/" + a.UserID
		}
		lines = append(lines, line)
	}
	return lines, next, nil
}

// fillEvents tells what was done to the client lately, for who may see that.
func (s *site) fillEvents(r *http.Request, v *visit, c *oauth.Client, page *templates.ClientDetail) error {
	if !v.may(account.ViewAudit) {
		return nil
	}
	events, _, err := s.Audit.Find(r.Context(), account.AuditQuery{Object: "client:" + c.ClientID, Limit: fewEvents})
	if err != nil {
		return err
	}
	page.Events = s.eventLines(r.Context(), v, events)
	return nil
}

func scopeOf(s string) oauth.Scope {
	scope, _ := oauth.ParseScope(s) // checked when registered
	return scope
}
