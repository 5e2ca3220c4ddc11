// RFC 6750 section 3: refusals.
package protect

import "net/http"

// Refusal is why a request or a token was not accepted. It holds nothing of either.
type Refusal struct {
	Status      int      // of HTTP: 400, 401, 403 or 503
	Code        string   // RFC 6750 section 3.1: "invalid_request", "invalid_token", "insufficient_scope"; "" where there was no token; "temporarily_unavailable" with 503
	Description string   // for developers
	Scope       []string // what is needed, with insufficient_scope
}

func (r *Refusal) Error() string {
	if r.Code == "" {
		return http.StatusText(r.Status) + ": " + r.Description
	}
	return r.Code + ": " + r.Description
}
