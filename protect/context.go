package protect

import "context"

type contextKey struct{}

// tokenContext carries a token with one allocation.
type tokenContext struct {
	context.Context
	token *Token
}

// Value gives the token under its key.
func (c *tokenContext) Value(key any) any {
	if key == (contextKey{}) {
		return c.token
	}
	return c.Context.Value(key)
}

// NewContext gives a context that carries the token: for what is not net/http, and for tests of handlers.
func NewContext(ctx context.Context, t *Token) context.Context { return &tokenContext{ctx, t} }

// FromContext gives the token of the request, nil where none was checked.
func FromContext(ctx context.Context) *Token {
	t, _ := ctx.Value(contextKey{}).(*Token)
	return t
}
