package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// maxForm bounds the body of a request in bytes.
const maxForm = 64 << 10

// form holds the parameters of a request body. Each occurs once; resource may repeat (RFC 8707 section 2).
type form map[string][]string

func (f form) get(name string) string {
	if len(f[name]) == 0 {
		return ""
	}
	return f[name][0]
}

// secretParameters must never stand in a URL, where logs and browsers keep them (RFC 6749 sections 2.3.1, 3.2).
var secretParameters = []string{
	"client_secret", "code", "code_verifier", "refresh_token", "token", "password", "client_assertion", "grant_type",
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
	values, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	for name, given := range values {
		if len(given) > 1 && name != "resource" {
			return nil, invalidRequest("a parameter is given more than once").By("no parameter is sent twice", "RFC 6749 section 3.2").
				But(func() string { return fmt.Sprintf("%s was sent %d times", oauth.Sent(name), len(given)) })
		}
		for _, value := range given {
			if !oauth.IsText(value) {
				return nil, invalidRequest("a parameter holds control characters or is not UTF-8").
					By("parameters are UTF-8 without control characters", "RFC 6749 appendix A").
					But(func() string { return "it is " + oauth.Sent(name) })
			}
		}
	}
	return form(values), nil
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

// readBody decodes an application/x-www-form-urlencoded body.
func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("the body must be application/x-www-form-urlencoded").
			By("the body is a form", formSource).But(func() string { return "got " + oauth.Sent(kind) })
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, invalidRequest("the body must not be compressed").By("the body is a form", formSource).
			But(func() string { return "got the Content-Encoding " + oauth.Sent(encoding) })
	}
	web.LimitBody(w, r, maxForm)
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		unread := invalidRequest("the body could not be read").By("the body comes whole, and soon", "RFC 9110 section 15.5.9")
		unread.Cause = fmt.Errorf("read body: %w", err)
		return nil, unread
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidRequest("the body is not a well-formed form").By(encodedRule, formSource).Saying("the body is not")
	}
	return values, nil
}

func invalidRequest(description string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: description}
}
