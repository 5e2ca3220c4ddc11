package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/test/authtest"
)

// keySeed has a machine that may withdraw keys.
const keySeed = `  - client_id: locksmith
    client_secret: the-secret-of-the-locksmith
    grant_types: [client_credentials]
    access_token_format: opaque
    permissions: [keys:view, keys:edit]
`

// listening is an API that listens to a node.
type listening struct{ *protect.Guard }

func listenTo(t *testing.T, node *authtest.Server) listening {
	t.Helper()
	api := node.App("api")
	g, err := protect.New(t.Context(), protect.Config{
		Issuer: node.Issuer, Audience: authtest.API, ClientID: api.ID, ClientSecret: api.Secret, Feed: protect.FeedRequired,
		HTTPClient: &http.Client{Transport: node.Client().Transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() }) // always nil
	return listening{g}
}

// status is what a request with the token is answered with.
func (l listening) status(t *testing.T, token string) int {
	t.Helper()
	_, err := l.Check(t.Context(), token)
	var refusal *protect.Refusal
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &refusal):
		return refusal.Status
	}
	t.Fatalf("not a refusal: %v", err)
	return 0
}

// withdrawAt asks a running server.
func withdrawAt(t *testing.T, node *authtest.Server, body string) {
	t.Helper()
	locksmith := &authtest.App{Server: node, ID: "locksmith", Secret: "the-secret-of-the-locksmith", Method: authtest.Basic}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, node.URL("/admin/api/v1/keys/withdraw"), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+locksmith.Machine(t, "scope", "keys:view keys:edit").Access())
	request.Header.Set("Content-Type", "application/json")
	node.Do(t, request).Wants(t, http.StatusOK, "")
}

// TestAnAPIRefusesWithinASecondWhatAWithdrawnKeySigned, at whatever node the key is withdrawn, and however.
func TestAnAPIRefusesWithinASecondWhatAWithdrawnKeySigned(t *testing.T) {
	t.Parallel()
	one := authtest.Start(t, authtest.Options{
		Store: redistest.Start(t), Args: []string{"--limit-exempt", "127.0.0.0/8"}, Seed: authtest.Seed() + keySeed,
	})
	nodes := []*authtest.Server{one, one.Node(t)}
	apis := []listening{listenTo(t, nodes[0]), listenTo(t, nodes[1])}
	command := func(args ...string) func(string) {
		return func(kid string) {
			out, err := one.Command(append([]string{"key", "withdraw"}, append(args, kid)...)...)
			if err != nil {
				t.Fatalf("withdraw: %v: %s", err, out)
			}
		}
	}
	for _, way := range []struct {
		name     string
		withdraw func(kid string)
	}{
		{"by REST at one node", func(kid string) { withdrawAt(t, nodes[0], `{"id":"`+kid+`"}`) }},
		{"by REST at the other node, all", func(string) { withdrawAt(t, nodes[1], `{"all":true}`) }},
		{"on the command line at the store", command("--")},
		{"on the command line at the store, all", func(string) { command("--all")("--alg=ES256") }},
	} {
		token := one.App("jwt").Machine(t).Access()
		for i, api := range apis {
			eventually(t, 20*time.Second, "the token is taken", func() bool { return api.status(t, token) == http.StatusOK })
			if t.Failed() {
				t.Fatalf("%s: at API %d", way.name, i)
			}
		}
		leaked := signedBy(t, token)
		way.withdraw(leaked)
		for _, api := range apis {
			eventually(t, withinASecond, way.name+": the token is refused", func() bool { return api.status(t, token) == http.StatusUnauthorized })
		}
		var fresh string
		eventually(t, withinASecond, way.name+": both nodes sign with another key", func() bool {
			fresh = nodes[1].App("jwt").Machine(t).Access()
			return signedBy(t, fresh) != leaked && signedBy(t, nodes[0].App("jwt").Machine(t).Access()) != leaked
		})
		for _, api := range apis {
			eventually(t, 20*time.Second, way.name+": a new token is taken", func() bool {
				status := api.status(t, fresh)
				if status == http.StatusUnauthorized {
					t.Fatalf("%s: a new token is refused", way.name)
				}
				return status == http.StatusOK
			})
		}
	}
}
