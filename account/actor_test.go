package account_test

import (
	"context"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestWhoSentARequestIsFoundOut(t *testing.T) {
	ctx := account.WithRequest(context.Background(), "request", account.Actor{Kind: account.ActorGuest, Address: "192.0.2.1"})
	account.Identify(ctx, account.ActorClient, "shop", "The shop")
	want := account.Actor{Kind: account.ActorClient, ID: "shop", Name: "The shop", Address: "192.0.2.1"}
	if got := account.ActorFrom(ctx); got != want || account.RequestIDFrom(ctx) != "request" {
		t.Errorf("got %+v in %s, want %+v", got, account.RequestIDFrom(ctx), want)
	}
	account.Identify(context.Background(), account.ActorClient, "shop", "") // no request: nobody is named
	if got := account.ActorFrom(context.Background()); got.Kind != account.ActorSystem {
		t.Errorf("outside of a request: %+v", got)
	}
}
