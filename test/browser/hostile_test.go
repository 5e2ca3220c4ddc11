package browser

import (
	"fmt"
	"testing"
)

func TestHostileNamesAreOnlyText(t *testing.T) {
	for i, name := range hostileNames {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			server := shared(t)
			b, app := open(t, server, withScripts), listen(t, server, hostileID(i), "127.0.0.1")
			asked := app.begin(b, "scope", "profile api:read")
			b.readsAs(".lead strong", name)
			b.lookIn(fmt.Sprintf("hostile-%d-login", i), "light")
			b.signIn(hostileUser(i))
			b.at("/consent")
			b.readsAs("h1 bdi", name)
			b.readsAs(".names strong", hostilePerson(i))
			b.lookIn(fmt.Sprintf("hostile-%d-consent", i), "light")
			b.press("Allow")
			app.redeemed(b, asked)
			b.visit("/")
			b.readsAs("h1 bdi", hostilePerson(i))
			b.lookIn(fmt.Sprintf("hostile-%d-home", i), "light")
		})
	}
}

// What is typed, or hinted at by an application, goes through no registration.
func TestHostileTypedNamesAreOnlyText(t *testing.T) {
	for i, name := range []string{
		"\u202e\u2066\u200f" + `"><script>document.title="owned"</script>` + "\u202d",
		`' autofocus onfocus=alert(1) x="`,
		`{{.FormToken}}</textarea><img src=//elsewhere.invalid/x>`,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			server := shared(t)
			b, app := open(t, server, withScripts), listen(t, server, nativeID, "127.0.0.1")
			app.begin(b, "login_hint", name)
			b.holds(name)
			b.lookIn(fmt.Sprintf("typed-%d-hint", i), "light")
			b.logIn(name, "whatever it is")
			b.answers(422)
			b.sees("The username or the password is not right.")
			b.holds(name)
			b.lookIn(fmt.Sprintf("typed-%d-error", i), "light")
		})
	}
}

// readsAs fails the test unless an element holds the name as text and the page nothing that is not ours.
func (b *tab) readsAs(selector, name string) {
	b.t.Helper()
	b.await("the page is complete", complete)
	if got := ask[string](b, `document.querySelector(%s).textContent`, selector); got != name {
		b.t.Errorf("%s reads %q, not %q", selector, got, name)
	}
	b.onlyOurs()
}

func (b *tab) holds(name string) {
	b.t.Helper()
	b.await("the page is complete", complete)
	if got := ask[string](b, `username.value`); got != name {
		b.t.Errorf("the field holds %q, not %q", got, name)
	}
	b.onlyOurs()
}

func (b *tab) onlyOurs() {
	b.t.Helper()
	if found := ask[[]string](b, `[
		...document.querySelectorAll("base, iframe, object, embed, svg, textarea, style, [onerror], [onload], [onfocus], [onclick], [style]"),
		...[...document.querySelectorAll("script, img, link")].filter(e => !(e.src || e.href).startsWith(location.origin + "/static/")),
		...[...document.querySelectorAll("script")].filter(e => e.textContent),
	].map(e => e.outerHTML)`); len(found) > 0 {
		b.t.Errorf("the page holds %q", found)
	}
	if title := ask[string](b, `document.title`); title == "owned" {
		b.t.Error("a name ran as a script")
	}
}
