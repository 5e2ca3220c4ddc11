package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/grantor-dev/grantor/test/authtest"
)

// TestKeysAloneManageAnAuthClient creates, edits and deletes a client without a mouse.
func TestKeysAloneManageAnAuthClient(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		user, name := admin(t), named("By keys")
		b := open(t, office.running(t), s)
		b.visit("/admin/auth-clients")
		b.focusIsOn("username")
		b.typed(user)
		b.key(kb.Tab)
		b.typed(authtest.PasswordOf(user))
		b.enters()

		b.at("/admin/auth-clients")
		b.tabOn("Skip to the content")
		b.key(kb.Enter)
		b.focusIsOn("main")
		b.tabOn("+ Auth Client")
		b.enters()

		b.tabOn("template-web")
		b.key(kb.ArrowDown)
		b.key(kb.ArrowDown)
		b.focusIsOn("template-machine")
		b.enters()

		b.focusIsOn("client_name")
		b.typed(name)
		b.tabOn("grant_types-client_credentials")
		b.tabOn("scope")
		b.typed("reports:read")
		b.enters()
		b.secret()
		b.tabOn("I have kept it")
		b.enters()

		b.visit("/admin/auth-clients?q=" + strings.ReplaceAll(name, " ", "+"))
		b.opensMenu(name)
		b.key(kb.Escape)
		if s == withScripts {
			if got := b.focused(); ask[bool](b, `!!document.querySelector("details.menu[open]")`) || !ask[bool](b, `document.activeElement.matches("summary")`) {
				t.Errorf("Escape leaves the menu open, or the focus on %q", got)
			}
			b.key(kb.Enter)
		}
		b.tabOn("Edit Auth Client")
		b.enters()
		b.focusIsOn("client_name")
		b.tabOn("scope")
		b.typed("reports:write")
		b.enters()
		b.notice("The auth client was saved.")

		b.visit("/admin/auth-clients?q=" + strings.ReplaceAll(name, " ", "+"))
		b.tabOn("select-" + b.column("#")[0])
		b.key(" ")
		b.key(kb.Enter) // presses nothing
		b.tabOn("Revoke tokens")
		b.tabOn("Delete")
		b.enters()
		b.sees("Are you sure you want to delete these auth clients?")
		b.tabOn("Delete Auth Clients")
		b.enters()
		b.notice("The auth clients were deleted.")
	})
}

func (b *tab) enters() {
	b.t.Helper()
	b.leave("Enter", func() { b.key(kb.Enter) })
}

func (b *tab) opensMenu(name string) {
	b.t.Helper()
	for range 60 {
		b.tabbed()
		if ask[bool](b, `document.activeElement.getAttribute("aria-label") === "Actions for " + %s`, name) {
			b.key(kb.Enter)
			b.await("the menu is open", `!!document.querySelector("details.menu[open]")`)
			return
		}
	}
	b.t.Fatalf("Tab does not lead to the menu of %s", name)
}

// tabOn moves the focus on until it is where it should be. Wherever it rests on the way, it is seen.
func (b *tab) tabOn(text string) {
	b.t.Helper()
	var passed []string
	for range 60 {
		b.tabbed()
		on := strings.Join(strings.Fields(b.focused()), " ")
		if on == text {
			return
		}
		passed = append(passed, on)
	}
	b.t.Fatalf("Tab does not lead to %q but to %q", text, passed)
}

// tabbed presses Tab once and looks whether the focus is to be seen: on the screen, in front, with a ring.
func (b *tab) tabbed() {
	b.t.Helper()
	b.key(kb.Tab)
	if lost := ask[string](b, `(() => {
		const e = document.activeElement;
		if (e === document.body) return "";
		const ringed = [e, ...e.labels ?? []].some(r => { // a card shows the ring of the box in it
			const style = getComputedStyle(r);
			return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none";
		}) || !!e.closest(".choice, .with-suffix")?.matches(":focus-within");
		const box = e.getBoundingClientRect(), x = box.x + Math.min(box.width / 2, 20), y = box.y + Math.min(box.height / 2, 20);
		const top = document.elementFromPoint(x, y), within = top && (e.contains(top) || top.contains(e) || [...e.labels ?? []].some(l => l.contains(top)));
		if (!ringed) return "has no ring: " + e.outerHTML;
		if (!within) return "is covered or out of sight: " + e.outerHTML;
		return "";
	})()`); lost != "" {
		b.t.Errorf("%s: the focus %s", ask[string](b, `location.pathname`), lost)
	}
}
