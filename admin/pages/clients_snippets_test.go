package pages_test

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// snippets gives the programs on the page of a client, by the ids of their elements.
func (p *page) snippets() map[string]string {
	found := map[string]string{}
	for _, code := range elements(p.document, "code") {
		if id := attribute(code, "id"); code.Parent.Data == "pre" && id != "" {
			found[id] = raw(code)
		}
	}
	return found
}

func TestSnippetsHaveTheValuesOfTheirClient(t *testing.T) {
	w := newWorld(t)
	b := w.as("viewer", account.ViewClients)
	for _, method := range oauth.AuthMethods {
		r := webClient("Client " + string(method))
		r.TokenEndpointAuthMethod, r.PersonalAccessTokens, r.Audience = method, true, []string{"https://api.example.com/it's"}
		r.RedirectURIs, r.Scope = []string{"https://app.example.com/it's$(id)"}, "profile it's $(id)"
		r.GrantTypes = append(r.GrantTypes, oauth.DeviceCode)
		if method != oauth.NoSecret {
			r.GrantTypes, r.ResourceServer = append(r.GrantTypes, oauth.ClientCredentials), true
		}
		c := w.client(r)
		snippets := b.open("/admin/auth-clients/" + c.ClientID).snippets()
		if want := map[bool]int{true: 20, false: 12}[method != oauth.NoSecret]; len(snippets) != want {
			t.Errorf("%s: %d snippets", method, len(snippets))
		}
		for id, code := range snippets {
			if strings.Contains(code, "{ID}") || strings.Contains(code, "\n?") || strings.Contains(code, "{SCOPE") {
				t.Errorf("%s, %s: something is not filled in:\n%s", method, id, code)
			}
			if strings.HasSuffix(id, "-go") {
				if _, err := parser.ParseFile(token.NewFileSet(), id, code, parser.AllErrors); err != nil {
					t.Errorf("%s, %s: %v\n%s", method, id, err, code)
				}
			}
			if strings.HasPrefix(id, "personal") {
				continue
			}
			if !strings.Contains(code, c.ClientID) || !strings.Contains(code, issuer+"/oauth2/") {
				t.Errorf("%s, %s: the client or the endpoint is missing:\n%s", method, id, code)
			}
			if got := strings.Contains(code, "GRANTOR_CLIENT_SECRET"); got != (method != oauth.NoSecret) {
				t.Errorf("%s, %s: reads a secret: %t", method, id, got)
			}
			if strings.HasPrefix(id, "code") && !strings.Contains(code, "S256") {
				t.Errorf("%s, %s: no PKCE", method, id)
			}
			if strings.HasPrefix(id, "device") {
				wantDeviceSnippet(t, id, code)
			}
			if strings.HasSuffix(id, "curl") && strings.Contains(code, "$(id)") && !strings.Contains(code, `'https://app.example.com/it'\''s$(id)'`) && !strings.Contains(code, `'profile it'\''s $(id)'`) {
				t.Errorf("%s, %s: a shell would run what is in a value:\n%s", method, id, code)
			}
		}
	}
}

// wantDeviceSnippet wants a program that asks as often as the server says, and less often where it says so. The package for
// Go does both by itself.
func wantDeviceSnippet(t *testing.T, id, code string) {
	t.Helper()
	want := []string{string(oauth.DeviceCode), "verification_uri", "user_code", "interval", "slow_down", "authorization_pending", "5"}
	if id == "device-go" {
		want = []string{".DeviceAuth(", ".DeviceAccessToken(", "device.VerificationURI", "device.UserCode"}
	}
	for _, part := range append(want, issuer+"/oauth2/device_authorization", issuer+"/oauth2/token") {
		if !strings.Contains(code, part) {
			t.Errorf("%s: %s is missing:\n%s", id, part, code)
		}
	}
}

func TestClientHasSnippetsOfTheGrantsThatItMayUse(t *testing.T) {
	w := newWorld(t)
	b := w.as("viewer", account.ViewClients)
	for name, c := range map[string]struct {
		grants []oauth.GrantType
		scope  string
		want   string
		unlike string
	}{
		"device alone":       {[]oauth.GrantType{oauth.DeviceCode}, "profile", "device-", "code-"},
		"device, no scope":   {[]oauth.GrantType{oauth.DeviceCode}, "", "device-", "code-"},
		"authorization code": {[]oauth.GrantType{oauth.AuthorizationCode}, "profile", "code-", "device-"},
	} {
		r := webClient(name)
		r.GrantTypes, r.Scope = c.grants, c.scope
		snippets := b.open("/admin/auth-clients/" + w.client(r).ClientID).snippets()
		for id, code := range snippets {
			if !strings.HasPrefix(id, c.want) || strings.HasPrefix(id, c.unlike) {
				t.Errorf("%s: there is %s", name, id)
			}
			if !strings.HasSuffix(id, "-go") && strings.Contains(code, "scope") != (c.scope != "") {
				t.Errorf("%s: %s names a scope where there is none, or not:\n%s", name, id, code)
			}
			if strings.Contains(code, "renews the token") {
				t.Errorf("%s: %s renews what cannot be renewed", name, id)
			}
		}
		if len(snippets) != 4 {
			t.Errorf("%s: %d snippets", name, len(snippets))
		}
	}
}
