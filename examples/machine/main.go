// Command machine is a program that calls an API in its own name: it gets a token by client credentials and uses it until
// it nears its end, or until the API says that it is no longer good.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// renewBefore is how long before its end a token is replaced: longer than a call takes, and than clocks differ.
const renewBefore = 30 * time.Second

func main() {
	m := &machine{
		api: setting("API", "http://127.0.0.1:9000"),
		config: clientcredentials.Config{
			ClientID:       setting("CLIENT_ID", "demo-machine"),
			ClientSecret:   setting("CLIENT_SECRET", "grantor-demo-machine-secret"),
			TokenURL:       setting("ISSUER", "http://localhost:8080") + "/oauth2/token",
			AuthStyle:      oauth2.AuthStyleInHeader,
			Scopes:         strings.Fields(setting("SCOPE", "api:read")),
			EndpointParams: url.Values{"resource": {setting("AUDIENCE", "https://api.example.com")}}, // RFC 8707: for this API alone
		},
	}
	m.renew()
	every, err := time.ParseDuration(setting("EVERY", "2s"))
	if err != nil {
		log.Fatal(err)
	}
	for range time.Tick(every) {
		if answer, err := m.call("/orders"); err != nil {
			log.Print(err) // the next call may do better
		} else {
			fmt.Print(answer)
		}
	}
}

type machine struct {
	api    string
	config clientcredentials.Config
	tokens oauth2.TokenSource
}

// renew forgets the token, so that the next call begins with a new one.
func (m *machine) renew() {
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: 10 * time.Second})
	source := tokenSource(func() (*oauth2.Token, error) { return m.config.Token(ctx) })
	m.tokens = oauth2.ReuseTokenSourceWithExpiry(nil, source, renewBefore)
}

type tokenSource func() (*oauth2.Token, error)

// Token asks the server for a token.
func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// call asks the API. Where the token was withdrawn, it gets another one, once.
func (m *machine) call(path string) (string, error) {
	status, body, err := m.try(path)
	if err == nil && status == http.StatusUnauthorized {
		m.renew()
		status, body, err = m.try(path)
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s%s answered %d: %s", m.api, path, status, body)
	}
	return body, err
}

func (m *machine) try(path string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.api+path, nil)
	if err != nil {
		return 0, "", err
	}
	token, err := m.tokens.Token()
	if err != nil {
		return 0, "", fmt.Errorf("get a token: %w", err)
	}
	token.SetAuthHeader(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	b, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, string(b), err
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
