// RFC 6750 section 3: refusals.

package protect

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Refusal is why a request or a token was not accepted. It holds nothing of either.
type Refusal struct {
	// Status is that of HTTP: 400, 401, 403 or 503.
	Status int
	// Code is that of RFC 6750 section 3.1: "invalid_request", "invalid_token" or "insufficient_scope"; empty where there
	// was no token, and "temporarily_unavailable" with 503.
	Code string
	// Description is for developers.
	Description string
	// Scope is what is needed, with insufficient_scope.
	Scope []string
}

func (r *Refusal) Error() string {
	if r.Code == "" {
		return r.Description
	}
	return r.Code + ": " + r.Description
}

// retryIn is what a refused caller is told to wait while the server is away.
const retryIn = 5 * time.Second

func noToken() *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Description: "an access token is needed"}
}

func malformed(why string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: "invalid_request", Description: why}
}

func invalidToken(why string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the access token is not accepted: " + why}
}

func insufficientScope(needed []string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Code: "insufficient_scope", Description: "the access token lacks a scope that is needed", Scope: needed}
}

func unavailable() *Refusal {
	return &Refusal{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", Description: "access tokens cannot be checked at the moment"}
}

// result names the outcome for Hooks.OnCheck.
func (r *Refusal) result() string {
	switch {
	case r == nil:
		return "ok"
	case r.Status == http.StatusServiceUnavailable:
		return "unavailable"
	case r.Code == "":
		return "no_token"
	}
	return r.Code
}

// refuse writes a refusal.
func (g *Guard) refuse(w http.ResponseWriter, r *Refusal) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int(retryIn/time.Second)))
	} else {
		h.Set("WWW-Authenticate", g.challenge(r))
	}
	w.WriteHeader(r.Status)
	body, _ := json.Marshal(struct { // strings always marshal
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{orDefault(r.Code, "unauthorized"), r.Description})
	_, _ = w.Write(append(body, '\n')) // a caller who is gone needs no answer
}

// challenge is the header WWW-Authenticate. No value in it comes from the request.
func (g *Guard) challenge(r *Refusal) string {
	c := []byte(`Bearer realm="` + g.config.Audience + `"`)
	add := func(name, value string) {
		if value != "" {
			c = append(c, ", "+name+`="`+value+`"`...)
		}
	}
	add("error", r.Code)
	if r.Code != "" {
		add("error_description", r.Description)
	}
	add("scope", strings.Join(r.Scope, " "))
	add("resource_metadata", g.resource.address)
	return string(c)
}
