package protect

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrNoClaim is what Token.Claim answers where the token does not have the claim.
var ErrNoClaim = errors.New("the token has no such claim")

// Token is an access token that was found good. It is shared by all requests that carry it and must not be changed.
type Token struct {
	// Subject is for whom the token acts: a user of the server, or the client itself, and then it equals ClientID.
	Subject string
	// ClientID is the application that got the token.
	ClientID string
	// Scope is what the token may be used for.
	Scope []string
	// Audience is where the token may be used; it contains the audience of the Guard.
	Audience []string
	// ID is the `jti`, empty where an opaque token has none.
	ID string
	// IssuedAt is zero where an opaque token does not say it.
	IssuedAt time.Time
	// Expires is zero where an opaque token does not say it.
	Expires time.Time

	issuer    string
	notBefore time.Time
	bound     bool       // to a key that the caller would have to prove (RFC 7800, RFC 8705, RFC 9449)
	claims    []byte     // the JSON object
	origin    *discovery // of the Guard that found it good
	marks     marks
}

// marks are what the feed knows a token by. They are computed once, when the token is verified. 0 stands for: has none.
type marks struct {
	token, authorization, client, subject, gen uint64
	began                                      int64 // unix milliseconds; of the authorization where it is known, else of iat
}

// Has reports whether the token has every one of the scopes.
func (t *Token) Has(scope ...string) bool {
	for _, s := range scope {
		if !slices.Contains(t.Scope, s) {
			return false
		}
	}
	return true
}

// Claim reads any claim of the token into v, as json.Unmarshal does. Names are compared exactly. A claim that is not there
// is ErrNoClaim.
func (t *Token) Claim(name string, v any) error {
	var claims map[string]json.RawMessage
	if len(t.claims) > 0 {
		if err := json.Unmarshal(t.claims, &claims); err != nil {
			return fmt.Errorf("read claims: %w", err)
		}
	}
	value, ok := claims[name]
	if !ok {
		return fmt.Errorf("claim %q: %w", name, ErrNoClaim)
	}
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("read claim %q: %w", name, err)
	}
	return nil
}

// parseToken reads the claims of a token, or an introspection answer about one. It checks their types, and neither which
// ones are there nor what they say.
func (d *discovery) parseToken(raw []byte) (*Token, error) {
	var claims map[string]json.RawMessage // not a struct: encoding/json would take Exp for exp
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, errors.New("claims are not a JSON object")
	}
	t := &Token{claims: raw, origin: d}
	var scope, gen string
	r := claimReader{claims: claims}
	r.text("sub", &t.Subject)
	r.text("client_id", &t.ClientID)
	r.text("iss", &t.issuer)
	r.text("jti", &t.ID)
	r.text("scope", &scope)
	r.text("gen", &gen)
	r.list("aud", &t.Audience)
	r.date("exp", &t.Expires)
	r.date("iat", &t.IssuedAt)
	r.date("nbf", &t.notBefore)
	if r.err != nil {
		return nil, r.err
	}
	_, t.bound = claims["cnf"]
	t.Scope = strings.Fields(scope)
	t.marks = d.marksOf(t, gen)
	return t, nil
}

// claimReader keeps the first fault. A claim that is not there leaves its target as it is; null is a wrong type.
type claimReader struct {
	claims map[string]json.RawMessage
	err    error
}

func (r *claimReader) text(name string, s *string) {
	if value, ok := r.claims[name]; ok && (value[0] != '"' || json.Unmarshal(value, s) != nil) {
		r.fault(name)
	}
}

// list reads a string or a list of strings (RFC 7519 section 4.1.3).
func (r *claimReader) list(name string, l *[]string) {
	value, ok := r.claims[name]
	switch {
	case !ok:
	case value[0] == '"':
		*l = []string{""}
		r.text(name, &(*l)[0])
	case value[0] != '[' || !stringsOnly(value) || json.Unmarshal(value, l) != nil:
		r.fault(name)
	}
}

// stringsOnly is there because encoding/json reads null as an empty string.
func stringsOnly(list []byte) bool {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return false
	}
	return !slices.ContainsFunc(items, func(item json.RawMessage) bool { return item[0] != '"' })
}

// lastDate is the end of the year 9999. Beyond it a number is no time.
const lastDate = 253402300799

// date reads a NumericDate (RFC 7519 section 2), which may have a fraction.
func (r *claimReader) date(name string, t *time.Time) {
	value, ok := r.claims[name]
	if !ok {
		return
	}
	var seconds float64
	if value[0] == 'n' || json.Unmarshal(value, &seconds) != nil || seconds < 0 || seconds > lastDate {
		r.fault(name)
		return
	}
	*t = time.UnixMilli(int64(seconds * 1000))
}

func (r *claimReader) fault(name string) {
	if r.err == nil {
		r.err = errors.New("claim " + name + " is of a wrong type")
	}
}

// marksOf takes a jti of Grantor apart: [authorization "."] base64url(8 bytes of unix milliseconds, 16 more bytes). One of
// another server is only a name.
func (d *discovery) marksOf(t *Token, gen string) marks {
	m := marks{
		token:   d.mark(t.ID),
		client:  d.mark(t.ClientID),
		subject: d.mark(t.Subject),
		gen:     d.mark(gen),
	}
	if !t.IssuedAt.IsZero() {
		m.began = t.IssuedAt.UnixMilli()
	}
	dot := strings.LastIndexByte(t.ID, '.')
	if dot > 0 {
		m.authorization = d.mark(t.ID[:dot])
	}
	if raw, err := base64.RawURLEncoding.DecodeString(t.ID[dot+1:]); err == nil && len(raw) == 24 {
		m.began = int64(binary.BigEndian.Uint64(raw))
	}
	return m
}
