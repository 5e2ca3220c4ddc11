package pages

import (
	"net/http"
	"net/url"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// clientColumns are what the list may be sorted by; it begins with the newest client.
var clientColumns = []string{"-number", "client_id", "name", "redirect", "grants", "last_used", "status"}

func (s *site) clientList(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := s.clientListing(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, page)
}

// clientListing reads the page of the list that the URL asks for; behind the last one it is the last one.
func (s *site) clientListing(r *http.Request, v *visit) (templates.ClientList, error) {
	list := templates.ReadListing(r.URL.Query(), "Auth Clients", clientColumns)
	query := oauth.ClientQuery{Search: list.Search, Sort: list.Sort, Offset: list.Offset(), Limit: list.PerPage}
	found, err := s.Provider.FindClients(r.Context(), query)
	if err != nil {
		return templates.ClientList{}, err
	}
	if !list.Found(found.Total) {
		query.Offset = list.Offset()
		if found, err = s.Provider.FindClients(r.Context(), query); err != nil {
			return templates.ClientList{}, err
		}
	}
	page := templates.ClientList{
		Admin: s.frame(r, v, "clients", "Auth Clients"), Listing: list, State: listState(r),
		CanCreate: v.may(account.CreateClients), CanEdit: v.may(account.EditClients),
		CanDelete: v.may(account.DeleteClients), CanRevoke: v.may(account.DeleteTokens),
	}
	for _, row := range found.Clients {
		page.Rows = append(page.Rows, clientLine(row))
	}
	return page, nil
}

func clientLine(row oauth.ClientRow) templates.ClientLine {
	line := templates.ClientLine{
		Number: row.Number, ID: row.ClientID, Name: row.Name(), Grants: grantTitles(&row.Registration), LastUsed: row.LastUsed,
		Disabled: row.Disabled, BuiltIn: row.BuiltIn,
	}
	if n := len(row.RedirectURIs); n > 0 {
		line.Redirect, line.More = row.RedirectURIs[0], n-1
	}
	return line
}

// grantTitles says in words how a client obtains tokens.
func grantTitles(r *oauth.Registration) []string {
	var titles []string
	for _, grant := range r.GrantTypes {
		titles = append(titles, grantTitle(grant))
	}
	if r.PersonalAccessTokens {
		titles = append(titles, "Personal access tokens")
	}
	return titles
}

func grantTitle(grant oauth.GrantType) string {
	switch grant {
	case oauth.AuthorizationCode:
		return "Authorization code"
	case oauth.ClientCredentials:
		return "Client credentials"
	case oauth.DeviceCode:
		return "Device authorization"
	case oauth.RefreshToken:
		return "Refresh tokens"
	case oauth.PersonalAccessToken: // as usage is counted: no grant of the token endpoint
		return "Personal access tokens"
	}
	return string(grant)
}

// listState is the query of the list as its forms carry it along, so that whoever acts comes back to what he saw: "" or
// "?…". What is no state of a list is left out.
func listState(r *http.Request) string {
	kept := url.Values{}
	for _, name := range []string{"q", "sort", "per_page", "page"} {
		if value := r.URL.Query().Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return "?" + kept.Encode()
}
