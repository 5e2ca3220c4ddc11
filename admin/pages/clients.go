package pages

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

const (
	clientsPath = "/admin/auth-clients"
	clientRoute = clientsPath + "/{client_id}"
)

func clientPages() handlers {
	return handlers{
		"GET " + clientsPath:                                                (*site).clientList,
		"GET " + clientsPath + "/-/new":                                     (*site).clientNew,
		"POST " + clientsPath + "/-/new":                                    (*site).clientCreate,
		"GET " + clientsPath + "/-/export":                                  (*site).clientExport,
		"GET " + clientsPath + "/-/import":                                  (*site).clientImport,
		"POST " + clientsPath + "/-/import":                                 (*site).clientImported,
		"POST " + clientsPath + "/-/enable":                                 (*site).clientsEnable,
		"POST " + clientsPath + "/-/disable":                                (*site).clientsDisable,
		"POST " + clientsPath + "/-/delete":                                 (*site).clientsDelete,
		"POST " + clientsPath + "/-/revoke":                                 (*site).clientsRevoke,
		"GET " + clientRoute:                                                (*site).clientDetail,
		"GET " + clientRoute + "/edit":                                      (*site).clientEdit,
		"POST " + clientRoute + "/edit":                                     (*site).clientSave,
		"POST " + clientRoute + "/enable":                                   (*site).clientEnable,
		"POST " + clientRoute + "/disable":                                  (*site).clientDisable,
		"GET " + clientRoute + "/delete":                                    (*site).clientAskDelete,
		"POST " + clientRoute + "/delete":                                   (*site).clientDelete,
		"GET " + clientRoute + "/secrets/new":                               (*site).secretNew,
		"POST " + clientRoute + "/secrets/new":                              (*site).secretAdd,
		"GET " + clientRoute + "/secrets/rotate":                            (*site).secretsAskRotate,
		"POST " + clientRoute + "/secrets/rotate":                           (*site).secretsRotate,
		"GET " + clientRoute + "/secrets/{secret_id}/revoke":                (*site).secretAskRevoke,
		"POST " + clientRoute + "/secrets/{secret_id}/revoke":               (*site).secretRevoke,
		"GET " + clientRoute + "/authorizations":                            (*site).clientAuthorizations,
		"POST " + clientRoute + "/authorizations/{authorization_id}/revoke": (*site).clientAuthorizationRevoke,
		"GET " + clientRoute + "/revoke":                                    (*site).clientAskRevoke,
		"POST " + clientRoute + "/revoke":                                   (*site).clientRevoke,
		"GET " + clientRoute + "/history":                                   (*site).clientHistory,
	}
}

// clientNotices are what these pages tell after an act.
var clientNotices = map[string]string{
	"client-created":        "The auth client was created.",
	"client-saved":          "The auth client was saved.",
	"client-deleted":        "The auth client was deleted.",
	"client-enabled":        "The auth client was enabled.",
	"client-disabled":       "The auth client was disabled.",
	"client-revoked":        "All tokens of the auth client were revoked.",
	"client-secret-revoked": "The secret was revoked.",
	"client-authorization":  "The authorization was revoked, with all its tokens.",
	"clients-deleted":       "The auth clients were deleted.",
	"clients-enabled":       "The auth clients were enabled.",
	"clients-disabled":      "The auth clients were disabled.",
	"clients-revoked":       "All tokens of the auth clients were revoked.",
}

// clientPath is the page of a client, below the issuer. Client ids need no escaping: oauth sees to that.
func clientPath(id string) string { return clientsPath + "/" + id }

// clientOf is the client that the path names, as it is in the store. errNotFound for an id that nobody has, in whatever form.
func (s *site) clientOf(r *http.Request) (*oauth.Client, uint64, error) {
	c, version, err := s.Provider.LoadClient(r.Context(), mux.Vars(r)["client_id"])
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, errNotFound
	}
	return c, version, err
}

// changeableClient is clientOf, and account.ErrBuiltIn for a client that the server itself needs.
func (s *site) changeableClient(r *http.Request) (*oauth.Client, uint64, error) {
	c, version, err := s.clientOf(r)
	if err == nil && c.BuiltIn {
		return nil, 0, account.ErrBuiltIn
	}
	return c, version, err
}

// editableClient is changeableClient, and *account.ForbiddenError for one that may do more than the visitor: the rules say
// so as well, but who may not save a form should not fill it in first.
func (s *site) editableClient(r *http.Request, v *visit) (*oauth.Client, uint64, error) {
	c, version, err := s.changeableClient(r)
	if err != nil {
		return nil, 0, err
	}
	return c, version, v.Rights.CheckCovers(c.Powers())
}

// clientFrame is the frame of a page below the list.
func (s *site) clientFrame(r *http.Request, v *visit, title string, trail ...templates.Link) templates.Admin {
	list := templates.Link{Path: clientsPath, Text: "Auth Clients"}
	return s.frame(r, v, "clients", title, append([]templates.Link{list}, trail...)...)
}

func clientLink(c *oauth.Client) templates.Link {
	return templates.Link{Path: clientPath(c.ClientID), Text: c.Name()}
}

// clientHead says what the visitor may do with a client.
func (s *site) clientHead(v *visit, c *oauth.Client, tab string) templates.ClientHead {
	covered := v.Rights.CheckCovers(c.Powers()) == nil
	return templates.ClientHead{
		ID: c.ClientID, Name: c.Name(), Disabled: c.Disabled, BuiltIn: c.BuiltIn, Tab: tab,
		CanEdit:   v.may(account.EditClients) && !c.BuiltIn,
		CanEnable: v.may(account.EditClients) && !c.BuiltIn && covered,
		CanDelete: v.may(account.DeleteClients) && !c.BuiltIn,
		CanRevoke: v.may(account.DeleteTokens),
		CanTokens: v.may(account.ViewTokens),
		CanAudit:  v.may(account.ViewAudit),

		CanRefusals: v.may(account.ViewRefusals),
	}
}

// clientDone tells that something was done, on a page that the visitor may see.
func (s *site) clientDone(w http.ResponseWriter, r *http.Request, v *visit, path, notice string) error {
	if v.may(account.ViewClients) {
		return s.done(w, r, path, notice)
	}
	return s.show(w, r, templates.AdminMessage{Admin: s.frame(r, v, "", "Done"), Text: clientNotices[notice]})
}
