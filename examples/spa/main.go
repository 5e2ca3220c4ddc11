// Command spa serves a single-page application: a public client that signs its user in and calls an API, all within the
// browser. This program only hands out files and tells the page where its servers are; app.js does the work.
package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"io/fs"
	"log"
	"net/http"
	"os"
	"time"
)

//go:embed page
var files embed.FS

func main() {
	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:9998")
	settings := map[string]string{
		"issuer": cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080"), "client": cmp.Or(os.Getenv("CLIENT_ID"), "demo-spa"),
		"api": cmp.Or(os.Getenv("API"), "http://127.0.0.1:9000"), "scope": "profile api:read",
	}
	page, err := fs.Sub(files, "page")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(settings) // the browser may be gone
	})
	// Only our own script runs, and it can talk to nobody else: a foreign script, which could use the tokens, finds no way in.
	policy := "default-src 'none'; script-src 'self'; connect-src 'self' " + settings["issuer"] + " " + settings["api"] +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:"
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code for a moment
		w.Header().Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
	log.Print("the single-page application is at http://", address)
	log.Fatal((&http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}
