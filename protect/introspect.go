package protect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// RFC 7662: token introspection, as the protected resource.

// errInactive says that the server does not know the token as a good one for this API. What wraps it says why, where the
// server did not.
var errInactive = errors.New("the token is not active")

const (
	maxAskedToken   = 8 << 10         // bytes; a longer one is nobody's token, and is not sent
	maxAnswer       = 64 << 10        // bytes of a body
	inactiveTime    = 5 * time.Second // how long it is believed that a token is not active
	requestsAtATime = 64              // to the server; more wait for their turn
	flightsAtATime  = 4096            // that wait for it or for their turn, whether or not anybody still waits for them
)

// introspector asks the server about tokens. Answers are remembered: that a token is good for Config.CacheTime, counted
// from when the question was sent, and never past its end; that it is not, for five seconds, in a memory of its own, so
// that whoever sends junk pushes no good token out. Callers who ask about the same token at the same time share one
// request, which goes on when one of them gives up. No answer is believed past its time because the server is away.
type introspector struct {
	config    *Config
	discovery *discovery
	secret    string // the header Authorization

	active   *cache[*Token]
	inactive *cache[error]
	circuit  *circuit
	turns    chan struct{} // one for each request under way
	told     once          // what is wrong with the configuration

	life    context.Context //nolint:containedctx // of the requests, which belong to no single caller
	end     context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	flights map[digest]*flight
}

// flight is a request that is under way, and its outcome when done is closed.
type flight struct {
	done  chan struct{}
	token *Token
	err   error
}

func newIntrospector(c *Config, d *discovery) *introspector {
	i := &introspector{
		config: c, discovery: d, secret: basic(c.ClientID, c.ClientSecret),
		active: newCache[*Token](c.CacheSize), inactive: newCache[error](c.CacheSize),
		circuit: &circuit{now: c.Now}, turns: make(chan struct{}, requestsAtATime), flights: map[digest]*flight{},
	}
	i.life, i.end = context.WithCancel(context.Background())
	return i
}

// close ends the requests that are under way, and waits for them.
func (i *introspector) close() {
	i.end()
	i.running.Wait()
}

// look gives the token if it is good here. The error is errInactive or errAway, or the end of ctx.
func (i *introspector) look(ctx context.Context, token string) (*Token, error) {
	if token == "" || len(token) > maxAskedToken {
		return nil, errInactive
	}
	key, now := digestOf(token), i.config.Now().UnixMilli()
	if t, ok := i.active.get(&key, now); ok {
		return t, nil
	}
	if err, ok := i.inactive.get(&key, now); ok {
		return nil, err
	}
	f, err := i.join(key, token)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the introspection: %w", ctx.Err())
	}
}

// join gives the request about the token, a new one if none is under way.
func (i *introspector) join(key digest, token string) (*flight, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f, ok := i.flights[key]; ok {
		return f, nil
	}
	if i.life.Err() != nil {
		return nil, fmt.Errorf("%w: the guard is closed", errAway)
	}
	if len(i.flights) >= flightsAtATime {
		return nil, fmt.Errorf("%w: too many requests wait for it", errAway)
	}
	p, ok := i.circuit.admit()
	if !ok {
		return nil, fmt.Errorf("%w: it did not answer, and is asked again in a moment", errAway)
	}
	f := &flight{done: make(chan struct{})}
	i.flights[key] = f
	i.running.Go(func() { i.fly(f, p, key, token) })
	return f, nil
}

// fly asks, remembers the answer and tells it to all who wait. It is remembered before the flight is gone, so that nobody
// asks between the two.
func (i *introspector) fly(f *flight, p permit, key digest, token string) {
	began, sent := time.Now(), i.config.Now()
	f.token, f.err = i.ask(p, token)
	now := i.config.Now().UnixMilli()
	switch {
	case f.err == nil:
		i.active.put(&key, f.token, i.until(f.token, sent), now)
		i.config.Hooks.introspect("active", time.Since(began))
	case errors.Is(f.err, errInactive):
		i.inactive.put(&key, f.err, now+min(inactiveTime, i.config.CacheTime).Milliseconds(), now)
		i.config.Hooks.introspect("inactive", time.Since(began))
	default:
		i.config.Hooks.introspect("unavailable", time.Since(began))
	}
	i.mu.Lock()
	delete(i.flights, key)
	i.mu.Unlock()
	close(f.done)
}

// until is counted from the question, for what the server knew then may have changed before the answer came.
func (i *introspector) until(t *Token, sent time.Time) int64 {
	until := sent.Add(i.config.CacheTime).UnixMilli()
	if !t.Expires.IsZero() {
		return min(until, t.Expires.UnixMilli())
	}
	return until
}

// ask sends one request within Config.Timeout, waiting for its turn included.
func (i *introspector) ask(p permit, token string) (*Token, error) {
	ctx, cancel := context.WithTimeout(i.life, i.config.Timeout)
	defer cancel()
	select {
	case i.turns <- struct{}{}:
		defer func() { <-i.turns }()
	case <-ctx.Done():
		p.failed(0)
		return nil, fmt.Errorf("%w: too many requests wait for it", errAway)
	}
	response, err := i.post(ctx, token)
	if err != nil {
		p.failed(0)
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	return i.answer(p, response)
}

// post sends the request of section 2.1. The client authenticates by HTTP Basic (RFC 6749 section 2.3.1).
func (i *introspector) post(ctx context.Context, token string) (*http.Response, error) {
	e, err := i.discovery.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if e.introspection == "" {
		i.told.log(func() {
			i.config.Log.Error("the authorization server offers no introspection: opaque tokens are refused", "issuer", i.config.Issuer)
		})
		return nil, errors.New("it offers no introspection")
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("introspection endpoint: %w", err)
	}
	r.Header.Set("Authorization", i.secret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return i.config.HTTPClient.Do(r)
}

// answer reads the response. A status that the token itself may have caused, such as 400, is counted as an answer, so that
// nobody opens the circuit for all others with a token made for it.
func (i *introspector) answer(p permit, r *http.Response) (*Token, error) {
	pause := retryAfter(r.Header, i.config.Now())
	switch status := r.StatusCode; {
	case status == http.StatusOK:
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		p.refused(max(pause, longestOpen))
		i.told.log(func() {
			i.config.Log.Error("the authorization server refuses the client id or secret of this API at introspection",
				"issuer", i.config.Issuer, "client_id", i.config.ClientID, "status", status)
		})
		return nil, fmt.Errorf("%w: it refuses the client of this API", errAway)
	case status == http.StatusTooManyRequests:
		p.refused(max(pause, time.Second))
		return nil, fmt.Errorf("%w: it asks for fewer requests", errAway)
	case status >= http.StatusInternalServerError:
		p.failed(pause)
		return nil, fmt.Errorf("%w: introspection was answered with %d", errAway, status)
	default:
		p.answered()
		return nil, fmt.Errorf("%w: introspection was answered with %d", errAway, status)
	}
	body, err := jsonBody(r)
	if err != nil {
		p.failed(0)
		return nil, fmt.Errorf("%w: introspection: %w", errAway, err)
	}
	t, err := i.read(body)
	if errors.Is(err, errAway) {
		p.failed(0)
		return nil, err
	}
	p.answered()
	i.told.forget()
	return t, err
}

// jsonBody reads a body, which must be said to be JSON: a page of a proxy is no answer.
func jsonBody(r *http.Response) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errors.New("the answer is not JSON")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, errors.New("the answer is too long")
	}
	return body, nil
}

// read takes the answer of section 2.2 apart. What does not say whether the token is active, as true or false, is no answer.
func (i *introspector) read(body []byte) (*Token, error) {
	var members map[string]json.RawMessage // not a struct: encoding/json would take ACTIVE for active
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("%w: the answer to introspection cannot be read", errAway)
	}
	switch string(members["active"]) {
	case "true":
	case "false":
		return nil, errInactive
	default:
		return nil, fmt.Errorf("%w: the answer to introspection lacks active", errAway)
	}
	if err := checkKind(members); err != nil {
		return nil, err
	}
	t, err := i.discovery.parseToken(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInactive, err)
	}
	if err := i.check(t, members); err != nil {
		return nil, err
	}
	return t, nil
}

// checkKind refuses what is active and is no bearer token for access: a refresh token, which some servers tell of as well,
// and a token that is bound to a key (`cnf`, RFC 9449, RFC 8705), which is worth nothing to who merely shows it.
func checkKind(members map[string]json.RawMessage) error {
	for _, name := range []string{"token_type", "token_use"} {
		value, ok := members[name]
		if !ok {
			continue
		}
		var kind string
		if json.Unmarshal(value, &kind) != nil || !slices.Contains(accessKinds(), strings.ToLower(kind)) {
			return fmt.Errorf("%w: it is not an access token of type Bearer", errInactive)
		}
	}
	if _, bound := members["cnf"]; bound {
		return fmt.Errorf("%w: it is bound to a key", errInactive)
	}
	return nil
}

func accessKinds() []string {
	return []string{"bearer", "access_token", "access", "urn:ietf:params:oauth:token-type:access_token"}
}

// check looks at what the server told of an active token. An answer without `aud` is taken: the server must find out itself
// whether the token can be used at who asks (section 4), and many do so and tell no audience. An `aud` that is there must
// name this API, and an `iss` that is there must be the server.
func (i *introspector) check(t *Token, members map[string]json.RawMessage) error {
	now, skew := i.config.Now(), i.config.Skew
	_, hasAudience := members["aud"]
	_, hasIssuer := members["iss"]
	switch {
	case hasIssuer && t.issuer != i.config.Issuer:
		return fmt.Errorf("%w: it is of another issuer", errInactive)
	case hasAudience && !slices.Contains(t.Audience, i.config.Audience):
		return fmt.Errorf("%w: it is meant for another audience", errInactive)
	case !t.Expires.IsZero() && !now.Before(t.Expires.Add(skew)):
		return fmt.Errorf("%w: it has expired", errInactive)
	case !t.notBefore.IsZero() && now.Add(skew).Before(t.notBefore):
		return fmt.Errorf("%w: it is not good yet", errInactive)
	}
	return nil
}
