package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/test/authtest"
)

// Two nodes on one Redis whose clocks differ: what one does the other knows within a second, and goes on with.

// skew is what the clocks of two nodes may differ by.
const skew = 2 * time.Second

// nodes are two processes. What is tried is done at one and seen at the other; then the other way round.
type nodes struct {
	one, two *authtest.Server
	name     string           // of the person, and of the applications, that nothing else uses
	ops      string           // token for the REST API
	guards   []*protect.Guard // APIs that follow the feed, at either node
	ahead    [2]time.Duration // by which the clocks of one and two are
}

func TestNodesWhoseClocksDiffer(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{skew, -skew} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			right, wrong := apart(t, by)
			ops := right.App("ops")
			ops.Secret = clocksSecret
			both := nodes{one: right, two: wrong, ahead: [2]time.Duration{0, by}, ops: ops.Machine(t, "scope", "admin").Access(), guards: []*protect.Guard{
				// To one API both nodes tell another time than its own, to the other the node that it asks does so twice as much.
				guardAt(t, right, 0), guardAt(t, wrong, 0), guardAt(t, wrong, -by),
			}}
			// What has to wait waits beside the rest, and takes no place of another test.
			var waiting sync.WaitGroup
			brief, long := matters()
			for _, m := range long {
				for _, n := range both.orders(m.name) {
					waiting.Go(func() { t.Run(n.name, func(t *testing.T) { m.try(n, t) }) })
				}
			}
			for _, m := range brief {
				for _, n := range both.orders(m.name) {
					t.Run(n.name, func(t *testing.T) { m.try(n, t) })
				}
			}
			waiting.Wait()
		})
	}
}

// matter is something that nodes must agree on.
type matter struct {
	name string
	try  func(*nodes, *testing.T)
}

// matters are tried one after the other, and those that wait beside each other.
func matters() (brief, waiting []matter) {
	return []matter{
			{"sessions", (*nodes).sessions}, {"logins", (*nodes).logins}, {"codes", (*nodes).codes}, {"blocks", (*nodes).blocks},
			{"guesses", (*nodes).guesses}, {"consents", (*nodes).consents}, {"clients", (*nodes).clients},
			{"revocations", (*nodes).revocations}, {"ends", (*nodes).ends}, {"audit", (*nodes).audit}, {"keys", (*nodes).keys},
		}, []matter{
			{"expiries", (*nodes).expiries}, {"withdrawals", (*nodes).withdrawals}, {"limits", (*nodes).limits}, {"statistics", (*nodes).statistics},
		}
}

func (n *nodes) orders(matter string) []*nodes {
	there, back := *n, *n
	there.name = matter + "-0"
	back.name, back.one, back.two, back.ahead = matter+"-1", n.two, n.one, [2]time.Duration{n.ahead[1], n.ahead[0]}
	return []*nodes{&there, &back}
}

func (n *nodes) each() []*authtest.Server { return []*authtest.Server{n.one, n.two} }

// apart starts two nodes. What nobody uses ends after a minute, and few revocations may come.
func apart(t *testing.T, by time.Duration) (right, wrong *authtest.Server) {
	t.Helper()
	right = authtest.Start(t, authtest.Options{Store: redistest.Start(t), Seed: clocksSeed(), Args: []string{
		"--limit-exempt", "127.0.0.0/8", "--session-idle", "1m", "--access-token-lifetime", "1m", "--limits", "revocation=5/40",
	}})
	return right, right.NodeAhead(t, by)
}

// clocksSecret is that of every application here.
const clocksSecret = "the-secret-of-every-application-here"

// clocksSeed has a person and two applications for each matter and order: one for opaque tokens, one for JWTs.
func clocksSeed() string {
	users, clients := "users:\n", `clients:
  - client_id: api
    client_secret: `+clocksSecret+`
    grant_types: [client_credentials]
    audience: ["`+authtest.API+`"]
    resource_server: true
  - client_id: ops
    client_secret: `+clocksSecret+`
    grant_types: [client_credentials]
    access_token_lifetime: 1h
    permissions: [clients:view, clients:create, clients:edit, clients:delete, users:view, users:edit, tokens:view, tokens:delete, keys:view, keys:edit, audit:view]
`
	brief, long := matters()
	var names []string
	for _, m := range append(brief, long...) {
		names = append(names, m.name+"-0", m.name+"-1")
	}
	for _, name := range names {
		users += "  - {username: " + name + ", password: \"" + authtest.PasswordOf(name) + "\"}\n"
		for _, format := range []string{"opaque", "jwt"} {
			clients += `  - client_id: ` + name + "-" + format + `
    client_secret: ` + clocksSecret + `
    grant_types: [authorization_code, refresh_token, client_credentials]
    redirect_uris: ["` + authtest.WebRedirect + `"]
    scope: "profile api:read"
    audience: ["` + authtest.API + `"]
    access_token_format: ` + format + "\n"
		}
	}
	return users + clients
}

// app gives an application, as it talks to a node.
func (n *nodes) app(at *authtest.Server, format string) *authtest.App {
	return &authtest.App{Server: at, ID: n.name + "-" + format, Secret: clocksSecret, Redirect: authtest.WebRedirect, Method: authtest.Basic}
}

// api gives the resource server, as it asks a node.
func (n *nodes) api(at *authtest.Server) *authtest.App {
	return &authtest.App{Server: at, ID: "api", Secret: clocksSecret, Method: authtest.Basic}
}

// guardAt is an API that listens to a node and has a clock of its own.
func guardAt(t *testing.T, at *authtest.Server, ahead time.Duration) *protect.Guard {
	t.Helper()
	g, err := protect.New(t.Context(), protect.Config{
		Issuer: at.Issuer, Audience: authtest.API, ClientID: "api", ClientSecret: clocksSecret, Feed: protect.FeedRequired,
		HTTPClient: &http.Client{Transport: at.Client().Transport}, Now: func() time.Time { return time.Now().Add(ahead) },
	})
	must(t, err)
	t.Cleanup(func() { must(t, g.Close()) })
	return g
}

// rest sends a request to the REST API of a node.
func (n *nodes) rest(t testing.TB, at *authtest.Server, method, path, body string) *authtest.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, at.URL("/admin/api/v1"+path), strings.NewReader(body))
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+n.ops)
	request.Header.Set("Content-Type", "application/json")
	answer := at.Do(t, request)
	if answer.Status >= 300 {
		t.Fatalf("%s %s: %s", method, path, answer)
	}
	return answer
}

// userID finds the person.
func (n *nodes) userID(t testing.TB) string {
	t.Helper()
	items, _ := n.rest(t, n.one, http.MethodGet, "/users?q="+url.QueryEscape(n.name), "").JSON["items"].([]any)
	if len(items) != 1 {
		t.Fatalf("there are %d of %s", len(items), n.name)
	}
	id, _ := items[0].(map[string]any)["id"].(string)
	return id
}

// wantAlive fails the test unless every node and every API takes the token, or none does.
func (n *nodes) wantAlive(t testing.TB, alive bool, tokens ...string) {
	t.Helper()
	for _, token := range tokens {
		for name, seen := range n.seen(t, token) {
			if seen != alive {
				t.Errorf("%s: a token is good: %t, want %t", name, seen, alive)
			}
		}
	}
}

// dead tells whether no node and no API takes any of the tokens.
func (n *nodes) dead(t testing.TB, tokens ...string) bool {
	t.Helper()
	for _, token := range tokens {
		for _, seen := range n.seen(t, token) {
			if seen {
				return false
			}
		}
	}
	return true
}

// seen tells who takes a token.
func (n *nodes) seen(t testing.TB, token string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for i, at := range n.each() {
		all[fmt.Sprint("node ", i)] = n.api(at).Active(t, token)
	}
	for i, g := range n.guards {
		_, err := g.Check(t.Context(), token)
		all[fmt.Sprint("API ", i)] = err == nil
	}
	return all
}
