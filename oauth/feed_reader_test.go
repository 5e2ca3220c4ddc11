package oauth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// TestAReaderGoesOnWhereItWas, on another node, and learns where that cannot be.
func TestAReaderGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w, n := newNode(t)
	n.run()
	c := n.register(jwtApp())
	cred, other := n.guard("api", api), n.guard("other", otherAPI)
	revoke := func() string {
		m, err := n.machine(c)
		ok(t, err)
		id := n.jti(c, m.AccessToken)
		ok(t, n.Revoke(t.Context(), c, m.AccessToken))
		return id
	}
	first := n.reads(cred, "")
	one, two := revoke(), revoke()
	first.await(2)
	three := revoke()

	b := w.node()
	b.run()
	for _, from := range []string{first.at, first.ids[1]} {
		r := b.reads(cred, from)
		if got := r.await(1); got[0].ID != three || r.resets != 0 {
			t.Errorf("behind %s: %+v, %d resets", from, got, r.resets)
		}
	}
	if r := b.reads(cred, first.ids[0]); kinds(r.await(2)) != "token token" || r.seen[0].ID != two || r.resets != 0 {
		t.Errorf("got %+v, %d resets", r.seen, r.resets)
	}
	if r := b.reads(cred, ""); r.await(3)[0].ID != one || r.resets != 0 {
		t.Errorf("got %+v, %d resets", r.seen, r.resets)
	}
	for name, id := range map[string]string{
		"garbage": "garbage", "no number": "abc.def-", "of nobody": "abcdefgh.ijklmnop-1", "ahead": first.at[:strings.LastIndex(first.at, "-")] + "-999",
		"another node's": first.at + "0", "too long": strings.Repeat("x", 100000),
	} {
		if r := b.reads(cred, id); kinds(r.await(3)) != "token token token" || r.resets != 1 {
			t.Errorf("%s: %+v, %d resets", name, r.seen, r.resets)
		}
	}
	if r := b.reads(other, first.at); kinds(r.await(3)) != "token token token" || r.resets != 1 {
		t.Errorf("somebody else's id: %+v, %d resets", r.seen, r.resets)
	}
	w.move(time.Hour) // the tokens have expired
	late := w.node()
	late.run()
	if r := late.reads(cred, first.at); len(r.take()) != 0 || r.resets != 1 {
		t.Errorf("after an hour: %+v, %d resets", r.seen, r.resets)
	}
}

// TestAReaderThatServesMoreIsToldAllAnew: what it was not told before concerns it now.
func TestAReaderThatServesMoreIsToldAllAnew(t *testing.T) {
	t.Parallel()
	_, n := newNode(t)
	n.run()
	cred := n.guard("api", "https://new.example.com")
	c := n.register(jwtApp())
	sees := n.reads(cred, "")
	m, err := n.machine(c)
	ok(t, err)
	ok(t, n.Revoke(t.Context(), c, m.AccessToken))
	time.Sleep(300 * time.Millisecond)
	sees.await(0)
	r := resourceServer()
	r.Audience = []string{"https://new.example.com", api}
	n.update(r)
	eventually(t, "the reader is told", func() bool {
		ok(t, sees.Check(t.Context()))
		return len(sees.take()) > 0
	})
	if sees.resets != 1 {
		t.Errorf("%d resets", sees.resets)
	}
	r.Audience = nil
	r.ResourceServer = false
	n.update(r)
	wantCode(t, sees.Check(t.Context()), oauth.InvalidClient)
}

// TestWhoMayReadTheFeed is the table of those who ask.
func TestWhoMayReadTheFeed(t *testing.T) {
	t.Parallel()
	_, n := newNode(t)
	n.run()
	cred := n.guard("api", api)
	n.reads(cred, "")
	public := nativeApp()
	n.register(public)
	_, secret, err := n.RegisterClient(t.Context(), webApp(), "")
	ok(t, err)
	for name, bad := range map[string]oauth.Credentials{
		"nobody":         {Method: oauth.ClientSecretBasic},
		"a wrong secret": {Method: oauth.ClientSecretBasic, ClientID: "api", Secret: oauth.GenerateSecret()},
		"public":         {Method: oauth.NoSecret, ClientID: "native"},
		"serves nothing": {Method: oauth.ClientSecretBasic, ClientID: "web", Secret: secret},
	} {
		if _, err := n.Revocations(t.Context(), bad, ""); refusedWith(err) != oauth.InvalidClient {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	for range 99 {
		n.reads(cred, "")
	}
	var throttled *account.ThrottledError
	if _, err := n.Revocations(t.Context(), cred, ""); !errors.As(err, &throttled) {
		t.Errorf("one stream too many: error is %v", err)
	}
	ok(t, n.SetClientState(t.Context(), "api", oauth.Disabled))
	if _, err := n.Revocations(t.Context(), cred, ""); refusedWith(err) != oauth.InvalidClient {
		t.Errorf("disabled: error is %v", err)
	}
	n.EndSubscriptions()
	ok(t, n.SetClientState(t.Context(), "api", oauth.Enabled))
	if _, err := n.Revocations(t.Context(), cred, ""); refusedWith(err) != oauth.TemporarilyUnavailable {
		t.Errorf("stopping: error is %v", err)
	}
}

// lossy is a store that can be away altogether.
type lossy struct {
	store.Backend
	away atomic.Bool
}

func (b *lossy) List(ctx context.Context, k store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if b.away.Load() {
		return nil, "", errAway
	}
	return b.Backend.List(ctx, k, tag, cursor, limit)
}

// TestANodeThatHearsNothingPromisesNothing: a heartbeat says that nothing was missed.
func TestANodeThatHearsNothingPromisesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &lossy{Backend: w.store}
	n := w.over(b, w.now)
	n.run()
	cred := n.guard("api", api)
	sees := n.reads(cred, "")
	eventually(t, "the node promises", func() bool {
		news, err := sees.Next()
		ok(t, err)
		return news.MayPromise() && news.Position != ""
	})
	b.away.Store(true)
	eventually(t, "the node promises nothing", func() bool {
		news, err := sees.Next()
		return err != nil || !news.MayPromise()
	})
	if _, err := n.Revocations(t.Context(), cred, ""); refusedWith(err) != oauth.TemporarilyUnavailable {
		t.Errorf("opened while the store is away: %v", err)
	}
	eventually(t, "the stream ends", func() bool {
		_, err := sees.Next()
		return errors.Is(err, oauth.ErrFeedEnds)
	})
	b.away.Store(false)
	if r := n.reads(cred, sees.at); r.resets != 0 {
		t.Errorf("%d resets", r.resets)
	}
}

// crawling is a store from which the feed is read a few records at a time, and slowly.
type crawling struct{ store.Backend }

func (b crawling) List(ctx context.Context, k store.Kind, tag, cursor string, limit int) ([]store.Record, string, error) {
	if k.Name != "revocation_feed" {
		return b.Backend.List(ctx, k, tag, cursor, limit)
	}
	select {
	case <-ctx.Done():
		return nil, "", &store.UnavailableError{Op: "list", Err: ctx.Err()}
	case <-time.After(200 * time.Millisecond):
	}
	return b.Backend.List(ctx, k, tag, cursor, min(limit, 3))
}

// TestANodeThatIsFarBehindCatchesUp: what it cannot read within one look, it reads with the next.
func TestANodeThatIsFarBehindCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, behind := w.node(), w.over(crawling{w.store}, w.now)
	n.run()
	c := n.register(jwtApp())
	cred := n.guard("api", api)
	tokens, ids := n.machineTokens(c, 40)
	behind.run()
	sees := behind.reads(cred, "")
	for _, token := range tokens {
		ok(t, n.Revoke(t.Context(), c, token))
	}
	if got := idsOf(sees.await(len(ids))); !slices.Equal(slices.Sorted(slices.Values(got)), ids) || sees.resets != 0 {
		t.Errorf("told %d events, %d resets", len(got), sees.resets)
	}
}
