// Cross-origin requests (Fetch standard, section 3.2): applications in the browser fetch tokens from their own origin.
package server

import "net/http"

// preflightAge is how long browsers may remember what a preflight was told, in seconds: as long as Chromium does at most.
const preflightAge = "7200"

// What all answers share: http.Header never writes into the values that it holds.
var (
	everyOrigin    = []string{"*"}
	exposedHeaders = []string{"Retry-After"}
)

// anyOrigin lets scripts of every origin call an endpoint and read what it answers. That is safe where no cookie and no
// address gives a right: a script learns what its sender would with a token or a secret in any other program, and
// browsers send no cookies along, as credentials are not allowed. A preflight names no client, so the origins of one
// cannot decide. Only endpoints that public clients need are opened; introspection is for servers.
func anyOrigin(methods string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A browser names the origin of every POST; what a cache keeps has to do for all.
		if r.Method == http.MethodPost && r.Header["Origin"] == nil {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h["Access-Control-Allow-Origin"] = everyOrigin
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", "Accept, Content-Type") // not Authorization: a secret has no place in a browser
			h.Set("Access-Control-Max-Age", preflightAge)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h["Access-Control-Expose-Headers"] = exposedHeaders
		next.ServeHTTP(w, r)
	})
}
