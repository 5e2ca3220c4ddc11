package server_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func (s *site) setupLink() string {
	s.t.Helper()
	token, err := s.people.SetupLink(s.t.Context())
	ok(s.t, err)
	return "/setup?token=" + url.QueryEscape(token)
}

func TestFirstUserIsMadeOnceByTheLink(t *testing.T) {
	s := newSite(t, options{empty: true})
	b := s.browser()
	link := s.setupLink()
	page := b.get(link)
	page.wantPage(http.StatusOK)
	page.wantText("super admin")
	done := b.submit(page, "username=root", "name=Root", "email=root@example.com", "password="+password)
	done.wantStatus(http.StatusSeeOther)
	b.follow(done).wantText("Hello, Root") // signed in
	u, err := s.people.UserByName(t.Context(), "root")
	ok(t, err)
	if !u.SuperAdmin {
		t.Error("the first user is no super admin")
	}
	other := s.browser()
	other.get(link).wantPage(http.StatusBadRequest)
	other.get(link).wantText("set up already")
	b.submit(page, "username=second", "password="+password).wantPage(http.StatusBadRequest)
}

func TestFaultsOfTheSetupFormAreNamed(t *testing.T) {
	s := newSite(t, options{empty: true})
	b := s.browser()
	page := b.submit(b.get(s.setupLink()), "username=ro ot", "email=nonsense", "password=short", "name=Root")
	page.wantPage(http.StatusUnprocessableEntity)
	page.wantText("The account was not created", "user name", "e-mail", "at least 15 characters")
	if _, fields := page.form(); fields.Get("name") != "Root" || fields.Get("password") != "" {
		t.Errorf("fields %v", fields)
	}
	b.submit(page, "username=root", "email=", "password="+password).wantStatus(http.StatusSeeOther)
}

func TestSetupNeedsAGoodLink(t *testing.T) {
	s := newSite(t, options{empty: true})
	b := s.browser()
	for _, link := range []string{"/setup", "/setup?token=", "/setup?token=junk", "/setup?token=%00"} {
		b.get(link).wantPage(http.StatusBadRequest)
		b.get(link).wantText("This set-up link does not work any more")
	}
	link := s.setupLink()
	page := b.get(link)
	page.wantPage(http.StatusOK)
	b.submit(page, "username=root", "password="+password, "form_token=junk").wantPage(http.StatusForbidden)
	b.submit(page, "username=root", "password="+password, "token=junk").wantPage(http.StatusBadRequest)
	s.move(24 * time.Hour)
	b.get(link).wantPage(http.StatusBadRequest)
	b.submit(page, "username=root", "password="+password).wantPage(http.StatusBadRequest)
}
