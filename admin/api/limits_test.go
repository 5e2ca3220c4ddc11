package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
)

func TestTheRESTAPIIsLimited(t *testing.T) {
	w := newWorld(t)
	table, err := limit.Parse([]string{"stranger=1/3", "admin=1/5"})
	ok(t, err)
	w.config.Limits = limit.New(limit.Config{Table: table, Now: w.now})
	w.config.Lane = limit.NewLane(1, 0)
	handler, err := api.New(w.config)
	ok(t, err)
	handler = web.New(web.Config{Now: w.now})(handler)
	send := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, issuer+api.Path+"/clients", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		a := httptest.NewRecorder()
		handler.ServeHTTP(a, r)
		return a
	}
	want := func(token string, status int) {
		t.Helper()
		a := send(token)
		if a.Code != status {
			t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
		}
		if status < http.StatusInternalServerError && status != http.StatusTooManyRequests {
			return
		}
		if a.Header().Get("Retry-After") == "" || a.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("got %v", a.Header())
		}
	}
	alice, bob := w.user("alice", account.ViewClients), w.user("bob", account.ViewClients)
	one, two, other := w.token(alice, "admin"), w.token(alice, "clients:view"), w.token(bob, "admin")
	for range 5 {
		want(one, http.StatusOK)
	}
	want(one, http.StatusTooManyRequests)
	want(two, http.StatusTooManyRequests) // of the same user
	want(other, http.StatusOK)
	w.move(time.Second)
	want(one, http.StatusOK)
	want(one, http.StatusTooManyRequests)

	ok(t, w.config.Lane.Enter(t.Context()))
	want(other, http.StatusServiceUnavailable)
	w.config.Lane.Leave()
	for range 3 {
		want("made up", http.StatusUnauthorized)
	}
	want("made up", http.StatusTooManyRequests)
	w.move(time.Second)
	want("made up", http.StatusUnauthorized)
}
