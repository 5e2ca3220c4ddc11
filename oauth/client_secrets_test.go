package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// fieldsOf gives the fields that an error finds wrong.
func fieldsOf(t *testing.T, err error) (fields []string) {
	t.Helper()
	var e *oauth.RegistrationError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v", err)
	}
	for _, f := range e.Fields {
		fields = append(fields, f.Field)
	}
	return fields
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	if got := fieldsOf(t, err); !slices.Equal(got, []string{field}) {
		t.Fatalf("faults of %q, want %s", got, field)
	}
}

func (n *node) authenticates(id, secret string) bool {
	n.w.t.Helper()
	err := n.authenticate(oauth.ClientSecretBasic, id, secret)
	if err != nil {
		wantCode(n.w.t, err, oauth.InvalidClient)
	}
	return err == nil
}

// told gives the details of the newest event of an action about an object.
func (n *node) told(object, action string) map[string]string {
	n.w.t.Helper()
	page, _, err := account.NewAudit(n.w.store, n.w.now).Events(context.Background(), account.ObjectEvents(object), "", 500)
	ok(n.w.t, err)
	for _, e := range page {
		if e.Action == action {
			return e.Detail
		}
	}
	n.w.t.Fatalf("no event %s of %s", action, object)
	return nil
}

func TestAClientHoldsSeveralSecrets(t *testing.T) {
	w, n := newNode(t)
	_, first, err := n.RegisterClient(t.Context(), named("a", "A"), "")
	ok(t, err)
	kept, second, err := n.AddSecret(t.Context(), "a", oauth.NewClientSecret{Name: "nightly job", Expires: w.now().Add(time.Hour)})
	ok(t, err)
	if kept.Name != "nightly job" || kept.Prefix != second[:9] || !strings.HasPrefix(second, "grcs_") || !kept.Expires.Equal(w.now().Add(time.Hour)) {
		t.Errorf("kept %+v", kept)
	}
	secrets := n.client("a").Secrets
	if len(secrets) != 2 || secrets[1].ID != kept.ID || secrets[0].Prefix != first[:9] || secrets[1].Hash == "" {
		t.Fatalf("secrets %+v", secrets)
	}
	for _, secret := range []string{first, second} {
		if !n.authenticates("a", secret) {
			t.Error("a secret is refused")
		}
	}
	w.move(time.Hour - time.Millisecond)
	if !n.authenticates("a", second) {
		t.Error("a secret ended too soon")
	}
	w.move(time.Millisecond)
	if n.authenticates("a", second) || !n.authenticates("a", first) {
		t.Error("the wrong one of two secrets has expired")
	}
	ok(t, n.RevokeSecret(t.Context(), "a", secrets[0].ID))
	if n.authenticates("a", first) {
		t.Error("a revoked secret is good")
	}
	wantErr(t, n.RevokeSecret(t.Context(), "a", secrets[0].ID), store.ErrNotFound)
	wantErr(t, n.RevokeSecret(t.Context(), "nobody", kept.ID), store.ErrNotFound)
	wantErr(t, n.RevokeSecret(t.Context(), "a", ""), store.ErrNotFound)
}

func TestRotationLetsOldSecretsLiveOnForAWhile(t *testing.T) {
	w, n := newNode(t)
	_, first, err := n.RegisterClient(t.Context(), named("a", "A"), "")
	ok(t, err)
	_, soon, err := n.AddSecret(t.Context(), "a", oauth.NewClientSecret{Expires: w.now().Add(time.Minute)})
	ok(t, err)
	_, next, err := n.RotateSecrets(t.Context(), "a", oauth.NewClientSecret{Name: "2027"}, time.Hour)
	ok(t, err)
	w.move(time.Minute)
	if n.authenticates("a", soon) {
		t.Error("a rotation made a secret live longer")
	}
	w.move(time.Hour - time.Minute - time.Millisecond)
	if !n.authenticates("a", first) || !n.authenticates("a", next) {
		t.Error("there is no overlap")
	}
	w.move(time.Millisecond)
	if n.authenticates("a", first) || !n.authenticates("a", next) {
		t.Error("the overlap does not end")
	}
	_, last, err := n.RotateSecrets(t.Context(), "a", oauth.NewClientSecret{}, 0)
	ok(t, err)
	if n.authenticates("a", next) || !n.authenticates("a", last) || len(n.client("a").Secrets) != 1 {
		t.Error("without an overlap the old secret lives on")
	}
	for _, overlap := range []time.Duration{-1, 366*24*time.Hour + 1} {
		_, _, err = n.RotateSecrets(t.Context(), "a", oauth.NewClientSecret{}, overlap)
		wantField(t, err, "overlap")
	}
	_, _, err = n.RotateSecrets(t.Context(), "a", oauth.NewClientSecret{}, 366*24*time.Hour)
	ok(t, err)
}

func TestFaultsOfASecret(t *testing.T) {
	w, n := newNode(t)
	n.register(named("a", "A"))
	for name, x := range map[string]struct {
		n     oauth.NewClientSecret
		field string
	}{
		"long name":       {oauth.NewClientSecret{Name: strings.Repeat("ü", 101)}, "name"},
		"hidden name":     {oauth.NewClientSecret{Name: "a\u202eb"}, "name"},
		"ended":           {oauth.NewClientSecret{Expires: w.now()}, "expires"},
		"ended long ago":  {oauth.NewClientSecret{Expires: time.Unix(0, 0)}, "expires"},
		"beyond all time": {oauth.NewClientSecret{Expires: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}, "expires"},
	} {
		_, _, err := n.AddSecret(t.Context(), "a", x.n)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		wantField(t, err, x.field)
	}
	_, _, err := n.AddSecret(t.Context(), "a", oauth.NewClientSecret{Name: strings.Repeat("ü", 100), Expires: w.now().Add(time.Millisecond)})
	ok(t, err)
	_, _, err = n.AddSecret(t.Context(), "nobody", oauth.NewClientSecret{})
	wantErr(t, err, store.ErrNotFound)
	n.register(nativeApp())
	_, _, err = n.AddSecret(t.Context(), "native", oauth.NewClientSecret{})
	wantField(t, err, "client_secret")
}

func TestAClientHoldsTenSecretsAtMost(t *testing.T) {
	w, n := newNode(t)
	n.register(named("a", "A"))
	for range 9 {
		_, _, err := n.AddSecret(t.Context(), "a", oauth.NewClientSecret{Expires: w.now().Add(time.Hour)})
		ok(t, err)
	}
	_, _, err := n.AddSecret(t.Context(), "a", oauth.NewClientSecret{})
	wantField(t, err, "client_secret")
	_, _, err = n.RotateSecrets(t.Context(), "a", oauth.NewClientSecret{}, time.Minute)
	wantField(t, err, "client_secret")
	w.move(time.Hour)
	_, _, err = n.AddSecret(t.Context(), "a", oauth.NewClientSecret{}) // those that have expired make room
	ok(t, err)
	if got := len(n.client("a").Secrets); got != 2 {
		t.Errorf("%d secrets", got)
	}
}

// TestSecretsOfTwoAdminsDoNotGetLost adds, rotates and revokes at once, on two nodes.
func TestSecretsOfTwoAdminsDoNotGetLost(t *testing.T) {
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	n := nodes[0]
	_, first, err := n.RegisterClient(t.Context(), named("a", "A"), "")
	ok(t, err)
	shown, errs := parallel(8, func(i int) (string, error) {
		_, shown, err := nodes[i%2].AddSecret(context.Background(), "a", oauth.NewClientSecret{Name: fmt.Sprint(i)})
		return shown, err
	})
	if successes(errs) != 8 {
		t.Fatal(errs)
	}
	for _, secret := range append(shown, first) {
		if !n.authenticates("a", secret) {
			t.Error("a secret was lost")
		}
	}
	shown, errs = parallel(8, func(i int) (string, error) {
		_, shown, err := nodes[i%2].RotateSecrets(context.Background(), "a", oauth.NewClientSecret{}, 0)
		return shown, err
	})
	good := 0
	for _, secret := range shown {
		if n.authenticates("a", secret) {
			good++
		}
	}
	if successes(errs) != 8 || good != 1 || len(n.client("a").Secrets) != 1 {
		t.Errorf("%d are good after rotations: %v", good, errs)
	}
	id := n.client("a").Secrets[0].ID
	_, errs = parallel(8, func(i int) (any, error) { return nil, nodes[i%2].RevokeSecret(context.Background(), "a", id) })
	if successes(errs) != 1 {
		t.Errorf("revoked %d times", successes(errs))
	}
}

func TestTheAuditLogNamesSecretsAndHoldsNone(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	_, first, err := n.RegisterClient(t.Context(), webApp(), "")
	ok(t, err)
	if got := n.told("client:web", "client.created"); got["client_name"] != "Web app" || got["redirect_uris"] != callback || got["client_id"] != "" {
		t.Errorf("created: %v", got)
	}
	kept, second, err := n.AddSecret(t.Context(), "web", oauth.NewClientSecret{Name: "job"})
	ok(t, err)
	if got := n.told("client:web", "client.secret_added"); got["secret"] != kept.ID || got["name"] != "job" || len(got) != 2 {
		t.Errorf("added: %v", got)
	}
	rotated, third, err := n.RotateSecrets(t.Context(), "web", oauth.NewClientSecret{Name: "next"}, time.Hour)
	ok(t, err)
	if got := n.told("client:web", "client.secret_rotated"); got["secret"] != rotated.ID || got["name"] != "next" || got["overlap"] != "1h" {
		t.Errorf("rotated: %v", got)
	}
	ok(t, n.RevokeSecret(t.Context(), "web", kept.ID))
	if got := n.told("client:web", "client.secret_revoked"); got["secret"] != kept.ID || got["name"] != "job" {
		t.Errorf("revoked: %v", got)
	}
	hash := n.client("web").Secrets[0].Hash
	ok(t, n.DeleteClient(t.Context(), "web"))
	if got := n.told("client:web", "client.deleted"); len(got) != 1 || got["client_name"] != "Web app" {
		t.Errorf("deleted: %v", got)
	}
	for line := range strings.Lines(b.kept.String()) {
		for _, secret := range []string{first, second, third, first[20:], second[20:], third[20:]} {
			if strings.Contains(line, secret) {
				t.Errorf("a secret stands in %.20s…", line)
			}
		}
		if strings.HasPrefix(line, "audit ") && (strings.Contains(line, hash) || strings.Contains(line, "sha256:")) {
			t.Errorf("a hash stands in %s", line)
		}
	}
}
