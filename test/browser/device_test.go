package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The pages of the device authorization grant (RFC 8628).

// deviceServer starts a server with a client for devices and a few people.
func deviceServer(t *testing.T) *authtest.Server {
	t.Helper()
	var users []object
	for n := range devicePeople {
		users = append(users, object{"username": deviceUser(n), "password": authtest.PasswordOf(deviceUser(n)), "name": fmt.Sprintf("Person %d", n)})
	}
	seed, err := json.Marshal(object{"users": users, "clients": []object{{
		"client_id": "tv", "client_name": "Television of the living room", "client_uri": "https://television.example.test/",
		"token_endpoint_auth_method": "none", "scope": "profile films:watch",
		"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return authtest.Start(t, authtest.Options{Seed: string(seed), Args: []string{"--limit-exempt", "127.0.0.0/8"}})
}

const devicePeople = 4

func deviceUser(n int) string { return fmt.Sprintf("person%02d", n) }

// device is a device with the codes that it was given.
type device struct {
	*authtest.App
	code, user, page, link string
}

func askedBy(t *testing.T, server *authtest.Server) *device {
	t.Helper()
	d := &device{App: &authtest.App{Server: server, ID: "tv", Method: authtest.Public}}
	a := d.Post(t, "/oauth2/device_authorization", authtest.Form())
	if a.Status != http.StatusOK {
		t.Fatalf("it gets no codes: %s", a)
	}
	d.code, d.user, d.page, d.link = a.Text("device_code"), a.Text("user_code"), a.Text("verification_uri"), a.Text("verification_uri_complete")
	server.Keep(d.code)
	server.Keep(d.user)
	return d
}

// told checks what the device is told when it asks; "" is tokens.
func (d *device) told(t *testing.T, want string) {
	t.Helper()
	a := d.Token(t, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", d.code)
	if a.Fault() != want || (want == "") != (a.Access() != "") {
		t.Errorf("the device is told %s, not %q", a, want)
	}
}

func TestKeysAloneConnectADevice(t *testing.T) {
	server := deviceServer(t)
	inBoth(t, func(t *testing.T, s scripting) {
		b, d, user := open(t, server, s), askedBy(t, server), deviceUser(0)
		b.visit(d.page)
		b.at("/login")
		b.focusIsOn("username")
		b.typed(user)
		b.key(kb.Tab)
		b.typed(authtest.PasswordOf(user))
		b.leave("Enter", func() { b.key(kb.Enter) })

		b.at("/device")
		b.focusIsOn("user_code")
		b.typed("bbbb bbbb")
		b.leave("Enter", func() { b.key(kb.Enter) })
		b.answers(http.StatusUnprocessableEntity)
		b.sees("No device waits with this code.")
		b.focusIsOn("user_code")
		if told := ask[string](b, `document.activeElement.getAttribute("aria-describedby").split(" ").map(id => document.getElementById(id).innerText).join(" ")`); !strings.Contains(told, "No device waits") || !strings.Contains(told, "Eight letters") {
			t.Errorf("the field is described by %q", told)
		}
		ask[bool](b, `(user_code.select(), true)`)
		b.typed(strings.ToLower(strings.ReplaceAll(d.user, "-", "")))
		if shown := ask[string](b, `getComputedStyle(user_code).textTransform`); shown != "uppercase" {
			t.Errorf("the code is not shown as the device shows it: %s", shown)
		}
		b.key(kb.Tab)
		if on := b.focused(); on != "Continue" {
			t.Errorf("behind the code comes %q", on)
		}
		b.leave("Enter", func() { b.key(kb.Enter) })

		b.at("/consent")
		b.sees("Television of the living room")
		b.sees("A device asks for this")
		b.seesNot("Then takes you to")
		b.key(kb.Enter)
		d.told(t, "authorization_pending")
		b.tabTo("Skip to the content")
		b.tabTo("Not you? Use another account")
		b.tabTo("Deny")
		b.tabTo("Allow")
		b.leave("Enter", func() { b.key(kb.Enter) })
		b.sees("Your device goes on")
		d.told(t, "")
	})
}

// A link leads no further than to the code, which the person compares: what comes by a link may be from anybody.
func TestALinkedCodeIsShownAndNotSent(t *testing.T) {
	server := deviceServer(t)
	inBoth(t, func(t *testing.T, s scripting) {
		b, d := open(t, server, s), askedBy(t, server)
		b.visit(d.link)
		b.at("/login")
		b.signIn(deviceUser(1))
		b.at("/device")
		b.sees("exactly this code")
		if shown := ask[string](b, `user_code.value`); shown != d.user {
			t.Errorf("the page shows %q, the device %q", shown, d.user)
		}
		if on := ask[string](b, `document.activeElement.tagName`); on != "BODY" {
			t.Errorf("the focus begins on %s", on)
		}
		b.key(kb.Enter)
		b.key(" ")
		b.at("/device")
		b.press("Continue")
		b.at("/consent")
		b.press("Deny")
		b.sees("Your device was refused")
		d.told(t, "access_denied")
	})
}

func TestAnotherAccountConnectsADevice(t *testing.T) {
	server := deviceServer(t)
	inBoth(t, func(t *testing.T, s scripting) {
		b, d := open(t, server, s), askedBy(t, server)
		b.visit(d.link)
		b.signIn(deviceUser(1))
		b.press("Continue")
		b.press("Not you? Use another account")
		b.sees("Television of the living room")
		b.signIn(deviceUser(2))
		b.at("/consent")
		b.sees("Person 2")
		b.sees("A device asks for this")
		b.press("Allow")
		b.sees("Your device goes on")
		d.told(t, "")
	})
}

func TestPagesOfDevicesLookRight(t *testing.T) {
	t.Parallel()
	server := deviceServer(t)
	b, d := open(t, server, withScripts), askedBy(t, server)
	b.visit(d.page)
	b.signIn(deviceUser(3))
	b.look("device")
	b.fill("Code", "wdjb mjht")
	b.press("Continue")
	b.answers(http.StatusUnprocessableEntity)
	b.look("device-error")
	b.visit(d.link)
	b.look("device-linked")
	b.press("Continue")
	b.look("consent-device")
	b.press("Allow")
	b.look("device-allowed")

	denied := askedBy(t, server)
	b.visit(denied.link)
	b.press("Continue")
	b.press("Deny")
	b.look("device-denied")

	b.visit(d.page)
	for range 20 { // a count begins anew every ten minutes, so perhaps once on the way
		b.fill("Code", "bbbb-bbbb")
		b.press("Continue")
		if ask[bool](b, `problem.innerText.includes("Please wait")`) {
			b.answers(http.StatusTooManyRequests)
			b.look("device-throttled")
			return
		}
		b.answers(http.StatusUnprocessableEntity)
	}
	t.Error("guessing is never stopped")
}

func TestFormsOfDevicesEndOnThisSite(t *testing.T) {
	t.Parallel()
	server := deviceServer(t)
	for name, button := range map[string]string{"device": "Continue", "consent": "Allow"} {
		t.Run(name, func(t *testing.T) {
			b, d := open(t, server, withoutScripts), askedBy(t, server)
			b.visit(d.link)
			b.signIn(deviceUser(0))
			if name == "consent" {
				b.press("Continue")
			}
			ask[bool](b, `(document.forms[0].action = "https://elsewhere.invalid/", true)`)
			b.click(button)
			b.told("form-action")
			b.forgive()
			d.told(t, "authorization_pending")
		})
	}
}
