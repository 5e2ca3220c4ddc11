package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
)

// exchange is what the guard has found out about a request, for its operation.
type exchange struct {
	request *http.Request
	rule    access.Rule
	access  *oauth.Access // nil where nobody needs to be known
	body    *document     // nil where none was sent
}

type exchangeKey struct{}

func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// guard lets through who meets the rule of an operation: it says who acts and what he may do. Nothing of a request but its
// method, path and header has been read before.
func (s *service) guard(h huma.Context, next func(huma.Context)) {
	r, w := humamux.Unwrap(h)
	x := &exchange{request: r, rule: s.rules[h.Operation().Method+" "+Path+h.Operation().Path]}
	ctx, err := s.enter(r, x)
	if err == nil {
		err = s.readBody(h.Operation(), x)
	}
	if err != nil {
		s.fail(w, r.WithContext(ctx), err)
		return
	}
	next(huma.WithContext(h, context.WithValue(ctx, exchangeKey{}, x)))
}

// enter gives the context in which the operation runs. It is always a usable one.
func (s *service) enter(r *http.Request, x *exchange) (context.Context, error) {
	ctx := r.Context()
	if x.rule.Need == access.Nothing {
		return ctx, nil
	}
	known, err := s.admit(r)
	if err != nil {
		return ctx, err
	}
	x.access = known
	ctx = s.actAs(ctx, known)
	if err := s.Limits.Take(limit.Admin, cmp.Or(known.UserID, known.ClientID)); err != nil {
		return ctx, err
	}
	if err := x.rule.Need.Check(known.Rights); err != nil {
		return ctx, s.insufficient(ctx, x, err)
	}
	return ctx, checkQuery(r)
}

// actAs says in the context, and in the log, who acts and what he may do.
func (s *service) actAs(ctx context.Context, known *oauth.Access) context.Context {
	event := web.EventFrom(ctx)
	event.Client, event.Subject, event.Proven = known.ClientID, known.UserID, true
	if event.Subject == "" {
		event.Subject = known.ClientID
	}
	actor := known.Actor
	if event.Address != "" {
		actor.Address = event.Address
	}
	return account.WithRights(account.WithActor(ctx, actor), known.Rights)
}

// byToken lets in the bearer of an access token (RFC 6750 section 2.1): in the header and nowhere else, since a cookie is
// sent by browsers unasked and a query ends up in logs.
func (s *service) byToken(r *http.Request) (*oauth.Access, error) {
	sent := r.Header.Values("Authorization")
	if len(sent) > 1 {
		return nil, errAuthorizations
	}
	var token string
	if len(sent) == 1 {
		scheme, rest, _ := strings.Cut(sent[0], " ")
		if strings.EqualFold(scheme, "Bearer") {
			token = strings.Trim(rest, " ")
		}
	}
	if token == "" {
		return nil, errNoToken
	}
	known, err := s.Provider.AdminAccess(r.Context(), token)
	if errors.Is(err, oauth.ErrNotActive) {
		return nil, errors.Join(errInvalidToken, err)
	}
	return known, err
}

// insufficient refuses a token that does not reach far enough (RFC 6750 section 3.1), and notes that it was tried.
func (s *service) insufficient(ctx context.Context, x *exchange, refusal error) error {
	need := string(x.rule.Need)
	if x.rule.Need == access.Any {
		need = oauth.AdminScope
	}
	return errors.Join(&scopeError{need, refusal}, s.refused(ctx, x, refusal))
}

// refused notes in the audit log that somebody asked for what he may not have.
func (s *service) refused(ctx context.Context, x *exchange, refusal error) error {
	return s.Directory.RecordRefusal(ctx, "api:"+x.rule.Path, x.rule.Method, refusal)
}

// noted is refused for what the rules behind an operation refuse.
func (s *service) noted(ctx context.Context, err error) error {
	var forbidden *account.ForbiddenError
	if errors.As(err, &forbidden) {
		return errors.Join(err, s.refused(ctx, exchangeFrom(ctx), forbidden))
	}
	return err
}

// checkQuery refuses a parameter that is given twice: nobody could say which of the two counts; and a query that cannot be
// read in full: without the part that is passed over it would ask for more than was meant.
func checkQuery(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errors.Join(malformed.saying("The query could not be read."), err)
	}
	for name, values := range query {
		if len(values) > 1 {
			return parameterFault(name, "It must not be given more than once.")
		}
	}
	return nil
}
