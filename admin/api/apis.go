package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

var apiExample = map[string]any{
	"identifier": "https://orders.example.com", "name": "Orders", "client_id": "orders", "access_token_format": "jwt",
	"scopes": []any{map[string]any{"name": "orders:read", "description": "Read your orders."}},
}

const apiAddress = "An API is found by its id, or by its identifier with percent signs (“https%3A%2F%2Forders.example.com”)."

func (s *service) apiOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/apis", id: "list-apis", tag: apisTag,
		summary: "List APIs", text: "Lists all APIs, by name unless sort says otherwise.",
	}, s.listAPIs)
	register(s, operation{
		method: http.MethodPost, path: "/apis", id: "create-api", tag: apisTag, status: http.StatusCreated,
		summary: "Register an API", example: apiExample, problems: []kind{taken, conflict}, text: "Registers an API. A scope belongs to one API at most.",
	}, s.createAPI)
	register(s, operation{
		method: http.MethodGet, path: "/apis/{api_id}", id: "read-api", tag: apisTag,
		summary: "Read an API", text: "Shows one API. " + apiAddress,
	}, s.readAPI)
	register(s, operation{
		method: http.MethodPut, path: "/apis/{api_id}", id: "replace-api", tag: apisTag,
		summary: "Register or replace an API", example: apiExample, problems: []kind{taken, conflict},
		text: "Makes sure that there is such an API: registers it (201), or replaces all its settings (200). Sent twice it changes nothing the second " +
			"time. With “If-None-Match: *” it only registers, with “If-Match: ETAG” it only replaces that version. Read-only fields may be sent back as they are. " + apiAddress,
		also: "Where there is no such API yet it needs the permission “Create APIs” (`apis:create`) as well.",
	}, s.replaceAPI)
	register(s, operation{
		method: http.MethodPatch, path: "/apis/{api_id}", id: "update-api", tag: apisTag,
		summary: "Change an API", example: map[string]any{"name": "Orders, new", "access_token_lifetime": "5m", "client_id": nil}, problems: []kind{conflict},
		text: "Changes the fields that are named, as JSON Merge Patch says (RFC 7396): null takes a field back to its default, a list replaces the whole list. " + apiAddress,
	}, s.updateAPI)
	register(s, operation{
		method: http.MethodDelete, path: "/apis/{api_id}", id: "delete-api", tag: apisTag,
		summary: "Delete an API", text: "Deletes an API that no auth client has any more. Take it out of their audience first.", problems: []kind{inUse, conflict},
	}, s.deleteAPI)
	register(s, operation{
		method: http.MethodGet, path: "/apis/{api_id}/clients", id: "list-clients-of-api", tag: apisTag,
		summary: "List the auth clients that have an API", text: "Lists the auth clients that may get tokens meant for an API, by name, with the scopes of the API that each has.",
	}, s.listClientsOfAPI)
}

type (
	listAPIsIn struct {
		Q      string `query:"q" maxLength:"255" doc:"Finds APIs by a part of their name, their identifier or a scope, whatever the case."`
		Sort   string `query:"sort" enum:"name,-name,identifier,-identifier,created,-created,scopes,-scopes" doc:"The field to sort by, with “-” before it the other way round; scopes is how many there are. Left out: name."`
		Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same q and sort."`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	createAPIIn struct{ body[oauth.APIRegistration] }
	apiIn       struct {
		ID string `path:"api_id" doc:"The id of the API, or its identifier."`
	}
	readAPIIn struct {
		ID          string `path:"api_id" doc:"The id of the API, or its identifier."`
		IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what the reader has: 304 where it is that still."`
	}
	replaceAPIIn struct {
		ID          string `path:"api_id" doc:"The id of the API, or its identifier."`
		IfMatch     string `header:"If-Match" doc:"The ETag of what is to be replaced: 412 where it is another by now."`
		IfNoneMatch string `header:"If-None-Match" doc:"“*” registers and never replaces: 412 where there is such an API."`
		body[oauth.APIRegistration]
	}
	updateAPIIn struct {
		ID      string `path:"api_id" doc:"The id of the API, or its identifier."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be changed: 412 where it is another by now."`
		body[oauth.APIRegistration]
	}
	deleteAPIIn struct {
		ID      string `path:"api_id" doc:"The id of the API, or its identifier."`
		IfMatch string `header:"If-Match" doc:"The ETag of what is to be deleted: 412 where it is another by now."`
	}
)

// apiID gives the id of an API that an address names, by its id or its identifier: a URI never begins as ids do.
func apiID(named string) string {
	if strings.HasPrefix(named, "api_") {
		return named
	}
	return oauth.APIID(named)
}

func showAPI(a *oauth.API) API {
	return API{APIRegistration: a.APIRegistration, ID: a.ID, Owner: showActor(a.Owner), Created: a.Created, Updated: a.Updated}
}

func (s *service) listAPIs(ctx context.Context, in *listAPIsIn) (*many[API], error) {
	page, err := s.Provider.FindAPIs(ctx, oauth.APIQuery{Search: in.Q, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(page.APIs, page.Next, showAPI).counted(page.Total)), nil
}

func (s *service) createAPI(ctx context.Context, in *createAPIIn) (*made[API], error) {
	r, err := in.value()
	if err != nil {
		return nil, err
	}
	return s.registerAPI(ctx, r)
}

func (s *service) registerAPI(ctx context.Context, r *oauth.APIRegistration) (*made[API], error) {
	a, err := s.Provider.RegisterAPI(ctx, *r)
	if err != nil {
		return nil, err
	}
	answer, err := s.readAPI(ctx, &readAPIIn{ID: a.ID})
	if err != nil {
		return nil, err
	}
	return &made[API]{Status: http.StatusCreated, Location: s.base + Path + "/apis/" + url.PathEscape(a.ID), ETag: answer.ETag, Body: answer.Body}, nil
}

func (s *service) readAPI(ctx context.Context, in *readAPIIn) (*one[API], error) {
	a, version, err := s.Provider.LoadAPI(ctx, apiID(in.ID))
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return notModified[API](etag(version)), nil
	}
	answer := showAPI(a)
	return shown(&answer, version), nil
}

func (s *service) replaceAPI(ctx context.Context, in *replaceAPIIn) (*made[API], error) {
	_, version, err := s.Provider.LoadAPI(ctx, apiID(in.ID))
	if errors.Is(err, store.ErrNotFound) {
		return s.putNewAPI(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return nil, errStale
	}
	answer, err := s.changeAPI(ctx, in.ID, in.IfMatch, func(now *oauth.API) (*oauth.APIRegistration, error) { return in.replacement(showAPI(now)) })
	if err != nil {
		return nil, err
	}
	return &made[API]{Status: http.StatusOK, ETag: answer.ETag, Body: answer.Body}, nil
}

func (s *service) putNewAPI(ctx context.Context, in *replaceAPIIn) (*made[API], error) {
	if in.IfMatch != "" {
		return nil, errStale
	}
	if err := account.RightsFrom(ctx).Check(account.CreateAPIs); err != nil {
		return nil, err
	}
	r, err := in.value()
	if err != nil {
		return nil, err
	}
	if r.Identifier == "" && apiID(in.ID) != in.ID {
		r.Identifier = in.ID
	}
	if oauth.APIID(r.Identifier) != apiID(in.ID) {
		return nil, errOtherIdentifier()
	}
	answer, err := s.registerAPI(ctx, r)
	if errors.Is(err, oauth.ErrAPITaken) && in.IfNoneMatch != "" {
		return nil, errStale
	}
	return answer, err
}

func errOtherIdentifier() error {
	return invalid.faulty(Fault{Pointer: "/identifier", Detail: "It must be the one of the API in the address: it never changes."})
}

func (s *service) updateAPI(ctx context.Context, in *updateAPIIn) (*one[API], error) {
	return s.changeAPI(ctx, in.ID, in.IfMatch, func(now *oauth.API) (*oauth.APIRegistration, error) {
		return in.patched(&now.APIRegistration, showAPI(now))
	})
}

// changeAPI works on one version, and begins again where somebody was faster, unless the caller wanted that version.
func (s *service) changeAPI(ctx context.Context, id, ifMatch string, settings func(now *oauth.API) (*oauth.APIRegistration, error)) (*one[API], error) {
	for attempt := range attempts {
		now, version, err := s.Provider.LoadAPI(ctx, apiID(id))
		if err != nil {
			return nil, err
		}
		expecting, err := expected(ifMatch, version)
		if err != nil {
			return nil, err
		}
		next, err := settings(now)
		if err != nil {
			return nil, err
		}
		if next.Identifier == "" {
			next.Identifier = now.Identifier
		}
		if next.Identifier != now.Identifier {
			return nil, errOtherIdentifier()
		}
		if sameSettings(now.APIRegistration, next) {
			break
		}
		_, err = s.Provider.UpdateAPI(ctx, *next, version)
		if errors.Is(err, store.ErrConflict) && expecting == 0 && attempt < attempts-1 {
			continue
		}
		if err != nil {
			return nil, asStale(err, expecting)
		}
		break
	}
	return s.readAPI(ctx, &readAPIIn{ID: id})
}

func (s *service) deleteAPI(ctx context.Context, in *deleteAPIIn) (*nothing, error) {
	id := apiID(in.ID)
	if in.IfMatch != "" {
		_, version, err := s.Provider.LoadAPI(ctx, id)
		if err != nil {
			return nil, err
		}
		if _, err := expected(in.IfMatch, version); err != nil {
			return nil, err
		}
	}
	err := s.Provider.DeleteAPI(ctx, id)
	var used *oauth.APIInUseError
	if errors.As(err, &used) {
		return nil, errors.Join(inUse.saying(usersOfAPI(used.Clients, account.RightsFrom(ctx))), err)
	}
	return &nothing{}, err
}

// toldClients is how many auth clients a problem names.
const toldClients = 20

// usersOfAPI says which auth clients have an API, to who may know them.
func usersOfAPI(clients []string, rights account.Rights) string {
	if !rights.Has(account.ViewClients) {
		return fmt.Sprintf("Auth clients still have it (%d): take it out of their audience first.", len(clients))
	}
	more := ""
	if len(clients) > toldClients {
		more = fmt.Sprintf(", and %d more", len(clients)-toldClients)
		clients = clients[:toldClients]
	}
	return "Auth clients still have it: " + strings.Join(clients, ", ") + more + ". Take it out of their audience first."
}

func (s *service) listClientsOfAPI(ctx context.Context, in *apiIn) (*plain[Page[ClientOfAPI]], error) {
	a, _, err := s.Provider.LoadAPI(ctx, apiID(in.ID))
	if err != nil {
		return nil, err
	}
	clients, err := s.Provider.ClientsOfAPI(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return &plain[Page[ClientOfAPI]]{pageOf(clients, "", func(c *oauth.Client) ClientOfAPI { return clientOfAPI(c, a) }).counted(len(clients))}, nil
}

func clientOfAPI(c *oauth.Client, a *oauth.API) ClientOfAPI {
	has, _ := oauth.ParseScope(c.Scope) // it was read when the client was kept
	var scope oauth.Scope
	for _, one := range a.Scopes {
		if has.Contains(oauth.Scope{one.Name}) {
			scope = append(scope, one.Name)
		}
	}
	return ClientOfAPI{
		ClientID: c.ClientID, ClientName: c.ClientName, Scope: scope.String(), Default: c.DefaultAudience == a.Identifier, Disabled: c.Disabled,
	}
}
