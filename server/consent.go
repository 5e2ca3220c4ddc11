package server

import (
	"errors"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// consentPurpose binds the form to the request and to the session that saw it.
func consentPurpose(handle, sessionID string) string { return "consent " + handle + " " + sessionID }

// showConsent asks the user. Everything on the page comes from the stored request.
func (s *server) showConsent(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	handle := r.URL.Query().Get("interaction")
	i, c, err := s.Provider.Waiting(r.Context(), handle, v.Browser)
	if err != nil {
		return err
	}
	if v.User == nil {
		redirect(w, r, s.interactionURL(authorizePath, handle))
		return nil
	}
	fresh, err := s.Provider.NewScope(r.Context(), i, v.User.ID)
	if err != nil {
		return err
	}
	asked, err := s.Provider.Asked(r.Context(), &i.Request)
	if err != nil {
		return err
	}
	page := templates.Consent{
		Frame: s.frame(v.User.Username), ClientName: c.Name(), ClientID: c.ClientID, ClientURI: c.ClientURI,
		RedirectHost: oauth.RedirectHost(i.Request.RedirectURI), Device: i.Request.Device != "",
		User:        templates.Person{Name: v.User.Name, Username: v.User.Username},
		Interaction: handle,
		FormToken:   s.Directory.FormToken(v.Browser, consentPurpose(handle, v.Session.ID)),
	}
	if len(fresh) == len(i.Request.Scope) {
		fresh = nil // where all is new, nothing needs to be pointed out
	}
	page.Groups, page.Audiences = scopeGroups(asked, i.Request.Audience, fresh)
	s.writePage(w, r, http.StatusOK, page, web.FormTargets(i.Request.RedirectURI)...)
	return nil
}

// scopeGroups shows what is asked for by APIs, and what else of the audience there is no record of.
func scopeGroups(asked []oauth.AskedAPI, audience []string, fresh oauth.Scope) (groups []templates.ScopeGroup, others []string) {
	others = slices.Clone(audience)
	for _, a := range asked {
		group := templates.ScopeGroup{Name: a.Name, Identifier: a.Identifier}
		for _, scope := range a.Scopes {
			group.Scopes = append(group.Scopes, templates.ScopeLine{
				Name: scope.Name, Sentence: scope.Sentence, New: slices.Contains(fresh, scope.Name),
			})
		}
		groups = append(groups, group)
		others = slices.DeleteFunc(others, func(identifier string) bool { return identifier == a.Identifier })
	}
	return groups, others
}

// consent takes the user's answer. What was asked is read from the stored request; the form says only yes or no.
func (s *server) consent(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	if v.User == nil {
		return errFormToken
	}
	f, err := s.readPageForm(w, r, v, func(f form) string { return consentPurpose(f.get("interaction"), v.Session.ID) })
	if err != nil {
		return err
	}
	ctx := actAs(r.Context(), account.ActorUser, v.User.ID, v.User.Username)
	handle := f.get("interaction")
	i, _, err := s.Provider.Waiting(ctx, handle, v.Browser)
	if err != nil {
		return err
	}
	switch f.get("decision") {
	case "allow":
		if err := s.Provider.Allow(ctx, i, v); err != nil && !errors.Is(err, oauth.ErrLoginNeeded) {
			return err
		}
		redirect(w, r, s.interactionURL(authorizePath, handle))
		return nil
	case "deny":
		decision, err := s.Provider.Deny(ctx, i)
		if err != nil {
			return err
		}
		s.follow(w, r, decision)
		return nil
	}
	return invalidRequest("please choose Allow or Deny").By("a decision is allow or deny", "docs/security.md")
}
