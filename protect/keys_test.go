package protect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// wire brings requests to a handler without a network, so that time can be made to pass in a bubble of synctest.
type wire struct{ to http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.to.ServeHTTP(recorder, r)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// inBubble runs a test against a server without a network. Time passes only while everybody waits.
func inBubble(t *testing.T, test func(t *testing.T, s *server, c Config)) {
	t.Helper()
	es, other := newSigner(t, jose.ES256), newSigner(t, jose.EdDSA)
	synctest.Test(t, func(t *testing.T) {
		s := &server{url: "https://auth.example.com"}
		s.publish(es, other)
		c := s.config()
		c.HTTPClient = &http.Client{Transport: wire{s}}
		test(t, s, c)
	})
}

func TestKeysAreReadAgainAhead(t *testing.T) {
	for header, latest := range map[string]time.Duration{
		"":                      keysUsually,
		"max-age=600":           450 * time.Second,
		"public, max-age=86400": keysLatest,
		"max-age=1":             keysSoonest,
		"no-store, max-age=x":   keysUsually,
	} {
		inBubble(t, func(t *testing.T, s *server, c Config) {
			s.headers = http.Header{"Cache-Control": {header}}
			g := newGuard(t, c)
			synctest.Wait()
			time.Sleep(latest/2 - time.Second)
			synctest.Wait()
			if n := s.keyReads.Load(); n != 1 {
				t.Errorf("%q: read %d times, too early", header, n)
			}
			time.Sleep(latest/2 + 2*time.Second)
			synctest.Wait()
			if n := s.keyReads.Load(); n != 2 {
				t.Errorf("%q: read %d times, want 2", header, n)
			}
			check(t, g.Close())
		})
	}
}

func TestAServerThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		s.down.Store(true)
		g := newGuard(t, c)
		token := s.tokenBy(t, s.key(0), time.Now(), nil)
		wantCode(t, refusalOf(t, g, token), 503, "temporarily_unavailable")
		time.Sleep(time.Minute)
		wantCode(t, refusalOf(t, g, token), 503, "temporarily_unavailable")
		s.down.Store(false)
		time.Sleep(retryLatest + time.Second)
		wantCode(t, refusalOf(t, g, token), 0, "ok")
	})
}

func TestNewWaitsForAServerThatHangsOnlySoLong(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		hold := s.hangs()
		began := time.Now()
		g := newGuard(t, c)
		if took := time.Since(began); took != defaultTimeout {
			t.Errorf("New took %s", took)
		}
		close(hold)
		time.Sleep(2 * time.Second)
		wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(0), time.Now(), nil)), 0, "ok")
	})
}

func TestAnOutageChangesNothingForADay(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		cached := s.tokenBy(t, s.key(0), time.Now(), map[string]any{"exp": time.Now().Add(48 * time.Hour).Unix()})
		wantCode(t, refusalOf(t, g, cached), 0, "ok")
		s.down.Store(true)
		time.Sleep(keysLast - time.Minute)
		wantCode(t, refusalOf(t, g, cached), 0, "ok")
		wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(1), time.Now(), nil)), 0, "ok")
		// A key that cannot be read may be a new one: that is no fault of the caller.
		unknown := s.tokenBy(t, newSigner(t, jose.EdDSA), time.Now(), nil)
		wantCode(t, refusalOf(t, g, unknown), 503, "temporarily_unavailable")
		time.Sleep(2 * time.Minute)
		wantCode(t, refusalOf(t, g, cached), 503, "temporarily_unavailable")
		wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(1), time.Now(), nil)), 503, "temporarily_unavailable")
		s.down.Store(false)
		time.Sleep(retryLatest + time.Second)
		wantCode(t, refusalOf(t, g, cached), 0, "ok")
		wantCode(t, refusalOf(t, g, unknown), 401, "invalid_token")
	})
}

func TestARotatedKeyIsTakenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		time.Sleep(time.Second)
		fresh := newSigner(t, jose.EdDSA)
		s.publish(fresh)
		wantCode(t, refusalOf(t, g, s.tokenBy(t, fresh, time.Now(), nil)), 0, "ok")
		// The next one within ten seconds has to wait for its turn, and is taken then.
		next := newSigner(t, jose.EdDSA)
		s.publish(next)
		token := s.tokenBy(t, next, time.Now(), nil)
		time.Sleep(keysAsked - time.Millisecond)
		wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
		time.Sleep(time.Millisecond)
		wantCode(t, refusalOf(t, g, token), 0, "ok")
		if n := s.keyReads.Load(); n != 3 {
			t.Errorf("keys were read %d times, want 3", n)
		}
	})
}

func TestAKeyThatIsGoneTakesItsTokensAlong(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		gone, stays := s.key(0), s.key(1)
		token, other := s.tokenBy(t, gone, time.Now(), map[string]any{"exp": time.Now().Add(time.Hour).Unix()}), s.tokenBy(t, stays, time.Now(), map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
		wantCode(t, refusalOf(t, g, token), 0, "ok")
		first, err := g.Check(t.Context(), other)
		check(t, err)
		s.withdraw(gone)
		time.Sleep(keysUsually + time.Second)
		wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
		if again, err := g.Check(t.Context(), other); err != nil || again != first {
			t.Errorf("a token of the key that stayed was verified again: %v", err)
		}
	})
}

func TestAKeyThatChangesUnderItsNameTakesItsTokensAlong(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		old := s.key(1)
		token := s.tokenBy(t, old, time.Now(), map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
		wantCode(t, refusalOf(t, g, token), 0, "ok")
		other := newSigner(t, jose.EdDSA)
		set := must(t, func() ([]byte, error) { return jose.MarshalSet([]*jose.Key{other.Key}) })
		s.keys.Lock()
		s.keys.raw = strings.Replace(string(set), other.ID, old.ID, 1)
		s.keys.Unlock()
		time.Sleep(keysUsually + time.Second)
		wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
	})
}

// What was refused with old keys is looked at again with new ones, not only when the refusal is forgotten.
func TestARefusalLastsNoLongerThanTheKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		old, other := s.key(1), newSigner(t, jose.EdDSA)
		claims, err := json.Marshal(s.claims(time.Now(), nil))
		check(t, err)
		token := other.seal(t, old.header(), string(claims))
		wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
		set := must(t, func() ([]byte, error) { return jose.MarshalSet([]*jose.Key{other.Key}) })
		s.keys.Lock()
		s.keys.raw = strings.Replace(string(set), other.ID, old.ID, 1)
		s.keys.Unlock()
		refusalOf(t, g, s.tokenBy(t, newSigner(t, jose.EdDSA), time.Now(), nil)) // has the keys read
		wantCode(t, refusalOf(t, g, token), 0, "ok")
	})
}

func TestAFloodOfUnknownKeysCostsOneReading(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		time.Sleep(time.Minute)
		hold := s.hangs()
		stranger := newSigner(t, jose.EdDSA)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				token := stranger.seal(t, fmt.Sprintf(`{"alg":"EdDSA","kid":"%d","typ":"at+jwt"}`, i), `{}`)
				wantCode(t, refusalOf(t, g, token), 401, "invalid_token")
			})
		}
		synctest.Wait() // all wait for the one reading
		if n := s.keyReads.Load(); n != 2 {
			t.Errorf("keys were read %d times, want 2", n)
		}
		close(hold)
		all.Wait()
		if n := s.keyReads.Load(); n != 2 {
			t.Errorf("keys were read %d times, want 2", n)
		}
	})
}

func TestACallerWhoGivesUpWaitsNoLonger(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		time.Sleep(time.Minute)
		hold := s.hangs()
		defer close(hold)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := g.Check(ctx, s.tokenBy(t, newSigner(t, jose.EdDSA), time.Now(), nil))
		if err == nil || time.Since(began) != time.Second {
			t.Errorf("Check = %v after %s", err, time.Since(began))
		}
	})
}

// RFC 7517: what else may stand in a set, and what must not take the API down.
func TestOnlyUsableKeysOfASetAreTaken(t *testing.T) {
	s := newServer(t, jose.ES256)
	k := s.key(0)
	one := strings.TrimSuffix(strings.TrimPrefix(string(s.keySet()), `{"keys":[`), `]}`)
	with := func(old, changed string) string { return strings.Replace(one, old, changed, 1) }
	secret := `{"kty":"oct","kid":"` + k.ID + `","k":"c2VjcmV0"}`
	for name, c := range map[string]struct {
		set    string
		status int // 0: the token is good
	}{
		"as published":             {`{"keys":[` + one + `]}`, 0},
		"without alg":              {`{"keys":[` + with(`"alg":"ES256",`, ``) + `]}`, 0},
		"without use":              {`{"keys":[` + with(`"use":"sig",`, ``) + `]}`, 0},
		"others around it":         {`{"keys":[{"kty":"XYZ"},{"kty":"oct","kid":"s","k":"c2VjcmV0"},` + one + `,{"kty":"EC","crv":"P-521"},{}]}`, 0},
		"more members":             {`{"more":1,"keys":[` + with(`{`, `{"more":"y",`) + `]}`, 0},
		"for encryption":           {`{"keys":[` + with(`"use":"sig"`, `"use":"enc"`) + `]}`, 401},
		"for wrapping":             {`{"keys":[` + with(`{`, `{"key_ops":["wrapKey"],`) + `]}`, 401},
		"for verification":         {`{"keys":[` + with(`{`, `{"key_ops":["verify"],`) + `]}`, 0},
		"another alg":              {`{"keys":[` + with(`"ES256"`, `"ES384"`) + `]}`, 401},
		"without kid":              {`{"keys":[` + with(`"kid":"`+k.ID+`",`, ``) + `]}`, 401},
		"a secret of that name":    {`{"keys":[` + secret + `]}`, 401},
		"a secret before it":       {`{"keys":[` + secret + `,` + one + `]}`, 0},
		"with its private part":    {`{"keys":[` + with(`{`, `{"d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",`) + `]}`, 401},
		"members twice":            {`{"keys":[` + with(`{`, `{"kid":"a",`) + `]}`, 401},
		"empty":                    {`{"keys":[]}`, 401},
		"no set":                   {`{}`, 503},
		"a list":                   {`[` + one + `]`, 503},
		"no JSON":                  {`keys`, 503},
		"keys twice":               {`{"keys":[],"keys":[` + one + `]}`, 503},
		"too large":                {`{"keys":[` + one + `]` + strings.Repeat(" ", maxDocument) + `}`, 503},
		"too many":                 {`{"keys":[` + many(t, one, k.ID, maxKeys+1) + `]}`, 503},
		"as many as there may be":  {`{"keys":[` + many(t, one, k.ID, maxKeys) + `]}`, 0},
		"not on the curve":         {`{"keys":[{"kty":"EC","crv":"P-256","kid":"` + k.ID + `","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`, 401},
		"an RSA key of small size": {`{"keys":[{"kty":"RSA","kid":"` + k.ID + `","e":"AQAB","n":"` + strings.Repeat("q", 171) + `"}]}`, 401},
	} {
		t.Run(name, func(t *testing.T) {
			s.keys.Lock()
			s.keys.raw = c.set
			s.keys.Unlock()
			r := refusalOf(t, newGuard(t, s.config()), s.tokenBy(t, k, time.Now(), nil))
			switch {
			case c.status == 0:
				wantCode(t, r, 0, "ok")
			case c.status > 0 && (r == nil || r.Status != c.status):
				t.Errorf("refusal = %+v, want %d", r, c.status)
			}
		})
	}
}

// many repeats a key under other names, the right one last.
func many(t *testing.T, one, kid string, n int) string {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = strings.Replace(one, kid, fmt.Sprint("k", i), 1)
	}
	list[n-1] = one
	return strings.Join(list, ",")
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		c.ClientID, c.ClientSecret = "orders", "secret"
		g, err := New(t.Context(), c)
		check(t, err)
		token := s.tokenBy(t, s.key(0), time.Now(), nil)
		wantCode(t, refusalOf(t, g, token), 0, "ok")
		check(t, g.Close())
		check(t, g.Close()) // a second time does no harm
		wantCode(t, refusalOf(t, g, token), 503, "temporarily_unavailable")
		// The bubble ends only when every goroutine in it has.
	})
}

func TestMetricsAreTold(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		var mu sync.Mutex
		told := map[string]int{}
		tell := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			told[what]++
		}
		c.Hooks = Hooks{
			OnCheck: func(result string, _ time.Duration) { tell(result) },
			OnKeys:  func(result string, n int) { tell(fmt.Sprint("keys ", result, " ", n)) },
		}
		g := newGuard(t, c)
		token := s.tokenBy(t, s.key(0), time.Now(), nil)
		refusalOf(t, g, token)
		refusalOf(t, g, token, "orders:delete")
		refusalOf(t, g, "")
		refusalOf(t, g, "a b")
		refusalOf(t, g, "abc")
		s.down.Store(true)
		time.Sleep(keysUsually + time.Second)
		check(t, g.Close())
		refusalOf(t, g, token)
		for _, what := range []string{"ok", "insufficient_scope", "no_token", "invalid_request", "invalid_token", "unavailable", "keys read 2"} {
			if told[what] != 1 {
				t.Errorf("%s was told %d times: %v", what, told[what], told)
			}
		}
		if told["keys failed 2"] == 0 {
			t.Errorf("the failure was not told: %v", told)
		}
	})
}
