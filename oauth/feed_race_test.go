package oauth_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/store/memory"
	"github.com/grantor-dev/grantor/store/redis"
)

// feedStores opens one of each backend.
func feedStores(t *testing.T) map[string]store.Backend {
	t.Helper()
	embedded, err := bolt.Open(filepath.Join(t.TempDir(), "data.db"), bolt.Options{})
	ok(t, err)
	t.Cleanup(func() { _ = embedded.Close() })
	remote, err := redis.Open(t.Context(), redistest.Start(t), redis.Options{})
	ok(t, err)
	t.Cleanup(func() { _ = remote.Close() })
	return map[string]store.Backend{"memory": memory.New(), "bolt": embedded, "redis": remote}
}

// worldOver is a world with a real clock over a store.
func worldOver(t *testing.T, b store.Backend) (*world, func() *node) {
	t.Helper()
	w := &world{t: t, keys: loadRing(t, oauth.KeyringConfig{Backend: b})}
	return w, func() *node { return w.over(b, time.Now) }
}

// machineTokens gives the tokens of a machine, and their ids in order.
func (n *node) machineTokens(c *oauth.Client, count int) (tokens, ids []string) {
	n.w.t.Helper()
	for range count {
		m, err := n.machine(c)
		ok(n.w.t, err)
		tokens, ids = append(tokens, m.AccessToken), append(ids, n.jti(c, m.AccessToken))
	}
	slices.Sort(ids)
	return tokens, ids
}

// TestEveryReaderSeesEveryEventOnceInOneOrder, whichever node it reads at and whoever appends: two nodes that follow, and a
// process that does not, as the command line is.
func TestEveryReaderSeesEveryEventOnceInOneOrder(t *testing.T) {
	t.Parallel()
	const appenders, each = 8, 25
	for name, b := range feedStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, newNode := worldOver(t, b)
			a, other, cli := newNode(), newNode(), newNode()
			a.run()
			other.run()
			c := a.register(jwtApp())
			cred := a.guard("api", api)
			tokens, ids := a.machineTokens(c, appenders*each)
			readers := []*reader{a.reads(cred, ""), other.reads(cred, ""), other.reads(cred, "")}
			_, errs := parallel(appenders, func(i int) (struct{}, error) {
				n := []*node{a, other, a, cli}[i%4]
				for _, token := range tokens[i*each : (i+1)*each] {
					if err := n.Revoke(context.Background(), c, token); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			})
			if successes(errs) != appenders {
				t.Fatal(errs)
			}
			for i, r := range readers {
				r.await(len(tokens))
				if got := idsOf(r.seen); !slices.Equal(slices.Sorted(slices.Values(got)), ids) {
					t.Errorf("reader %d: not every event once", i)
				}
				if got, want := idsOf(r.seen), idsOf(readers[0].seen); !slices.Equal(got, want) {
					t.Errorf("reader %d sees another order", i)
				}
				if r.resets != 0 {
					t.Errorf("reader %d: %d resets", i, r.resets)
				}
			}
			if fresh := newNode(); true { // a node that begins now reads the same
				fresh.run()
				if r := fresh.reads(cred, ""); !slices.Equal(idsOf(r.await(len(tokens))), idsOf(readers[0].seen)) {
					t.Error("a new node sees another order")
				}
			}
		})
	}
}

func idsOf(events []oauth.Ended) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// TestWhatComesAtOnceIsWrittenTogether: a hundred revocations are few records.
func TestWhatComesAtOnceIsWrittenTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &watched{Backend: slow{w.store}}
	n := w.over(b, w.now)
	n.run()
	c := n.register(jwtApp())
	sees := n.reads(n.guard("api", api), "")
	tokens, _ := n.machineTokens(c, 100)
	b.took()
	_, errs := parallel(len(tokens), func(i int) (struct{}, error) {
		return struct{}{}, n.Revoke(context.Background(), c, tokens[i])
	})
	if successes(errs) != len(tokens) {
		t.Fatal(errs)
	}
	sees.await(len(tokens))
	records := 0
	for _, call := range b.took() {
		if call == "create revocation_feed" {
			records++
		}
	}
	if records > len(tokens)/4 {
		t.Errorf("%d records for %d events", records, len(tokens))
	}
}

// slow takes a moment for each record that it creates, as a network does.
type slow struct{ store.Backend }

func (b slow) Create(ctx context.Context, r store.Record) (uint64, error) {
	time.Sleep(5 * time.Millisecond)
	return b.Backend.Create(ctx, r)
}

// TestRevokingAsksTheStoreForLittle counts the verbs.
func TestRevokingAsksTheStoreForLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	n.run()
	c := n.register(jwtApp())
	v := n.signIn(n.user("alice"))
	var tokens *oauth.Tokens
	revoke := func() { ok(t, n.Revoke(t.Context(), c, tokens.AccessToken)) }
	fresh := func(get func()) func() { return func() { get(); b.took(); revoke() } }
	costs(t, b, []string{"get authorization", "create revocation_feed", "take authorization", "create audit"}, fresh(func() { tokens = n.tokens(c, v) }))
	costs(t, b, []string{"create revocation_feed", "create revoked"}, fresh(func() {
		var err error
		tokens, err = n.machine(c)
		ok(t, err)
	}))
}

// TestACrashWhileRevokingIsOnTheSafeSide: whatever call fails, what was ended was told, and it can be done again.
func TestACrashWhileRevokingIsOnTheSafeSide(t *testing.T) {
	t.Parallel()
	type prepared struct {
		c     *oauth.Client
		token string
	}
	outage{
		prepare: func(n *node) any {
			c := n.register(jwtApp())
			return prepared{c, n.tokens(c, n.signIn(n.user("alice"))).AccessToken}
		},
		try: func(n *node, p any) (any, error) {
			return nil, n.Revoke(context.Background(), p.(prepared).c, p.(prepared).token)
		},
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			c, token := p.(prepared).c, p.(prepared).token
			cred := n.guard("api", api)
			n.run()
			told := len(n.reads(cred, "").take()) > 0
			if ended := !n.active(c, token); ended && !told {
				t.Errorf("%s fails (%v): the token has ended, and no API was told", call, how)
			}
			ok(t, n.Revoke(context.Background(), c, token))
			if n.active(c, token) || len(n.reads(cred, "").take()) == 0 {
				t.Errorf("%s fails (%v): it cannot be done again", call, how)
			}
		},
	}.run(t)
}

// TestWhatIsNotToldDoesNotEnd: while the feed cannot be written, nobody is told that a user was blocked.
func TestWhatIsNotToldDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sound := w.node()
	u := sound.user("alice")
	c := sound.register(jwtApp())
	token := sound.tokens(c, sound.signIn(u)).AccessToken
	n := w.over(&watched{Backend: w.store, fail: func(_ int, call string) outcome {
		if call == "create revocation_feed" {
			return failsBefore
		}
		return works
	}}, w.now)
	for name, err := range map[string]error{
		"user":   n.people.EndAll(t.Context(), u.ID),
		"client": n.EndClientTokens(t.Context(), "web"),
		"token":  n.Revoke(t.Context(), c, token),
		"delete": n.DeleteClient(t.Context(), "web"),
	} {
		if !store.IsUnavailable(err) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	sound.wantActive(c, true, token)
}

// TestAStoreThatWasSetBackIsNoticed: a failover lost what was written last, and the same numbers are given once more.
func TestAStoreThatWasSetBackIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var failing atomic.Int64
	n := w.over(&watched{Backend: w.store, fail: func(_ int, call string) outcome {
		if call == "create revocation_feed" && failing.Add(-1) >= 0 {
			return failsBefore
		}
		return works
	}}, w.now)
	n.run()
	c := n.register(jwtApp())
	cred := n.guard("api", api)
	tokens, _ := n.machineTokens(c, 4)
	sees := n.reads(cred, "")
	for _, token := range tokens[:3] {
		ok(t, n.Revoke(t.Context(), c, token))
	}
	sees.await(3)
	feed := store.Kind{Name: "revocation_feed"}
	failing.Store(2) // what is lost is not lost for good by a store that is away then
	records, _, err := w.store.List(t.Context(), feed, "", "", 100)
	ok(t, err)
	for _, r := range records[len(records)-2:] {
		_, err := w.store.Take(t.Context(), feed, r.ID)
		ok(t, err)
	}
	eventually(t, "the reader begins anew", func() bool { sees.take(); return sees.resets > 0 })
	eventually(t, "the store is there again", func() bool { return failing.Load() < 0 })
	ok(t, n.Revoke(t.Context(), c, tokens[3]))
	eventually(t, "what was lost is told again", func() bool {
		fresh := w.node()
		fresh.run()
		r := fresh.reads(cred, "")
		return len(r.take()) == 4
	})
	if r := n.reads(cred, sees.ids[2]); r.await(4) == nil || r.resets != 1 {
		t.Errorf("a reader with a lost id: %d resets", r.resets)
	}
}

// TestTheFeedOutlivesItsEvents: the list never runs empty, and a reader that waits goes on where it is.
func TestTheFeedOutlivesItsEvents(t *testing.T) {
	t.Parallel()
	w, n := newNode(t)
	n.run()
	c := n.register(jwtApp())
	sees := n.reads(n.guard("api", api), "")
	position := sees.at
	for range 30 {
		w.move(40 * time.Minute)
		eventually(t, "there is a new record", func() bool { sees.take(); return sees.at != position })
		position = sees.at
	}
	token, ids := n.machineTokens(c, 1)
	ok(t, n.Revoke(t.Context(), c, token[0]))
	if sees.await(1)[0].ID != ids[0] || sees.resets != 0 {
		t.Errorf("%+v, %d resets", sees.seen, sees.resets)
	}
	page, _, err := w.store.List(t.Context(), store.Kind{Name: "revocation_feed"}, "", "", 100)
	ok(t, err)
	if len(page) > 6 {
		t.Errorf("%d records are kept", len(page))
	}
}

// TestTheFeedTellsNoSecrets: what is stored of it holds no token.
func TestTheFeedTellsNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	c := n.register(webApp())
	tokens := n.tokens(c, n.signIn(n.user("alice")))
	seen := n.look(c, tokens.AccessToken)
	if again := n.look(c, tokens.AccessToken); again.ID != seen.ID || seen.ID == "" {
		t.Errorf("the id of a token is %q, then %q", seen.ID, again.ID)
	}
	next, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	if other := n.look(c, next.AccessToken); other.ID == seen.ID || !strings.HasPrefix(other.ID, seen.ID[:33]) {
		t.Errorf("two tokens of one authorization have the ids %q and %q", seen.ID, other.ID)
	}
	if id := n.look(c, next.RefreshToken).ID; id != "" {
		t.Errorf("a refresh token has the id %q", id)
	}
	ok(t, n.Revoke(t.Context(), c, next.AccessToken))
	kept := b.kept.String()
	for _, secret := range []string{tokens.AccessToken, next.AccessToken, next.RefreshToken, strings.SplitN(seen.ID, ".", 2)[1]} {
		if strings.Contains(kept, secret) {
			t.Errorf("the store holds %q", secret)
		}
	}
}
