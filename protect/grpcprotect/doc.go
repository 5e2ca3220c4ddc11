// Package grpcprotect guards gRPC servers with the access tokens of an authorization server, as package protect guards
// net/http. It is a module of its own, so that only who serves gRPC depends on gRPC.
//
//	guard, err := protect.New(ctx, protect.Config{Issuer: "https://auth.example.com", Audience: "https://orders.example.com"})
//	options := grpcprotect.Options{
//		Methods: map[string][]string{"/orders.v1.Orders/Place": {"orders:write"}},
//		Default: []string{"orders:read"},
//		Open:    []string{"/grpc.health.v1.Health/Check"},
//	}
//	server := grpc.NewServer(
//		grpc.UnaryInterceptor(grpcprotect.Unary(guard, options)),
//		grpc.StreamInterceptor(grpcprotect.Stream(guard, options)),
//	)
//	ordersv1.RegisterOrdersServer(server, orders)
//	err = options.Check(server) // nothing is misspelt
//
// Both interceptors belong to every server: each sees its own kind of method only. Every method needs a token, in the
// metadata `authorization: Bearer ...`, unless Open names it; so health checks and reflection need one, too, until they
// are named there. protect.FromContext gives the token to handlers.
//
// A call without a good token ends with Unauthenticated, one whose token lacks a scope with PermissionDenied, and one whose
// token cannot be checked, because the authorization server is away, with Unavailable. The message begins with the error
// code of RFC 6750 section 3.1 where that has one, and holds nothing of the token.
//
// # Long streams
//
// A stream is checked when it begins. With Options.WholeStream it is checked at each message as well, in both directions:
// once the token has expired or was revoked, nothing more is received or sent, and the stream ends with Unauthenticated
// when the handler returns that error. Such a check costs next to nothing, as the Guard remembers tokens. A stream on
// which nothing moves is not looked at; keepalive.ServerParameters.MaxConnectionAge bounds those.
package grpcprotect
