package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/admin/api"
)

// remote speaks to the REST API: of a server, or of a store that this process holds. Commands know no difference.
type remote struct {
	base   string // URL of the API
	place  string // where it is, in words for people
	issuer string // what the server goes by
	client *http.Client
	bearer bearer // nil where nobody has to prove who he is
}

// bearer gives the access tokens that requests carry.
type bearer interface {
	token(ctx context.Context) (string, error)
	// renewed gives another token instead of one that was refused, or says why there is none.
	renewed(ctx context.Context, refused string) (string, error)
}

const (
	remoteTimeout = 30 * time.Second
	maxAnswer     = 64 << 20 // an export of a hundred thousand clients
	pageSize      = 200      // how many things are asked for at a time
)

// newHTTPClient gives a client that goes where it is sent and nowhere else: a token would follow a redirect.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: remoteTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// at makes the path of something. What is no name, because it would change the path, becomes one that nothing has.
func at(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			part = "-"
		}
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}

// found is what an answer tells besides its body.
type found struct {
	status int
	etag   string
}

func (r *remote) get(ctx context.Context, path string, out any) error {
	_, err := r.call(ctx, http.MethodGet, path, nil, out)
	return err
}

func (r *remote) post(ctx context.Context, path string, in, out any) error {
	_, err := r.call(ctx, http.MethodPost, path, in, out)
	return err
}

func (r *remote) put(ctx context.Context, path string, in, out any) error {
	_, err := r.call(ctx, http.MethodPut, path, in, out)
	return err
}

func (r *remote) patch(ctx context.Context, path string, in, out any) error {
	_, err := r.call(ctx, http.MethodPatch, path, in, out)
	return err
}

func (r *remote) delete(ctx context.Context, path string, out any) error {
	_, err := r.call(ctx, http.MethodDelete, path, nil, out)
	return err
}

// condition is a header of a conditional request (RFC 9110 section 13).
type condition struct{ name, value string }

// call asks for something. A refusal is a *refusal.
func (r *remote) call(ctx context.Context, method, path string, in, out any, conditions ...condition) (found, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return found{}, fmt.Errorf("write a request: %w", err)
		}
	}
	token, err := r.currentToken(ctx)
	if err != nil {
		return found{}, err
	}
	answer, content, err := r.send(ctx, method, path, body, token, conditions)
	if err == nil && answer.StatusCode == http.StatusUnauthorized && r.bearer != nil {
		if token, err = r.bearer.renewed(ctx, token); err != nil {
			return found{}, err
		}
		answer, content, err = r.send(ctx, method, path, body, token, conditions)
	}
	if err != nil {
		return found{}, err
	}
	return found{answer.StatusCode, answer.Header.Get("ETag")}, r.understand(answer, content, out)
}

func (r *remote) currentToken(ctx context.Context) (string, error) {
	if r.bearer == nil {
		return "", nil
	}
	return r.bearer.token(ctx)
}

// send sends one request and reads the answer whole.
func (r *remote) send(ctx context.Context, method, path string, body []byte, token string, conditions []condition) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "grantor/"+version)
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for _, c := range conditions {
		request.Header.Set(c.name, c.value)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, nil, r.unreachable(ctx, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, r.unreachable(ctx, err)
	}
	if len(content) > maxAnswer {
		return nil, nil, fmt.Errorf("%s answers with more than %d MB: that is no Grantor", r.place, maxAnswer>>20)
	}
	return answer, content, nil
}

// understand reads an answer. What is not in the words of the API is not shown: it may be anything.
func (r *remote) understand(answer *http.Response, content []byte, out any) error {
	mediaType, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch status := answer.StatusCode; {
	case status >= 300 && status < 400:
		return r.redirected(answer)
	case status >= 400:
		problem := &refusal{place: r.place}
		if mediaType != "application/problem+json" || json.Unmarshal(content, &problem.Problem) != nil || problem.Status == 0 {
			return fmt.Errorf("%s answers with the status %s and not as a Grantor does: see that the address is right", r.place, printable(answer.Status))
		}
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
			problem.after = time.Duration(seconds) * time.Second
		}
		return problem
	case out == nil || status == http.StatusNoContent:
		return nil
	}
	if mediaType != "application/json" {
		return fmt.Errorf("%s does not answer as a Grantor does: see that the address is right", r.place)
	}
	if err := json.Unmarshal(content, out); err != nil {
		return fmt.Errorf("%s gives an answer that cannot be read: see that it is not of another version than this program (%s)", r.place, version)
	}
	return nil
}

func (r *remote) redirected(answer *http.Response) error {
	where := ""
	if to, err := answer.Location(); err == nil {
		to.User, to.RawQuery, to.Fragment = nil, "", ""
		where = " to " + printable(to.String())
	}
	return fmt.Errorf("%s leads elsewhere%s, and no token is sent there: name the server by the address that it has itself (its issuer)", r.place, where)
}

// unreachable says of a request without an answer what to do about it.
func (r *remote) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	cause := err
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		cause = wrapped.Err
	}
	if network := (net.Error)(nil); errors.As(err, &network) && network.Timeout() {
		cause = fmt.Errorf("no answer within %s", remoteTimeout)
	}
	return fmt.Errorf("%s cannot be reached: see that it runs, or name another one with --server: %w", r.place, cause)
}

// each visits everything of a list, page by page. visit returns false to stop.
func each[T any](ctx context.Context, r *remote, path string, query url.Values, visit func(T) (bool, error)) error {
	asked := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for name, values := range query {
		asked[name] = values
	}
	for seen := map[string]bool{}; ; {
		var page api.Page[T]
		if err := r.get(ctx, path+"?"+asked.Encode(), &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if more, err := visit(item); err != nil || !more {
				return err
			}
		}
		if page.NextCursor == "" {
			return nil
		}
		if seen[page.NextCursor] {
			return fmt.Errorf("%s lists the same again and again", r.place)
		}
		seen[page.NextCursor] = true
		asked.Set("cursor", page.NextCursor)
	}
}

// all gives everything of a list.
func all[T any](ctx context.Context, r *remote, path string, query url.Values) ([]T, error) {
	list := []T{}
	err := each(ctx, r, path, query, func(item T) (bool, error) {
		list = append(list, item)
		return true, nil
	})
	return list, err
}

// whole gives a list that has one page only, such as that of keys or sessions.
func whole[T any](ctx context.Context, r *remote, path string) ([]T, error) {
	var page api.Page[T]
	err := r.get(ctx, path, &page)
	return page.Items, err
}
