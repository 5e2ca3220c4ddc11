package browser

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// labelled is the control with a label, in JavaScript: what is said behind the label does not count, and hidden ones are not
// meant.
const labelled = `[...document.querySelectorAll("label")].find(l => l.control?.checkVisibility() &&
	(l.querySelector("bdi") ?? l).innerText.replace("(may be left empty)", "").trim() === %[1]s)?.control`

// tick clicks on the label of a checkbox or radio button.
func (b *tab) tick(label string) {
	b.t.Helper()
	b.clickAt(b.reach(labelled+`?.labels[0]`, label))
}

// ticked tells whether a checkbox or radio button is.
func (b *tab) ticked(label string) bool {
	b.t.Helper()
	return ask[bool](b, labelled+`.checked`, label)
}

// valueOf tells what stands in a field.
func (b *tab) valueOf(label string) string {
	b.t.Helper()
	return ask[string](b, labelled+`.value`, label)
}

// choose picks a line of a list; to a date it is the day.
func (b *tab) choose(label, value string) {
	b.t.Helper()
	ask[bool](b, `(() => {
		const field = `+labelled+`, option = [...field.options ?? []].find(o => o.text === %[2]s);
		field.value = option ? option.value : %[2]s;
		if (!field.value) throw Error("there is no choice " + %[2]s);
		return true;
	})()`, label, value)
}

// faultBeside gives what is said to be wrong with a field, "" where nothing is.
func (b *tab) faultBeside(label string) string {
	b.t.Helper()
	return ask[string](b, `(() => {
		const field = `+labelled+`, ids = (field.getAttribute("aria-describedby") ?? "").split(" ");
		const fault = ids.map(id => document.getElementById(id)).find(e => e?.matches(".fault"));
		return fault && field.getAttribute("aria-invalid") === "true" && fault.checkVisibility() ? fault.innerText : "";
	})()`, label)
}

// notice waits for what is told after an act.
func (b *tab) notice(text string) {
	b.t.Helper()
	b.await("the page tells "+text, complete+` && [...document.querySelectorAll(".notice")].some(e => e.innerText.trim() === %s)`, text)
}

// offers tells which of these buttons and links are on the page, in a closed menu as well.
func (b *tab) offers(texts ...string) []string {
	b.t.Helper()
	shown := ask[[]string](b, `[...document.querySelectorAll("button, a")].map(e => e.textContent.trim())`)
	var found []string
	for _, text := range texts {
		for _, other := range shown {
			if other == text {
				found = append(found, text)
				break
			}
		}
	}
	return found
}

// menu opens the menu of the row of a name.
func (b *tab) menu(name string) {
	b.t.Helper()
	b.clickAt(b.reach(`[...document.querySelectorAll("details.menu > summary")].find(e => e.getAttribute("aria-label") === "Actions for " + %s)`, name))
}

// pressAt presses the first of what a selector finds that is shown.
func (b *tab) pressAt(selector string) {
	b.t.Helper()
	b.leave(selector, func() {
		b.clickAt(b.reach(`[...document.querySelectorAll(%s)].find(e => e.checkVisibility())`, selector))
	})
}

// pressIn presses a button or link in the one row that holds a text.
func (b *tab) pressIn(row, text string) {
	b.t.Helper()
	b.leave(text+" of "+row, func() {
		b.clickAt(b.reach(`(() => {
			const rows = [...document.querySelectorAll("tbody tr")].filter(r => r.checkVisibility() && r.innerText.includes(%[1]s));
			if (rows.length !== 1) throw Error(rows.length + " rows hold " + %[1]s);
			return [...rows[0].querySelectorAll("a, button")].find(e => e.innerText.trim().startsWith(%[2]s) && e.checkVisibility());
		})()`, row, text))
	})
}

// column gives the texts of a column of the list.
func (b *tab) column(name string) []string {
	b.t.Helper()
	return ask[[]string](b, `[...document.querySelectorAll("table.list td[data-label=" + CSS.escape(%s) + "]")].map(e => e.innerText.trim())`, name)
}

// trail gives the breadcrumb.
func (b *tab) trail() string {
	b.t.Helper()
	return ask[string](b, `[...document.querySelectorAll(".trail li")].map(e => e.innerText.trim()).join(" / ")`)
}

// secret reads what is shown once, and sees to it that it stands in no log.
func (b *tab) secret() string {
	b.t.Helper()
	b.await("a secret is shown", complete+` && !!document.querySelector(".secret-value code")`)
	secret := ask[string](b, `document.querySelector(".secret-value code").textContent`)
	b.server.Keep(secret)
	if address := ask[string](b, `location.href`); strings.Contains(address, secret) {
		b.t.Errorf("the secret stands in the address %s", address)
	}
	return secret
}

// idOf gives the last part of the address of the page: the id of what it is about.
func (b *tab) idOf(area string) string {
	b.t.Helper()
	b.await("the page is one of "+area, complete+` && location.pathname.startsWith(%s)`, area+"/")
	return strings.Split(strings.TrimPrefix(ask[string](b, `location.pathname`), area+"/"), "/")[0]
}

// filledClient is what the form of a new client is filled in with, beyond what its template does.
type filledClient struct {
	template  string // the label of the card
	name      string
	redirects []string
	more      func(b *tab)
}

// registers makes a client through the pages and gives its id and its secret, "" for a public one.
func (b *tab) registers(c filledClient) (id, secret string) {
	b.t.Helper()
	b.visit("/admin/auth-clients")
	b.press("+ Auth Client")
	b.tick(c.template)
	b.press("Continue")
	b.fill("Name", c.name)
	if c.redirects != nil {
		b.fill("Redirect URLs", strings.Join(c.redirects, "\n"))
	}
	if c.more != nil {
		c.more(b)
	}
	confidential := !b.ticked("Public")
	b.press("Create Auth Client")
	if !confidential {
		b.notice("The auth client was created.")
		return b.idOf("/admin/auth-clients"), ""
	}
	b.sees("You won't be able to see it again.")
	secret = b.secret()
	id = ask[string](b, `document.querySelector("#client-id").textContent`)
	b.press("I have kept it")
	b.at("/admin/auth-clients/" + id)
	b.hidden(secret)
	return id, secret
}

// hidden fails the test if a secret stands anywhere in the page, seen or not.
func (b *tab) hidden(secret string) {
	b.t.Helper()
	if ask[bool](b, `document.documentElement.outerHTML.includes(%s)`, secret) {
		b.t.Errorf("%s shows a secret again", ask[string](b, `location.pathname`))
	}
}

var nextName atomic.Int64

// named makes a name that nothing else has.
func named(word string) string { return fmt.Sprintf("%s %d", word, nextName.Add(1)) }

// onlyOurWords fails the test if the page holds anything that a name could have brought and that would run, load or hide.
func (b *tab) onlyOurWords() {
	b.t.Helper()
	b.await("the page is complete", complete)
	if found := ask[[]string](b, `[
		...document.querySelectorAll("base, iframe, object, embed, style, [style]"),
		...[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))),
		...[...document.querySelectorAll("script, img, link")].filter(e => !(e.src || e.href).startsWith(location.origin + "/static/")),
		...[...document.querySelectorAll("script")].filter(e => e.textContent),
		...[...document.querySelectorAll("a[href]")].filter(e => !["http:", "https:", "blob:"].includes(e.protocol)),
	].map(e => e.outerHTML)`); len(found) > 0 {
		b.t.Errorf("the page holds %q", found)
	}
	if title := ask[string](b, `document.title`); title == "owned" {
		b.t.Error("a name ran as a script")
	}
}
