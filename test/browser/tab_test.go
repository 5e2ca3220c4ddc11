package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/grantor-dev/grantor/test/authtest"
)

// patience bounds how long a page may take. It is generous: other tests use the machine, too.
const patience = 60 * time.Second

// scripting says whether the pages may run scripts.
type scripting string

const (
	withScripts    scripting = "with scripts"
	withoutScripts scripting = "without scripts"
)

// inBoth runs a scenario with scripts and without.
func inBoth(t *testing.T, scenario func(t *testing.T, s scripting)) {
	for _, s := range []scripting{withScripts, withoutScripts} {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			scenario(t, s)
		})
	}
}

// tab is a page of a browser that nobody has used before.
type tab struct {
	*watch
	t       testing.TB
	ctx     context.Context
	server  *authtest.Server
	scripts scripting
}

// open opens a tab, watched until the test ends.
func open(t testing.TB, server *authtest.Server, s scripting) *tab {
	t.Helper()
	b := &tab{watch: &watch{origins: []string{server.Origin()}}, t: t, server: server, scripts: s}
	ctx, cancel := chromedp.NewContext(chromium.start(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(b.event))
	b.ctx = ctx
	t.Cleanup(func() {
		cancel()
		for _, fault := range b.take("") {
			t.Error(fault)
		}
	})
	b.must(chromedp.Do(ctx), "open a tab")
	b.size(wide)
	call(b, audits.Enable, cdp.Empty{})
	b.scriptsRun(s)
	return b
}

func (b *tab) scriptsRun(s scripting) {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s == withoutScripts})
}

func (b *tab) must(err error, doing string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", doing, err)
	}
}

// call sends a command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	b.must(err, command.Method)
	return result
}

// ask evaluates an expression in the page; the debugger may do that where the page's own scripts are off.
func ask[T any](b *tab, expression string, args ...any) T {
	b.t.Helper()
	value, err := tryAsk[T](b, expression, args...)
	b.must(err, "ask the page")
	return value
}

func tryAsk[T any](b *tab, expression string, args ...any) (T, error) {
	quoted := make([]any, len(args))
	for i, arg := range args {
		text, _ := json.Marshal(arg) // texts and numbers
		quoted[i] = string(text)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](fmt.Sprintf(expression, quoted...)))
}

// await polls until an expression holds. While one page gives way to the next there may be nothing to ask.
func (b *tab) await(what, expression string, args ...any) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var holds bool
		if holds, err = tryAsk[bool](b, expression, args...); err == nil && holds {
			return
		}
	}
	text, _ := tryAsk[string](b, `location.href + "\n" + document.body.innerText`) // for the person who reads the failure
	b.t.Fatalf("not within %v: %s (%v)\nfaults: %q\n%s", patience, what, err, b.take(""), text)
}

const complete = `document.readyState === "complete"`

// leave does what leads to another page, and waits for that.
func (b *tab) leave(by string, do func()) {
	b.t.Helper()
	ask[bool](b, `window.left = true`)
	do()
	b.await(by+" leads to another page", `!window.left && `+complete)
}

// visit goes to an address.
func (b *tab) visit(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.server.URL(address)
	}
	b.leave(address, func() { call(b, page.Navigate, page.NavigateParams{URL: address}) })
}

// at waits until the tab shows a page of the server.
func (b *tab) at(path string) {
	b.t.Helper()
	b.await("the page is "+path, complete+` && location.href.split("?")[0] === %s`, b.server.URL(path))
}

// sees waits until a text stands on the page.
func (b *tab) sees(text string) {
	b.t.Helper()
	b.await("the page says "+text, complete+` && document.body.innerText.includes(%s)`, text)
}

// seesNot fails the test if a text stands on the page.
func (b *tab) seesNot(text string) {
	b.t.Helper()
	if ask[bool](b, `document.body.innerText.includes(%s)`, text) {
		b.t.Errorf("the page says %q", text)
	}
}

type point struct{ X, Y float64 }

// find gives the middle of the one button or link with a text, and fails the test unless a mouse can reach it there.
func (b *tab) find(text string) point {
	b.t.Helper()
	return b.reach(`(() => {
		const named = [...document.querySelectorAll("button, a")].filter(e => e.innerText.replace(/\s+/g, " ").trim() === %[1]s && e.checkVisibility());
		if (named.length !== 1) throw Error(named.length + " buttons or links say " + %[1]s);
		return named[0];
	})()`, text)
}

// reach gives the middle of an element that an expression finds, and fails the test unless a mouse can reach it there.
func (b *tab) reach(element string, args ...any) point {
	b.t.Helper()
	return ask[point](b, `(() => {
		const found = `+element+`;
		if (!found) throw Error("it is not there");
		found.scrollIntoView({block: "center", behavior: "instant"});
		const box = found.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
		if (!found.contains(document.elementFromPoint(x, y))) throw Error(found.outerHTML + " is covered");
		return {x, y};
	})()`, args...)
}

func (b *tab) click(text string) {
	b.t.Helper()
	b.clickAt(b.find(text))
}

func (b *tab) clickAt(at point) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.MouseClickXY(at.X, at.Y)), "click")
}

// press clicks on a button or link that leads to another page.
func (b *tab) press(text string) {
	b.t.Helper()
	b.leave(text, func() { b.click(text) })
}

// fill types into the field with a label, in place of what stands there.
func (b *tab) fill(label, text string) {
	b.t.Helper()
	ask[bool](b, `(() => {
		const field = `+labelled+`;
		if (!field) throw Error("no field has the label " + %[1]s);
		field.select();
		return true;
	})()`, label)
	b.typed(text)
}

// typed types where the focus is.
func (b *tab) typed(text string) {
	b.t.Helper()
	if text == "" {
		return
	}
	call(b, input.InsertText, input.InsertTextParams{Text: text})
}

// key presses a key.
func (b *tab) key(keys string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys)), "press a key")
}

// focused tells what has the focus: an id, or the text of it.
func (b *tab) focused() string {
	b.t.Helper()
	return ask[string](b, `document.activeElement.id || document.activeElement.innerText`)
}

// focusIsOn waits until an element has the focus; the browser sets it some time after the page is complete.
func (b *tab) focusIsOn(id string) {
	b.t.Helper()
	b.await("the focus is on "+id, `document.activeElement.id === %s`, id)
}

// signIn fills in the login page, with the password that the seed gives the person.
func (b *tab) signIn(username string) {
	b.t.Helper()
	b.logIn(username, authtest.PasswordOf(username))
}

func (b *tab) logIn(username, password string) {
	b.t.Helper()
	b.server.Keep(password)
	b.fill("Username", username)
	b.fill("Password", password)
	b.press("Sign in")
}

// answers fails the test unless the page was answered with an error status, which the browser tells as a fault.
func (b *tab) answers(status int) {
	b.t.Helper()
	b.told(fmt.Sprintf("status of %d", status))
}

// told waits for a fault that has to be there.
func (b *tab) told(what string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); len(b.take(what)) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("the browser finds no fault with %q, but with %q", what, b.take(""))
		}
	}
}
