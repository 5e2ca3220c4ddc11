package account

import "context"

// Actor is who does something: a user, a client, the system itself, the command line, or a guest not yet known.
type Actor struct {
	Kind    string `json:"kind"` // user, client, system, cli, guest
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// The kinds of actors.
const (
	ActorUser   = "user"
	ActorClient = "client"
	ActorSystem = "system"
	ActorCLI    = "cli"
	ActorGuest  = "guest"
)

type causeKey struct{}

// cause is why something is done: who acts, and in which request.
type cause struct {
	actor     Actor
	requestID string
}

func causeFrom(ctx context.Context) cause {
	if c, ok := ctx.Value(causeKey{}).(*cause); ok {
		return *c
	}
	return cause{actor: Actor{Kind: ActorSystem}}
}

// WithRequest names the request that is served under the context, and who sent it.
func WithRequest(ctx context.Context, id string, sender Actor) context.Context {
	return &causeContext{ctx, cause{sender, id}}
}

// causeContext is a context that holds a cause.
type causeContext struct {
	context.Context
	cause cause
}

// Value is part of context.Context.
func (c *causeContext) Value(key any) any {
	if key == (causeKey{}) {
		return &c.cause
	}
	return c.Context.Value(key)
}

// WithActor says who acts in what is done under the context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return WithRequest(ctx, RequestIDFrom(ctx), a)
}

// Identify says who sent the request that is served under the context, once it is known. Only what serves the request may
// call it, before it hands the context on.
func Identify(ctx context.Context, kind, id, name string) {
	if c, ok := ctx.Value(causeKey{}).(*cause); ok {
		c.actor.Kind, c.actor.ID, c.actor.Name = kind, id, name
	}
}

// ActorFrom tells who acts under the context: the system itself, where nobody else was named.
func ActorFrom(ctx context.Context) Actor { return causeFrom(ctx).actor }

// RequestIDFrom gives the id of the request that is served under the context, "" outside a request.
func RequestIDFrom(ctx context.Context) string { return causeFrom(ctx).requestID }
