package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/oauth"
)

// NewTransport gives a door to the same operations for programs that hold the store themselves. Requests go to Path at any
// host, act as the actor of their context with account.RightsFrom(ctx), and carry no token. It is a RoundTripper and no
// Handler, so that nobody can serve it to a network.
func NewTransport(c Config) (http.RoundTripper, error) {
	s := &service{Config: c, admit: byContext, address: c.Provider.Issuer() + Path}
	s.built = sync.OnceValue(func() error { return s.build(access.API()) })
	if err := s.built(); err != nil {
		return nil, err
	}
	return &transport{s}, nil
}

type transport struct{ service *service }

var errNobody = errors.New("this door is for the system and the command line: name one of them as the actor of the context")

// byContext lets in whoever the context names.
func byContext(r *http.Request) (*oauth.Access, error) {
	actor := account.ActorFrom(r.Context())
	if actor.Kind != account.ActorSystem && actor.Kind != account.ActorCLI {
		return nil, errNobody
	}
	return &oauth.Access{Actor: actor, Rights: account.RightsFrom(r.Context())}, nil
}

// RoundTrip answers a request within the process.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context()) // a RoundTripper must not change the request
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	inner := r.Clone(r.Context())
	inner.RemoteAddr = ""
	t.service.ServeHTTP(answer, inner)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status)), StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
