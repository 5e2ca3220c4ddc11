package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCookiesAreNarrow(t *testing.T) {
	for _, c := range []struct {
		cookie *http.Cookie
		want   string
	}{
		{Cookie("session", "v", true, 0), "__Host-session=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{Cookie("session", "v", false, time.Hour), "session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		{Cookie("session", "", true, -1), "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	} {
		if got := c.cookie.String(); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}

func TestCookieIsReadUnderItsOwnNameOnly(t *testing.T) {
	r := get("/")
	r.Header.Set("Cookie", "session=plain; __Host-session=host; junk; other=\x01")
	if got := ReadCookie(r, "session", true); got != "host" {
		t.Errorf("on https: %q", got)
	}
	if got := ReadCookie(r, "session", false); got != "plain" {
		t.Errorf("on http: %q", got)
	}
	if got := ReadCookie(r, "other", false) + ReadCookie(r, "absent", true); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestEveryCookieThatWeSetIsReadAgain(t *testing.T) {
	for _, https := range []bool{true, false} {
		r := get("/")
		value := strings.Repeat("aZ09-_", 20)
		r.AddCookie(Cookie("browser", value, https, time.Hour))
		if got := ReadCookie(r, "browser", https); got != value {
			t.Errorf("https %t: %q", https, got)
		}
	}
}
