// Command api is an API that Grantor guards: five lines of protect, and a route that needs a scope.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/grantor-dev/grantor/protect"
)

func main() {
	guard, err := protect.New(context.Background(), protect.Config{
		Issuer:       cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080"),
		Audience:     cmp.Or(os.Getenv("AUDIENCE"), "https://api.example.com"),
		ClientID:     cmp.Or(os.Getenv("CLIENT_ID"), "demo-api"), // asks about opaque tokens, and listens for what was revoked
		ClientSecret: cmp.Or(os.Getenv("CLIENT_SECRET"), "grantor-demo-api-secret"),
		Scopes:       []string{"api:read", "api:write"}, Log: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", me)
	mux.Handle("GET /orders", guard.Require("api:read")(http.HandlerFunc(orders)))
	mux.Handle("POST /orders", guard.Require("api:write")(http.HandlerFunc(order)))

	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:9000")
	log.Print("the API is at http://", address)
	// The scripts of one application in the browser may call it, too. Browsers ask beforehand, without a token, so that is
	// answered in front of the guard.
	handler := allowOrigin(cmp.Or(os.Getenv("ORIGIN"), "http://127.0.0.1:9998"), guard.Handler(mux))
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// me needs a token, of whatever scope, and tells whose it is.
func me(w http.ResponseWriter, r *http.Request) {
	token := protect.FromContext(r.Context())
	answer(w, map[string]any{"subject": token.Subject, "client": token.ClientID, "scope": token.Scope, "expires": token.Expires})
}

func orders(w http.ResponseWriter, r *http.Request) {
	answer(w, []string{"three apples", "a pear"})
}

func order(w http.ResponseWriter, r *http.Request) {
	answer(w, "ordered for "+protect.FromContext(r.Context()).Subject)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // it is for who holds the token
	_ = json.NewEncoder(w).Encode(body)         // the caller may be gone
}

// allowOrigin lets the scripts of an origin call the API with a token (CORS). Cookies play no part.
func allowOrigin(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if r.Header.Get("Origin") == origin {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
