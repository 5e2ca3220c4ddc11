package templates

import "time"

// userPages are the pages of the area Users: the name of the file in admin/, and an empty struct.
var userPages = map[string]any{
	"users":            AdminUsers{},
	"user":             AdminUser{},
	"user_new":         AdminUserNew{},
	"user_secret":      AdminUserSecret{},
	"user_edit":        AdminUserEdit{},
	"user_password":    AdminUserPassword{},
	"user_permissions": AdminUserPermissions{},
	"user_apps":        AdminUserApps{},
	"user_history":     AdminUserHistory{},
	"user_delete":      AdminUserDelete{},
}

// AdminUsers is the list of users.
type AdminUsers struct {
	Admin
	Listing   Listing
	Rows      []UserRow
	CanCreate bool
}

// UserRow is a line of the list of users. Path is where the user's page is, and begins with Base.
type UserRow struct {
	Path                  string
	Username, Name, Email string
	Groups                []Mention
	MoreGroups            int
	SuperAdmin, Blocked   bool
	Created               time.Time
	CanEdit, CanDelete    bool
}

// UserHead stands above every page about one user.
type UserHead struct {
	Path       string // of the user's page, begins with Base
	Username   string
	SuperAdmin bool
	Blocked    bool
	Self       bool   // the user is the visitor
	Beyond     string // why the visitor may not act on the user, "" where he may
	CanView    bool
	CanEdit    bool
	CanDelete  bool
	CanApps    bool // see what applications act for the user
	CanHistory bool
	Tab        string // which of the pages this is: "", permissions, apps, history; another word for none
}

// AdminUser is everything about one user.
type AdminUser struct {
	Admin
	UserHead
	Effective
	SessionList
	Name, Email      string
	Created, Updated time.Time
	Groups           []Mention
}

// AdminUserNew makes a user. It posts username, name, email, credential (generated or typed), password, super_admin and
// groups.
type AdminUserNew struct {
	Admin
	Faults     []Fault
	Inputs     []Input // username, name, email
	Credential Choices
	Password   Input
	SuperAdmin *Choice // nil where the visitor may not give it
	Groups     Choices
}

// AdminUserSecret shows a password that was made for a user, this once.
type AdminUserSecret struct {
	Admin
	Path     string // where to go on from here, begins with Base
	Username string
	Password string
	Ended    bool // it took the place of another one, and what was begun under that ended
}

// AdminUserEdit changes who a user is. It posts version, username, name, email and super_admin.
type AdminUserEdit struct {
	Admin
	UserHead
	Version  string
	Faults   []Fault
	Outdated *Outdated
	Inputs   []Input
	AsSuper  *Choice // nil where the visitor may not decide it
}

// AdminUserPassword sets a password. It posts credential (generated or typed) and password.
type AdminUserPassword struct {
	Admin
	UserHead
	Faults     []Fault
	Credential Choices
	Password   Input
}

// AdminUserPermissions says what a user may do. It posts version, groups and permissions.
type AdminUserPermissions struct {
	Admin
	UserHead
	Effective
	Version     string
	Faults      []Fault
	Outdated    *Outdated
	Groups      Choices
	Permissions []Choices
}

// AdminUserApps shows what acts for a user.
type AdminUserApps struct {
	Admin
	UserHead
	AppList
}

// AdminUserHistory is what was done to a user.
type AdminUserHistory struct {
	Admin
	UserHead
	Events []EventLine
	Steps  Steps
}

// AdminUserDelete asks before a user is deleted.
type AdminUserDelete struct {
	Admin
	UserHead
	Ends Ends
}
