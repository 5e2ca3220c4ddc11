package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// introspections ask about one token again and again, and in turn about many, all of another client and meant for the
// caller.
func (b *subject) introspections(ctx context.Context, c *connection, s *settings) ([]*operation, error) {
	few := &tokens{b: b}
	if err := few.fill(ctx, 1); err != nil {
		return nil, err
	}
	a, err := c.expect(http.StatusOK, few.request(0))
	if err != nil {
		return nil, err
	}
	floor := func(step string) work { return floorWork(step, len(a.body), "token="+strings.Repeat("t", 77), b.basic) }
	many := &tokens{b: b}
	peer, err := b.peerIntrospection()
	if err != nil {
		return nil, err
	}
	return []*operation{
		{name: "introspection", do: few.introspect, floor: floor(b.read), peers: b.opaquePeer, peer: peer},
		{name: fmt.Sprintf("introspection, %d", s.tokens), do: many.introspect, floor: floor(b.turn),
			ready: func(ctx context.Context, _ *load) error { return many.fill(ctx, s.tokens) }},
	}, nil
}

// peerIntrospection asks the peer about a token of its own; nil: it has no introspection.
func (b *subject) peerIntrospection() (work, error) {
	c, err := dial(b.opaquePeer.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var request atomic.Pointer[[]byte]
	renew := func(c *connection) error {
		a, err := c.expect(http.StatusOK, b.issueBy(opaqueClient))
		if err != nil {
			return err
		}
		next := post("/oauth2/introspect", "token="+member(a.body, "access_token"), b.basic)
		request.Store(&next)
		return nil
	}
	if err := renew(c); err != nil {
		return nil, err
	}
	if a, err := c.do(*request.Load()); err != nil || a.status != http.StatusOK || !bytes.HasPrefix(a.body, active) {
		return nil, err
	}
	return func(c *connection) error {
		a, err := c.expect(http.StatusOK, *request.Load())
		if err == nil && !bytes.HasPrefix(a.body, active) {
			return renew(c) // a store in memory may have no room for the token any more
		}
		return err
	}, nil
}

// tokens are live access tokens, asked about in turn.
type tokens struct {
	b    *subject
	all  []byte // each as long as the first
	size int
	turn atomic.Uint64
	head []byte // of a request, up to the token
}

// fill issues tokens until there are n.
func (t *tokens) fill(ctx context.Context, n int) error {
	var mu sync.Mutex
	request := t.b.issueBy(opaqueClient)
	have := func() int {
		if t.size == 0 {
			return 0
		}
		return len(t.all) / t.size
	}
	if have() >= n {
		return nil
	}
	issue := func(c *connection) error {
		mu.Lock()
		enough := have() >= n
		mu.Unlock()
		if enough {
			return errUsedUp
		}
		a, err := c.expect(http.StatusOK, request)
		if err != nil {
			return err
		}
		token := member(a.body, "access_token")
		mu.Lock()
		defer mu.Unlock()
		if t.size == 0 {
			t.size = len(token)
			t.head = post("/oauth2/introspect", "token="+token, authorization(resourceServer, t.b.secrets.client))
			t.head = t.head[:len(t.head)-len(token)]
		}
		if len(token) != t.size {
			return fmt.Errorf("a token of %d characters after one of %d", len(token), t.size)
		}
		t.all = append(t.all, token...)
		return nil
	}
	_, err := (&load{connections: min(64, n), duration: 20 * patience}).measure(ctx, t.b.server, issue)
	return err
}

// request asks about a token.
func (t *tokens) request(i int) []byte { return t.write(nil, i) }

func (t *tokens) write(to []byte, i int) []byte {
	to = append(to[:0], t.head...)
	return append(to, t.all[i*t.size:(i+1)*t.size]...)
}

func (t *tokens) introspect(c *connection) error {
	i := int(t.turn.Add(1) % uint64(len(t.all)/t.size))
	c.request = t.write(c.request, i)
	a, err := c.expect(http.StatusOK, c.request)
	if err == nil && !bytes.HasPrefix(a.body, active) {
		err = fmt.Errorf("a token of ours is not active: %s", a.body)
	}
	return err
}

var active = []byte(`{"active":true`)

// others are what is asked less often: revocation, keys, the list of clients that the administration shows.
func (b *subject) others(ctx context.Context, c *connection, s *settings) ([]*operation, error) {
	keys := get("/oauth2/jwks")
	a, err := c.expect(http.StatusOK, keys)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	list := &clientList{b: b, clients: s.clients}
	if err := list.open(ctx, c); err != nil {
		return nil, fmt.Errorf("list of clients: %w", err)
	}
	return []*operation{
		{name: "revoke", ready: b.issueTokens, do: b.revokeIssued, floor: floorWork(b.writes("rwww"), 0, "token="+strings.Repeat("t", 77), b.basic)},
		{name: "JWKS", do: always(keys), floor: always(get(staticStep, fmt.Sprintf("%s: %d", sizeHeader, len(a.body))))},
		{name: fmt.Sprintf("list of %d clients", s.clients), ready: list.fill, do: list.read, floor: func(c *connection) error { return list.floor(c) }},
	}, nil
}

// issueTokens issues as many tokens as the time of one measurement allows.
func (b *subject) issueTokens(ctx context.Context, l *load) error {
	request := b.issueBy(opaqueClient)
	_, err := l.measure(ctx, b.server, func(c *connection) error {
		a, err := c.expect(http.StatusOK, request)
		if err != nil {
			return err
		}
		return offer(b.tokens, member(a.body, "access_token"))
	})
	return err
}

func (b *subject) revokeIssued(c *connection) error {
	token, err := take(b.tokens)
	if err != nil {
		return err
	}
	_, err = c.expect(http.StatusOK, post("/oauth2/revoke", "token="+token, b.basic))
	return err
}

// clientList is the first page of the list of clients, read by the REST API.
type clientList struct {
	b       *subject
	clients int
	bearer  string
	request []byte
	floor   work
	filled  bool
}

// open gets a token that may read the list and add to it.
func (l *clientList) open(ctx context.Context, c *connection) error {
	a, err := c.eventually(ctx, post("/oauth2/token", credentialsForm+"&scope=clients:view+clients:create", authorization(adminClient, l.b.secrets.client)))
	if err != nil {
		return err
	}
	l.bearer = "Authorization: Bearer " + member(a.body, "access_token")
	l.request = get("/admin/api/v1/clients", l.bearer)
	return nil
}

// fill registers the clients, once.
func (l *clientList) fill(ctx context.Context, _ *load) error {
	if l.filled {
		return nil
	}
	var next atomic.Int64
	_, err := (&load{connections: 64, duration: 20 * patience}).measure(ctx, l.b.server, func(c *connection) error {
		i := next.Add(1)
		if i > int64(l.clients) {
			return errUsedUp
		}
		body, err := json.Marshal(oauth.Registration{
			ClientID: fmt.Sprintf("client-%05d", i), ClientName: fmt.Sprintf("Application %d", i), TokenEndpointAuthMethod: oauth.NoSecret,
			GrantTypes: []oauth.GrantType{oauth.AuthorizationCode}, RedirectURIs: []string{fmt.Sprintf("https://app-%d.example.com/callback", i)},
		})
		if err != nil {
			return err
		}
		_, err = c.expect(http.StatusCreated, withBody("/admin/api/v1/clients", "application/json", string(body), l.bearer))
		return err
	})
	if err != nil {
		return fmt.Errorf("register clients: %w", err)
	}
	l.filled = true
	time.Sleep(2 * time.Second) // until every cache has heard of it
	c, err := dial(l.b.server.address)
	if err != nil {
		return err
	}
	defer c.close()
	a, err := c.expect(http.StatusOK, l.request)
	l.floor = always(get(staticStep, fmt.Sprintf("%s: %d", sizeHeader, len(a.body))))
	return err
}

func (l *clientList) read(c *connection) error {
	_, err := c.expect(http.StatusOK, l.request)
	return err
}
