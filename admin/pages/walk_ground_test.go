package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// ground is what the paths of the walk are about, by the names of their parameters.
type ground map[string]string

// grounds numbers what is made, since names are unique.
var grounds atomic.Int64

// ground makes a client with a secret, an API, a group, and a user in it with a session, an allowed application and a personal
// access token. Below /account they are the visitor's own.
func (w *world) ground(rule access.Rule, visitor *account.User) ground {
	w.t.Helper()
	n := grounds.Add(1)
	ctx := w.system()
	c := w.client(oauth.Registration{
		ClientName: fmt.Sprintf("App %d", n), RedirectURIs: []string{callback}, Scope: "profile", PersonalAccessTokens: true,
		GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken},
	})
	owner := visitor
	if !strings.HasPrefix(rule.Path, "/account") {
		owner = w.user(fmt.Sprintf("person%d", n))
	}
	group, err := w.people.CreateGroup(ctx, account.NewGroup{Name: fmt.Sprintf("Group %d", n)})
	ok(w.t, err)
	ok(w.t, w.people.AddMember(ctx, group.ID, owner.ID))
	_, session, err := w.people.StartSession(ctx, owner, account.NewSession{})
	ok(w.t, err)
	token, _, err := w.provider.CreatePersonalToken(ctx, session, oauth.NewPersonalToken{
		ClientID: c.ClientID, Name: "mine", Scope: "profile", Lifetime: 48 * time.Hour,
	})
	ok(w.t, err)
	api, err := w.provider.RegisterAPI(ctx, oauth.APIRegistration{Identifier: fmt.Sprintf("https://api-%d.example.com", n)})
	ok(w.t, err)
	return ground{
		"request_id": w.refusal(rule, int(n)),
		"api_id":     api.ID,
		"client_id":  c.ClientID, "secret_id": c.Secrets[0].ID, "user_id": owner.ID, "group_id": group.ID, "member_id": owner.ID,
		"session_id": session.ID, "token_id": token.ID, "authorization_id": w.authorization(c, owner, session),
	}
}

// refusal makes a refused request for a rule that is about one.
func (w *world) refusal(rule access.Rule, n int) string {
	id := fmt.Sprintf("%012x%020x", w.now().UnixMilli(), n)
	if !strings.Contains(rule.Path, "{request_id}") {
		return id
	}
	w.provider.NoteRefusal(oauth.Explanation{ID: id, Status: http.StatusBadRequest, Description: "no", Address: fmt.Sprintf("10.0.%d.%d", n>>8, n&255)}, nil)
	w.provider.FlushRefusals(w.system())
	return id
}

// authorization has the user allow the client what it asks for, and gives its id.
func (w *world) authorization(c *oauth.Client, u *account.User, s *account.Session) string {
	w.t.Helper()
	return w.allow(c, u, s, "profile")
}

// allow is authorization for any scope.
func (w *world) allow(c *oauth.Client, u *account.User, s *account.Session, scope string) string {
	w.t.Helper()
	ctx, v := w.system(), oauth.Visitor{Browser: "browser of " + u.Username, Session: s, User: u}
	d, err := w.provider.Authorize(ctx, oauth.Parameters{
		"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {callback}, "scope": {scope}, "state": {"s"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}, v)
	ok(w.t, err)
	waiting, _, err := w.provider.Waiting(ctx, d.Interaction.Handle, v.Browser)
	ok(w.t, err)
	ok(w.t, w.provider.Allow(ctx, waiting, v))
	_, err = w.provider.Continue(ctx, d.Interaction.Handle, v)
	ok(w.t, err)
	all, _, err := w.provider.Authorizations(ctx, "client:"+c.ClientID, "", 10)
	ok(w.t, err)
	for _, a := range all {
		if a.UserID == u.ID && !a.IsPersonal() {
			return a.ID
		}
	}
	w.t.Fatal("nothing was allowed")
	return ""
}

// sendFrom sends a form with a header that tells where it comes from, and gives the status.
func (b *browser) sendFrom(path string, fields url.Values, header [2]string) int {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(header[0], header[1])
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := httptest.NewRecorder()
	b.w.handler.ServeHTTP(answer, r)
	return answer.Code
}

func TestCookiesOfTheWalkAreThoseOfTheServer(t *testing.T) {
	w := newWorld(t)
	b := w.as("somebody")
	b.get("/admin")
	if b.value(web.NewCookieNames(base).Browser) == "" || b.value(web.NewCookieNames(base).Session) == "" {
		t.Error("a cookie has no value")
	}
}
