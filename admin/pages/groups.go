package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

const groupsPath = "/admin/groups"

func groupPages() handlers {
	const group = "/admin/groups/{group_id}"
	return handlers{
		"GET /admin/groups":                             (*site).groupList,
		"GET /admin/groups/-/new":                       (*site).groupNew,
		"POST /admin/groups/-/new":                      (*site).groupCreate,
		"GET " + group:                                  (*site).groupView,
		"GET " + group + "/edit":                        (*site).groupEdit,
		"POST " + group + "/edit":                       (*site).groupSave,
		"POST " + group + "/members/add":                (*site).groupAdd,
		"POST " + group + "/members/{member_id}/remove": (*site).groupRemove,
		"GET " + group + "/delete":                      (*site).groupDelete,
		"POST " + group + "/delete":                     (*site).groupDeleted,
		"GET " + group + "/history":                     (*site).groupHistory,
	}
}

// groupNotices are what these pages tell after an act.
var groupNotices = map[string]string{
	"group-created": "The group was created.",
	"group-saved":   "The group was saved. It counts from the next request of each member on.",
	"group-deleted": "The group was deleted.",
	"group-added":   "The member was added.",
	"group-removed": "The member was removed.",
}

// groupColumns are what the list of groups can be sorted by.
var groupColumns = []string{"name", "created"}

func (s *site) groupList(w http.ResponseWriter, r *http.Request, v *visit) error {
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return err
	}
	listing := templates.ReadListing(r.URL.Query(), "Groups", groupColumns)
	groups := searchGroups(ranks.inOrder, listing.Search)
	sortGroups(groups, listing.Sort)
	listing.Found(len(groups))
	page := templates.AdminGroups{Admin: s.frame(r, v, "groups", "Groups"), Listing: listing, CanCreate: v.may(account.CreateGroups)}
	begin := min(listing.Offset(), len(groups))
	for _, g := range groups[begin:min(begin+listing.PerPage, len(groups))] {
		row, err := s.groupRow(r, v, ranks, g)
		if err != nil {
			return err
		}
		page.Rows = append(page.Rows, row)
	}
	return s.show(w, r, page)
}

func searchGroups(groups []*account.Group, search string) []*account.Group {
	wanted := strings.ToLower(search)
	return slices.DeleteFunc(slices.Clone(groups), func(g *account.Group) bool {
		return !strings.Contains(strings.ToLower(g.Name), wanted) && !strings.Contains(strings.ToLower(g.Description), wanted)
	})
}

// sortGroups sorts groups that are in the order of their names.
func sortGroups(groups []*account.Group, by string) {
	if strings.HasSuffix(by, "created") {
		slices.SortStableFunc(groups, func(a, b *account.Group) int {
			return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
		})
	}
	if strings.HasPrefix(by, "-") {
		slices.Reverse(groups)
	}
}

func (s *site) groupRow(r *http.Request, v *visit, ranks ranks, g *account.Group) (templates.GroupRow, error) {
	users, inside, err := s.Directory.Members(r.Context(), g.ID)
	if err != nil {
		return templates.GroupRow{}, err
	}
	rights := ranks.ofGroup(g)
	within := v.Rights.CheckCovers(rights) == nil
	return templates.GroupRow{
		Path: s.base + groupPath(g.ID), Name: g.Name, Description: g.Description, Within: s.groupMentions(v, ranks.named(g.MemberOf)),
		Permissions: len(rights.Permissions), Users: len(users), Groups: len(inside), Created: g.Created,
		CanEdit: within && v.may(account.EditGroups), CanDelete: within && v.may(account.DeleteGroups),
	}, nil
}

func groupPath(id string) string { return groupsPath + "/" + id }

// afterGroup is where the visitor finds himself after an act on a group, or on the list without an id. Who may act need
// not be able to look.
func (v *visit) afterGroup(id string) string {
	switch {
	case v.may(account.ViewGroups) && id == "":
		return groupsPath
	case v.may(account.ViewGroups):
		return groupPath(id)
	case v.may(account.EditGroups) && id != "":
		return groupPath(id) + "/edit"
	}
	return "/account/profile"
}

// circle is the group that a page is about, from the store itself, and what may be said and done about it.
type circle struct {
	*account.Group
	version uint64
	ranks   ranks
	head    templates.GroupHead
}

// circle reads the group that the path names. store.ErrNotFound.
func (s *site) circle(r *http.Request, v *visit, tab string) (*circle, error) {
	g, version, err := s.Directory.LoadGroup(r.Context(), pathID(r, "group_id"))
	if err != nil {
		return nil, err
	}
	ranks, err := s.ranks(r.Context())
	if err != nil {
		return nil, err
	}
	c := &circle{Group: g, version: version, ranks: ranks}
	c.head = templates.GroupHead{
		Path: s.base + groupPath(g.ID), Name: g.Name, Tab: tab, CanView: v.may(account.ViewGroups),
		CanEdit: v.may(account.EditGroups), CanDelete: v.may(account.DeleteGroups), CanHistory: v.may(account.ViewAudit),
	}
	if err := c.reach(v); err != nil {
		if c.head.CanEdit || c.head.CanDelete {
			c.head.Beyond = beyond("You cannot change or delete this group", err)
		}
		c.head.CanEdit, c.head.CanDelete = false, false
	}
	return c, nil
}

// reach refuses a page that could only lead to a refusal: the group gives what the visitor does not hold.
func (c *circle) reach(v *visit) error { return v.Rights.CheckCovers(c.ranks.ofGroup(c.Group)) }

func (s *site) groupFrame(r *http.Request, v *visit, c *circle, title string) templates.Admin {
	trail := []templates.Link{{Path: groupsPath, Text: "Groups"}}
	if title != c.Name {
		trail = append(trail, templates.Link{Path: groupPath(c.ID), Text: c.Name})
	}
	return s.frame(r, v, "groups", title, trail...)
}

func (s *site) groupHistory(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.circle(r, v, "history")
	if err != nil {
		return err
	}
	page := templates.AdminGroupHistory{Admin: s.groupFrame(r, v, c, "History"), GroupHead: c.head}
	if page.Events, page.Steps, err = s.history(r, v, "group:"+c.ID); err != nil {
		return err
	}
	return s.show(w, r, page)
}
