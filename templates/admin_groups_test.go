package templates

import "net/url"

// groupSamples are the pages of the area Groups, filled with hostile values.
func groupSamples() []any {
	const path = "/tenant/admin/groups/grp_1"
	a := hostileAdmin()
	l := ReadListing(url.Values{"q": {hostile}}, "users", []string{"username"})
	l.Found(40)
	head := GroupHead{Path: path, Name: hostile, Beyond: hostile, CanView: true, CanEdit: true, CanDelete: true, CanHistory: true}
	faults := []Fault{{"username", hostile}, {"group", hostile}}
	tree := []Branch{{Group: hostileMention(), Inside: []Branch{{Group: Mention{Name: hostile}}}}}
	member := Member{Who: hostileMention(), Name: hostile, Blocked: true, Path: path + "/members/usr_1/remove", FormToken: hostile}
	return []any{
		AdminGroups{Admin: a, Listing: l, CanCreate: true, Rows: []GroupRow{
			{Path: path, Name: hostile, Description: hostile, Within: []Mention{hostileMention()}, Users: 1, Groups: 2, CanEdit: true, CanDelete: true}, {Path: path, Name: hostile},
		}},
		AdminGroups{Admin: a, CanCreate: true},
		AdminGroups{Admin: a, Listing: l},
		AdminGroup{Admin: a, GroupHead: head, Effective: hostileEffective(), Description: hostile, Ways: hostileWays()[1:], Inside: tree, Users: []Member{member},
			Groups: []Member{member}, Listing: l, AddUser: Input{ID: "username", Label: "Username", Value: hostile, Fault: hostile}, Known: []string{hostile},
			AddGroup: Input{ID: "group", Label: "Group", Type: "select", Fault: hostile, Options: []Option{{"grp_2", hostile}}}, Faults: faults},
		AdminGroup{Admin: a, GroupHead: GroupHead{Path: path, Name: hostile}},
		AdminGroupForm{Admin: a, Path: path + "/edit", Back: path, Version: "4", Faults: []Fault{{"name", hostile}}, Outdated: hostileOutdated(),
			Inputs:      []Input{{ID: "name", Label: "Name", Value: hostile, Fault: hostile}, {ID: "description", Label: "Description", Type: "textarea", Value: hostile}},
			Permissions: []Choices{hostileChoices("permissions")}, MemberOf: hostileChoices("member_of"), Submit: "Save"},
		AdminGroupDelete{Admin: a, GroupHead: head, Users: 1, Groups: 0, Loses: hostileEffective().Grounds},
		AdminGroupDelete{Admin: a, GroupHead: head},
		AdminGroupHistory{Admin: a, GroupHead: head, Events: hostileEvents()},
	}
}
