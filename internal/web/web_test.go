package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// exchangeLog is what one request gave: its answer and its log lines.
type exchangeLog struct {
	*httptest.ResponseRecorder
	lines []string
}

func (e exchangeLog) event(t *testing.T) map[string]any {
	t.Helper()
	if len(e.lines) != 1 {
		t.Fatalf("%d log lines: %q", len(e.lines), e.lines)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(e.lines[0]), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func serve(c Config, r *http.Request, handler http.HandlerFunc) exchangeLog {
	var log bytes.Buffer
	return serveLogging(c, &log, NewJSONLines(&log, slog.LevelInfo), r, handler)
}

func serveLogging(c Config, log *bytes.Buffer, lines slog.Handler, r *http.Request, handler http.HandlerFunc) exchangeLog {
	c.Log = slog.New(lines)
	answer := httptest.NewRecorder()
	New(c)(handler).ServeHTTP(answer, r)
	return exchangeLog{answer, strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")}
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func nothing(http.ResponseWriter, *http.Request) {}

func TestEveryAnswerCarriesTheCommonHeaders(t *testing.T) {
	answer := serve(Config{HTTPS: true}, get("/"), nothing)
	for key, want := range map[string]string{
		"X-Content-Type-Options":    "nosniff",
		"Strict-Transport-Security": "max-age=31536000",
		"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	} {
		if got := answer.Header().Get(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
	if plain := serve(Config{}, get("/"), nothing); plain.Header().Get("Strict-Transport-Security") != "" {
		t.Error("HSTS without https")
	}
}

func TestHandlersCannotSpoilTheHeadersOfOthers(t *testing.T) {
	serve(Config{}, get("/"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Content-Type-Options", "more")
		w.Header().Set("Content-Security-Policy", "default-src *")
	})
	answer := serve(Config{}, get("/"), nothing)
	if got := answer.Header().Values("X-Content-Type-Options"); !slices.Equal(got, []string{"nosniff"}) {
		t.Errorf("got %q", got)
	}
	if strings.Contains(answer.Header().Get("Content-Security-Policy"), "*") {
		t.Error("the policy of another answer came through")
	}
}

func TestRequestIDIsOurOwn(t *testing.T) {
	r := get("/")
	r.Header.Set("X-Request-Id", "forged")
	var inside string
	answer := serve(Config{}, r, func(_ http.ResponseWriter, r *http.Request) { inside = EventFrom(r.Context()).RequestID })
	id := answer.Header().Get("X-Request-Id")
	if len(id) != 32 || id != inside || id != answer.event(t)["id"] {
		t.Errorf("answered %q, in the handler %q, logged %v", id, inside, answer.event(t)["id"])
	}
	if second := serve(Config{}, get("/"), nothing); second.Header().Get("X-Request-Id") == id {
		t.Error("two requests have one id")
	}
}

func TestOneEventTellsTheRequest(t *testing.T) {
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := func() time.Time {
		clock = clock.Add(1500 * time.Microsecond)
		return clock
	}
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token?secret=s3cret", nil)
	answer := serve(Config{Now: now}, r, func(w http.ResponseWriter, r *http.Request) {
		event := EventFrom(r.Context())
		event.Client, event.Subject, event.Grant = "demo", "usr_1", "refresh_token"
		event.Error, event.Description, event.Cause = "invalid_grant", "used before", errors.New("record is gone")
		w.WriteHeader(http.StatusBadRequest)
	})
	event := answer.event(t)
	delete(event, "time")
	delete(event, "id")
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "POST", "path": "/oauth2/token", "status": 400.0, "duration_ms": 1.5,
		"address": "192.0.2.1", "client": "demo", "subject": "usr_1", "grant": "refresh_token", "error": "invalid_grant",
		"description": "used before", "cause": "record is gone",
	}
	for key, value := range want {
		if event[key] != value {
			t.Errorf("%s is %v, not %v", key, event[key], value)
		}
		delete(event, key)
	}
	if len(event) > 0 || strings.Contains(answer.lines[0], "s3cret") {
		t.Errorf("the log says more than it may: %s", answer.lines[0])
	}
}

func TestLevelFollowsTheStatus(t *testing.T) {
	for status, level := range map[int]string{200: "INFO", 302: "INFO", 404: "INFO", 499: "INFO", 500: "ERROR", 503: "ERROR"} {
		event := serve(Config{}, get("/"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }).event(t)
		if event["level"] != level || event["status"] != float64(status) {
			t.Errorf("status %d is logged as %v at %v", status, event["status"], event["level"])
		}
	}
}

func TestStatusIsWhatTheCallerGot(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		status  int
	}{
		"nothing written": {nothing, 200},
		"body only":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, 200},
		"early hints":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404},
		"first wins":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); w.WriteHeader(200) }, 401},
	}
	for name, c := range cases {
		if event := serve(Config{}, get("/"), c.handler).event(t); event["status"] != float64(c.status) {
			t.Errorf("%s: %v", name, event["status"])
		}
	}
}

func TestSecretsInAPathAreNotLogged(t *testing.T) {
	secret := strings.Repeat("aZ09-_", 8)
	for path, want := range map[string]string{
		"/admin/api/v1/authorizations/grat_" + secret:             "/admin/api/v1/authorizations/grat_...",
		"/admin/auth-clients/grcs_" + secret + "/edit":            "/admin/auth-clients/grcs_.../edit",
		"/x/eyJhbGciOiJFUzI1NiJ9.eyJh." + secret:                  "/x/eyJhb...",
		"/oauth2/authorize&code=grac_" + secret + "&state=1":      "/oauth2/authorize&code=grac_...&state=1", // "&" where "?" should be
		"/login%3Fa=grrt_" + secret + "%26b=eyJhbGciOi." + secret: "/login?a=grrt_...&b=eyJhb...",            // encoded twice
		"/admin/groups/grp_0123456789abcdef0123456789abcdef":      "/admin/groups/grp_0123456789abcdef0123456789abcdef",
		"/admin/auth-clients/great-gardens-of-the-whole-world1":   "/admin/auth-clients/great-gardens-of-the-whole-world1",
		"/": "/",
	} {
		if got := serve(Config{}, get(path), nothing).event(t)["path"]; got != want {
			t.Errorf("%s is logged as %v", path, got)
		}
	}
}

func TestLogLinesCannotBeForged(t *testing.T) {
	marker := "\n{\"level\":\"INFO\",\"msg\":\"forged\"}\r\u2028\x1b[2J\u202e\x00\x7f\xff"
	r := get("/")
	r.URL.Path = "/" + marker
	r.Method = "GET" + marker
	var out bytes.Buffer
	handler := func(_ http.ResponseWriter, r *http.Request) {
		event := EventFrom(r.Context())
		event.Client, event.Subject, event.Grant, event.Error, event.Description = marker, marker, marker, marker, marker
		event.Cause = errors.New(marker)
	}
	New(Config{Log: slog.New(slog.NewTextHandler(&out, nil))})(http.HandlerFunc(handler)).ServeHTTP(httptest.NewRecorder(), r)
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("%d lines: %s", got, out.String())
	}
	if strings.ContainsAny(out.String(), "\r\x1b\x00\x7f\u2028\u202e") {
		t.Errorf("control characters in the log: %q", out.String())
	}
}

func TestLongFieldsAreCut(t *testing.T) {
	r := get("/" + strings.Repeat("ä", 5000))
	event := serve(Config{}, r, func(_ http.ResponseWriter, r *http.Request) {
		EventFrom(r.Context()).Description = strings.Repeat("d", 5000)
	}).event(t)
	if path := event["path"].(string); len(path) > shortField+3 || !strings.HasSuffix(path, "...") {
		t.Errorf("the path has %d bytes", len(path))
	}
	if description := event["description"].(string); len(description) != longField+3 {
		t.Errorf("the description has %d bytes", len(description))
	}
}

func TestPathMayBeReplacedByItsHandler(t *testing.T) {
	event := serve(Config{}, get("/setup/s3cret"), func(_ http.ResponseWriter, r *http.Request) {
		EventFrom(r.Context()).Path = "/setup/{token}"
	}).event(t)
	if event["path"] != "/setup/{token}" {
		t.Errorf("logged %v", event["path"])
	}
}

func TestPanicIsAnsweredWithoutDetail(t *testing.T) {
	for accept, contentType := range map[string]string{"": "application/json", "text/html,*/*": "text/plain; charset=utf-8"} {
		r := get("/")
		r.Header.Set("Accept", accept)
		answer := serve(Config{HTTPS: true}, r, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Content-Length", "9999")
			panic("pq: password is hunter2")
		})
		if answer.Code != 500 || answer.Header().Get("Content-Type") != contentType || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("answered %d %v", answer.Code, answer.Header())
		}
		if answer.Header().Get("Set-Cookie") != "" || answer.Header().Get("Content-Length") != "" || answer.Header().Get("X-Request-Id") == "" ||
			answer.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("headers of the failed answer: %v", answer.Header())
		}
		if body := answer.Body.String(); strings.Contains(body, "hunter2") || strings.Contains(body, ".go") {
			t.Errorf("the answer tells: %s", body)
		}
		event := answer.event(t)
		if event["level"] != "ERROR" || event["cause"] != "panic: pq: password is hunter2" || !strings.Contains(event["stack"].(string), "web_test.go") {
			t.Errorf("logged %v", event)
		}
	}
}

func TestAPanicOfWhoIsToldThatARequestBeganIsLogged(t *testing.T) {
	told := 0
	c := Config{
		Began: func(context.Context, *http.Request, *Event) context.Context { panic("no span") },
		Done:  func(_ *http.Request, e *Event) { told = e.Status },
	}
	answer := serve(c, get("/"), func(http.ResponseWriter, *http.Request) { t.Error("it is served") })
	if event := answer.event(t); event["level"] != "ERROR" || event["cause"] != "panic: no span" || event["id"] != answer.Header().Get("X-Request-Id") {
		t.Errorf("logged %v", event)
	}
	if answer.Code != http.StatusInternalServerError || told != answer.Code {
		t.Errorf("answered %d, told %d", answer.Code, told)
	}
}

func TestPanicAfterTheFirstByteBreaksTheConnection(t *testing.T) {
	var aborted any
	answer := func() exchangeLog {
		var log bytes.Buffer
		recorder := httptest.NewRecorder()
		func() {
			defer func() { aborted = recover() }()
			New(Config{Log: slog.New(slog.NewJSONHandler(&log, nil))})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half")
				panic("later")
			})).ServeHTTP(recorder, get("/"))
		}()
		return exchangeLog{recorder, []string{log.String()}}
	}()
	if aborted != http.ErrAbortHandler {
		t.Errorf("the connection goes on: %v", aborted)
	}
	if event := answer.event(t); event["level"] != "ERROR" || event["cause"] != "panic: later" {
		t.Errorf("logged %v", event)
	}
}

func TestAbortedHandlerIsLoggedAndAborted(t *testing.T) {
	var log bytes.Buffer
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the handler was not aborted")
		}
		if strings.Contains(log.String(), "stack") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("logged %s", log.String())
		}
	}()
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	New(Config{Log: slog.New(slog.NewJSONHandler(&log, nil))})(http.HandlerFunc(abort)).ServeHTTP(httptest.NewRecorder(), get("/"))
}

func TestBodyIsLimited(t *testing.T) {
	for size, allowed := range map[int]bool{99: true, 100: true, 101: false} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size)))
		serve(Config{BodyLimit: 100}, r, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) == allowed {
				t.Errorf("%d bytes: %v", size, err)
			}
		})
	}
}

func TestLaterLimitCanOnlyBeSmaller(t *testing.T) {
	for limit, want := range map[int64]int{10: 10, 1000: 100} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 500)))
		serve(Config{BodyLimit: 100}, r, func(w http.ResponseWriter, r *http.Request) {
			LimitBody(w, r, limit)
			if body, err := io.ReadAll(r.Body); err == nil || len(body) != want {
				t.Errorf("limit %d: read %d bytes, %v", limit, len(body), err)
			}
		})
	}
}

func TestConnectionEndsAfterATooLargeBody(t *testing.T) {
	server := httptest.NewServer(New(Config{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		LimitBody(w, r, 10)
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})))
	defer server.Close()
	answer, err := server.Client().Post(server.URL, "text/plain", strings.NewReader(strings.Repeat("x", 100)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if !answer.Close || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, closing: %t", answer.StatusCode, answer.Close)
	}
}

func TestSmuggledRequestIsNotAnswered(t *testing.T) {
	server := httptest.NewServer(New(Config{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, err = io.WriteString(connection, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+
		"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	first, err := http.ReadResponse(reader, nil)
	if err != nil || !first.Close {
		t.Fatalf("first answer: %v, %v", first, err)
	}
	_, _ = io.Copy(io.Discard, first.Body)
	if second, err := http.ReadResponse(reader, nil); err == nil {
		t.Errorf("a second answer: %v", second)
	}
}

func TestConnectionIsKeptForPlainRequests(t *testing.T) {
	if answer := serve(Config{}, get("/"), nothing); answer.Header().Get("Connection") != "" {
		t.Error("the connection of a plain request is closed")
	}
}

func TestWriterKeepsItsAbilities(t *testing.T) {
	serve(Config{}, get("/"), func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
}

func TestForwardedHostAndProtoChangeNothing(t *testing.T) {
	r := get("http://issuer.example/path")
	for key, value := range map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-HTTP-Method-Override": "DELETE", "Forwarded": "for=6.6.6.6;host=evil.example"} {
		r.Header.Set(key, value)
	}
	c := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	serve(c, r, func(_ http.ResponseWriter, r *http.Request) {
		if r.Host != "issuer.example" || r.Method != http.MethodGet || r.TLS != nil || r.URL.Scheme == "https" || Address(r.Context()).String() != "192.0.2.1" {
			t.Errorf("the request became %s %s from %s", r.Method, r.Host, Address(r.Context()))
		}
	})
}

func TestEventIsAtHandWithoutTheChain(t *testing.T) {
	EventFrom(t.Context()).Error = "nobody reads this"
	if EventFrom(t.Context()).Error != "" || Address(t.Context()).IsValid() {
		t.Error("an event outlived its reader")
	}
}

func BenchmarkChain(b *testing.B) {
	handler := New(Config{Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), HTTPS: true})(http.HandlerFunc(nothing))
	r := get("/oauth2/token")
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkWithoutChain(b *testing.B) {
	r := get("/oauth2/token")
	b.ReportAllocs()
	for b.Loop() {
		http.HandlerFunc(nothing).ServeHTTP(httptest.NewRecorder(), r)
	}
}
