package protect

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// What becomes of a JWT while the feed cannot be heard, for every policy.
func TestWhatHappensWithoutTheFeed(t *testing.T) {
	for name, c := range map[string]struct {
		use     FeedUse
		away    Away
		offered bool
		active  map[string]any // what introspection answers
		status  int            // 0: the token is good
	}{
		"go on":                        {FeedAuto, GoOn, true, nil, 0},
		"refuse":                       {FeedAuto, Refuse, true, nil, 503},
		"ask, and it is good":          {FeedAuto, AskServer, true, map[string]any{"active": true}, 0},
		"ask, and it is not":           {FeedAuto, AskServer, true, map[string]any{"active": false}, 401},
		"ask, and there is no answer":  {FeedAuto, AskServer, true, nil, 503},
		"none is offered":              {FeedAuto, Refuse, false, nil, 0},
		"none is offered, ask":         {FeedAuto, AskServer, false, nil, 0},
		"none is offered but required": {FeedRequired, GoOn, false, nil, 503},
		"required, go on":              {FeedRequired, GoOn, true, nil, 0},
		"required, refuse":             {FeedRequired, Refuse, true, nil, 503},
		"off":                          {FeedOff, GoOn, true, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *server, conf Config) {
				conf.ClientID, conf.ClientSecret, conf.Feed, conf.WhenFeedAway = "orders", "secret", c.use, c.away
				if c.offered {
					s.says(map[string]any{"revocation_feed_endpoint": s.url + "/no-feed"}) // answers 404
				}
				if c.active != nil {
					s.active = func(string) map[string]any { return c.active }
				}
				g := newGuard(t, conf)
				token := s.tokenBy(t, s.key(0), time.Now(), nil)
				for range 2 { // verified, and remembered
					r := refusalOf(t, g, token)
					if got := statusOf(r); got != c.status {
						t.Errorf("refusal = %+v, want %d", r, c.status)
					}
				}
			})
		})
	}
}

func statusOf(r *Refusal) int {
	if r == nil {
		return 0
	}
	return r.Status
}

// A token that the feed ended is refused at the next request, although it was remembered as good.
func TestWhatTheFeedEndedIsRefusedAtOnce(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.active = func(string) map[string]any {
		return map[string]any{"active": true, "sub": "usr_1", "client_id": "shop", "jti": "o.1", "scope": "orders:read"}
	}
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	g := newGuard(t, c)
	one, other := s.token(t, map[string]any{"jti": "a.1"}), s.token(t, map[string]any{"jti": "b.1"})
	for _, token := range []string{one, other, "opaque"} {
		wantCode(t, refusalOf(t, g, token), 0, "ok")
	}
	for _, jti := range []string{"a.1", "o.1"} {
		check(t, g.feed.deny([]byte(fmt.Sprintf(`{"type":"token","jti":%q,"until":%d}`, jti, time.Now().Add(time.Hour).Unix()))))
	}
	wantCode(t, refusalOf(t, g, one), 401, "invalid_token")
	wantCode(t, refusalOf(t, g, "opaque"), 401, "invalid_token")
	wantCode(t, refusalOf(t, g, other), 0, "ok")
}

func TestOpaqueTokensAreAskedAbout(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.active = func(token string) map[string]any {
		if token != "grat_good" {
			return map[string]any{"active": false}
		}
		return map[string]any{"active": true, "sub": "shop", "client_id": "shop", "scope": "orders:read", "aud": orders}
	}
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	g := newGuard(t, c)
	token, err := g.Check(t.Context(), "grat_good", "orders:read")
	check(t, err)
	if token.Subject != token.ClientID || token.Subject != "shop" {
		t.Errorf("token = %+v", token)
	}
	wantCode(t, refusalOf(t, g, "grat_good", "orders:write"), 403, "insufficient_scope")
	wantCode(t, refusalOf(t, g, "grat_bad"), 401, "invalid_token")
	// Three parts whose first is no header of JOSE are no JWT either.
	wantCode(t, refusalOf(t, g, "a.b.c"), 401, "invalid_token")
}

// An encrypted JWT has five parts, and only the server knows what is in it.
func TestEncryptedTokensAreAskedAbout(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.active = func(string) map[string]any {
		return map[string]any{"active": true, "sub": "usr_1", "client_id": "shop"}
	}
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	wantCode(t, refusalOf(t, newGuard(t, c), enc(`{"alg":"RSA-OAEP","enc":"A256GCM"}`)+".a.b.c.d"), 0, "ok")
}

// What ended before the API was started is refused from the first request on.
func TestNewWaitsForWhatHasEnded(t *testing.T) {
	s := newServer(t, jose.ES256)
	line := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond) // later than the keys
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "event: ended\ndata: {\"type\":\"token\",\"jti\":\"a.1\",\"until\":%d}\n\nevent: ready\ndata: {}\n\n", time.Now().Add(time.Hour).Unix())
		check(t, http.NewResponseController(w).Flush())
		<-r.Context().Done()
	}))
	t.Cleanup(line.Close)
	s.says(map[string]any{"revocation_feed_endpoint": line.URL})
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	g := newGuard(t, c)
	wantCode(t, refusalOf(t, g, s.token(t, map[string]any{"jti": "a.1"})), 401, "invalid_token")
	wantCode(t, refusalOf(t, g, s.token(t, map[string]any{"jti": "b.1"})), 0, "ok")
}

// A JWT is judged by its signature, even where the server would say yes to anything.
func TestAForgedJWTIsNotAskedAbout(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.active = func(string) map[string]any {
		return map[string]any{"active": true, "sub": "usr_1", "client_id": "shop"}
	}
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	g := newGuard(t, c)
	raw, err := json.Marshal(s.claims(time.Now(), nil))
	check(t, err)
	for _, header := range []string{`{"alg":"none"}`, `{"alg":"HS256","kid":"x","typ":"at+jwt"}`, s.key(0).header()} {
		wantCode(t, refusalOf(t, g, newSigner(t, jose.ES256).seal(t, header, string(raw))), 401, "invalid_token")
	}
}

func TestATokenThatLooksLikeAJWTIsAskedAboutWhereTheServerHasNoKeys(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.says(map[string]any{"jwks_uri": ""})
	s.active = func(string) map[string]any {
		return map[string]any{"active": true, "sub": "usr_2", "client_id": "shop"}
	}
	c := s.config()
	c.ClientID, c.ClientSecret = "orders", "secret"
	if token, err := newGuard(t, c).Check(t.Context(), s.token(t, nil)); err != nil || token.Subject != "usr_2" {
		t.Errorf("Check = %+v, %v", token, err)
	}
	wantCode(t, refusalOf(t, newGuard(t, s.config()), s.token(t, nil)), 401, "invalid_token")
}

func TestRefusalsAreErrors(t *testing.T) {
	g := newGuard(t, newServer(t, jose.ES256).config())
	_, err := g.Check(t.Context(), "junk")
	var refusal *Refusal
	if !errors.As(err, &refusal) || err.Error() != "invalid_token: the access token is not accepted: not a JWT" {
		t.Errorf("error = %v", err)
	}
	if _, err := g.Check(t.Context(), ""); err == nil || err.Error() != "an access token is needed" {
		t.Errorf("error = %v", err)
	}
}

func TestClaimsAreReadByTheirExactNames(t *testing.T) {
	s := newServer(t, jose.ES256)
	g := newGuard(t, s.config())
	token, err := g.Check(t.Context(), s.token(t, map[string]any{"Tenant": "south", "roles": []string{"a", "b"}}))
	check(t, err)
	var tenant string
	var roles []string
	if err := errors.Join(token.Claim("tenant", &tenant), token.Claim("roles", &roles)); err != nil || tenant != "north" || len(roles) != 2 {
		t.Errorf("claims = %q %q, %v", tenant, roles, err)
	}
	if err := token.Claim("TENANT", &tenant); !errors.Is(err, ErrNoClaim) {
		t.Errorf("error = %v", err)
	}
	if err := token.Claim("roles", &tenant); err == nil || errors.Is(err, ErrNoClaim) {
		t.Errorf("error = %v", err)
	}
	if err := new(Token).Claim("tenant", &tenant); !errors.Is(err, ErrNoClaim) {
		t.Errorf("error = %v", err)
	}
}

// Everything at once, for the race detector: good, bad and unknown tokens while keys change and the feed tells.
func TestAGuardIsSharedByMany(t *testing.T) {
	s := newServer(t, jose.ES256, jose.EdDSA)
	c := s.config()
	c.ClientID, c.ClientSecret, c.CacheSize = "orders", "secret", 16
	g := newGuard(t, c)
	h := g.Handler(g.Require("orders:read")(http.HandlerFunc(reached)))
	stranger := newSigner(t, jose.ES256)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 60 {
				token, want := s.tokenBy(t, s.key(i%2), time.Now(), map[string]any{"jti": fmt.Sprint(i)}), 200
				switch (i + worker) % 4 {
				case 1:
					token, want = stranger.seal(t, stranger.header(), `{}`), 401
				case 2:
					token, want = s.tokenBy(t, s.key(0), time.Now(), map[string]any{"exp": i}), 401
				}
				if w := serve(h, request("GET", "/", "Bearer "+token)); w.Code != want {
					t.Errorf("got %d, want %d: %s", w.Code, want, w.Body)
				}
			}
		})
	}
	all.Wait()
}

func TestNoGoroutineIsLeftAfterClose(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.says(map[string]any{"revocation_feed_endpoint": s.url + "/no-feed"})
	for range 5 {
		c := s.config()
		c.ClientID, c.ClientSecret = "orders", "secret"
		g, err := New(t.Context(), c)
		check(t, err)
		wantCode(t, refusalOf(t, g, s.token(t, nil)), 0, "ok")
		check(t, g.Close())
	}
	until(t, "the end of every goroutine", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "protect.(*keyring)")
	})
}

func TestNeitherTokensNorSecretsAreLogged(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		var log testLog
		c.ClientID, c.ClientSecret = "orders", "the-secret-of-the-api"
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.says(map[string]any{"revocation_feed_endpoint": s.url + "/no-feed"})
		g := newGuard(t, c)
		tokens := []string{s.tokenBy(t, s.key(0), time.Now(), nil), s.tokenBy(t, newSigner(t, jose.EdDSA), time.Now(), nil), "an-opaque-token", "a bad token"}
		use := func() {
			for _, token := range tokens {
				refusalOf(t, g, token)
			}
			time.Sleep(time.Minute)
		}
		use()
		s.down.Store(true)
		time.Sleep(time.Hour)
		use()
		s.down.Store(false)
		use()
		check(t, g.Close())
		slog.New(slog.NewTextHandler(&log, nil)).Info("printed", "config", c, "guard", g)
		written := log.String() + fmt.Sprintf("%v %+v %#v %v %+v %#v", c, c, c, g, g, g)
		for _, secret := range append(tokens, c.ClientSecret, basic(c.ClientID, c.ClientSecret)) {
			if strings.Contains(written, secret) {
				t.Errorf("%q is in the log: %s", secret, written)
			}
		}
		if !strings.Contains(written, "cannot be read") || !strings.Contains(written, "are read again") {
			t.Errorf("the outage is not in the log: %s", written)
		}
	})
}
