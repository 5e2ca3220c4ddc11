package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// maxForm bounds the body of a request in bytes.
const maxForm = 64 << 10

// form holds the parameters of a request body in their order. Each occurs once; resource may repeat (RFC 8707 section 2).
type form []parameter

type parameter struct{ name, value string }

func (f form) get(name string) string {
	for i := range f {
		if f[i].name == name {
			return f[i].value
		}
	}
	return ""
}

func (f form) all(name string) (values []string) {
	for i := range f {
		if f[i].name == name {
			values = append(values, f[i].value)
		}
	}
	return values
}

func (f form) values() url.Values {
	v := make(url.Values, len(f))
	for i := range f {
		v.Add(f[i].name, f[i].value)
	}
	return v
}

// secretParameters must never stand in a URL, where logs and browsers keep them (RFC 6749 sections 2.3.1, 3.2).
var secretParameters = []string{
	"client_secret", "code", "code_verifier", "device_code", "refresh_token", "token", "password", "client_assertion", "grant_type",
}

const (
	encodedRule = "parameters are form-encoded"
	formSource  = "RFC 6749 appendix B"
)

// readForm reads the parameters of a POST from its body alone, each once (RFC 6749 section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	if err := checkQuery(r); err != nil {
		return nil, err
	}
	f, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if name, times := f.repeated(); times > 1 {
		return nil, sentTwice(name, times)
	}
	for i := range f {
		if !oauth.IsText(f[i].value) {
			return nil, noText(f[i].name)
		}
	}
	return f, nil
}

// repeated gives a parameter that occurs more than once and must not.
func (f form) repeated() (name string, times int) {
	if len(f) > usualParameters { // comparing each with each would take as long as somebody likes
		for name, given := range f.values() {
			if len(given) > 1 && name != "resource" {
				return name, len(given)
			}
		}
		return "", 0
	}
	for i := range f {
		if f[i].name != "resource" && f[i:].count(f[i].name) > 1 {
			return f[i].name, f.count(f[i].name)
		}
	}
	return "", 0
}

func (f form) count(name string) (n int) {
	for i := range f {
		if f[i].name == name {
			n++
		}
	}
	return n
}

func sentTwice(name string, times int) *oauth.Error {
	return invalidRequest("a parameter is given more than once").By("no parameter is sent twice", "RFC 6749 section 3.2").
		But(func() string { return fmt.Sprintf("%s was sent %d times", oauth.Sent(name), times) })
}

func noText(name string) *oauth.Error {
	return invalidRequest("a parameter holds control characters or is not UTF-8").
		By("parameters are UTF-8 without control characters", "RFC 6749 appendix A").
		But(func() string { return "it is " + oauth.Sent(name) })
}

func checkQuery(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalidRequest("the query is malformed").By(encodedRule, formSource).Saying("its query is not")
	}
	for _, name := range secretParameters {
		if query.Has(name) {
			return invalidRequest("parameters belong into the body of the request, not into its URL").
				By("secrets never stand in a URL", "RFC 6749 section 2.3.1").Saying("the query holds " + name)
		}
	}
	return nil
}

// readBody decodes the body, which must be a form.
func readBody(w http.ResponseWriter, r *http.Request) (form, error) {
	if kind, ok := isForm(r.Header.Get("Content-Type")); !ok {
		return nil, noForm("the body must be "+formType, "", kind)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, noForm("the body must not be compressed", "the Content-Encoding ", encoding)
	}
	body, err := readAll(w, r)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		unread := invalidRequest("the body could not be read").By("the body comes whole, and soon", "RFC 9110 section 15.5.9")
		unread.Cause = fmt.Errorf("read body: %w", err)
		return nil, unread
	}
	f, ok := parseForm(string(body))
	if !ok {
		return nil, invalidRequest("the body is not a well-formed form").By(encodedRule, formSource).Saying("the body is not")
	}
	return f, nil
}

// usualParameters is as many as most forms have, and a few more.
const usualParameters = 8

// maxParameters bounds how many a form has, as package net/url does.
const maxParameters = 10_000

// parseForm takes what url.ParseQuery takes, for less: there is no map.
func parseForm(body string) (form, bool) {
	if strings.Count(body, "&") >= maxParameters {
		return nil, false
	}
	f := make(form, 0, usualParameters)
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if strings.Contains(pair, ";") {
			return nil, false
		}
		if pair == "" {
			continue
		}
		encodedName, encodedValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(encodedName)
		if err != nil {
			return nil, false
		}
		value, err := url.QueryUnescape(encodedValue)
		if err != nil {
			return nil, false
		}
		f = append(f, parameter{name, value})
	}
	return f, true
}

// formType is the media type of a form, as nearly every request spells it.
const formType = "application/x-www-form-urlencoded"

func isForm(contentType string) (kind string, ok bool) {
	if contentType == formType {
		return formType, true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return kind, err == nil && kind == formType
}

func noForm(description, what, got string) *oauth.Error {
	return invalidRequest(description).By("the body is a form", formSource).But(func() string { return "got " + what + oauth.Sent(got) })
}

// usualForm is longer than nearly all bodies, in bytes.
const usualForm = 4 << 10

// readAll reads a body of at most maxForm bytes, at once where its length is known and not much: a longer one gets its room
// as it comes, for who promises much may send nothing.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if 0 <= r.ContentLength && r.ContentLength <= usualForm { // the body ends there
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	web.LimitBody(w, r, maxForm)
	body, err := io.ReadAll(r.Body)
	if err == nil && int64(len(body)) < r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return body, err
}

func invalidRequest(description string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: description}
}
