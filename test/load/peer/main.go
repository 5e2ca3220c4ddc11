// Command peer is what somebody would write with go-oauth2 alone: its default manager and server, its client and token
// stores in memory, one client. It signs JWTs by ES256 where -jwt is given. The program test/load measures it beside
// Grantor; it checks no more than the library does, and keeps nothing beyond its own end.
//
// It is a module of its own, so that the store of the library and what that needs stay out of Grantor's.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"
	"github.com/go-oauth2/oauth2/v4/store"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	client := flag.String("client", "", "the one client_id; its secret is read from PEER_SECRET")
	signed := flag.Bool("jwt", false, "issue JWTs")
	flag.Parse()
	if err := serve(*client, os.Getenv("PEER_SECRET"), *signed); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func serve(client, secret string, signed bool) error {
	manager := manage.NewDefaultManager()
	manager.SetClientTokenCfg(&manage.Config{AccessTokenExp: 10 * time.Minute})
	tokens, err := store.NewMemoryTokenStore()
	if err != nil {
		return fmt.Errorf("open token store: %w", err)
	}
	manager.MapTokenStorage(tokens)
	clients := store.NewClientStore()
	if err := clients.Set(client, &models.Client{ID: client, Secret: secret}); err != nil {
		return fmt.Errorf("register client: %w", err)
	}
	manager.MapClientStorage(clients)
	if signed {
		key, err := newKey()
		if err != nil {
			return err
		}
		manager.MapAccessGenerate(generates.NewJWTAccessGenerate("key", key, jwt.SigningMethodES256))
	}
	s := server.NewDefaultServer(manager)
	s.SetAllowedGrantType(oauth2.ClientCredentials)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(os.Stdout, "peer is ready at http://%s\n", listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.HandleTokenRequest(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
}

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
