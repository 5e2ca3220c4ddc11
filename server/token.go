package server

import (
	"net/http"

	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// token is the token endpoint (RFC 6749 section 3.2).
func (s *server) token(w http.ResponseWriter, r *http.Request, c *oauth.Client, f form) error {
	event := web.EventFrom(r.Context())
	if c.MayUse(oauth.GrantType(f.get("grant_type"))) {
		event.Grant = f.get("grant_type")
	}
	tokens, err := s.Provider.Token(r.Context(), c, &oauth.TokenRequest{
		GrantType:    f.get("grant_type"),
		Code:         f.get("code"),
		RedirectURI:  f.get("redirect_uri"),
		CodeVerifier: f.get("code_verifier"),
		RefreshToken: f.get("refresh_token"),
		DeviceCode:   f.get("device_code"),
		Scope:        f.get("scope"),
		Resources:    f.all("resource"),
	})
	if err != nil {
		event.Proven = event.Proven || oauth.IsPending(err) // it holds a device code, and does as it was told
		return err
	}
	event.Proven = true                                      // a public client, too, held what was given to it alone
	s.writeObject(w, http.StatusOK, func(o *object.Writer) { // RFC 6749 section 5.1
		o.Text("access_token", tokens.AccessToken)
		o.Text("token_type", "Bearer")
		o.Int("expires_in", int64(tokens.Expires.Sub(tokens.Issued).Seconds()))
		o.TextUnlessEmpty("refresh_token", tokens.RefreshToken)
		o.TextUnlessEmpty("scope", tokens.Scope.String())
	})
	return nil
}
