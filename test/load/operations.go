package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// operation is one thing that is measured, its floor, and what somebody would write otherwise.
type operation struct {
	name  string
	ready func(context.Context, *load) error // before each measurement, not measured itself; may be nil
	do    work
	floor work
	peer  work // nil: there is none
	peers endpoint
}

// measure measures the server, its floor and its peer, each round in another order.
func (o *operation) measure(ctx context.Context, l *load, b *subject, round int) (m measured, err error) {
	all := []func() error{
		func() (err error) {
			if o.ready != nil {
				if err := o.ready(ctx, l); err != nil {
					return err
				}
			}
			m.server, err = l.measure(ctx, b.server, o.do)
			return err
		},
		func() (err error) {
			m.floor, err = l.measure(ctx, b.floor, o.floor)
			return err
		},
		func() (err error) {
			if o.peer != nil {
				m.peer, err = l.measure(ctx, o.peers, o.peer)
			}
			return err
		},
	}
	for i := range all {
		if err := all[(i+round)%len(all)](); err != nil {
			return m, err
		}
	}
	return m, nil
}

// subject is a running server with what its operations need.
type subject struct {
	*setup
	basic     string      // the Authorization header of the client
	authorize []byte      // a request for a code, of a browser with a session and a remembered consent
	issued    chan string // codes that were issued and not redeemed
	refresh   chan string // refresh tokens that may be used
	tokens    chan string // access tokens that may be revoked

	read, turn, write string // the steps that the floor does for an operation
	trips             bool   // it does as many as the server where that does several
}

// pool bounds how many codes or refresh tokens lie ready.
const pool = 1 << 16

const verifier = "a-code-verifier-of-forty-three-characters-or-more"

// prepare signs in and gives the operations to measure.
func prepare(ctx context.Context, made *setup, s *settings) (*subject, []*operation, error) {
	challenge := sha256.Sum256([]byte(verifier))
	path := "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {opaqueClient}, "redirect_uri": {redirectURI}, "scope": {scope}, "state": {"abcdef"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	cookies, err := signIn(ctx, "http://"+made.server.address, path, made.secrets.password)
	if err != nil {
		return nil, nil, err
	}
	b := &subject{setup: made, issued: make(chan string, pool), tokens: make(chan string, pool), refresh: make(chan string, pool)}
	b.basic = authorization(opaqueClient, made.secrets.client)
	b.authorize = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", path, cookies)
	b.read, b.turn, b.write = readStep, turnStep, writeStep
	if b.store == "memory" {
		b.read, b.turn, b.write = parseStep, parseStep, parseStep
	}
	b.trips = s.trips && b.store != "memory"
	all, err := b.operations(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	var chosen []*operation
	for _, o := range all {
		if strings.Contains(o.name, s.only) {
			chosen = append(chosen, o)
		}
	}
	return b, chosen, nil
}

func authorization(client, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secret))
}

func (b *subject) operations(ctx context.Context, s *settings) ([]*operation, error) {
	c, err := dial(b.server.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	all, err := b.issues(ctx, c)
	if err != nil {
		return nil, err
	}
	introspections, err := b.introspections(ctx, c, s)
	if err != nil {
		return nil, fmt.Errorf("introspection: %w", err)
	}
	codes, err := b.codes(c)
	if err != nil {
		return nil, err
	}
	others, err := b.others(ctx, c, s)
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, introspections, codes, others), nil
}

const credentialsForm = "grant_type=client_credentials"

// issues are the tokens of machines.
func (b *subject) issues(ctx context.Context, c *connection) ([]*operation, error) {
	all := []*operation{
		{name: "client_credentials", peers: b.opaquePeer, peer: always(b.issueBy(opaqueClient))},
		{name: "client_credentials JWT", peers: b.jwtPeer, peer: always(b.issueBy(opaqueClient))},
		{name: "client_credentials EdDSA"},
	}
	for i, client := range []string{opaqueClient, jwtClient, edClient} {
		request := b.issueBy(client)
		a, err := c.eventually(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
		step := []string{b.write, signStep, signEdStep}[i]
		all[i].do, all[i].floor = always(request), floorWork(step, len(a.body), credentialsForm, b.basic)
	}
	return all, nil
}

// issueBy is a token request of a client.
func (b *subject) issueBy(client string) []byte {
	return post("/oauth2/token", credentialsForm, authorization(client, b.secrets.client))
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

// writes is the step of the floor for what writes: once, or, where the trips count, as the server goes to the store: r reads,
// w writes.
func (b *subject) writes(trips string) string {
	if b.trips {
		return tripsStep + "?" + trips
	}
	return b.write
}

// floorWork asks the floor for one step, with a request and an answer of the given length.
func floorWork(step string, size int, form, header string) work {
	return always(post(step, form, header, fmt.Sprintf("%s: %d", sizeHeader, size)))
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
