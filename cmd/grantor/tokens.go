package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grantor-dev/grantor/oauth"
)

// fixedToken is a personal access token. It cannot be renewed.
type fixedToken struct{ value, server string }

func (f fixedToken) token(context.Context) (string, error) { return f.value, nil }

func (f fixedToken) renewed(context.Context, string) (string, error) {
	return "", fmt.Errorf("%s does not accept %s: it is not one of that server, has ended, or was revoked. Make another one under “My account”, “Personal access tokens”",
		f.server, tokenVariable)
}

// machineToken acts as a client, by client credentials.
type machineToken struct {
	server, id, secret string
	client             *http.Client
	current            string
}

func (m *machineToken) token(ctx context.Context) (string, error) {
	if m.current != "" {
		return m.current, nil
	}
	at, err := discover(ctx, m.client, m.server)
	if err != nil {
		return "", err
	}
	config := clientcredentials.Config{
		ClientID: m.id, ClientSecret: m.secret, TokenURL: at.Token, Scopes: []string{oauth.AdminScope}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	issued, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, m.client))
	if err != nil {
		return "", m.refused(err)
	}
	m.current = issued.AccessToken
	return m.current, nil
}

func (m *machineToken) refused(err error) error {
	code := errorCode(err)
	switch code {
	case "":
		return fmt.Errorf("get a token from %s: %w", m.server, withoutBody(err))
	case string(oauth.InvalidClient):
		return fmt.Errorf("%s does not accept %s and %s", m.server, clientIDVariable, clientSecretVariable)
	case string(oauth.InvalidScope), string(oauth.UnauthorizedClient):
		return fmt.Errorf("client %s may not manage %s: it needs the grant client_credentials and permissions, given with `grantor client edit %[1]s --permission …`", m.id, m.server)
	}
	return fmt.Errorf("%s gives client %s no token (%s)", m.server, m.id, printable(code))
}

func (m *machineToken) renewed(context.Context, string) (string, error) {
	return "", fmt.Errorf("%s does not accept the token that it has just issued to client %s: give the client permissions, and see that its audience is empty or names the server", m.server, m.id)
}

// errorCode gives the error of RFC 6749 section 5.2, "" where a server gave none.
func errorCode(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return ""
}

// withoutBody leaves out what a server answered instead of an answer in the words of RFC 6749: it may be anything.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("it answers with the status %s and not as a Grantor does", printable(refused.Response.Status))
	}
	return err
}

// savedLogin is what `grantor login` has kept for one server.
type savedLogin struct {
	command *command
	server  string
	client  *http.Client
	login   login
}

// renewBefore is how long an access token must still be good to be sent.
const renewBefore = 20 * time.Second

// savedLogin gives the saved login of a server.
func (c *command) savedLogin(server string) (bearer, error) {
	saved, err := c.readCredentials()
	if err != nil {
		return nil, err
	}
	known, ok := saved.Servers[server]
	if !ok {
		return nil, fmt.Errorf("nobody is signed in to %s: sign in with `grantor login --server %[1]s`; programs set %s and %s", server, clientIDVariable, clientSecretVariable)
	}
	return &savedLogin{command: c, server: server, client: newHTTPClient(nil), login: known}, nil
}

func (s *savedLogin) token(ctx context.Context) (string, error) {
	if s.login.fresh() {
		return s.login.AccessToken, nil
	}
	return s.renewed(ctx, s.login.AccessToken)
}

func (l *login) fresh() bool {
	return l.AccessToken != "" && (l.Expires.IsZero() || time.Until(l.Expires) > renewBefore)
}

// renewed uses the refresh token, unless another command was faster and has saved what came of it.
func (s *savedLogin) renewed(ctx context.Context, refused string) (string, error) {
	err := s.command.changeCredentials(func(saved *credentials) error {
		now, ok := saved.Servers[s.server]
		if !ok {
			return s.over()
		}
		if now.AccessToken != refused && now.fresh() {
			s.login = now
			return nil
		}
		next, err := s.refresh(ctx, now)
		if err != nil {
			return err
		}
		s.login, saved.Servers[s.server] = next, next
		return nil
	})
	return s.login.AccessToken, err
}

func (s *savedLogin) refresh(ctx context.Context, now login) (login, error) {
	if now.RefreshToken == "" {
		return now, s.over()
	}
	config := oauth2.Config{ClientID: oauth.CommandLineClient, Endpoint: oauth2.Endpoint{TokenURL: now.Token, AuthStyle: oauth2.AuthStyleInParams}}
	source := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, s.client), &oauth2.Token{RefreshToken: now.RefreshToken})
	issued, err := source.Token()
	if errorCode(err) == string(oauth.InvalidGrant) || errorCode(err) == string(oauth.InvalidClient) {
		return now, s.over()
	}
	if err != nil {
		return now, fmt.Errorf("renew the login at %s: %w", s.server, withoutBody(err))
	}
	now.AccessToken, now.Expires = issued.AccessToken, issued.Expiry
	if issued.RefreshToken != "" {
		now.RefreshToken = issued.RefreshToken
	}
	return now, nil
}

// over says that only a person can go on.
func (s *savedLogin) over() error {
	who := ""
	if s.login.Username != "" {
		who = " of " + printable(s.login.Username)
	}
	return fmt.Errorf("the login%s at %s has ended: sign in with `grantor login --server %[2]s`", who, s.server)
}
