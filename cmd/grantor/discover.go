package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// endpoints are what a command needs of a server's metadata (RFC 8414 section 2).
type endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Device        string `json:"device_authorization_endpoint"` // "": no such grant (RFC 8628 section 4)
	Revocation    string `json:"revocation_endpoint"`
}

const (
	wellKnown   = "/.well-known/oauth-authorization-server"
	maxMetadata = 1 << 20
)

// discover asks a server where its endpoints are. RFC 8414 section 3.3: what names another issuer is not believed, or one
// server could pass for another.
func discover(ctx context.Context, client *http.Client, server string) (*endpoints, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, errors.New("the server is not a URL")
	}
	address := u.Scheme + "://" + u.Host + wellKnown + u.EscapedPath()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its metadata: %w", server, err)
	}
	request.Header.Set("Accept", "application/json")
	r := &remote{place: server}
	answer, err := client.Do(request)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return nil, r.redirected(answer)
	}
	mediaType, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	found := &endpoints{}
	if answer.StatusCode != http.StatusOK || mediaType != "application/json" ||
		json.NewDecoder(io.LimitReader(answer.Body, maxMetadata)).Decode(found) != nil {
		return nil, fmt.Errorf("%s does not answer as a Grantor does (%s): see that the address is right", server, wellKnown)
	}
	if found.Issuer != server {
		return nil, fmt.Errorf("the server at %s calls itself %s: name it by that address with --server", server, printable(found.Issuer))
	}
	return found, found.check(u)
}

// check wants every endpoint at the server itself: nothing else is asked to have a password or a token.
func (e *endpoints) check(server *url.URL) error {
	asked := map[string]string{"authorization": e.Authorization, "token": e.Token, "revocation": e.Revocation}
	if e.Device != "" {
		asked["device authorization"] = e.Device
	}
	for name, address := range asked {
		if !isAt(server, address) {
			return fmt.Errorf("the %s endpoint of %s is not at that server, so it is not used", name, e.Issuer)
		}
	}
	return nil
}

// isAt tells whether an address is one of a server.
func isAt(server *url.URL, address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Scheme, server.Scheme) && strings.EqualFold(u.Host, server.Host) && u.User == nil
}
