package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

const (
	apisPath = "/admin/apis"
	apiRoute = apisPath + "/{api_id}"
)

func apiAreaPages() handlers {
	return handlers{
		"GET " + apisPath:              (*site).apiList,
		"GET " + apisPath + "/-/new":   (*site).apiNew,
		"POST " + apisPath + "/-/new":  (*site).apiCreate,
		"GET " + apiRoute:              (*site).apiDetail,
		"GET " + apiRoute + "/edit":    (*site).apiEdit,
		"POST " + apiRoute + "/edit":   (*site).apiSave,
		"GET " + apiRoute + "/delete":  (*site).apiAskDelete,
		"POST " + apiRoute + "/delete": (*site).apiDelete,
		"GET " + apiRoute + "/history": (*site).apiHistory,
	}
}

// apiNotices are what these pages tell after an act.
var apiNotices = map[string]string{
	"api-created": "The API was created.",
	"api-saved":   "The API was saved. It counts for new tokens from now on.",
	"api-deleted": "The API was deleted.",
}

// apiPath is the page of an API, below the issuer.
func apiPath(id string) string { return apisPath + "/" + id }

// apiOf is the API that the path names, as it is in the store. errNotFound for an id that none has, in whatever form.
func (s *site) apiOf(r *http.Request) (*oauth.API, uint64, error) {
	a, version, err := s.Provider.LoadAPI(r.Context(), pathID(r, "api_id"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, errNotFound
	}
	return a, version, err
}

// apiFrame is the frame of a page below the list.
func (s *site) apiFrame(r *http.Request, v *visit, title string, trail ...templates.Link) templates.Admin {
	list := templates.Link{Path: apisPath, Text: "APIs"}
	return s.frame(r, v, "apis", title, append([]templates.Link{list}, trail...)...)
}

func apiLink(a *oauth.API) templates.Link {
	return templates.Link{Path: apiPath(a.ID), Text: a.Title()}
}

// apiHead says what the visitor may do with an API.
func apiHead(v *visit, a *oauth.API, tab string) templates.APIHead {
	return templates.APIHead{
		ID: a.ID, Name: a.Title(), Identifier: a.Identifier, Tab: tab,
		CanEdit: v.may(account.EditAPIs), CanDelete: v.may(account.DeleteAPIs), CanAudit: v.may(account.ViewAudit),
	}
}

// afterAPI is where the visitor finds himself after an act on an API, or on the list without an id. Who may act need not be
// able to look.
func (v *visit) afterAPI(id string) string {
	switch {
	case !v.may(account.ViewAPIs):
		return "/admin"
	case id == "":
		return apisPath
	}
	return apiPath(id)
}

// apiDone tells that something was done, on a page that the visitor may see.
func (s *site) apiDone(w http.ResponseWriter, r *http.Request, v *visit, path, notice string) error {
	if v.may(account.ViewAPIs) {
		return s.done(w, r, path, notice)
	}
	return s.show(w, r, templates.AdminMessage{Admin: s.frame(r, v, "", "Done"), Text: apiNotices[notice]})
}

// apiColumns are what the list of APIs can be sorted by.
var apiColumns = []string{"name", "identifier", "scopes", "created"}

// fewScopes are how many scopes of an API the list names.
const fewScopes = 4

// apiList reads the page of the list that the URL asks for; behind the last one it is the last one.
func (s *site) apiList(w http.ResponseWriter, r *http.Request, v *visit) error {
	list := templates.ReadListing(r.URL.Query(), "APIs", apiColumns)
	query := oauth.APIQuery{Search: list.Search, Sort: list.Sort, Offset: list.Offset(), Limit: list.PerPage}
	found, err := s.Provider.FindAPIs(r.Context(), query)
	if err != nil {
		return err
	}
	if !list.Found(found.Total) {
		query.Offset = list.Offset()
		if found, err = s.Provider.FindAPIs(r.Context(), query); err != nil {
			return err
		}
	}
	page := templates.APIList{
		Admin: s.frame(r, v, "apis", "APIs"), Listing: list,
		CanCreate: v.may(account.CreateAPIs), CanEdit: v.may(account.EditAPIs), CanDelete: v.may(account.DeleteAPIs),
	}
	for _, a := range found.APIs {
		having, err := s.Provider.ClientsOfAPI(r.Context(), a.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) { // deleted this moment
			return err
		}
		row := templates.APIRow{ID: a.ID, Name: a.Title(), Identifier: a.Identifier, Clients: len(having), Created: a.Created}
		for _, scope := range a.Scopes[:min(fewScopes, len(a.Scopes))] {
			row.Scopes = append(row.Scopes, scope.Name)
		}
		row.More = len(a.Scopes) - len(row.Scopes)
		page.Rows = append(page.Rows, row)
	}
	return s.show(w, r, page)
}

func (s *site) apiHistory(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, _, err := s.apiOf(r)
	if err != nil {
		return err
	}
	page := templates.APIHistory{Admin: s.apiFrame(r, v, "History", apiLink(a)), APIHead: apiHead(v, a, "history")}
	if page.Events, page.Steps, err = s.history(r, v, "api:"+a.ID); err != nil {
		return err
	}
	return s.show(w, r, page)
}
