package server_test

import (
	"net/http"
	"testing"
)

func TestLogoutAsksAndEndsTheSessionOnTheServer(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	session := *b.cookie(t, "__Host-grantor_session")
	page := b.get("/logout")
	page.wantPage(http.StatusOK)
	page.wantText("Sign out?", "alice")
	b.get("/").wantText("Alice Doe") // a link alone does nothing
	done := b.submit(page)
	done.wantPage(http.StatusOK)
	done.wantText("You are signed out")
	if b.cookies[session.Name] != nil {
		t.Error("the browser keeps the cookie")
	}
	b.cookies[session.Name] = &session
	b.get("/").wantText("Welcome")
	if to := b.authorize("web").location(); to.Path != "/login" {
		t.Errorf("the copied cookie leads to %s", to)
	}
}

func TestLogoutNeedsItsForm(t *testing.T) {
	s := usual(t)
	b, other := s.browser(), s.browser()
	b.signIn()
	other.signIn()
	b.post("/logout", form()).wantPage(http.StatusForbidden)
	b.post("/logout", form("form_token=junk")).wantPage(http.StatusForbidden)
	b.submit(other.get("/logout")).wantPage(http.StatusForbidden)
	b.get("/").wantText("Alice Doe")
}

func TestLogoutOfAGuestIsDoneAlready(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.get("/logout").wantText("You are signed out")
	b.post("/logout", form()).wantText("You are signed out")
}

func TestLogoutLeadsNowhere(t *testing.T) {
	s := usual(t)
	b := s.browser()
	b.signIn()
	query := "?next=https://evil.example&post_logout_redirect_uri=https://evil.example"
	b.get("/logout" + query).wantPage(http.StatusOK)
	b.submit(b.get("/logout"+query), "next=https://evil.example").wantPage(http.StatusOK)
}
