package oauth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// live gives what still stands under a tag, read in pages.
func (n *node) live(tag string, limit int) (all []*oauth.LiveAuthorization) {
	n.w.t.Helper()
	for cursor := ""; ; {
		page, next, err := n.LiveAuthorizations(n.w.t.Context(), tag, cursor, limit)
		ok(n.w.t, err)
		if len(page) > limit || next != "" && len(page) != limit {
			n.w.t.Fatalf("a page of %d, where %d were asked for, before %q", len(page), limit, next)
		}
		if all = append(all, page...); next == "" {
			return all
		}
		cursor = next
	}
}

func TestWhatStillStandsIsListed(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	tools := n.register(personalApp())
	alice, bob := n.signIn(n.user("alice")), n.signIn(n.user("bob"))
	for range 5 {
		n.tokens(c, alice)
		n.tokens(c, bob)
		w.move(time.Millisecond)
	}
	n.personal(tools, alice, "profile")
	for _, limit := range []int{1, 2, 3, 5, 10, 11} {
		if got := n.live("client:web", limit); len(got) != 10 || got[0].ClientName != "Web app" {
			t.Errorf("%d at a time: %d", limit, len(got))
		}
		if got := n.live("user:"+alice.User.ID, limit); len(got) != 6 || got[5].Name() != "backup job" || !got[5].IsPersonal() || got[0].IsPersonal() || got[0].Username != "alice" {
			t.Errorf("%d at a time: %d of alice", limit, len(got))
		}
	}
	one := n.live("client:web", 500)[3]
	found, err := n.LiveAuthorization(t.Context(), one.ID)
	ok(t, err)
	if found.Username != one.Username || found.ClientName != "Web app" {
		t.Errorf("found %+v", found)
	}
	for _, id := range []string{"", "x", one.ID[1:], one.ID + "0", "usr_1", "../../etc", one.ID[:31] + "\x00"} {
		_, err := n.LiveAuthorization(t.Context(), id)
		wantErr(t, err, store.ErrNotFound)
		wantErr(t, n.RevokeAuthorization(t.Context(), id), store.ErrNotFound)
	}
	for _, tag := range []string{"", "client:", "client:nobody", "user:x", strings.Repeat("x", 300)} {
		if got := n.live(tag, 10); len(got) > 0 {
			t.Errorf("%q: %d", tag, len(got))
		}
	}
	ok(t, n.people.SetBlocked(t.Context(), bob.User.ID, account.Block))
	if got := n.live("client:web", 3); len(got) != 5 {
		t.Errorf("with bob blocked: %d", len(got))
	}
	ok(t, n.RevokeAuthorization(t.Context(), one.ID))
	_, err = n.LiveAuthorization(t.Context(), one.ID)
	wantErr(t, err, store.ErrNotFound)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	if got := n.live("client:web", 10); len(got) > 0 {
		t.Errorf("after the end: %d", len(got))
	}
	if got := n.live("user:"+alice.User.ID, 10); len(got) != 1 {
		t.Errorf("after the end of one client: %d", len(got))
	}
}

// TestWhatNobodyCanUseAnyMoreIsNotLive: access token over, and no refresh token that the client may use.
func TestWhatNobodyCanUseAnyMoreIsNotLive(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	n.tokens(c, n.signIn(n.user("alice")))
	w.move(11 * time.Minute)
	if got := n.live("client:web", 10); len(got) != 1 {
		t.Fatalf("%d with a refresh token", len(got))
	}
	r := webApp()
	r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode}
	n.update(r)
	if got := n.live("client:web", 10); len(got) > 0 {
		t.Errorf("%d without", len(got))
	}
}

func TestTokensThatEndWithAClientAreCounted(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for range 3 {
		n.tokens(c, v)
	}
	for range 4 {
		_, err := n.machine(c)
		ok(t, err)
	}
	ok(t, n.FlushUsage(t.Context()))
	live, err := n.LiveTokens(t.Context(), "web")
	ok(t, err)
	if live != (oauth.LiveTokens{Authorizations: 3, Machine: 4}) {
		t.Errorf("counted %+v", live)
	}
	w.move(15 * time.Minute)
	if live, err = n.LiveTokens(t.Context(), "web"); err != nil || live.Machine != 0 || live.Authorizations != 3 {
		t.Errorf("later: %+v, %v", live, err)
	}
	_, err = n.machine(c)
	ok(t, err)
	ok(t, n.FlushUsage(t.Context()))
	ok(t, n.EndClientTokens(t.Context(), "web"))
	if live, err = n.LiveTokens(t.Context(), "web"); err != nil || live != (oauth.LiveTokens{}) {
		t.Errorf("after the end: %+v, %v", live, err)
	}
	_, err = n.LiveTokens(t.Context(), "nobody")
	wantErr(t, err, store.ErrNotFound)
}

func TestTokensOfADeletedClientAreNotCountedForItsSuccessor(t *testing.T) {
	w, n := newNode(t)
	_, err := n.machine(n.register(webApp()))
	ok(t, err)
	ok(t, n.FlushUsage(t.Context()))
	w.move(2 * time.Minute)
	ok(t, n.DeleteClient(t.Context(), "web"))
	n.register(webApp())
	if live, err := n.LiveTokens(t.Context(), "web"); err != nil || live != (oauth.LiveTokens{}) {
		t.Errorf("counted %+v, %v", live, err)
	}
}

// revocable makes two clients and two users with tokens of each, older and newer.
func revocable(t *testing.T) (n *node, between time.Time, tokens, users map[string]string) {
	w, n := newNode(t)
	other := webApp()
	other.ClientID, other.ClientName = "other", "Other"
	for _, r := range []oauth.Registration{webApp(), other} {
		r.PersonalAccessTokens = true
		n.register(r)
	}
	tokens, users = map[string]string{}, map[string]string{}
	visitors := map[string]oauth.Visitor{"alice": n.signIn(n.user("alice")), "bob": n.signIn(n.user("bob"))}
	for _, age := range []string{"old", "new"} {
		for _, client := range []string{"web", "other"} {
			c := n.client(client)
			for name, v := range visitors {
				users[name] = v.User.ID
				tokens[fmt.Sprintf("%s %s %s", age, client, name)] = n.tokens(c, v).AccessToken
				_, tokens[fmt.Sprintf("%s %s %s personal", age, client, name)] = n.personal(c, v, "profile")
			}
			machine, err := n.machine(c)
			ok(t, err)
			tokens[age+" "+client+" machine"] = machine.AccessToken
		}
		w.move(time.Second)
		if age == "old" {
			between = w.now()
		}
		w.move(time.Second)
	}
	return n, between, tokens, users
}

func TestASelectionEndsWhatItSelects(t *testing.T) {
	has := func(key, word string) bool { return slices.Contains(strings.Fields(key), word) }
	for name, x := range map[string]struct {
		selects func(between time.Time, users map[string]string) oauth.Selection
		ends    func(key string) bool
		ended   int
	}{
		"client": {func(time.Time, map[string]string) oauth.Selection { return oauth.Selection{ClientID: "web"} },
			func(k string) bool { return has(k, "web") }, 8},
		"user": {func(_ time.Time, u map[string]string) oauth.Selection { return oauth.Selection{UserID: u["bob"]} },
			func(k string) bool { return has(k, "bob") }, 8},
		"time": {func(b time.Time, _ map[string]string) oauth.Selection { return oauth.Selection{Before: b} },
			func(k string) bool { return has(k, "old") }, 8},
		"a time to come": {func(b time.Time, _ map[string]string) oauth.Selection {
			return oauth.Selection{Before: b.Add(time.Hour)}
		},
			func(string) bool { return true }, 16},
		"client and time": {func(b time.Time, _ map[string]string) oauth.Selection {
			return oauth.Selection{ClientID: "web", Before: b}
		},
			func(k string) bool { return has(k, "web") && has(k, "old") }, 4},
		"user and time": {func(b time.Time, u map[string]string) oauth.Selection {
			return oauth.Selection{UserID: u["bob"], Before: b}
		},
			func(k string) bool { return has(k, "bob") && has(k, "old") }, 4},
		"user and client": {func(_ time.Time, u map[string]string) oauth.Selection {
			return oauth.Selection{UserID: u["bob"], ClientID: "web"}
		},
			func(k string) bool { return has(k, "bob") && has(k, "web") }, 4},
		"all three": {func(b time.Time, u map[string]string) oauth.Selection {
			return oauth.Selection{UserID: u["bob"], ClientID: "web", Before: b}
		},
			func(k string) bool { return has(k, "bob") && has(k, "web") && has(k, "old") }, 2},
	} {
		n, between, tokens, users := revocable(t)
		ended, err := n.RevokeSelected(t.Context(), x.selects(between, users))
		ok(t, err)
		if ended != x.ended {
			t.Errorf("%s: %d ended, want %d", name, ended, x.ended)
		}
		for key, token := range tokens {
			seen, _, err := n.Examine(t.Context(), token)
			ok(t, err)
			if seen.Active == x.ends(key) {
				t.Errorf("%s: %s is active: %v", name, key, seen.Active)
			}
		}
		if again, err := n.RevokeSelected(t.Context(), x.selects(between, users)); again != 0 || err != nil {
			t.Errorf("%s again: %d, %v", name, again, err)
		}
	}
}

func TestASelectionByTimeIsToTheMillisecondAndNeverMovesBack(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	before, err := n.machine(c)
	ok(t, err)
	w.move(time.Millisecond)
	at := w.now()
	same, err := n.machine(c)
	ok(t, err)
	w.move(time.Millisecond)
	_, err = n.RevokeSelected(t.Context(), oauth.Selection{ClientID: "web", Before: at})
	ok(t, err)
	c = n.client("web")
	n.wantActive(c, false, before.AccessToken)
	n.wantActive(c, true, same.AccessToken)
	_, err = n.RevokeSelected(t.Context(), oauth.Selection{ClientID: "web", Before: at.Add(time.Nanosecond)})
	ok(t, err)
	n.wantActive(n.client("web"), false, same.AccessToken)
	ok(t, n.EndClientTokens(t.Context(), "web"))
	ended := n.client("web").NotBefore
	_, err = n.RevokeSelected(t.Context(), oauth.Selection{ClientID: "web", Before: at})
	ok(t, err)
	if got := n.client("web").NotBefore; !got.Equal(ended) {
		t.Errorf("moved from %v to %v", ended, got)
	}
	if ended.After(w.now().Add(4 * time.Second)) {
		t.Errorf("ends what begins at %v", ended)
	}
	_, err = n.RevokeSelected(t.Context(), oauth.Selection{Before: w.now().Add(1000 * time.Hour)})
	ok(t, err)
	after, err := n.machine(n.client("web"))
	ok(t, err)
	n.wantActive(n.client("web"), true, after.AccessToken)
	for s, want := range map[oauth.Selection]error{
		{}: oauth.ErrNothingSelected, {ClientID: "nobody"}: store.ErrNotFound, {UserID: "usr_x"}: store.ErrNotFound, {UserID: "usr_x", ClientID: "web"}: store.ErrNotFound,
	} {
		_, err := n.RevokeSelected(t.Context(), s)
		wantErr(t, err, want)
	}
}

func TestManyEndedAuthorizationsAreReadInParts(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	alice := n.signIn(n.user("alice"))
	ok(t, n.PlantEnded(t.Context(), 10_200, "web", alice.User.ID))
	n.tokens(c, alice)
	page, next, err := n.LiveAuthorizations(t.Context(), "client:web", "", 10)
	ok(t, err)
	if len(page) != 0 || next == "" {
		t.Errorf("%d of the first part, then %q", len(page), next)
	}
	page, next, err = n.LiveAuthorizations(t.Context(), "client:web", next, 10)
	ok(t, err)
	if len(page) != 1 || next != "" {
		t.Errorf("%d of the second part, then %q", len(page), next)
	}
	live, err := n.LiveTokens(t.Context(), "web")
	ok(t, err)
	if !live.More {
		t.Errorf("counted to the end: %+v", live)
	}
	if apps, err := n.AppsOf(t.Context(), alice.User.ID); err != nil || len(apps) != 1 {
		t.Errorf("%d apps, %v", len(apps), err)
	}
}
