package browser

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/grantor-dev/grantor/test/authtest"
)

func TestKeysAloneSignInAndAllow(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		server, user := shared(t), person(t)
		b, app := open(t, server, s), listen(t, server, nativeID, "127.0.0.1")
		asked := app.begin(b)
		b.focusIsOn("username")
		b.typed(user)
		b.key(kb.Tab)
		b.focusIsOn("password")
		b.typed(authtest.PasswordOf(user))
		b.leave("Enter", func() { b.key(kb.Enter) })

		b.at("/consent")
		b.tabTo("Skip to the content")
		b.tabTo("Not you? Use another account")
		b.tabTo("Deny")
		b.tabTo("Allow")
		b.leave("Enter", func() { b.key(kb.Enter) })
		app.redeemed(b, asked)
	})
}

func TestEnterNeverAllowsByItself(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withScripts), listen(t, server, nativeID, "127.0.0.1")
	app.begin(b)
	b.signIn(person(t))
	b.at("/consent")
	b.key(kb.Enter)
	b.key(" ")
	if on := b.focused(); on == "Allow" || on == "Deny" {
		t.Errorf("the focus begins on %q", on)
	}
	b.at("/consent")
}

func TestSkipLinkLeadsToTheContent(t *testing.T) {
	t.Parallel()
	b := open(t, shared(t), withoutScripts)
	b.visit("/")
	b.tabTo("Skip to the content")
	b.key(kb.Enter)
	b.focusIsOn("main")
	b.tabTo("Sign in")
}

// tabTo moves the focus on until it is where it should be, on the screen, with a ring around it.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	for range 6 {
		b.key(kb.Tab)
		if b.focused() != text {
			continue
		}
		if !ask[bool](b, `(() => {
			const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
			return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.top >= 0 && box.bottom <= innerHeight;
		})()`) {
			b.t.Errorf("nobody sees that %q has the focus", text)
		}
		return
	}
	b.t.Fatalf("Tab does not lead to %q but to %q", text, b.focused())
}
