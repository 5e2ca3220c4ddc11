package server

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// introspection is the body of an answer (RFC 7662 section 2.2).
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	TokenUse  string `json:"token_use,omitempty"` // tells access from refresh tokens
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	AuthTime  int64  `json:"auth_time,omitempty"`

	Generation string `json:"gen,omitempty"` // what an event of the revocation feed about the user names
}

// introspect is the introspection endpoint (RFC 7662).
func (s *server) introspect(w http.ResponseWriter, r *http.Request, c *oauth.Client, f form) error {
	token := f.get("token")
	if token == "" {
		return invalidRequest("token is missing").By("token is there", "RFC 7662 section 2.1").Saying("none came")
	}
	seen, err := s.Provider.Introspect(r.Context(), c, token)
	if err != nil {
		return err
	}
	answer := s.introspection(seen)
	if !prefers(r, introspectionJWT, "application/json") {
		writeJSON(w, http.StatusOK, answer)
		return nil
	}
	signed, err := s.Provider.SignIntrospection(r.Context(), c, answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", introspectionJWT)
	h.Set("Content-Length", strconv.Itoa(len(signed)))
	web.NoStore(h)
	_, _ = io.WriteString(w, signed) // the caller may be gone
	return nil
}

// introspectionJWT is the media type of a signed answer (RFC 9701 section 4).
const introspectionJWT = "application/token-introspection+jwt"

func (s *server) introspection(seen *oauth.Introspection) introspection {
	if !seen.Active {
		return introspection{}
	}
	answer := introspection{
		Active: true, Scope: seen.Scope.String(), ClientID: seen.ClientID, TokenUse: seen.Use, Subject: seen.Subject,
		Expires: unix(seen.Expires), Issued: unix(seen.Issued), Issuer: s.Provider.Issuer(), ID: seen.ID,
		AuthTime: unix(seen.Authenticated), Audience: audience(seen.Audience), Generation: seen.Generation,
	}
	if seen.Use == oauth.AccessTokenUse {
		answer.TokenType = "Bearer"
	}
	return answer
}

// audience is a string where it names one (RFC 7662 section 2.2, RFC 7519 section 4.1.3).
func audience(named []string) any {
	switch len(named) {
	case 0:
		return nil
	case 1:
		return named[0]
	}
	return named
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
