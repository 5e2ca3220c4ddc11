package pages

import (
	"net/http"
	"strings"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) clientEnable(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.setClientState(w, r, v, oauth.Enabled)
}

func (s *site) clientDisable(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.setClientState(w, r, v, oauth.Disabled)
}

// setClientState goes back to where the button was: the list, which says its state, or the page of the client.
func (s *site) setClientState(w http.ResponseWriter, r *http.Request, v *visit, state oauth.ClientState) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	if err := s.Provider.SetClientState(r.Context(), c.ClientID, state); err != nil {
		return err
	}
	back := clientPath(c.ClientID)
	if v.Form.Has("list") {
		back = clientsPath + listState(r)
	}
	return s.clientDone(w, r, v, back, "client-"+string(state))
}

func deletePoints() []string {
	return []string{
		"Whoever uses it cannot sign in any more from this moment on.",
		"Its access tokens, refresh tokens and codes are refused at once.",
		"It cannot be undone. To stop an auth client for a while, disable it instead.",
	}
}

const jwtsLiveOn = "APIs that check JWTs without asking this server accept those until they expire."

func revokePoints() []string {
	return []string{
		"Its access tokens, refresh tokens and codes are refused at once, personal access tokens as well.",
		"People who use it have to sign in again. It keeps its settings and its secrets.",
		jwtsLiveOn,
	}
}

func (s *site) clientAskDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.changeableClient(r)
	if err != nil {
		return err
	}
	live, err := s.liveCount(r.Context(), c.ClientID)
	if err != nil {
		return err
	}
	points := append([]string{endsWithIt(live)}, deletePoints()...)
	serves, err := s.Provider.ServedBy(r.Context(), c)
	if err != nil {
		return err
	}
	if len(serves) > 0 {
		points = append(points, "An API asks as this auth client what tokens are worth, and cannot any more: "+strings.Join(serves, ", ")+".")
	}
	return s.show(w, r, templates.ClientAsk{
		Admin:    s.clientFrame(r, v, "Delete Auth Client", clientLink(c)),
		Question: "Are you sure you want to delete the auth client", Name: c.Name(), Rest: "?",
		Points: points,
		Action: clientPath(c.ClientID) + "/delete", Button: "Delete Auth Client", Cancel: clientPath(c.ClientID),
	})
}

func endsWithIt(live *templates.LiveCount) string {
	if live.Nothing() {
		return "No live tokens end with it."
	}
	text := live.Text()
	return strings.ToUpper(text[:1]) + text[1:] + " will end with it."
}

func (s *site) clientDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.changeableClient(r)
	if err != nil {
		return err
	}
	if err := s.Provider.DeleteClient(r.Context(), c.ClientID); err != nil {
		return err
	}
	return s.clientDone(w, r, v, clientsPath, "client-deleted")
}

func (s *site) clientAskRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	live, err := s.liveCount(r.Context(), c.ClientID)
	if err != nil {
		return err
	}
	return s.show(w, r, templates.ClientAsk{
		Admin:    s.clientFrame(r, v, "Revoke all tokens", clientLink(c)),
		Question: "Are you sure you want to revoke all tokens of the auth client", Name: c.Name(), Rest: "?",
		Points: append([]string{endsWithIt(live)}, revokePoints()...),
		Action: clientPath(c.ClientID) + "/revoke", Button: "Revoke all tokens", Cancel: clientPath(c.ClientID),
	})
}

func (s *site) clientRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.clientOf(r)
	if err != nil {
		return err
	}
	if err := s.revokeAll(r.Context(), c.ClientID); err != nil {
		return err
	}
	return s.clientDone(w, r, v, clientPath(c.ClientID), "client-revoked")
}
