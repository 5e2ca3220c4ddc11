package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"time"
)

// CookieNames are those of one issuer. The browser cookie tells one browser from another before anybody signs in: forms and
// waiting requests are bound to it. The session cookie is who is signed in.
type CookieNames struct{ Browser, Session string }

const browserAge = 365 * 24 * time.Hour

// NewCookieNames tells the cookies of issuers apart that share a host and differ by path, which is given as base: a __Host-
// cookie cannot.
func NewCookieNames(base string) CookieNames {
	suffix := ""
	if base != "" {
		sum := sha256.Sum256([]byte(base))
		suffix = "_" + hex.EncodeToString(sum[:4])
	}
	return CookieNames{Browser: "grantor_browser" + suffix, Session: "grantor_session" + suffix}
}

// BrowserOf gives the value of the browser cookie, and gives a browser that has none its cookie. It is "" for a POST
// without one.
func (n CookieNames) BrowserOf(w http.ResponseWriter, r *http.Request, https bool) string {
	if value := ReadCookie(r, n.Browser, https); isBrowserValue(value) {
		return value
	}
	if r.Method == http.MethodPost {
		return "" // sent from another site, which cookies do not go along with: the browser may well have one
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	value := base64.RawURLEncoding.EncodeToString(random[:])
	http.SetCookie(w, Cookie(n.Browser, value, https, browserAge))
	return value
}

func isBrowserValue(value string) bool {
	b, err := base64.RawURLEncoding.DecodeString(value)
	return err == nil && len(b) == 32
}
