package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// appList is what acts for a user. apiPaths is what the pages of APIs are below, "" for a reader who may not see them.
func (s *site) appList(ctx context.Context, userID, apiPaths string) (templates.AppList, error) {
	apps, err := s.Provider.AppsOf(ctx, userID)
	if err != nil {
		return templates.AppList{}, err
	}
	tokens, err := s.Provider.PersonalTokens(ctx, userID)
	if err != nil {
		return templates.AppList{}, err
	}
	known, err := s.Provider.APIs(ctx)
	if err != nil {
		return templates.AppList{}, err
	}
	words := apiWords{apis: known}
	var list templates.AppList
	for _, a := range apps {
		list.Apps = append(list.Apps, templates.AppLine{
			ID: url.PathEscape(a.Client.ClientID), Name: a.Client.Name(), ClientID: a.Client.ClientID, Scopes: words.lines(a.Scope),
			Audience: words.mentions(a.Audience, apiPaths), Since: a.Since, LastUsed: a.LastUsed,
		})
	}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, tokenLine(t, words))
	}
	return list, nil
}

func tokenLine(t *oauth.PersonalToken, words apiWords) templates.TokenLine {
	return templates.TokenLine{
		ID: t.ID, Name: t.Name, ClientName: t.ClientName, Prefix: t.Prefix, Scopes: words.lines(t.Scope),
		Created: t.Created, Expires: t.Expires, LastUsed: t.LastUsed,
	}
}

// apiWords says scopes and audiences in the words of the registered APIs.
type apiWords struct{ apis []*oauth.API }

// sentence is what people read of a scope, "" where only its name is known.
func (w apiWords) sentence(token string) string {
	for _, a := range w.apis {
		for _, scope := range a.Scopes {
			if scope.Name == token {
				return sentenceOf(scope)
			}
		}
	}
	return oauth.ScopeSentence(token)
}

func (w apiWords) lines(scope oauth.Scope) []templates.ScopeLine {
	lines := make([]templates.ScopeLine, len(scope))
	for i, token := range scope {
		lines[i] = templates.ScopeLine{Name: token, Sentence: w.sentence(token)}
	}
	return lines
}

// mentions names APIs as they are called, and others by what they are.
func (w apiWords) mentions(audience []string, paths string) []templates.Mention {
	mentions := make([]templates.Mention, len(audience))
	for i, identifier := range audience {
		mentions[i].Name = identifier
		for _, a := range w.apis {
			if a.Identifier == identifier {
				if mentions[i].Name = a.Title(); paths != "" {
					mentions[i].Path = paths + "/" + a.ID
				}
			}
		}
	}
	return mentions
}

func (s *site) userApps(w http.ResponseWriter, r *http.Request, v *visit) error {
	t, err := s.target(r, v, "apps")
	if err != nil {
		return err
	}
	page := templates.AdminUserApps{Admin: s.userFrame(r, v, t, "Apps and tokens"), UserHead: t.head}
	apis := ""
	if v.may(account.ViewAPIs) {
		apis = s.base + apisPath
	}
	if page.AppList, err = s.appList(r.Context(), t.ID, apis); err != nil {
		return err
	}
	page.AppsPath, page.TokensPath, page.MayRevoke = t.head.Path+"/apps", t.head.Path+"/tokens", v.may(account.DeleteTokens)
	return s.show(w, r, page)
}

func (s *site) userRevokeApp(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "user_id")
	if err := s.Provider.WithdrawApp(r.Context(), id, pathID(r, "client_id")); err != nil {
		return err
	}
	return s.afterRevoking(w, r, v, id, "user-app-revoked")
}

func (s *site) userRevokeToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "user_id")
	if err := s.Provider.RevokePersonalToken(r.Context(), id, pathID(r, "authorization_id")); err != nil {
		return err
	}
	return s.afterRevoking(w, r, v, id, "user-token-revoked")
}

// userRevokeAll withdraws what every application was allowed, so that none begins anew without asking, and then ends
// whatever else there is.
func (s *site) userRevokeAll(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := pathID(r, "user_id")
	if _, _, err := s.Directory.LoadUser(r.Context(), id); err != nil {
		return err
	}
	apps, err := s.Provider.AppsOf(r.Context(), id)
	if err != nil {
		return err
	}
	for _, a := range apps {
		if err := s.Provider.WithdrawApp(r.Context(), id, a.Client.ClientID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if _, err := s.Provider.RevokeSelected(r.Context(), oauth.Selection{UserID: id}); err != nil {
		return err
	}
	return s.afterRevoking(w, r, v, id, "user-revoked")
}

// afterRevoking goes back to a page that the visitor may see: who may revoke need not be able to look.
func (s *site) afterRevoking(w http.ResponseWriter, r *http.Request, v *visit, id, notice string) error {
	if v.may(account.ViewTokens) {
		return s.done(w, r, userPath(id)+"/apps", notice)
	}
	return s.done(w, r, v.afterUser(id), notice)
}
