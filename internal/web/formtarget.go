package web

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Schemes that run or show what they carry; no redirect may end there, so no page names them.
var activeSchemes = []string{"javascript", "data", "vbscript", "blob", "filesystem", "about", "file", "view-source"}

// FormTargets gives the form-action sources of a page whose form ends at a redirect URI. An application on the web often
// redirects on to another of its origins, and Chrome holds form-action against that too: any https place is named then. A
// page of ours has no form that could be bent, as it takes no markup from anybody.
func FormTargets(redirectURI string) []string {
	target := FormTarget(redirectURI)
	if !strings.HasPrefix(target, "http") {
		return []string{target}
	}
	return []string{target, "https:"}
}

// FormTarget turns a redirect URI into a source for the form-action of a page, or "" where it must not be one:
//
//	https://app.example.com/cb     https://app.example.com
//	http://127.0.0.1:9999/cb       http://127.0.0.1:*         the port of a loopback client floats (RFC 8252)
//	http://[::1]:9999/cb           http:                      a policy has no word for an IPv6 host
//	com.example.app:/cb            com.example.app:
func FormTarget(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" || slices.Contains(activeSchemes, u.Scheme) {
		return ""
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return u.Scheme + ":"
	}
	if u.Hostname() == "" {
		return ""
	}
	source := webSource(u)
	if !isSource(source) {
		return ""
	}
	return source
}

func webSource(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if !isPolicyHost(host) {
		return u.Scheme + ":"
	}
	if u.Scheme == "http" && isLoopback(host) {
		return "http://" + host + ":*"
	}
	if u.Port() == "" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + host + ":" + u.Port()
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// isPolicyHost tells whether a policy has a word for the host: letters, digits and hyphens between dots.
func isPolicyHost(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.ContainsFunc(label, func(c rune) bool { return !isLetterOrDigit(c) && c != '-' }) {
			return false
		}
	}
	return true
}

// isSource refuses whatever could end the source and begin another one, or a directive.
func isSource(source string) bool {
	return source != "" && !strings.ContainsFunc(source, func(c rune) bool {
		return !isLetterOrDigit(c) && !strings.ContainsRune("-._~:/*+", c)
	})
}

func isLetterOrDigit(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
