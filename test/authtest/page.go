package authtest

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Page is one answer as a browser sees it.
type Page struct {
	Status   int
	URL      *url.URL
	Header   http.Header
	Body     string
	Location *url.URL       // where the answer leads, nil where it does not
	Set      []*http.Cookie // the cookies that it sets, with their attributes
	Trail    []*Page        // all answers on the way here, this one last

	browser *Browser
	root    *html.Node
}

func parseHTML(r io.Reader) (*html.Node, error) { return html.Parse(r) }

func (p *Page) locate() {
	location := p.Header.Get("Location")
	if location == "" {
		return
	}
	target, err := url.Parse(location)
	if err != nil {
		p.browser.t.Errorf("%s leads to %q: %v", p.URL.Path, location, err)
		return
	}
	p.Location = p.URL.ResolveReference(target)
	for _, secret := range []string{"code", "interaction"} {
		p.browser.Server.Keep(p.Location.Query().Get(secret))
	}
}

// Is tells whether the page is one of our own, at a path below the issuer.
func (p *Page) Is(path string) bool {
	return p.Location == nil && p.browser.Server.Origin()+p.URL.Path == p.browser.Server.URL(path)
}

// Left tells whether the answer leads away from the server.
func (p *Page) Left() bool {
	return p.Location != nil && p.Location.Scheme+"://"+p.Location.Host != p.browser.Server.Origin()
}

// Callback gives what arrives at the application: by redirect, or by the form that posts itself. It is empty on any other
// page.
func (p *Page) Callback() url.Values {
	if p.Left() {
		return p.Location.Query()
	}
	for _, f := range p.Forms() {
		if !strings.HasPrefix(f.Action, "/") && f.Fields.Has("iss") {
			p.browser.Server.Keep(f.Fields.Get("code"))
			return f.Fields
		}
	}
	return url.Values{}
}

// FormOf is a form of a page with what stands in its fields.
type FormOf struct {
	Action  string
	Method  string
	Fields  url.Values
	Buttons []Button
}

// Button is what a person can press.
type Button struct{ Text, Name, Value string }

// Forms gives the forms of the page.
func (p *Page) Forms() []*FormOf {
	var forms []*FormOf
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" {
			forms = append(forms, formOf(n))
		}
	}
	return forms
}

func formOf(n *html.Node) *FormOf {
	f := &FormOf{Action: Attribute(n, "action"), Method: strings.ToUpper(Attribute(n, "method")), Fields: url.Values{}}
	for c := range n.Descendants() {
		switch {
		case c.Type != html.ElementNode:
		case c.Data == "input" && Attribute(c, "name") != "":
			f.Fields.Add(Attribute(c, "name"), Attribute(c, "value"))
		case c.Data == "button":
			f.Buttons = append(f.Buttons, Button{textOf(c), Attribute(c, "name"), Attribute(c, "value")})
		}
	}
	return f
}

// Attribute gives an attribute of an element, "" where it has none.
func Attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Elements gives the elements of the page with one of the names, all where none is named.
func (p *Page) Elements(names ...string) []*html.Node {
	var found []*html.Node
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, name := range names {
			if n.Data == name {
				found = append(found, n)
			}
		}
		if len(names) == 0 {
			found = append(found, n)
		}
	}
	return found
}

// Text gives what a person can read.
func (p *Page) Text() string { return textOf(p.root) }

func textOf(root *html.Node) string {
	var words []string
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			words = append(words, strings.Fields(n.Data)...)
		}
	}
	return strings.Join(words, " ")
}

// Filled gives the form that has a button, as it would be sent by pressing it, with fields filled in by name.
func (p *Page) Filled(button string, pairs ...string) (*FormOf, url.Values) {
	p.browser.t.Helper()
	for _, f := range p.Forms() {
		for _, b := range f.Buttons {
			if b.Text != button {
				continue
			}
			sent := url.Values{}
			for name, values := range f.Fields {
				sent[name] = append([]string{}, values...)
			}
			for i := 0; i+1 < len(pairs); i += 2 {
				sent.Set(pairs[i], pairs[i+1])
			}
			if b.Name != "" {
				sent.Set(b.Name, b.Value)
			}
			return f, sent
		}
	}
	p.browser.t.Fatalf("there is no button %q on %s", button, p)
	return nil, nil
}

// Press fills in fields and presses a button.
func (p *Page) Press(button string, pairs ...string) *Page {
	p.browser.t.Helper()
	f, sent := p.Filled(button, pairs...)
	if f.Method != http.MethodPost {
		p.browser.t.Fatalf("the form with %q is sent by %s", button, f.Method)
	}
	p.browser.Server.Keep(sent.Get("form_token"))
	return p.browser.PostForm(f.Action, sent)
}

// LogIn fills in the login form and sends it.
func (p *Page) LogIn(username, password string) *Page {
	p.browser.t.Helper()
	p.browser.Server.Keep(password)
	return p.Press("Sign in", "username", username, "password", password)
}
