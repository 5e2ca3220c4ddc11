package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

const usersPath = "/admin/users"

func userPages() handlers {
	const user = "/admin/users/{user_id}"
	return handlers{
		"GET /admin/users":                                   (*site).userList,
		"GET /admin/users/-/new":                             (*site).userNew,
		"POST /admin/users/-/new":                            (*site).userCreate,
		"GET " + user:                                        (*site).userView,
		"GET " + user + "/edit":                              (*site).userEdit,
		"POST " + user + "/edit":                             (*site).userSave,
		"GET " + user + "/password":                          (*site).userPassword,
		"POST " + user + "/password":                         (*site).userSetPassword,
		"GET " + user + "/permissions":                       (*site).userPermissions,
		"POST " + user + "/permissions":                      (*site).userPermit,
		"POST " + user + "/block":                            (*site).userBlock,
		"POST " + user + "/unblock":                          (*site).userUnblock,
		"GET " + user + "/delete":                            (*site).userDelete,
		"POST " + user + "/delete":                           (*site).userDeleted,
		"POST " + user + "/sessions/end":                     (*site).userEndSessions,
		"POST " + user + "/sessions/{session_id}/end":        (*site).userEndSession,
		"GET " + user + "/apps":                              (*site).userApps,
		"POST " + user + "/apps/revoke":                      (*site).userRevokeAll,
		"POST " + user + "/apps/{client_id}/revoke":          (*site).userRevokeApp,
		"POST " + user + "/tokens/{authorization_id}/revoke": (*site).userRevokeToken,
		"GET " + user + "/history":                           (*site).userHistory,
	}
}

// userNotices are what these pages tell after an act.
var userNotices = map[string]string{
	"user-created":       "The user was created.",
	"user-saved":         "The user was saved.",
	"user-deleted":       "The user was deleted.",
	"user-permitted":     "Groups and permissions were saved. They count from the next request on.",
	"user-password":      "The password was set. Everything begun under the old one has ended.",
	"user-blocked":       "The user was blocked. Everything that the user had begun has ended.",
	"user-unblocked":     "The user was unblocked and can sign in again. What ended stays ended.",
	"user-signed-out":    "The session was ended.",
	"user-ended":         "The user was signed out everywhere, and applications lost their access.",
	"user-app-revoked":   "What the application was allowed was withdrawn.",
	"user-revoked":       "No application and no personal access token has access to this account any more.",
	"user-token-revoked": "The personal access token was revoked.",
}

// userColumns are what the list of users can be sorted by.
var userColumns = []string{"username", "name", "email", "status", "created"}

func (s *site) userList(w http.ResponseWriter, r *http.Request, v *visit) error {
	listing := templates.ReadListing(r.URL.Query(), "Users", userColumns)
	find := func() (account.UserPage, error) {
		return s.Directory.FindUsers(r.Context(), account.UserQuery{
			Search: listing.Search, Sort: listing.Sort, Offset: listing.Offset(), Limit: listing.PerPage,
		})
	}
	found, err := find()
	if err != nil {
		return err
	}
	if !listing.Found(found.Total) {
		if found, err = find(); err != nil {
			return err
		}
	}
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return err
	}
	page := templates.AdminUsers{Admin: s.frame(r, v, "users", "Users"), Listing: listing, CanCreate: v.may(account.CreateUsers)}
	for _, u := range found.Users {
		page.Rows = append(page.Rows, s.userRow(v, ranks, u))
	}
	return s.show(w, r, page)
}

// shownGroups is how many groups of a user a line of the list names.
const shownGroups = 3

func (s *site) userRow(v *visit, ranks ranks, u *account.User) templates.UserRow {
	within := v.Rights.CheckCovers(ranks.of(u)) == nil
	groups := s.groupMentions(v, ranks.named(u.Groups))
	row := templates.UserRow{
		Path: s.base + userPath(u.ID), Username: u.Username, Name: u.Name, Email: u.Email, Groups: groups,
		SuperAdmin: u.SuperAdmin, Blocked: u.Blocked, Created: u.Created,
		CanEdit: within && v.may(account.EditUsers), CanDelete: within && v.may(account.DeleteUsers),
	}
	if len(groups) > shownGroups {
		row.Groups, row.MoreGroups = groups[:shownGroups], len(groups)-shownGroups
	}
	return row
}

// pathID gives an id that stands in the path of a request. It comes as it was sent, with its escapes.
func pathID(r *http.Request, name string) string {
	id, err := url.PathUnescape(mux.Vars(r)[name])
	if err != nil || len(id) > store.MaxID || strings.ContainsRune(id, 0) {
		return "" // names nothing
	}
	return id
}

func userPath(id string) string { return usersPath + "/" + id }

// afterUser is where the visitor finds himself after an act on a user: the page of the user, or the list without an id.
// Who may act need not be able to look.
func (v *visit) afterUser(id string) string {
	switch {
	case v.may(account.ViewUsers) && id == "":
		return usersPath
	case v.may(account.ViewUsers):
		return userPath(id)
	case v.may(account.EditUsers) && id != "":
		return userPath(id) + "/edit"
	}
	return "/account/profile"
}

// target is the user that a page is about, from the store itself, and what may be said and done about it.
type target struct {
	*account.User
	version uint64
	ranks   ranks
	head    templates.UserHead
}

// target reads the user that the path names. store.ErrNotFound.
func (s *site) target(r *http.Request, v *visit, tab string) (*target, error) {
	u, version, err := s.Directory.LoadUser(r.Context(), pathID(r, "user_id"))
	if err != nil {
		return nil, err
	}
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return nil, err
	}
	t := &target{User: u, version: version, ranks: ranks}
	t.head = templates.UserHead{
		Path: s.base + userPath(u.ID), Username: u.Username, SuperAdmin: u.SuperAdmin, Blocked: u.Blocked, Self: u.ID == v.User.ID,
		CanView: v.may(account.ViewUsers), CanEdit: v.may(account.EditUsers), CanDelete: v.may(account.DeleteUsers),
		CanApps: v.may(account.ViewTokens), CanHistory: v.may(account.ViewAudit), Tab: tab,
	}
	if err := v.Rights.CheckCovers(ranks.of(u)); err != nil {
		if t.head.CanEdit || t.head.CanDelete {
			t.head.Beyond = beyond("You cannot change or delete this account", err)
		}
		t.head.CanEdit, t.head.CanDelete = false, false
	}
	return t, nil
}

// reach refuses a page that could only lead to a refusal: it is about somebody mightier than the visitor.
func (t *target) reach(v *visit) error { return v.Rights.CheckCovers(t.ranks.of(t.User)) }

func (s *site) userFrame(r *http.Request, v *visit, t *target, title string) templates.Admin {
	trail := []templates.Link{{Path: usersPath, Text: "Users"}}
	if title != t.Username {
		trail = append(trail, templates.Link{Path: userPath(t.ID), Text: t.Username})
	}
	return s.frame(r, v, "users", title, trail...)
}

// named gives groups by their ids, in the order of their names.
func (r ranks) named(ids []string) []*account.Group {
	var groups []*account.Group
	for _, g := range r.inOrder {
		if slices.Contains(ids, g.ID) {
			groups = append(groups, g)
		}
	}
	return groups
}
