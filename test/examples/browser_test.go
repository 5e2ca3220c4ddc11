package examples

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/grantor-dev/grantor/test/authtest"
)

// chromium is the one browser process of the tests.
var chromium struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	err    error
}

// tab is a page of a browser with cookies of its own.
type tab struct {
	t   testing.TB
	ctx context.Context
}

func open(t testing.TB) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{
		"chromium", "chromium-browser", "headless-shell", "headless_shell", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
		t.Skip("no Chromium was found: install it to run the browser tests")
	}
	chromium.once.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true))
		allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		chromium.ctx, chromium.cancel = ctx, func() { cancel(); release() }
		chromium.err = chromedp.Do(ctx)
	})
	if chromium.err != nil {
		t.Fatalf("start Chromium %q: %v", path, chromium.err)
	}
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return &tab{t, ctx}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// evaluate asks the page; arguments are written into the expression as JSON.
func evaluate[T any](b *tab, expression string, args ...any) (T, error) {
	quoted := make([]any, len(args))
	for i, arg := range args {
		text, _ := json.Marshal(arg) // texts
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
		if holds, err = evaluate[bool](b, expression, args...); err == nil && holds {
			return
		}
	}
	text, _ := evaluate[string](b, `location.href + "\n" + document.body.innerText`) // for the person who reads the failure
	b.t.Fatalf("not within %v: %s (%v)\n%s", patience, what, err, text)
}

func (b *tab) visit(address string) {
	b.t.Helper()
	call(b, page.Navigate, page.NavigateParams{URL: address})
}

func (b *tab) sees(text string) {
	b.t.Helper()
	b.await("the page says "+text, `document.readyState === "complete" && document.body.innerText.includes(%s)`, text)
}

// press waits for a button that can be seen, and presses it.
func (b *tab) press(text string) {
	b.t.Helper()
	b.await("there is a button "+text, `(() => {
		const button = [...document.querySelectorAll("button")].find(e => e.innerText.trim() === %s && e.checkVisibility());
		if (document.readyState !== "complete" || !button || window.pressed === button) return false;
		window.pressed = button;
		button.click();
		return true;
	})()`, text)
	_, _ = evaluate[bool](b, `(window.pressed = undefined, true)`) // a page of its own may be there by now
}

// signIn fills in the login page of the server and allows what the application asks for.
func (b *tab) signIn(d *demo) {
	b.t.Helper()
	b.await("the login page is there", `location.href.startsWith(%s) && document.querySelector("input[type=password]") !== null`, d.URL("/login"))
	for selector, text := range map[string]string{"input[name=username]": "alice", "input[type=password]": alicesPassword} {
		b.await(selector+" is filled in", `(() => { document.querySelector(%s).value = %s; return true })()`, selector, text)
	}
	b.press("Sign in")
	b.press("Allow")
}

// reveals checks that neither address nor what scripts can read holds a token or a code.
func (b *tab) reveals(d *demo) {
	b.t.Helper()
	text, err := evaluate[string](b, `location.href + " " + document.cookie + " " + JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage}) + document.documentElement.outerHTML`)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, sign := range append(d.SecretsIn(text), "code=", "eyJ", "gra"+"t_", "grr"+"t_") {
		if strings.Contains(text, sign) {
			b.t.Errorf("the page gives away %q: %s", sign, text)
		}
	}
}

func TestWebApplicationSignsInCallsRenewsAndSignsOut(t *testing.T) {
	t.Parallel()
	// Tokens of half a minute, which the application renews at once.
	d := startDemo(t, "client_id: demo-web\n", "client_id: demo-web\n    access_token_lifetime: 30s\n")
	api := d.serve("api")
	web := d.serve("web", "API="+api.url)
	b := open(t)
	b.visit(web.url)
	b.press("Sign in")
	b.signIn(d)
	b.sees(`"client":"demo-web"`)
	b.await("the code is gone from the address", `location.href === %s`, web.url+"/")
	b.reveals(d)
	cookies := call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{web.url}}).Cookies
	if len(cookies) != 1 || cookies[0].Name != "session" || !cookies[0].HTTPOnly || cookies[0].SameSite != network.CookieSameSiteLax {
		t.Errorf("the browser holds %+v", cookies)
	}
	renewed := func() int { return d.requests(authtest.TokenPath, "demo-web", "refresh_token", 200) }
	if renewed() == 0 {
		t.Error("the token was not renewed")
	}
	before := renewed()
	b.visit(web.url)
	b.sees(`"client":"demo-web"`)
	d.await("the token is renewed again", func() bool { return renewed() > before })
	if n := d.live("demo-web"); n != 1 {
		t.Errorf("there are %d live authorizations", n)
	}
	b.press("Sign out")
	b.sees("Nobody is signed in")
	if n := d.live("demo-web"); n != 0 {
		t.Errorf("after signing out there are %d live authorizations", n)
	}
	if left := call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{web.url}}).Cookies; len(left) != 0 {
		t.Errorf("after signing out the browser holds %+v", left)
	}
	a := d.ask("GET", web.url, "Cookie", "session="+cookies[0].Value)
	if !strings.Contains(a.Body, "Nobody is signed in") {
		t.Errorf("the session lives on: %s", a)
	}
}

func TestWebApplicationTakesNoForeignAnswersAndForms(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	web := d.serve("web", "API=http://127.0.0.1:1")
	begun := d.ask("POST", web.url+"/login")
	if begun.Status != 303 || !strings.HasPrefix(begun.Header.Get("Location"), d.URL(authtest.AuthorizePath)) {
		t.Fatalf("a login begins with %s", begun)
	}
	cookie := strings.Split(begun.Header.Get("Set-Cookie"), ";")[0]
	state := strings.Split(strings.TrimPrefix(cookie, "login="), ".")[0]
	if !strings.Contains(begun.Header.Get("Location"), "state="+state) {
		t.Fatalf("the state is not the one of the cookie: %v", begun.Header)
	}
	for query, cookies := range map[string]string{
		"code=a&state=" + state + "&iss=" + d.Issuer:              "",                   // of another browser
		"code=a&state=x&iss=" + d.Issuer:                          cookie,               // to another question
		"code=a&state=" + state + "&iss=https://evil.test":        cookie,               // of another server
		"code=a&state=" + state:                                   cookie,               // of whom?
		"error=access_denied&state=" + state + "&iss=" + d.Issuer: cookie,               // no code
		"code=a&state=&iss=" + d.Issuer:                           "login=.x; session=", // nothing was asked
	} {
		if a := d.ask("GET", web.url+"/callback?"+query, "Cookie", cookies); a.Status == 303 {
			t.Errorf("%s with %q: %s", query, cookies, a)
		}
	}
	for _, path := range []string{"/login", "/logout"} {
		if a := d.ask("POST", web.url+path, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"); a.Status != 403 {
			t.Errorf("a form of another site at %s: %s", path, a)
		}
	}
}

func TestSinglePageApplicationSignsInCallsRenewsAndSignsOut(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	apiAddress := freeAddress(t)
	spa := d.serve("spa", "API=http://"+apiAddress)
	d.serveAt(apiAddress, "api", "ORIGIN="+spa.url)
	b := open(t)
	b.visit(spa.url)
	b.press("Sign in")
	b.signIn(d)
	b.sees("Signed in")
	b.await("the code is gone from the address", `location.href === %s`, spa.url+"/")
	b.reveals(d)
	for _, button := range []string{"Call the API", "Renew the token", "Call the API"} {
		b.press(button)
		if button == "Call the API" {
			b.sees(`"client": "demo-spa"`)
		} else {
			b.await("the token is renewed", `document.getElementById("answer").textContent === '""'`)
		}
	}
	if n := d.requests(authtest.TokenPath, "demo-spa", "refresh_token", 200); n != 1 {
		t.Errorf("the token was renewed %d times", n)
	}
	b.reveals(d)
	if n := d.live("demo-spa"); n != 1 {
		t.Errorf("there are %d live authorizations", n)
	}
	b.press("Sign out")
	b.sees("Signed out")
	d.await("what was allowed has ended", func() bool { return d.live("demo-spa") == 0 })

	b.visit(spa.url + "/?code=stolen&state=stolen&iss=" + d.Issuer)
	b.sees("this answer is to no question of this tab")
}

// live counts the authorizations of a client that stand.
func (d *demo) live(client string) int {
	d.t.Helper()
	ops := d.app("ops").Machine(d.t, "scope", "admin").Access()
	request := authtest.NewRequest(d.t, "GET", d.URL("/admin/api/v1/clients/"+client+"/authorizations"), nil)
	request.Header.Set("Authorization", "Bearer "+ops)
	answer := d.Do(d.t, request)
	if answer.Status != 200 {
		d.t.Fatalf("list authorizations: %s", answer)
	}
	for _, list := range answer.JSON {
		if items, ok := list.([]any); ok {
			return len(items)
		}
	}
	d.t.Fatalf("there is no list: %s", answer)
	return 0
}
