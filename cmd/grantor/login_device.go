package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/grantor-dev/grantor/oauth"
)

// RFC 8628: the device authorization grant, for terminals without a browser beside them.

const (
	usualInterval   = 5    // seconds between two questions, where a server names none (RFC 8628 section 3.2)
	longestInterval = 1800 // seconds; a server that wants more is none of ours
	slowerBy        = 5    // seconds, after each slow_down
	patience        = 60   // seconds between two questions to a server that cannot be reached, at most
	longestUserCode = 32   // bytes; what is longer is no code to type
)

// throughDevice shows a code and waits until a person has typed it in a browser anywhere, and has allowed the login.
func (c *command) throughDevice(ctx context.Context, client *http.Client, at *endpoints) (*login, error) {
	if at.Device == "" {
		return nil, fmt.Errorf("%s has no login with a code: sign in where there is a browser, with `grantor login --server %[1]s`", at.Issuer)
	}
	codes, err := askForCodes(ctx, client, at)
	if err != nil {
		return nil, err
	}
	c.showCodes(codes)
	issued, err := awaitDevice(ctx, client, at, codes)
	switch {
	case err == nil:
		return loginOf(at, issued), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case isOver(codes), errorCode(err) == string(oauth.ExpiredToken):
		return nil, errors.New("nobody has allowed the login while the code was good: try again")
	case errorCode(err) == string(oauth.AccessDenied):
		return nil, errors.New("the login was not allowed")
	}
	return nil, noToken(at, err)
}

// askForCodes begins the login (RFC 8628 section 3.1). The package does the same without a deadline of ours.
func askForCodes(ctx context.Context, client *http.Client, at *endpoints) (*oauth2.DeviceAuthResponse, error) {
	form := url.Values{"client_id": {oauth.CommandLineClient}, "scope": {oauth.AdminScope}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Device, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask %s for a code: %w", at.Issuer, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return nil, (&remote{place: at.Issuer}).unreachable(ctx, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxMetadata))
	if err != nil {
		return nil, (&remote{place: at.Issuer}).unreachable(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, noCodes(at, answer, content)
	}
	codes := &oauth2.DeviceAuthResponse{}
	if json.Unmarshal(content, codes) != nil || !usable(at, codes) {
		return nil, fmt.Errorf("%s does not give codes as a Grantor does", at.Issuer)
	}
	return codes, nil
}

func noCodes(at *endpoints, answer *http.Response, content []byte) error {
	var refused struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(content, &refused) // what is no JSON names no error
	switch {
	case refused.Error == string(oauth.UnauthorizedClient):
		return fmt.Errorf("%s does not let the command line in with a code: its setting cli_device_login is off. Sign in where there is a browser, with `grantor login --server %[1]s`", at.Issuer)
	case refused.Error != "":
		return fmt.Errorf("%s gives no code (%s): try again", at.Issuer, printable(refused.Error))
	}
	return fmt.Errorf("ask %s for a code: %w", at.Issuer, withoutBody(&oauth2.RetrieveError{Response: answer}))
}

// usable tells whether codes can be worked with, and fills in what a server may leave out. Addresses elsewhere are not shown
// to anybody who trusts the server.
func usable(at *endpoints, codes *oauth2.DeviceAuthResponse) bool {
	server, err := url.Parse(at.Issuer)
	if err != nil || codes.DeviceCode == "" || codes.UserCode == "" || !isAt(server, codes.VerificationURI) {
		return false
	}
	if !isAt(server, codes.VerificationURIComplete) {
		codes.VerificationURIComplete = ""
	}
	if codes.Interval == 0 {
		codes.Interval = usualInterval
	}
	if codes.Expiry.IsZero() {
		codes.Expiry = time.Now().Add(loginTime)
	}
	if latest := time.Now().Add(oauth.MaxDeviceCode); codes.Expiry.After(latest) {
		codes.Expiry = latest
	}
	return codes.Interval > 0 && codes.Interval <= longestInterval && len(codes.UserCode) <= longestUserCode && !isOver(codes)
}

func (c *command) showCodes(codes *oauth2.DeviceAuthResponse) {
	fmt.Fprintf(c.err, "Open this address in a browser, on a phone or any computer:\n\n  %s\n\nand type this code:\n\n  %s\n\n",
		printable(codes.VerificationURI), printable(codes.UserCode))
	if codes.VerificationURIComplete != "" {
		fmt.Fprintf(c.err, "Or open this one, which has the code in it, and compare the two:\n\n  %s\n\n", printable(codes.VerificationURIComplete))
	}
	fmt.Fprintf(c.err, "The code is good for %s. Ctrl-C ends the waiting.\n", oauth.Duration(time.Until(codes.Expiry).Round(time.Second)))
}

// awaitDevice asks for the tokens until there is an answer: 5 seconds slower after each time that the server wants that, and less
// and less often while it cannot be reached (RFC 8628 section 3.5).
func awaitDevice(ctx context.Context, client *http.Client, at *endpoints, codes *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	config := oauth2.Config{ClientID: oauth.CommandLineClient, Endpoint: oauth2.Endpoint{TokenURL: at.Token, AuthStyle: oauth2.AuthStyleInParams}}
	ctx, cancel := context.WithDeadline(context.WithValue(ctx, oauth2.HTTPClient, client), codes.Expiry)
	defer cancel()
	for interval := codes.Interval; ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(interval) * time.Second):
		}
		issued, err := config.Exchange(ctx, "", oauth2.SetAuthURLParam("grant_type", string(oauth.DeviceCode)), oauth2.SetAuthURLParam("device_code", codes.DeviceCode))
		switch code := errorCode(err); {
		case code == string(oauth.AuthorizationPending):
		case code == string(oauth.SlowDown):
			interval += slowerBy
		case err != nil && ctx.Err() == nil && passes(err):
			interval = max(interval, min(2*interval, patience))
		default:
			return issued, err
		}
	}
}

func isOver(codes *oauth2.DeviceAuthResponse) bool { return !time.Now().Before(codes.Expiry) }

// passes tells whether a failure may be over by the next question.
func passes(err error) bool {
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.StatusCode >= 500 || refused.Response.StatusCode == http.StatusTooManyRequests
	}
	network := (*url.Error)(nil)
	return errors.As(err, &network)
}
