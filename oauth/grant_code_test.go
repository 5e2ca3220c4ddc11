package oauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestACodeIsRedeemedForTokens(t *testing.T) {
	w, n := newNode(t)
	for _, r := range []oauth.Registration{webApp(), nativeApp()} {
		c := n.register(r)
		u := n.user("user-of-" + c.ClientID)
		tokens := n.tokens(c, n.signIn(u))
		if !strings.HasPrefix(tokens.AccessToken, "grat_") || !strings.HasPrefix(tokens.RefreshToken, "grrt_") || tokens.Scope.String() != webScope {
			t.Errorf("%s got %+v", c.ClientID, tokens)
		}
		if !tokens.Issued.Equal(w.now()) || tokens.Expires.Sub(tokens.Issued) != 10*time.Minute {
			t.Errorf("%s: from %v to %v", c.ClientID, tokens.Issued, tokens.Expires)
		}
	}
	r := webApp()
	r.ClientID, r.ClientName, r.GrantTypes = "no-refresh", "", []oauth.GrantType{oauth.AuthorizationCode}
	c := n.register(r)
	tokens := n.tokens(c, n.signIn(n.user("carol")))
	if tokens.RefreshToken != "" {
		t.Error("a client without the grant got a refresh token")
	}
	n.wantActive(c, true, tokens.AccessToken)
}

func TestACodeLivesSixtySeconds(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for age, good := range map[time.Duration]bool{
		0: true, 59 * time.Second: true, 60*time.Second - time.Millisecond: true, 60 * time.Second: false, 61 * time.Second: false,
	} {
		code := n.authorize(c, v)
		w.move(age)
		_, err := n.redeem(c, code)
		if good {
			ok(t, err)
		} else {
			wantCode(t, err, oauth.InvalidGrant)
		}
	}
}

// TestAnExpiredCodeIsRefusedByTheRuleNotByTheStore lets the store's clock lag behind.
func TestAnExpiredCodeIsRefusedByTheRuleNotByTheStore(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	code := n.authorize(c, n.signIn(n.user("alice")))
	w.store.Now = func() time.Time { return w.now().Add(-time.Hour) }
	w.move(time.Minute)
	_, err := n.redeem(c, code)
	wantCode(t, err, oauth.InvalidGrant)
}

func TestACodeIsRedeemedOnceAndItsReplayEndsWhatItIssued(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for _, later := range []time.Duration{0, 59 * time.Second, 5 * time.Minute} {
		code := n.authorize(c, v)
		tokens, err := n.redeem(c, code)
		ok(t, err)
		next, err := n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		w.move(later)
		_, err = n.redeem(c, code)
		wantCode(t, err, oauth.InvalidGrant)
		n.wantActive(c, false, tokens.AccessToken, next.AccessToken, next.RefreshToken)
		for _, token := range []string{tokens.RefreshToken, next.RefreshToken} {
			_, err = n.refresh(c, token)
			wantCode(t, err, oauth.InvalidGrant)
		}
		_, err = n.redeem(c, code)
		wantCode(t, err, oauth.InvalidGrant)
	}
	if got := n.events("client:web"); strings.Count(strings.Join(got, ";"), "authorization.revoked authorization code used twice") != 3 {
		t.Errorf("audit log: %q", got)
	}
}

func TestAReplayedCodeEndsAJWTForIntrospection(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.AccessTokenFormat = oauth.JWT
	c := n.register(r)
	code := n.authorize(c, n.signIn(n.user("alice")))
	tokens, err := n.redeem(c, code)
	ok(t, err)
	n.wantActive(c, true, tokens.AccessToken)
	_, err = n.redeem(c, code)
	wantCode(t, err, oauth.InvalidGrant)
	n.wantActive(c, false, tokens.AccessToken)
}

// TestAWrongRequestDoesNotConsumeTheCode: first prove, then consume.
func TestAWrongRequestDoesNotConsumeTheCode(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	r := webApp()
	r.ClientID, r.ClientName = "other", "Other"
	other := n.register(r)
	native := n.register(nativeApp())
	code := n.authorize(c, n.signIn(n.user("alice")))
	good := oauth.TokenRequest{GrantType: "authorization_code", Code: code, RedirectURI: callback, CodeVerifier: verifier}
	for name, x := range map[string]struct {
		caller *oauth.Client
		change func(*oauth.TokenRequest)
		want   oauth.Code
	}{
		"another client":             {other, func(*oauth.TokenRequest) {}, oauth.InvalidGrant},
		"a public client":            {native, func(*oauth.TokenRequest) {}, oauth.InvalidGrant},
		"no code":                    {c, func(r *oauth.TokenRequest) { r.Code = "" }, oauth.InvalidRequest},
		"no verifier":                {c, func(r *oauth.TokenRequest) { r.CodeVerifier = "" }, oauth.InvalidGrant},
		"another verifier":           {c, func(r *oauth.TokenRequest) { r.CodeVerifier = strings.Repeat("x", 43) }, oauth.InvalidGrant},
		"the challenge as verifier":  {c, func(r *oauth.TokenRequest) { r.CodeVerifier = challengeOf(verifier) }, oauth.InvalidGrant},
		"a shorter verifier":         {c, func(r *oauth.TokenRequest) { r.CodeVerifier = verifier[:len(verifier)-1] }, oauth.InvalidGrant},
		"a longer verifier":          {c, func(r *oauth.TokenRequest) { r.CodeVerifier = verifier + "x" }, oauth.InvalidGrant},
		"a verifier in capitals":     {c, func(r *oauth.TokenRequest) { r.CodeVerifier = strings.ToUpper(verifier) }, oauth.InvalidGrant},
		"a verifier with a blank":    {c, func(r *oauth.TokenRequest) { r.CodeVerifier = verifier + " " }, oauth.InvalidGrant},
		"a verifier with NUL":        {c, func(r *oauth.TokenRequest) { r.CodeVerifier = verifier + "\x00" }, oauth.InvalidGrant},
		"no redirect_uri":            {c, func(r *oauth.TokenRequest) { r.RedirectURI = "" }, oauth.InvalidGrant},
		"another redirect_uri":       {c, func(r *oauth.TokenRequest) { r.RedirectURI = callback + "/" }, oauth.InvalidGrant},
		"a wider scope":              {c, func(r *oauth.TokenRequest) { r.Scope = webScope + " admin" }, oauth.InvalidScope},
		"another resource":           {c, func(r *oauth.TokenRequest) { r.Resources = []string{"https://evil.example"} }, oauth.InvalidTarget},
		"a code cut off":             {c, func(r *oauth.TokenRequest) { r.Code = code[:len(code)-1] }, oauth.InvalidGrant},
		"a code made longer":         {c, func(r *oauth.TokenRequest) { r.Code = code + "A" }, oauth.InvalidGrant},
		"a code with a blank":        {c, func(r *oauth.TokenRequest) { r.Code = code + " " }, oauth.InvalidGrant},
		"a code with a line break":   {c, func(r *oauth.TokenRequest) { r.Code = code[:40] + "\n" + code[40:] }, oauth.InvalidGrant},
		"a code in capitals":         {c, func(r *oauth.TokenRequest) { r.Code = strings.ToUpper(code) }, oauth.InvalidGrant},
		"a code without its prefix":  {c, func(r *oauth.TokenRequest) { r.Code = strings.TrimPrefix(code, "grac_") }, oauth.InvalidGrant},
		"a code as refresh token":    {c, func(r *oauth.TokenRequest) { r.GrantType, r.RefreshToken = "refresh_token", code }, oauth.InvalidGrant},
		"a code with another prefix": {c, func(r *oauth.TokenRequest) { r.GrantType, r.RefreshToken = "refresh_token", "grrt_"+code[5:] }, oauth.InvalidGrant},
	} {
		request := good
		x.change(&request)
		if _, err := n.Token(t.Context(), x.caller, &request); refusedWith(err) != x.want {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
	for i := range code {
		tampered := []byte(code)
		tampered[i] ^= 1
		if _, err := n.redeem(c, string(tampered)); refusedWith(err) != oauth.InvalidGrant {
			t.Fatalf("a code with character %d changed: %v", i, err)
		}
	}
	if _, err := n.Token(t.Context(), c, &good); err != nil {
		t.Fatalf("the code was consumed: %v", err)
	}
}

func TestTheRedirectURIIsNamedAgainWhereItWasNamed(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for _, x := range []struct {
		asked, redeemed string
		want            oauth.Code
	}{
		{"redirect_uri=" + callback, callback, ""}, {"redirect_uri=" + callback, "", oauth.InvalidGrant},
		{"redirect_uri", "", ""}, {"redirect_uri", callback, ""}, {"redirect_uri", "https://evil.example", oauth.InvalidGrant}, {"redirect_uri=", "", ""},
	} {
		code := n.authorize(c, v, x.asked)
		_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "authorization_code", Code: code, CodeVerifier: verifier, RedirectURI: x.redeemed})
		if refusedWith(err) != x.want || x.want == "" && err != nil {
			t.Errorf("asked %q, redeemed %q: %v", x.asked, x.redeemed, err)
		}
	}
	native := n.register(nativeApp())
	code := n.authorize(native, v, "redirect_uri=http://127.0.0.1:51234/callback")
	_, err := n.redeem(native, code) // with the port that is registered
	wantCode(t, err, oauth.InvalidGrant)
	_, err = n.Token(t.Context(), native, &oauth.TokenRequest{
		GrantType: "authorization_code", Code: code, CodeVerifier: verifier, RedirectURI: "http://127.0.0.1:51234/callback",
	})
	ok(t, err)
}

func TestCodesAndVerifiersOfTwoFlowsDoNotMix(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	mine, theirs := n.signIn(n.user("mallory")), n.signIn(n.user("alice"))
	stolen := n.authorize(c, theirs, "code_challenge="+challengeOf(strings.Repeat("v", 43)))
	n.authorize(c, mine)
	_, err := n.redeem(c, stolen)
	wantCode(t, err, oauth.InvalidGrant)
}

func TestVerifiersHaveBothTheirBounds(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	for _, x := range []struct {
		verifier string
		good     bool
	}{
		{strings.Repeat("a", 42), false}, {strings.Repeat("a", 43), true}, {strings.Repeat("a", 128), true}, {strings.Repeat("a", 129), false},
		{strings.Repeat("-._~", 11), true}, {strings.Repeat("a", 43) + "+", false}, {strings.Repeat("a", 43) + "ä", false}, {strings.Repeat(" ", 43), false},
	} {
		code := n.authorize(c, v, "code_challenge="+challengeOf(x.verifier))
		_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "authorization_code", Code: code, CodeVerifier: x.verifier, RedirectURI: callback})
		if (err == nil) != x.good {
			t.Errorf("a verifier of %d characters: %v", len(x.verifier), err)
		}
	}
}

func TestACodeReachesAsFarAsWasAsked(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	code := n.authorize(c, v, "scope=profile api:read", "resource="+api)
	for _, wider := range []oauth.TokenRequest{{Scope: "api:write"}, {Scope: "profile api:write"}, {Resources: []string{otherAPI}}} {
		wider.GrantType, wider.Code, wider.CodeVerifier, wider.RedirectURI = "authorization_code", code, verifier, callback
		if _, err := n.Token(t.Context(), c, &wider); refusedWith(err) != oauth.InvalidScope && refusedWith(err) != oauth.InvalidTarget {
			t.Errorf("%+v: %v", wider, err)
		}
	}
	tokens, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "authorization_code", Code: code, CodeVerifier: verifier, RedirectURI: callback, Scope: "profile"})
	ok(t, err)
	if tokens.Scope.String() != "profile" {
		t.Errorf("scope %q", tokens.Scope)
	}
	if tokens, err = n.refresh(c, tokens.RefreshToken); err != nil || tokens.Scope.String() != "profile api:read" {
		t.Errorf("refreshed: scope %q, %v", tokens.Scope, err)
	}
}

func TestACodeDiesWithWhoItIsOfAndFor(t *testing.T) {
	for name, end := range map[string]func(*node, *oauth.Client, string) error{
		"client disabled": func(n *node, c *oauth.Client, _ string) error {
			return n.SetClientState(context.Background(), c.ClientID, oauth.Disabled)
		},
		"client's tokens ended": func(n *node, c *oauth.Client, _ string) error {
			return n.EndClientTokens(context.Background(), c.ClientID)
		},
		"user's password": func(n *node, _ *oauth.Client, u string) error {
			return n.people.SetPassword(context.Background(), u, password+"!")
		},
		"user blocked": func(n *node, _ *oauth.Client, u string) error {
			return n.people.SetBlocked(context.Background(), u, account.Block)
		},
		"user deleted": func(n *node, _ *oauth.Client, u string) error { return n.people.DeleteUser(context.Background(), u) },
	} {
		t.Run(name, func(t *testing.T) {
			w, n := newNode(t)
			c := n.register(webApp())
			v := n.signIn(n.user("alice"))
			code := n.authorize(c, v)
			w.move(time.Second)
			ok(t, end(n, c, v.User.ID))
			_, err := n.redeem(n.client("web"), code)
			wantCode(t, err, oauth.InvalidGrant)
		})
	}
}

func TestUnknownGrantsAreRefused(t *testing.T) {
	_, n := newNode(t)
	web, native := n.register(webApp()), n.register(nativeApp())
	machine := n.register(named("machine", ""))
	for _, x := range []struct {
		c     *oauth.Client
		grant string
		want  oauth.Code
	}{
		{web, "", oauth.InvalidRequest}, {web, "password", oauth.UnsupportedGrantType}, {web, "implicit", oauth.UnsupportedGrantType}, {web, "Authorization_Code", oauth.UnsupportedGrantType},
		{web, "authorization_code ", oauth.UnsupportedGrantType}, {web, "urn:ietf:params:oauth:grant-type:jwt-bearer", oauth.UnsupportedGrantType}, {web, "__refreshing", oauth.UnsupportedGrantType},
		{native, "client_credentials", oauth.UnauthorizedClient}, {machine, "authorization_code", oauth.UnauthorizedClient}, {machine, "refresh_token", oauth.UnauthorizedClient},
		{web, "authorization_code", oauth.InvalidRequest}, {web, "refresh_token", oauth.InvalidRequest},
	} {
		_, err := n.Token(t.Context(), x.c, &oauth.TokenRequest{GrantType: x.grant})
		wantCode(t, err, x.want)
	}
}
