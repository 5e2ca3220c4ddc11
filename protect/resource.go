// RFC 9728: the document that describes the API.

package protect

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// resource is the document and where it lies. An API whose audience is no http or https URL has none.
type resource struct {
	address     string // "" without document
	path, query string // of the address
	body        []byte
}

func newResource(c *Config) (*resource, error) {
	u, err := url.Parse(c.Audience)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return &resource{}, nil
	}
	address := insertWellKnown(c.Audience, "oauth-protected-resource")
	if u, err = url.Parse(address); err != nil {
		return nil, err
	}
	body, err := json.Marshal(struct {
		Resource      string   `json:"resource"`
		Servers       []string `json:"authorization_servers"`
		Scopes        []string `json:"scopes_supported,omitempty"`
		Methods       []string `json:"bearer_methods_supported"`
		Name          string   `json:"resource_name,omitempty"`
		Documentation string   `json:"resource_documentation,omitempty"`
	}{c.Audience, []string{c.Issuer}, c.Scopes, []string{"header"}, c.Name, c.Documentation})
	if err != nil {
		return nil, err
	}
	return &resource{address: address, path: u.Path, query: u.RawQuery, body: append(body, '\n')}, nil
}

// isAt reports whether the request is for the document.
func (d *resource) isAt(u *url.URL) bool {
	return d.address != "" && strings.HasPrefix(u.Path, "/.well-known/") && u.Path == d.path && u.RawQuery == d.query
}

// ServeHTTP gives the document to everybody, scripts in browsers included: it holds nothing secret.
func (d *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	switch {
	case d.address == "":
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(d.body) // a caller who is gone needs no answer
	}
}

// Metadata serves the RFC 9728 document of the API, at whatever path it is mounted. It belongs at the path that follows from
// Config.Audience: /.well-known/oauth-protected-resource, and behind it the path of the audience. Handler serves it there by
// itself. Where the audience is no http or https URL there is no document, and the answer is 404.
func (g *Guard) Metadata() http.Handler { return g.resource }
