package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

func TestKeysAreShownInWords(t *testing.T) {
	w := newWorld(t)
	ok(t, w.keys.Rotate(t.Context(), ""))
	p := w.as("reader", account.ViewKeys).open("/admin/keys")
	p.shows("ES256", "Signs new tokens.", "Published already", "Signs nothing any more", "once every API knows the next key")
	for _, at := range []time.Duration{oauth.KeyPublishTime, 90 * 24 * time.Hour} { // when it can be, and will be rotated
		if moment := w.now().Add(at).UTC().Format(time.RFC3339); !strings.Contains(p.Body.String(), moment) {
			t.Errorf("does not tell of %s", moment)
		}
	}
	if ids := p.cells("Key"); len(ids) != 3 {
		t.Errorf("%q", ids)
	}
	for _, k := range w.keys.Status() {
		p.shows(k.ID)
	}
	now := w.now().UTC().Format("2006-01-02 15:04 UTC")
	if states, from := p.cells("State"), p.cells("Signs from"); !strings.HasPrefix(states[0], "Current") || !strings.HasPrefix(states[1], "Next") ||
		!strings.HasPrefix(states[2], "Retired") || from[0] != now || from[1] != "the next rotation" {
		t.Errorf("%q, %q", states, from)
	}
	if gone := p.cells("Gone"); gone[2] != w.now().Add(25*time.Hour).UTC().Format("2006-01-02 15:04 UTC") {
		t.Errorf("%q", gone)
	}
	if p.link("Rotate the ES256 keys") != "" {
		t.Error("who may only look is offered a rotation")
	}
	p.hides(`"d"`, "PRIVATE")
}

func TestKeysAreRotatedOnceAskedFor(t *testing.T) {
	w := newWorld(t)
	ok(t, w.keys.Ensure(t.Context(), jose.EdDSA))
	next := func(a jose.Algorithm) string {
		for _, k := range w.keys.Status() {
			if k.Algorithm == a && k.State == oauth.KeyNext {
				return k.ID
			}
		}
		return ""
	}
	was, other := next(jose.EdDSA), next(jose.ES256)
	b := w.as("keeper", account.ViewKeys, account.EditKeys)
	asked := b.open("/admin/keys").click("Rotate the EdDSA keys").shows("Are you sure you want to rotate the EdDSA keys?", "The next key signs new tokens", "It cannot be undone.")
	if next(jose.EdDSA) != was {
		t.Fatal("asking rotated")
	}
	asked.press("Rotate the EdDSA keys").wantStatus(http.StatusSeeOther).follow().shows("The keys were rotated")
	if next(jose.EdDSA) == was || next(jose.ES256) != other {
		t.Error("the wrong keys were rotated")
	}
	if e := w.events("key.rotated"); len(e) != 1 || e[0].Object != "key:EdDSA" || e[0].Actor.Name != "keeper" {
		t.Errorf("the audit log has %+v", e)
	}

	// A form that was opened before somebody else rotated.
	asked.press("Rotate the EdDSA keys").wantStatus(http.StatusUnprocessableEntity).
		shows("Nothing was rotated: the next EdDSA key is not known everywhere yet.", "from 2026-03-01 12:06 UTC")
	if len(w.events("key.rotated")) != 1 {
		t.Error("what did not happen is in the audit log")
	}
	w.move(oauth.KeyPublishTime - time.Second)
	for _, query := range []string{"", "?algorithm=EdDSA"} {
		if p := b.open("/admin/keys/rotate" + query).shows("Not yet"); p.button("Rotate all keys") != nil || p.button("Rotate the EdDSA keys") != nil {
			t.Errorf("%s: offers what cannot be done yet", query)
		}
	}
	w.move(time.Second)
	b.open("/admin/keys").click("Rotate all keys").press("Rotate all keys").wantStatus(http.StatusSeeOther)
	if next(jose.ES256) == other || w.events("key.rotated")[0].Object != "key:all" {
		t.Error("not all were rotated")
	}
}

func TestOnlyKeysThatThereAreAreRotated(t *testing.T) {
	w := newWorld(t)
	b := w.as("keeper", account.EditKeys)
	for _, a := range []string{"EdDSA", "none", "es256", "%00", "secret"} {
		if got := b.get("/admin/keys/rotate?algorithm=" + a); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", a, got.Code)
		}
		if got := b.open("/admin/keys/rotate").form("Rotate all keys").set("algorithm", a).submit(); got.Code != http.StatusNotFound {
			t.Errorf("%s is posted: %d", a, got.Code)
		}
	}
	if len(w.keys.Status()) != 2 {
		t.Error("something was rotated")
	}
}

func TestRotationAsksForThePasswordAgain(t *testing.T) {
	w := newWorld(t)
	b := w.as("keeper", account.ViewKeys, account.EditKeys)
	w.move(16 * time.Minute)
	asked := b.open("/admin/keys/rotate").press("Rotate all keys").wantStatus(http.StatusOK).shows("Please give it once more")
	if len(w.events("key.rotated")) != 0 {
		t.Fatal("rotated without the password")
	}
	asked.form("Continue").set("confirm_password", "wrong").submit().wantStatus(http.StatusUnprocessableEntity).shows("The password is not right.")
	asked.form("Continue").set("confirm_password", password).submit().wantStatus(http.StatusSeeOther)
	if len(w.events("key.rotated")) != 1 {
		t.Error("not rotated with the password")
	}
}

func TestKeysAreWithdrawnOnceAskedFor(t *testing.T) {
	w := newWorld(t)
	ok(t, w.keys.Ensure(t.Context(), jose.EdDSA))
	b := w.as("keeper", account.ViewKeys, account.EditKeys, account.ViewAudit)
	there := func(id string) bool {
		return slices.ContainsFunc(w.keys.Status(), func(k oauth.KeyStatus) bool { return k.ID == id })
	}
	before := w.keys.Status()
	leaked := before[0].ID
	asked := b.open("/admin/keys").click("Withdraw the key "+leaked).shows("Are you sure you want to withdraw this key", leaked, "It cannot be undone.")
	asked.hides(before[1].ID)
	if !there(leaked) {
		t.Fatal("asking withdrew")
	}
	asked.press("Withdraw this key").wantStatus(http.StatusSeeOther).follow().shows("Withdrawn: nothing that was signed so verifies here any more.").hides(leaked)
	if there(leaked) || !there(before[1].ID) {
		t.Error("the wrong key was withdrawn")
	}
	if e := w.events("key.withdrawn"); len(e) != 1 || e[0].Object != "key:"+leaked || e[0].Actor.Name != "keeper" {
		t.Errorf("the audit log has %+v", e)
	}
	b.open("/admin/audit").shows("withdrew the signing key " + leaked)
	asked.press("Withdraw this key").wantStatus(http.StatusNotFound) // somebody was faster

	kept := w.keys.Status()
	b.open("/admin/keys/withdraw?algorithm=EdDSA").press("Withdraw all EdDSA keys").wantStatus(http.StatusSeeOther)
	for _, k := range kept {
		if there(k.ID) != (k.Algorithm == jose.ES256) {
			t.Errorf("%s key %s is there: %v", k.Algorithm, k.ID, there(k.ID))
		}
	}
	kept = w.keys.Status()
	b.open("/admin/keys").click("withdraw all keys").press("Withdraw all keys").wantStatus(http.StatusSeeOther)
	for _, k := range kept {
		if there(k.ID) {
			t.Errorf("%s key %s is there", k.Algorithm, k.ID)
		}
	}
	if len(w.events("key.withdrawn")) != 4 || len(w.keys.Status()) != 4 {
		t.Errorf("%+v", w.events("key.withdrawn"))
	}
}

func TestOnlyKeysThatThereAreAreWithdrawn(t *testing.T) {
	w := newWorld(t)
	b := w.as("keeper", account.EditKeys)
	before := w.keys.Status()
	for _, query := range []string{"?key=x", "?key=secret", "?algorithm=EdDSA", "?key=%00", "?key=x&algorithm=ES256"} {
		if got := b.get("/admin/keys/withdraw" + query); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", query, got.Code)
		}
	}
	b.open("/admin/keys/withdraw").form("Withdraw all keys").set("key", "x").submit().wantStatus(http.StatusNotFound)
	b.open("/admin/keys/withdraw").form("Withdraw all keys").set("algorithm", "none").submit().wantStatus(http.StatusNotFound)
	if !slices.Equal(before, w.keys.Status()) {
		t.Error("something was withdrawn")
	}
	w.as("reader", account.ViewKeys).get("/admin/keys/withdraw").wantStatus(http.StatusForbidden)
	w.move(16 * time.Minute)
	asked := b.open("/admin/keys/withdraw").press("Withdraw all keys").wantStatus(http.StatusOK).shows("Please give it once more")
	if !slices.Equal(before, w.keys.Status()) {
		t.Fatal("withdrawn without the password")
	}
	asked.form("Continue").set("confirm_password", password).submit().wantStatus(http.StatusSeeOther)
	if w.keys.Status()[0].ID == before[0].ID {
		t.Error("not withdrawn with the password")
	}
}

func TestTooManyRetiredKeysAreTold(t *testing.T) {
	w := newWorld(t)
	for range 32 {
		ok(t, w.keys.RotateNow(t.Context(), ""))
	}
	w.move(oauth.KeyPublishTime)
	w.as("keeper", account.EditKeys).open("/admin/keys/rotate").press("Rotate all keys").
		wantStatus(http.StatusUnprocessableEntity).shows("too many retired keys are still needed")
}
