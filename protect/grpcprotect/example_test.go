package grpcprotect_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/protect/grpcprotect"
)

func Example() {
	authorization, err := startIssuer() // in place of https://auth.example.com
	if err != nil {
		panic(err)
	}
	defer authorization.end()
	guard, err := authorization.guard(protect.FeedAuto) // protect.New
	if err != nil {
		panic(err)
	}

	options := grpcprotect.Options{
		Methods: map[string][]string{"/grpc.testing.TestService/UnaryCall": {"orders:write"}},
		Default: []string{"orders:read"},
		Open:    []string{"/grpc.health.v1.Health/Check"},
	}
	server := grpc.NewServer(
		grpc.UnaryInterceptor(grpcprotect.Unary(guard, options)),
		grpc.StreamInterceptor(grpcprotect.Stream(guard, options)),
	)
	testpb.RegisterTestServiceServer(server, orders{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	if err := options.Check(server); err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	defer func() { _ = connection.Close() }()
	client := testpb.NewTestServiceClient(connection)
	call := func(ctx context.Context) {
		answer, err := client.UnaryCall(ctx, &testpb.SimpleRequest{})
		fmt.Printf("%v %q\n", status.Code(err), answer.GetPayload().GetBody())
	}
	call(context.Background())
	for _, scope := range []string{"orders:read", "orders:write"} {
		token, err := authorization.token("jwt", scope)
		if err != nil {
			panic(err)
		}
		call(metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+token))
	}
	state, err := healthpb.NewHealthClient(connection).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(state.GetStatus(), err)
	// Output:
	// Unauthenticated ""
	// PermissionDenied ""
	// OK "jwt"
	// SERVING <nil>
}
