package oauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (n *node) authenticate(method oauth.AuthMethod, id, secret string) error {
	_, err := n.Authenticate(context.Background(), oauth.Credentials{Method: method, ClientID: id, Secret: secret})
	return err
}

func TestOnlyTheRightSecretAuthenticates(t *testing.T) {
	_, n := newNode(t)
	for _, own := range []string{"", chosen, strings.Repeat("st", 512)} {
		r := webApp()
		r.ClientID, r.ClientName = "c"+string(rune('a'+len(own)%26)), ""
		_, shown, err := n.RegisterClient(t.Context(), r, own)
		ok(t, err)
		secret := own + shown
		for _, wrong := range []string{
			"", " ", secret[:len(secret)-1], secret[1:], secret + "x", " " + secret, secret + " ", secret + "\n", "\n" + secret, secret + "\x00", secret + "\x00x",
			strings.ToUpper(secret), secret + secret, strings.Repeat(secret[:1], len(secret)), secret[:len(secret)/2] + "\n" + secret[len(secret)/2:], strings.Repeat("x", 1<<16),
			oauth.GenerateSecret(), n.client(r.ClientID).Secrets[0].Hash, n.client(r.ClientID).Secrets[0].ID,
		} {
			wantCode(t, n.authenticate(oauth.ClientSecretBasic, r.ClientID, wrong), oauth.InvalidClient)
		}
		ok(t, n.authenticate(oauth.ClientSecretBasic, r.ClientID, secret))
		for _, method := range []oauth.AuthMethod{oauth.ClientSecretPost, oauth.NoSecret, "private_key_jwt", ""} {
			wantCode(t, n.authenticate(method, r.ClientID, secret), oauth.InvalidClient)
		}
		for _, id := range []string{"", "C" + r.ClientID[1:], r.ClientID + " ", r.ClientID + "\x00", "nobody", "usr_1"} {
			wantCode(t, n.authenticate(oauth.ClientSecretBasic, id, secret), oauth.InvalidClient)
		}
	}
}

func TestAPublicClientAuthenticatesWithoutASecretOnly(t *testing.T) {
	_, n := newNode(t)
	n.register(nativeApp())
	ok(t, n.authenticate(oauth.NoSecret, "native", ""))
	for _, method := range []oauth.AuthMethod{oauth.ClientSecretBasic, oauth.ClientSecretPost} {
		for _, secret := range []string{"", chosen, oauth.GenerateSecret()} {
			wantCode(t, n.authenticate(method, "native", secret), oauth.InvalidClient)
		}
	}
	ok(t, n.SetClientState(t.Context(), "native", oauth.Disabled))
	wantCode(t, n.authenticate(oauth.NoSecret, "native", ""), oauth.InvalidClient)
	wantCode(t, n.authenticate(oauth.NoSecret, "nobody", ""), oauth.InvalidClient)
}

// TestEveryRefusalCostsAndSaysTheSame counts argon2id, so that time tells nobody which clients exist.
func TestEveryRefusalCostsAndSaysTheSame(t *testing.T) {
	_, n := newNode(t)
	for id, secret := range map[string]string{"generated": "", "chosen": chosen, "disabled": chosen, "disabled-generated": ""} {
		_, _, err := n.RegisterClient(t.Context(), named(id, ""), secret)
		ok(t, err)
	}
	n.register(nativeApp())
	ok(t, n.SetClientState(t.Context(), "disabled", oauth.Disabled))
	ok(t, n.SetClientState(t.Context(), "disabled-generated", oauth.Disabled))
	text := ""
	for _, id := range []string{"generated", "chosen", "disabled", "disabled-generated", "native", "nobody", "", "usr_1"} {
		for secret, cost := range map[string]int64{"a wrong secret": 1, oauth.GenerateSecret(): 0, "": 0, strings.Repeat("x", 1025): 0} {
			before := n.hasher.Computed()
			err := n.authenticate(oauth.ClientSecretBasic, id, secret)
			wantCode(t, err, oauth.InvalidClient)
			if got := n.hasher.Computed() - before; got != cost {
				t.Errorf("%q with %.10q costs %d argon2id, want %d", id, secret, got, cost)
			}
			if text == "" {
				text = err.Error()
			}
			if err.Error() != text {
				t.Errorf("%q is told %q, others %q", id, err, text)
			}
		}
	}
}

func TestAChosenSecretIsPaidForOnce(t *testing.T) {
	_, n := newNode(t)
	_, _, err := n.RegisterClient(t.Context(), named("a", ""), chosen)
	ok(t, err)
	paid := func(secret string, want oauth.Code) int64 {
		before := n.hasher.Computed()
		wantCode(t, n.authenticate(oauth.ClientSecretBasic, "a", secret), want)
		return n.hasher.Computed() - before
	}
	for i, want := range []int64{1, 0, 0} {
		if got := paid(chosen, ""); got != want {
			t.Errorf("use %d costs %d", i, got)
		}
	}
	for range 3 {
		if got := paid("a wrong secret", oauth.InvalidClient); got != 1 {
			t.Errorf("a wrong secret costs %d", got)
		}
	}
	_, err = n.ReplaceSecrets(t.Context(), "a", "another secret")
	ok(t, err)
	if got := paid(chosen, oauth.InvalidClient); got != 1 {
		t.Errorf("the old secret costs %d", got)
	}
	_, err = n.ReplaceSecrets(t.Context(), "a", chosen)
	ok(t, err)
	if got := paid(chosen, ""); got != 1 {
		t.Errorf("a secret that was given anew costs %d", got)
	}
	ok(t, n.SetClientState(t.Context(), "a", oauth.Disabled))
	paid(chosen, oauth.InvalidClient)
	ok(t, n.SetClientState(t.Context(), "a", oauth.Enabled))
	ok(t, n.DeleteClient(t.Context(), "a"))
	paid(chosen, oauth.InvalidClient)
}

func TestARotatedSecretEndsTheOldOneAtOnce(t *testing.T) {
	_, n := newNode(t)
	_, first, err := n.RegisterClient(t.Context(), named("a", ""), "")
	ok(t, err)
	second, err := n.ReplaceSecrets(t.Context(), "a", "")
	ok(t, err)
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "a", first), oauth.InvalidClient)
	ok(t, n.authenticate(oauth.ClientSecretBasic, "a", second))
	n.register(nativeApp())
	if _, err := n.ReplaceSecrets(t.Context(), "native", ""); err == nil {
		t.Error("a public client got a secret")
	}
	_, err = n.ReplaceSecrets(t.Context(), "nobody", "")
	wantErr(t, err, store.ErrNotFound)
}

func TestASecretExpiresToTheMillisecond(t *testing.T) {
	w, n := newNode(t)
	for _, secret := range []string{oauth.GenerateSecret(), chosen} {
		id := "c" + secret[:4][:1]
		_, _, err := n.RegisterClient(t.Context(), named(id, ""), secret)
		ok(t, err)
		ok(t, n.ExpireSecrets(t.Context(), id, w.now().Add(time.Hour)))
		w.move(time.Hour - time.Millisecond)
		ok(t, n.authenticate(oauth.ClientSecretBasic, id, secret))
		w.move(time.Millisecond)
		wantCode(t, n.authenticate(oauth.ClientSecretBasic, id, secret), oauth.InvalidClient)
		before := n.hasher.Computed()
		wantCode(t, n.authenticate(oauth.ClientSecretBasic, id, "a wrong secret"), oauth.InvalidClient)
		if n.hasher.Computed() != before+1 {
			t.Error("an expired secret is told apart by its cost")
		}
	}
}

func TestAStoreThatIsAwayIsNotAWrongSecret(t *testing.T) {
	w := newWorld(t)
	n := w.over(&watched{Backend: w.store, fail: func(int, string) outcome { return failsBefore }}, w.now)
	for _, method := range oauth.AuthMethods {
		err := n.authenticate(method, "web", chosen)
		if !store.IsUnavailable(err) || refusedWith(err) != "" {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestGeneratedSecretsCarryACheck(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := oauth.GenerateSecret()
		if len(s) != len("grcs_")+48 || !strings.HasPrefix(s, "grcs_") || seen[s] {
			t.Fatalf("made %q", s)
		}
		seen[s] = true
	}
}
