package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) accountTokens(w http.ResponseWriter, r *http.Request, v *visit) error {
	clients, err := s.Provider.PersonalTokenClients(r.Context())
	if err != nil {
		return err
	}
	page := templates.AccountTokens{Admin: s.frame(r, v, "tokens", "Personal access tokens"), CanCreate: len(clients) > 0}
	if page.AppList, err = s.appList(r.Context(), v.User.ID, ""); err != nil {
		return err
	}
	page.TokensPath, page.MayRevoke = s.base+"/account/tokens", true
	return s.show(w, r, page)
}

func (s *site) accountRevokeToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.Provider.RevokePersonalToken(r.Context(), v.User.ID, pathID(r, "authorization_id")); err != nil {
		return err
	}
	return s.done(w, r, "/account/tokens", "token-revoked")
}

// accountTokenNew asks first what the token is for where there are several answers, and then for the rest.
func (s *site) accountTokenNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showTokenNew(w, r, v, r.URL.Query().Get("client"), http.StatusOK, nil)
}

func (s *site) accountTokenCreate(w http.ResponseWriter, r *http.Request, v *visit) error {
	clientID := v.Form.Get("client_id")
	lifetime, faults := s.tokenLifetime(v.Form)
	if len(faults) > 0 {
		return s.showTokenNew(w, r, v, clientID, formRefused, faults)
	}
	known, err := s.Provider.APIs(r.Context()) // before it: nothing may stand between making a token and showing it
	if err != nil {
		return err
	}
	made, token, err := s.Provider.CreatePersonalToken(r.Context(), v.Session, oauth.NewPersonalToken{
		ClientID: clientID, Name: v.Form.Get("name"), Scope: strings.Join(v.Form.All("scope"), " "), Lifetime: lifetime,
	})
	if faults, ok := tokenFaults(err); ok {
		return s.showTokenNew(w, r, v, clientID, formRefused, faults)
	}
	if err != nil {
		return err
	}
	return s.show(w, r, templates.AccountToken{
		Admin:     s.frame(r, v, "tokens", "The token was created", templates.Link{Path: "/account/tokens", Text: "Personal access tokens"}),
		TokenLine: tokenLine(made, apiWords{apis: known}), Token: token,
	})
}

// tokenFaults makes sentences of what the rules say of each field, which begins behind the name of the field.
func tokenFaults(err error) (faults []templates.Fault, ok bool) {
	var wrong *oauth.RegistrationError
	if !errors.As(err, &wrong) {
		return nil, false
	}
	names := map[string]string{"client_id": "The application", "name": "The name", "scope": "What the token may do", "lifetime": "The time until it expires"}
	for _, f := range wrong.Fields {
		faults = append(faults, templates.Fault{Field: f.Field, Message: names[f.Field] + " " + strings.TrimSuffix(f.Message, ".") + "."})
	}
	return faults, true
}

// lifetimes are how long a personal access token may live, in days. A day of one's own choice counts instead of them.
var lifetimes = []templates.Option{
	{Value: "7", Text: "in 7 days"}, {Value: "30", Text: "in 30 days"}, {Value: "90", Text: "in 90 days"}, {Value: "366", Text: "in 366 days"},
}

const (
	usualLifetime = "30"
	dayFormat     = "2006-01-02"
	untilNextDay  = 24*time.Hour - time.Second
)

// tokenLifetime reads when a token is to expire. A day counts to its end, in UTC.
func (s *site) tokenLifetime(f form) (lifetime time.Duration, faults []templates.Fault) {
	if f.Get("expires_on") == "" {
		days, err := strconv.Atoi(f.Get("lifetime"))
		if err != nil || !slices.ContainsFunc(lifetimes, func(o templates.Option) bool { return o.Value == strconv.Itoa(days) }) {
			return 0, []templates.Fault{{Field: "lifetime", Message: "Choose when the token expires."}}
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	outOfBounds := []templates.Fault{{Field: "expires_on", Message: "Choose a day from tomorrow on, and at most 366 days ahead."}}
	day, err := time.Parse(dayFormat, f.Get("expires_on"))
	if err != nil {
		return 0, outOfBounds
	}
	now := s.Now()
	first, last := s.tokenDays()
	if text := day.Format(dayFormat); text < first || text > last {
		return 0, outOfBounds
	}
	return min(day.Add(untilNextDay).Sub(now), oauth.MaxPersonalToken), nil
}

// tokenDays are the first and the last day at whose end a token may expire.
func (s *site) tokenDays() (first, last string) {
	now := s.Now().UTC()
	return now.Add(24*time.Hour + time.Second).Format(dayFormat), now.Add(oauth.MaxPersonalToken).Format(dayFormat)
}

func (s *site) showTokenNew(w http.ResponseWriter, r *http.Request, v *visit, clientID string, status int, faults []templates.Fault) error {
	clients, err := s.Provider.PersonalTokenClients(r.Context())
	if err != nil {
		return err
	}
	page := templates.AccountTokenNew{
		Admin:  s.frame(r, v, "tokens", "Create token", templates.Link{Path: "/account/tokens", Text: "Personal access tokens"}),
		Faults: faults,
	}
	if len(clients) == 1 && clientID == "" {
		clientID = clients[0].ClientID
	}
	at := slices.IndexFunc(clients, func(c *oauth.Client) bool { return c.ClientID == clientID })
	if at < 0 {
		if len(clients) == 0 || clientID != "" && status == http.StatusOK {
			return errNotFound
		}
		for _, c := range clients {
			page.Clients = append(page.Clients, templates.Mention{Name: c.Name(), Path: "?" + url.Values{"client": {c.ClientID}}.Encode()})
		}
		s.write(w, r, status, page)
		return nil
	}
	known, err := s.Provider.APIs(r.Context())
	if err != nil {
		return err
	}
	s.fillTokenForm(&page, v, clients[at], apiWords{apis: known})
	s.write(w, r, status, page)
	return nil
}

func (s *site) fillTokenForm(page *templates.AccountTokenNew, v *visit, c *oauth.Client, words apiWords) {
	page.Form, page.ClientID, page.ClientName = true, c.ClientID, c.Name()
	page.Name = templates.Input{
		ID: "name", Label: "Name", Value: v.Form.Get("name"), Required: true, MaxLength: 100, Autocomplete: "off",
		Hint: "So that you recognise it later: “backup of the laptop”.", Fault: faultOf(page.Faults, "name"),
	}
	page.Scopes = templates.Choices{ID: "scope", Legend: "What the token may do", Hint: "Allow as little as the program needs.", Fault: faultOf(page.Faults, "scope")}
	scope, _ := oauth.ParseScope(c.Scope)
	for i, token := range scope {
		if !useful(v, token) {
			continue
		}
		choice := templates.Choice{
			ID: "scope-" + strconv.Itoa(i), Name: "scope", Value: token, Label: token, Hint: words.sentence(token), Checked: slices.Contains(v.Form.All("scope"), token),
		}
		page.Scopes.Items = append(page.Scopes.Items, choice)
	}
	first, last := s.tokenDays()
	page.Lifetime = templates.Input{
		ID: "lifetime", Label: "The token expires", Type: "select", Value: usualLifetime, Options: lifetimes, Fault: faultOf(page.Faults, "lifetime"),
	}
	if v.Form.Has("lifetime") {
		page.Lifetime.Value = v.Form.Get("lifetime")
	}
	page.ExpiresOn = templates.Input{
		ID: "expires_on", Label: "Or at the end of this day", Type: "date", Value: v.Form.Get("expires_on"), Min: first, Max: last, Optional: true,
		Hint: "In UTC. If you fill this in, it counts instead of the choice above.", Fault: faultOf(page.Faults, "expires_on"),
	}
}

// useful leaves out scopes that would let the user do nothing: a token never reaches further than its user.
func useful(v *visit, scope string) bool {
	if scope == oauth.AdminScope {
		return v.Rights.Any()
	}
	return !account.IsPermission(account.Permission(scope)) || v.may(account.Permission(scope))
}
