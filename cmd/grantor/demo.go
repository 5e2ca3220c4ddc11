package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
)

// demoSeed is what --dev starts with. Its secrets are made anew at every start.
func demoSeed() *seed {
	return &seed{
		Users: []seedUser{{Username: "demo", Password: rand.Text(), Name: new("Demo User"), SuperAdmin: new(true)}},
		Clients: []seedClient{
			{ClientSecret: oauth.GenerateSecret(), Registration: oauth.Registration{
				ClientID: "demo-web", ClientName: "Demo web application",
				TokenEndpointAuthMethod: oauth.ClientSecretBasic,
				GrantTypes:              []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken, oauth.ClientCredentials},
				RedirectURIs:            []string{"http://127.0.0.1:9999/callback"},
				Scope:                   "profile api:read api:write",
			}},
			{Registration: oauth.Registration{
				ClientID: "demo-app", ClientName: "Demo app",
				TokenEndpointAuthMethod: oauth.NoSecret,
				GrantTypes:              []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken},
				RedirectURIs:            []string{"http://127.0.0.1/callback"},
				Scope:                   "profile api:read",
			}},
		},
	}
}

// welcome tells a newcomer who runs a seeded server on the own machine what to try first. It shows what the seed holds,
// so it is for a loopback issuer only.
func (s *seed) welcome(out io.Writer, issuer string, made *seeded) {
	for _, u := range s.Users {
		fmt.Fprintf(out, "  user      %s, password %s\n", u.Username, u.Password)
	}
	for _, c := range s.Clients {
		secret := firstOf(c.ClientSecret, made.secrets[c.ClientID])
		fmt.Fprintf(out, "  client    %s, %s\n", c.ClientID, secretInWords(c, secret))
	}
	for _, c := range s.Clients {
		secret := firstOf(c.ClientSecret, made.secrets[c.ClientID])
		if slices.Contains(c.GrantTypes, oauth.ClientCredentials) && secret != "" {
			fmt.Fprintf(out, "\nGet a token:\n\n  %s\n", tokenCurl(issuer, c, secret))
			break
		}
	}
	fmt.Fprintf(out, "\nThen open %s/admin in a browser and sign in.\n\n", issuer)
}

func secretInWords(c seedClient, secret string) string {
	switch {
	case c.TokenEndpointAuthMethod == oauth.NoSecret:
		return "public: no secret"
	case secret == "":
		return "with the secret that it had"
	}
	return "secret " + secret
}

func tokenCurl(issuer string, c seedClient, secret string) string {
	if c.TokenEndpointAuthMethod == oauth.ClientSecretPost {
		return fmt.Sprintf("curl -d grant_type=client_credentials -d client_id=%s --data-urlencode %s %s/oauth2/token",
			c.ClientID, shellQuote("client_secret="+secret), issuer)
	}
	// Both halves are form-encoded before they become Basic credentials (RFC 6749 section 2.3.1).
	return fmt.Sprintf("curl -u %s -d grant_type=client_credentials %s/oauth2/token",
		shellQuote(url.QueryEscape(c.ClientID)+":"+url.QueryEscape(secret)), issuer)
}

func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
