package grpcprotect

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grantor-dev/grantor/protect"
)

// Unary guards the methods that take one message and answer with one.
func Unary(guard *protect.Guard, o Options) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if o.isOpen(info.FullMethod) {
			return handler(ctx, request)
		}
		c := &call{guard: guard, scopes: o.scopes(info.FullMethod)}
		ctx, err := c.begin(ctx)
		if err != nil {
			return nil, err
		}
		return handler(ctx, request)
	}
}

// Stream guards the methods that take or answer with a stream.
func Stream(guard *protect.Guard, o Options) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if o.isOpen(info.FullMethod) {
			return handler(server, stream)
		}
		c := &call{guard: guard, scopes: o.scopes(info.FullMethod)}
		ctx, err := c.begin(stream.Context())
		if err != nil {
			return err
		}
		known := knownStream{ServerStream: stream, ctx: ctx}
		if o.WholeStream {
			return handler(server, &watchedStream{knownStream: known, call: c})
		}
		return handler(server, &known)
	}
}

// knownStream is a stream whose handler knows the token.
type knownStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context carries the token.
func (s *knownStream) Context() context.Context { return s.ctx }

// watchedStream moves messages only while the token is good.
type watchedStream struct {
	knownStream
	call *call
}

// RecvMsg checks the token when a message has come: one may wait for long.
func (s *watchedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err // also the end of the client's messages
	}
	_, err := s.call.check(s.ctx)
	return err
}

// SendMsg checks the token before a message goes.
func (s *watchedStream) SendMsg(message any) error {
	if _, err := s.call.check(s.ctx); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(message)
}

// call is one call of a guarded method.
type call struct {
	guard  *protect.Guard
	scopes []string
	token  string
}

// begin reads and checks the token. Its errors are those of gRPC.
func (c *call) begin(ctx context.Context) (context.Context, error) {
	var err error
	if c.token, err = bearer(ctx); err != nil {
		return nil, err
	}
	token, err := c.check(ctx)
	if err != nil {
		return nil, err
	}
	return protect.NewContext(ctx, token), nil
}

func (c *call) check(ctx context.Context) (*protect.Token, error) {
	token, err := c.guard.Check(ctx, c.token, c.scopes...)
	if err != nil {
		return nil, refusal(ctx, err)
	}
	return token, nil
}

// bearer reads the one token of a call (RFC 6750 section 2.1), "" where there is none: the Guard refuses that, and counts it.
// Two could mean different ones to two readers.
func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", status.Error(codes.Unauthenticated, "invalid_request: there is more than one authorization")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	return strings.TrimLeft(token, " "), nil
}

// refusal says in the words of gRPC why a token was not accepted. What is unknown is no reason to let somebody in.
func refusal(ctx context.Context, err error) error {
	var r *protect.Refusal
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case !errors.As(err, &r):
		return status.Error(codes.Unavailable, "the access token could not be checked")
	case r.Code == "":
		return status.Error(codes.Unauthenticated, r.Description+", as metadata `authorization: Bearer`")
	case r.Status == http.StatusForbidden:
		return status.Errorf(codes.PermissionDenied, "%s (needed: %s)", r.Error(), strings.Join(r.Scope, " "))
	case r.Status == http.StatusServiceUnavailable:
		return status.Error(codes.Unavailable, r.Error())
	}
	return status.Error(codes.Unauthenticated, r.Error())
}
