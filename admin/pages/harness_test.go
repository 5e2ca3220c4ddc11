package pages_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/pages"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/templates"
)

const (
	origin   = "https://id.example.com"
	base     = "/tenant" // so that a link that forgets it leads nowhere
	issuer   = origin + base
	callback = "https://app.example.com/callback"
	password = "correct horse battery staple"
)

// world is one installation: the pages over a store in memory, and a clock that tests move.
type world struct {
	t        *testing.T
	nanos    atomic.Int64
	store    *memory.Store
	keys     *oauth.Keyring
	people   *account.Directory
	audit    *account.Audit
	provider *oauth.Provider
	handler  http.Handler
}

// parsed are the pages; a hundred tests need not each parse them.
var parsed = sync.OnceValues(templates.Parse)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: memory.New()}
	t.Cleanup(func() { _ = w.store.Close() })
	w.nanos.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	w.store.Now = w.now
	sealer, err := jose.NewSealer(bytes.Repeat([]byte{1}, jose.MasterSize))
	ok(t, err)
	w.keys, err = oauth.OpenKeyring(t.Context(), oauth.KeyringConfig{Backend: w.store, Sealer: sealer, Now: w.now})
	ok(t, err)
	ok(t, w.keys.Load(t.Context()))
	hasher := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000})
	w.audit = account.NewAudit(w.store, w.now)
	w.people = account.NewDirectory(account.Config{Backend: w.store, Now: w.now, Hasher: hasher, Audit: w.audit, Secret: w.keys.Secret})
	w.provider = oauth.New(oauth.Config{
		Issuer: issuer, Backend: w.store, Directory: w.people, Hasher: hasher, Audit: w.audit, Keys: w.keys, Now: w.now, ExplainFor: 24 * time.Hour,
	})
	shown, err := parsed()
	ok(t, err)
	site, err := pages.New(pages.Config{
		Provider: w.provider, Directory: w.people, Audit: w.audit, Keys: w.keys, Pages: shown,
		Ping: w.store.Ping, Now: w.now, Version: "1.2.3", Store: "memory", Started: w.now(),
	})
	ok(t, err)
	w.handler = web.New(web.Config{Now: w.now, HTTPS: true})(site)
	return w
}

func (w *world) now() time.Time       { return time.Unix(0, w.nanos.Load()) }
func (w *world) move(d time.Duration) { w.nanos.Add(int64(d)) }

// system is the context of whoever set the installation up: everything is allowed.
func (w *world) system() context.Context { return context.Background() }

// user makes a user who holds these permissions directly.
func (w *world) user(name string, permissions ...account.Permission) *account.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.system(), account.NewUser{Username: name, Password: password, Permissions: permissions})
	ok(w.t, err)
	return u
}

// superAdmin makes a user who may do everything.
func (w *world) superAdmin(name string) *account.User {
	w.t.Helper()
	u, err := w.people.CreateUser(w.system(), account.NewUser{Username: name, Password: password, SuperAdmin: true})
	ok(w.t, err)
	return u
}

// client registers an auth client.
func (w *world) client(r oauth.Registration) *oauth.Client {
	w.t.Helper()
	c, _, err := w.provider.RegisterClient(w.system(), r, "")
	ok(w.t, err)
	return c
}

// clientNow gives a client as it is in the store.
func (w *world) clientNow(id string) *oauth.Client {
	w.t.Helper()
	c, _, err := w.provider.LoadClient(w.system(), id)
	ok(w.t, err)
	return c
}

// events gives what the audit log has of an action, the newest first.
func (w *world) events(action string) []*account.Event {
	w.t.Helper()
	events, _, err := w.audit.Events(w.system(), account.ActionEvents(action), "", 100)
	ok(w.t, err)
	return events
}

// browser is somebody's browser: it keeps cookies and follows nothing by itself.
type browser struct {
	w       *world
	cookies map[string]string
}

// guest is a browser in which nobody is signed in.
func (w *world) guest() *browser { return &browser{w: w, cookies: map[string]string{}} }

// signedIn is a browser in which the user has just given the password.
func (w *world) signedIn(u *account.User) *browser {
	w.t.Helper()
	b := w.guest()
	cookie, _, err := w.people.StartSession(w.system(), u, account.NewSession{Address: "192.0.2.7", UserAgent: "test"})
	ok(w.t, err)
	b.keep(web.Cookie(web.NewCookieNames(base).Session, cookie, true, 0))
	b.get("/admin/nothing") // for the cookie that forms are bound to
	return b
}

// as signs in a new user with these permissions and nothing else.
func (w *world) as(name string, permissions ...account.Permission) *browser {
	w.t.Helper()
	return w.signedIn(w.user(name, permissions...))
}

func (b *browser) keep(c *http.Cookie) {
	if c.MaxAge < 0 {
		delete(b.cookies, c.Name)
		return
	}
	b.cookies[c.Name] = c.Value
}

// do sends a request as the browser would. The path is below the issuer and may have a query.
func (b *browser) do(method, path, contentType, body string) *page {
	b.w.t.Helper()
	r := httptest.NewRequest(method, issuer+path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	recorder := httptest.NewRecorder()
	b.w.handler.ServeHTTP(recorder, r)
	for _, c := range recorder.Result().Cookies() {
		b.keep(c)
	}
	document, err := html.Parse(bytes.NewReader(recorder.Body.Bytes()))
	ok(b.w.t, err)
	return &page{ResponseRecorder: recorder, t: b.w.t, b: b, path: path, document: document}
}

func (b *browser) get(path string) *page {
	b.w.t.Helper()
	return b.do(http.MethodGet, path, "", "")
}

// open is get for a page that must be there.
func (b *browser) open(path string) *page {
	b.w.t.Helper()
	return b.get(path).wantStatus(http.StatusOK)
}

// post sends fields without a page before it; the token of the form is not among them unless the test puts it there.
func (b *browser) post(path string, fields url.Values) *page {
	b.w.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", fields.Encode())
}

// postParts is post for a form that is sent in parts.
func (b *browser) postParts(path string, fields url.Values) *page {
	b.w.t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, values := range fields {
		for _, value := range values {
			ok(b.w.t, parts.WriteField(name, value))
		}
	}
	ok(b.w.t, parts.Close())
	return b.do(http.MethodPost, path, parts.FormDataContentType(), body.String())
}

// formToken is the token of a form on a page that the browser may see.
func (b *browser) formToken(path string) string {
	b.w.t.Helper()
	for _, input := range elements(b.open(path).document, "input") {
		if attribute(input, "name") == "form_token" {
			return attribute(input, "value")
		}
	}
	b.w.t.Fatalf("%s has no form", path)
	return ""
}

// page is what a request was answered with.
type page struct {
	*httptest.ResponseRecorder
	t        *testing.T
	b        *browser
	path     string
	document *html.Node
}

func (p *page) wantStatus(want int) *page {
	p.t.Helper()
	if p.Code != want {
		p.t.Fatalf("%s: answered %d, not %d: %s", p.path, p.Code, want, clip(p.text()))
	}
	return p
}

// follow goes where the answer sends the browser.
func (p *page) follow() *page {
	p.t.Helper()
	where, below := strings.CutPrefix(p.Header().Get("Location"), base)
	if !below {
		p.t.Fatalf("%s: answered %d and %q, no redirect to a page of ours: %s", p.path, p.Code, p.Header().Get("Location"), clip(p.text()))
	}
	return p.b.get(where)
}

// text is what a person reads on the page, blanks and line ends as one blank each. Values of fields are not in it.
func (p *page) text() string { return textOf(find(p.document, "body")) }

// main is text without the frame around it.
func (p *page) main() string { return textOf(find(p.document, "main")) }

// shows fails the test unless a person reads every one of these.
func (p *page) shows(want ...string) *page {
	p.t.Helper()
	text := p.text()
	for _, w := range want {
		if !strings.Contains(text, w) {
			p.t.Errorf("%s: does not show %q: %s", p.path, w, clip(p.main()))
		}
	}
	return p
}

// hides fails the test if any of these stands anywhere in the page, be it in an attribute.
func (p *page) hides(unwanted ...string) *page {
	p.t.Helper()
	for _, u := range unwanted {
		if strings.Contains(p.text(), u) || strings.Contains(p.Body.String(), u) {
			p.t.Errorf("%s: holds %q", p.path, u)
		}
	}
	return p
}

// link gives where the first link with this text leads, below the issuer; "" where there is none.
func (p *page) link(text string) string {
	p.t.Helper()
	for _, a := range elements(find(p.document, "body"), "a") {
		if textOf(a) == text {
			return p.resolve(attribute(a, "href"))
		}
	}
	return ""
}

// resolve gives the path of a reference on the page, below the issuer.
func (p *page) resolve(reference string) string {
	p.t.Helper()
	from, err := url.Parse(issuer + p.path)
	ok(p.t, err)
	to, err := from.Parse(reference)
	ok(p.t, err)
	where, below := strings.CutPrefix(to.RequestURI(), base)
	if !below || to.Host != from.Host {
		p.t.Fatalf("%s: %q leads away from our pages", p.path, reference)
	}
	return where
}

// click follows the first link with this text.
func (p *page) click(text string) *page {
	p.t.Helper()
	where := p.link(text)
	if where == "" {
		p.t.Fatalf("%s: has no link %q: %s", p.path, text, clip(p.main()))
	}
	return p.b.get(where)
}

// button finds a button by its text, with the form that it belongs to; nil where there is none.
func (p *page) button(text string) *filled {
	p.t.Helper()
	for _, button := range elements(p.document, "button") {
		if textOf(button) != text || attribute(button, "type") == "button" || has(button, "disabled") {
			continue
		}
		if form := p.formOf(button); form != nil {
			return p.fill(form, button)
		}
	}
	return nil
}

// form is button for one that must be there.
func (p *page) form(button string) *filled {
	p.t.Helper()
	f := p.button(button)
	if f == nil {
		p.t.Fatalf("%s: has no button %q: %s", p.path, button, clip(p.main()))
	}
	return f
}

// press sends the form that the button belongs to as it stands.
func (p *page) press(button string) *page {
	p.t.Helper()
	return p.form(button).submit()
}

func (p *page) formOf(element *html.Node) *html.Node {
	if id := attribute(element, "form"); id != "" {
		return byID(p.document, id)
	}
	for n := element.Parent; n != nil; n = n.Parent {
		if n.Data == "form" && n.Type == html.ElementNode {
			return n
		}
	}
	return nil
}

// filled is a form as it stands in the browser.
type filled struct {
	p      *page
	method string
	action string
	files  bool // it is sent in parts, as forms with files are
	fields url.Values
	known  []string // names of its fields, be they empty
}

func (p *page) fill(form, button *html.Node) *filled {
	p.t.Helper()
	f := &filled{p: p, fields: url.Values{}, method: strings.ToUpper(attribute(form, "method")), action: attribute(form, "action")}
	f.files = attribute(form, "enctype") == "multipart/form-data"
	if to := attribute(button, "formaction"); to != "" {
		f.action = to
	}
	for _, kind := range []string{"input", "textarea", "select"} {
		for _, field := range elements(p.document, kind) {
			if name := attribute(field, "name"); name != "" && !has(field, "disabled") && p.formOf(field) == form {
				f.known = append(f.known, name)
				f.put(field)
			}
		}
	}
	if name := attribute(button, "name"); name != "" {
		f.fields.Add(name, attribute(button, "value"))
	}
	return f
}

func (f *filled) put(field *html.Node) {
	name := attribute(field, "name")
	switch field.Data {
	case "textarea":
		f.fields.Add(name, raw(field)) // the parser has dropped the first line end, as browsers do
	case "select":
		options := elements(field, "option")
		for _, o := range options {
			if has(o, "selected") {
				f.fields.Add(name, attribute(o, "value"))
				return
			}
		}
		if len(options) > 0 {
			f.fields.Add(name, attribute(options[0], "value"))
		}
	default:
		switch attribute(field, "type") {
		case "checkbox", "radio":
			if has(field, "checked") {
				f.fields.Add(name, attribute(field, "value"))
			}
		case "file", "submit", "button":
		default:
			f.fields.Add(name, attribute(field, "value"))
		}
	}
}

// set fills a field, or ticks these of its boxes and no others. The page must have the field.
func (f *filled) set(name string, values ...string) *filled {
	f.p.t.Helper()
	if !slices.Contains(f.known, name) {
		f.p.t.Fatalf("%s: the form has no field %q, only %q", f.p.path, name, f.known)
	}
	f.fields[name] = values
	return f
}

// forge sets a field whether the page has it or not.
func (f *filled) forge(name string, values ...string) *filled {
	f.fields[name] = values
	return f
}

// value is what stands in a field.
func (f *filled) value(name string) string { return f.fields.Get(name) }

// submit sends the form.
func (f *filled) submit() *page {
	f.p.t.Helper()
	to := f.p.path
	if f.action != "" {
		to = f.p.resolve(f.action)
	}
	switch {
	case f.method == http.MethodPost && f.files:
		return f.p.b.postParts(to, f.fields)
	case f.method == http.MethodPost:
		return f.p.b.post(to, f.fields)
	}
	path, _, _ := strings.Cut(to, "?")
	return f.p.b.get(path + "?" + f.fields.Encode())
}

// faultOf is what the page says beside a field, "" for nothing.
func (p *page) faultOf(field string) string {
	if node := byID(p.document, field+"-fault"); node != nil {
		return textOf(node)
	}
	return ""
}

// The document, read as browsers do.

func elements(document *html.Node, name string) (found []*html.Node) {
	if document == nil {
		return nil
	}
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && node.Data == name {
			found = append(found, node)
		}
	}
	return found
}

func find(document *html.Node, name string) *html.Node {
	if found := elements(document, name); len(found) > 0 {
		return found[0]
	}
	return nil
}

func byID(document *html.Node, id string) *html.Node {
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && attribute(node, "id") == id {
			return node
		}
	}
	return nil
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(node *html.Node, key string) bool {
	return slices.ContainsFunc(node.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// raw is the text within an element as it stands there.
func raw(node *html.Node) string {
	var text strings.Builder
	if node == nil {
		return ""
	}
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	}
	return text.String()
}

func textOf(node *html.Node) string { return strings.Join(strings.Fields(raw(node)), " ") }

func clip(s string) string {
	if len(s) > 600 {
		return s[:600] + " …"
	}
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
