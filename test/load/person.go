package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
)

// secrets are what the server is seeded with, made anew for each run.
type secrets struct{ password, client string }

func newSecrets() secrets {
	return secrets{password: rand.Text(), client: oauth.GenerateSecret()}
}

// digest is what the floor compares the secret with.
func (s secrets) digest() string {
	sum := sha256.Sum256([]byte(s.client))
	return hex.EncodeToString(sum[:])
}

// The clients of the seed.
const (
	opaqueClient   = "load-opaque"
	jwtClient      = "load-jwt"
	edClient       = "load-eddsa"
	adminClient    = "load-admin"
	resourceServer = "load-api"
	username       = "load"
	redirectURI    = "http://127.0.0.1:9999/callback"
	scope          = "profile api:read api:write"
	audience       = "https://api.example.com"
)

// seed is in JSON, which is YAML as well.
func (s secrets) seed() []byte {
	client := func(id string, format oauth.AccessTokenFormat, grants ...oauth.GrantType) map[string]any {
		return map[string]any{
			"client_id": id, "client_name": id, "client_secret": s.client, "token_endpoint_auth_method": oauth.ClientSecretBasic,
			"grant_types": grants, "scope": scope, "audience": []string{audience}, "access_token_format": format,
			"access_token_lifetime": "24h", // a run may last
		}
	}
	web := client(opaqueClient, oauth.Opaque, oauth.ClientCredentials, oauth.AuthorizationCode, oauth.RefreshToken)
	web["redirect_uris"] = []string{redirectURI}
	api := client(resourceServer, oauth.Opaque, oauth.ClientCredentials)
	api["resource_server"] = true
	ed := client(edClient, oauth.JWT, oauth.ClientCredentials)
	ed["access_token_signing_alg"] = "EdDSA"
	manager := client(adminClient, oauth.Opaque, oauth.ClientCredentials)
	manager["permissions"] = []string{"clients:view", "clients:create"}
	manager["scope"], manager["audience"] = "clients:view clients:create", nil
	seed, err := json.Marshal(map[string]any{
		"users":   []any{map[string]any{"username": username, "password": s.password, "name": "Load"}},
		"clients": []any{web, api, client(jwtClient, oauth.JWT, oauth.ClientCredentials), ed, manager},
	})
	if err != nil {
		panic(err) // texts and lists always have a JSON form
	}
	return seed
}

// signIn goes through the login and consent pages as a browser does, and gives the cookies of the session.
func signIn(ctx context.Context, base, authorize, password string) (cookies string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirectURI) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := fetch(ctx, browser, http.MethodGet, base+authorize, nil)
	if err != nil {
		return "", fmt.Errorf("open login page: %w", err)
	}
	form := hidden(page)
	form.Set("username", username)
	form.Set("password", password)
	if page, err = fetch(ctx, browser, http.MethodPost, base+"/login", form); err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	form = hidden(page)
	form.Set("decision", "allow")
	if _, err = fetch(ctx, browser, http.MethodPost, base+"/consent", form); err != nil {
		return "", fmt.Errorf("allow: %w", err)
	}
	site, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, c := range jar.Cookies(site) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if len(pairs) < 2 {
		return "", errors.New("sign in: there is no session")
	}
	return strings.Join(pairs, "; "), nil
}

func fetch(ctx context.Context, browser *http.Client, method, to string, form url.Values) (page string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w, err := browser.Do(r)
	if err != nil {
		return "", err
	}
	defer w.Body.Close() // it was only read
	body, err := io.ReadAll(w.Body)
	if w.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("%s answered %s", to, w.Status)
	}
	return string(body), err
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// hidden gives the hidden fields of a page, whose values need no unescaping.
func hidden(page string) url.Values {
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	return form
}
