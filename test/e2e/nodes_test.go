package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// Two nodes on one Redis.

// pair are two nodes that tests share, with the default grace.
func pair(t testing.TB, options ...string) (one, two *authtest.Server) {
	t.Helper()
	o := authtest.Options{Store: redistest.Start(t), Args: append([]string{"--limit-exempt", "127.0.0.0/8"}, options...)}
	one = authtest.Start(t, o)
	return one, one.Node(t)
}

func TestTwoNodesActAsOne(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	t.Run("of 100 redemptions across both one succeeds", func(t *testing.T) {
		for range 3 {
			asked := one.App("web").Ask()
			code := one.Browser(t).Grant(asked, authtest.Alice)
			answers := race(t, 100, func(i int) (*authtest.Answer, error) {
				return asked.App.On([]*authtest.Server{one, two}[i%2]).Call(authtest.TokenPath, asked.Redemption(code))
			})
			good, refused := count(answers, http.StatusOK, ""), count(answers, http.StatusBadRequest, "invalid_grant")
			if good != 1 || good+refused != len(answers) {
				t.Errorf("%d of 100 succeed, %d are refused", good, refused)
			}
		}
	})
	t.Run("a refresh token has one successor across both", func(t *testing.T) {
		web := one.App("web")
		token := one.Browser(t).Tokens(web, authtest.Alice).Refresh()
		answers := race(t, 100, func(i int) (*authtest.Answer, error) {
			return web.On([]*authtest.Server{one, two}[i%2]).Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", token))
		})
		successors := map[string]bool{}
		for _, a := range answers {
			a.Wants(t, http.StatusOK, "")
			successors[a.Refresh()] = true
		}
		if len(successors) != 1 {
			t.Errorf("there are %d successors", len(successors))
		}
	})
	t.Run("what is revoked on one is dead on the other", func(t *testing.T) {
		for _, id := range []string{"web", "jwt"} {
			tokens := one.Browser(t).Tokens(one.App(id), authtest.Alice)
			answers := race(t, 10, func(i int) (*authtest.Answer, error) {
				if i == 0 {
					return one.App(id).Call(authtest.RevokePath, authtest.Form("token", tokens.Refresh()))
				}
				return one.App(id).On(two).Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", tokens.Refresh()))
			})
			for _, a := range append(answers[1:], tokens) {
				if a.Access() != "" && (one.App("api").Active(t, a.Access()) || one.App("api").On(two).Active(t, a.Access())) {
					t.Errorf("%s: an access token outlives the revocation", id)
				}
				if a.Refresh() != "" {
					one.App(id).On(two).Refresh(t, a.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
				}
			}
		}
	})
	t.Run("a login goes on at the other node", func(t *testing.T) {
		b := one.Browser(t)
		asked := one.App("web").Ask()
		page := b.Open(asked.URL())
		login := b.At(two).Open(page.URL.String())
		page = login.LogIn("trent", authtest.PasswordOf("trent"))
		if !page.Is("/consent") {
			t.Fatalf("%s", page)
		}
		page = b.Open(page.URL.String()).Press("Allow")
		if !page.Callback().Has("code") {
			t.Fatalf("%s", page)
		}
		asked.App.On(two).Post(t, authtest.TokenPath, asked.Redemption(page.Callback().Get("code"))).Wants(t, http.StatusOK, "")
	})
	t.Run("guesses are counted together", func(t *testing.T) {
		throttled := false
		for i := range 10 {
			page := try(t, []*authtest.Server{one, two}[i%2], "uma", "a wrong password")
			throttled = throttled || page.Status == http.StatusTooManyRequests
			if i >= 5 && page.Status != http.StatusTooManyRequests {
				t.Errorf("guess %d: %d", i+1, page.Status)
			}
		}
	})
	t.Run("a blocked user is out on both within a second", func(t *testing.T) { blockedEverywhere(t, one, two) })
	t.Run("a deleted client is out on both within a second", func(t *testing.T) { deletedEverywhere(t, one, two) })
}

// withinASecond is the promise, with what a busy machine needs on top.
const withinASecond = 3 * time.Second

func blockedEverywhere(t *testing.T, one, two *authtest.Server) {
	b := one.Browser(t)
	tokens, jwt := b.Tokens(one.App("web"), "victor"), b.Tokens(one.App("jwt"), "victor")
	bystander := one.Browser(t).Tokens(one.App("web"), authtest.Alice)
	unused := one.App("web").Ask()
	code := b.Grant(unused, "victor")
	if !one.App("web").On(two).Active(t, tokens.Access()) {
		t.Fatal("the token is not active at first")
	}
	if out, err := one.Command("user", "block", "victor"); err != nil {
		t.Fatalf("block the user: %v: %s", err, out)
	}
	for _, node := range []*authtest.Server{one, two} {
		eventually(t, withinASecond, "the tokens of a blocked user die", func() bool {
			return !node.App("web").Active(t, tokens.Access()) && !node.App("api").Active(t, jwt.Access())
		})
		eventually(t, withinASecond, "the session of a blocked user ends", func() bool {
			return b.At(node).Open(one.App("web").Ask().URL()).Is("/login")
		})
		node.App("web").Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		node.App("web").Post(t, authtest.TokenPath, unused.Redemption(code)).Wants(t, http.StatusBadRequest, "invalid_grant")
		if page := try(t, node, "victor", authtest.PasswordOf("victor")); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Text(), "is not right") {
			t.Errorf("a blocked user who signs in sees %s", page)
		}
		if !node.App("web").Active(t, bystander.Access()) {
			t.Error("the token of another user has died along")
		}
	}
	if out, err := one.Command("user", "unblock", "victor"); err != nil {
		t.Fatalf("unblock the user: %v: %s", err, out)
	}
	eventually(t, withinASecond, "an unblocked user signs in", func() bool {
		return try(t, two, "victor", authtest.PasswordOf("victor")).Status == http.StatusOK
	})
	if one.App("web").Active(t, tokens.Access()) {
		t.Error("a token from before the block lives again")
	}
}

func deletedEverywhere(t *testing.T, one, two *authtest.Server) {
	token := one.App("other").Machine(t).Access()
	user := one.Browser(t).Tokens(one.App("other"), authtest.Alice)
	one.App("other").On(two).Machine(t)
	if out, err := one.Command("client", "delete", "other", "--yes"); err != nil {
		t.Fatalf("delete the client: %v: %s", err, out)
	}
	for _, node := range []*authtest.Server{one, two} {
		eventually(t, withinASecond, "a deleted client is unknown", func() bool {
			answer := node.App("other").Token(t, "grant_type", "client_credentials")
			return answer.Status == http.StatusUnauthorized
		})
		for _, dead := range []string{token, user.Access()} {
			if out, err := one.Command("token", "inspect", dead, "--json"); err == nil && strings.Contains(out, `"active": true`) {
				t.Errorf("a token of the deleted client: %s", out)
			}
		}
		wantPage(t, node.Browser(t).Open(node.App("other").Ask().URL()))
	}
}

func TestStrictNodesGiveOneSuccessor(t *testing.T) {
	t.Parallel()
	one, two := pair(t, "--refresh-grace", "0")
	web := one.App("web")
	for range 3 {
		token := one.Browser(t).Tokens(web, authtest.Alice).Refresh()
		answers := race(t, 60, func(i int) (*authtest.Answer, error) {
			return web.On([]*authtest.Server{one, two}[i%2]).Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", token))
		})
		good, refused := count(answers, http.StatusOK, ""), count(answers, http.StatusBadRequest, "invalid_grant")
		if good != 1 || good+refused != len(answers) {
			t.Errorf("%d succeed, %d are refused", good, refused)
		}
	}
}

func TestKeysRotateWhileTokensAreInUse(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	first := one.App("jwt").Machine(t).Access()
	kids := map[string]bool{}
	remember := func(token string) string {
		header, _ := verifyOn(t, two, token)
		kids[header.KeyID] = true
		return header.KeyID
	}
	old := remember(first)

	// A resource server verifies all the while, with keys that it reads afresh.
	var (
		stop   = make(chan struct{})
		issued atomic.Int64
		all    sync.WaitGroup
		mu     sync.Mutex
		bad    []string
	)
	for i, node := range []*authtest.Server{one, two} {
		verifier := []*authtest.Server{two, one}[i]
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := node.App("jwt").Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
				if err != nil || answer.Status != http.StatusOK {
					mu.Lock()
					bad = append(bad, "no token: "+answer.String())
					mu.Unlock()
					continue
				}
				seen, err := node.App("api").On(verifier).Call(authtest.IntrospectPath, authtest.Form("token", answer.Access()))
				if err != nil || !seen.Active() {
					mu.Lock()
					bad = append(bad, "not active on the other node: "+seen.String())
					mu.Unlock()
				}
				issued.Add(1)
			}
		})
	}
	for range 2 {
		if out, err := one.Command("key", "rotate", "--force"); err != nil {
			t.Fatalf("rotate: %v: %s", err, out)
		}
		before := old
		for _, node := range []*authtest.Server{one, two} {
			eventually(t, 10*time.Second, "the node signs by the next key", func() bool {
				token := node.App("jwt").Machine(t).Access()
				old = remember(token)
				return old != before
			})
		}
	}
	close(stop)
	all.Wait()
	if len(bad) > 0 {
		t.Errorf("of %d tokens %d failed, such as %v", issued.Load(), len(bad), bad[0])
	}
	if len(kids) != 3 {
		t.Errorf("two rotations made %d keys sign", len(kids))
	}
	for _, node := range []*authtest.Server{one, two} {
		verifyOn(t, node, first)
		if !node.App("api").Active(t, first) {
			t.Error("a token from before both rotations is not active")
		}
	}
}

func verifyOn(t testing.TB, s *authtest.Server, token string) (jose.Header, map[string]any) {
	t.Helper()
	return verify(t, s, token, jose.ES256)
}

func TestNodesThatStartAtOnceShareTheirKeys(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	o := authtest.Options{Store: url, Issuer: "http://localhost:4999", MasterKey: "fYm0sGvD3kq1q7ySxkqE0mG1r3nq0l5bqXo4b2c7d9E="}
	var (
		nodes [3]*authtest.Server
		errs  [3]error
		all   sync.WaitGroup
	)
	for i := range nodes {
		all.Go(func() { nodes[i], errs[i] = authtest.Run(o) })
	}
	all.Wait()
	for i, s := range nodes {
		if errs[i] != nil {
			t.Fatalf("node %d: %v", i, errs[i])
		}
		t.Cleanup(func() {
			for _, fault := range s.Close() {
				t.Error(fault)
			}
		})
	}
	// The key of a further algorithm may be another node's, who made it a moment ago.
	eventually(t, withinASecond, "all publish the same keys", func() bool {
		return keyIDs(t, nodes[0]) == keyIDs(t, nodes[1]) && keyIDs(t, nodes[1]) == keyIDs(t, nodes[2])
	})
	for _, id := range []string{"jwt", "jwt-ed"} {
		token := nodes[2].App(id).Machine(t).Access()
		if !nodes[0].App("api").Active(t, token) {
			t.Errorf("%s: a token of one node is not active on another", id)
		}
	}
	token := nodes[0].App("web").Machine(t).Access()
	for _, s := range nodes {
		if !s.App("web").Active(t, token) {
			t.Error("a token of one node is not active on another")
		}
	}
}

func keyIDs(t testing.TB, s *authtest.Server) string {
	t.Helper()
	var kids []string
	for _, k := range keySet(t, s).Keys {
		kids = append(kids, k.KeyID)
	}
	slices.Sort(kids)
	return strings.Join(kids, " ")
}

func TestANodeWithAnotherMasterKeyDoesNotStart(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	authtest.Start(t, authtest.Options{Store: url})
	s, err := authtest.Run(authtest.Options{Store: url})
	if err == nil {
		s.Close()
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "master key") {
		t.Errorf("it does not say why: %v", err)
	}
}
