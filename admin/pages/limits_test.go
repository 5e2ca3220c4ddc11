package pages_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/admin/pages"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
)

func TestPagesAreLimited(t *testing.T) {
	w := newWorld(t)
	table, err := limit.Parse([]string{"page=1/3", "account=1/5"})
	ok(t, err)
	shown, err := parsed()
	ok(t, err)
	lane := limit.NewLane(1, 0)
	site, err := pages.New(pages.Config{
		Provider: w.provider, Directory: w.people, Audit: w.audit, Keys: w.keys, Pages: shown, Ping: w.store.Ping, Now: w.now, Started: w.now(),
		Limits: limit.New(limit.Config{Table: table, Now: w.now}), Lane: lane,
	})
	ok(t, err)
	w.handler = web.New(web.Config{Now: w.now, HTTPS: true})(site)
	alice := w.signedIn(w.superAdmin("alice"))
	guest := w.guest()
	for range 5 {
		alice.get("/account/profile").wantStatus(http.StatusOK)
	}
	alice.get("/account/profile").wantStatus(http.StatusTooManyRequests)
	w.move(time.Second)
	alice.get("/account/profile").wantStatus(http.StatusOK)

	ok(t, lane.Enter(t.Context()))
	guest.get("/account").wantStatus(http.StatusServiceUnavailable)
	lane.Leave()
	for range 3 {
		guest.get("/account").wantStatus(http.StatusFound)
	}
	refused := guest.get("/account")
	refused.wantStatus(http.StatusTooManyRequests)
	if refused.Header().Get("Retry-After") != "1" {
		t.Errorf("got %v", refused.Header())
	}
}
