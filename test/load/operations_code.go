package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// codes are what begins with a person who has signed in: codes, their redemption, refresh tokens.
func (b *subject) codes(c *connection) ([]*operation, error) {
	redirected, redeemed, err := b.codeSizes(c)
	if err != nil {
		return nil, fmt.Errorf("authorization code: %w", err)
	}
	codeFloor := floorWork(b.writes("rrw"), redirected, string(bytes.Repeat([]byte("c"), 80)), b.basic)
	redeemFloor := floorWork(b.writes("rw"), redeemed, b.redemption(strings.Repeat("c", 77)), b.basic)
	return []*operation{
		{name: "code + redemption", do: b.codeAndRedemption, floor: both(codeFloor, redeemFloor)},
		{name: "redemption", ready: b.issueCodes, do: b.redeemIssued, floor: redeemFloor},
		{name: "refresh", ready: b.fillRefresh, do: b.useRefresh,
			floor: floorWork(b.writes("rw"), redeemed, refreshForm(strings.Repeat("r", 77)), b.basic)},
	}, nil
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
	for len(b.issued) > 0 {
		<-b.issued // of the last round, too old by now
	}
	_, err := l.measure(ctx, b.server, func(c *connection) error {
		code, err := b.issueCode(c)
		if err != nil {
			return err
		}
		return offer(b.issued, code)
	})
	return err
}

func (b *subject) redeemIssued(c *connection) error {
	code, err := take(b.issued)
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
