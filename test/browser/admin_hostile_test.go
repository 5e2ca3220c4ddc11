package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestHostileNamesInTheAdministration gives the names to everything that people may name, and looks at every page that
// shows them.
func TestHostileNamesInTheAdministration(t *testing.T) {
	for _, i := range []int{1, 2, 3, 4} { // HTML and quotes, right to left, emoji, and nowhere to break a line
		name := hostileNames[i]
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			h := hostileThing{t: t, b: enter(t, withScripts, admin(t), "/admin/auth-clients"), i: i, name: name}
			h.client()
			h.user(h.group())
			h.token()
			h.shows("/admin/audit", "")
		})
	}
}

type hostileThing struct {
	t    *testing.T
	b    *tab
	i    int
	name string
}

// of gives as much of the name as fits.
func (h *hostileThing) of(most int) string {
	letters := []rune(h.name)
	return strings.TrimSpace(string(letters[:min(len(letters), most)]))
}

// typed fills in as much of the name as fits, and gives what the field took: it counts as JavaScript does.
func (h *hostileThing) typed(label string, most int) string {
	h.t.Helper()
	h.b.fill(label, h.of(most))
	return strings.TrimSpace(h.b.valueOf(label))
}

// says fails the test unless an element holds the name as text, and the page nothing that runs.
func (h *hostileThing) says(selector, name string) {
	h.t.Helper()
	h.b.onlyOurWords()
	if !ask[bool](h.b, `[...document.querySelectorAll(%s)].some(e => e.textContent === %s)`, selector, name) {
		h.t.Errorf("%s: no %s reads %q", ask[string](h.b, `location.pathname`), selector, name)
	}
}

// shows goes to a page that shows the name, and looks at it.
func (h *hostileThing) shows(path, name string) {
	h.t.Helper()
	h.b.visit(path)
	h.b.onlyOurWords()
	if name != "" {
		h.says("bdi", name)
	}
	for _, s := range []screen{wide, narrow} {
		h.b.size(s)
		for _, fault := range h.b.looks() {
			h.t.Errorf("%s, %s: %s", path, s.name, fault)
		}
		h.b.picture(strings.NewReplacer("/", "-", "?", "-").Replace(fmt.Sprintf("hostile-%d%s-%s", h.i, path[:min(len(path), 30)], s.name)))
	}
	h.b.size(wide)
}

func (h *hostileThing) client() {
	name := h.of(255)
	id, _ := h.b.registers(filledClient{template: "Machine to machine", name: name, more: func(b *tab) { b.fill("Scopes", "reports:read") }})
	path := "/admin/auth-clients/" + id
	h.b.press("Add")
	secret := h.typed("Name", 100)
	h.b.press("Add secret")
	h.b.secret()
	h.says("bdi", name)
	h.shows(path, name)
	h.says("bdi", secret)
	h.b.leave("Revoke", func() {
		h.b.clickAt(h.b.reach(`[...document.querySelectorAll("td a.danger")].at(-1)`))
	})
	h.says("strong bdi", secret)
	h.shows("/admin/auth-clients?q="+id, name)
	h.shows(path+"/edit", "")
	if got := h.b.valueOf("Name"); got != name {
		h.t.Errorf("the field holds %q", got)
	}
	h.shows(path+"/history", name)
	h.shows(path+"/delete", name)
	h.says("strong bdi", name)
	h.b.press("Cancel")
	h.b.visit("/admin/auth-clients?q=" + id)
	h.b.clickAt(h.b.reach(`document.querySelector("td.check input")`))
	h.b.press("Delete")
	h.says("strong bdi", name)
	h.b.press("Delete Auth Clients")
	h.b.notice("The auth clients were deleted.")
	h.b.onlyOurWords()
}

func (h *hostileThing) group() (name string) {
	h.b.visit("/admin/groups/-/new")
	name = h.typed("Name", 100)
	h.b.fill("Description", h.of(255))
	h.b.press("Create Group")
	h.b.notice("The group was created.")
	path := "/admin/groups/" + h.b.idOf("/admin/groups")
	h.shows(path, name)
	h.shows("/admin/groups", name)
	h.shows("/admin/groups/-/new", "")
	h.shows(path+"/edit", "")
	h.shows(path+"/delete", name)
	return name
}

func (h *hostileThing) user(group string) {
	username := fmt.Sprintf("hostile-in-office-%d", h.i)
	h.b.visit("/admin/users/-/new")
	h.b.fill("Username", username)
	name := h.typed("Name", 200)
	h.b.tick(group)
	h.b.press("Create User")
	password := h.b.secret()
	h.b.press("I have kept it")
	path := "/admin/users/" + h.b.idOf("/admin/users")
	h.shows(path, name)
	h.shows("/admin/users?q="+username, name)
	h.shows(path+"/permissions", group)
	h.shows(path+"/delete", username)

	other := open(h.t, h.b.server, withScripts)
	other.visit("/account/profile")
	other.logIn(username, password)
	other.at("/account/profile")
	other.onlyOurWords()
	if got := other.valueOf("Name"); got != name {
		h.t.Errorf("the field holds %q", got)
	}
}

func (h *hostileThing) token() {
	clientID := fmt.Sprintf("hostile-tokens-%d", h.i)
	api(h.t, http.MethodPost, "/clients", object{
		"client_id": clientID, "client_name": "For tokens: " + h.of(200), "grant_types": []string{}, "personal_access_tokens": true,
		"token_endpoint_auth_method": "none", "scope": "reports:read",
	})
	h.b.visit("/account/tokens/new?client=" + clientID)
	h.says("bdi", "For tokens: "+h.of(200))
	name := h.typed("Name", 100)
	h.b.tick("reports:read")
	h.b.press("Create token")
	h.b.secret()
	h.says("bdi", name)
	h.shows("/account/tokens", name)
}

// What cannot be a name is refused beside the field, and shown in it as it was typed.
func TestNamesThatTurnTextRoundAreRefused(t *testing.T) {
	t.Parallel()
	b := enter(t, withScripts, admin(t), "/admin/auth-clients")
	for _, form := range []struct{ path, field, button string }{
		{"/admin/auth-clients/-/new?template=machine", "Name", "Create Auth Client"},
		{"/admin/groups/-/new", "Name", "Create Group"},
	} {
		for _, name := range []string{"\u202egnp.exe", "a\u2066b", "zero\u200bwidth"} {
			b.visit(form.path)
			b.fill(form.field, name)
			b.press(form.button)
			b.answers(http.StatusUnprocessableEntity)
			if b.faultBeside(form.field) == "" || b.valueOf(form.field) != name {
				t.Errorf("%s: beside %q stands %q", form.path, b.valueOf(form.field), b.faultBeside(form.field))
			}
			b.onlyOurWords()
		}
	}
	b.visit("/admin/users/-/new")
	b.fill("Username", "<b>'\"&")
	b.fill("Name", "\u202egnp.exe")
	b.press("Create User")
	b.answers(http.StatusUnprocessableEntity)
	if b.valueOf("Username") != "<b>'\"&" || b.faultBeside("Name") == "" {
		t.Errorf("the username is %q, beside the name stands %q", b.valueOf("Username"), b.faultBeside("Name"))
	}
	b.onlyOurWords()
}
