package browser

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/security"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// An application on this machine listens by http, also where the server speaks https: the browser must not take the way
// back for a form that is sent in the clear.
func TestHTTPSLeadsToLoopbackApplications(t *testing.T) {
	server := authtest.Start(t, authtest.Options{Seed: seed(), TLS: true})
	server.Keep(keptKey)
	inBoth(t, func(t *testing.T, s scripting) {
		b, app := open(t, server, s), listen(t, server, keeperID, "127.0.0.1")
		call(b, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
		asked := app.begin(b)
		b.signIn(person(t))
		b.cookiesAreHostOnly()
		b.press("Allow")
		app.redeemed(b, asked)

		posted := app.begin(b, "response_mode", "form_post") // allowed already
		if s == withoutScripts {
			b.press("Continue")
		}
		app.redeemed(b, posted)
	})
}

// cookiesAreHostOnly wants what the name __Host- promises, and what keeps scripts and other sites away.
func (b *tab) cookiesAreHostOnly() {
	b.t.Helper()
	cookies := call(b, network.GetCookies, network.GetCookiesParams{}).Cookies
	if len(cookies) != 2 {
		b.t.Errorf("there are %d cookies", len(cookies))
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HTTPOnly || c.Path != "/" || c.SameSite != network.CookieSameSiteLax {
			b.t.Errorf("%s: secure %v, http only %v, path %q, same site %q", c.Name, c.Secure, c.HTTPOnly, c.Path, c.SameSite)
		}
	}
}

func TestIssuerWithAPathHasWholePages(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	server := authtest.Start(t, authtest.Options{Seed: seed(), Listen: address, Issuer: "http://localhost:" + port + "/tenant"})
	b, app := open(t, server, withScripts), listen(t, server, nativeID, "127.0.0.1")
	asked := app.begin(b)
	b.at("/login")
	b.look("tenant-login")
	b.signIn(person(t))
	b.at("/consent")
	b.press("Allow")
	app.redeemed(b, asked)
	b.visit("/")
	b.press("Sign out")
	b.press("Cancel")
	b.at("/")
	b.press("Sign out")
	b.press("Sign out")
	b.press("Sign in again")
	b.at("/login")
	b.visit(server.Origin() + "/login")
	b.answers(http.StatusNotFound)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t)))
}
