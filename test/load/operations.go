package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// operation is one thing that is measured, and its floor.
type operation struct {
	name  string
	of    *subject
	ready func(context.Context, *load) error // before each measurement, not measured itself; may be nil
	do    work
	floor work
}

// measure measures the server and its floor, in turns which of them first.
func (o *operation) measure(ctx context.Context, l *load, round int) (server, floor figures, err error) {
	both := []func() error{
		func() (err error) {
			if o.ready != nil {
				if err := o.ready(ctx, l); err != nil {
					return err
				}
			}
			server, err = l.measure(ctx, o.of.server, o.do)
			return err
		},
		func() (err error) {
			floor, err = l.measure(ctx, o.of.floor, o.floor)
			return err
		},
	}
	for i := range both {
		if err := both[(i+round)%2](); err != nil {
			return server, floor, err
		}
	}
	return server, floor, nil
}

// subject is a running server with what its operations need.
type subject struct {
	*setup
	basic     string // the Authorization header of the client
	authorize []byte // a request for a code, of a browser with a session and a remembered consent
	turn      atomic.Uint64
	codes     chan string // issued and not redeemed
	refresh   chan string // refresh tokens that may be used
}

// pool bounds how many codes or refresh tokens lie ready.
const pool = 1 << 16

const verifier = "a-code-verifier-of-forty-three-characters-or-more"

// prepare signs in and gives the operations to measure.
func prepare(made *setup, s *settings) ([]*operation, error) {
	ctx := context.Background()
	challenge := sha256.Sum256([]byte(verifier))
	path := "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {opaqueClient}, "redirect_uri": {redirectURI}, "scope": {scope}, "state": {"abcdef"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	cookies, err := signIn(ctx, "http://"+made.server.address, path, made.secrets.password)
	if err != nil {
		return nil, err
	}
	b := &subject{setup: made, codes: make(chan string, pool), refresh: make(chan string, pool)}
	b.basic = authorization(opaqueClient, made.secrets.client)
	b.authorize = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", path, cookies)
	all, err := b.operations()
	if err != nil {
		return nil, err
	}
	var chosen []*operation
	for _, o := range all {
		if strings.Contains(o.name, s.only) {
			chosen = append(chosen, o)
		}
	}
	return chosen, nil
}

func authorization(client, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secret))
}

// The steps that the floor does for an operation, by store.
func (b *subject) floorSteps() (read, write string) {
	if b.store == "memory" {
		return parseStep, parseStep
	}
	return readStep, writeStep
}

func (b *subject) operations() ([]*operation, error) {
	c, err := dial(b.server.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	read, write := b.floorSteps()

	const credentials = "grant_type=client_credentials"
	opaque := post("/oauth2/token", credentials, b.basic)
	jwt := post("/oauth2/token", credentials, authorization(jwtClient, b.secrets.client))
	sizes := map[string]int{}
	for name, request := range map[string][]byte{"opaque": opaque, "jwt": jwt} {
		a, err := c.expect(http.StatusOK, request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sizes[name] = len(a.body)
	}
	inspect, size, err := b.introspections(c, opaque)
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	redirected, redeemed, err := b.codeSizes(c)
	if err != nil {
		return nil, fmt.Errorf("authorization code: %w", err)
	}
	codeFloor := floorWork(write, redirected, string(bytes.Repeat([]byte("c"), 80)), b.basic)
	redeemFloor := floorWork(write, redeemed, b.redemption(strings.Repeat("c", 77)), b.basic)
	return []*operation{
		{name: "client_credentials", of: b, do: always(opaque), floor: floorWork(write, sizes["opaque"], credentials, b.basic)},
		{name: "client_credentials JWT", of: b, do: always(jwt), floor: floorWork(signStep, sizes["jwt"], credentials, b.basic)},
		{name: "introspection", of: b, do: inspect, floor: floorWork(read, size, "token="+strings.Repeat("t", 77), b.basic)},
		{name: "code + redemption", of: b, do: b.codeAndRedemption, floor: both(codeFloor, redeemFloor)},
		{name: "redemption", of: b, ready: b.issueCodes, do: b.redeemIssued, floor: redeemFloor},
		{name: "refresh", of: b, ready: b.fillRefresh, do: b.useRefresh,
			floor: floorWork(write, redeemed, refreshForm(strings.Repeat("r", 77)), b.basic)},
	}, nil
}

func always(request []byte) work {
	return func(c *connection) error {
		_, err := c.expect(http.StatusOK, request)
		return err
	}
}

func both(first, second work) work {
	return func(c *connection) error {
		if err := first(c); err != nil {
			return err
		}
		return second(c)
	}
}

// floorWork asks the floor for one step, with a request and an answer of the given length.
func floorWork(step string, size int, form, header string) work {
	return always(post(step, form, header, fmt.Sprintf("%s: %d", sizeHeader, size)))
}

// introspections asks in turn about tokens of another client that are meant for the caller.
func (b *subject) introspections(c *connection, issue []byte) (do work, size int, err error) {
	const tokens = 512
	var requests [][]byte
	for range tokens {
		a, err := c.expect(http.StatusOK, issue)
		if err != nil {
			return nil, 0, err
		}
		form := "token=" + member(a.body, "access_token")
		requests = append(requests, post("/oauth2/introspect", form, authorization(resourceServer, b.secrets.client)))
	}
	a, err := c.expect(http.StatusOK, requests[0])
	if err != nil || !bytes.Contains(a.body, []byte(`"active":true`)) {
		return nil, 0, fmt.Errorf("a token of ours is not active: %s: %w", a.body, err)
	}
	return func(c *connection) error {
		_, err := c.expect(http.StatusOK, requests[b.turn.Add(1)%tokens])
		return err
	}, len(a.body), nil
}

// codeSizes goes the way once and says how long the answers are.
func (b *subject) codeSizes(c *connection) (redirected, redeemed int, err error) {
	a, err := c.expect(http.StatusFound, b.authorize)
	if err != nil {
		return 0, 0, err
	}
	redirected = len(a.location)
	code, err := codeOf(a.location)
	if err != nil {
		return 0, 0, err
	}
	a, err = b.redeem(c, code)
	return redirected, len(a.body), err
}

func (b *subject) issueCode(c *connection) (code string, err error) {
	a, err := c.expect(http.StatusFound, b.authorize)
	if err != nil {
		return "", err
	}
	return codeOf(a.location)
}

func codeOf(location string) (string, error) {
	_, rest, found := strings.Cut(location, "?code=")
	if !found {
		return "", fmt.Errorf("redirected without a code: %s", location)
	}
	code, _, _ := strings.Cut(rest, "&")
	return code, nil
}

func (b *subject) redemption(code string) string {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
	}.Encode()
}

func (b *subject) redeem(c *connection, code string) (answer, error) {
	return c.expect(http.StatusOK, post("/oauth2/token", b.redemption(code), b.basic))
}

func (b *subject) codeAndRedemption(c *connection) error {
	code, err := b.issueCode(c)
	if err != nil {
		return err
	}
	_, err = b.redeem(c, code)
	return err
}

// issueCodes issues as many codes as the time of one measurement allows.
func (b *subject) issueCodes(ctx context.Context, l *load) error {
	for len(b.codes) > 0 {
		<-b.codes // of the last round, too old by now
	}
	_, err := l.measure(ctx, b.server, func(c *connection) error {
		code, err := b.issueCode(c)
		if err != nil {
			return err
		}
		return offer(b.codes, code)
	})
	return err
}

func (b *subject) redeemIssued(c *connection) error {
	code, err := take(b.codes)
	if err != nil {
		return err
	}
	_, err = b.redeem(c, code)
	return err
}

// chains is how many authorizations are refreshed in turn, so that none of them is refreshed much more often than in life.
const chains = 2048

func (b *subject) fillRefresh(ctx context.Context, l *load) error {
	for len(b.refresh) > 0 {
		<-b.refresh // of the last round, each with many access tokens by now
	}
	endless := *l
	endless.duration = patience
	_, err := endless.measure(ctx, b.server, func(c *connection) error {
		if len(b.refresh) >= chains {
			return errUsedUp
		}
		code, err := b.issueCode(c)
		if err != nil {
			return err
		}
		a, err := b.redeem(c, code)
		if err != nil {
			return err
		}
		return offer(b.refresh, member(a.body, "refresh_token"))
	})
	return err
}

func refreshForm(token string) string { return "grant_type=refresh_token&refresh_token=" + token }

// useRefresh uses a refresh token and puts its successor behind all others.
func (b *subject) useRefresh(c *connection) error {
	token, err := take(b.refresh)
	if err != nil {
		return err
	}
	a, err := c.expect(http.StatusOK, post("/oauth2/token", refreshForm(token), b.basic))
	if err != nil {
		return err
	}
	return offer(b.refresh, member(a.body, "refresh_token"))
}

func offer(to chan string, s string) error {
	select {
	case to <- s:
		return nil
	default:
		return errUsedUp
	}
}

func take(from chan string) (string, error) {
	select {
	case s := <-from:
		return s, nil
	default:
		return "", errUsedUp
	}
}

// member gives a text of a JSON object that holds no escapes.
func member(object []byte, name string) string {
	_, rest, _ := bytes.Cut(object, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
