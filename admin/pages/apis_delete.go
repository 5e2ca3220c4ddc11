package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// namedClients are how many clients the page names that still have an API.
const namedClients = 20

func (s *site) apiAskDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showAPIDelete(w, r, v, http.StatusOK)
}

// showAPIDelete asks, or says which clients stand in the way.
func (s *site) showAPIDelete(w http.ResponseWriter, r *http.Request, v *visit, status int) error {
	a, _, err := s.apiOf(r)
	if err != nil {
		return err
	}
	having, err := s.Provider.ClientsOfAPI(r.Context(), a.ID)
	if err != nil {
		return err
	}
	page := templates.APIDelete{
		Admin: s.apiFrame(r, v, "Delete API", apiLink(a)), APIHead: apiHead(v, a, ""), Count: len(having), Back: v.afterAPI(a.ID),
	}
	client, err := s.clientOfAPI(r, a)
	if err != nil {
		return err
	}
	if client != nil {
		m := s.clientMention(v, client)
		page.Introspect = &m
	}
	if v.may(account.ViewClients) {
		for _, c := range having[:min(namedClients, len(having))] {
			page.Clients = append(page.Clients, s.clientMention(v, c))
		}
	}
	s.write(w, r, status, page)
	return nil
}

// clientMention names a client, with a link for who may see it.
func (s *site) clientMention(v *visit, c *oauth.Client) templates.Mention {
	m := templates.Mention{Name: c.Name()}
	if v.may(account.ViewClients) {
		m.Path = s.base + clientPath(c.ClientID)
	}
	return m
}

func (s *site) apiDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, _, err := s.apiOf(r)
	if err != nil {
		return err
	}
	err = s.Provider.DeleteAPI(r.Context(), a.ID)
	var inUse *oauth.APIInUseError
	if errors.As(err, &inUse) { // given to a client since the question
		return s.showAPIDelete(w, r, v, formOutdated)
	}
	if err != nil {
		return err
	}
	return s.apiDone(w, r, v, apisPath, "api-deleted")
}
