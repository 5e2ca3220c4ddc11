package server_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/server"
)

// hurried serves over connections on which requests may be in haste, with a lane for one request and four that wait.
func hurried(t *testing.T) (s *site, lane *limit.Lane, ask func() net.Conn) {
	t.Helper()
	lane = limit.NewLane(1, 4)
	s = newSite(t, options{change: func(c *server.Config) { c.TokenLane = lane }})
	listener := httptest.NewUnstartedServer(s.handler)
	listener.Listener = web.Connections(listener.Listener)
	listener.Config.ConnContext = web.WithConnection
	listener.Start()
	t.Cleanup(listener.Close)
	return s, lane, func() net.Conn {
		conn, err := net.Dial("tcp", listener.Listener.Addr().String())
		ok(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		body := "grant_type=client_credentials&client_id=post&client_secret=" + s.secrets["post"]
		_, err = fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: id.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
			"Content-Length: %d\r\n\r\n%s", len(body), body)
		ok(t, err)
		return conn
	}
}

// until waits for a state of the lane.
func until(t *testing.T, lane *limit.Lane, running, waiting int) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		got := lane.State()
		if got.Running == running && got.Waiting == waiting {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("the lane is %+v, want %d running and %d waiting", got, running, waiting)
		}
	}
}

// Who hangs up while he waits for his turn takes no place from others, though requests that have theirs are in haste.
func TestWhoHangsUpWhileHeWaitsForATurnLeaves(t *testing.T) {
	_, lane, ask := hurried(t)
	ok(t, lane.Enter(t.Context()))
	conn := ask()
	until(t, lane, 1, 1)
	_ = conn.Close()
	until(t, lane, 1, 0)
	if refused := lane.State().Refused; refused != 0 {
		t.Errorf("he was not noticed to go, and waited until %d were refused", refused)
	}
	lane.Leave()
}

// Who hangs up while his request is worked on changes nothing: the work is done within milliseconds, whole.
func TestARequestInHasteIsDoneThoughItsCallerHangsUp(t *testing.T) {
	s, lane, ask := hurried(t)
	s.store.delay.Store(int64(100 * time.Millisecond))
	conn := ask()
	until(t, lane, 1, 0)
	_ = conn.Close()
	until(t, lane, 0, 0)
	for began := time.Now(); !strings.Contains(s.log.String(), `"status":200`); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("got %s", s.log.String())
		}
	}
}
