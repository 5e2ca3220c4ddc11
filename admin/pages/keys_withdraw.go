package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) askWithdrawal(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := s.withdrawalPage(r, v, r.URL.Query().Get("key"), r.URL.Query().Get("algorithm"))
	if err != nil {
		return err
	}
	return s.show(w, r, page)
}

// withdrawalPage asks about one key, about those of an algorithm, or about all.
func (s *site) withdrawalPage(r *http.Request, v *visit, key, algorithm string) (templates.AdminKeyWithdraw, error) {
	page := templates.AdminKeyWithdraw{
		Admin: s.frame(r, v, "keys", "Withdraw keys", templates.Link{Path: "/admin/keys", Text: "Keys"}),
		Key:   key, Algorithm: algorithm, Kept: int(oauth.KeyPublishTime.Minutes()) - 1,
	}
	for _, k := range s.Keys.Status() {
		if key == k.ID || key == "" && (algorithm == "" || algorithm == string(k.Algorithm)) {
			page.Keys = append(page.Keys, templates.KeyLine{ID: k.ID, State: templates.KeyState(k.State)})
		}
	}
	if len(page.Keys) == 0 {
		return page, errNotFound
	}
	return page, nil
}

func (s *site) withdrawKeys(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := s.withdrawalPage(r, v, v.Form.Get("key"), v.Form.Get("algorithm"))
	if err != nil {
		return err
	}
	if page.Key != "" {
		gone, err := s.Keys.Withdraw(r.Context(), page.Key)
		if err == nil {
			err = s.Audit.Record(r.Context(), oauth.KeyWithdrawn(gone))
		}
		if errors.Is(err, oauth.ErrNoSuchKey) {
			return errNotFound
		}
		if err != nil {
			return err
		}
		return s.done(w, r, "/admin/keys", "keys-withdrawn")
	}
	for _, p := range s.Keys.Plans() {
		if page.Algorithm != "" && jose.Algorithm(page.Algorithm) != p.Algorithm {
			continue
		}
		gone, err := s.Keys.WithdrawAll(r.Context(), p.Algorithm)
		if err != nil {
			return err
		}
		if err := s.Audit.Record(r.Context(), oauth.KeyWithdrawn(gone...)); err != nil {
			return err
		}
	}
	return s.done(w, r, "/admin/keys", "keys-withdrawn")
}
