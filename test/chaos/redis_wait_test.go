package chaos

import (
	"net/http"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// What no replica has is not acknowledged: not when it is done, and not when it is asked for once more and found done.
func TestRevocationIsAcknowledgedOnceAReplicaHasIt(t *testing.T) {
	t.Parallel()
	master, replicas := redistest.NewReplicated(t, 1)
	s := authtest.Start(t, options(master.URL()+"?wait=1&wait_timeout=1s", lenient))
	web, jwt := s.App("web"), s.App("jwt")
	opaque := s.Browser(t).Tokens(web, authtest.Alice)
	machine := jwt.Machine(t)
	replicas[0].Pause()
	for range 2 {
		web.Revoke(t, opaque.Refresh()).Wants(t, http.StatusServiceUnavailable, "temporarily_unavailable")
		jwt.Revoke(t, machine.Access()).Wants(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	}
	web.Token(t, "grant_type", "client_credentials").Wants(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	web.Introspect(t, opaque.Access()) // what is read does not wait
	replicas[0].Resume()
	for _, revoke := range []func() *authtest.Answer{
		func() *authtest.Answer { return web.Revoke(t, opaque.Refresh()) },
		func() *authtest.Answer { return jwt.Revoke(t, machine.Access()) },
	} {
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			answer := revoke()
			if answer.Status == http.StatusOK {
				break
			}
			if answer.Status != http.StatusServiceUnavailable || time.Now().After(deadline) {
				t.Fatalf("with the replica: %s", answer)
			}
		}
	}
	if web.Active(t, opaque.Access()) || s.App("api").Active(t, machine.Access()) {
		t.Error("a token outlives its revocation")
	}
}
