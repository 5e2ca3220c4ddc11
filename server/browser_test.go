package server_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser keeps cookies and sends forms as a browser does; it follows no redirect by itself.
type browser struct {
	s       *site
	cookies map[string]*http.Cookie
}

func (s *site) browser() *browser { return &browser{s, map[string]*http.Cookie{}} }

func (b *browser) send(r *http.Request) *answer {
	b.s.t.Helper()
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	a := b.s.send(r)
	for _, c := range a.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return a
}

// get opens a path, or a URL of the site.
func (b *browser) get(path string) *answer {
	b.s.t.Helper()
	u, err := url.Parse(path)
	ok(b.s.t, err)
	return b.send(b.s.request(http.MethodGet, u.RequestURI(), ""))
}

func (b *browser) post(path string, f url.Values) *answer {
	b.s.t.Helper()
	r := b.s.request(http.MethodPost, path, f.Encode())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

// submit sends the form of a page, with changes.
func (b *browser) submit(page *answer, changes ...string) *answer {
	b.s.t.Helper()
	action, f := page.form()
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		f.Set(name, value)
	}
	return b.post(action, f)
}

// signIn signs alice in for no client.
func (b *browser) signIn() {
	b.s.t.Helper()
	b.submit(b.get(b.s.base()+"/login"), "username=alice", "password="+password).wantStatus(http.StatusSeeOther)
}

// base is the path of the issuer.
func (s *site) base() string {
	u, err := url.Parse(s.issuer)
	ok(s.t, err)
	return u.Path
}

// authorize sends an authorization request.
func (b *browser) authorize(client string, changes ...string) *answer {
	b.s.t.Helper()
	return b.get(b.s.base() + "/oauth2/authorize?" + b.s.ask(client, changes...).Encode())
}

// follow opens where an answer leads, as long as that is on the site.
func (b *browser) follow(a *answer) *answer {
	b.s.t.Helper()
	for a.Code == http.StatusFound || a.Code == http.StatusSeeOther {
		to := a.location()
		if to.IsAbs() {
			return a
		}
		a = b.get(to.RequestURI())
	}
	return a
}

// finish signs in and allows, where that is asked for, until the answer goes to the client.
func (b *browser) finish(a *answer) *answer {
	b.s.t.Helper()
	a = b.follow(a)
	if a.Code == http.StatusOK && strings.Contains(a.text(), "Password") {
		a = b.follow(b.submit(a, "username=alice", "password="+password))
	}
	if a.Code == http.StatusOK && strings.Contains(a.text(), "Deny") {
		a = b.follow(b.submit(a, "decision=allow"))
	}
	return a
}

// code goes through the pages as far as a code.
func (b *browser) code(client string, changes ...string) string {
	b.s.t.Helper()
	a := b.finish(b.authorize(client, changes...))
	code := a.location().Query().Get("code")
	if code == "" {
		b.s.t.Fatalf("no code: %d to %q: %s", a.Code, a.Header().Get("Location"), a.text())
	}
	return code
}

// consentPage brings a request as far as the consent page.
func (b *browser) consentPage(client string, changes ...string) *answer {
	b.s.t.Helper()
	b.signIn()
	page := b.follow(b.authorize(client, changes...))
	page.wantPage(http.StatusOK)
	return page
}

func (a *answer) document() *html.Node {
	a.t.Helper()
	document, err := html.Parse(bytes.NewReader(a.Body.Bytes()))
	ok(a.t, err)
	return document
}

// text gives what a person reads, without markup.
func (a *answer) text() string {
	a.t.Helper()
	var words []string
	for n := range a.document().Descendants() {
		if n.Type == html.TextNode {
			words = append(words, strings.Fields(n.Data)...)
		}
	}
	return strings.Join(words, " ")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func elements(document *html.Node, name string) (found []*html.Node) {
	for n := range document.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

// form gives where the form of a page goes and what stands in its fields.
func (a *answer) form() (action string, f url.Values) {
	a.t.Helper()
	forms := elements(a.document(), "form")
	if len(forms) != 1 {
		a.t.Fatalf("%d forms on the page, status %d: %s", len(forms), a.Code, a.text())
	}
	f = url.Values{}
	for _, input := range elements(forms[0], "input") {
		f.Add(attribute(input, "name"), attribute(input, "value"))
	}
	return attribute(forms[0], "action"), f
}

func (b *browser) cookie(t *testing.T, name string) *http.Cookie {
	t.Helper()
	c := b.cookies[name]
	if c == nil {
		t.Fatalf("the browser has no cookie %s", name)
	}
	return c
}

func TestAPostFromElsewhereIsSentAgainWithItsCookies(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	stranger := s.browser()
	r := s.request(http.MethodPost, "/oauth2/authorize", s.ask("web").Encode())
	a := stranger.send(r)
	if a.Code != http.StatusSeeOther || len(a.Result().Cookies()) != 0 {
		t.Fatalf("%d with cookies %v", a.Code, a.Result().Cookies())
	}
	where := a.Header().Get("Location")
	if want := "/oauth2/authorize?" + s.ask("web").Encode(); where != want {
		t.Fatalf("sent to %s, not %s", where, want)
	}
	if page := b.get(where); page.Code != http.StatusFound {
		t.Errorf("then %d", page.Code)
	}
}

func TestIssuersWithPathsOnOneHostHaveCookiesOfTheirOwn(t *testing.T) {
	names := map[string]bool{}
	for _, issuer := range []string{"https://id.example.com", "https://id.example.com/a", "https://id.example.com/b"} {
		s := newSite(t, options{issuer: issuer})
		for _, c := range s.browser().get(s.base() + "/login").Result().Cookies() {
			if names[c.Name] {
				t.Errorf("%s is of two issuers", c.Name)
			}
			names[c.Name] = true
		}
	}
	if len(names) != 3 {
		t.Error(names)
	}
}
