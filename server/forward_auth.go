package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// Forward-auth: a gateway asks about every request whether to let it through (docs/gateways.md). Its own request is
// that of the caller, so nothing in it can be believed but the query, which the gateway's configuration wrote.

// What the API behind a gateway is told. Each stands in every answer, so that a gateway that copies them overwrites what a
// caller has sent under these names.
const (
	authSubject = "X-Auth-Subject"
	authClient  = "X-Auth-Client-Id"
	authScope   = "X-Auth-Scope"
)

func (s *server) forwardAuth(w http.ResponseWriter, r *http.Request) {
	seen, need, err := s.admit(r)
	if err != nil {
		s.writeBearerError(w, r, err, need)
		return
	}
	event := web.EventFrom(r.Context())
	event.Client, event.Subject, event.Proven = seen.ClientID, seen.Subject, true
	h := w.Header()
	web.NoStore(h)
	h.Set(authSubject, seen.Subject)
	h.Set(authClient, seen.ClientID)
	h.Set(authScope, seen.Scope.String())
	h.Set("Content-Length", "0")
}

// admit reads what is asked and lets oauth decide. need is the scope that was asked for.
func (s *server) admit(r *http.Request) (seen *oauth.Introspection, need oauth.Scope, err error) {
	if !s.Provider.Ready() {
		return nil, nil, errStarting
	}
	if err := s.TokenLane.Enter(r.Context()); err != nil {
		return nil, nil, err
	}
	defer s.TokenLane.Leave()
	audience, need, err := readGuard(r.URL.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	token, err := bearer(r)
	if err != nil {
		return nil, nil, err
	}
	seen, err = s.Provider.Admit(r.Context(), token, audience, need)
	return seen, need, err
}

const (
	gatewayRule   = "the gateway names the API that it guards, and the scopes that it needs"
	gatewaySource = "docs/gateways.md"
)

// readGuard reads which API is guarded and what it needs. Some gateways append the caller's own path and query: those may
// hold anything, so other parameters are passed over, however they are spelt, and one of ours that comes twice is
// refused rather than chosen from.
func readGuard(query string) (audience string, need oauth.Scope, err error) {
	given := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || name != "audience" && name != "scope" {
			continue
		}
		if _, twice := given[name]; twice {
			return "", nil, invalidRequest(name+" is given more than once").By(gatewayRule, gatewaySource)
		}
		if given[name], err = url.QueryUnescape(value); err != nil || given[name] == "" {
			return "", nil, invalidRequest(name+" is empty or malformed").By(gatewayRule, gatewaySource) // not "none": a variable that was not set
		}
	}
	need, ok := oauth.ParseScope(given["scope"])
	if _, asked := given["scope"]; asked && (!ok || len(need) == 0) {
		return "", nil, invalidRequest("scope is malformed").By(gatewayRule, gatewaySource)
	}
	if given["audience"] == "" {
		return "", nil, invalidRequest("audience is missing: it names the API that is guarded").By(gatewayRule, gatewaySource)
	}
	return given["audience"], need, nil
}

// bearer takes the token from the header and nowhere else (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, error) {
	sent := r.Header.Values("Authorization")
	if len(sent) > 1 {
		return "", severalHeaders(len(sent))
	}
	if len(sent) == 1 {
		scheme, token, _ := strings.Cut(sent[0], " ")
		if token = strings.Trim(token, " "); token != "" && strings.EqualFold(scheme, "Bearer") {
			return token, nil
		}
	}
	return "", errNoToken
}
