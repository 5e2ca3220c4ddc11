package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// The device authorization grant (RFC 8628): what is promised of it across nodes, kills and what happens in between.

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

const tvClients = `  - client_id: tv
    client_name: Television
    token_endpoint_auth_method: none
    grant_types: ["` + deviceGrant + `", refresh_token]
    scope: "profile api:read"
    audience: ["` + authtest.API + `"]
  - client_id: radio
    client_name: Radio
    token_endpoint_auth_method: none
    grant_types: ["` + deviceGrant + `", refresh_token]
    scope: "profile api:read"
    audience: ["` + authtest.API + `"]
`

// deviceOptions are a server with clients for devices.
func deviceOptions(store string) authtest.Options {
	return authtest.Options{Store: store, Seed: authtest.Seed() + tvClients, Args: []string{"--limit-exempt", "127.0.0.0/8"}}
}

// goesOn is what a person reads in the end.
const goesOn = "Your device goes on"

// device is a device with the codes that it was given.
type device struct {
	*authtest.App
	code, user, link string
}

func deviceOf(t testing.TB, s *authtest.Server, client string) *device {
	t.Helper()
	d := &device{App: &authtest.App{Server: s, ID: client, Method: authtest.Public}}
	a := d.Post(t, "/oauth2/device_authorization", authtest.Form())
	if a.Status != http.StatusOK {
		t.Fatalf("it gets no codes: %s", a)
	}
	d.code, d.user, d.link = a.Text("device_code"), a.Text("user_code"), a.Text("verification_uri_complete")
	s.Keep(d.code)
	s.Keep(d.user)
	return d
}

func (d *device) form() []string { return []string{"grant_type", deviceGrant, "device_code", d.code} }

// poll asks at a node.
func (d *device) poll(t testing.TB, s *authtest.Server) *authtest.Answer {
	t.Helper()
	return d.On(s).Token(t, d.form()...)
}

// consent brings a browser of a user as far as the consent page.
func (d *device) consent(b *authtest.Browser, username string) *authtest.Page {
	page := b.Open(d.link)
	if page.Is("/login") {
		page = page.LogIn(username, authtest.PasswordOf(username))
	}
	return page.Press("Continue")
}

func (d *device) allow(t testing.TB, b *authtest.Browser, username string) {
	t.Helper()
	if page := d.consent(b, username).Press("Allow"); !strings.Contains(page.Text(), goesOn) {
		t.Fatalf("it is not allowed: %s", page)
	}
}

func TestADeviceTalksToTwoNodes(t *testing.T) {
	t.Parallel()
	one := authtest.Start(t, deviceOptions(redistest.Start(t)))
	two := one.Node(t)
	nodes := []*authtest.Server{one, two}

	t.Run("begun at one, allowed at the other", func(t *testing.T) {
		d, b := deviceOf(t, one, "tv"), one.Browser(t)
		began := time.Now()
		d.poll(t, one).Wants(t, http.StatusBadRequest, "authorization_pending")
		if again := d.poll(t, two); time.Since(began) < 4*time.Second { // else it was no haste
			again.Wants(t, http.StatusBadRequest, "slow_down") // both count together
		}
		page := d.consent(b.At(two), "carol")
		if page = b.Open(page.URL.String()); !page.Is("/consent") {
			t.Fatalf("the consent page at the first node: %s", page)
		}
		b.At(two).Open(page.URL.String()).Press("Allow")
		tokens := d.poll(t, one)
		tokens.Wants(t, http.StatusOK, "")
		if seen := one.App("api").On(two).Introspect(t, tokens.Access()); !seen.Active() || seen.Text("client_id") != "tv" {
			t.Errorf("the token at the other node: %s", seen)
		}
		d.On(two).Refresh(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
	})
	t.Run("denied at the other", func(t *testing.T) {
		d := deviceOf(t, one, "tv")
		d.consent(one.Browser(t).At(two), "dora").Press("Deny")
		for _, node := range nodes {
			d.poll(t, node).Wants(t, http.StatusBadRequest, "access_denied")
		}
	})
	t.Run("wrong codes are counted together", func(t *testing.T) {
		b := one.Browser(t)
		b.SignIn("erin")
		for i := range 11 {
			page := b.At(nodes[i%2]).Open(one.URL("/device")).Press("Continue", "user_code", "BBBB-BBBB")
			if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusTooManyRequests}[i < 10]; page.Status != want {
				t.Errorf("try %d: %d, want %d", i+1, page.Status, want)
			}
		}
	})
	t.Run("of 16 polls across both one succeeds", func(t *testing.T) {
		for range 3 {
			d := deviceOf(t, one, "tv")
			d.allow(t, one.Browser(t), "frank")
			onceOf(t, d, nodes...)
		}
	})
	t.Run("of two answers at once one counts", func(t *testing.T) {
		for range 3 {
			d := deviceOf(t, one, "tv")
			asked := []*authtest.Page{d.consent(one.Browser(t), "grace"), d.consent(two.Browser(t), "heidi")}
			answered := make([]*authtest.Page, len(asked))
			var all sync.WaitGroup
			for i, page := range asked {
				all.Go(func() { answered[i] = page.Press("Allow") })
			}
			all.Wait()
			d.poll(t, one).Wants(t, http.StatusOK, "")
			if first := strings.Contains(answered[0].Text(), goesOn); first == strings.Contains(answered[1].Text(), goesOn) {
				t.Errorf("one is told %s, the other %s", answered[0], answered[1])
			}
		}
	})
}

// onceOf has a device poll many times at once after it was allowed: one poll succeeds, and as a code that is used twice was
// stolen perhaps, what that one got has ended.
func onceOf(t *testing.T, d *device, nodes ...*authtest.Server) {
	t.Helper()
	answers := race(t, 16, func(i int) (*authtest.Answer, error) {
		return d.On(nodes[i%len(nodes)]).Call(authtest.TokenPath, authtest.Form(d.form()...))
	})
	good, refused := count(answers, http.StatusOK, ""), count(answers, http.StatusBadRequest, "invalid_grant")
	if good != 1 || good+refused != len(answers) {
		t.Errorf("%d of %d succeed, %d are refused", good, len(answers), refused)
	}
	for _, a := range answers {
		if a.Access() == "" {
			continue
		}
		for _, node := range nodes {
			if node.App("api").Active(t, a.Access()) {
				t.Error("an access token outlives the second use of its device code")
			}
			d.On(node).Refresh(t, a.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		}
	}
}

func TestADeviceCodeIsRedeemedOnceInEveryStore(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := authtest.Start(t, deviceOptions(open(t)))
			d := deviceOf(t, s, "tv")
			d.allow(t, s.Browser(t), "carol")
			onceOf(t, d, s)
		})
	}
}

func TestAnAllowanceOfADeviceHoldsThroughAKill(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, deviceOptions(authtest.Bolt))
	restart := func() {
		if err := s.Restart(); err != nil { // it is killed
			t.Fatal(err)
		}
	}
	allowed, denied, waits := deviceOf(t, s, "tv"), deviceOf(t, s, "tv"), deviceOf(t, s, "tv")
	restart()
	b := s.Browser(t)
	denied.consent(b, "carol").Press("Deny")
	allowed.allow(t, b, "carol")
	restart()
	tokens := allowed.poll(t, s)
	tokens.Wants(t, http.StatusOK, "")
	denied.poll(t, s).Wants(t, http.StatusBadRequest, "access_denied")
	waits.poll(t, s).Wants(t, http.StatusBadRequest, "authorization_pending")
	restart()
	if !s.App("api").Active(t, tokens.Access()) {
		t.Error("the token of a device does not hold")
	}
	allowed.poll(t, s).Wants(t, http.StatusBadRequest, "invalid_grant") // it was used before the kill
	waits.allow(t, s.Browser(t), "dora")
	waits.poll(t, s).Wants(t, http.StatusOK, "")
}

// What ends everything of a user or client also ends what was allowed and not fetched yet.
func TestWhatEndsBetweenAllowanceAndPollIsNotIssued(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, deviceOptions(redistest.Start(t)))
	for name, c := range map[string]struct {
		client, user string
		command      []string
	}{
		"the user is blocked":                {"tv", "judy", []string{"user", "block", "judy"}},
		"the user has another password":      {"tv", "kevin", []string{"user", "password", "kevin", "--generate"}},
		"all that the user allowed is ended": {"tv", "nina", []string{"token", "revoke", "--user", "nina", "--yes"}},
		"the user is deleted":                {"tv", "laura", []string{"user", "delete", "laura", "--yes"}},
		"everything of the client is ended":  {"radio", "mike", []string{"client", "revoke", "radio", "--yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, d := deviceOf(t, s, c.client), deviceOf(t, s, c.client)
			before.allow(t, s.Browser(t), c.user)
			token := before.poll(t, s).Access()
			d.allow(t, s.Browser(t), c.user)
			if out, err := s.Command(c.command...); err != nil {
				t.Fatalf("%v: %v: %s", c.command, err, out)
			}
			eventually(t, withinASecond, "what there is already ends", func() bool { return !s.App("api").Active(t, token) })
			d.poll(t, s).Wants(t, http.StatusBadRequest, "invalid_grant")
		})
	}
	t.Run("but to sign out ends no allowance", func(t *testing.T) {
		d := deviceOf(t, s, "tv")
		b := s.Browser(t)
		d.allow(t, b, "oscar")
		b.Open(s.URL("/logout")).Press("Sign out")
		if out, err := s.Command("user", "end-sessions", "oscar", "--yes"); err != nil {
			t.Fatalf("end the sessions: %v: %s", err, out)
		}
		d.poll(t, s).Wants(t, http.StatusOK, "")
	})
}

func TestAClientThatIsDisabledGetsNothingForItsDevices(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, deviceOptions(redistest.Start(t)))
	allowed, waits := deviceOf(t, s, "tv"), deviceOf(t, s, "tv")
	allowed.allow(t, s.Browser(t), "carol")
	page := waits.consent(s.Browser(t), "dora")
	if out, err := s.Command("client", "disable", "tv"); err != nil {
		t.Fatalf("disable the client: %v: %s", err, out)
	}
	eventually(t, withinASecond, "a disabled client is refused", func() bool {
		return allowed.Post(t, "/oauth2/device_authorization", authtest.Form()).Status == http.StatusUnauthorized
	})
	allowed.poll(t, s).Wants(t, http.StatusUnauthorized, "invalid_client")
	wantPage(t, page.Press("Allow"))
	wantPage(t, s.Browser(t).Open(waits.link).LogIn("erin", authtest.PasswordOf("erin")).Press("Continue"), http.StatusUnprocessableEntity)
}

func TestADeviceCodeEndsByTheClock(t *testing.T) {
	t.Parallel()
	one := authtest.Start(t, deviceOptions(redistest.Start(t)))
	d := deviceOf(t, one, "tv")
	page := d.consent(one.Browser(t), "carol")
	later := one.NodeAhead(t, 10*time.Minute+time.Second)
	d.poll(t, later).Wants(t, http.StatusBadRequest, "expired_token")
	wantPage(t, later.Browser(t).Open(d.link).LogIn("dora", authtest.PasswordOf("dora")).Press("Continue"), http.StatusUnprocessableEntity)
	d.poll(t, one).Wants(t, http.StatusBadRequest, "authorization_pending")
	page.Press("Allow")
	d.poll(t, one).Wants(t, http.StatusOK, "")
}
