package pages

import (
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// The form of a client names its fields as RFC 7591 and oauth.Registration do, so that faults find them. What somebody
// typed and what is saved are the same thing here: a form.

const ticked = "yes"

// grantTypeURN is how the names of grants begin that are no part of RFC 6749.
const grantTypeURN = "urn:ietf:params:oauth:grant-type:"

// clientFormOf fills the form with a registration.
func clientFormOf(r *oauth.Registration) form {
	f := form{
		"client_id": {r.ClientID}, "client_name": {r.ClientName}, "client_uri": {r.ClientURI},
		"token_endpoint_auth_method": {string(r.TokenEndpointAuthMethod)},
		"redirect_uris":              {strings.Join(r.RedirectURIs, "\n")},
		"scope":                      {r.Scope}, "default_scope": {r.DefaultScope},
		"audience": {strings.Join(r.Audience, "\n")}, "default_audience": {r.DefaultAudience},
		"access_token_format":      {string(r.AccessTokenFormat)},
		"access_token_signing_alg": {string(r.AccessTokenSigningAlg)},
		"access_token_lifetime":    {lifetimeText(r.AccessTokenLifetime)}, "refresh_token_lifetime": {lifetimeText(r.RefreshTokenLifetime)},
		"introspection_signed_response_alg": {string(r.IntrospectionSignedResponseAlg)},
	}
	for _, grant := range r.GrantTypes {
		f["grant_types"] = append(f["grant_types"], string(grant))
	}
	for _, p := range r.Permissions {
		f["permissions"] = append(f["permissions"], string(p))
	}
	if r.PersonalAccessTokens {
		f["personal_access_tokens"] = []string{ticked}
	}
	if r.ResourceServer {
		f["resource_server"] = []string{ticked}
	}
	return f
}

func lifetimeText(d oauth.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// registrationOf reads a form that offers these APIs. Faults are those of its reading alone: what the rules say comes from
// them.
func registrationOf(f form, apis []*oauth.API) (oauth.Registration, []templates.Fault) {
	var faults []templates.Fault
	fault := func(field, message string) { faults = append(faults, templates.Fault{Field: field, Message: message}) }
	r := oauth.Registration{
		ClientID: strings.TrimSpace(f.Get("client_id")), ClientName: strings.TrimSpace(f.Get("client_name")),
		ClientURI:               strings.TrimSpace(f.Get("client_uri")),
		TokenEndpointAuthMethod: oauth.AuthMethod(f.Get("token_endpoint_auth_method")),
		GrantTypes:              []oauth.GrantType{}, // none, not what is usual
		RedirectURIs:            f.Lines("redirect_uris"), Audience: wholeAudience(f), DefaultAudience: f.Get("default_audience"),
		Scope: strings.Join(wholeScope(f), " "), DefaultScope: words(f.Get("default_scope")),
		AccessTokenFormat:     oauth.AccessTokenFormat(f.Get("access_token_format")),
		AccessTokenSigningAlg: jose.Algorithm(f.Get("access_token_signing_alg")),
		PersonalAccessTokens:  f.Get("personal_access_tokens") == ticked, ResourceServer: f.Get("resource_server") == ticked,
		IntrospectionSignedResponseAlg: jose.Algorithm(f.Get("introspection_signed_response_alg")),
	}
	for _, grant := range f.All("grant_types") {
		r.GrantTypes = append(r.GrantTypes, oauth.GrantType(grant))
	}
	for _, p := range f.All("permissions") {
		r.Permissions = append(r.Permissions, account.Permission(p))
	}
	for name, to := range map[string]*oauth.Duration{
		"access_token_lifetime": &r.AccessTokenLifetime, "refresh_token_lifetime": &r.RefreshTokenLifetime,
	} {
		if text := strings.TrimSpace(f.Get(name)); text != "" {
			var err error
			if *to, err = oauth.ParseDuration(text); err != nil {
				fault(name, fieldTitle(name)+": write a number and a unit, for example 10m, 12h or 30d.")
			} else if *to <= 0 {
				fault(name, fieldTitle(name)+" must be longer than nothing. Leave it empty for what the server does.")
			}
		}
	}
	if r.ClientName == "" {
		fault("client_name", "Give the auth client a name.")
	}
	faults = append(faults, scopesWithoutAPI(f, apis)...)
	return r, append(faults, oneEachLine(f, "redirect_uris")...)
}

// oneEachLine refuses a line in which somebody listed several URLs: a comma belongs to a URL, so the line would be read as
// one that nobody means.
func oneEachLine(f form, field string) []templates.Fault {
	lines, numbers := numberedLines(f, field)
	for i, line := range lines {
		folded := strings.ToLower(line)
		for _, scheme := range []string{"https://", "http://"} {
			if at := strings.LastIndex(folded, scheme); at > 0 && strings.ContainsAny(folded[at-1:at], ",; \t") {
				return []templates.Fault{{Field: field, Message: "Line " + numbers[i] + " holds more than one URL. Write each on a line of its own."}}
			}
		}
	}
	return nil
}

// words puts one blank between the words of a text that may have several lines.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// clientForm shows the form as it was filled in, with the APIs that there are to choose from.
func (s *site) clientForm(v *visit, f form, apis []*oauth.API, faults []templates.Fault) templates.ClientForm {
	faults = inOrder(faults)
	filled := formView{form: f, faults: faults, rights: v.Rights, apis: apis}
	page := templates.ClientForm{
		APIs:   filled.apiChoices(),
		Faults: faults, Basics: filled.basics(), Kind: filled.kind(), Grants: filled.grants(), Address: filled.address(),
		Scopes: filled.scopes(), More: filled.more(),
	}
	page.Open = filled.unusual()
	return page
}

// formView makes the fields of the page from a form and its faults.
type formView struct {
	form
	faults []templates.Fault
	rights account.Rights
	apis   []*oauth.API // that are offered
}

// fault is all that is wrong with a field, as it stands beside it.
func (f formView) fault(field string) string {
	var messages []string
	for _, fault := range f.faults {
		if fault.Field == field {
			messages = append(messages, fault.Message)
		}
	}
	return strings.Join(messages, " ")
}

func (f formView) input(i templates.Input) templates.Input {
	i.Value, i.Fault, i.Label = f.Get(i.ID), f.fault(i.ID), fieldTitle(i.ID)
	return i
}

func (f formView) ticked(name, value string) bool { return slices.Contains(f.All(name), value) }

func (f formView) box(name, value, label, hint string) templates.Choice {
	short := strings.TrimPrefix(value, grantTypeURN)
	return templates.Choice{
		ID: name + "-" + strings.ReplaceAll(short, ":", "-"), Name: name, Value: value, Label: label, Hint: hint, Checked: f.ticked(name, value),
	}
}

func (f formView) basics() []templates.Input {
	return []templates.Input{f.input(templates.Input{
		ID: "client_name", Required: true, MaxLength: 255, Autocomplete: "off", Focus: len(f.faults) == 0,
		Hint: "People read it when they are asked to allow access. No two auth clients have the same name.",
	})}
}

func (f formView) kind() templates.Choices {
	c := templates.Choices{ID: "token_endpoint_auth_method", Legend: "Confidential or public", Fault: f.fault("token_endpoint_auth_method")}
	for _, m := range []struct{ value, label, hint, mark string }{
		{"client_secret_basic", "Confidential", "It keeps a secret, and sends it in the Authorization header (client_secret_basic).", "recommended"},
		{"client_secret_post", "Confidential, secret in the form", "It keeps a secret, and sends it in the body of the request (client_secret_post). For software that cannot do otherwise.", ""},
		{"none", "Public", "It cannot keep a secret, so it has none: a single-page application, an app on a phone or a desk, a device.", ""},
	} {
		item := f.box(c.ID, m.value, m.label, m.hint)
		item.Radio, item.Mark = true, m.mark
		c.Items = append(c.Items, item)
	}
	return c
}

func (f formView) grants() templates.Choices {
	return templates.Choices{ID: "grant_types", Legend: "Grants", Hint: "At least one. What is not ticked is refused.", Fault: f.fault("grant_types"), Items: []templates.Choice{
		f.box("grant_types", string(oauth.AuthorizationCode), "Enable Authorization Code Grant", "People sign in here, allow access, and are sent back to the application. PKCE is required."),
		f.box("grant_types", string(oauth.DeviceCode), "Enable Device Authorization Grant", "For TVs, command lines and other devices without a keyboard or a browser. The device shows a code, and the person allows access at /device, on a phone or a computer. It needs no redirect URL."),
		f.box("grant_types", string(oauth.RefreshToken), "Enable Refresh Tokens", "The application stays signed in without asking again. It needs the authorization code grant or the device authorization grant."),
		f.box("grant_types", string(oauth.ClientCredentials), "Enable Client Credentials Grant", "The application acts for itself, with nobody signed in. It must be confidential."),
		f.box("personal_access_tokens", ticked, "Enable Personal Access Tokens", "People make tokens by hand, under “My account”, for scripts and programs without a browser."),
	}}
}

func (f formView) address() templates.Input {
	return f.input(templates.Input{
		ID: "redirect_uris", Type: "textarea", Code: true, Rows: 3, Placeholder: "https://app.example.com/callback",
		Hint: "Where people are sent back to, one URL on each line, exactly as the application names it. https; http only for the own machine (127.0.0.1); com.example.app:/callback for an app. Only the authorization code grant needs them; they are kept while it is off.",
	})
}

func (f formView) scopes() []templates.Input {
	scope := f.input(templates.Input{
		ID: "scope", Code: true, Optional: true, Placeholder: "profile orders:read",
		Hint: "All that the application may ask for, with blanks between. The APIs decide what each of them means.",
	})
	if len(f.apis) > 0 {
		scope.Label, scope.Placeholder = "Other scopes", "profile"
		scope.Hint = "What else it may ask for and no API above has, with blanks between."
	}
	byDefault := f.input(templates.Input{
		ID: "default_scope", Code: true, Optional: true,
		Hint: "What it gets when it asks for nothing in particular, with blanks between. Left empty: all of the scopes above.",
	})
	return append(f.defaultAPI(), scope, byDefault)
}
