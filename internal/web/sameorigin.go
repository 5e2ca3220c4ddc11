package web

import (
	"io"
	"net/http"
)

// SameOrigin refuses requests that change state and that a browser made for another origin than ours, which it is told, as
// a proxy may have changed the Host. Requests that carry neither
// Sec-Fetch-Site nor Origin pass: forms hold a token as well. It is for the pages only; a client application may call the
// endpoints of the protocol from any origin.
func SameOrigin(origin string, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(origin); err != nil {
		panic("web: " + err.Error()) // the issuer was checked at start
	}
	protection.SetDenyHandler(http.HandlerFunc(refuseOrigin))
	return protection.Handler(next)
}

func refuseOrigin(w http.ResponseWriter, r *http.Request) {
	event := EventFrom(r.Context())
	event.Error = "cross_origin"
	event.Description = "a form was sent from another origin"
	NoStore(w.Header())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "This form was sent from another website and was refused.\n") // the caller may be gone
}
