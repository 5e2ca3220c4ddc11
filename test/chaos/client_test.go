package chaos

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// client is one that a worker registers, changes and deletes. Nodes hear of a change within a second, so it keeps to one node.
type client struct {
	home     *authtest.Server
	id       string
	secret   string   // empty: the answer that told it did not come
	settings settings // as last acknowledged
	maybe    []settings
	tokens   []*token
	unsure   bool // whether it was registered is unknown
	settled  bool // its name was confirmed. A server that died before may leave it claimed for five seconds when the client is gone
	state
}

// settings are those that the workers change.
type settings struct{ name, lifetime, format string }

func (s settings) body() string {
	return fmt.Sprintf(`{"client_name": %q, "access_token_lifetime": %q, "access_token_format": %q, "grant_types": ["client_credentials"],`+
		` "scope": "api:read", "audience": [%q]}`, s.name, s.lifetime, s.format, authtest.API)
}

func (s settings) patch() string {
	return fmt.Sprintf(`{"client_name": %q, "access_token_lifetime": %q}`, s.name, s.lifetime)
}

func settingsIn(answer *authtest.Answer) settings {
	return settings{answer.Text("client_name"), answer.Text("access_token_lifetime"), answer.Text("access_token_format")}
}

func (c *client) app() *authtest.App {
	return &authtest.App{Server: c.home, ID: c.id, Secret: c.secret, Method: authtest.Basic}
}

func (c *client) path() string { return "/clients/" + c.id }

func reader(body string) io.Reader {
	if body == "" {
		return nil
	}
	return strings.NewReader(body)
}

// manage does something with a client.
func (w *worker) manage() {
	if len(w.clients) < mostClients && rand.IntN(4) == 0 || len(w.clients) == 0 {
		w.register(w.newClient())
		return
	}
	c, i := anyOf(w.clients)
	switch n := rand.IntN(8); {
	case c.fate == over && n < 3:
		w.clients = without(w.clients, i)
	case c.fate == over:
		w.inspectClient(c)
	case c.unsure:
		w.register(c)
	case c.fate == open || n < 2:
		w.deleteClient(c)
	case n < 4:
		w.changeClient(c)
	case len(c.tokens) < 3:
		w.issueToClient(c)
	default:
		w.inspectClient(c)
	}
}

// newClient makes one up, with a name that belonged to one that is gone if there is such.
func (w *worker) newClient() *client {
	w.next++
	c := &client{home: w.server(), id: fmt.Sprintf("chaos-%d-%d", w.number, w.next), unsure: true}
	c.settings = settings{"Chaos " + c.id, "2h", []string{"opaque", "jwt"}[rand.IntN(2)]}
	if n := len(w.freed); n > 0 && !w.faults.losing() {
		c.settings.name, w.freed = w.freed[n-1], w.freed[:n-1]
	}
	w.clients = append(w.clients, c)
	return c
}

// register puts a client there; where an answer did not come, once more.
func (w *worker) register(c *client) {
	retried := c.fate == open
	answer, v := w.rest(register, c.home, http.MethodPut, c.path(), c.settings.body())
	switch v {
	case good:
		c.secret = answer.Text("client_secret")
		c.home.Keep(c.secret)
		if retried && answer.Status == http.StatusOK && w.provisional() {
			return // all is as it should be: nothing was written
		}
		if !retried && answer.Status != http.StatusCreated || (answer.Status == http.StatusCreated) != (c.secret != "") {
			w.find(answer, "a client was not there and is registered")
		}
		c.unsure, c.settled = false, answer.Status == http.StatusCreated
		c.become(stands)
		w.inspectClient(c)
	case unknown:
		c.become(open)
	case refusedIt:
		if w.faults.losing() { // its name may be that of one whose end was lost
			w.counts.lost.Add(1)
			return
		}
		w.find(answer, "a client cannot be registered (tried before: %t)", retried)
	}
}

// changeClient gives it another name, as names are records of their own, and another lifetime.
func (w *worker) changeClient(c *client) {
	w.next++
	to := settings{fmt.Sprintf("Chaos %d changed %d", w.number, w.next), fmt.Sprintf("%dh", 3+rand.IntN(20)), c.settings.format}
	answer, v := w.rest(change, c.home, http.MethodPatch, c.path(), to.patch())
	switch v {
	case good:
		c.settings, c.maybe, c.settled = to, nil, true
		c.become(stands)
	case unknown:
		c.maybe = append(c.maybe, to)
	case refusedIt:
		w.wrongly(c, answer, "a client cannot be changed")
	}
	w.inspectClient(c)
}

// wrongly notes a refusal that cannot be, unless the client may be lost.
func (w *worker) wrongly(c *client, answer *authtest.Answer, what string) {
	if w.faults.mayLose(c.since) {
		w.counts.lost.Add(1)
		c.become(open)
		return
	}
	w.find(answer, "%s", what)
}

// deleteClient deletes it; one that is gone already is deleted too where that was asked for before.
func (w *worker) deleteClient(c *client) {
	answer, v := w.rest(remove, c.home, http.MethodDelete, c.path(), "")
	switch {
	case v == good:
		w.gone(c, "")
	case v == refusedIt && answer.Status == http.StatusNotFound && c.fate == open && w.provisional():
	case v == refusedIt && answer.Status == http.StatusNotFound && c.fate == open:
		w.gone(c, " (asked for again, as there was no answer)")
	case v == unknown:
		c.become(open)
	case v == refusedIt:
		w.wrongly(c, answer, "a client cannot be deleted")
	}
	w.inspectClient(c)
}

// gone notes that the client, and with it every token of it, is over.
func (w *worker) gone(c *client, how string) {
	c.become(over)
	c.how = how
	if c.settled {
		w.freed = append(w.freed, c.settings.name)
	}
	for _, t := range c.tokens {
		t.become(over)
	}
}

// issueToClient gets a token by the secret that it was registered with.
func (w *worker) issueToClient(c *client) {
	if c.secret == "" {
		w.deleteClient(c)
		return
	}
	answer, v := w.post(kindOf(c), c.app(), authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	switch v {
	case good:
		t := &token{app: c.app(), value: answer.Access()}
		t.become(stands)
		c.tokens = append(c.tokens, t)
	case refusedIt:
		w.wrongly(c, answer, "a client that stands gets no token")
	}
}

func kindOf(c *client) kind {
	if c.settings.format == "jwt" {
		return issueJWT
	}
	return issueOpaque
}

// inspectClient holds what the REST API says of a client, and what its tokens are worth, against the ledger.
func (w *worker) inspectClient(c *client) {
	answer, v := w.rest(introspect, c.home, http.MethodGet, c.path(), "")
	w.counts.checked.Add(1)
	isGone := v == refusedIt && answer.Status == http.StatusNotFound
	switch {
	case v == refusedIt && !isGone:
		w.find(answer, "a client cannot be read")
	case c.unsure:
	case isGone && c.fate == stands:
		w.amiss(&c.state, "client %s is lost", c.id)
	case isGone && c.fate == open && w.provisional():
	case isGone && c.fate == open:
		w.gone(c, " (nobody acknowledged it: it was seen)")
	case v == good && c.fate == over:
		w.amiss(&c.state, "client %s is there again", c.id)
	case v == good:
		w.holdSettings(c, answer)
	}
	w.inspectTokens(c)
}

// holdSettings compares them with what was acknowledged, or may have been done since.
func (w *worker) holdSettings(c *client, answer *authtest.Answer) {
	seen := settingsIn(answer)
	if seen == c.settings {
		return
	}
	for _, m := range c.maybe {
		if seen == m && w.provisional() {
			return
		}
		if seen == m {
			c.settings, c.maybe, c.settled = m, nil, false // it was done, and cannot be undone by what was asked before
			return
		}
	}
	if w.faults.mayLose(c.since) {
		w.counts.lost.Add(1)
		c.settings, c.settled = seen, false
		return
	}
	w.find(answer, "client %s has not the settings %v", c.id, c.settings)
}

// inspectTokens lets the resource server ask about a token of the client, and the client itself where it is gone.
func (w *worker) inspectTokens(c *client) {
	if len(c.tokens) > 0 {
		t, _ := anyOf(c.tokens)
		w.holdsOfClient(c, t)
	}
	if c.fate == over && c.secret != "" {
		answer, v := w.post(introspect, c.app(), authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		if v == good {
			w.amiss(&c.state, "client %s is gone and gets a token", c.id)
		}
		if v == refusedIt && answer.Fault() != "invalid_client" {
			w.find(answer, "client %s is gone", c.id)
		}
	}
}

// holdsOfClient asks about a token of a client where the client is managed: elsewhere it may still be known.
func (w *worker) holdsOfClient(c *client, t *token) {
	if c.fate == open && t.fate == stands {
		t.state = state{fate: open, since: time.Now()} // it ends with its client
	}
	w.holds(c.home.App("api"), t.value, &t.state)
}
