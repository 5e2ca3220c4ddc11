package oauth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// hooked calls a function before some verb takes effect.
type hooked struct {
	store.Backend
	mu    sync.Mutex
	hooks map[string]func() // each once, by verb and kind
}

func (b *hooked) enter(call string) {
	b.mu.Lock()
	hook := b.hooks[call]
	delete(b.hooks, call)
	b.mu.Unlock()
	if hook != nil {
		hook()
	}
}

func (b *hooked) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	b.enter("swap " + old.Kind.Name)
	return b.Backend.Swap(ctx, old, next)
}

func (b *hooked) Take(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	b.enter("take " + kind.Name)
	return b.Backend.Take(ctx, kind, id)
}

func (b *hooked) Create(ctx context.Context, r store.Record) (uint64, error) {
	b.enter("create " + r.Kind.Name)
	return b.Backend.Create(ctx, r)
}

// TestWhatIsIssuedWhileItsEndIsToldIsToldLater: between the event and the write another request brings about a token for
// an API that was not told.
func TestWhatIsIssuedWhileItsEndIsToldIsToldLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	n.run()
	c := n.register(jwtApp())
	u := n.user("alice")
	v := n.signIn(u)
	n.tokens(c, v, "resource="+api)
	other := n.reads(n.guard("other", otherAPI), "")
	var token string
	b := &hooked{Backend: w.store, hooks: map[string]func(){"swap user": func() {
		token = n.tokens(c, v, "resource="+otherAPI).AccessToken
	}}}
	generation := n.look(c, n.tokens(c, v, "resource="+api).AccessToken).Generation
	ok(t, w.over(b, w.now).people.SetPassword(t.Context(), u.ID, "another "+password))
	if token == "" {
		t.Fatal("nothing was issued meanwhile")
	}
	if e := other.await(1)[0]; e.Type != oauth.EndedSubject || e.Generation != generation {
		t.Errorf("told %+v", e)
	}
}

// TestTheEndOfAUserMattersForAsLongAsWhatIsIssuedMeanwhile: a client without refresh tokens, whose user signs in once more while
// everything of his ends.
func TestTheEndOfAUserMattersForAsLongAsWhatIsIssuedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	n.run()
	r := jwtApp()
	r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode}
	c := n.register(r)
	u := n.user("alice")
	v := n.signIn(u)
	sees := n.reads(n.guard("api", api), "")
	n.tokens(c, v)
	var last *oauth.Tokens
	b := &hooked{Backend: w.store, hooks: map[string]func(){"swap user": func() {
		w.move(2 * time.Second) // by so much clocks may differ
		last = n.tokens(c, v)
	}}}
	ok(t, w.over(b, w.now).people.EndAll(t.Context(), u.ID))
	eventually(t, "it matters for long enough", func() bool {
		sees.take()
		return slices.ContainsFunc(sees.seen, func(e oauth.Ended) bool { return e.Until >= last.Expires.Unix() })
	})
	time.Sleep(6 * time.Second) // longer than a second look takes
	if sees.take(); len(sees.seen) > 2 {
		t.Errorf("told %+v", sees.seen)
	}
}

// TestWhatASlowNodeKeepsIsToldSoonAfterAWithdrawal: the user takes back what he allowed while a node that has not heard of it
// keeps a new authorization, and its code becomes a JWT there.
func TestWhatASlowNodeKeepsIsToldSoonAfterAWithdrawal(t *testing.T) {
	t.Parallel()
	for range 50 {
		w := newWorld(t)
		b := &watched{Backend: w.store}
		slow, other := w.over(b, w.now), w.node()
		slow.run()
		other.run()
		c := slow.register(jwtApp())
		v := slow.signIn(slow.user("alice"))
		again := slow.tokens(c, v)
		costs(t, b, []string{"get authorization"}, func() { slow.wantActive(c, true, again.AccessToken) }) // it follows now
		sees := other.reads(other.guard("api", api), "")
		b.fail = func(_ int, call string) outcome {
			if call == "create authorization" {
				ok(t, other.WithdrawApp(context.Background(), v.User.ID, "web"))
			}
			return works
		}
		d, err := slow.Authorize(t.Context(), ask(c), v)
		ok(t, err)
		b.fail = nil
		tokens, err := slow.redeem(c, field(d.Response, "code"))
		if refusedWith(err) == oauth.InvalidGrant {
			continue // it has heard of it in time
		}
		ok(t, err)
		authorization, _, _ := strings.Cut(slow.jti(c, tokens.AccessToken), ".")
		if authorization == "" {
			continue // it has heard of it since
		}
		w.move(10 * time.Second) // longer than nodes and clocks need
		eventually(t, "its end is told", func() bool {
			sees.take()
			return slices.ContainsFunc(sees.seen, func(e oauth.Ended) bool { return e.Authorization == authorization })
		})
		return
	}
	t.Error("the node has always heard of it in time")
}

// TestTheLastWordOnAClientIsItsState: one disables it while another enables it.
func TestTheLastWordOnAClientIsItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	n.run()
	n.register(jwtApp())
	sees := n.reads(n.guard("api", api), "")
	b := &hooked{Backend: w.store, hooks: map[string]func(){"create revocation_feed": func() {
		ok(t, n.SetClientState(t.Context(), "web", oauth.Disabled))
	}}}
	ok(t, w.over(b, w.now).SetClientState(t.Context(), "web", oauth.Enabled))
	eventually(t, "the last word is that it is disabled", func() bool {
		sees.take()
		return len(sees.seen) > 2 && sees.seen[len(sees.seen)-1].Before == 0 && n.client("web").Disabled
	})
	time.Sleep(6 * time.Second) // longer than a second look takes: it does not go on for ever
	if sees.take(); len(sees.seen) > 5 {
		t.Errorf("told %s", fmt.Sprint(sees.seen))
	}
}

// TestTheLastWordOnADeletedClientIsThatItIsGone: it is deleted while somebody enables or disables it. What is registered
// under its id next must be let in, and nothing of before.
func TestTheLastWordOnADeletedClientIsThatItIsGone(t *testing.T) {
	t.Parallel()
	for _, state := range []oauth.ClientState{oauth.Enabled, oauth.Disabled} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.node()
			n.run()
			n.register(jwtApp())
			sees := n.reads(n.guard("api", api), "")
			b := &hooked{Backend: w.store, hooks: map[string]func(){"create revocation_feed": func() {
				ok(t, n.DeleteClient(t.Context(), "web"))
			}}}
			_ = w.over(b, w.now).SetClientState(t.Context(), "web", state) // it is gone, or was enabled a moment before
			gone := sees.await(2)[0].Before
			if gone == 0 || sees.seen[1].Before == gone {
				t.Fatalf("told %+v", sees.seen)
			}
			if last := sees.await(3)[2]; last.ClientID != "web" || last.Before != gone {
				t.Errorf("the last word is %+v", last)
			}
		})
	}
}

// TestADeviceThatRedeemsWhileItEndsIsTold: it was allowed, and had no token yet, when its end was told.
func TestADeviceThatRedeemsWhileItEndsIsTold(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		before string // verb and kind at which the device redeems
		act    func(n *node, userID string) error
	}{
		"user blocked": {"swap user", func(n *node, userID string) error {
			return n.people.SetBlocked(context.Background(), userID, account.Block)
		}},
		"revoked": {"take authorization", func(n *node, userID string) error {
			_, err := n.RevokeSelected(context.Background(), oauth.Selection{UserID: userID})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.node()
			n.run()
			r := tv()
			r.AccessTokenFormat = oauth.JWT
			c := n.register(r)
			v := n.signIn(n.user("alice"))
			sees := n.reads(n.guard("api", api), "")
			codes := n.device(c)
			n.allowDevice(codes, v)
			var err error
			b := &hooked{Backend: w.store, hooks: map[string]func(){end.before: func() { _, err = n.poll(c, codes.DeviceCode) }}}
			ok(t, end.act(w.over(b, w.now), v.User.ID))
			if len(b.hooks) > 0 || err != nil {
				t.Fatalf("nothing was issued meanwhile: %v", err)
			}
			sees.await(1)
		})
	}
}
