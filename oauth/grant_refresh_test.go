package oauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// family gives a client, and the first tokens of a user's authorization.
func family(t *testing.T, w *world) (*node, *oauth.Client, *oauth.Tokens) {
	t.Helper()
	n := w.node()
	c := n.register(webApp())
	return n, c, n.tokens(c, n.signIn(n.user("alice")))
}

func TestRefreshTokensRotate(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	seen := map[string]bool{first.RefreshToken: true, first.AccessToken: true}
	for token := first.RefreshToken; len(seen) < 20; {
		w.move(time.Minute)
		next, err := n.refresh(c, token)
		ok(t, err)
		if seen[next.RefreshToken] || seen[next.AccessToken] || !strings.HasPrefix(next.RefreshToken, "grrt_") {
			t.Fatalf("got %+v", next)
		}
		seen[next.RefreshToken], seen[next.AccessToken] = true, true
		n.wantActive(c, true, next.AccessToken, next.RefreshToken)
		n.wantActive(c, false, token)
		token = next.RefreshToken
	}
}

func TestAUsedRefreshTokenGivesItsSuccessorWithinGrace(t *testing.T) {
	for age, good := range map[time.Duration]bool{
		0: true, 9 * time.Second: true, testGrace - time.Millisecond: true, testGrace: false, 11 * time.Second: false,
	} {
		w := newWorld(t)
		n, c, first := family(t, w)
		second, err := n.refresh(c, first.RefreshToken)
		ok(t, err)
		w.move(age)
		again, err := n.refresh(c, first.RefreshToken)
		if !good {
			wantCode(t, err, oauth.InvalidGrant)
			n.wantActive(c, false, first.AccessToken, second.AccessToken, second.RefreshToken)
			_, err = n.refresh(c, second.RefreshToken)
			wantCode(t, err, oauth.InvalidGrant)
			continue
		}
		ok(t, err)
		if again.RefreshToken != second.RefreshToken || again.AccessToken != second.AccessToken || !again.Expires.Equal(second.Expires) {
			t.Errorf("after %v: %+v, want %+v", age, again, second)
		}
		if got := again.Expires.Sub(again.Issued); got != 10*time.Minute-age {
			t.Errorf("after %v: announced for %v", age, got)
		}
		third, err := n.refresh(c, again.RefreshToken)
		ok(t, err)
		n.wantActive(c, true, third.AccessToken)
	}
}

func TestWithinGraceAnotherReachGetsItsOwnAccessToken(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	second, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	narrow, err := n.refresh(c, first.RefreshToken, "profile")
	ok(t, err)
	if narrow.RefreshToken != second.RefreshToken || narrow.AccessToken == second.AccessToken || narrow.Scope.String() != "profile" {
		t.Fatalf("got %+v after %+v", narrow, second)
	}
	if got := n.look(c, narrow.AccessToken).Scope.String(); got != "profile" {
		t.Errorf("scope %q", got)
	}
	forAPI, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "refresh_token", RefreshToken: first.RefreshToken, Resources: []string{api}})
	ok(t, err)
	if got := n.look(c, forAPI.AccessToken).Audience; len(got) != 1 || got[0] != api || forAPI.RefreshToken != second.RefreshToken {
		t.Errorf("audience %q", got)
	}
	_, err = n.refresh(c, first.RefreshToken, "admin")
	wantCode(t, err, oauth.InvalidScope)
	n.wantActive(c, true, first.AccessToken, second.AccessToken, narrow.AccessToken, second.RefreshToken)
}

func TestWithoutGraceASecondUseEndsTheFamily(t *testing.T) {
	for _, later := range []time.Duration{0, time.Millisecond, -time.Second} { // the clock of another node may be behind
		w := newWorld(t)
		w.lifetimes.RefreshGrace = 0
		n, c, first := family(t, w)
		second, err := n.refresh(c, first.RefreshToken)
		ok(t, err)
		w.move(later)
		_, err = n.refresh(c, first.RefreshToken)
		wantCode(t, err, oauth.InvalidGrant)
		n.wantActive(c, false, first.AccessToken, second.AccessToken, second.RefreshToken)
		if got := n.events("client:web"); !strings.Contains(strings.Join(got, ";"), "refresh token used twice") {
			t.Errorf("audit log: %q", got)
		}
	}
}

// TestAClockThatStepsBackDoesNotLengthenTheGrace: a token used an hour ago stays used, even when that hour is to come again.
func TestAClockThatStepsBackDoesNotLengthenTheGrace(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	_, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	w.move(-time.Hour)
	_, err = n.refresh(c, first.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
}

func TestAReplayOfAnyGenerationEndsTheFamily(t *testing.T) {
	const generations = 6
	for replayed := range generations - 1 {
		w := newWorld(t)
		n, c, first := family(t, w)
		chain := []*oauth.Tokens{first}
		for range generations {
			next, err := n.refresh(c, chain[len(chain)-1].RefreshToken)
			ok(t, err)
			chain = append(chain, next)
		}
		_, err := n.refresh(c, chain[replayed].RefreshToken) // within the grace window, which is for the last one only
		wantCode(t, err, oauth.InvalidGrant)
		newest := chain[len(chain)-1]
		_, err = n.refresh(c, newest.RefreshToken)
		wantCode(t, err, oauth.InvalidGrant)
		for _, tokens := range chain {
			n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
		}
	}
}

func TestARefreshTokenIsItsClientsOnly(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	r := webApp()
	r.ClientID, r.ClientName = "other", "Other"
	other, native := n.register(r), n.register(nativeApp())
	second, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	for _, thief := range []*oauth.Client{other, native} {
		for _, token := range []string{first.RefreshToken, second.RefreshToken} {
			_, err := n.refresh(thief, token)
			wantCode(t, err, oauth.InvalidGrant)
		}
	}
	n.wantActive(c, true, second.AccessToken, second.RefreshToken)
	_, err = n.refresh(c, second.RefreshToken)
	ok(t, err)
}

func TestTokensOfAnotherTypeDoNotRefresh(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	code := n.authorize(c, n.signIn(n.user("bob")))
	for _, token := range []string{
		first.AccessToken, code, "grrt_" + first.AccessToken[5:], "grrt_" + code[5:], first.RefreshToken[:76], first.RefreshToken + "A", " " + first.RefreshToken, "grrt_", "grrt_" + strings.Repeat("A", 72), strings.Repeat("x", 1<<16), "\x00",
	} {
		_, err := n.refresh(c, token)
		wantCode(t, err, oauth.InvalidGrant)
	}
	for i := range first.RefreshToken {
		tampered := []byte(first.RefreshToken)
		tampered[i] ^= 1
		_, err := n.refresh(c, string(tampered))
		wantCode(t, err, oauth.InvalidGrant)
	}
	_, err := n.redeem(c, first.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.refresh(c, first.RefreshToken)
	ok(t, err)
}

func TestARefreshNarrowsAndNeverWidens(t *testing.T) {
	w := newWorld(t)
	n := w.node()
	c := n.register(webApp())
	first := n.tokens(c, n.signIn(n.user("alice")), "scope=profile api:read", "resource="+api)
	for _, wider := range []string{"api:write", webScope, "profile admin", `"`} {
		_, err := n.refresh(c, first.RefreshToken, wider)
		wantCode(t, err, oauth.InvalidScope)
	}
	_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "refresh_token", RefreshToken: first.RefreshToken, Resources: []string{otherAPI}})
	wantCode(t, err, oauth.InvalidTarget)
	narrow, err := n.refresh(c, first.RefreshToken, "profile") // none of the refusals used it up
	ok(t, err)
	if got := n.look(c, narrow.AccessToken).Scope.String(); got != "profile" {
		t.Errorf("scope %q", got)
	}
	full, err := n.refresh(c, narrow.RefreshToken)
	ok(t, err)
	if full.Scope.String() != "profile api:read" {
		t.Errorf("the refresh token was narrowed, too: %q", full.Scope)
	}
}

func TestANarrowedClientNarrowsWhatIsRefreshed(t *testing.T) {
	w := newWorld(t)
	n, c, first := family(t, w)
	second, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	r := webApp()
	r.Scope, r.Audience = "profile", []string{api}
	c = n.update(r)
	again, err := n.refresh(c, first.RefreshToken) // within grace
	ok(t, err)
	third, err := n.refresh(c, second.RefreshToken)
	ok(t, err)
	for _, tokens := range []*oauth.Tokens{again, third} {
		seen := n.look(c, tokens.AccessToken)
		if tokens.Scope.String() != "profile" || seen.Scope.String() != "profile" || len(seen.Audience) != 1 || seen.Audience[0] != api {
			t.Errorf("got scope %q, audience %q", seen.Scope, seen.Audience)
		}
	}
	_, err = n.refresh(c, third.RefreshToken, "api:read")
	wantCode(t, err, oauth.InvalidScope)
	r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode}
	c = n.update(r)
	_, err = n.refresh(c, third.RefreshToken)
	wantCode(t, err, oauth.UnauthorizedClient)
}

func TestRefreshTokensEndWhenIdle(t *testing.T) {
	const idle = 30 * 24 * time.Hour
	for age, good := range map[time.Duration]bool{idle - time.Millisecond: true, idle: false, idle + time.Millisecond: false} {
		w := newWorld(t)
		n, c, first := family(t, w)
		w.store.Now = func() time.Time { return time.Time{} } // the rule decides, not the store's expiry
		w.move(age)
		n.wantActive(c, good, first.RefreshToken)
		_, err := n.refresh(c, first.RefreshToken)
		if good {
			ok(t, err)
		} else {
			wantCode(t, err, oauth.InvalidGrant)
		}
	}
}

func TestAuthorizationsEndInTheEnd(t *testing.T) {
	const absolute = 90 * 24 * time.Hour
	w := newWorld(t)
	n, c, tokens := family(t, w)
	w.store.Now = func() time.Time { return time.Time{} }
	begin := w.now()
	for range 8 {
		w.move(11 * 24 * time.Hour)
		next, err := n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		tokens = next
	}
	w.move(absolute - time.Millisecond - w.now().Sub(begin))
	last, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	if !last.Expires.Equal(begin.Add(absolute)) {
		t.Errorf("the last token lives until %v", last.Expires)
	}
	n.wantActive(c, true, last.AccessToken, last.RefreshToken)
	w.move(time.Millisecond)
	n.wantActive(c, false, last.AccessToken, last.RefreshToken)
	_, err = n.refresh(c, last.RefreshToken)
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.refresh(c, tokens.RefreshToken) // within grace
	wantCode(t, err, oauth.InvalidGrant)
}

func TestTheStoreHoldsNothingThatAThiefCouldUse(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	d, err := n.Authorize(t.Context(), ask(c), v)
	ok(t, err)
	secrets := []string{d.Interaction.Handle, v.Browser, password}
	d = n.allow(d.Interaction, v)
	code := field(d.Response, "code")
	tokens, err := n.redeem(c, code)
	ok(t, err)
	secrets = append(secrets, code, tokens.AccessToken, tokens.RefreshToken)
	for range 3 {
		tokens, err = n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		secrets = append(secrets, tokens.AccessToken, tokens.RefreshToken)
	}
	machine, err := n.machine(c)
	ok(t, err)
	for _, secret := range append(secrets, machine.AccessToken) {
		for _, part := range []string{secret, secret[max(0, len(secret)-40):]} {
			if strings.Contains(b.kept.String(), part) {
				t.Errorf("%.5s… stands in the store", secret)
			}
		}
	}
}

func TestTokensShowNothingOfEachOther(t *testing.T) {
	w := newWorld(t)
	n, c, tokens := family(t, w)
	columns := map[string]int{}
	const many = 60
	for range many {
		next, err := n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		tokens = next
		for i := 5; i+4 <= len(tokens.RefreshToken); i++ {
			columns[string(rune(i))+tokens.RefreshToken[i:i+4]]++
		}
	}
	for part, count := range columns {
		if count > 3 {
			t.Errorf("%q stands in %d of %d tokens of one family", part[1:], count, many)
		}
	}
}
