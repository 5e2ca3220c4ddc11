package web

import (
	"net/http"
	"time"
)

// Cookie makes a cookie that only this host gets back and no script reads. On https its name begins with __Host-, so that
// neither a neighbouring host nor plain http can set it. A maxAge of 0 lasts until the browser closes; a negative one
// deletes.
func Cookie(name, value string, https bool, maxAge time.Duration) *http.Cookie {
	seconds := int(maxAge / time.Second)
	if maxAge < 0 {
		seconds = -1
	}
	return &http.Cookie{
		Name: cookieName(name, https), Value: value, Path: "/", MaxAge: seconds,
		Secure: https, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// ReadCookie returns the value of a cookie that Cookie made, or "".
func ReadCookie(r *http.Request, name string, https bool) string {
	cookie, err := r.Cookie(cookieName(name, https))
	if err != nil {
		return "" // absent, the only error there is
	}
	return cookie.Value
}

func cookieName(name string, https bool) string {
	if https {
		return "__Host-" + name
	}
	return name
}
