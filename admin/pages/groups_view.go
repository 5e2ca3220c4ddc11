package pages

import (
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) groupView(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showGroup(w, r, v, http.StatusOK, nil)
}

func (s *site) showGroup(w http.ResponseWriter, r *http.Request, v *visit, status int, faults []templates.Fault) error {
	c, err := s.circle(r, v, "")
	if err != nil {
		return err
	}
	page := templates.AdminGroup{
		Admin: s.groupFrame(r, v, c, c.Name), GroupHead: c.head, Description: c.Description, Created: c.Created, Updated: c.Updated,
		Inside: s.branches(v, c.ranks, c.ID, map[string]bool{}), Faults: faults,
		Effective: templates.Effective{Grounds: s.explained(v, c.ranks.grounds(c.Permissions, c.MemberOf))},
	}
	for _, way := range c.ranks.ways(c.MemberOf) {
		page.Ways = append(page.Ways, s.groupMentions(v, way))
	}
	if err := s.members(r, v, c, &page); err != nil {
		return err
	}
	if page.CanEdit {
		if err := s.newMembers(r, v, c, &page); err != nil {
			return err
		}
	}
	s.write(w, r, status, page)
	return nil
}

// branches shows the groups within a group as a tree. A group that is on the way to itself is not shown again: two
// admins at once may have brought that about.
func (s *site) branches(v *visit, ranks ranks, id string, above map[string]bool) []templates.Branch {
	above[id] = true
	defer delete(above, id)
	var branches []templates.Branch
	for _, g := range ranks.inside(id) {
		if !above[g.ID] {
			branches = append(branches, templates.Branch{Group: s.groupMention(v, g), Inside: s.branches(v, ranks, g.ID, above)})
		}
	}
	return branches
}

// members fills in who is directly in a group.
func (s *site) members(r *http.Request, v *visit, c *circle, page *templates.AdminGroup) error {
	users, groups, err := s.Directory.Members(r.Context(), c.ID)
	if err != nil {
		return err
	}
	listing := templates.ReadListing(r.URL.Query(), "members", nil)
	wanted := strings.ToLower(listing.Search)
	users = slices.DeleteFunc(users, func(u *account.User) bool {
		return !strings.Contains(u.Username, wanted) && !strings.Contains(strings.ToLower(u.Name), wanted)
	})
	listing.Found(len(users))
	page.Listing = listing
	begin := min(listing.Offset(), len(users))
	for _, u := range users[begin:min(begin+listing.PerPage, len(users))] {
		m := s.member(page, templates.Mention{Name: u.Username}, u.ID)
		if v.may(account.ViewUsers) {
			m.Who.Path = s.base + userPath(u.ID)
		}
		m.Name, m.Blocked = u.Name, u.Blocked
		page.Users = append(page.Users, m)
	}
	for _, g := range groups {
		page.Groups = append(page.Groups, s.member(page, s.groupMention(v, g), g.ID))
	}
	return nil
}

func (s *site) member(page *templates.AdminGroup, who templates.Mention, id string) templates.Member {
	return templates.Member{Who: who, Path: page.Path + "/members/" + id + "/remove", FormToken: page.FormToken}
}

// offeredUsers is how many user names the field for a new member offers. With more, they are typed.
const offeredUsers = 200

// newMembers fills in the fields with which members are added: no group is offered that would be within itself.
func (s *site) newMembers(r *http.Request, v *visit, c *circle, page *templates.AdminGroup) error {
	page.AddUser = templates.Input{
		ID: "username", Label: "Username", Value: v.Form.Get("username"), Code: true, Fault: faultOf(page.Faults, "username"),
	}
	above := map[string]bool{c.ID: true}
	for _, way := range c.ranks.ways(c.MemberOf) {
		above[way[len(way)-1].ID] = true
	}
	page.AddGroup = templates.Input{ID: "group", Label: "Group", Type: "select", Value: v.Form.Get("group"), Fault: faultOf(page.Faults, "group")}
	for _, g := range c.ranks.inOrder {
		if !above[g.ID] && !slices.Contains(g.MemberOf, c.ID) && v.Rights.CheckCovers(c.ranks.ofGroup(g)) == nil {
			page.AddGroup.Options = append(page.AddGroup.Options, templates.Option{Value: g.ID, Text: g.Name})
		}
	}
	if !v.may(account.ViewUsers) {
		return nil
	}
	known, err := s.Directory.FindUsers(r.Context(), account.UserQuery{Limit: offeredUsers + 1})
	if err != nil || known.Total > offeredUsers {
		return err
	}
	for _, u := range known.Users {
		if !slices.Contains(u.Groups, c.ID) {
			page.Known = append(page.Known, u.Username)
		}
	}
	return nil
}
