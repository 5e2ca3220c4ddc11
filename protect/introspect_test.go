package protect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// desk answers introspection on a stage, and keeps what it was asked.
type desk struct {
	*stage
	i      *introspector
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
	mu     sync.Mutex
	seen   []*http.Request
}

func newDesk(t *testing.T, changes ...func(*Config)) *desk {
	t.Helper()
	k := &desk{stage: newStage(t)}
	k.introspect = func(w http.ResponseWriter, r *http.Request) {
		k.asked.Add(1)
		_ = r.ParseForm()
		k.mu.Lock()
		k.seen = append(k.seen, r)
		k.mu.Unlock()
		(*k.answer.Load())(w, r)
	}
	c := k.config()
	for _, change := range changes {
		change(&c)
	}
	c = c.complete()
	k.i = newIntrospector(&c, k.discovery(t, &c))
	t.Cleanup(func() {
		k.i.close()
		c.HTTPClient.CloseIdleConnections()
		noneLeft(t)
	})
	return k
}

func (k *desk) answers(h http.HandlerFunc) { k.answer.Store(&h) }

func (k *desk) tells(members map[string]any) {
	k.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_ = json.NewEncoder(w).Encode(members)
	})
}

func (k *desk) says(status int) {
	k.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// good is the answer about a token that is good for ten minutes.
func (k *desk) good(changes ...any) map[string]any {
	members := map[string]any{
		"active": true, "scope": "read write", "client_id": "app", "sub": "usr_1", "token_type": "Bearer",
		"aud": stageAudience, "iss": k.URL, "exp": k.clock.Now().Add(10 * time.Minute).Unix(), "iat": k.clock.Now().Unix(),
	}
	for i := 0; i < len(changes); i += 2 {
		name := changes[i].(string)
		if members[name] = changes[i+1]; changes[i+1] == nil {
			delete(members, name)
		}
	}
	return members
}

func (k *desk) expect(t *testing.T, token string, want error) *Token {
	t.Helper()
	got, err := k.i.look(t.Context(), token)
	if !errors.Is(err, want) || (got != nil) != (want == nil) {
		t.Errorf("%q: %v, %v, want %v", token, got, err, want)
	}
	return got
}

func TestAnActiveTokenIsDescribed(t *testing.T) {
	k := newDesk(t)
	k.tells(k.good("jti", "a.b", "tenant", "blue"))
	got := k.expect(t, "opaque", nil)
	if got.Subject != "usr_1" || got.ClientID != "app" || !slices.Equal(got.Scope, []string{"read", "write"}) || got.ID != "a.b" ||
		!slices.Equal(got.Audience, []string{stageAudience}) || got.marks.authorization == 0 || got.marks.client == 0 {
		t.Errorf("%+v", got)
	}
	if tenant := ""; got.Claim("tenant", &tenant) != nil || tenant != "blue" {
		t.Error("other members of the answer are not claims")
	}
}

func TestTheQuestionIsAsTheStandardSays(t *testing.T) {
	k := newDesk(t, func(c *Config) { c.ClientID, c.ClientSecret = "or:ders", "s 3+cr%t" })
	k.tells(k.good())
	k.expect(t, "a+b/c=", nil)
	r := k.seen[0]
	id, secret, _ := r.BasicAuth()
	if id != "or%3Aders" || secret != "s+3%2Bcr%25t" {
		t.Errorf("credentials %q and %q are not form-encoded (RFC 6749 section 2.3.1)", id, secret)
	}
	if r.Method != http.MethodPost || r.PostForm.Get("token") != "a+b/c=" || r.PostForm.Get("token_type_hint") != "access_token" ||
		len(r.PostForm) != 2 || r.URL.RawQuery != "" || r.Header.Get("Accept") != "application/json" {
		t.Errorf("%s %s %v %v", r.Method, r.URL, r.PostForm, r.Header)
	}
}

func TestWhatIsActiveAndNotForThisAPIIsRefused(t *testing.T) {
	k := newDesk(t)
	now := k.clock.Now()
	for i, test := range []struct {
		name  string
		value any
		want  error
	}{
		{"active", false, errInactive},
		{"aud", []string{"https://else.example.com", stageAudience}, nil},
		{"aud", []string{"https://else.example.com"}, errInactive},
		{"aud", "https://orders.example.com/", errInactive},
		{"aud", "", errInactive},
		{"aud", []string{}, errInactive},
		{"aud", nil, nil}, // the server answers about tokens only that may be used here (section 4)
		{"iss", nil, nil},
		{"iss", "https://else.example.com", errInactive},
		{"iss", "", errInactive},
		{"token_type", "bearer", nil},
		{"token_type", nil, nil},
		{"token_type", "refresh_token", errInactive},
		{"token_type", "DPoP", errInactive},
		{"token_type", "N_A", errInactive},
		{"token_use", "access_token", nil},
		{"token_use", "refresh_token", errInactive},
		{"token_use", "id", errInactive},
		{"token_use", 1, errInactive},
		{"cnf", map[string]string{"jkt": "x"}, errInactive},
		{"exp", nil, nil},
		{"exp", now.Add(time.Second).Unix(), nil},
		{"exp", now.Add(-4 * time.Second).Unix(), nil}, // within Skew
		{"exp", now.Add(-6 * time.Second).Unix(), errInactive},
		{"exp", "tomorrow", errInactive},
		{"nbf", now.Add(4 * time.Second).Unix(), nil},
		{"nbf", now.Add(7 * time.Second).Unix(), errInactive},
		{"scope", []string{"read"}, errInactive}, // not a string (section 2.2)
	} {
		t.Run(fmt.Sprintf("%s %v", test.name, test.value), func(t *testing.T) {
			k.tells(k.good(test.name, test.value))
			k.expect(t, fmt.Sprintf("token-%d", i), test.want)
		})
	}
}

func TestWhatIsNoAnswerIsNotBelieved(t *testing.T) {
	k := newDesk(t, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	body := func(kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(text))
		}
	}
	late := make(chan struct{})
	defer close(late)
	for name, answer := range map[string]http.HandlerFunc{
		"a page":             body("text/html", `{"active":true}`),
		"no kind":            body("", `{"active":true}`),
		"broken":             body("application/json", `{"active":true`),
		"a list":             body("application/json", `[{"active":true}]`),
		"nothing":            body("application/json", ``),
		"active missing":     body("application/json", `{"sub":"x"}`),
		"active in capitals": body("application/json", `{"ACTIVE":true}`),
		"active in quotes":   body("application/json", `{"active":"true"}`),
		"active null":        body("application/json", `{"active":null}`),
		"too long":           body("application/json", `{"active":true,"x":"`+strings.Repeat("x", maxAnswer)+`"}`),
		"created":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/introspect?x", http.StatusTemporaryRedirect)
		},
		"not found": http.NotFound,
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no end": func(w http.ResponseWriter, r *http.Request) {
			body("application/json", `{"active":`)(w, r)
			w.(http.Flusher).Flush()
			select {
			case <-late:
			case <-r.Context().Done():
			}
		},
		"connection cut":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"the server's trouble": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			before := k.asked.Load()
			k.answers(answer)
			k.expect(t, "token of "+name, errAway)
			if k.asked.Load() != before+1 {
				t.Error("a redirect was followed, or nobody was asked")
			}
			k.tells(k.good())
			k.expect(t, "another token of "+name, nil) // so that the circuit stays closed
		})
	}
}

func TestTokensThatAreNoneAreNotSent(t *testing.T) {
	k := newDesk(t)
	k.tells(k.good())
	k.expect(t, strings.Repeat("x", maxAskedToken), nil)
	k.expect(t, strings.Repeat("x", maxAskedToken+1), errInactive)
	k.expect(t, "", errInactive)
	if k.asked.Load() != 1 {
		t.Errorf("%d requests", k.asked.Load())
	}
}

func TestAGoodAnswerIsBelievedForItsTimeAndNeverPastTheEndOfTheToken(t *testing.T) {
	k := newDesk(t)
	end := k.clock.Now().Add(40 * time.Second).Truncate(time.Second)
	k.tells(k.good("exp", end.Unix()))
	ask := func(want int64) {
		t.Helper()
		if k.expect(t, "opaque", nil); k.asked.Load() != want {
			t.Errorf("%d requests, want %d", k.asked.Load(), want)
		}
	}
	ask(1)
	k.clock.pass(defaultCacheTime - time.Millisecond)
	ask(1)
	k.clock.pass(time.Millisecond)
	ask(2) // ten seconds before the end
	k.clock.pass(end.Sub(k.clock.Now()) - time.Millisecond)
	ask(2)
	k.clock.pass(time.Millisecond)
	ask(3) // within Skew: asked each time
	ask(4)
	k.clock.pass(defaultSkew)
	k.expect(t, "opaque", errInactive)
}

func TestABadAnswerIsBelievedForAMoment(t *testing.T) {
	k := newDesk(t)
	k.tells(map[string]any{"active": false})
	k.expect(t, "opaque", errInactive)
	k.clock.pass(inactiveTime - time.Millisecond)
	k.expect(t, "opaque", errInactive)
	if k.asked.Load() != 1 {
		t.Errorf("%d requests", k.asked.Load())
	}
	k.tells(k.good())
	k.clock.pass(time.Millisecond)
	k.expect(t, "opaque", nil)
}

func TestNoAnswerIsNotRemembered(t *testing.T) {
	k := newDesk(t)
	k.says(http.StatusBadGateway)
	k.expect(t, "opaque", errAway)
	k.tells(k.good())
	k.expect(t, "opaque", nil)
}

func TestJunkPushesOutNoGoodToken(t *testing.T) {
	k := newDesk(t, func(c *Config) { c.CacheSize = 100 })
	k.tells(k.good())
	for n := range 20 {
		k.expect(t, fmt.Sprint("good ", n), nil)
	}
	k.tells(map[string]any{"active": false})
	for n := range 1000 {
		k.expect(t, fmt.Sprint("junk ", n), errInactive)
	}
	for n := range 20 {
		k.expect(t, fmt.Sprint("good ", n), nil)
	}
	now := k.clock.Now().UnixMilli()
	if n := k.i.active.len(now) + k.i.inactive.len(now); n > 20+150 {
		t.Errorf("%d tokens are remembered", n)
	}
}
