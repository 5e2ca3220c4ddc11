package oauth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// tv is a client of a device: it has no secret and no redirect URI.
func tv() oauth.Registration {
	return oauth.Registration{
		ClientID: "tv", ClientName: "TV", TokenEndpointAuthMethod: oauth.NoSecret, GrantTypes: []oauth.GrantType{oauth.DeviceCode, oauth.RefreshToken},
		Scope: webScope, Audience: []string{api, otherAPI},
	}
}

// device begins a device authorization.
func (n *node) device(c *oauth.Client, change ...func(*oauth.DeviceRequest)) *oauth.DeviceCodes {
	n.w.t.Helper()
	r := &oauth.DeviceRequest{Address: stranger}
	for _, change := range change {
		change(r)
	}
	codes, err := n.AuthorizeDevice(context.Background(), c, r)
	ok(n.w.t, err)
	return codes
}

// poll asks for tokens with a device code.
func (n *node) poll(c *oauth.Client, code string) (*oauth.Tokens, error) {
	return n.Token(context.Background(), c, &oauth.TokenRequest{GrantType: string(oauth.DeviceCode), DeviceCode: code})
}

// enter types a user code and gives the request that its consent page is about.
func (n *node) enter(typed string, v oauth.Visitor) *oauth.Interaction {
	n.w.t.Helper()
	i, err := n.EnterUserCode(context.Background(), typed, v)
	ok(n.w.t, err)
	d, err := n.Continue(context.Background(), i.Handle, v)
	ok(n.w.t, err)
	if d.Step != oauth.AskUser {
		n.w.t.Fatalf("step %v, want the consent page", d.Step)
	}
	return d.Interaction
}

// allowDevice goes through the pages of a person who allows it.
func (n *node) allowDevice(codes *oauth.DeviceCodes, v oauth.Visitor) {
	n.w.t.Helper()
	if d := n.allow(n.enter(codes.UserCode, v), v); d.Step != oauth.DeviceAllowed {
		n.w.t.Fatalf("step %v", d.Step)
	}
}

func TestADeviceGetsTokensOfWhomAllowsIt(t *testing.T) {
	w, n := newNode(t)
	confidential := tv()
	confidential.ClientID, confidential.ClientName, confidential.TokenEndpointAuthMethod = "box", "Box", oauth.ClientSecretBasic
	for _, r := range []oauth.Registration{tv(), confidential} {
		c := n.register(r)
		v := n.signIn(n.user("user-of-" + c.ClientID))
		codes := n.device(c)
		if !strings.HasPrefix(codes.DeviceCode, "grdc_") || len(codes.DeviceCode) != 77 || codes.Lifetime != 10*time.Minute || codes.Interval != 5*time.Second {
			t.Errorf("began %+v", codes)
		}
		if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(codes.UserCode) {
			t.Errorf("user code %q", codes.UserCode)
		}
		_, err := n.poll(c, codes.DeviceCode)
		wantCode(t, err, oauth.AuthorizationPending)
		w.move(time.Minute)
		n.allowDevice(codes, v)
		tokens, err := n.poll(c, codes.DeviceCode)
		ok(t, err)
		if !strings.HasPrefix(tokens.AccessToken, "grat_") || tokens.Scope.String() != webScope || tokens.Expires.Sub(tokens.Issued) != 10*time.Minute {
			t.Errorf("got %+v", tokens)
		}
		again, err := n.refresh(c, tokens.RefreshToken)
		ok(t, err)
		if c.IsPublic() {
			continue // it may not introspect
		}
		seen := n.look(c, again.AccessToken)
		if seen.Subject != v.User.ID || !slices.Equal(seen.Audience, []string{api, otherAPI}) || !seen.Authenticated.Equal(v.Session.Authenticated.Truncate(time.Second)) {
			t.Errorf("seen %+v", seen)
		}
		w.move(90*24*time.Hour - time.Minute) // since the user allowed it
		_, err = n.refresh(c, again.RefreshToken)
		wantCode(t, err, oauth.InvalidGrant)
	}
}

func TestADeviceAsksForWhatItsClientMayHave(t *testing.T) {
	_, n := newNode(t)
	c := n.register(tv())
	_, err := n.AuthorizeDevice(t.Context(), n.register(webApp()), &oauth.DeviceRequest{})
	wantCode(t, err, oauth.UnauthorizedClient)
	_, err = n.AuthorizeDevice(t.Context(), c, &oauth.DeviceRequest{Scope: "profile admin"})
	wantCode(t, err, oauth.InvalidScope)
	_, err = n.AuthorizeDevice(t.Context(), c, &oauth.DeviceRequest{Resources: []string{"https://evil.example"}})
	wantCode(t, err, oauth.InvalidTarget)
	v := n.signIn(n.user("alice"))
	codes := n.device(c, func(r *oauth.DeviceRequest) { r.Scope, r.Resources = "profile", []string{api} })
	i := n.enter(codes.UserCode, v)
	if i.Request.Scope.String() != "profile" || !slices.Equal(i.Request.Audience, []string{api}) || i.Request.ClientID != "tv" {
		t.Errorf("the consent page is about %+v", i.Request)
	}
	n.allow(i, v)
	tokens, err := n.poll(c, codes.DeviceCode)
	ok(t, err)
	if tokens.Scope.String() != "profile" {
		t.Errorf("got %q", tokens.Scope)
	}
}

func TestADeviceIsAlwaysAskedAbout(t *testing.T) {
	_, n := newNode(t)
	r := tv()
	r.GrantTypes, r.RedirectURIs, r.TokenEndpointAuthMethod = append(r.GrantTypes, oauth.AuthorizationCode), []string{callback}, oauth.ClientSecretBasic
	c := n.register(r)
	v := n.signIn(n.user("alice"))
	for range 2 { // what is allowed to a device is remembered for no device and no browser
		codes := n.device(c)
		n.allowDevice(codes, v)
		_, err := n.poll(c, codes.DeviceCode)
		ok(t, err)
	}
	if got := n.events("client:tv"); len(slices.DeleteFunc(got, func(e string) bool { return e != "consent.granted " })) != 2 {
		t.Errorf("two devices were allowed, the audit log has %q", n.events("client:tv"))
	}
	if got := answer(n.Authorize(t.Context(), ask(c), v)); got != "ask" {
		t.Errorf("the browser is answered with %s", got)
	}
	n.authorize(c, v)
	n.enter(n.device(c).UserCode, v) // and what a browser was allowed, no device is
}

func TestADeniedDeviceIsTold(t *testing.T) {
	w, n := newNode(t)
	c := n.register(tv())
	v := n.signIn(n.user("alice"))
	codes := n.device(c)
	d, err := n.Deny(t.Context(), n.enter(codes.UserCode, v))
	ok(t, err)
	if d.Step != oauth.DeviceDenied {
		t.Errorf("step %v", d.Step)
	}
	for range 2 { // however often it asks
		_, err = n.poll(c, codes.DeviceCode)
		wantCode(t, err, oauth.AccessDenied)
		w.move(10 * time.Minute)
	}
	_, err = n.EnterUserCode(t.Context(), codes.UserCode, v)
	wantErr(t, err, oauth.ErrUserCode)
}

func TestDeviceAndUserCodeLiveTenMinutes(t *testing.T) {
	for age, good := range map[time.Duration]bool{0: true, 10*time.Minute - time.Millisecond: true, 10 * time.Minute: false, 14 * time.Minute: false} {
		w, n := newNode(t)
		w.store.Now = func() time.Time { return w.now().Add(-time.Hour) } // the rule decides, not the store's expiry
		c := n.register(tv())
		v := n.signIn(n.user("alice"))
		allowed, waits := n.device(c), n.device(c)
		i := n.enter(waits.UserCode, v)
		n.allowDevice(allowed, v)
		w.move(age)
		want := map[bool]oauth.Code{true: oauth.AuthorizationPending, false: oauth.ExpiredToken}[good]
		_, err := n.poll(c, waits.DeviceCode)
		wantCode(t, err, want)
		if _, err = n.poll(c, allowed.DeviceCode); good {
			ok(t, err)
		} else {
			wantCode(t, err, oauth.ExpiredToken)
		}
		_, err = n.EnterUserCode(t.Context(), waits.UserCode, v)
		if good != (err == nil) || !good && !errors.Is(err, oauth.ErrUserCode) {
			t.Errorf("after %v the code is answered with %v", age, err)
		}
		ok(t, n.Allow(t.Context(), i, v))
		if _, err = n.Continue(t.Context(), i.Handle, v); good {
			ok(t, err)
		} else {
			wantErr(t, err, oauth.ErrNoInteraction)
		}
	}
}

// TestADeviceThatAsksLateHearsThatItIsOver, for a while; then nothing is known of it.
func TestADeviceThatAsksLateHearsThatItIsOver(t *testing.T) {
	w, n := newNode(t)
	c := n.register(tv())
	codes := n.device(c)
	w.move(15*time.Minute - time.Millisecond)
	_, err := n.poll(c, codes.DeviceCode)
	wantCode(t, err, oauth.ExpiredToken)
	w.move(time.Millisecond)
	_, err = n.poll(c, codes.DeviceCode)
	wantCode(t, err, oauth.InvalidGrant)
}

func TestADeviceThatAsksTooOftenIsSlowedDown(t *testing.T) {
	w, n := newNode(t)
	c := n.register(tv())
	codes, other := n.device(c), n.device(c)
	for _, x := range []struct {
		after time.Duration
		want  oauth.Code
	}{
		{0, oauth.AuthorizationPending}, {4 * time.Second, oauth.SlowDown}, {499 * time.Millisecond, oauth.SlowDown},
		{time.Millisecond, oauth.AuthorizationPending}, {5 * time.Second, oauth.AuthorizationPending}, {0, oauth.SlowDown},
	} {
		w.move(x.after)
		if _, err := n.poll(c, codes.DeviceCode); refusedWith(err) != x.want {
			t.Errorf("%v later: %v, want %s", x.after, err, x.want)
		}
	}
	_, err := n.poll(c, other.DeviceCode) // each by itself
	wantCode(t, err, oauth.AuthorizationPending)
	n.allowDevice(codes, n.signIn(n.user("alice")))
	_, err = n.poll(c, codes.DeviceCode) // where there is an answer, nobody is slowed down
	ok(t, err)
}

func TestAWrongRequestDoesNotConsumeTheDeviceCode(t *testing.T) {
	_, n := newNode(t)
	c := n.register(tv())
	r := tv()
	r.ClientID, r.ClientName = "other", "Other"
	other := n.register(r)
	web := n.register(webApp())
	v := n.signIn(n.user("alice"))
	codes := n.device(c)
	n.allowDevice(codes, v)
	code := codes.DeviceCode
	good := oauth.TokenRequest{GrantType: string(oauth.DeviceCode), DeviceCode: code}
	for name, x := range map[string]struct {
		caller *oauth.Client
		change func(*oauth.TokenRequest)
		want   oauth.Code
	}{
		"another client":          {other, func(*oauth.TokenRequest) {}, oauth.InvalidGrant},
		"a client without it":     {web, func(*oauth.TokenRequest) {}, oauth.UnauthorizedClient},
		"no code":                 {c, func(r *oauth.TokenRequest) { r.DeviceCode = "" }, oauth.InvalidRequest},
		"the user code":           {c, func(r *oauth.TokenRequest) { r.DeviceCode = codes.UserCode }, oauth.InvalidGrant},
		"a code as code":          {c, func(r *oauth.TokenRequest) { r.DeviceCode, r.Code = "", code }, oauth.InvalidRequest},
		"a code as refresh token": {c, func(r *oauth.TokenRequest) { r.GrantType, r.RefreshToken = "refresh_token", code }, oauth.InvalidGrant},
		"another prefix":          {c, func(r *oauth.TokenRequest) { r.DeviceCode = "grac_" + code[5:] }, oauth.InvalidGrant},
		"of another kind":         {c, func(r *oauth.TokenRequest) { r.DeviceCode = n.authorize(web, v) }, oauth.InvalidGrant},
		"a wider scope":           {c, func(r *oauth.TokenRequest) { r.Scope = webScope + " admin" }, oauth.InvalidScope},
		"another resource":        {c, func(r *oauth.TokenRequest) { r.Resources = []string{"https://evil.example"} }, oauth.InvalidTarget},
		"cut off":                 {c, func(r *oauth.TokenRequest) { r.DeviceCode = code[:len(code)-1] }, oauth.InvalidGrant},
		"with a blank":            {c, func(r *oauth.TokenRequest) { r.DeviceCode = code + " " }, oauth.InvalidGrant},
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
		if _, err := n.poll(c, string(tampered)); refusedWith(err) != oauth.InvalidGrant {
			t.Fatalf("a code with character %d changed: %v", i, err)
		}
	}
	_, err := n.poll(c, code)
	ok(t, err)
}

func TestADeviceCodeIsRedeemedOnceAndItsReplayEndsWhatItIssued(t *testing.T) {
	w, n := newNode(t)
	r := tv()
	r.TokenEndpointAuthMethod = oauth.ClientSecretBasic
	c := n.register(r)
	codes := n.device(c)
	n.allowDevice(codes, n.signIn(n.user("alice")))
	tokens, err := n.poll(c, codes.DeviceCode)
	ok(t, err)
	refreshed, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	w.move(9 * time.Minute)
	_, err = n.poll(c, codes.DeviceCode)
	wantCode(t, err, oauth.InvalidGrant)
	n.wantActive(c, false, tokens.AccessToken, refreshed.AccessToken, refreshed.RefreshToken)
	if got := n.events("client:tv"); !slices.Contains(got, "authorization.revoked device code used twice") {
		t.Errorf("events %q", got)
	}
}

func TestOfAHundredPollsOneSucceeds(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w := newWorld(t)
		nodes := []*node{w.node(), w.node()}
		r := tv()
		r.AccessTokenFormat, r.TokenEndpointAuthMethod = format, oauth.ClientSecretBasic
		c := nodes[0].register(r)
		codes := nodes[0].device(c)
		nodes[1].allowDevice(codes, nodes[1].signIn(nodes[1].user("alice")))
		tokens, errs := parallel(100, func(i int) (*oauth.Tokens, error) { return nodes[i%2].poll(c, codes.DeviceCode) })
		if n := successes(errs); n != 1 {
			t.Fatalf("%d succeeded", n)
		}
		onlyRefusals(t, errs)
		for _, issued := range tokens {
			if issued != nil { // the other 99 were replays
				nodes[0].wantActive(c, false, issued.AccessToken, issued.RefreshToken)
			}
		}
	}
}

// TestOfSeveralAnswersTheFirstCounts lets people at several browsers allow and deny one device at once.
func TestOfSeveralAnswersTheFirstCounts(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	c := nodes[0].register(tv())
	var visitors []oauth.Visitor
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		visitors = append(visitors, nodes[0].signIn(nodes[0].user(name)))
	}
	allows := func(round, i int) bool { return (round+i)%2 == 0 || round%3 == 0 } // in every third round all do
	allowed := 0
	for round := range 6 {
		codes := nodes[0].device(c)
		var asked []*oauth.Interaction
		for i, v := range visitors {
			asked = append(asked, nodes[i%2].enter(codes.UserCode, v))
			if allows(round, i) {
				ok(t, nodes[0].Allow(t.Context(), asked[i], v)) // what it takes longer than Deny
			}
		}
		steps, errs := parallel(len(asked), func(i int) (oauth.Step, error) {
			n := nodes[i%2]
			if !allows(round, i) {
				d, err := n.Deny(context.Background(), asked[i])
				return stepOf(d), err
			}
			d, err := n.Continue(context.Background(), asked[i].Handle, visitors[i])
			return stepOf(d), err
		})
		winner := slices.Index(errs, nil)
		granted := slices.DeleteFunc(nodes[0].events("client:tv"), func(e string) bool { return e != "consent.granted " })
		if winner >= 0 && steps[winner] == oauth.DeviceAllowed {
			allowed++
		}
		if len(granted) != allowed {
			t.Errorf("%d consents are in the audit log, %d devices were allowed", len(granted), allowed)
		}
		if successes(errs) != 1 {
			t.Fatalf("%d answers counted: %v", successes(errs), errs)
		}
		for _, err := range errs {
			if err != nil {
				wantErr(t, err, oauth.ErrNoInteraction)
			}
		}
		_, err := nodes[0].poll(c, codes.DeviceCode)
		if goesOn := steps[winner] == oauth.DeviceAllowed; goesOn != (err == nil) {
			t.Errorf("step %v, then %v", steps[winner], err)
		}
		w.move(10 * time.Minute)
	}
	if allowed < 2 {
		t.Errorf("%d devices were allowed", allowed)
	}
}

func stepOf(d *oauth.Decision) oauth.Step {
	if d == nil {
		return 0
	}
	return d.Step
}

func TestADeviceDiesWithWhoItIsOfAndFor(t *testing.T) {
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
		"withdrawn": func(n *node, c *oauth.Client, u string) error {
			return n.WithdrawApp(context.Background(), u, c.ClientID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, n := newNode(t)
			c := n.register(tv())
			v := n.signIn(n.user("alice"))
			codes := n.device(c)
			n.allowDevice(codes, v)
			w.move(time.Second)
			ok(t, end(n, c, v.User.ID))
			_, err := n.poll(n.client("tv"), codes.DeviceCode)
			wantCode(t, err, oauth.InvalidGrant)
		})
	}
}

// TestADeviceThatWaitsEndsWithItsClient: nobody can allow it any more.
func TestADeviceThatWaitsEndsWithItsClient(t *testing.T) {
	for name, end := range map[string]func(*node) error{
		"disabled":     func(n *node) error { return n.SetClientState(context.Background(), "tv", oauth.Disabled) },
		"tokens ended": func(n *node) error { return n.EndClientTokens(context.Background(), "tv") },
		"deleted":      func(n *node) error { return n.DeleteClient(context.Background(), "tv") },
		"scope taken": func(n *node) error {
			r := tv()
			r.Scope = "profile"
			_, err := n.UpdateClient(context.Background(), r, 0)
			return err
		},
		"resource taken": func(n *node) error {
			r := tv()
			r.Audience = []string{api}
			_, err := n.UpdateClient(context.Background(), r, 0)
			return err
		},
		"grant taken": func(n *node) error {
			r := tv()
			r.GrantTypes, r.RedirectURIs = []oauth.GrantType{oauth.AuthorizationCode}, []string{callback}
			_, err := n.UpdateClient(context.Background(), r, 0)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, n := newNode(t)
			codes := n.device(n.register(tv()))
			v := n.signIn(n.user("alice"))
			i := n.enter(codes.UserCode, v)
			w.move(time.Second)
			ok(t, end(n))
			_, err := n.EnterUserCode(t.Context(), codes.UserCode, v)
			wantErr(t, err, oauth.ErrUserCode)
			_, err = n.Continue(t.Context(), i.Handle, v)
			wantErr(t, err, oauth.ErrNoInteraction)
			if name == "deleted" { // and the next one with its id has nothing of it
				c := n.register(tv())
				_, err = n.EnterUserCode(t.Context(), codes.UserCode, v)
				wantErr(t, err, oauth.ErrUserCode)
				if _, err = n.poll(c, codes.DeviceCode); err == nil {
					t.Error("a client got what another one with its id was allowed")
				}
			}
		})
	}
}

func TestAUserCodeIsReadAsPeopleTypeIt(t *testing.T) {
	for typed, want := range map[string]string{
		"WDJB-MJHT": "WDJB-MJHT", "wdjbmjht": "WDJB-MJHT", " WdJb mJhT ": "WDJB-MJHT", "WDJB–MJHT": "WDJB-MJHT", "w.d_j-b\tMJHT": "WDJB-MJHT",
		"": "", "WDJB-MJH": "", "WDJB-MJHTB": "", "WDJA-MJHT": "", "WDJ8-MJHT": "", "WDJB+MJHT": "", "ＷDJB-MJHT": "", "WDJB-MJHſ": "",
		"WDJB-MJHT" + strings.Repeat(" ", 55): "WDJB-MJHT", "WDJB-MJHT" + strings.Repeat(" ", 56): "",
	} {
		if got := oauth.UserCode(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}

func TestEveryLetterOfAUserCodeComesAsOften(t *testing.T) {
	const letters, codes = "BCDFGHJKLMNPQRSTVWXZ", 20_000
	count, last := map[rune]int{}, 0
	for range codes {
		for _, letter := range oauth.NewUserCode() {
			count[letter]++
			if strings.ContainsRune(letters[16:], letter) {
				last++
			}
		}
	}
	// Of 160,000 letters each is 8000, give or take 87 (one standard deviation); the last four, which a careless way to choose makes
	// rarer, together 32,000, give or take 160. Seven of those are one run in 10^10.
	for _, letter := range letters {
		if times := count[letter]; times < 8000-7*87 || times > 8000+7*87 {
			t.Errorf("%c comes %d times", letter, times)
		}
	}
	if len(count) != len(letters) || last < 32_000-7*160 || last > 32_000+7*160 {
		t.Errorf("%d letters, the last four come %d times", len(count), last)
	}
}

func TestWrongUserCodesAreBounded(t *testing.T) {
	w, n := newNode(t)
	c := n.register(tv())
	codes := n.device(c)
	try := func(v oauth.Visitor, code string) error {
		_, err := n.EnterUserCode(context.Background(), code, v)
		return err
	}
	at := func(u *account.User, address string) oauth.Visitor {
		v := n.signIn(u)
		v.Address = address
		return v
	}
	alice := at(n.user("alice"), stranger)
	wantErr(t, try(oauth.Visitor{Browser: "b", Address: stranger}, codes.UserCode), oauth.ErrLoginNeeded)
	for range 20 {
		wantErr(t, try(alice, "no code"), oauth.ErrUserCode) // it cannot be one: nothing is learnt
	}
	wrong := func(i int) string { return "BBBB-BBB" + string("BCDFGHJKLMNPQRSTVWXZ"[i%20]) }
	for i := range 10 {
		ok(t, try(alice, n.device(c).UserCode)) // a right one is no guess, of hers or of her address
		wantErr(t, try(alice, wrong(i)), oauth.ErrUserCode)
	}
	if err := try(alice, codes.UserCode); !throttled(err) { // even a right one: it would tell
		t.Errorf("guess 11: %v", err)
	}
	// Several users of one address have 50 between them.
	for i := range 40 {
		wantErr(t, try(at(n.user("user-"+string(rune('a'+i/10))+strings.Repeat("x", i%10)), stranger), wrong(i)), oauth.ErrUserCode)
	}
	if err := try(at(n.user("last"), stranger), wrong(1)); !throttled(err) {
		t.Errorf("guess 51 of an address: %v", err)
	}
	wantErr(t, try(at(n.user("elsewhere"), "192.0.2.8"), wrong(1)), oauth.ErrUserCode)
	w.move(10 * time.Minute)
	wantErr(t, try(alice, wrong(1)), oauth.ErrUserCode)
}

// TestAUserCodeIsGoodForFewTries, whoever they are of: one code that is sent to many people is an attack on them.
func TestAUserCodeIsGoodForFewTries(t *testing.T) {
	_, n := newNode(t)
	c := n.register(tv())
	codes, other := n.device(c), n.device(c)
	for i := range 10 {
		_, err := n.EnterUserCode(t.Context(), codes.UserCode, n.signIn(n.user("user-"+string(rune('a'+i)))))
		ok(t, err)
	}
	v := n.signIn(n.user("alice"))
	if _, err := n.EnterUserCode(t.Context(), codes.UserCode, v); !throttled(err) {
		t.Errorf("try 11: %v", err)
	}
	_, err := n.EnterUserCode(t.Context(), other.UserCode, v)
	ok(t, err)
}

func TestDevicesOfPublicClientsThatWaitAreBounded(t *testing.T) {
	w, n := newNode(t)
	r := tv()
	r.ClientID, r.ClientName, r.TokenEndpointAuthMethod = "box", "Box", oauth.ClientSecretBasic
	public, confidential := n.register(tv()), n.register(r)
	for range 1000 {
		n.device(public)
	}
	if _, err := n.AuthorizeDevice(t.Context(), public, &oauth.DeviceRequest{Address: stranger}); !throttled(err) {
		t.Errorf("request 1001: %v", err)
	}
	n.device(confidential)
	w.move(10 * time.Minute)
	n.device(public)
}

// TestTriesOfOneCodeAreCountedOverItsWholeLife, also where it crosses an hour of the clock.
func TestTriesOfOneCodeAreCountedOverItsWholeLife(t *testing.T) {
	w, n := newNode(t)
	w.move(w.now().Truncate(time.Hour).Add(time.Hour - time.Minute).Sub(w.now()))
	codes := n.device(n.register(tv()))
	v := n.signIn(n.user("alice"))
	for range 10 {
		_, err := n.EnterUserCode(t.Context(), codes.UserCode, v)
		ok(t, err)
	}
	w.move(time.Minute)
	_, err := n.EnterUserCode(t.Context(), codes.UserCode, v)
	var e *account.ThrottledError
	if !errors.As(err, &e) || e.RetryAfter != 9*time.Minute {
		t.Errorf("try 11: %v", err)
	}
}

// taken is a store in which the first so many user codes are somebody's already.
type taken struct {
	store.Backend
	left int
}

func (b *taken) Create(ctx context.Context, r store.Record) (uint64, error) {
	if r.Kind.Name == "user_code" && b.left > 0 {
		b.left--
		return 0, store.ErrExists
	}
	return b.Backend.Create(ctx, r)
}

func TestAUserCodeThatIsTakenIsGivenToNobodyElse(t *testing.T) {
	w := newWorld(t)
	b := &taken{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(tv())
	for tries, good := range map[int]bool{7: true, 8: false} {
		b.left = tries
		_, err := n.AuthorizeDevice(t.Context(), c, &oauth.DeviceRequest{})
		if good != (err == nil) {
			t.Errorf("after %d that are taken: %v", tries, err)
		}
	}
}

// TestADeviceThatWasAllowedHasTimeToAskOnceMore, however late that was.
func TestADeviceThatWasAllowedHasTimeToAskOnceMore(t *testing.T) {
	for late, good := range map[time.Duration]bool{10*time.Second - time.Millisecond: true, 10 * time.Second: false} {
		w, n := newNode(t)
		c := n.register(tv())
		codes := n.device(c)
		v := n.signIn(n.user("alice"))
		w.move(10*time.Minute - time.Millisecond)
		n.allowDevice(codes, v)
		w.move(late)
		if _, err := n.poll(c, codes.DeviceCode); good {
			ok(t, err)
		} else {
			wantCode(t, err, oauth.ExpiredToken)
		}
	}
}

// TestWhatADeviceIsAllowedNamesWhoAllowedIt, in which session and when, as all that ends it goes by that.
func TestWhatADeviceIsAllowedNamesWhoAllowedIt(t *testing.T) {
	w, n := newNode(t)
	c := n.register(tv())
	u := n.user("alice")
	ok(t, n.people.EndAll(t.Context(), u.ID))
	w.move(3 * time.Second)
	u, err := n.people.User(t.Context(), u.ID)
	ok(t, err)
	v := n.signIn(u)
	codes := n.device(c)
	w.move(time.Minute)
	i := n.enter(codes.UserCode, v)
	ok(t, n.Allow(t.Context(), i, v))
	allowed := w.now()
	w.move(time.Minute)
	_, err = n.Continue(t.Context(), i.Handle, v)
	ok(t, err)
	all, _, err := n.Authorizations(t.Context(), "user:"+u.ID, "", 10)
	ok(t, err)
	if len(all) != 1 {
		t.Fatalf("%d authorizations", len(all))
	}
	a := all[0]
	if a.UserID != u.ID || a.SessionID != v.Session.ID || !a.Created.Equal(w.now()) || !a.Allowed.Equal(allowed) ||
		a.UserNotBefore.IsZero() || !a.UserNotBefore.Equal(v.Session.NotBefore) {
		t.Errorf("kept %+v", a)
	}
}

// TestADeviceBeginsAndIsAllowedRightAfterAllEnded: what its client had ends, and not what begins then.
func TestADeviceBeginsAndIsAllowedRightAfterAllEnded(t *testing.T) {
	_, n := newNode(t)
	n.register(tv())
	v := n.signIn(n.user("alice"))
	ok(t, n.EndClientTokens(t.Context(), "tv"))
	c := n.client("tv")
	codes := n.device(c)
	n.allowDevice(codes, v)
	_, err := n.poll(c, codes.DeviceCode)
	ok(t, err)
}

func TestAStatusOfALaterVersionIsNoPermission(t *testing.T) {
	_, n := newNode(t)
	c := n.register(tv())
	v := n.signIn(n.user("alice"))
	codes := n.device(c)
	n.allowDevice(codes, v)
	all, _, err := n.Authorizations(t.Context(), "user:"+v.User.ID, "", 10)
	ok(t, err)
	ok(t, n.AlterAuthorization(t.Context(), all[0].ID, func(a *oauth.Authorization) { a.SetDeviceStatus(4) }))
	if tokens, err := n.poll(c, codes.DeviceCode); err == nil || refusedWith(err) != "" {
		t.Errorf("got %v, %v", tokens, err)
	}
}

// TestAWaitingDeviceHearsThatItsClientHasEnded.
func TestAWaitingDeviceHearsThatItsClientHasEnded(t *testing.T) {
	w, n := newNode(t)
	codes := n.device(n.register(tv()))
	w.move(time.Second)
	ok(t, n.EndClientTokens(t.Context(), "tv"))
	_, err := n.poll(n.client("tv"), codes.DeviceCode)
	wantCode(t, err, oauth.InvalidGrant)
}

// TestTheStoreKeepsNoCodeOfADevice, in none of its records, keys and counters.
func TestTheStoreKeepsNoCodeOfADevice(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(tv())
	codes := n.device(c)
	n.allowDevice(codes, n.signIn(n.user("alice")))
	_, err := n.poll(c, codes.DeviceCode)
	ok(t, err)
	letters := strings.ReplaceAll(codes.UserCode, "-", "")
	plain, unkeyed := sha256.Sum256([]byte(letters)), hmac.New(sha256.New, nil)
	unkeyed.Write([]byte(letters))
	// A digest without a key is as good as the code: there are few of them.
	for _, secret := range []string{hex.EncodeToString(plain[:])[:16], hex.EncodeToString(unkeyed.Sum(nil))[:16], codes.UserCode, strings.ReplaceAll(codes.UserCode, "-", ""), codes.DeviceCode, codes.DeviceCode[5:]} {
		if strings.Contains(b.kept.String(), secret) {
			t.Errorf("%.4s… stands in the store", secret)
		}
	}
}

// TestADeviceAsksTheStoreForLittle counts the verbs of each request.
func TestADeviceAsksTheStoreForLittle(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	n.run()
	r := tv()
	r.TokenEndpointAuthMethod = oauth.ClientSecretBasic
	c := n.register(r)
	v := n.signIn(n.user("alice"))
	var codes *oauth.DeviceCodes
	costs(t, b, []string{"create authorization", "create user_code"}, func() { codes = n.device(c) })
	costs(t, b, []string{"get authorization", "add device_poll"}, func() { _, err := n.poll(c, codes.DeviceCode); n.pendingOrSlow(err) })
	costs(t, b, []string{"get authorization", "swap authorization"}, func() {
		codes = n.device(c)
		n.allowDevice(codes, v)
		b.took()
		_, err := n.poll(c, codes.DeviceCode)
		ok(t, err)
	})
	costs(t, b, nil, func() { _, err := n.poll(c, "grdc_garbage"); wantCode(t, err, oauth.InvalidGrant) })
	costs(t, b, nil, func() { _, err := n.EnterUserCode(t.Context(), "garbage", v); wantErr(t, err, oauth.ErrUserCode) })
}

func (n *node) pendingOrSlow(err error) {
	n.w.t.Helper()
	if code := refusedWith(err); code != oauth.AuthorizationPending && code != oauth.SlowDown {
		n.w.t.Errorf("answered %v", err)
	}
}

func TestAnOutageWhileADeviceBegins(t *testing.T) {
	outage{
		prepare: func(n *node) any { return n.register(tv()) },
		try: func(n *node, p any) (any, error) {
			return n.AuthorizeDevice(context.Background(), p.(*oauth.Client), &oauth.DeviceRequest{Address: stranger})
		},
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			n.allowDevice(n.device(p.(*oauth.Client)), n.signIn(n.user("alice")))
		},
	}.run(t)
}

func TestAnOutageWhileADeviceIsAllowed(t *testing.T) {
	type device struct {
		flow
		codes *oauth.DeviceCodes
	}
	outage{
		prepare: func(n *node) any {
			d := &device{}
			d.c = n.register(tv())
			d.v, d.codes = n.signIn(n.user("alice")), n.device(d.c)
			d.i = n.enter(d.codes.UserCode, d.v)
			ok(n.w.t, n.Allow(context.Background(), d.i, d.v))
			return d
		},
		try: func(n *node, p any) (any, error) {
			return n.Continue(context.Background(), p.(*device).i.Handle, p.(*device).v)
		},
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			d := p.(*device)
			if call == "swap authorization" && how == failsAfter || call == "create audit" {
				_, err := n.poll(d.c, d.codes.DeviceCode)
				ok(t, err)
				return
			}
			n.allowDevice(d.codes, d.v) // typed again
			_, err = n.poll(d.c, d.codes.DeviceCode)
			ok(t, err)
		},
	}.run(t)
}

func TestAnOutageWhileADeviceWaits(t *testing.T) {
	type device struct {
		c     *oauth.Client
		codes *oauth.DeviceCodes
	}
	outage{
		prepare: func(n *node) any {
			d := &device{c: n.register(tv())}
			d.codes = n.device(d.c)
			return d
		},
		try: func(n *node, p any) (any, error) {
			_, err := n.poll(p.(*device).c, p.(*device).codes.DeviceCode)
			if oauth.IsPending(err) {
				err = nil // as it should be without an outage
			}
			return nil, err
		},
		after: func(t *testing.T, _ *node, _, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
		},
	}.run(t)
}

func TestAnOutageWhileADeviceAsks(t *testing.T) {
	type device struct {
		c     *oauth.Client
		codes *oauth.DeviceCodes
	}
	outage{
		prepare: func(n *node) any {
			d := &device{c: n.register(tv())}
			d.codes = n.device(d.c)
			n.allowDevice(d.codes, n.signIn(n.user("alice")))
			return d
		},
		try: func(n *node, p any) (any, error) { return n.poll(p.(*device).c, p.(*device).codes.DeviceCode) },
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			d := p.(*device)
			if _, err = n.poll(d.c, d.codes.DeviceCode); call == "swap authorization" && how == failsAfter {
				wantCode(t, err, oauth.InvalidGrant) // it was used: nobody can tell the answer that was lost
				return
			}
			ok(t, err)
		},
	}.run(t)
}
