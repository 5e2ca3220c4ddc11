package protect_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// exampleServer is as much of an authorization server as the examples need.
type exampleServer struct {
	*httptest.Server
	key *jose.Key
}

func startServer() *exampleServer {
	key, err := jose.GenerateKey(jose.ES256)
	if err != nil {
		panic(err)
	}
	s := &exampleServer{key: key}
	s.Server = httptest.NewServer(s)
	return s
}

// ServeHTTP gives the metadata and the keys.
func (s *exampleServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/oauth-authorization-server" {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": s.URL, "jwks_uri": s.URL + "/jwks"})
		return
	}
	set, err := jose.MarshalSet([]*jose.Key{s.key})
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(set)
}

func (s *exampleServer) token(scope string) string {
	claims, err := json.Marshal(map[string]any{
		"iss": s.URL, "aud": "https://orders.example.com", "sub": "usr_1", "client_id": "shop", "scope": scope, "jti": "1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "tenant": "north",
	})
	if err != nil {
		panic(err)
	}
	token, err := s.key.Sign("at+jwt", claims)
	if err != nil {
		panic(err)
	}
	return token
}
