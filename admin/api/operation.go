package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// operation says of an operation what its types do not.
type operation struct {
	method, path string // below Path
	id           string
	tag          string
	summary      string
	text         string // whole sentences
	also         string // what it needs besides what the table says: whole sentences
	status       int    // of success; 0: 200 with a body, 204 without
	optionalBody string // says what comes of a request without a body, which is allowed then
	example      any    // of the body
	problems     []kind // what it may answer besides what every operation may
}

// The answers of operations. A header that is empty is not sent.
type (
	// one is a single thing, with its version.
	one[T any] struct {
		Status int
		ETag   string `header:"ETag" doc:"The version of what is shown, for If-Match and If-None-Match."`
		Body   *T
	}
	// made is something that was just made.
	made[T any] struct {
		Status   int
		Location string `header:"Location" doc:"Where it stands from now on."`
		ETag     string `header:"ETag" doc:"The version of what is shown, for If-Match and If-None-Match."`
		Body     *T
	}
	// many is a page of a list.
	many[T any] struct {
		Link string `header:"Link" doc:"Where the next page is, as rel=next (RFC 8288). Absent on the last page."`
		Body Page[T]
	}
	// plain is an answer without a version.
	plain[T any] struct{ Body T }
	// nothing is an answer without a body.
	nothing struct{}
)

// taker is the input of an operation with a body.
type taker interface {
	take(*document)
	takes() reflect.Type
}

// register adds an operation, if the table has a rule for it. In is read by huma from path, query and header; the body by
// this package.
func register[In, Out any](s *service, o operation, h func(context.Context, *In) (*Out, error)) {
	key := o.method + " " + Path + o.path
	rule, ok := s.rules[key]
	if !ok || s.served[key] {
		s.faults = append(s.faults, "no rule says who may "+key)
		return
	}
	s.served[key] = true
	huma.Register(s.api, s.describeOperation(o, rule, reflect.TypeFor[In]()), func(ctx context.Context, in *In) (*Out, error) {
		if t, ok := any(in).(taker); ok {
			t.take(exchangeFrom(ctx).body)
		}
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.named(ctx, s.noted(ctx, asked(o.method, err)))
		}
		return out, nil
	})
	s.describeBody(o, reflect.TypeFor[*In]())
}

// notModified answers a reader who has this version already.
func notModified[T any](tag string) *one[T] {
	return &one[T]{Status: http.StatusNotModified, ETag: tag}
}

func shown[T any](value *T, version uint64) *one[T] {
	return &one[T]{Status: http.StatusOK, ETag: etag(version), Body: value}
}

// asked says of what the rules find wrong with a question that it stands in the query.
func asked(method string, err error) error {
	faults := faultsOf(err)
	if method != http.MethodGet || len(faults) == 0 {
		return err
	}
	for i, f := range faults {
		faults[i] = Fault{Parameter: f.Pointer[1:], Detail: f.Detail}
	}
	return invalid.faulty(faults...)
}
