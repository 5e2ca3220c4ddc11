package protect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/grantor-dev/grantor/protect"
)

// An API that gives orders to whoever has the scope orders:read.
func Example() {
	server := startServer() // in the place of https://auth.example.com
	defer server.Close()

	guard, err := protect.New(context.Background(), protect.Config{
		Issuer:   server.URL,
		Audience: "https://orders.example.com",
	})
	if err != nil {
		panic(err)
	}
	defer guard.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /orders", guard.Require("orders:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := protect.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s, for %s", token.Subject, token.ClientID)
	})))
	api := httptest.NewServer(guard.Handler(mux))
	defer api.Close()

	show(get(api.URL+"/orders", server.token("orders:read")))
	show(get(api.URL+"/orders", server.token("orders:write")))
	show(get(api.URL+"/orders", ""))
	// Output:
	// 200 orders of usr_1, for shop
	// 403 Bearer realm="https://orders.example.com", error="insufficient_scope", error_description="the access token lacks a scope that is needed", scope="orders:read", resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"
	// 401 Bearer realm="https://orders.example.com", resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"
}

// Check is for what is not net/http: a queue, a WebSocket, another framework.
func ExampleGuard_Check() {
	server := startServer()
	defer server.Close()
	guard, err := protect.New(context.Background(), protect.Config{Issuer: server.URL, Audience: "https://orders.example.com"})
	if err != nil {
		panic(err)
	}
	defer guard.Close()

	token, err := guard.Check(context.Background(), server.token("orders:read"), "orders:read")
	fmt.Println(token.Subject, err)

	_, err = guard.Check(context.Background(), "stolen", "orders:read")
	var refusal *protect.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Status, refusal.Code)
	}
	// Output:
	// usr_1 <nil>
	// 401 invalid_token
}

// The document of RFC 9728 tells clients where to get a token. Handler serves it without being asked to.
func ExampleGuard_Metadata() {
	server := startServer()
	defer server.Close()
	guard, err := protect.New(context.Background(), protect.Config{
		Issuer: server.URL, Audience: "https://orders.example.com",
		Name: "Orders", Scopes: []string{"orders:read", "orders:write"},
	})
	if err != nil {
		panic(err)
	}
	defer guard.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/oauth-protected-resource", guard.Metadata())
	api := httptest.NewServer(mux)
	defer api.Close()

	response := get(api.URL+"/.well-known/oauth-protected-resource", "")
	fmt.Println(response.StatusCode, response.Header.Get("Content-Type"))
	// Output: 200 application/json
}

// Any claim of a token can be read, by its exact name.
func ExampleToken_Claim() {
	server := startServer()
	defer server.Close()
	guard, err := protect.New(context.Background(), protect.Config{Issuer: server.URL, Audience: "https://orders.example.com"})
	if err != nil {
		panic(err)
	}
	defer guard.Close()
	token, err := guard.Check(context.Background(), server.token("orders:read"))
	if err != nil {
		panic(err)
	}

	var tenant, plan string
	fmt.Println(token.Claim("tenant", &tenant), tenant)
	fmt.Println(errors.Is(token.Claim("plan", &plan), protect.ErrNoClaim))
	// Output:
	// <nil> north
	// true
}

// A handler is tested without any server: NewContext puts a token where FromContext finds it.
func ExampleNewContext() {
	hello := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", protect.FromContext(r.Context()).Subject)
	}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r = r.WithContext(protect.NewContext(r.Context(), &protect.Token{Subject: "usr_1"}))
	w := httptest.NewRecorder()
	hello(w, r)
	fmt.Println(w.Body)
	// Output: hello usr_1
}

// get sends a request with a token, if there is one.
func get(url, token string) *http.Response {
	r, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		panic(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	return response
}

func show(r *http.Response) {
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	if challenge := r.Header.Get("WWW-Authenticate"); challenge != "" {
		body = []byte(challenge)
	}
	fmt.Printf("%d %s\n", r.StatusCode, body)
}
