package oauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// outage lets one call of a request fail, in turn each, before and after it took effect. try makes the request through a
// node whose store fails; it gives the error. after is told what failed and what came of it, on a node whose store works.
type outage struct {
	prepare func(n *node) any
	try     func(n *node, prepared any) (any, error)
	after   func(t *testing.T, n *node, prepared, result any, err error, call string, how outcome)
}

func (o outage) run(t *testing.T) {
	t.Helper()
	for number := 0; ; number++ {
		asked := 0
		for _, how := range []outcome{failsBefore, failsAfter} {
			w := newWorld(t)
			sound := w.node()
			prepared := o.prepare(sound)
			b := &watched{Backend: w.store, fail: func(i int, _ string) outcome {
				if i == number {
					return how
				}
				return works
			}}
			result, err := o.try(w.over(b, w.now), prepared)
			calls := b.took()
			if asked = len(calls); asked <= number {
				if err != nil {
					t.Fatalf("without an outage: %v", err)
				}
				break
			}
			o.after(t, sound, prepared, result, err, calls[number], how)
		}
		if asked <= number {
			if number == 0 {
				t.Fatal("the store was not asked at all")
			}
			return
		}
	}
}

// wantOutage wants a failure of the server, which is never told as a fault of the client.
func wantOutage(t *testing.T, err error, call string, how outcome) {
	t.Helper()
	if !store.IsUnavailable(err) || refusedWith(err) != "" && refusedWith(err) != oauth.TemporarilyUnavailable {
		t.Errorf("%s fails (%v): error is %v", call, how, err)
	}
}

type flow struct {
	c      *oauth.Client
	v      oauth.Visitor
	code   string
	tokens *oauth.Tokens
	i      *oauth.Interaction
}

func TestAnOutageWhileACodeIsRedeemed(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			c := n.register(webApp())
			return &flow{c: c, code: n.authorize(c, n.signIn(n.user("alice")))}
		},
		try: func(n *node, p any) (any, error) { return n.redeem(p.(*flow).c, p.(*flow).code) },
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			again, err := n.redeem(p.(*flow).c, p.(*flow).code)
			if call == "swap authorization" && how == failsAfter {
				wantCode(t, err, oauth.InvalidGrant) // it was used: nobody can tell the answer that was lost
				return
			}
			if err != nil {
				t.Fatalf("%s failed (%v), then: %v", call, how, err)
			}
			n.wantActive(p.(*flow).c, true, again.AccessToken)
			_, err = n.redeem(p.(*flow).c, p.(*flow).code)
			wantCode(t, err, oauth.InvalidGrant)
		},
	}.run(t)
}

func TestAnOutageWhileACodeIsReplayed(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			c := n.register(webApp())
			f := &flow{c: c, code: n.authorize(c, n.signIn(n.user("alice")))}
			var err error
			f.tokens, err = n.redeem(c, f.code)
			ok(n.w.t, err)
			return f
		},
		try: func(n *node, p any) (any, error) {
			tokens, err := n.redeem(p.(*flow).c, p.(*flow).code)
			if refusedWith(err) == oauth.InvalidGrant {
				return tokens, nil // as it should be without an outage
			}
			if err == nil {
				return tokens, errors.New("redeemed twice")
			}
			return tokens, err
		},
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			_, err = n.redeem(p.(*flow).c, p.(*flow).code)
			wantCode(t, err, oauth.InvalidGrant)
			n.wantActive(p.(*flow).c, false, p.(*flow).tokens.AccessToken, p.(*flow).tokens.RefreshToken)
		},
	}.run(t)
}

func TestAnOutageWhileATokenIsRefreshed(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			c := n.register(webApp())
			return &flow{c: c, tokens: n.tokens(c, n.signIn(n.user("alice")))}
		},
		try: func(n *node, p any) (any, error) { return n.refresh(p.(*flow).c, p.(*flow).tokens.RefreshToken) },
		after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			n.w.move(5 * time.Second)
			next, err := n.refresh(p.(*flow).c, p.(*flow).tokens.RefreshToken) // within grace: nobody is logged out
			if err != nil {
				t.Fatalf("%s failed (%v), then: %v", call, how, err)
			}
			n.wantActive(p.(*flow).c, true, next.AccessToken, next.RefreshToken)
		},
	}.run(t)
}

func TestAnOutageWhileAMachineAsks(t *testing.T) {
	outage{
		prepare: func(n *node) any { return &flow{c: n.register(webApp())} },
		try:     func(n *node, p any) (any, error) { return n.machine(p.(*flow).c) },
		after: func(t *testing.T, n *node, p, result any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
			if result.(*oauth.Tokens) != nil {
				t.Error("a token is answered with an error")
			}
		},
	}.run(t)
}

func TestAnOutageWhileATokenIsRead(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		for _, ofUser := range []bool{true, false} {
			outage{
				prepare: func(n *node) any {
					r := webApp()
					r.AccessTokenFormat = format
					f := &flow{c: n.register(r)}
					var err error
					if ofUser {
						f.tokens = n.tokens(f.c, n.signIn(n.user("alice")))
					} else {
						f.tokens, err = n.machine(f.c)
					}
					ok(n.w.t, err)
					return f
				},
				try: func(n *node, p any) (any, error) {
					return n.Introspect(context.Background(), p.(*flow).c, p.(*flow).tokens.AccessToken)
				},
				after: func(t *testing.T, _ *node, _, _ any, err error, call string, how outcome) {
					wantOutage(t, err, call, how)
				},
			}.run(t)
		}
	}
}

func TestAnOutageWhileATokenIsRevoked(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		outage{
			prepare: func(n *node) any {
				r := webApp()
				r.AccessTokenFormat = format
				f := &flow{c: n.register(r)}
				f.tokens = n.tokens(f.c, n.signIn(n.user("alice")))
				return f
			},
			try: func(n *node, p any) (any, error) {
				return nil, n.Revoke(context.Background(), p.(*flow).c, p.(*flow).tokens.AccessToken)
			},
			after: func(t *testing.T, n *node, p, _ any, err error, call string, how outcome) {
				wantOutage(t, err, call, how)
				ok(t, n.Revoke(t.Context(), p.(*flow).c, p.(*flow).tokens.AccessToken))
				n.wantActive(p.(*flow).c, false, p.(*flow).tokens.AccessToken, p.(*flow).tokens.RefreshToken)
			},
		}.run(t)
	}
}

func TestAnOutageWhileAClientAuthenticates(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			c, _, err := n.RegisterClient(context.Background(), webApp(), chosen)
			ok(n.w.t, err)
			return c
		},
		try: func(n *node, _ any) (any, error) { return nil, n.authenticate(oauth.ClientSecretBasic, "web", chosen) },
		after: func(t *testing.T, _ *node, _, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
		},
	}.run(t)
}

// TestAnOutageOnTheWayToACode fails each call from the user's Allow to the code.
func TestAnOutageOnTheWayToACode(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			f := &flow{c: n.register(webApp())}
			f.v = n.signIn(n.user("alice"))
			f.i = n.asked(f.c, f.v)
			return f
		},
		try: func(n *node, p any) (any, error) {
			f := p.(*flow)
			i, _, err := n.Waiting(context.Background(), f.i.Handle, f.v.Browser)
			if err != nil {
				return "", err
			}
			if err := n.Allow(context.Background(), i, f.v); err != nil {
				return "", err
			}
			d, err := n.Continue(context.Background(), f.i.Handle, f.v)
			if err != nil {
				return "", err
			}
			return field(d.Response, "code"), nil
		},
		after: func(t *testing.T, n *node, p, result any, err error, call string, how outcome) {
			f := p.(*flow)
			if wantOutage(t, err, call, how); result != "" {
				t.Errorf("%s fails (%v): a code is answered", call, how)
			}
			i, _, err := n.Waiting(t.Context(), f.i.Handle, f.v.Browser)
			if errors.Is(err, oauth.ErrNoInteraction) && (call == "take interaction" && how == failsAfter || strings.HasSuffix(call, " authorization")) {
				return // it was used up, once
			}
			ok(t, err)
			ok(t, n.Allow(t.Context(), i, f.v))
			if got := answer(n.Continue(t.Context(), f.i.Handle, f.v)); got != "code" {
				t.Errorf("%s failed (%v), then: %s", call, how, got)
			}
		},
	}.run(t)
}

func TestAnOutageWhileARequestIsDenied(t *testing.T) {
	outage{
		prepare: func(n *node) any {
			f := &flow{c: n.register(webApp())}
			f.v = n.signIn(n.user("alice"))
			f.i = n.asked(f.c, f.v)
			return f
		},
		try: func(n *node, p any) (any, error) { return n.Deny(context.Background(), p.(*flow).i) },
		after: func(t *testing.T, _ *node, _, _ any, err error, call string, how outcome) {
			wantOutage(t, err, call, how)
		},
	}.run(t)
}

// TestAnOutageWhileAClientIsManaged: an error may follow an act that was done, but no success one that was not.
func TestAnOutageWhileAClientIsManaged(t *testing.T) {
	for name, act := range map[string]struct {
		do   func(*node) error
		done func(*node) bool
	}{
		"disable": {func(n *node) error { return n.SetClientState(context.Background(), "web", oauth.Disabled) }, func(n *node) bool { return n.client("web").Disabled }},
		"end":     {func(n *node) error { return n.EndClientTokens(context.Background(), "web") }, func(n *node) bool { return n.client("web").NotBefore.After(n.w.now()) }},
		"delete": {func(n *node) error { return n.DeleteClient(context.Background(), "web") }, func(n *node) bool {
			_, err := n.Client(context.Background(), "web")
			return errors.Is(err, store.ErrNotFound)
		}},
		"secret": {func(n *node) error { _, err := n.ReplaceSecrets(context.Background(), "web", chosen); return err }, func(n *node) bool { return n.authenticate(oauth.ClientSecretBasic, "web", chosen) == nil }},
		"update": {func(n *node) error {
			r := webApp()
			r.ClientName, r.Scope = "Renamed", "profile"
			_, err := n.UpdateClient(context.Background(), r, 0)
			return err
		}, func(n *node) bool { return n.client("web").ClientName == "Renamed" }},
		"ensure": {func(n *node) error {
			_, _, err := n.EnsureClient(context.Background(), webApp(), chosen)
			return err
		}, func(n *node) bool { return n.authenticate(oauth.ClientSecretBasic, "web", chosen) == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			for number := range 12 {
				for _, how := range []outcome{failsBefore, failsAfter} {
					w := newWorld(t)
					w.node().register(webApp())
					b := &watched{Backend: w.store, fail: func(i int, _ string) outcome {
						if i == number {
							return how
						}
						return works
					}}
					err := act.do(w.over(b, w.now))
					if err == nil && !act.done(w.node()) {
						t.Errorf("%q: success is told and nothing was done", b.took())
					}
					if err != nil && !store.IsUnavailable(err) {
						t.Errorf("%q: %v", b.took(), err)
					}
					if err := act.do(w.node()); err != nil && !(name == "delete" && errors.Is(err, store.ErrNotFound)) {
						t.Errorf("%q, again: %v", b.took(), err)
					}
					if !act.done(w.node()) {
						t.Errorf("%q: not done the second time", b.took())
					}
				}
			}
		})
	}
}
