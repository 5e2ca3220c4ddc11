package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// Keys that have leaked: a signing key is withdrawn, the master key is changed.

// signedBy gives the kid in the header of a JWT.
func signedBy(t testing.TB, token string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("parse the token: %v", err)
	}
	return parsed.Signatures[0].Header.KeyID
}

func TestWithdrawnKeyIsOutOnBothNodesWithinASecond(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	nodes := []*authtest.Server{one, two}
	machine := one.App("jwt").Machine(t).Access()
	users := one.Browser(t).Tokens(one.App("jwt"), authtest.Alice)
	opaque := one.App("web").Machine(t).Access()
	kid := signedBy(t, machine)
	for _, node := range nodes {
		if !node.App("api").Active(t, machine) || !node.App("api").Active(t, users.Access()) {
			t.Fatal("the tokens are not active at first")
		}
	}
	if out, err := one.Command("key", "withdraw", "--", kid); err != nil {
		t.Fatalf("withdraw the key: %v: %s", err, out)
	}
	for _, node := range nodes {
		eventually(t, withinASecond, "what the key signed is refused", func() bool {
			return !node.App("api").Active(t, machine) && !node.App("api").Active(t, users.Access()) && !strings.Contains(keyIDs(t, node), kid)
		})
	}
	eventually(t, withinASecond, "all publish the same keys", func() bool { return keyIDs(t, one) == keyIDs(t, two) })

	// Who had such a token gets another, and nothing else has ended.
	next := users
	for i, node := range nodes {
		next = one.App("jwt").On(node).Refresh(t, next.Refresh())
		next.Wants(t, http.StatusOK, "")
		verifyOn(t, nodes[1-i], next.Access())
		if signedBy(t, next.Access()) == kid || !nodes[1-i].App("api").Active(t, next.Access()) || !node.App("web").Active(t, opaque) {
			t.Error("a token of after the withdrawal, or one that no key signed, is refused")
		}
	}
	// All keys that there are: what is issued before and after.
	if out, err := two.Command("key", "withdraw", "--all"); err != nil {
		t.Fatalf("withdraw all keys: %v: %s", err, out)
	}
	for _, node := range nodes {
		eventually(t, withinASecond, "what any key signed is refused", func() bool { return !node.App("api").Active(t, next.Access()) })
		fresh := node.App("jwt").Machine(t).Access()
		for _, other := range nodes {
			eventually(t, withinASecond, "new tokens are good", func() bool { return other.App("api").Active(t, fresh) })
		}
	}
}

// lived is what somebody holds while the master key is changed.
type lived struct {
	browser     *authtest.Browser
	opaque, jwt *authtest.Answer
	machine     string
	login       *authtest.Page
}

func newLived(t testing.TB, s *authtest.Server) *lived {
	l := &lived{browser: s.Browser(t)}
	l.opaque, l.jwt = l.browser.Tokens(s.App("web"), authtest.Alice), l.browser.Tokens(s.App("jwt"), authtest.Alice)
	l.machine = s.App("jwt").Machine(t).Access()
	l.login = s.Browser(t).Open(s.App("web").Ask().URL()) // a form that was served before
	return l
}

// livesOn finds nothing changed.
func (l *lived) livesOn(t testing.TB, s *authtest.Server) {
	t.Helper()
	for id, token := range map[string]string{"web": l.opaque.Access(), "api": l.jwt.Access()} {
		if !s.App(id).Active(t, token) {
			t.Errorf("a token for %s has ended", id)
		}
	}
	if !s.App("api").Active(t, l.machine) {
		t.Error("the token of a machine has ended")
	}
	verifyOn(t, s, l.machine)
	for id, before := range map[string]*authtest.Answer{"web": l.opaque, "jwt": l.jwt} {
		next := s.App(id).Refresh(t, before.Refresh())
		next.Wants(t, http.StatusOK, "")
		again := s.App(id).Refresh(t, next.Refresh())
		again.Wants(t, http.StatusOK, "")
	}
	if home := l.browser.Open(s.URL("/")); !strings.Contains(home.Text(), authtest.Alice) {
		t.Errorf("the session has ended: %s", home)
	}
	if page := l.login.LogIn("trent", authtest.PasswordOf("trent")); !page.Is("/consent") {
		t.Errorf("a form from before is refused: %s", page)
	}
}

func TestEverythingLivesOnUnderAnotherMasterKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ store, key string }{
		"embedded": {"bolt:./data/grantor.db", "/data/grantor.db.key"},
		"redis":    {redistest.Start(t), "/data/master.key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := authtest.Start(t, authtest.Options{Store: c.store, MasterKey: authtest.NoMasterKey})
			l := newLived(t, s)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if out, err := s.Command("masterkey", "change"); err != nil {
				t.Fatalf("change the master key: %v: %s", err, out)
			}
			if out, err := s.Command("audit", "--action", "user.login"); err != nil || !strings.Contains(out, "user.login") {
				t.Errorf("the audit log: %v: %s", err, out)
			}
			if err := s.Restart(); err != nil {
				t.Fatalf("it does not start under the new key: %v", err)
			}
			l.livesOn(t, s)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(s.Dir+c.key+".old", s.Dir+c.key); err != nil {
				t.Fatal(err)
			}
			if err := s.Restart(); err == nil || !strings.Contains(err.Error()+s.Log(), "start with the master key") {
				t.Errorf("under the old key: %v", err)
			}
		})
	}
}
