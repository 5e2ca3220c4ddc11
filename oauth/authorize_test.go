package oauth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// answer says in a word what a decision is: "login", "ask", "code", an error code, or "page CODE".
func answer(d *oauth.Decision, err error) string {
	var page *oauth.PageError
	switch {
	case errors.As(err, &page):
		return "page " + string(page.Refusal.Code)
	case err != nil:
		return err.Error()
	case d.Step == oauth.Login:
		return "login"
	case d.Step == oauth.AskUser:
		return "ask"
	case field(d.Response, "code") != "":
		return "code"
	}
	return field(d.Response, "error")
}

func TestBeforeTheRedirectURIIsProvenErrorsBecomeAPage(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	two := webApp()
	two.ClientID, two.ClientName, two.RedirectURIs = "two", "Two", []string{"https://a.example/", "https://b.example/"}
	n.register(two)
	off := webApp()
	off.ClientID, off.ClientName = "off", "Off"
	n.register(off)
	ok(t, n.SetClientState(t.Context(), "off", oauth.Disabled))
	machine := n.register(named("machine", ""))
	v := n.signIn(n.user("alice"))
	for _, changes := range [][]string{
		{"client_id"}, {"client_id="}, {"client_id=nobody"}, {"client_id=off"}, {"client_id=WEB"}, {"client_id=usr_1"}, {"client_id=web\x00"}, {"client_id=two", "redirect_uri"},
		{"redirect_uri=https://evil.example/"}, {"redirect_uri=" + callback + "/"}, {"redirect_uri=" + callback + "#x"}, {"redirect_uri=" + strings.Repeat("x", 10_000)}, {"client_id=two"},
		// every later fault besides: the redirect URI comes first
		{"redirect_uri=https://evil.example/", "response_type=token"}, {"redirect_uri=https://evil.example/", "prompt=none"}, {"redirect_uri=https://evil.example/", "scope=admin"},
		{"redirect_uri=https://evil.example/", "response_mode=x"}, {"redirect_uri=https://evil.example/", "request=x"}, {"redirect_uri=https://evil.example/", "code_challenge"}, {"redirect_uri=https://evil.example/", "max_age=x"},
	} {
		for _, who := range []oauth.Visitor{v, {Browser: "b"}} {
			if got := answer(n.Authorize(t.Context(), ask(c, changes...), who)); got != "page invalid_request" {
				t.Errorf("%q: %s", changes, got)
			}
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		p := ask(c)
		p[name] = append(p[name], p[name][0])
		if got := answer(n.Authorize(t.Context(), p, v)); got != "page invalid_request" {
			t.Errorf("%s twice: %s", name, got)
		}
	}
	p := ask(c, "client_id="+machine.ClientID)
	if got := answer(n.Authorize(t.Context(), p, v)); got != "page invalid_request" {
		t.Errorf("a client without redirect URIs: %s", got)
	}
}

func TestAfterItErrorsAreRedirected(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	native := n.register(nativeApp())
	r := named("machine", "")
	r.RedirectURIs = []string{callback}
	machine := n.register(r)
	v := n.signIn(n.user("alice"))
	long := strings.Repeat("s", 8193)
	for _, x := range []struct {
		c       *oauth.Client
		changes []string
		want    oauth.Code
	}{
		{c, []string{"response_type"}, oauth.InvalidRequest}, {c, []string{"response_type="}, oauth.InvalidRequest}, {c, []string{"response_type=token"}, oauth.UnsupportedResponseType},
		{c, []string{"response_type=code token"}, oauth.UnsupportedResponseType}, {c, []string{"response_type=CODE"}, oauth.UnsupportedResponseType}, {c, []string{"response_type=id_token"}, oauth.UnsupportedResponseType},
		{c, []string{"response_mode=fragment"}, oauth.InvalidRequest}, {c, []string{"response_mode=web_message"}, oauth.InvalidRequest}, {native, []string{"redirect_uri=com.example.app:/callback", "response_mode=form_post"}, oauth.InvalidRequest},
		{c, []string{"code_challenge"}, oauth.InvalidRequest}, {c, []string{"code_challenge="}, oauth.InvalidRequest}, {native, []string{"code_challenge"}, oauth.InvalidRequest},
		{c, []string{"code_challenge_method"}, oauth.InvalidRequest}, {c, []string{"code_challenge_method=plain"}, oauth.InvalidRequest}, {c, []string{"code_challenge_method=s256"}, oauth.InvalidRequest}, {c, []string{"code_challenge_method=S512"}, oauth.InvalidRequest},
		{c, []string{"code_challenge=" + strings.Repeat("a", 42)}, oauth.InvalidRequest}, {c, []string{"code_challenge=" + strings.Repeat("a", 44)}, oauth.InvalidRequest}, {c, []string{"code_challenge=" + strings.Repeat("a", 42) + "="}, oauth.InvalidRequest},
		{c, []string{"code_challenge=" + strings.Repeat("a", 42) + "+"}, oauth.InvalidRequest}, {c, []string{"code_challenge=" + strings.Repeat("a", 42) + "."}, oauth.InvalidRequest},
		{c, []string{"scope=admin"}, oauth.InvalidScope}, {c, []string{"scope=profile admin"}, oauth.InvalidScope}, {c, []string{`scope="`}, oauth.InvalidScope}, {c, []string{"scope=" + strings.Repeat("a ", 3000)}, oauth.InvalidScope},
		{c, []string{"resource=https://evil.example"}, oauth.InvalidTarget}, {c, []string{"resource=x"}, oauth.InvalidTarget},
		{c, []string{"prompt=never"}, oauth.InvalidRequest}, {c, []string{"prompt=none login"}, oauth.InvalidRequest}, {c, []string{"prompt=NONE"}, oauth.InvalidRequest},
		{c, []string{"max_age=-1"}, oauth.InvalidRequest}, {c, []string{"max_age=x"}, oauth.InvalidRequest}, {c, []string{"max_age=1.5"}, oauth.InvalidRequest}, {c, []string{"max_age=99999999999"}, oauth.InvalidRequest},
		{c, []string{"request=eyJ"}, oauth.RequestNotSupported}, {c, []string{"request_uri=https://evil.example"}, oauth.RequestURINotSupported},
		{c, []string{"scope=profile\x00"}, oauth.InvalidRequest}, {c, []string{"login_hint=\xff"}, oauth.InvalidRequest}, {c, []string{"whatever=a\nb"}, oauth.InvalidRequest}, {c, []string{"state=" + long}, oauth.InvalidRequest},
		{machine, nil, oauth.UnauthorizedClient},
	} {
		d, err := n.Authorize(t.Context(), ask(x.c, x.changes...), v)
		if got := answer(d, err); got != string(x.want) {
			t.Errorf("%.60q: %s, want %s", x.changes, got, x.want)
			continue
		}
		if field(d.Response, "iss") != issuer || d.Response.Refusal == nil || strings.HasPrefix(strings.Join(x.changes, ""), "state=") != (field(d.Response, "state") == "") {
			t.Errorf("%.60q: answered %+v", x.changes, d.Response)
		}
	}
	for _, name := range []string{"state", "response_type", "scope", "code_challenge", "code_challenge_method", "prompt", "response_mode", "whatever"} {
		p := ask(c, "prompt=login", "response_mode=query", "scope=profile", "whatever=x")
		p[name] = append(p[name], p[name][0])
		if got := answer(n.Authorize(t.Context(), p, v)); got != "invalid_request" {
			t.Errorf("%s twice: %s", name, got)
		}
	}
}

func TestStateComesBackByteForByte(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	n.authorize(c, v)
	for _, state := range []string{"", "x", "a b+c%20&=#?/\\\"'<>", "\r\nLocation: https://evil.example", "\x00\xff", "ü€😀", strings.Repeat("s", 4096)} {
		for _, change := range []string{"scope=profile", "scope=admin"} {
			d, err := n.Authorize(t.Context(), ask(c, "state="+state, change), v)
			ok(t, err)
			if got := field(d.Response, "state"); got != state {
				t.Errorf("%.20q comes back as %.20q", state, got)
			}
		}
	}
}

// TestWhatComesNext is the table of sessions, consents and prompts.
func TestWhatComesNext(t *testing.T) {
	type state struct {
		signedIn  time.Duration // how long ago, -1: not at all
		consented string        // to which scope
	}
	const notAtAll = time.Duration(-1)
	all := webScope
	for _, x := range []struct {
		state  state
		client string
		ask    []string
		want   string
	}{
		{state{notAtAll, ""}, "web", nil, "login"}, {state{notAtAll, all}, "web", nil, "login"}, {state{notAtAll, ""}, "web", []string{"prompt=none"}, "login_required"},
		{state{notAtAll, ""}, "web", []string{"prompt=login"}, "login"}, {state{notAtAll, ""}, "web", []string{"prompt=consent"}, "login"},
		{state{0, ""}, "web", nil, "ask"}, {state{0, ""}, "web", []string{"prompt=none"}, "consent_required"}, {state{0, ""}, "web", []string{"prompt="}, "ask"},
		{state{0, all}, "web", nil, "code"}, {state{0, all}, "web", []string{"prompt=none"}, "code"}, {state{0, all}, "web", []string{"scope=profile"}, "code"},
		{state{0, "profile"}, "web", []string{"scope=profile"}, "code"}, {state{0, "profile"}, "web", []string{"scope=profile api:read"}, "ask"}, {state{0, "profile"}, "web", nil, "ask"},
		{state{0, "profile"}, "web", []string{"scope=profile api:read", "prompt=none"}, "consent_required"},
		{state{0, all}, "web", []string{"prompt=consent"}, "ask"}, {state{0, all}, "web", []string{"prompt=login"}, "login"}, {state{0, all}, "web", []string{"prompt=select_account"}, "login"},
		{state{0, all}, "web", []string{"prompt=login consent"}, "login"}, {state{0, all}, "web", []string{"prompt=consent login"}, "login"},
		{state{time.Minute, all}, "web", []string{"max_age=61"}, "code"}, {state{time.Minute, all}, "web", []string{"max_age=60"}, "code"}, {state{time.Minute, all}, "web", []string{"max_age=59"}, "login"},
		{state{time.Minute + time.Millisecond, all}, "web", []string{"max_age=60"}, "login"}, {state{time.Minute, all}, "web", []string{"max_age=0"}, "login"}, {state{0, all}, "web", []string{"max_age=0"}, "login"},
		{state{time.Minute, all}, "web", []string{"max_age=59", "prompt=none"}, "login_required"}, {state{time.Minute, all}, "web", []string{"max_age="}, "code"}, {state{time.Minute, all}, "web", []string{"max_age=2147483647"}, "code"},
		// any program of a device can claim a loopback port or a private-use scheme: asked every time
		{state{0, all}, "native", nil, "ask"}, {state{0, all}, "native", []string{"prompt=none"}, "consent_required"}, {state{0, all}, "native", []string{"redirect_uri=http://127.0.0.1:1234/callback"}, "ask"},
		{state{0, all}, "native", []string{"redirect_uri=com.example.app:/callback"}, "ask"}, {state{0, all}, "native", []string{"redirect_uri=" + callback}, "code"},
	} {
		t.Run(fmt.Sprint(x.state, x.client, x.ask), func(t *testing.T) {
			w, n := newNode(t)
			n.register(webApp())
			n.register(nativeApp())
			c := n.client(x.client)
			u := n.user("alice")
			if x.state.consented != "" {
				n.authorize(c, n.signIn(u), "scope="+x.state.consented)
			}
			v := oauth.Visitor{Browser: "browser"}
			if x.state.signedIn != notAtAll {
				v = n.signIn(u)
				w.move(x.state.signedIn)
			}
			if got := answer(n.Authorize(t.Context(), ask(c, x.ask...), v)); got != x.want {
				t.Errorf("%s, want %s", got, x.want)
			}
		})
	}
}

func TestConsentIsOfOneUserClientAndAudience(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	r := webApp()
	r.ClientID, r.ClientName = "other", "Other"
	other := n.register(r)
	u := n.user("alice")
	v := n.signIn(u)
	n.authorize(c, v, "scope=profile", "resource="+api)
	for _, x := range []struct {
		c    *oauth.Client
		v    oauth.Visitor
		ask  []string
		want string
	}{
		{c, v, []string{"scope=profile", "resource=" + api}, "code"}, {c, v, []string{"scope=profile", "resource=" + otherAPI}, "ask"}, {c, v, []string{"scope=profile"}, "ask"},
		{other, v, []string{"scope=profile", "resource=" + api}, "ask"}, {c, n.signIn(n.user("bob")), []string{"scope=profile", "resource=" + api}, "ask"},
	} {
		if got := answer(n.Authorize(t.Context(), ask(x.c, x.ask...), x.v)); got != x.want {
			t.Errorf("%s %q: %s, want %s", x.c.ClientID, x.ask, got, x.want)
		}
	}
	n.authorize(c, v, "scope=profile") // adds to what was allowed
	n.authorize(c, v, "scope=api:read")
	if got := answer(n.Authorize(t.Context(), ask(c, "scope=profile api:read"), v)); got != "code" {
		t.Errorf("both together: %s", got)
	}
	w.store.Now = func() time.Time { return time.Time{} }
	w.move(365*24*time.Hour - time.Millisecond)
	v = n.signIn(u)
	if got := answer(n.Authorize(t.Context(), ask(c, "scope=profile"), v)); got != "code" {
		t.Errorf("within a year: %s", got)
	}
	w.move(time.Millisecond)
	if got := answer(n.Authorize(t.Context(), ask(c, "scope=profile"), v)); got != "ask" {
		t.Errorf("after a year: %s", got)
	}
}

func TestTheAnswerGoesWhereAndHowItWasAsked(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	native := n.register(nativeApp())
	v := n.signIn(n.user("alice"))
	d, err := n.Authorize(t.Context(), ask(native, "redirect_uri=http://127.0.0.1:51234/callback", "response_mode=form_post"), v)
	ok(t, err)
	d = n.allow(d.Interaction, v)
	if d.Response.RedirectURI != "http://127.0.0.1:51234/callback" || d.Response.Mode != oauth.FormPostMode || field(d.Response, "iss") != issuer || field(d.Response, "state") != "the state" {
		t.Errorf("answered %+v", d.Response)
	}
	d, err = n.Authorize(t.Context(), ask(c, "redirect_uri", "state"), v)
	ok(t, err)
	d = n.allow(d.Interaction, v)
	if d.Response.RedirectURI != callback || d.Response.Mode != oauth.QueryMode || field(d.Response, "state") != "" || len(d.Response.Fields) != 2 {
		t.Errorf("answered %+v", d.Response)
	}
}

func TestAStoreThatIsAwayIsNeitherAPageNorARefusal(t *testing.T) {
	w := newWorld(t)
	c := w.node().register(webApp())
	v := w.node().signIn(w.node().user("alice"))
	b := &watched{Backend: w.store, fail: func(int, string) outcome { return failsBefore }}
	_, err := w.over(b, w.now).Authorize(t.Context(), ask(c), v)
	if !store.IsUnavailable(err) || refusedWith(err) != "" {
		t.Errorf("error is %v", err)
	}
}
