package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// faults registers, and gives the fields that were found wrong.
func faults(t *testing.T, n *node, r oauth.Registration, secret string) []string {
	t.Helper()
	_, _, err := n.RegisterClient(context.Background(), r, secret)
	if err == nil {
		return nil
	}
	var e *oauth.RegistrationError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v", err)
	}
	var fields []string
	for _, f := range e.Fields {
		if f.Message == "" || !strings.Contains(err.Error(), f.Field+" "+f.Message) {
			t.Errorf("%s: %q is not in %q", f.Field, f.Message, err)
		}
		fields = append(fields, f.Field)
	}
	return fields
}

func TestARegistrationIsTakenWithItsDefaults(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c, secret, err := n.RegisterClient(t.Context(), oauth.Registration{RedirectURIs: []string{callback}, ClientName: "  An app\t"}, "")
	ok(t, err)
	if c.ClientID == "" || c.ClientName != "An app" || c.TokenEndpointAuthMethod != oauth.ClientSecretBasic || c.AccessTokenFormat != oauth.Opaque {
		t.Errorf("registered %+v", c.Registration)
	}
	if !slices.Equal(c.GrantTypes, []oauth.GrantType{oauth.AuthorizationCode}) || c.Number != 1 || !c.Created.Equal(w.now()) {
		t.Errorf("registered %+v", c)
	}
	if !strings.HasPrefix(secret, "grcs_") || strings.Contains(b.kept.String(), secret) {
		t.Errorf("the secret %.5s is not ours, or stands in the store", secret)
	}
	if second := n.register(webApp()); second.Number != 2 {
		t.Errorf("number is %d", second.Number)
	}
	ok(t, n.DeleteClient(t.Context(), "web"))
	if third := n.register(webApp()); third.Number != 3 {
		t.Errorf("a number is given again: %d", third.Number)
	}
}

func TestEveryFaultOfARegistrationIsListed(t *testing.T) {
	_, n := newNode(t)
	got := faults(t, n, oauth.Registration{
		ClientID: "usr_1", ClientName: strings.Repeat("n", 256), ClientURI: "javascript:alert(1)", TokenEndpointAuthMethod: "private_key_jwt",
		GrantTypes:   []oauth.GrantType{"password", "implicit", oauth.RefreshToken, oauth.RefreshToken},
		RedirectURIs: []string{callback, "http://evil.example/", callback}, Scope: `a "b"`, DefaultScope: "c", Audience: []string{api, "not-a-uri", api + "#x"},
		AccessTokenFormat: "saml", AccessTokenSigningAlg: "none", AccessTokenLifetime: oauth.Duration(time.Second),
	}, "")
	want := []string{
		"client_id", "client_name", "client_uri", "token_endpoint_auth_method", "grant_types[0]", "grant_types[1]", "grant_types[3]", "grant_types",
		"redirect_uris[1]", "redirect_uris[2]", "scope", "default_scope", "audience[1]", "audience[2]", "access_token_format", "access_token_signing_alg", "access_token_lifetime",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults of\n%q, want\n%q", got, want)
	}
}

func TestFaultsOfOneField(t *testing.T) {
	_, n := newNode(t)
	for name, c := range map[string]struct {
		change func(*oauth.Registration)
		field  string // "" where it is fine
	}{
		"long id":                      {func(r *oauth.Registration) { r.ClientID = strings.Repeat("a", 128) }, ""},
		"too long id":                  {func(r *oauth.Registration) { r.ClientID = strings.Repeat("a", 129) }, "client_id"},
		"id of a user":                 {func(r *oauth.Registration) { r.ClientID = "usr_00000000000000000000000000000000" }, "client_id"},
		"id with a colon":              {func(r *oauth.Registration) { r.ClientID = "a:b" }, "client_id"},
		"id with a blank":              {func(r *oauth.Registration) { r.ClientID = "a b" }, "client_id"},
		"id with NUL":                  {func(r *oauth.Registration) { r.ClientID = "a\x00" }, "client_id"},
		"id in another script":         {func(r *oauth.Registration) { r.ClientID = "\u0430" }, "client_id"},
		"name of 255 characters":       {func(r *oauth.Registration) { r.ClientName = strings.Repeat("ü", 255) }, ""},
		"name of 256 characters":       {func(r *oauth.Registration) { r.ClientName = strings.Repeat("ü", 256) }, "client_name"},
		"name with a line break":       {func(r *oauth.Registration) { r.ClientName = "a\nb" }, "client_name"},
		"name in broken UTF-8":         {func(r *oauth.Registration) { r.ClientName = "a\xff" }, "client_name"},
		"name that turns round":        {func(r *oauth.Registration) { r.ClientName = "a\u202egnp.b" }, "client_name"},
		"name that isolates":           {func(r *oauth.Registration) { r.ClientName = "a\u2066b" }, "client_name"},
		"name with a hidden character": {func(r *oauth.Registration) { r.ClientName = "a\u200bb" }, "client_name"},
		"name with a line separator":   {func(r *oauth.Registration) { r.ClientName = "a\u2028b" }, "client_name"},
		"name with markup":             {func(r *oauth.Registration) { r.ClientName = "<b>a</b>" }, ""},
		"name of joined letters":       {func(r *oauth.Registration) { r.ClientName = "می\u200cخواهم 👩\u200d💻" }, ""},
		"client_uri":                   {func(r *oauth.Registration) { r.ClientURI = "https://app.example.com/about" }, ""},
		"client_uri on loopback":       {func(r *oauth.Registration) { r.ClientURI = "http://localhost:3000" }, ""},
		"client_uri over http":         {func(r *oauth.Registration) { r.ClientURI = "http://app.example.com" }, "client_uri"},
		"client_uri with a user":       {func(r *oauth.Registration) { r.ClientURI = "https://a@app.example.com" }, "client_uri"},
		"client_uri without a host":    {func(r *oauth.Registration) { r.ClientURI = "https:app" }, "client_uri"},
		"no redirect":                  {func(r *oauth.Registration) { r.RedirectURIs = nil }, "redirect_uris"},
		"50 redirects":                 {func(r *oauth.Registration) { r.RedirectURIs = numbered("https://a.example/%d", 50) }, ""},
		"51 redirects":                 {func(r *oauth.Registration) { r.RedirectURIs = numbered("https://a.example/%d", 51) }, "redirect_uris"},
		"public acting for itself":     {func(r *oauth.Registration) { r.TokenEndpointAuthMethod = oauth.NoSecret }, "grant_types"},
		"public resource server": {func(r *oauth.Registration) {
			*r = nativeApp()
			r.ResourceServer = true
		}, "resource_server"},
		"resource server of nothing": {func(r *oauth.Registration) { r.ResourceServer, r.Audience = true, nil }, "audience"},
		"50 audiences":               {func(r *oauth.Registration) { r.Audience = numbered("https://a.example/%d", 50) }, ""},
		"51 audiences":               {func(r *oauth.Registration) { r.Audience = numbered("https://a.example/%d", 51) }, "audience"},
		"urn audience":               {func(r *oauth.Registration) { r.Audience = []string{"urn:example:api"} }, ""},
		"100 scopes":                 {func(r *oauth.Registration) { r.Scope = strings.Join(numbered("s%d", 100), " ") }, ""},
		"101 scopes":                 {func(r *oauth.Registration) { r.Scope = strings.Join(numbered("s%d", 101), " ") }, "scope"},
		"default within scope":       {func(r *oauth.Registration) { r.DefaultScope = "profile" }, ""},
		"default beyond scope":       {func(r *oauth.Registration) { r.DefaultScope = "profile admin" }, "default_scope"},
		"life of 30 s":               {func(r *oauth.Registration) { r.AccessTokenLifetime = oauth.Duration(30 * time.Second) }, ""},
		"life of 29 s":               {func(r *oauth.Registration) { r.AccessTokenLifetime = oauth.Duration(29 * time.Second) }, "access_token_lifetime"},
		"life of a day":              {func(r *oauth.Registration) { r.AccessTokenLifetime = oauth.Duration(24 * time.Hour) }, ""},
		"life of more than a day":    {func(r *oauth.Registration) { r.AccessTokenLifetime = oauth.Duration(24*time.Hour + 1) }, "access_token_lifetime"},
		"life below nothing":         {func(r *oauth.Registration) { r.AccessTokenLifetime = -1 }, "access_token_lifetime"},
		"HS256":                      {func(r *oauth.Registration) { r.AccessTokenFormat, r.AccessTokenSigningAlg = oauth.JWT, "HS256" }, "access_token_signing_alg"},
		"EdDSA":                      {func(r *oauth.Registration) { r.AccessTokenFormat, r.AccessTokenSigningAlg = oauth.JWT, "EdDSA" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := webApp()
			r.ClientID, r.ClientName = strings.ReplaceAll(name, " ", "-"), ""
			c.change(&r)
			got := faults(t, n, r, "")
			if c.field == "" && got != nil || c.field != "" && !slices.Equal(got, []string{c.field}) {
				t.Errorf("faults of %q, want %q", got, c.field)
			}
			if c.field != "" {
				return
			}
			if _, err := n.UpdateClient(context.Background(), r, 0); err != nil {
				t.Errorf("what could be registered cannot be saved: %v", err)
			}
		})
	}
}

func TestAnUpdateIsCheckedLikeARegistration(t *testing.T) {
	_, n := newNode(t)
	n.register(webApp())
	r := webApp()
	r.RedirectURIs = []string{"http://evil.example/cb"}
	var e *oauth.RegistrationError
	if _, err := n.UpdateClient(t.Context(), r, 0); !errors.As(err, &e) || e.Fields[0].Field != "redirect_uris[0]" {
		t.Errorf("error is %v", err)
	}
	r.ClientID = "nobody"
	r.RedirectURIs = webApp().RedirectURIs
	_, err := n.UpdateClient(t.Context(), r, 0)
	wantErr(t, err, store.ErrNotFound)
}

func TestChosenSecretsHaveAnEnd(t *testing.T) {
	_, n := newNode(t)
	for length, fine := range map[int]bool{7: false, 8: true, 1024: true, 1025: false} {
		r := webApp()
		r.ClientID, r.ClientName = strings.Repeat("a", length%100), ""
		got := faults(t, n, r, strings.Repeat("s", length))
		if fine != (got == nil) || !fine && got[0] != "client_secret" {
			t.Errorf("a secret of %d bytes: faults %q", length, got)
		}
	}
}

func TestUnknownClientIDsAskNoStore(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	b.took()
	for _, id := range []string{"", "usr_1", "a b", "a/b", "a\x00", strings.Repeat("a", 129), "\xff", "a\n"} {
		_, err := n.Client(t.Context(), id)
		wantErr(t, err, store.ErrNotFound)
		wantErr(t, n.DeleteClient(t.Context(), id), store.ErrNotFound)
		wantErr(t, n.SetClientState(t.Context(), id, oauth.Disabled), store.ErrNotFound)
		wantErr(t, n.EndClientTokens(t.Context(), id), store.ErrNotFound)
	}
	if calls := b.took(); len(calls) > 0 {
		t.Errorf("the store was asked: %q", calls)
	}
}

func TestAStoredClientIsReadAsItWasWritten(t *testing.T) {
	r := webApp()
	r.AccessTokenLifetime = oauth.Duration(36 * time.Hour / 3)
	b, err := json.Marshal(r)
	ok(t, err)
	var back oauth.Registration
	ok(t, json.Unmarshal(b, &back))
	if again, _ := json.Marshal(back); string(again) != string(b) {
		t.Errorf("%s becomes %s", b, again)
	}
	if !strings.Contains(string(b), `"access_token_lifetime":"12h"`) {
		t.Errorf("written as %s", b)
	}
}
