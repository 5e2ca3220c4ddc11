package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

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
	if !prefers(r, introspectionJWT, "application/json") {
		s.writeObject(w, http.StatusOK, func(o *object.Writer) { s.tell(o, seen) })
		return nil
	}
	answer := object.Begin(nil)
	s.tell(&answer, seen)
	signed, err := s.Provider.SignIntrospection(r.Context(), c, json.RawMessage(answer.End()))
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

// tell writes what RFC 7662 section 2.2 says of a token, and two members of ours: token_use tells access from refresh tokens,
// gen is what an event of the revocation feed about the user names.
func (s *server) tell(o *object.Writer, seen *oauth.Introspection) {
	o.Bool("active", seen.Active)
	if !seen.Active {
		return
	}
	o.TextUnlessEmpty("scope", seen.Scope.String())
	o.Text("client_id", seen.ClientID)
	if seen.Use == oauth.AccessTokenUse {
		o.Text("token_type", "Bearer")
	}
	o.Text("token_use", seen.Use)
	o.IntUnlessZero("exp", unix(seen.Expires))
	o.IntUnlessZero("iat", unix(seen.Issued))
	o.Text("sub", seen.Subject)
	if len(seen.Audience) > 0 {
		o.Audience("aud", seen.Audience)
	}
	o.Text("iss", s.Provider.Issuer())
	o.TextUnlessEmpty("jti", seen.ID)
	o.IntUnlessZero("auth_time", unix(seen.Authenticated))
	o.TextUnlessEmpty("gen", seen.Generation)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
