// RFC 6750 section 2.1: the token comes in the header Authorization.

package protect

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Handler lets requests with a good token pass to next, where FromContext gives it. All others are answered here. It also
// serves the RFC 9728 document of the API, which needs no token.
//
// The method does not matter: OPTIONS needs a token like any other. A preflight of CORS has none, so whatever answers
// preflights goes around this Handler, not into it.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.resource.isAt(r.URL) {
			g.resource.ServeHTTP(w, r)
			return
		}
		g.pass(w, r, next, nil)
	})
}

// Require lets requests pass whose token has every one of the scopes, and answers all others with 403. It works within
// Handler, which has checked the token then, and by itself. Scopes that break the syntax of RFC 6749 section 3.3 panic.
func (g *Guard) Require(scope ...string) func(http.Handler) http.Handler {
	for _, s := range scope {
		if err := checkScope(s); err != nil {
			panic(fmt.Sprintf("protect: Require(%q): %v", s, err))
		}
	}
	scope = slices.Clone(scope)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.pass(w, r, next, scope) })
	}
}

func (g *Guard) pass(w http.ResponseWriter, r *http.Request, next http.Handler, scope []string) {
	ctx := r.Context()
	if t := FromContext(ctx); t != nil && t.origin == g.discovery { // not of another Guard, for another audience
		if !t.Has(scope...) {
			refusal := insufficientScope(scope)
			g.config.Hooks.check(refusal.result(), 0)
			g.refuse(w, refusal)
			return
		}
		next.ServeHTTP(w, r)
		return
	}
	timed := g.start()
	token, refusal := present(r)
	var t *Token
	if refusal == nil {
		t, refusal = g.admit(ctx, token, scope)
	}
	g.finish(timed, refusal)
	if refusal != nil {
		g.refuse(w, refusal)
		return
	}
	next.ServeHTTP(w, r.WithContext(NewContext(ctx, t)))
}

// present finds the token of a request. There must be one way in which it is shown, and one token (RFC 6750 section 2). A
// token in the query is refused, for it stands in logs and histories already (section 5.3); one in a form is not looked for.
func present(r *http.Request) (string, *Refusal) {
	if r.URL.RawQuery != "" && queryHasToken(r.URL.RawQuery) {
		return "", malformed("access tokens in the query are not accepted")
	}
	values := r.Header["Authorization"]
	switch len(values) {
	case 0:
		return "", noToken()
	case 1:
		return bearer(values[0])
	}
	return "", malformed("more than one Authorization header")
}

// bearer takes the header apart: "Bearer", in any case, spaces, and one token. Another scheme is no token for us.
func bearer(header string) (string, *Refusal) {
	scheme, rest, found := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(scheme) != len("Bearer") {
		return "", noToken()
	}
	token := strings.Trim(rest, " ")
	if !found || token == "" {
		return "", malformed("the Authorization header has no token")
	}
	return token, nil
}

// queryHasToken looks for the parameter access_token, however it is written.
func queryHasToken(query string) bool {
	const name = "access_token"
	if !strings.ContainsAny(query, "%+") && !strings.Contains(query, name) {
		return false
	}
	for query != "" {
		var pair string
		if i := strings.IndexAny(query, "&;"); i >= 0 { // some servers part at semicolons, too
			pair, query = query[:i], query[i+1:]
		} else {
			pair, query = query, ""
		}
		key, _, _ := strings.Cut(pair, "=")
		if key == name {
			return true
		}
		if strings.Contains(key, "%") {
			if plain, err := url.QueryUnescape(key); err == nil && plain == name {
				return true
			}
		}
	}
	return false
}

// isB64Token is the syntax of RFC 6750 section 2.1.
func isB64Token(token string) bool {
	body := strings.TrimRight(token, "=")
	for i := range len(body) {
		switch c := body[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return body != ""
}
