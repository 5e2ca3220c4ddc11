package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// reader is a resource server that reads the feed of one node.
type reader struct {
	*oauth.Subscription
	t      *testing.T
	n      *node
	cred   oauth.Credentials
	ids    []string
	seen   []oauth.Ended
	resets int
	at     string // the last position it was told
}

// guard registers the resource server of one API.
func (n *node) guard(id, serves string) oauth.Credentials {
	n.w.t.Helper()
	r := resourceServer()
	r.ClientID, r.ClientName, r.Audience = id, id, []string{serves}
	_, secret, err := n.RegisterClient(context.Background(), r, "")
	ok(n.w.t, err)
	return oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: id, Secret: secret}
}

// reads opens the feed, as soon as the node follows it.
func (n *node) reads(cred oauth.Credentials, lastID string) *reader {
	n.w.t.Helper()
	var sub *oauth.Subscription
	eventually(n.w.t, "the node follows the feed", func() bool {
		s, err := n.Revocations(context.Background(), cred, lastID)
		if refusedWith(err) == oauth.TemporarilyUnavailable {
			return false
		}
		ok(n.w.t, err)
		sub = s
		return true
	})
	n.w.t.Cleanup(sub.Close)
	return &reader{Subscription: sub, t: n.w.t, n: n, cred: cred, at: lastID}
}

// take gives what is new, without waiting.
func (r *reader) take() []oauth.Ended {
	r.t.Helper()
	var fresh []oauth.Ended
	for {
		news, err := r.Next()
		if errors.Is(err, oauth.ErrFeedEnds) { // a busy machine: as every reader, this one comes back
			r.Subscription = r.n.reads(r.cred, r.at).Subscription
			continue
		}
		ok(r.t, err)
		if news.Reset {
			r.resets++
		}
		for _, e := range news.Events {
			var ended oauth.Ended
			ok(r.t, json.Unmarshal(e.Data, &ended))
			fresh, r.ids = append(fresh, ended), append(r.ids, e.ID)
		}
		if r.at = news.Position; !news.More {
			r.seen = append(r.seen, fresh...)
			return fresh
		}
	}
}

// await waits until there are as many events in all, and gives them.
func (r *reader) await(n int) []oauth.Ended {
	r.t.Helper()
	eventually(r.t, "all events are there", func() bool { r.take(); return len(r.seen) >= n })
	if len(r.seen) > n {
		r.t.Fatalf("got %d events, want %d: %+v", len(r.seen), n, r.seen)
	}
	return r.seen
}

func kinds(events []oauth.Ended) string {
	var names []string
	for _, e := range events {
		names = append(names, string(e.Type))
	}
	return strings.Join(names, " ")
}

func jwtApp() oauth.Registration {
	r := webApp()
	r.AccessTokenFormat, r.PersonalAccessTokens = oauth.JWT, true
	return r
}

// jti gives the id of a token as its resource server knows it.
func (n *node) jti(c *oauth.Client, token string) string { return n.look(c, token).ID }

// TestWhatEndsIsTold has a row for each line of "What ends what" in docs/architecture.md.
func TestWhatEndsIsTold(t *testing.T) {
	t.Parallel()
	type scene struct {
		n      *node
		c      *oauth.Client
		u      *account.User
		v      oauth.Visitor
		cookie string
		first  *oauth.Tokens
		code   string
		secret string
	}
	ctx := context.Background()
	for name, one := range map[string]struct {
		act  func(t *testing.T, s *scene) error
		want string // types of events
	}{
		"a code is shown twice": {func(t *testing.T, s *scene) error {
			_, err := s.n.redeem(s.c, s.code)
			wantCode(t, err, oauth.InvalidGrant)
			return nil
		}, "authorization"},
		"a used refresh token within the grace window": {func(_ *testing.T, s *scene) error {
			_, err := s.n.refresh(s.c, s.first.RefreshToken)
			_, again := s.n.refresh(s.c, s.first.RefreshToken)
			return errors.Join(err, again)
		}, ""},
		"a used refresh token later": {func(t *testing.T, s *scene) error {
			_, err := s.n.refresh(s.c, s.first.RefreshToken)
			s.n.w.move(time.Minute)
			_, again := s.n.refresh(s.c, s.first.RefreshToken)
			wantCode(t, again, oauth.InvalidGrant)
			return err
		}, "authorization"},
		"a token is revoked":         {func(_ *testing.T, s *scene) error { return s.n.Revoke(ctx, s.c, s.first.AccessToken) }, "authorization"},
		"a refresh token is revoked": {func(_ *testing.T, s *scene) error { return s.n.Revoke(ctx, s.c, s.first.RefreshToken) }, "authorization"},
		"a machine's token is revoked": {func(t *testing.T, s *scene) error {
			m, err := s.n.machine(s.c)
			ok(t, err)
			return s.n.Revoke(ctx, s.c, m.AccessToken)
		}, "token"},
		"a client is disabled": {func(_ *testing.T, s *scene) error { return s.n.SetClientState(ctx, "web", oauth.Disabled) }, "client"},
		"a client is enabled":  {func(_ *testing.T, s *scene) error { return s.n.SetClientState(ctx, "web", oauth.Enabled) }, "client"},
		"a client is deleted":  {func(_ *testing.T, s *scene) error { return s.n.DeleteClient(ctx, "web") }, "client"},
		"a user is blocked":    {func(_ *testing.T, s *scene) error { return s.n.people.SetBlocked(ctx, s.u.ID, account.Block) }, "subject"},
		"a user is unblocked":  {func(_ *testing.T, s *scene) error { return s.n.people.SetBlocked(ctx, s.u.ID, account.Unblock) }, ""},
		"a user is deleted":    {func(_ *testing.T, s *scene) error { return s.n.people.DeleteUser(ctx, s.u.ID) }, "subject"},
		"a password is set":    {func(_ *testing.T, s *scene) error { return s.n.people.SetPassword(ctx, s.u.ID, "another "+password) }, "subject"},
		"a user changes his own": {func(_ *testing.T, s *scene) error {
			return s.n.people.ChangeOwnPassword(ctx, s.v.Session, password, "another "+password, "")
		}, "subject"},
		"a user is signed out": {func(_ *testing.T, s *scene) error { return s.n.people.EndAll(ctx, s.u.ID) }, "subject"},
		"a user's time is moved": {func(_ *testing.T, s *scene) error {
			_, err := s.n.people.UpdateUser(ctx, s.u.ID, 0, func(u *account.User) error { u.NotBefore = s.n.w.now(); return nil })
			return err
		}, "subject"},
		"a user's name is changed": {func(_ *testing.T, s *scene) error {
			_, err := s.n.people.UpdateUser(ctx, s.u.ID, 0, func(u *account.User) error { u.Name = "Alice"; return nil })
			return err
		}, ""},
		"an application is withdrawn": {func(_ *testing.T, s *scene) error { return s.n.WithdrawApp(ctx, s.u.ID, "web") }, "authorization"},
		"an authorization is revoked": {func(t *testing.T, s *scene) error {
			return s.n.RevokeAuthorization(ctx, strings.Split(s.n.jti(s.c, s.first.AccessToken), ".")[0])
		}, "authorization"},
		"everything of a client is revoked": {func(_ *testing.T, s *scene) error { return s.n.EndClientTokens(ctx, "web") }, "client"},
		"what a client got before a time": {func(_ *testing.T, s *scene) error {
			s.n.w.move(time.Minute)
			_, err := s.n.RevokeSelected(ctx, oauth.Selection{ClientID: "web", Before: s.n.w.now()})
			return err
		}, "client"},
		"everything of a user is revoked": {func(_ *testing.T, s *scene) error {
			_, err := s.n.RevokeSelected(ctx, oauth.Selection{UserID: s.u.ID})
			return err
		}, "authorization"},
		"a scope is taken from a client": {func(_ *testing.T, s *scene) error { r := jwtApp(); r.Scope = "profile"; s.n.update(r); return nil }, ""},
		"a secret is replaced":           {func(_ *testing.T, s *scene) error { _, err := s.n.ReplaceSecrets(ctx, "web", ""); return err }, ""},
		"a session is ended by its user": {func(_ *testing.T, s *scene) error { return s.n.people.EndSession(ctx, s.cookie) }, "session"},
		"a session is ended by id":       {func(_ *testing.T, s *scene) error { return s.n.people.EndSessionByID(ctx, s.u.ID, s.v.Session.ID) }, "session"},
		"the other sessions are ended": {func(t *testing.T, s *scene) error {
			return s.n.people.EndOtherSessions(ctx, s.n.signIn(s.u).Session)
		}, "session"},
		"a personal access token is revoked": {func(t *testing.T, s *scene) error {
			p, _, err := s.n.CreatePersonalToken(ctx, s.v.Session, oauth.NewPersonalToken{ClientID: "web", Name: "one", Scope: "profile", Lifetime: 30 * 24 * time.Hour})
			ok(t, err)
			return s.n.RevokePersonalToken(ctx, s.u.ID, p.ID)
		}, "authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, n := newNode(t)
			n.run()
			s := &scene{n: n, u: n.user("alice")}
			var err error
			s.c, s.secret, err = n.RegisterClient(ctx, jwtApp(), "")
			ok(t, err)
			cookie, session, err := n.people.StartSession(ctx, s.u, account.NewSession{})
			ok(t, err)
			s.cookie, s.v = cookie, oauth.Visitor{Browser: "his", Session: session, User: s.u}
			s.code = n.authorize(s.c, s.v)
			s.first, err = n.redeem(s.c, s.code)
			ok(t, err)
			sees, foreign := n.reads(n.guard("api", api), ""), n.reads(n.guard("foreign", "https://foreign.example.com"), "")
			ok(t, one.act(t, s))
			if got := kinds(sees.await(len(strings.Fields(one.want)))); got != one.want {
				t.Errorf("told %q, want %q", got, one.want)
			}
			for _, e := range sees.seen {
				if left := time.Unix(e.Until, 0).Sub(n.w.now()); left <= 0 || left > oauth.MaxAccessToken+5*time.Second {
					t.Errorf("it matters for %v: %+v", left, e)
				}
			}
			if got := foreign.take(); len(got) > 0 {
				t.Errorf("an API that it does not concern is told %+v", got)
			}
		})
	}
}

// TestEventsNameTheTokensThatTheyAreAbout compares as a reader does.
func TestEventsNameTheTokensThatTheyAreAbout(t *testing.T) {
	t.Parallel()
	w, n := newNode(t)
	n.run()
	c := n.register(jwtApp())
	u := n.user("alice")
	cred := n.guard("api", api)
	sees := n.reads(cred, "")
	tokens := n.tokens(c, n.signIn(u))
	token := n.look(c, tokens.AccessToken)
	authorization, id, _ := strings.Cut(token.ID, ".")
	if len(id) != 32 || len(token.Generation) != 11 {
		t.Fatalf("token %+v", token)
	}
	ok(t, n.people.EndAll(t.Context(), u.ID))
	w.move(time.Second)
	e := sees.await(1)[0]
	if e.Subject != u.ID || e.Generation != token.Generation || e.Before != w.now().Add(-time.Second).Unix() || e.Until < token.Expires.Unix() {
		t.Errorf("told %+v of %+v", e, token)
	}
	u, err := n.people.User(t.Context(), u.ID)
	ok(t, err)
	next := n.look(c, n.tokens(c, n.signIn(u)).AccessToken)
	if next.Generation == token.Generation || next.Generation == "" {
		t.Errorf("the next generation is %q", next.Generation)
	}
	ok(t, n.RevokeAuthorization(t.Context(), strings.Split(next.ID, ".")[0]))
	if e := sees.await(2)[1]; e.Authorization == "" || e.Authorization == authorization || !strings.HasPrefix(next.ID, e.Authorization+".") {
		t.Errorf("told %+v of %+v", e, next)
	}
	machine, err := n.machine(c)
	ok(t, err)
	m := n.look(c, machine.AccessToken)
	ok(t, n.Revoke(t.Context(), c, machine.AccessToken))
	if e := sees.await(3)[2]; e.ID != m.ID || e.Until != m.Expires.Unix() || m.Generation != "" {
		t.Errorf("told %+v of %+v", e, m)
	}
	ok(t, n.SetClientState(t.Context(), "web", oauth.Disabled))
	ok(t, n.SetClientState(t.Context(), "web", oauth.Enabled))
	all := sees.await(5)
	if off, on := all[3], all[4]; off.ClientID != "web" || off.Before != 0 || on.Before != c.NotBefore.UnixMilli() {
		t.Errorf("told %+v, then %+v", off, on)
	}
	ok(t, n.EndClientTokens(t.Context(), "web"))
	if e := sees.await(6)[5]; e.Before != n.client("web").NotBefore.UnixMilli() {
		t.Errorf("told %+v", e)
	}
	ok(t, n.DeleteClient(t.Context(), "web"))
	before := sees.await(7)[6].Before
	again := n.register(jwtApp())
	if before == 0 || before > again.NotBefore.UnixMilli() {
		t.Errorf("what is registered under the id of a deleted client is refused: before %d, NotBefore %d", before, again.NotBefore.UnixMilli())
	}
}

// TestWhatWasTakenFromAClientHearsOfItsEnd: tokens for a resource live on when the client may ask for no more of them.
func TestWhatWasTakenFromAClientHearsOfItsEnd(t *testing.T) {
	t.Parallel()
	w, n := newNode(t)
	n.run()
	n.register(jwtApp())
	sees := n.reads(n.guard("other", otherAPI), "")
	r := jwtApp()
	r.Audience = []string{api}
	n.update(r)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	sees.await(1)
	w.move(25 * time.Hour)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	r.ClientURI = "https://web.example.com"
	n.update(r)
	time.Sleep(600 * time.Millisecond) // two looks at the list
	sees.await(1)
	if left := n.client("web").FormerAudience; len(left) > 0 {
		t.Errorf("kept %+v", left)
	}
}
