package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

const feedPath = "/oauth2/revocations"

// listening serves a site on a port, with bounds on connections that are far shorter than a stream, and follows the feed.
func listening(t *testing.T) (*site, *httptest.Server) {
	t.Helper()
	return listeningBy(t, (*httptest.Server).Start)
}

func listeningBy(t *testing.T, start func(*httptest.Server)) (*site, *httptest.Server) {
	t.Helper()
	s := usual(t)
	return s, s.serve(start)
}

func (s *site) serve(start func(*httptest.Server)) *httptest.Server {
	l := httptest.NewUnstartedServer(s.handler)
	l.EnableHTTP2 = true // where it starts with TLS
	l.Config.ReadTimeout, l.Config.WriteTimeout = 300*time.Millisecond, 400*time.Millisecond
	start(l)
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { s.provider.Run(ctx) })
	following.Go(func() { s.people.Run(ctx) })
	s.t.Cleanup(func() { s.provider.EndSubscriptions(); l.Close(); cancel(); following.Wait() })
	return l
}

// sse is an event as it comes.
type sse struct{ id, name, data string }

// listener reads one stream.
type listener struct {
	t      *testing.T
	answer *http.Response
	events chan sse
}

func (s *site) feedRequest(l *httptest.Server, client, secret, lastID string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, l.URL+feedPath, nil)
	ok(s.t, err)
	if client != "" {
		r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	return r
}

func (s *site) listen(l *httptest.Server, client, lastID string) *listener {
	s.t.Helper()
	var answer *http.Response
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		answer, err = l.Client().Do(s.feedRequest(l, client, s.secrets[client], lastID))
		ok(s.t, err)
		if answer.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			break // it follows the feed now
		}
		_ = answer.Body.Close()
	}
	s.t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" || answer.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	r := &listener{s.t, answer, make(chan sse, 1000)}
	go r.read()
	return r
}

func (r *listener) read() {
	defer close(r.events)
	lines := bufio.NewScanner(r.answer.Body)
	var e sse
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "":
			if e != (sse{}) {
				r.events <- e
			}
			e = sse{}
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value
		}
	}
}

// next gives the next event of a name, and fails on any other one but heartbeats.
func (r *listener) next(name string) sse {
	r.t.Helper()
	for {
		select {
		case e, open := <-r.events:
			if !open {
				r.t.Fatalf("the stream ended before %s", name)
			}
			if e.name == name {
				return e
			}
			if e.name != "heartbeat" {
				r.t.Fatalf("got %+v, want %s", e, name)
			}
		case <-time.After(20 * time.Second):
			r.t.Fatalf("no %s", name)
		}
	}
}

// ends waits until the stream is over, and gives how long that took.
func (r *listener) ends() time.Duration {
	r.t.Helper()
	began := time.Now()
	for {
		select {
		case _, open := <-r.events:
			if !open {
				return time.Since(began)
			}
		case <-time.After(20 * time.Second):
			r.t.Fatal("the stream goes on")
		}
	}
}

func TestTheFeedIsAStreamThatOutlivesTheBoundsOfAConnection(t *testing.T) {
	t.Parallel()
	s, l := listening(t)
	r := s.listen(l, "api", "")
	if ready := r.next("ready"); ready.id == "" || ready.data != "{}" {
		t.Errorf("got %+v", ready)
	}
	token := s.machine("jwt")
	s.call("jwt", "/oauth2/revoke", "token="+token).wantStatus(http.StatusOK)
	e := r.next("ended")
	var ended oauth.Ended
	ok(t, json.Unmarshal([]byte(e.data), &ended))
	if e.id == "" || ended.Type != oauth.EndedToken || ended.ID == "" || ended.Until != s.now().Add(10*time.Minute).Unix() {
		t.Errorf("got %+v", e)
	}
	first := r.next("heartbeat")
	if second := r.next("heartbeat"); first.id == "" || second.id != first.id || second.data != "{}" {
		t.Errorf("heartbeats %+v and %+v", first, second)
	}
	again := s.listen(l, "api", e.id)
	again.next("ready")
	s.call("jwt", "/oauth2/revoke", "token="+s.machine("jwt")).wantStatus(http.StatusOK)
	if here, there := r.next("ended"), again.next("ended"); here != there {
		t.Errorf("one reads %+v, the other %+v", here, there)
	}
	leaked := s.keys.Status()[0].ID
	_, err := s.keys.Withdraw(t.Context(), leaked)
	ok(t, err)
	var changed oauth.KeysChanged
	ok(t, json.Unmarshal([]byte(r.next("keys").data), &changed))
	if len(changed.Withdrawn) != 1 || changed.Withdrawn[0] != leaked {
		t.Errorf("got %+v", changed)
	}
	lost := s.listen(l, "api", "never-1")
	lost.next("reset")
	lost.next("ended")
	lost.next("ended")
	lost.next("keys")
	lost.next("ready")
	ok(t, r.answer.Body.Close())
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log says %s", s.log.String())
	}
}

func TestOnlyResourceServersReadTheFeed(t *testing.T) {
	t.Parallel()
	s, l := listening(t)
	s.listen(l, "api", "").next("ready")
	for name, who := range map[string][2]string{
		"nobody": {}, "wrong secret": {"api", "wrong"}, "serves nothing": {"web", s.secrets["web"]}, "public": {"native", ""},
	} {
		answer, err := l.Client().Do(s.feedRequest(l, who[0], who[1], ""))
		ok(t, err)
		body, err := io.ReadAll(answer.Body)
		ok(t, err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), `"invalid_client"`) || answer.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
	post := s.request(http.MethodPost, feedPath, "")
	s.send(post).wantStatus(http.StatusMethodNotAllowed)
	query := s.get(feedPath + "?client_id=api&client_secret=" + url.QueryEscape(s.secrets["api"]))
	query.wantError(http.StatusUnauthorized, oauth.InvalidClient)
	if m := s.metadata(wellKnown); m["revocation_feed_endpoint"] != s.issuer+feedPath {
		t.Errorf("metadata %v", m["revocation_feed_endpoint"])
	}
}

// TestAStreamEndsWithTheRightToReadIt, within about a second.
func TestAStreamEndsWithTheRightToReadIt(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(s *site) error{
		"disabled":   func(s *site) error { return s.provider.SetClientState(s.t.Context(), "api", oauth.Disabled) },
		"deleted":    func(s *site) error { return s.provider.DeleteClient(s.t.Context(), "api") },
		"new secret": func(s *site) error { _, err := s.provider.ReplaceSecrets(s.t.Context(), "api", ""); return err },
		"serves no API": func(s *site) error {
			r := s.clients["api"].Registration
			r.ResourceServer = false
			_, err := s.provider.UpdateClient(s.t.Context(), r, 0)
			return err
		},
		"the server stops": func(s *site) error { s.provider.EndSubscriptions(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, l := listening(t)
			r := s.listen(l, "api", "")
			r.next("ready")
			ok(t, act(s))
			if took := r.ends(); took > 5*time.Second {
				t.Errorf("it went on for %v", took)
			}
		})
	}
}

// TestNoHeartbeatWithoutTheStore: the stream ends, so that the reader looks for another node.
func TestNoHeartbeatWithoutTheStore(t *testing.T) {
	t.Parallel()
	s, l := listening(t)
	r := s.listen(l, "api", "")
	r.next("ready")
	s.store.away.Store(true)
	took := r.ends()
	s.store.away.Store(false)
	if took < 4*time.Second || took > 12*time.Second {
		t.Errorf("it ended after %v", took)
	}
	s.listen(l, "api", "").next("ready")
}

func TestTheHeadOfTheFeedIsAnsweredAlone(t *testing.T) {
	t.Parallel()
	s, l := listening(t)
	s.listen(l, "api", "").next("ready")
	r := s.feedRequest(l, "api", s.secrets["api"], "")
	r.Method = http.MethodHead
	answer, err := l.Client().Do(r)
	ok(t, err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
}

func TestTheFeedGoesOverHTTP2(t *testing.T) {
	t.Parallel()
	s, l := listeningBy(t, (*httptest.Server).StartTLS)
	r := s.listen(l, "api", "")
	if r.answer.ProtoMajor != 2 {
		t.Fatalf("it is %s", r.answer.Proto)
	}
	r.next("ready")
	r.next("heartbeat")
	s.call("jwt", "/oauth2/revoke", "token="+s.machine("jwt")).wantStatus(http.StatusOK)
	r.next("ended")
}
