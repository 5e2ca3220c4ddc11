package browser

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// An API is registered row by row, guarded by a client of its own, and given to an application, with scripts and without.
// The server is not the shared one: forms of clients look otherwise where there are APIs.
func TestAPIIsRegisteredAndGivenToAnApplication(t *testing.T) {
	t.Parallel()
	apis := []object{}
	for n := range 12 {
		apis = append(apis, object{"identifier": fmt.Sprintf("https://service-%02d.example.test", n), "name": fmt.Sprintf("Service %02d", n), "scopes": []object{{"name": fmt.Sprintf("s%02d:read", n)}}})
	}
	seed, err := json.Marshal(object{"apis": apis, "users": []object{{"username": "ada", "password": authtest.PasswordOf("ada"), "super_admin": true}}})
	if err != nil {
		t.Fatal(err)
	}
	server := authtest.Start(t, authtest.Options{Seed: string(seed)})
	for _, s := range []scripting{withScripts, withoutScripts} {
		t.Run(string(s), func(t *testing.T) {
			b := open(t, server, s)
			b.visit("/admin/apis/-/new")
			b.signIn("ada")
			name := "Orders " + string(s)
			b.registersAPI(name, s)
			b.givesAPI(name, s)
		})
	}
}

func (b *tab) registersAPI(name string, s scripting) {
	b.t.Helper()
	scope := "orders-" + map[scripting]string{withScripts: "a", withoutScripts: "b"}[s]
	b.fill("Identifier", "https://"+scope+".example.test")
	b.fill("Name", name)
	more, rows := "Add rows", 6
	if s == withScripts {
		more, rows = "Add a row", 4
	}
	b.click(more)
	b.await("more rows", `document.querySelectorAll(".scope-row").length === %[1]s`, rows)
	for at, text := range map[string]string{"1-name": scope + ":write", "2-name": "mistake", "3-name": scope + ":read", "3-description": "See what you ordered."} {
		b.clickAt(b.reach(`document.getElementById("scope-" + %[1]s)`, at))
		b.typed(text)
	}
	b.clickAt(b.reach(`document.querySelectorAll("button[name=remove]")[1]`))
	b.await("one row less", `document.querySelector("#scope-2-name")?.value === %[1]s`, scope+":read")
	b.accessible("the form of an API")
	b.press("Create API")
	b.sees("The API was created")
	b.secret()
	b.press("I have kept it")
	b.sees("See what you ordered.")
	b.seesNot("mistake")
}

func (b *tab) givesAPI(name string, s scripting) {
	b.t.Helper()
	b.visit("/admin/auth-clients/-/new?template=machine")
	b.fill("Name", "Caller of "+name)
	if s == withScripts {
		b.fill("Find an API", name)
		b.await("one API is left", `[...document.querySelectorAll(".api-choice")].filter(e => e.checkVisibility()).length === 1`)
		b.sees("1 of ")
		b.clickAt(b.reach(`[...document.querySelectorAll(".api-choice:not([hidden]) summary")][0]`))
		b.clickAt(b.reach(`[...document.querySelectorAll(".api-choice:not([hidden]) input[name=api_scope]")].at(-1)`)) // which ticks the API
	} else {
		b.clickAt(b.reach(`document.querySelector(".api-others > summary")`))
		b.tick(name)
		b.clickAt(b.reach(`[...document.querySelectorAll(".api-choice")].find(e => e.innerText.includes(%[1]s)).querySelector("summary")`, name))
		b.clickAt(b.reach(`[...document.querySelectorAll(".api-choice")].find(e => e.innerText.includes(%[1]s)).querySelectorAll("input[name=api_scope]")[1]`, name))
	}
	b.accessible("APIs in the form of a client")
	b.press("Create Auth Client")
	b.press("I have kept it")
	b.sees("See what you ordered.")
	b.press(name)
	b.sees("Caller of " + name)
}
