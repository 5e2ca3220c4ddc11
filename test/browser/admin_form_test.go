package browser

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Row 8: each template brings sound settings, and each setting can be changed.
func TestRow08EveryTemplateMakesAClient(t *testing.T) {
	t.Parallel()
	b := enter(t, withoutScripts, admin(t), "/admin/auth-clients")
	for _, kind := range []struct {
		template  string
		redirects []string
		grants    []string
		public    bool
		more      func(b *tab)
	}{
		{"Web application", []string{"https://web.example.test/callback"}, []string{"Authorization code", "Refresh tokens"}, false, nil},
		{"Single-page or native app", []string{"com.example.app:/callback"}, []string{"Authorization code", "Refresh tokens"}, true, nil},
		{"Machine to machine", nil, []string{"Client credentials"}, false, nil},
		{"Device or command line", nil, []string{"Device authorization", "Refresh tokens"}, true, nil},
		{"Something else", nil, []string{"Personal access tokens"}, true, func(b *tab) {
			b.tick("Public")
			b.tick("Enable Personal Access Tokens")
			b.fill("Scopes", "reports:read")
		}},
	} {
		id, secret := b.registers(filledClient{template: kind.template, name: named(kind.template), redirects: kind.redirects, more: kind.more})
		if (secret == "") != kind.public {
			t.Errorf("%s: the secret is %q", kind.template, secret)
		}
		b.visit("/admin/auth-clients?q=" + id)
		if grants := ask[[]string](b, `[...document.querySelectorAll("td[data-label=Grants] .chip")].map(e => e.innerText)`); !slices.Equal(grants, kind.grants) {
			t.Errorf("%s has the grants %q", kind.template, grants)
		}
		if !kind.public && kind.redirects == nil {
			app := &authtest.App{Server: b.server, ID: id, Secret: secret, Method: authtest.Basic}
			app.Machine(t)
			app.Token(t, "grant_type", "authorization_code", "code", "x", "code_verifier", "x").Wants(t, http.StatusBadRequest, "unauthorized_client")
		}
	}
}

// Rows 9 and 16: all faults at once, each beside its field, and nothing that was typed is lost.
func TestRow09FaultsStandBesideFields(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b := enter(t, s, admin(t), "/admin/auth-clients/-/new")
		b.tick("Web application")
		b.press("Continue")
		redirects := "https://good.example.test/callback\nhttp://plain.example.test/\nhttps://one.example.test/,https://two.example.test/"
		b.fill("Name", "   ")
		b.fill("Redirect URLs", redirects)
		b.fill("Scopes", "profile orders:read")
		b.fill("Default scopes", "invoices:write")
		b.tick("Enable Client Credentials Grant")
		b.press("Create Auth Client")
		b.answers(http.StatusUnprocessableEntity)
		b.at("/admin/auth-clients/-/new")
		for _, field := range []string{"Name", "Redirect URLs", "Default scopes"} {
			if b.faultBeside(field) == "" {
				t.Errorf("nothing is said beside %s", field)
			}
		}
		if fault := b.faultBeside("Scopes"); fault != "" {
			t.Errorf("beside a good field stands %q", fault)
		}
		for field, typed := range map[string]string{"Redirect URLs": redirects, "Scopes": "profile orders:read", "Default scopes": "invoices:write"} {
			if got := b.valueOf(field); got != typed {
				t.Errorf("%s holds %q", field, got)
			}
		}
		if !b.ticked("Enable Client Credentials Grant") || !b.ticked("Enable Authorization Code Grant") {
			t.Error("what was ticked is lost")
		}
		b.lookIn("admin-client-faults", "light")

		b.fill("Name", strings.Repeat("x", 300)) // the field takes 255
		if got := b.valueOf("Name"); len(got) != 255 {
			t.Errorf("the field takes %d characters", len(got))
		}
		b.fill("Redirect URLs", "https://good.example.test/callback")
		b.fill("Default scopes", "profile")
		b.fill("Name", named("Mended"))
		b.press("Create Auth Client")
		b.sees("You won't be able to see it again.")
		b.secret()
	})
}

// Row 8: at least one grant, and what a grant needs.
func TestRow08SettingsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	b := enter(t, withoutScripts, admin(t), "/admin/auth-clients/-/new")
	b.visit("/admin/auth-clients/-/new?template=none")
	b.fill("Name", named("Unfit"))
	b.press("Create Auth Client")
	b.answers(http.StatusUnprocessableEntity)
	if fault := ask[string](b, `document.querySelector("#grant_types .fault")?.innerText ?? ""`); fault == "" {
		t.Error("nothing is said beside the grants")
	}
	b.tick("Enable Authorization Code Grant")
	b.press("Create Auth Client")
	b.answers(http.StatusUnprocessableEntity)
	if b.faultBeside("Redirect URLs") == "" {
		t.Error("nothing is said beside the missing redirect URL")
	}
}

// Row 8: names are unique, whatever the case and the blanks around.
func TestRow08NameTakenIsToldWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	b, name := enter(t, withScripts, admin(t), "/admin/auth-clients"), named("Taken")
	b.registers(filledClient{template: "Machine to machine", name: name})
	b.visit("/admin/auth-clients/-/new?template=web")
	b.fill("Name", "  "+strings.ToUpper(name)+" ")
	b.fill("Redirect URLs", "https://typed.example.test/")
	b.press("Create Auth Client")
	b.answers(http.StatusUnprocessableEntity)
	if fault := b.faultBeside("Name"); fault != "Another auth client has this name." {
		t.Errorf("beside the name stands %q", fault)
	}
	if got := b.valueOf("Redirect URLs"); got != "https://typed.example.test/" {
		t.Errorf("the field holds %q", got)
	}
}

// Two admins, each in front of the form with the same name, press the button in the same moment.
func TestTwoAdminsCannotCreateOneName(t *testing.T) {
	t.Parallel()
	name := named("Contested")
	var tabs [2]*tab
	for i, s := range []scripting{withScripts, withoutScripts} {
		tabs[i] = enter(t, s, admin(t), "/admin/auth-clients/-/new")
		tabs[i].visit("/admin/auth-clients/-/new?template=app")
		tabs[i].fill("Name", name)
		tabs[i].fill("Redirect URLs", "https://contested.example.test/callback")
		ask[bool](tabs[i], `window.left = true`)
	}
	for _, b := range tabs {
		b.click("Create Auth Client") // neither waits for the other
	}
	won := 0
	for _, b := range tabs {
		b.await("the form is answered", `!window.left && `+complete)
		if ask[bool](b, `location.pathname.endsWith("/new")`) {
			b.answers(http.StatusUnprocessableEntity)
			if b.faultBeside("Name") == "" || b.valueOf("Name") != name || b.valueOf("Redirect URLs") != "https://contested.example.test/callback" {
				t.Error("the other does not see why, with what was typed")
			}
			continue
		}
		won++
		b.notice("The auth client was created.")
	}
	if won != 1 {
		t.Errorf("%d admins have created it", won)
	}
}

// Row 19: who saves second is told what the first one did, and decides.
func TestRow19SavingTellsThatSomebodySavedFirst(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b, name := enter(t, s, admin(t), "/admin/auth-clients"), named("Twice open")
		id, _ := b.registers(filledClient{template: "Single-page or native app", name: name, redirects: []string{"https://kept.example.test/callback"}})
		second := enter(t, s, admin(t), "/admin/auth-clients/"+id+"/edit")
		b.visit("/admin/auth-clients/" + id + "/edit")
		b.fill("Scopes", "profile first")
		b.press("Save")
		b.notice("The auth client was saved.")

		second.fill("Scopes", "profile second")
		second.press("Save")
		second.answers(http.StatusConflict)
		if got := second.valueOf("Scopes"); got != "profile second" {
			t.Errorf("the field holds %q", got)
		}
		second.sees("profile first")
		second.lookIn("admin-client-conflict", "light")
		second.press("Save")
		second.notice("The auth client was saved.")
		b.visit("/admin/auth-clients/" + id)
		b.sees("second")

		b.press("Edit Auth Client")
		b.tick("Enable Authorization Code Grant")
		b.tick("Enable Refresh Tokens")
		b.tick("Enable Personal Access Tokens")
		b.press("Save")
		b.notice("The auth client was saved.")
		b.press("Edit Auth Client")
		if got := b.valueOf("Redirect URLs"); got != "https://kept.example.test/callback" {
			t.Errorf("with the grant unticked the redirect URLs are %q", got)
		}
	})
}

// Row 17: programs to paste, with the values of the client and without its secret.
func TestRow17SnippetsHoldTheValuesOfTheClient(t *testing.T) {
	t.Parallel()
	b := enter(t, withScripts, admin(t), "/admin/auth-clients")
	id, secret := b.registers(filledClient{template: "Web application", name: named("Pasted"), redirects: []string{"https://pasted.example.test/callback"}})
	b.visit("/admin/auth-clients/" + id)
	languages := ask[[]string](b, `[...document.querySelectorAll(".tabs-plain summary")].map(e => e.innerText)`)
	for _, language := range []string{"curl", "Go", "Node", "Python"} {
		if !slices.ContainsFunc(languages, func(l string) bool { return strings.HasPrefix(l, language) }) {
			t.Errorf("there is no %s among %q", language, languages)
		}
	}
	for _, code := range ask[[]string](b, `[...document.querySelectorAll(".snippet code")].map(e => e.textContent)`) {
		if !strings.Contains(code, id) || !strings.Contains(code, b.server.Issuer) || strings.Contains(code, secret) {
			t.Errorf("a snippet does not hold what it should:\n%s", code)
		}
	}
	b.sees("Use") // the plot
	if !ask[bool](b, `!!document.querySelector("figure.plot")`) {
		t.Error("there is no plot")
	}
}

// Row 21: what one server exports another can import; here, what was deleted comes back.
func TestRow21ExportAndImport(t *testing.T) {
	inBoth(t, func(t *testing.T, s scripting) {
		b, name := enter(t, s, admin(t), "/admin/auth-clients/-/import"), named("Imported <i>")
		fill := func(text string) {
			b.visit("/admin/auth-clients/-/import")
			ask[bool](b, `(document.querySelector("textarea").select(), true)`)
			b.typed(text)
			b.press("Show what would change")
		}
		fill(`{"clients": [{"client_id": "bro ken", "client_name": "x"}, {]}`)
		b.answers(http.StatusUnprocessableEntity)
		b.onlyOurWords()

		id := "imported-" + strings.ReplaceAll(string(s), " ", "-")
		fill(`{"clients": [{"client_id": "` + id + `", "client_name": "` + name + `", "grant_types": ["client_credentials"], "scope": "reports:read"}]}`)
		b.sees("What would be done")
		b.sees(name)
		b.lookIn("admin-import", "light")
		b.press("Import")
		b.sees("You won't be able to see them again.")
		app := &authtest.App{Server: b.server, ID: id, Secret: b.secret(), Method: authtest.Basic}
		app.Machine(t)
		b.lookIn("admin-imported", "light")

		b.visit("/admin/auth-clients/" + id)
		b.sees(name)
		fill(`{"clients": [{"client_id": "` + id + `", "client_name": "` + name + `", "grant_types": ["client_credentials"], "scope": "reports:read reports:write"}]}`)
		b.sees("Changed")
		b.press("Import")
		b.sees("What was done")
		b.visit("/admin/auth-clients/" + id)
		b.sees("reports:write")
		app.Machine(t) // its secret stays
	})
}
