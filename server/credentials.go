package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// clientHandler answers a form that an authenticated client has posted.
type clientHandler func(w http.ResponseWriter, r *http.Request, c *oauth.Client, f form) error

// byClient reads the form and who sends it, in the one way in which it says so, and proves that. It is worked on in the
// lane from where all of it has been read: whoever sends slowly keeps nobody out.
func (s *server) byClient(class limit.Class, h clientHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.TokenLane.HasTurn() {
			web.Hasten(r.Context())
		}
		f, err := readForm(w, r)
		if err != nil {
			return err
		}
		if err := s.TokenLane.Enter(r.Context()); err != nil {
			return err
		}
		defer s.TokenLane.Leave()
		cred, err := credentials(r, f)
		if err != nil {
			return err
		}
		cred.Address = s.limitedAddress(r.Context())
		web.EventFrom(r.Context()).Claimed = cred.ClientID
		c, err := s.Provider.Authenticate(r.Context(), cred)
		if err != nil {
			return err
		}
		event := web.EventFrom(r.Context())
		event.Client = c.ClientID
		// Whoever knows its id can speak for a public client, and must not be able to use up what it may send.
		if event.Proven = !c.IsPublic(); event.Proven {
			if err := s.Limits.Take(class, c.ClientID); err != nil {
				return err
			}
		}
		account.Identify(r.Context(), account.ActorClient, c.ClientID, c.Name())
		return h(w, r, c, f)
	}
}

// credentials reads client_secret_basic, client_secret_post or none; more than one at once is refused (RFC 6749 section
// 2.3).
func credentials(r *http.Request, f form) (oauth.Credentials, error) {
	if f.get("client_assertion") != "" || f.get("client_assertion_type") != "" {
		return oauth.Credentials{}, invalidClient("this server does not offer client assertions").By(methodRule, methodSource).
			Saying("got a client_assertion; offered: client_secret_basic, client_secret_post and none")
	}
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return oauth.Credentials{}, severalHeaders(len(headers))
	}
	if len(headers) == 1 {
		return basicCredentials(headers[0], f)
	}
	cred := oauth.Credentials{Method: oauth.NoSecret, ClientID: f.get("client_id"), Secret: f.get("client_secret")}
	if cred.ClientID == "" {
		return cred, noCredentials("neither an Authorization header nor a client_id came")
	}
	if cred.Secret != "" {
		cred.Method = oauth.ClientSecretPost
	}
	return cred, nil
}

// basicCredentials reads client_secret_basic, whose both halves are form-encoded (RFC 6749 section 2.3.1).
func basicCredentials(header string, f form) (oauth.Credentials, error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return oauth.Credentials{}, otherScheme(scheme)
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return oauth.Credentials{}, malformedHeader("it is not base64")
	}
	user, password, found := strings.Cut(string(plain), ":")
	if !found {
		return oauth.Credentials{}, malformedHeader("there is no colon in it")
	}
	id, err := url.QueryUnescape(user)
	if err != nil {
		return oauth.Credentials{}, malformedHeader("the id is not form-encoded: a % stands alone")
	}
	secret, err := url.QueryUnescape(password)
	if err != nil {
		return oauth.Credentials{}, malformedHeader("the secret is not form-encoded: a % stands alone")
	}
	if f.get("client_secret") != "" {
		return oauth.Credentials{}, invalidRequest("the client authenticates in two ways at once").By("a client authenticates in one way", methodSource).
			Saying("an Authorization header and a client_secret came")
	}
	if named := f.get("client_id"); named != "" && named != id {
		return oauth.Credentials{}, invalidRequest("client_id is not that of the Authorization header").By("a client authenticates in one way", methodSource).
			Saying("the Authorization header and client_id name different clients")
	}
	return oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: id, Secret: secret}, nil
}

const (
	methodRule   = "a client authenticates by a method that is offered"
	methodSource = "RFC 6749 section 2.3"
)

func otherScheme(scheme string) *oauth.Error {
	return invalidClient("clients authenticate here by Basic, or in the body").By(methodRule, methodSource).
		But(func() string { return "got the scheme " + oauth.Sent(scheme) })
}

func noCredentials(near string) *oauth.Error {
	return invalidClient("client authentication is missing").By("a client says who it is", methodSource).Saying(near)
}

func malformedHeader(near string) *oauth.Error {
	return invalidClient("the Authorization header is malformed").
		By("Basic is the base64 of id and secret, form-encoded, with a colon between", methodSource).Saying(near)
}

func severalHeaders(n int) *oauth.Error {
	return invalidRequest("the request has more than one Authorization header").
		By("the header Authorization is sent once", "RFC 9110 section 11.6.2").Saying(fmt.Sprintf("%d came", n))
}

func invalidClient(description string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidClient, Description: description}
}
