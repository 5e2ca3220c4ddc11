package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

const verifier = "the-verifier-of-these-tests-is-at-least-43-characters-long"

// allowed has a user allow a client what it asks for, and gives the tokens that it redeems.
func (w *world) allowed(c *oauth.Client, u *account.User) *oauth.Tokens {
	w.t.Helper()
	_, session, err := w.people.StartSession(w.system(), u, account.NewSession{})
	ok(w.t, err)
	visitor := oauth.Visitor{Browser: "browser of " + u.Username, Session: session, User: u}
	sum := sha256.Sum256([]byte(verifier))
	d, err := w.provider.Authorize(w.system(), oauth.Parameters{
		"client_id": {c.ClientID}, "redirect_uri": {c.RedirectURIs[0]}, "response_type": {"code"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, visitor)
	ok(w.t, err)
	if d.Step == oauth.AskUser {
		waiting, _, err := w.provider.Waiting(w.system(), d.Interaction.Handle, visitor.Browser)
		ok(w.t, err)
		ok(w.t, w.provider.Allow(w.system(), waiting, visitor))
		d, err = w.provider.Continue(w.system(), d.Interaction.Handle, visitor)
		ok(w.t, err)
	}
	code := ""
	for _, f := range d.Response.Fields {
		if f.Name == "code" {
			code = f.Value
		}
	}
	tokens, err := w.provider.Token(w.system(), c, &oauth.TokenRequest{
		GrantType: "authorization_code", Code: code, RedirectURI: c.RedirectURIs[0], CodeVerifier: verifier,
	})
	ok(w.t, err)
	return tokens
}

func (w *world) active(c *oauth.Client, token string) bool {
	w.t.Helper()
	seen, err := w.provider.Introspect(w.system(), c, token)
	ok(w.t, err)
	return seen.Active
}

func (w *world) machineToken(c *oauth.Client) string {
	w.t.Helper()
	tokens, err := w.provider.Token(w.system(), c, &oauth.TokenRequest{GrantType: "client_credentials"})
	ok(w.t, err)
	return tokens.AccessToken
}

func TestClientWithEveryGrantTickedExchangesItsCode(t *testing.T) {
	w := newWorld(t)
	b := creator(w)
	shown := b.open(newClient+"?template=web").form("Create Auth Client").set("client_name", "All of them").set("redirect_uris", callback).
		set("grant_types", "authorization_code", "refresh_token", "client_credentials").set("personal_access_tokens", "yes").submit()
	c := w.clientNow(textOf(byID(shown.document, "client-id")))
	tokens := w.allowed(c, w.user("ada"))
	if !w.active(c, tokens.AccessToken) || tokens.RefreshToken == "" {
		t.Errorf("the code gave %+v", tokens)
	}
	if machine := w.machineToken(c); !w.active(c, machine) {
		t.Error("the client credentials gave nothing")
	}
	b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("grant_types", "authorization_code").submit().follow()
	if _, err := w.provider.Token(w.system(), w.clientNow(c.ClientID), &oauth.TokenRequest{GrantType: "client_credentials"}); err == nil {
		t.Error("a grant that is not ticked gives tokens")
	}
}

func TestPageShowsLiveAuthorizationsAndRevokesOneOrAll(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.GrantTypes = append(r.GrantTypes, oauth.ClientCredentials)
	c, other := w.client(r), w.client(webClient("Other"))
	ada, grace := w.user("ada"), w.user("grace")
	first, second := w.allowed(c, ada), w.allowed(c, grace)
	elsewhere := w.allowed(other, ada)
	machine := w.machineToken(c)
	ok(t, w.provider.FlushUsage(w.system()))
	b := w.as("revoker", account.ViewClients, account.ViewTokens, account.DeleteTokens)
	page := b.open("/admin/auth-clients/"+c.ClientID).shows("ada", "grace", "profile", "2026-03-01 12:00 UTC")
	if page.link("ada") != "" {
		t.Error("a user is a link for somebody who may not see users")
	}
	id := ""
	for _, form := range elements(page.document, "form") {
		if to := attribute(form, "action"); strings.HasSuffix(to, "/revoke") && strings.Contains(to, "/authorizations/") && strings.Contains(textOf(form), "ada") {
			id = strings.TrimPrefix(to, base)
		}
	}
	wrong := strings.Replace(id, c.ClientID, other.ClientID, 1)
	token := page.form("Revoke what ada allowed").fields
	b.post(wrong, token).wantStatus(http.StatusNotFound)
	b.post(id, token).follow().shows("The authorization was revoked")
	if w.active(c, first.AccessToken) || !w.active(c, second.AccessToken) {
		t.Error("it was not exactly the first that ended")
	}
	b.post(id, token).wantStatus(http.StatusNotFound)
	b.open("/admin/auth-clients/"+c.ClientID+"/authorizations").shows("grace", "In all: 1 live authorization of a user").hides(">ada<")

	ask := b.open("/admin/auth-clients/"+c.ClientID).click("Revoke all").
		shows("Are you sure you want to revoke all tokens of the auth client Holiday photos?", "1 live authorization of a user")
	w.move(3 * time.Second)
	ask.press("Revoke all tokens").follow().shows("All tokens of the auth client were revoked.", "Nobody has allowed anything")
	if w.active(c, second.AccessToken) || w.active(c, machine) {
		t.Error("a token lives on")
	}
	if !w.active(other, elsewhere.AccessToken) {
		t.Error("a token of another client ended")
	}
}

func TestDeleteCountsWhatEndsAndEndsIt(t *testing.T) {
	w := newWorld(t)
	r := webClient("Holiday photos")
	r.GrantTypes = append(r.GrantTypes, oauth.ClientCredentials)
	c, watcher := w.client(r), w.client(webClient("Other"))
	tokens, machine := w.allowed(c, w.user("ada")), w.machineToken(c)
	w.allowed(c, w.user("grace"))
	ok(t, w.provider.FlushUsage(w.system()))
	b := w.as("deleter", account.ViewClients, account.DeleteClients)
	ask := b.open("/admin/auth-clients/"+c.ClientID+"/delete").shows("2 live authorizations of users", "1 live token that it got for itself")
	ask.press("Delete Auth Client").follow().shows("The auth client was deleted.")
	for _, token := range []string{tokens.AccessToken, tokens.RefreshToken, machine} {
		if w.active(watcher, token) {
			t.Errorf("%.6s lives on", token)
		}
	}
}

func TestPageShowsUseAndHistoryAndOwner(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	made := b.open(newClient+"?template=machine").form("Create Auth Client").set("client_name", "Robot <i>").submit()
	c := w.clientNow(textOf(byID(made.document, "client-id")))
	for range 3 {
		w.machineToken(c)
	}
	ok(t, w.provider.FlushUsage(w.system()))
	page := b.open("/admin/auth-clients/" + c.ClientID)
	page.shows("Tokens issued", "3 tokens", "Client credentials", "created", "root", "Registered", "2026-03-01 12:00 UTC by root", "Last day", "Last week")
	if page.link("root") == "" {
		t.Error("the owner is no link")
	}
	page.click("Last week").wantStatus(http.StatusOK).shows("over the last week")
	b.open("/admin/auth-clients/" + c.ClientID + "?period=%3Cscript%3E").shows("over the last day")
	for i := range 60 {
		b.open("/admin/auth-clients/"+c.ClientID+"/edit").form("Save").set("client_uri", fmt.Sprintf("https://%d.example.com", i)).submit()
		w.move(time.Second)
	}
	history := b.open("/admin/auth-clients/"+c.ClientID+"/history").shows("https://59.example.com", "Older")
	history.click("Older ›").shows("https://0.example.com", "created").click("« Newest").shows("https://59.example.com")
	history.click("Open in the audit log").wantStatus(http.StatusOK).shows("https://59.example.com")
	b.open("/admin/auth-clients/" + c.ClientID + "/history?after=%00%ff").wantStatus(http.StatusOK)
	b.open("/admin/auth-clients/" + c.ClientID + "/authorizations?after=zzz%27").wantStatus(http.StatusOK)
}
