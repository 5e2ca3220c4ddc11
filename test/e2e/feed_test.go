package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// The revocation feed, as an API reads it that knows no more than docs/revocation-feed.md.

// ended is an event.
type ended struct {
	Type          string `json:"type"`
	ID            string `json:"jti"`
	Authorization string `json:"authorization"`
	ClientID      string `json:"client_id"`
	Subject       string `json:"sub"`
	Generation    string `json:"gen"`
	Until         int64  `json:"until"`
}

// feedReader reads the feed of one node.
type feedReader struct {
	body   io.ReadCloser
	mu     sync.Mutex
	events []ended
	names  []string
	lastID string
	over   bool
}

func readFeed(t *testing.T, a *authtest.App, lastID string) *feedReader {
	t.Helper()
	client := &http.Client{Transport: a.Server.Client().Transport} // without a bound on the answer
	var answer *http.Response
	eventually(t, 20*time.Second, "the feed is there", func() bool {
		r := authtest.NewRequest(t, http.MethodGet, a.Server.URL("/oauth2/revocations"), nil)
		r.SetBasicAuth(a.ID, a.Secret)
		if lastID != "" {
			r.Header.Set("Last-Event-ID", lastID)
		}
		var err error
		answer, err = client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode == http.StatusServiceUnavailable {
			_ = answer.Body.Close()
		}
		return answer.StatusCode == http.StatusOK
	})
	r := &feedReader{body: answer.Body}
	var reading sync.WaitGroup
	reading.Go(r.read)
	t.Cleanup(func() { _ = r.body.Close(); reading.Wait() })
	eventually(t, 20*time.Second, "the reader has caught up", func() bool { return r.has("ready") })
	return r
}

func (r *feedReader) read() {
	lines := bufio.NewScanner(r.body)
	var id, name, data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			r.take(id, name, data)
			id, name, data = "", "", ""
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

func (r *feedReader) take(id, name, data string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
	if id != "" {
		r.lastID = id
	}
	var e ended
	if name == "ended" && json.Unmarshal([]byte(data), &e) == nil {
		r.events = append(r.events, e)
	}
}

func (r *feedReader) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.names {
		if n == name {
			return true
		}
	}
	return false
}

func (r *feedReader) find(which func(ended) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if which(e) {
			return true
		}
	}
	return false
}

func (r *feedReader) position() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastID
}

// told waits until readers on every node have heard of something, and fails where that takes longer than promised.
func told(t *testing.T, what string, readers []*feedReader, which func(ended) bool) {
	t.Helper()
	for _, r := range readers {
		eventually(t, withinASecond, what, func() bool { return r.find(which) })
	}
}

// jtiOf asks the resource server what it sees of a token.
func jtiOf(t *testing.T, s *authtest.Server, token string) string {
	t.Helper()
	seen := s.App("api").Introspect(t, token)
	if seen.Text("jti") == "" {
		t.Fatalf("no jti: %s", seen)
	}
	return seen.Text("jti")
}

// TestTheFeedReachesEveryNodeWithinASecond revokes on one node, by the command line beside both, and in the browser.
func TestTheFeedReachesEveryNodeWithinASecond(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	readers := []*feedReader{readFeed(t, one.App("api"), ""), readFeed(t, two.App("api").On(two), "")}
	foreign := readFeed(t, two.App("other-api").On(two), "")

	tokens := one.Browser(t).Tokens(one.App("jwt"), authtest.Alice)
	authorization, _, _ := strings.Cut(jtiOf(t, one, tokens.Access()), ".")
	one.App("jwt").Revoke(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
	told(t, "a revocation", readers, func(e ended) bool { return e.Type == "authorization" && e.Authorization == authorization })

	machine := one.App("jwt").Machine(t).Access()
	id := jtiOf(t, two, machine)
	one.App("jwt").On(two).Revoke(t, machine).Wants(t, http.StatusOK, "")
	told(t, "a machine's token", readers, func(e ended) bool { return e.Type == "token" && e.ID == id })

	seen := one.App("api").Introspect(t, one.Browser(t).Tokens(one.App("jwt"), "victor").Access())
	if out, err := one.Command("user", "block", "victor"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told(t, "a blocked user", readers, func(e ended) bool {
		return e.Type == "subject" && e.Subject == seen.Text("sub") && e.Generation == seen.Text("gen") && e.Generation != ""
	})
	if out, err := one.Command("client", "disable", "jwt"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told(t, "a disabled client", readers, func(e ended) bool { return e.Type == "client" && e.ClientID == "jwt" })
	if foreign.find(func(ended) bool { return true }) {
		t.Errorf("an API that it does not concern reads %+v", foreign.events)
	}
	began := time.Now()
	if err := two.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("streams hold a server up that stops, for %v", took)
	}
	machine = one.App("machine").Machine(t).Access()
	one.App("machine").Revoke(t, machine).Wants(t, http.StatusOK, "")
	missed := readFeed(t, one.App("api"), readers[1].position())
	if missed.has("reset") || !missed.find(func(e ended) bool { return e.Type == "authorization" }) {
		t.Errorf("a reader of the node that stopped goes on at the other one with %v %+v", missed.names, missed.events)
	}
}

// TestTheFeedGoesOnAfterARestart, on a store in a file and one that others keep.
func TestTheFeedGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]string{"bolt": authtest.Bolt, "redis": redistest.Start(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := authtest.Start(t, authtest.Options{Store: where})
			api, jwt := s.App("api"), s.App("jwt")
			tokens := []string{jwt.Machine(t).Access(), jwt.Machine(t).Access()}
			ids := []string{jtiOf(t, s, tokens[0]), jtiOf(t, s, tokens[1])}
			r := readFeed(t, api, "")
			jwt.Revoke(t, tokens[0]).Wants(t, http.StatusOK, "")
			told(t, "the first", []*feedReader{r}, func(e ended) bool { return e.ID == ids[0] })
			position := r.position()
			jwt.Revoke(t, tokens[1]).Wants(t, http.StatusOK, "")
			if err := s.Restart(); err != nil { // as after a crash
				t.Fatal(err)
			}
			again := readFeed(t, api, position)
			if again.has("reset") || len(again.events) != 1 || again.events[0].ID != ids[1] {
				t.Errorf("after a crash: %v %+v", again.names, again.events)
			}
		})
	}
}

// TestAReaderNoticesThatABackupWasRestored: the numbers of the feed begin again where the backup was made.
func TestAReaderNoticesThatABackupWasRestored(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: authtest.Bolt})
	jwt, api := s.App("jwt"), s.App("api")
	run := func(args ...string) {
		t.Helper()
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Command(args...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	jwt.Revoke(t, jwt.Machine(t).Access())
	run("backup", "copy.db")
	for range 3 {
		jwt.Revoke(t, jwt.Machine(t).Access())
	}
	r := readFeed(t, api, "")
	position := r.position()
	tokens := jwt.Machine(t).Access()
	run("restore", "copy.db", "--force")
	for range 12 { // the numbers go past those of before
		jwt.Revoke(t, jwt.Machine(t).Access())
	}
	again := readFeed(t, api, position)
	if !again.has("reset") || !again.find(func(e ended) bool { return e.Type == "client" && e.ClientID == "jwt" }) {
		t.Errorf("after a restore: %v %+v", again.names, again.events)
	}
	if api.Active(t, tokens) {
		t.Error("a token outlives the restore")
	}
}
