package pages

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func keyPages() handlers {
	return handlers{
		"GET /admin/keys":           (*site).keys,
		"GET /admin/keys/rotate":    (*site).askRotation,
		"POST /admin/keys/rotate":   (*site).rotateKeys,
		"GET /admin/keys/withdraw":  (*site).askWithdrawal,
		"POST /admin/keys/withdraw": (*site).withdrawKeys,
	}
}

// keyNotices are what these pages tell after an act.
var keyNotices = map[string]string{
	"keys-rotated":   "The keys were rotated: the next key signs now.",
	"keys-withdrawn": "Withdrawn: nothing that was signed so verifies here any more.",
}

const jwksPath = "/oauth2/jwks" // as package server serves it

// algorithmWords say the algorithms in words.
var algorithmWords = map[jose.Algorithm]string{
	jose.ES256: "elliptic curve P-256, understood nearly everywhere",
	jose.EdDSA: "Ed25519, small and fast",
	jose.RS256: "RSA, for what understands nothing newer",
}

func (s *site) keys(w http.ResponseWriter, r *http.Request, v *visit) error {
	plans := s.Keys.Plans()
	page := templates.AdminKeys{
		Admin: s.frame(r, v, "keys", "Keys"), CanRotate: v.may(account.EditKeys), Several: len(plans) > 1, Published: jwksPath,
	}
	status := s.Keys.Status()
	for _, p := range plans {
		ring := templates.KeyRing{Algorithm: string(p.Algorithm), Words: algorithmWords[p.Algorithm], Wait: s.ahead(p.Possible), Due: p.Due}
		for _, k := range status {
			if k.Algorithm == p.Algorithm {
				ring.Keys = append(ring.Keys, keyLine(k, p))
			}
		}
		page.Rings = append(page.Rings, ring)
	}
	return s.show(w, r, page)
}

func keyLine(k oauth.KeyStatus, p oauth.RotationPlan) templates.KeyLine {
	line := templates.KeyLine{
		ID: k.ID, State: templates.KeyState(k.State), Created: k.Created, From: k.Activated, Until: k.Retired, Gone: k.RemoveAfter,
	}
	if k.State == oauth.KeyCurrent {
		line.Until = p.Due
	}
	return line
}

// ahead gives a time that is still to come, zero for any other.
func (s *site) ahead(t time.Time) time.Time {
	if t.After(s.Now()) {
		return t
	}
	return time.Time{}
}

func (s *site) askRotation(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := s.rotationPage(r, v, jose.Algorithm(r.URL.Query().Get("algorithm")))
	if err != nil {
		return err
	}
	return s.show(w, r, page)
}

// rotationPage asks about the keys of an algorithm, the empty one meaning all.
func (s *site) rotationPage(r *http.Request, v *visit, a jose.Algorithm) (templates.AdminKeyRotate, error) {
	plans := s.Keys.Plans()
	if a != "" && !slices.ContainsFunc(plans, func(p oauth.RotationPlan) bool { return p.Algorithm == a }) {
		return templates.AdminKeyRotate{}, errNotFound
	}
	page := templates.AdminKeyRotate{
		Admin: s.frame(r, v, "keys", "Rotate keys", templates.Link{Path: "/admin/keys", Text: "Keys"}), Algorithm: string(a),
	}
	for _, p := range plans {
		if (a == "" || a == p.Algorithm) && p.Possible.After(page.Wait) {
			page.Wait = s.ahead(p.Possible)
		}
	}
	return page, nil
}

func (s *site) rotateKeys(w http.ResponseWriter, r *http.Request, v *visit) error {
	a := jose.Algorithm(v.Form.Get("algorithm"))
	page, err := s.rotationPage(r, v, a)
	if err != nil {
		return err
	}
	err = s.Keys.Rotate(r.Context(), a)
	var tooSoon *oauth.TooSoonError
	switch {
	case errors.As(err, &tooSoon):
		page.Wait = s.Now().Add(tooSoon.RetryAfter)
		page.Fault = "Nothing was rotated: the next " + string(tooSoon.Algorithm) + " key is not known everywhere yet."
	case errors.Is(err, oauth.ErrRotatedTooOften):
		page.Fault = "Nothing was rotated: too many retired keys are still needed for tokens that have not ended. Try again when some of them are gone."
	case err != nil:
		return err
	}
	if page.Fault != "" {
		s.write(w, r, formRefused, page)
		return nil
	}
	which := string(a)
	if which == "" {
		which = "all"
	}
	if err := s.Audit.Record(r.Context(), account.Event{Action: "key.rotated", Object: "key:" + which}); err != nil {
		return err
	}
	return s.done(w, r, "/admin/keys", "keys-rotated")
}
