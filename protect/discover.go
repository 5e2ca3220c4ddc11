// RFC 8414: the metadata of the authorization server.

package protect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// errAway says that the server could not be asked. It is wrapped by what says why.
var errAway = errors.New("the authorization server is away")

// maxDocument bounds what is read of the metadata and of the key set, in bytes.
const maxDocument = 512 << 10

// endpoints are where the server offers what; "" where it does not.
type endpoints struct{ issuer, jwks, introspection, feed string }

// discovery knows the endpoints of the server.
type discovery struct {
	config *Config
	seed   maphash.Seed
	known  atomic.Pointer[endpoints]
	tried  chan struct{} // closed when the first attempt has ended
}

func newDiscovery(c *Config) *discovery {
	return &discovery{config: c, seed: maphash.MakeSeed(), tried: make(chan struct{})}
}

// endpoints gives what is known at once. While nothing is known it waits for the first attempt to end, and is errAway after.
func (d *discovery) endpoints(ctx context.Context) (endpoints, error) {
	if e := d.known.Load(); e != nil {
		return *e, nil
	}
	select {
	case <-d.tried:
	case <-ctx.Done():
	}
	if e := d.known.Load(); e != nil {
		return *e, nil
	}
	return endpoints{}, fmt.Errorf("%w: its metadata could not be read yet", errAway)
}

// hasNoKeys reports whether the server publishes none, so that whatever its tokens look like, only it knows what they are.
func (d *discovery) hasNoKeys() bool {
	e := d.known.Load()
	return e != nil && e.jwks == ""
}

// read asks the server. What was known stays known when that fails.
func (d *discovery) read(ctx context.Context) error {
	e, err := d.ask(ctx)
	if err == nil {
		d.known.Store(e)
	}
	select {
	case <-d.tried:
	default:
		close(d.tried) // there is one reader
	}
	return err
}

func (d *discovery) ask(ctx context.Context) (*endpoints, error) {
	a, err := d.get(ctx, insertWellKnown(strings.TrimSuffix(d.config.Issuer, "/"), "oauth-authorization-server"), anyCopy)
	if err == nil && a.usable() {
		return d.parse(a.body)
	}
	if err != nil || a.status >= http.StatusInternalServerError {
		return nil, fmt.Errorf("read metadata: %w", errors.Join(err, a.fault()))
	}
	// Servers that only know OpenID Connect Discovery append the path instead (RFC 8414 section 5).
	a, err = d.get(ctx, strings.TrimSuffix(d.config.Issuer, "/")+"/.well-known/openid-configuration", anyCopy)
	if err != nil || !a.usable() {
		return nil, fmt.Errorf("read metadata: %w", errors.Join(err, a.fault()))
	}
	return d.parse(a.body)
}

// insertWellKnown puts the well-known path between the host and the path of an URL (RFC 8414 section 3.1, RFC 9728 section 3.1).
func insertWellKnown(identifier, name string) string {
	scheme, rest, _ := strings.Cut(identifier, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if path == "/" || strings.HasPrefix(path, "/?") {
		path = path[1:]
	}
	return scheme + "://" + host + "/.well-known/" + name + path
}

// parse takes what the document says only if it is the document of this issuer (RFC 8414 section 3.3).
func (d *discovery) parse(body []byte) (*endpoints, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, errors.New("read metadata: not a JSON object")
	}
	var e endpoints
	r := claimReader{claims: members}
	r.text("issuer", &e.issuer)
	r.text("jwks_uri", &e.jwks)
	r.text("introspection_endpoint", &e.introspection)
	r.text("revocation_feed_endpoint", &e.feed)
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("read metadata: %w", r.err)
	case e.issuer != d.config.Issuer:
		return nil, errors.New("read metadata: the document is of another issuer")
	case e.jwks == "" && e.introspection == "":
		return nil, errors.New("read metadata: neither jwks_uri nor introspection_endpoint")
	}
	return &e, d.checkEndpoints(&e)
}

func (d *discovery) checkEndpoints(e *endpoints) error {
	for _, endpoint := range []string{e.jwks, e.introspection, e.feed} {
		u, err := url.Parse(endpoint)
		switch {
		case endpoint == "":
		case err != nil || u.Host == "" || u.User != nil:
			return errors.New("read metadata: an endpoint is not an absolute URL")
		case u.Scheme == "http" && !strings.HasPrefix(d.config.Issuer, "http://"), checkSecure(u) != nil:
			return errors.New("read metadata: an endpoint is not https")
		}
	}
	return nil
}

// document is what the server answered to a GET.
type document struct {
	status int
	header http.Header
	body   []byte
}

func (a *document) usable() bool { return a.fault() == nil && json.Valid(a.body) }

func (a *document) fault() error {
	switch {
	case a == nil: // the error of the request says it
		return nil
	case a.status != http.StatusOK:
		return fmt.Errorf("the server answered %d", a.status)
	case !json.Valid(a.body):
		return errors.New("the server did not answer with JSON")
	}
	return nil
}

// copies says whether a document may come from a cache on the way (RFC 9111 section 5.2.1.4).
type copies string

const (
	anyCopy copies = ""
	noCopy  copies = "no-cache"
)

// get reads a document, within the time and size that one may have.
func (d *discovery) get(ctx context.Context, from string, which copies) (*document, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if which != anyCopy {
		r.Header.Set("Cache-Control", string(which))
	}
	response, err := d.config.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxDocument:
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxDocument)
	}
	return &document{response.StatusCode, response.Header, body}, nil
}

// mark gives the 64 bits that stand for a name in this process. The empty name has 0, and no other one.
func (d *discovery) mark(name string) uint64 {
	if name == "" {
		return 0
	}
	return max(1, maphash.String(d.seed, name))
}

// reread is how long the metadata is believed.
const reread = time.Hour
