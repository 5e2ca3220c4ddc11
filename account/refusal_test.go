package account_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestRefusalsOfOneActorDoNotFloodTheAuditLog(t *testing.T) {
	_, d := newDirectory(t)
	refusal := errors.New("no")
	noted := func(id string, tries int) (n int) {
		ctx := account.WithActor(context.Background(), account.Actor{Kind: account.ActorUser, ID: id})
		for range tries {
			ok(t, d.RecordRefusal(ctx, "page:/admin/keys", "GET", refusal))
		}
		ok(t, d.Audit.Each(context.Background(), account.AuditQuery{Actor: id}, func(*account.Event) error { n++; return nil }))
		return n
	}
	const mallory, bob = "usr_00000000000000000000000000000001", "usr_00000000000000000000000000000002"
	if got := noted(mallory, 310); got != 300 {
		t.Errorf("%d refusals are noted", got)
	}
	if got := noted(bob, 1); got != 1 {
		t.Error("another actor's refusal is not noted")
	}
}
