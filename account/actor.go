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

type actorKey struct{}

type requestIDKey struct{}

// WithActor says who acts in what is done under the context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom tells who acts under the context: the system itself, where nobody else was named.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorSystem}
}

// WithRequestID names the request that is served under the context.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestIDFrom gives the id of the request that is served under the context, "" outside a request.
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
