package templates

import "time"

// groupPages are the pages of the area Groups: the name of the file in admin/, and an empty struct.
var groupPages = map[string]any{
	"groups":        AdminGroups{},
	"group":         AdminGroup{},
	"group_form":    AdminGroupForm{},
	"group_delete":  AdminGroupDelete{},
	"group_history": AdminGroupHistory{},
}

// AdminGroups is the list of groups.
type AdminGroups struct {
	Admin
	Listing   Listing
	Rows      []GroupRow
	CanCreate bool
}

// GroupRow is a line of the list of groups. Path is where the group's page is, and begins with Base.
type GroupRow struct {
	Path               string
	Name, Description  string
	Within             []Mention
	Permissions        int // held directly or by way of other groups
	Users, Groups      int // directly in it
	Created            time.Time
	CanEdit, CanDelete bool
}

// GroupHead stands above every page about one group.
type GroupHead struct {
	Path       string // of the group's page, begins with Base
	Name       string
	Beyond     string // why the visitor may not change the group, "" where he may
	CanView    bool
	CanEdit    bool
	CanDelete  bool
	CanHistory bool
	Tab        string // which of the pages this is: "", history; another word for none
}

// AdminGroup is everything about one group. It posts username or group to Path/members/add.
type AdminGroup struct {
	Admin
	GroupHead
	Effective
	Description      string
	Created, Updated time.Time
	Ways             []Way    // to every group that it is within, the nearest first
	Inside           []Branch // the groups within it
	Users            []Member // directly in it, a page of them
	Groups           []Member
	Listing          Listing // of the users
	AddUser          Input
	Known            []string // user names to choose from, may be empty
	AddGroup         Input    // without options: there is no group that could be added
	Faults           []Fault
}

// Member is a user or a group in a group, with the form that removes it.
type Member struct {
	Who       Mention
	Name      string // of a user
	Blocked   bool
	Path      string // where the form goes; begins with Base
	FormToken string
}

// AdminGroupForm makes or changes a group. It posts version, name, description, permissions and member_of.
type AdminGroupForm struct {
	Admin
	Path        string // where the form goes; begins with Base
	Back        string // where giving up leads; begins with Base
	Version     string // "" for a new one
	Faults      []Fault
	Outdated    *Outdated
	Inputs      []Input // name, description
	Permissions []Choices
	MemberOf    Choices
	Submit      string
}

// AdminGroupDelete asks before a group is deleted.
type AdminGroupDelete struct {
	Admin
	GroupHead
	Users, Groups int // that are in it
	Loses         []Ground
}

// AdminGroupHistory is what was done to a group.
type AdminGroupHistory struct {
	Admin
	GroupHead
	Events []EventLine
	Steps  Steps
}
