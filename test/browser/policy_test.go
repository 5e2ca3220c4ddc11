package browser

import "testing"

// The watch has to see what it is there for, and the policy has to be in force: else every other test here proves nothing.
func TestPolicyRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	b := open(t, shared(t), withScripts)
	b.visit("/login")
	for what, inject := range map[string]string{
		"script-src": `document.body.append(Object.assign(document.createElement("script"), {textContent: "document.title = 'owned'"}))`,
		"style-src":  `document.body.append(Object.assign(document.createElement("style"), {textContent: "body { color: red }"}))`,
		"img-src":    `document.body.append(Object.assign(new Image(), {src: "https://elsewhere.invalid/"}))`,
		"frame":      `document.body.append(Object.assign(document.createElement("iframe"), {src: "https://elsewhere.invalid/"}))`,
		"base-uri":   `document.head.append(Object.assign(document.createElement("base"), {href: "https://elsewhere.invalid/"}))`,
		"connect":    `void fetch("https://elsewhere.invalid/").catch(() => {})`,
	} {
		ask[bool](b, `(() => { `+inject+`; return true; })()`)
		b.told(what)
	}
	if ask[string](b, `document.title`) == "owned" {
		t.Error("an inline script ran")
	}
	b.forgive() // more than one event tells of each
}

func TestFormEndsOnlyWhereItsApplicationIs(t *testing.T) {
	t.Parallel()
	server := shared(t)
	elsewhere := listen(t, server, nativeID, "localhost")
	for _, page := range []string{"login", "consent"} {
		t.Run(page, func(t *testing.T) {
			b, app := open(t, server, withoutScripts), listen(t, server, nativeID, "127.0.0.1")
			app.begin(b)
			if page == "consent" {
				b.signIn(person(t))
				b.at("/consent")
			} else {
				b.fill("Username", "somebody")
				b.fill("Password", "something")
			}
			ask[bool](b, `(document.forms[0].action = %s, true)`, elsewhere.Redirect)
			b.click(map[string]string{"login": "Sign in", "consent": "Allow"}[page])
			b.told("form-action")
			b.forgive()
		})
	}
	if len(elsewhere.answers) > 0 {
		t.Error("the form was sent elsewhere")
	}
}

func TestPagesAreNotFramed(t *testing.T) {
	t.Parallel()
	server := shared(t)
	b, app := open(t, server, withScripts), listen(t, server, nativeID, "localhost")
	b.allowOrigin(app.origin)
	b.visit(app.Redirect) // a page of another origin
	<-app.answers
	ask[bool](b, `(document.body.append(Object.assign(document.createElement("iframe"), {src: %s})), true)`, server.URL("/login"))
	b.told("frame")
	b.forgive()
}

// A browser without windows never asks for the icon by itself.
func TestTheIconIsAnImageThatThePolicyLetsIn(t *testing.T) {
	t.Parallel()
	b := enter(t, withScripts, admin(t), "/admin/auth-clients")
	ask[bool](b, `(window.icon = Object.assign(new Image(), {src: document.querySelector("link[rel=icon]").href}), true)`)
	b.await("the icon is there", `window.icon.complete && window.icon.naturalWidth > 0`)
}
