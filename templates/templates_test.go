package templates

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// A name as bad as the rules for names allow: markup, quotes, writing direction, pictures, and very long.
var hostile = `<script>alert(1)</script>"'&<!--` + "\u202e\u2066\u200f مرحبا 🦊👩‍👩‍👧 " + strings.Repeat("Wide", 50)

func hostileFrame() Frame { return Frame{Base: "/tenant", Host: hostile, SignedIn: hostile} }

// every page, filled with hostile values.
func everyPage() []any {
	return slices.Concat(signInPages(), coreSamples(), clientSamples(), apiAreaSamples(), userSamples(), groupSamples(), auditSamples(), keySamples(), refusalSamples(), accountSamples(), dashboardSamples(), apiSamples(), demoSamples())
}

func signInPages() []any {
	f, person := hostileFrame(), Person{Name: hostile, Username: hostile}
	return []any{
		Login{Frame: f, ClientName: hostile, Username: hostile, Error: hostile, RetryAfter: time.Minute, FormToken: hostile, Interaction: hostile, Next: hostile},
		Consent{Frame: f, ClientName: hostile, ClientID: hostile, ClientURI: "https://client.example/about", RedirectHost: hostile, User: person, Audiences: []string{hostile, "b"},
			Groups: []ScopeGroup{{Scopes: []ScopeLine{{Name: "first"}}}, {Name: hostile, Identifier: "https://" + hostile, Scopes: []ScopeLine{{Name: hostile, Sentence: hostile, New: true}, {Name: "plain"}}}, {Name: hostile, Identifier: hostile}}, FormToken: hostile, Interaction: hostile},
		Consent{Frame: f, ClientName: hostile, Device: true, User: Person{Username: hostile}},
		Device{Frame: f, UserCode: hostile, Error: hostile, RetryAfter: time.Minute, FormToken: hostile},
		Device{Frame: f, UserCode: hostile, Linked: true, FormToken: hostile},
		Logout{Frame: f, UserName: hostile, FormToken: hostile, Next: hostile},
		Message{Frame: f, Title: hostile, Text: hostile, Status: 400, RequestID: hostile},
		Message{Frame: f, Title: hostile, Text: hostile, Status: 200, Plain: true},
		Message{Frame: f, Title: hostile, Text: hostile, Status: 200, Action: &Link{Path: "/login", Text: hostile}},
		FormPost{Frame: f, Action: "https://client.example/cb?a=1&b=2", Fields: []Field{{Name: hostile, Value: hostile}, {Name: "state", Value: "a b+c%20"}}},
		Home{Frame: f, User: person, Links: []Link{{Path: "/admin", Text: hostile, Hint: hostile}}},
		Home{Frame: f},
		Setup{Frame: f, Token: hostile, FormToken: hostile, Username: hostile, Name: hostile, Email: hostile,
			Faults: []Fault{{"username", hostile}, {"name", hostile}, {"email", hostile}, {"password", hostile}, {"", hostile}}},
		Setup{Frame: f},
	}
}

func TestEveryPageIsAmongTheTestedOnes(t *testing.T) {
	tested := make(map[string]bool)
	for _, page := range everyPage() {
		tested[typeName(page)] = true
	}
	everyName := maps.Clone(pages)
	maps.Copy(everyName, adminPages())
	for name, page := range everyName {
		if !tested[typeName(page)] {
			t.Errorf("page %s is not tested", name)
		}
	}
}

func TestPagesNeedNothingThatThePolicyForbids(t *testing.T) {
	for _, page := range everyPage() {
		for node := range render(t, page).Descendants() {
			if node.Type != html.ElementNode {
				continue
			}
			if node.Data == "style" || node.Data == "base" || node.Data == "iframe" || node.Data == "object" {
				t.Errorf("%T: element %s", page, node.Data)
			}
			if node.Data == "script" && (node.FirstChild != nil || !strings.HasPrefix(attribute(node, "src"), "/tenant/static/")) {
				t.Errorf("%T: a script that is inline or not ours", page)
			}
			for _, a := range node.Attr {
				checkAttribute(t, page, node, a)
			}
		}
	}
}

func checkAttribute(t *testing.T, page any, node *html.Node, a html.Attribute) {
	t.Helper()
	if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "http-equiv" {
		t.Errorf("%T: <%s %s=…>", page, node.Data, a.Key)
	}
	if a.Key != "href" && a.Key != "src" && a.Key != "action" && a.Key != "formaction" {
		return
	}
	if _, posting := page.(FormPost); posting && a.Key == "action" {
		return
	}
	if !strings.HasPrefix(a.Val, "/tenant/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") {
		t.Errorf("%T: <%s %s=%q> leaves our own pages", page, node.Data, a.Key, a.Val)
	}
}

func TestHostileValuesStayText(t *testing.T) {
	for _, page := range everyPage() {
		shown, scripts := false, 0
		for node := range render(t, page).Descendants() {
			if node.Type == html.TextNode && strings.Contains(node.Data, hostile) {
				shown = true
			}
			if node.Data == "script" && node.Type == html.ElementNode && !has(node, "src") {
				scripts++
			}
			if node.Type == html.CommentNode {
				t.Errorf("%T: a comment came out: %q", page, node.Data)
			}
		}
		if !shown || scripts > 0 {
			t.Errorf("%T: value shown as text: %t; scripts: %d", page, shown, scripts)
		}
	}
}

func TestNamesAreIsolatedFromTheDirectionOfTheText(t *testing.T) {
	login := Login{ClientName: hostile}
	consent := Consent{ClientName: hostile, User: Person{hostile, hostile}, RedirectHost: hostile, ClientID: hostile, Audiences: []string{hostile}}
	for _, page := range []any{login, consent, Logout{UserName: hostile}, Home{Frame: hostileFrame(), User: Person{hostile, hostile}}} {
		for node := range render(t, page).Descendants() {
			if node.Type == html.TextNode && strings.Contains(node.Data, hostile) && node.Parent.Data != "bdi" {
				t.Errorf("%T: a name stands in <%s>", page, node.Parent.Data)
			}
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	for _, page := range everyPage() {
		document := render(t, page)
		if got := attribute(find(document, "html"), "lang"); got != "en" {
			t.Errorf("%T: lang is %q", page, got)
		}
		if n := len(all(document, "h1")); n != 1 {
			t.Errorf("%T: %d main headings", page, n)
		}
		if skip := find(document, "a"); attribute(skip, "href") != "#main" || attribute(find(document, "main"), "id") != "main" {
			t.Errorf("%T: the first link does not skip to the content", page)
		}
		checkReferences(t, page, document)
		checkLabels(t, page, document)
	}
}

func checkReferences(t *testing.T, page any, document *html.Node) {
	t.Helper()
	ids := make(map[string]bool)
	for node := range document.Descendants() {
		id := attribute(node, "id")
		if id != "" && ids[id] {
			t.Errorf("%T: id %s stands twice", page, id)
		}
		ids[id] = true
	}
	for node := range document.Descendants() {
		references := strings.Fields(attribute(node, "aria-describedby"))
		if target, inside := strings.CutPrefix(attribute(node, "href"), "#"); inside {
			references = append(references, target)
		}
		for _, id := range references {
			if !ids[id] {
				t.Errorf("%T: nothing has the id %s", page, id)
			}
		}
	}
}

func checkLabels(t *testing.T, page any, document *html.Node) {
	t.Helper()
	var labelled []string
	for _, label := range all(document, "label") {
		labelled = append(labelled, attribute(label, "for"))
	}
	for _, input := range slices.Concat(all(document, "input"), all(document, "textarea"), all(document, "select")) {
		if attribute(input, "type") != "hidden" && !slices.Contains(labelled, attribute(input, "id")) {
			t.Errorf("%T: field %s has no label", page, attribute(input, "name"))
		}
	}
	for _, image := range all(document, "img") {
		if !has(image, "alt") || attribute(image, "width") == "" {
			t.Errorf("%T: a picture without alt or width", page)
		}
	}
}

func TestLoginFormCarriesItsFields(t *testing.T) {
	document := render(t, Login{Username: "alice", FormToken: "ft", Interaction: "ia", Next: "/next", Error: "No."})
	want := map[string]string{"username": "alice", "password": "", "form_token": "ft", "interaction": "ia", "next": "/next"}
	for name, value := range want {
		if got := attribute(named(t, document, name), "value"); got != value {
			t.Errorf("field %s is %q", name, got)
		}
	}
	if attribute(named(t, document, "username"), "autocomplete") != "username" || attribute(named(t, document, "password"), "autocomplete") != "current-password" {
		t.Error("password managers are not told which field is which")
	}
	if has(named(t, document, "username"), "autofocus") || !has(named(t, document, "password"), "autofocus") {
		t.Error("with a username given, the password field should have the focus")
	}
	if got := len(withAttribute(document, "role", "alert")); got != 1 {
		t.Errorf("%d alerts", got)
	}
}

func TestLoginWithoutErrorRaisesNoAlert(t *testing.T) {
	document := render(t, Login{})
	if len(withAttribute(document, "role", "alert")) != 0 || !has(named(t, document, "username"), "autofocus") {
		t.Error("the empty form should wait for a username, without an alert")
	}
}

func TestConsentOffersAllowAndDenyAlike(t *testing.T) {
	document := render(t, Consent{ClientName: "Demo", Interaction: "ia", FormToken: "ft"})
	decisions := withAttribute(document, "name", "decision")
	if len(decisions) != 2 || decisions[0].Parent != decisions[1].Parent {
		t.Fatalf("%d decisions", len(decisions))
	}
	for _, button := range decisions {
		if button.Data != "button" || attribute(button, "type") != "submit" || has(button, "tabindex") || has(button, "autofocus") {
			t.Errorf("button %s is not like the other", attribute(button, "value"))
		}
	}
	if attribute(named(t, document, "interaction"), "value") != "ia" || attribute(named(t, document, "form_token"), "value") != "ft" {
		t.Error("the form does not say which request it decides")
	}
}

func TestConsentShowsTheHostOfTheClientAndNoLinkToIt(t *testing.T) {
	for uri, site := range map[string]string{"https://demo.example:8443/a": "demo.example", "javascript:alert(1)": "", "://": "", "": ""} {
		consent := Consent{ClientURI: uri}
		if got := consent.Site(); got != site {
			t.Errorf("site of %q is %q", uri, got)
		}
		for _, link := range all(render(t, consent), "a") {
			if strings.Contains(attribute(link, "href"), "demo.example") {
				t.Error("the page links to the client")
			}
		}
	}
}

func TestMessageTellsTheRequestOnlyOfAFailure(t *testing.T) {
	for status, shown := range map[int]bool{200: false, 399: false, 400: true, 503: true} {
		var page bytes.Buffer
		if err := parse(t).Render(&page, Message{Title: "T", Status: status, RequestID: "req-1"}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(page.String(), "req-1"); got != shown {
			t.Errorf("status %d: request shown: %t", status, got)
		}
	}
}

func TestSetupTellsTheLengthOfAPasswordBeforehand(t *testing.T) {
	for least, told := range map[int]bool{0: false, 15: true} {
		var page bytes.Buffer
		if err := parse(t).Render(&page, Setup{MinPassword: least}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(page.String(), "At least 15 characters."); got != told || strings.Contains(page.String(), "At least 0") {
			t.Errorf("minimum %d: told: %t", least, got)
		}
	}
}

func TestFormPostSendsValuesUnchanged(t *testing.T) {
	state := "a b+c%20&=<>\"'/ü\u2028"
	document := render(t, FormPost{Action: "https://client.example/cb?a=1&b=%2F", Fields: []Field{{"state", state}}})
	if got := attribute(named(t, document, "state"), "value"); got != state {
		t.Errorf("state became %q", got)
	}
	if got := attribute(find(document, "form"), "action"); got != "https://client.example/cb?a=1&b=%2F" {
		t.Errorf("the form goes to %q", got)
	}
}

func TestFormPostGoesNowhereButToTheWeb(t *testing.T) {
	for _, action := range []string{"javascript:alert(1)", "com.example.app:/cb", "data:text/html,x", "/local", "//host/x", "https:", "", "https://h/%zz"} {
		var page bytes.Buffer
		if err := parse(t).Render(&page, FormPost{Action: action}); err == nil || page.Len() > 0 {
			t.Errorf("a form to %q was rendered", action)
		}
	}
}

func TestRenderRefusesWhatIsNoPage(t *testing.T) {
	for _, page := range []any{nil, "login", &Login{}, Frame{}} {
		var out bytes.Buffer
		if err := parse(t).Render(&out, page); err == nil || out.Len() > 0 {
			t.Errorf("%T was rendered", page)
		}
	}
}

func TestRenderReportsAWriterThatFails(t *testing.T) {
	if err := parse(t).Render(brokenWriter{}, Login{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestWaitIsToldInWords(t *testing.T) {
	cases := map[time.Duration]string{
		time.Millisecond: "1 second", time.Second: "1 second", 1001 * time.Millisecond: "2 seconds", 89 * time.Second: "89 seconds",
		90 * time.Second: "2 minutes", 121 * time.Second: "3 minutes", 15 * time.Minute: "15 minutes",
	}
	for d, want := range cases {
		if got := inWords(d); got != want {
			t.Errorf("%s is told as %q", d, got)
		}
	}
}

func TestLoginTellsTheErrorAndTheWait(t *testing.T) {
	for _, c := range []struct {
		login Login
		want  string
	}{
		{Login{}, ""},
		{Login{Error: "No."}, "No."},
		{Login{Error: "No.", RetryAfter: time.Second}, "No. Please wait 1 second and try again."},
		{Login{RetryAfter: time.Minute}, "Please wait 60 seconds and try again."},
	} {
		if got := c.login.Problem(); got != c.want {
			t.Errorf("told %q, not %q", got, c.want)
		}
	}
}

func BenchmarkRenderLogin(b *testing.B) {
	p, err := Parse()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := p.Render(&bytes.Buffer{}, Login{ClientName: "Demo", Username: "alice"}); err != nil {
			b.Fatal(err)
		}
	}
}
