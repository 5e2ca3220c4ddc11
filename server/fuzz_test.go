package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

// FuzzCredentials: whatever the header and the body say, there is one way to authenticate, or a refusal that is the
// client's fault.
func FuzzCredentials(f *testing.F) {
	for _, seed := range [][2]string{
		{"Basic d2ViOnNlY3JldA==", "grant_type=client_credentials"},
		{"basic d2ViOnNlY3JldA==", "client_id=web&client_secret=x"},
		{"Basic %%%", ""}, {"Bearer x", ""}, {"", "client_id=web"}, {"", "client_id=web&client_secret=s"},
		{"Basic Og==", "client_id="}, {"Basic dyVlYjolMDA=", "client_assertion=x"}, {"Basic", "a=b;c=d"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if header != "" {
			r.Header["Authorization"] = []string{header}
		}
		read, err := readForm(httptest.NewRecorder(), r)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		cred, err := credentials(r, read)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		if header == "" && cred.Method == oauth.ClientSecretBasic || cred.Method != oauth.NoSecret && header != "" && cred.Method != oauth.ClientSecretBasic {
			t.Errorf("%s from header %q", cred.Method, header)
		}
		if cred.Method == oauth.NoSecret && cred.Secret != "" {
			t.Error("a secret is left unread")
		}
	})
}

func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if a := answerTo(err); a.status < 400 || a.status >= 500 {
		t.Errorf("%d for %v", a.status, err)
	}
}

// FuzzReadGuard: a gateway names one API, the same to every reader of queries, or is refused.
func FuzzReadGuard(f *testing.F) {
	for _, seed := range []string{
		"audience=https://api.example.com&scope=a+b", "audience=https%3a//a&of=/x?audience=y", "%61udience=a&audience=b", "scope=%0d%0a&audience=x", "a=%zz;b&audience=c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		audience, need, err := readGuard(query)
		if err != nil {
			return
		}
		if audience == "" || strings.ContainsAny(need.String(), "\"\\\r\n\x00") {
			t.Errorf("%q names %q and %q", query, audience, need)
		}
		if values, err := url.ParseQuery(query); err == nil && (len(values["audience"]) != 1 || values.Get("audience") != audience || len(values["scope"]) > 1) {
			t.Errorf("%q names %q, by others %q", query, audience, values["audience"])
		}
	})
}

// FuzzLocalPath: a login leads to a path of ours, or nowhere, as every parser of URLs reads it.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/admin", "/account/apps", "//evil.example", "/\\evil", "/admin/../x", "/admin//evil", "/%2f/evil", "https://evil", "/admin\t/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		path := localPath(next)
		if path == "" {
			return
		}
		base := &url.URL{Scheme: "https", Host: "id.example.com"}
		u, err := base.Parse(path)
		if err != nil || u.Host != base.Host || u.RawQuery != "" || u.Path != path || !strings.HasPrefix(path, "/a") {
			t.Errorf("%q leads to %v", next, u)
		}
	})
}

// FuzzWithFields: what is added to a redirect URI never changes where it leads, and comes back as it was.
func FuzzWithFields(f *testing.F) {
	f.Add("https://app.example.com/cb", "state", "a b&c=d")
	f.Add("https://app.example.com/cb?x=1", "code", "\r\nLocation: https://evil")
	f.Add("com.example.app:/cb", "iss", "ü\x00\xff")
	f.Fuzz(func(t *testing.T, uri, name, value string) {
		if oauth.CheckRedirectURI(uri) != nil || name == "" {
			return
		}
		before, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		if before.Query().Has(name) {
			return
		}
		got := withFields(uri, []oauth.Field{{Name: name, Value: value}})
		after, err := url.Parse(got)
		if err != nil || after.Scheme != before.Scheme || after.Host != before.Host || after.Path != before.Path {
			t.Fatalf("%q became %q", uri, got)
		}
		if after.Query().Get(name) != value || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q in %q", value, got)
		}
	})
}
