package protect

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzMetadata: what a document says is taken only if it is of our issuer, to the letter, and leads to nothing but https.
func FuzzMetadata(f *testing.F) {
	const issuer = "https://id.example.com"
	for _, seed := range []string{
		`{"issuer":"https://id.example.com","jwks_uri":"https://id.example.com/jwks"}`, `{"issuer":"https://id.example.com","introspection_endpoint":"http://id.example.com/i"}`,
		`{"ISSUER":"https://id.example.com","jwks_uri":"https://a"}`, `{"issuer":"https://id.example.com/","jwks_uri":"https://a"}`, `{"issuer":null}`, `[]`,
		`{"issuer":"https://id.example.com","jwks_uri":"https://u@a"}`, `{"issuer":"x","issuer":"https://id.example.com","jwks_uri":"//a"}`,
	} {
		f.Add([]byte(seed))
	}
	d := newDiscovery(&Config{Issuer: issuer})
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := d.parse(body)
		if err != nil {
			return
		}
		var members map[string]any
		if json.Unmarshal(body, &members) != nil || members["issuer"] != issuer || e.issuer != issuer || e.jwks == "" && e.introspection == "" {
			t.Fatalf("%q is taken for %+v", body, e)
		}
		for _, endpoint := range []string{e.jwks, e.introspection, e.feed} {
			if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
				t.Errorf("%q leads to %q", body, endpoint)
			}
		}
	})
}

// FuzzIntrospection: a token is good only if the answer says `active` is true, to the letter, and nothing that speaks against.
func FuzzIntrospection(f *testing.F) {
	for _, seed := range []string{
		`{"active":true}`, `{"active":false}`, `{"ACTIVE":true}`, `{"active":"true"}`, `{"active":true,"active":false}`, `{"active":true,"exp":1}`, `{"active":true,"aud":"https://b"}`,
		`{"active":true,"aud":["https://a"],"scope":"a b","exp":2000000000}`, `{"active":true,"cnf":{}}`, `{"active":true,"token_type":"refresh_token"}`, `{"active":true,"iss":"x"}`, `{"active": true,"nbf":3e9}`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Unix(1_900_000_000, 0)
	c := &Config{Issuer: "https://id.example.com", Audience: "https://a", CacheSize: 10, Now: func() time.Time { return now }}
	i := newIntrospector(c, newDiscovery(c))
	f.Cleanup(i.close)
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := i.read(body)
		if err != nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil || members["active"] != true || members["cnf"] != nil {
			t.Fatalf("%q is taken for %+v", body, token)
		}
		if expires, is := members["exp"].(float64); is && expires+1 < float64(now.Unix()) || members["iss"] != nil && members["iss"] != c.Issuer {
			t.Errorf("%q is taken for %+v", body, token)
		}
		if audience, there := members["aud"]; there && !strings.Contains(string(mustJSON(audience)), `"https://a"`) {
			t.Errorf("%q is taken for %+v", body, token)
		}
	})
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v) // it was read from JSON
	return b
}

// FuzzWaits: how long a server asks us to wait, or to keep its keys, is never less than nothing, and as net/http reads it.
func FuzzWaits(f *testing.F) {
	for _, seed := range []string{"120", "-1", "+5", "0x10", "99999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "max-age=60", "no-store, MAX-AGE=99999999999", "max-age=-9223372036854775808", "max-age=\"5\""} {
		f.Add(seed)
	}
	now := time.Unix(900_000_000, 0)
	f.Fuzz(func(t *testing.T, value string) {
		wait := retryAfter(http.Header{"Retry-After": {value}}, now)
		seconds, isNumber := strconv.Atoi(value)
		date, isDate := http.ParseTime(value)
		switch {
		case wait < 0, wait > 0 && isNumber != nil && isDate != nil:
			t.Errorf("%q is a wait of %s", value, wait)
		case wait > 0 && isNumber == nil && wait != time.Duration(seconds)*time.Second, wait > 0 && isNumber != nil && wait > max(0, date.Sub(now)):
			t.Errorf("%q is a wait of %s", value, wait)
		}
		if age := maxAge(http.Header{"Cache-Control": {value}}); age < keysSoonest || age > keysLatest {
			t.Errorf("%q is an age of %s", value, age)
		}
	})
}
