package grpcprotect_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/protect/grpcprotect"
)

const (
	unaryCall  = "/grpc.testing.TestService/UnaryCall"
	emptyCall  = "/grpc.testing.TestService/EmptyCall"
	duplexCall = "/grpc.testing.TestService/FullDuplexCall"
	healthy    = "/grpc.health.v1.Health/Check"
)

// orders is the guarded service. It answers with the subject of the token.
type orders struct {
	testpb.UnimplementedTestServiceServer
}

func subject(ctx context.Context) *testpb.Payload {
	t := protect.FromContext(ctx)
	if t == nil {
		return &testpb.Payload{Body: []byte("nobody")}
	}
	return &testpb.Payload{Body: []byte(t.Subject)}
}

func (orders) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return &testpb.SimpleResponse{Payload: subject(ctx)}, nil
}

func (orders) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

func (orders) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: subject(stream.Context())}); err != nil {
			return err
		}
	}
}

// StreamingOutputCall sends without end, for who asked once.
func (orders) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	for {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{Payload: subject(stream.Context())}); err != nil {
			return err
		}
	}
}

type site struct {
	*issuer
	t      testing.TB
	orders testpb.TestServiceClient
	health healthpb.HealthClient
}

func usual() grpcprotect.Options {
	return grpcprotect.Options{
		Methods: map[string][]string{unaryCall: {"orders:read"}, emptyCall: {"orders:read", "orders:write"}},
		Open:    []string{healthy},
	}
}

// serve runs a gRPC server behind the interceptors, and an issuer.
func serve(t testing.TB, o grpcprotect.Options) *site {
	t.Helper()
	return serveWith(t, o, protect.FeedOff)
}

func serveWith(t testing.TB, o grpcprotect.Options, feed protect.FeedUse) *site {
	t.Helper()
	s, err := startIssuer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	guard, err := s.guard(feed)
	if err != nil {
		t.Fatal(err)
	}
	server, connection := listen(t, guard, o)
	if err := o.Check(server); err != nil {
		t.Fatal(err)
	}
	return &site{s, t, testpb.NewTestServiceClient(connection), healthpb.NewHealthClient(connection)}
}

func listen(t testing.TB, guard *protect.Guard, o grpcprotect.Options) (*grpc.Server, *grpc.ClientConn) {
	t.Helper()
	server := grpc.NewServer(grpc.UnaryInterceptor(grpcprotect.Unary(guard, o)), grpc.StreamInterceptor(grpcprotect.Stream(guard, o)))
	testpb.RegisterTestServiceServer(server, orders{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener := bufconn.Listen(1 << 16)
	go func() { _ = server.Serve(listener) }() // ends when the test stops it
	t.Cleanup(server.Stop)
	connection, err := grpc.NewClient("passthrough:orders", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return server, connection
}

// with gives the context of a call with authorizations.
func (s *site) with(authorizations ...string) context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	for _, a := range authorizations {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a)
	}
	return ctx
}

func (s *site) bearer(client, scope string) string {
	s.t.Helper()
	token, err := s.token(client, scope)
	if err != nil {
		s.t.Fatal(err)
	}
	return "Bearer " + token
}

// wants checks code and message of a refusal, and that the token does not stand in it.
func (s *site) wants(err error, code codes.Code, message string) {
	s.t.Helper()
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), message) {
		s.t.Errorf("%v, want %v with %q", err, code, message)
	}
}

func TestGoodTokensPassAndAreKnownToHandlers(t *testing.T) {
	s := serve(t, usual())
	for _, client := range []string{"jwt", "opaque"} {
		ctx := s.with(s.bearer(client, "orders:read"))
		answer, err := s.orders.UnaryCall(ctx, &testpb.SimpleRequest{})
		if err != nil || string(answer.Payload.Body) != client {
			t.Errorf("unary, %s: %v, %v", client, answer, err)
		}
		stream, err := s.orders.FullDuplexCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := exchange(stream); err != nil || got != client {
			t.Errorf("stream, %s: %q, %v", client, got, err)
		}
	}
	if _, err := s.orders.UnaryCall(s.with(strings.Replace(s.bearer("jwt", "orders:read"), "Bearer ", "bEARER  ", 1)), &testpb.SimpleRequest{}); err != nil {
		t.Errorf("a scheme in other letters: %v", err)
	}
}

// exchange sends a message and reads the answer.
func exchange(stream testpb.TestService_FullDuplexCallClient) (string, error) {
	if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	answer, err := stream.Recv() // tells why, where sending only told that the stream has ended
	if err != nil {
		return "", err
	}
	return string(answer.Payload.Body), nil
}

func TestCallsWithoutAGoodTokenAreRefused(t *testing.T) {
	s := serve(t, usual())
	good := s.bearer("jwt", "orders:read")
	at := len(good) - 10 // within the signature
	other := "A"
	if good[at:at+1] == other {
		other = "B"
	}
	for name, c := range map[string]struct {
		authorization []string
		message       string
	}{
		"none":            {nil, "an access token is needed"},
		"two":             {[]string{good, good}, "invalid_request"},
		"two, one good":   {[]string{good, "Basic YTpi"}, "invalid_request"},
		"another scheme":  {[]string{"Basic YTpi"}, "an access token is needed"},
		"no scheme":       {[]string{strings.TrimPrefix(good, "Bearer ")}, "an access token is needed"},
		"nothing":         {[]string{""}, "an access token is needed"},
		"scheme alone":    {[]string{"Bearer "}, "an access token is needed"},
		"junk":            {[]string{"Bearer junk"}, "invalid_token"},
		"two in one":      {[]string{good + ", " + good}, "invalid_"},
		"spoilt":          {[]string{good[:at] + other + good[at+1:]}, "invalid_token"},
		"of another kind": {[]string{"Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30."}, "invalid_token"},
	} {
		_, err := s.orders.UnaryCall(s.with(c.authorization...), &testpb.SimpleRequest{})
		s.wants(err, codes.Unauthenticated, c.message)
		stream, err := s.orders.FullDuplexCall(s.with(c.authorization...))
		if err == nil {
			_, err = stream.Recv()
		}
		s.wants(err, codes.Unauthenticated, c.message)
		for _, a := range c.authorization {
			if len(a) > 50 && strings.Contains(err.Error(), a[20:50]) {
				t.Errorf("%s: the refusal holds the token: %v", name, err)
			}
		}
	}
	s.move(time.Hour)
	_, err := s.orders.UnaryCall(s.with(good), &testpb.SimpleRequest{})
	s.wants(err, codes.Unauthenticated, "invalid_token")
}

func TestMethodsNeedTheScopesOfTheTable(t *testing.T) {
	o := usual()
	o.Default = []string{"orders:write"}
	s := serve(t, o)
	read, write := s.with(s.bearer("jwt", "orders:read")), s.with(s.bearer("opaque", "orders:write"))
	both := s.with(s.bearer("jwt", "orders:read orders:write"))
	for _, c := range []struct {
		ctx  context.Context
		call func(context.Context) error
		want codes.Code
	}{
		{read, s.unary, codes.OK}, {write, s.unary, codes.PermissionDenied}, {both, s.unary, codes.OK},
		{read, s.empty, codes.PermissionDenied}, {write, s.empty, codes.PermissionDenied}, {both, s.empty, codes.OK},
		{read, s.duplex, codes.PermissionDenied}, {write, s.duplex, codes.OK}, // by default
	} {
		if err := c.call(c.ctx); status.Code(err) != c.want {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
	s.wants(s.empty(read), codes.PermissionDenied, "insufficient_scope")
	s.wants(s.empty(read), codes.PermissionDenied, "orders:read orders:write")
}

func (s *site) unary(ctx context.Context) error {
	_, err := s.orders.UnaryCall(ctx, &testpb.SimpleRequest{})
	return err
}

func (s *site) empty(ctx context.Context) error {
	_, err := s.orders.EmptyCall(ctx, &testpb.Empty{})
	return err
}

func (s *site) duplex(ctx context.Context) error {
	stream, err := s.orders.FullDuplexCall(ctx)
	if err == nil {
		_, err = exchange(stream)
	}
	return err
}

func TestOnlyNamedMethodsAreOpen(t *testing.T) {
	s := serve(t, usual())
	if _, err := s.health.Check(s.with(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("an open method: %v", err)
	}
	if _, err := s.health.Check(s.with("Bearer junk"), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("an open method, with a bad token: %v", err)
	}
	stream, err := s.health.Watch(s.with(), &healthpb.HealthCheckRequest{}) // its neighbour is not open
	if err == nil {
		_, err = stream.Recv()
	}
	s.wants(err, codes.Unauthenticated, "")
}

func TestOpenMethodsKnowNoToken(t *testing.T) {
	s := serve(t, grpcprotect.Options{Open: []string{unaryCall, duplexCall}})
	ctx := s.with(s.bearer("jwt", "orders:read"))
	if answer, err := s.orders.UnaryCall(ctx, &testpb.SimpleRequest{}); err != nil || string(answer.Payload.Body) != "nobody" {
		t.Errorf("%v, %v", answer, err)
	}
	stream, err := s.orders.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := exchange(stream); err != nil || got != "nobody" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTokensThatCannotBeCheckedAreUnavailable(t *testing.T) {
	s := serve(t, usual())
	opaque := s.with(s.bearer("opaque", "orders:read"))
	s.away.Store(true)
	s.wants(s.unary(opaque), codes.Unavailable, "")
	s.wants(s.duplex(opaque), codes.Unavailable, "")
	s.wants(s.unary(s.with()), codes.Unauthenticated, "") // nobody has to be asked
}

func TestStreamsEndWithTheirTokenWhereThatIsWanted(t *testing.T) {
	for _, whole := range []bool{true, false} {
		for name, end := range map[string]func(s *site, token string){
			"expired": func(s *site, _ string) { s.move(time.Hour) },
			"revoked": func(s *site, token string) {
				if _, err := s.post("opaque", "/oauth2/revoke", "token", token); err != nil {
					s.t.Fatal(err)
				}
				s.move(31 * time.Second) // what introspection said is forgotten
			},
		} {
			o := usual()
			o.WholeStream = whole
			s := serve(t, o)
			authorization := s.bearer("opaque", "orders:read")
			duplex, err := s.orders.FullDuplexCall(s.with(authorization))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := exchange(duplex); err != nil {
				t.Fatal(err)
			}
			endless, err := s.orders.StreamingOutputCall(s.with(authorization), &testpb.StreamingOutputCallRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := endless.Recv(); err != nil {
				t.Fatal(err)
			}
			end(s, strings.TrimPrefix(authorization, "Bearer "))
			_, err = exchange(duplex)
			if !whole {
				if err != nil {
					t.Errorf("%s: a stream that is checked at its beginning ends: %v", name, err)
				}
				continue
			}
			s.wants(err, codes.Unauthenticated, "invalid_token")
			for err = nil; err == nil; {
				_, err = endless.Recv()
			}
			s.wants(err, codes.Unauthenticated, "invalid_token")
		}
	}
}

func TestStreamsEndWhenTheFeedTellsOfTheirToken(t *testing.T) {
	o := usual()
	o.WholeStream = true
	s := serveWith(t, o, protect.FeedRequired)
	authorization := s.bearer("jwt", "orders:read")
	stream, err := s.orders.FullDuplexCall(s.with(authorization))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exchange(stream); err != nil {
		t.Fatal(err)
	}
	if _, err := s.post("jwt", "/oauth2/revoke", "token", strings.TrimPrefix(authorization, "Bearer ")); err != nil {
		t.Fatal(err)
	}
	for err == nil { // the context of the call bounds it
		_, err = exchange(stream)
	}
	s.wants(err, codes.Unauthenticated, "invalid_token")
}

func TestMisspeltMethodsAreFound(t *testing.T) {
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, health.NewServer())
	for want, o := range map[string]grpcprotect.Options{
		"": {Methods: map[string][]string{healthy: {"ops"}}},
		"/grpc.health.v1.Health/Chek is not served": {Methods: map[string][]string{"/grpc.health.v1.Health/Chek": {"ops"}}},
		"grpc.health.v1.Health/Check is not served": {Open: []string{"grpc.health.v1.Health/Check"}},
		"open and needs scopes":                     {Open: []string{healthy}, Methods: map[string][]string{healthy: {"ops"}}},
	} {
		if err := o.Check(server); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", o, err, want)
		}
	}
}
