package authtest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Browser is one browser with cookies of its own. It follows redirects within the issuer, and stops where one leads to an
// application, which is where the answer of an authorization request arrives.
type Browser struct {
	Server  *Server
	Cookies map[string]*http.Cookie
	Header  http.Header // sent with every request; an empty value leaves out what the browser would send

	t testing.TB
}

// Browser opens a browser that nobody has used before.
func (s *Server) Browser(t testing.TB) *Browser {
	return &Browser{Server: s, Cookies: map[string]*http.Cookie{}, Header: http.Header{}, t: t}
}

// Copy gives a browser with copies of the cookies, as a thief has them.
func (b *Browser) Copy() *Browser {
	return &Browser{Server: b.Server, Cookies: maps.Clone(b.Cookies), Header: b.Header.Clone(), t: b.t}
}

// At gives the same browser, led to another node by a balancer. The cookies are shared.
func (b *Browser) At(s *Server) *Browser {
	return &Browser{Server: s, Cookies: b.Cookies, Header: b.Header, t: b.t}
}

// Open goes to an address, a path or a URL, as a link leads there.
func (b *Browser) Open(address string) *Page {
	b.t.Helper()
	return b.follow(b.request(http.MethodGet, address, nil, "none"))
}

// Peek goes to an address and follows no redirect.
func (b *Browser) Peek(address string) *Page {
	b.t.Helper()
	return b.exchange(b.request(http.MethodGet, address, nil, "none"))
}

// PostForm sends a form of our own site.
func (b *Browser) PostForm(address string, form url.Values) *Page {
	b.t.Helper()
	return b.follow(b.request(http.MethodPost, address, form, "same-origin"))
}

// PostFrom sends a form that another site has made.
func (b *Browser) PostFrom(origin, address string, form url.Values) *Page {
	b.t.Helper()
	request := b.request(http.MethodPost, address, form, "cross-site")
	request.Header.Set("Origin", origin)
	return b.follow(request)
}

func (b *Browser) request(method, address string, form url.Values, site string) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.Server.Origin() + address
	}
	request := NewRequest(b.t, method, address, form)
	request.Header.Set("User-Agent", "Mozilla/5.0 (authtest)")
	request.Header.Set("Accept", "text/html,*/*;q=0.8")
	request.Header.Set("Sec-Fetch-Site", site)
	if method == http.MethodPost {
		request.Header.Set("Origin", b.Server.Origin())
	}
	for name, values := range b.Header {
		request.Header[name] = values
		if len(values) == 1 && values[0] == "" {
			request.Header.Del(name)
		}
	}
	return request
}

// follow sends a request and goes where the answers lead.
func (b *Browser) follow(request *http.Request) *Page {
	b.t.Helper()
	var trail []*Page
	for range 12 {
		page := b.exchange(request)
		trail = append(trail, page)
		page.Trail = trail
		if page.Location == nil || page.Location.Host != request.URL.Host || page.Location.Scheme != request.URL.Scheme {
			return page
		}
		request = b.request(http.MethodGet, page.Location.String(), nil, "same-origin")
	}
	b.t.Fatalf("%s leads in a circle", request.URL.Path)
	return nil
}

// exchange sends one request with the cookies and keeps those of the answer.
func (b *Browser) exchange(request *http.Request) *Page {
	b.t.Helper()
	for _, c := range b.Cookies {
		request.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	response, err := b.Server.Client().Do(request)
	if err != nil {
		b.t.Fatalf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatalf("read %s: %v", request.URL.Path, err)
	}
	b.keep(response)
	page := &Page{browser: b, Status: response.StatusCode, URL: request.URL, Header: response.Header, Body: string(body),
		Set: response.Cookies()}
	if page.root, err = parseHTML(bytes.NewReader(body)); err != nil {
		b.t.Fatalf("parse %s: %v", request.URL.Path, err)
	}
	page.locate()
	return page
}

func (b *Browser) keep(response *http.Response) {
	for _, c := range response.Cookies() {
		if c.MaxAge < 0 {
			delete(b.Cookies, c.Name)
			continue
		}
		b.Cookies[c.Name] = c
		b.Server.Keep(c.Value)
	}
}

// SessionCookie gives the cookie of the login, nil where nobody is signed in.
func (b *Browser) SessionCookie() *http.Cookie {
	for name, c := range b.Cookies {
		if strings.Contains(name, "grantor_session") {
			return c
		}
	}
	return nil
}

// SignIn signs a user of Seed in at the login page of the server.
func (b *Browser) SignIn(username string) *Page {
	b.t.Helper()
	page := b.Open(b.Server.URL("/login")).LogIn(username, PasswordOf(username))
	if b.SessionCookie() == nil {
		b.t.Fatalf("%s cannot sign in: %s", username, page)
	}
	return page
}

// Grant takes an authorization request through login and consent, as a person who agrees does, and gives the code.
func (b *Browser) Grant(asked *Asked, username string) (code string) {
	b.t.Helper()
	page := b.Follow(asked, username)
	code = page.Callback().Get("code")
	if code == "" {
		b.t.Fatalf("%s gets no code for %s: %s", asked.App.ID, username, page)
	}
	return code
}

// Follow takes an authorization request through login and consent and gives the page where that ended.
func (b *Browser) Follow(asked *Asked, username string) *Page {
	b.t.Helper()
	page := b.Open(asked.URL())
	if page.Is("/login") {
		page = page.LogIn(username, PasswordOf(username))
	}
	if page.Is("/consent") {
		page = page.Press("Allow")
	}
	return page
}

// Tokens takes an authorization request all the way and gives the tokens.
func (b *Browser) Tokens(a *App, username string, pairs ...string) *Answer {
	b.t.Helper()
	asked := a.Ask(pairs...)
	answer := asked.Redeem(b.t, b.Grant(asked, username))
	if answer.Status != http.StatusOK || answer.Access() == "" {
		b.t.Fatalf("%s gets no tokens for %s: %s", a.ID, username, answer)
	}
	return answer
}

func (p *Page) String() string {
	place := ""
	if p.Location != nil {
		place = " -> " + p.Location.String()
	}
	return fmt.Sprintf("%d %s%s\n%s", p.Status, p.URL.Path, place, p.Text())
}
