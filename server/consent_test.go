package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestConsentPageTellsTheTruth(t *testing.T) {
	s := usual(t)
	page := s.browser().consentPage("web", "scope=profile api:write", "resource="+api)
	page.wantText("Web app", "Alice Doe", "alice", "app.example.com", "profile", "api:write", oauth.ScopeSentence("profile"), api, "web")
	if strings.Contains(page.text(), "api:read") || strings.Contains(page.text(), otherAPI) {
		t.Errorf("the page names what was not asked for: %s", page.text())
	}
	policy := page.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https://app.example.com") {
		t.Errorf("policy %s", policy)
	}
	var buttons []string
	for _, b := range elements(page.document(), "button") {
		buttons = append(buttons, attribute(b, "name")+"="+attribute(b, "value"))
	}
	if strings.Join(buttons, " ") != "decision=deny decision=allow" {
		t.Errorf("buttons %v", buttons)
	}
}

func TestConsentIsRememberedAndAskedAgainForMore(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.code("web", "scope=profile")
	s.wantResponse(b.authorize("web", "scope=profile"), callback)
	more := b.follow(b.authorize("web", "scope=profile api:read"))
	more.wantText("Allow", "new api:read")
	b.follow(b.authorize("web", "scope=profile", "prompt=consent")).wantText("Allow")
}

func TestConsentNeedsAnAnswer(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.consentPage("web")
	for _, decision := range []string{"", "maybe", "ALLOW", "yes"} {
		b.submit(page, "decision="+decision).wantPage(http.StatusBadRequest)
	}
	if b.get("/oauth2/authorize?"+"interaction="+interactionOf(page)).Header().Get("Location") != "/consent?interaction="+interactionOf(page) {
		t.Error("the request went on without an answer")
	}
	for _, query := range []string{"decision=allow", "approval=1", "consent=true", "skip_consent=1"} {
		a := b.get("/oauth2/authorize?" + s.ask("web").Encode() + "&" + query)
		if to := a.location(); to.Path != "/consent" {
			t.Errorf("%s led to %s", query, to)
		}
	}
	b.get("/consent?decision=allow&interaction=" + interactionOf(page)).wantText("Deny")
}

func interactionOf(page *answer) string {
	_, fields := page.form()
	return fields.Get("interaction")
}

func TestFormFieldsOfStrangersChangeNothing(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.consentPage("web", "scope=profile")
	a := b.follow(b.submit(page, "decision=allow", "redirect_uri=https://evil.example", "scope=profile api:write", "client_id=native", "state=evil",
		"response_mode=form_post", "user=root", "audience="+otherAPI))
	fields := s.wantResponse(a, callback)
	if got := s.redeem("web", fields.Get("code")).json("scope"); got != "profile" {
		t.Errorf("scope %q", got)
	}
}

func TestConsentFormIsBoundToSessionAndRequest(t *testing.T) {
	s := usual(t)
	b := s.browser()
	first := b.consentPage("web")
	second := b.follow(b.authorize("post"))
	_, other := second.form()
	b.submit(first, "decision=allow", "form_token="+other.Get("form_token")).wantPage(http.StatusForbidden)
	b.submit(first, "decision=allow", "interaction="+other.Get("interaction")).wantPage(http.StatusForbidden)
	b.submit(first, "decision=allow", "form_token=").wantPage(http.StatusForbidden)

	stolen := s.browser()
	stolen.signIn()
	stolen.submit(first, "decision=allow").wantPage(http.StatusForbidden)
	s.browser().submit(first, "decision=allow").wantPage(http.StatusForbidden) // nobody is signed in

	page := b.follow(b.get("/oauth2/authorize?interaction=" + interactionOf(first)))
	b.submit(b.get("/login?interaction="+interactionOf(first)), "username=alice", "password="+password)
	b.submit(page, "decision=allow").wantPage(http.StatusForbidden) // shown to the session before
	s.wantResponse(b.finish(b.get("/oauth2/authorize?interaction="+interactionOf(first))), callback)
}

func TestConsentOfAGuestLeadsToTheLogin(t *testing.T) {
	s := usual(t)
	b := s.browser()
	waiting := b.authorize("web").location()
	a := b.follow(b.get("/consent?" + waiting.RawQuery))
	a.wantText("Sign in", "Web app")
}

func TestAnotherAccountCanBeUsed(t *testing.T) {
	s := usual(t)
	b := s.browser()
	page := b.consentPage("web")
	b.get("/login?interaction="+interactionOf(page)).wantText("Sign in", "Web app")
}

// What is asked for stands under the name of the API that it belongs to, in the words of whoever registered that.
func TestConsentPageTellsScopesByAPIs(t *testing.T) {
	s := usual(t)
	const evil = `<script>alert(1)</script>`
	_, err := s.provider.RegisterAPI(t.Context(), oauth.APIRegistration{Identifier: api, Name: "Photos " + evil, Scopes: []oauth.APIScope{
		{Name: "api:read", Description: "See your " + evil + " photos."}, {Name: "api:write"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	page := s.browser().consentPage("web", "scope=api:read api:write", "resource="+api)
	page.wantText("Photos "+evil+" "+api+" See your "+evil+" photos. api:read", oauth.ScopeSentence("api:write")+" api:write")
	if strings.Contains(page.Body.String(), evil) || strings.Contains(page.text(), "sed at") {
		t.Errorf("the page: %s", page.text())
	}

	b := s.browser()
	b.code("web", "scope=api:read", "resource="+api)
	more := b.follow(b.authorize("web", "scope=api:read api:write", "resource="+api))
	more.wantText("new api:write")
	if strings.Contains(more.text(), "new api:read") {
		t.Errorf("what was allowed before is told as new: %s", more.text())
	}
}
