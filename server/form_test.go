package server_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

func TestBodiesThatAreNoFormAreRefused(t *testing.T) {
	s := usual(t)
	for name, body := range map[string]string{
		"repeated":                      machineGrant + "&" + machineGrant,
		"repeated scope":                machineGrant + "&scope=profile&scope=profile",
		"repeated unknown parameter":    machineGrant + "&x=1&x=2",
		"repeated with an empty one":    machineGrant + "&scope=&scope=profile",
		"repeated by another spelling":  machineGrant + "&scope=profile&s%63ope=profile",
		"semicolon":                     machineGrant + ";scope=profile",
		"bad percent":                   machineGrant + "&scope=%zz",
		"cut percent":                   machineGrant + "&scope=%2",
		"NUL":                           machineGrant + "&scope=profile%00",
		"raw NUL":                       machineGrant + "&scope=profile\x00",
		"newline":                       machineGrant + "&scope=profile%0d%0ax",
		"DEL":                           machineGrant + "&scope=%7f",
		"invalid UTF-8":                 machineGrant + "&scope=%ff%fe",
		"overlong UTF-8":                machineGrant + "&scope=%c0%af",
		"surrogate":                     machineGrant + "&scope=%ed%a0%80",
		"control in an unknown one":     machineGrant + "&x=%01",
		"JSON called a form":            `{"grant_type":"client_credentials"}`,
		"brackets instead of parameter": "grant_type[]=client_credentials",
		"nothing":                       "",
	} {
		a := s.with(basic("web", s.secrets["web"]), body)
		if a.Code != http.StatusBadRequest || a.json("error") != string(oauth.InvalidRequest) {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
}

func TestOtherContentTypesAreRefused(t *testing.T) {
	s := usual(t)
	for contentType, want := range map[string]int{
		"application/x-www-form-urlencoded":                200,
		"application/x-www-form-urlencoded; charset=UTF-8": 200,
		"APPLICATION/X-WWW-FORM-URLENCODED":                200,
		"application/json":                                 400,
		"text/plain":                                       400,
		"multipart/form-data; boundary=x":                  400,
		"application/x-www-form-urlencoded-not":            400,
		"application/x-www-form-urlencoded, text/html":     400,
		"":  400,
		";": 400,
	} {
		r := s.request("POST", "/oauth2/token", machineGrant)
		r.SetBasicAuth("web", s.secrets["web"])
		r.Header.Set("Content-Type", contentType)
		if a := s.send(r); a.Code != want {
			t.Errorf("%q: %d, want %d: %s", contentType, a.Code, want, a.Body)
		}
	}
}

func TestCompressedBodiesAreNotInflated(t *testing.T) {
	s := usual(t)
	var squeezed bytes.Buffer
	w := gzip.NewWriter(&squeezed)
	_, err := io.WriteString(w, machineGrant+"&x="+strings.Repeat("a", 1<<20))
	ok(t, err)
	ok(t, w.Close())
	for _, encoding := range []string{"gzip", "GZIP", "deflate", "br", "identity, gzip"} {
		r := s.request("POST", "/oauth2/token", squeezed.String())
		r.SetBasicAuth("web", s.secrets["web"])
		r.Header.Set("Content-Encoding", encoding)
		s.send(r).wantError(http.StatusBadRequest, oauth.InvalidRequest)
	}
	r := s.request("POST", "/oauth2/token", machineGrant)
	r.SetBasicAuth("web", s.secrets["web"])
	r.Header.Set("Content-Encoding", "identity")
	s.send(r).wantStatus(http.StatusOK)
}

func TestLargeBodiesAreRefused(t *testing.T) {
	s := usual(t)
	const most = 64 << 10
	for size, want := range map[int]int{most - 1: 200, most: 200, most + 1: 413, 10 * most: 413} {
		body := machineGrant + "&x="
		body += strings.Repeat("a", size-len(body))
		if a := s.with(basic("web", s.secrets["web"]), body); a.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, a.Code, want)
		}
	}
}

// A form is the same over HTTP/1 and HTTP/2, with its length before it, without one, and with trailers behind it.
func TestAFormIsReadHoweverItIsCarried(t *testing.T) {
	s := usual(t)
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		front := httptest.NewUnstartedServer(s.handler)
		front.EnableHTTP2 = http2
		front.StartTLS()
		defer front.Close()
		for size, want := range map[int]int{50: 200, 4 << 10: 200, 4<<10 + 1: 200, 64 << 10: 200, 64<<10 + 1: 413} {
			form := machineGrant + "&x="
			form += strings.Repeat("a", size-len(form))
			for how, change := range map[string]func(*http.Request){
				"length": func(*http.Request) {}, "no length": func(r *http.Request) { r.ContentLength = -1 },
				"trailers": func(r *http.Request) {
					r.ContentLength, r.Trailer = -1, http.Header{"X-Checksum": {"x"}}
				},
			} {
				r, err := http.NewRequest(http.MethodPost, front.URL+"/oauth2/token", strings.NewReader(form))
				ok(t, err)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.SetBasicAuth("web", s.secrets["web"])
				change(r)
				front.Client().Timeout = 30 * time.Second
				a, err := front.Client().Do(r)
				if err != nil {
					t.Errorf("%s, %s, %d bytes: %v", name, how, size, err)
					continue
				}
				_, _ = io.Copy(io.Discard, a.Body) // the status tells
				_ = a.Body.Close()
				if a.StatusCode != want || a.ProtoMajor == 2 != http2 {
					t.Errorf("%s, %s, %d bytes: %s %d, want %d", name, how, size, a.Proto, a.StatusCode, want)
				}
			}
		}
	}
}

// cut is a body that ends in the middle.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, errors.New("connection reset by 10.1.2.3") }

func TestBodyThatBreaksOffIsRefused(t *testing.T) {
	s := usual(t)
	r := s.request("POST", "/oauth2/token", machineGrant)
	r.Body = io.NopCloser(cut{})
	a := s.send(r)
	a.wantError(http.StatusBadRequest, oauth.InvalidRequest)
	if strings.Contains(a.Body.String(), "10.1.2.3") {
		t.Errorf("the answer tells the cause: %s", a.Body)
	}
}

// unsent is a body of which nothing comes. It notes how much room there is for it.
type unsent struct{ room int }

func (b *unsent) Read(p []byte) (int, error) {
	b.room = max(b.room, len(p))
	return 0, io.ErrUnexpectedEOF
}

func (b *unsent) Close() error { return nil }

// Of many connections each of which promises much and sends nothing, the memory would be full.
func TestABodyThatIsOnlyPromisedTakesLittleMemory(t *testing.T) {
	s := usual(t)
	r := s.request(http.MethodPost, "/oauth2/token", "x")
	body := &unsent{}
	r.Body, r.ContentLength = body, 64<<10
	s.send(r).wantError(http.StatusBadRequest, oauth.InvalidRequest)
	if body.room == 0 || body.room > 8<<10 {
		t.Errorf("%d bytes of room", body.room)
	}
}

func TestResourceAloneMayRepeat(t *testing.T) {
	s := usual(t)
	body := machineGrant + "&resource=" + api + "&resource=" + otherAPI
	s.with(basic("web", s.secrets["web"]), body).wantStatus(http.StatusOK)
}

func TestHarmlessQueryParametersAreIgnored(t *testing.T) {
	s := usual(t)
	r := s.request("POST", "/oauth2/token?scope=profile&utm_source=x", machineGrant)
	r.SetBasicAuth("web", s.secrets["web"])
	if a := s.send(r); a.Code != http.StatusOK || a.json("scope") != "profile api:read api:write" {
		t.Errorf("%d %s: the query decided", a.Code, a.Body)
	}
}
