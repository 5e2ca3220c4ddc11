package templates

import (
	"embed"
	"html/template"
	"maps"
)

//go:embed admin/*.html
var adminFiles embed.FS

// Admin is the frame of every page of the administration and of "My account": each of their structs embeds it.
type Admin struct {
	Frame
	Areas     []MenuItem // the top menu: the areas that the person may open
	Area      string     // key of the area that this page belongs to: AreaAdmin or AreaAccount
	Menu      []MenuItem // the pages of the area that the person may open
	Section   string     // key of the entry of Menu that this page belongs to
	Trail     []Link     // from Home to the page above this one; the page itself is Title
	Title     string     // of this page: in the trail and on the tab of the browser; may be a name that people chose
	Notice    *Notice    // what was just done, or must be known; may be nil
	FormToken string
}

// MenuItem is an entry of a menu. Path is a constant of the program.
type MenuItem struct {
	Key, Path, Text string
}

// The areas of the top menu.
const (
	AreaAdmin   = "admin"
	AreaAccount = "account"
)

// AllAreas lists the entries of the top menu; a page shows those that the person may open.
func AllAreas() []MenuItem {
	return []MenuItem{{AreaAdmin, "/admin", "Admin"}, {AreaAccount, "/account", "My account"}}
}

// AdminMenu lists the pages of the area Admin; a page shows those that the person may open.
func AdminMenu() []MenuItem {
	return []MenuItem{
		{"dashboard", "/admin/dashboard", "Dashboard"},
		{"clients", "/admin/auth-clients", "Auth Clients"},
		{"apis", "/admin/apis", "APIs"},
		{"users", "/admin/users", "Users"},
		{"groups", "/admin/groups", "Groups"},
		{"audit", "/admin/audit", "Audit log"},
		{"refusals", "/admin/refusals", "Refusals"},
		{"keys", "/admin/keys", "Keys"},
	}
}

// AccountMenu lists the pages of the area My account.
func AccountMenu() []MenuItem {
	return []MenuItem{
		{"profile", "/account/profile", "Profile"},
		{"password", "/account/password", "Password"},
		{"sessions", "/account/sessions", "Sessions"},
		{"apps", "/account/apps", "Connected apps"},
		{"tokens", "/account/tokens", "Personal access tokens"},
	}
}

// Notice says one thing above a page.
type Notice struct {
	Kind NoticeKind
	Text string // a whole sentence
}

// NoticeKind says how a notice is meant.
type NoticeKind string

// The kinds of notices.
const (
	Good NoticeKind = "good" // it was done
	Bad  NoticeKind = "bad"  // it failed
	Warn NoticeKind = "warn"
	Info NoticeKind = "info"
)

// Class is the kind as the style sheet names it; the zero value informs.
func (n Notice) Class() string {
	switch n.Kind {
	case Good, Bad, Warn:
		return string(n.Kind)
	}
	return string(Info)
}

// Alert reports whether a screen reader should interrupt to tell the notice.
func (n Notice) Alert() bool { return n.Kind == Bad || n.Kind == Warn }

// adminPages are the pages in admin/, by the names of their files.
func adminPages() map[string]any {
	found := make(map[string]any)
	for _, area := range []map[string]any{
		corePages, clientPages, apiAreaPages, userPages, groupPages, auditPages, refusalPages, keyPages, accountPages, dashboardPages, apiPages,
	} {
		maps.Copy(found, area)
	}
	return found
}

// adminLayout is what every page in admin/ stands in, with the parts that they share.
func (p *Pages) adminLayout() (*template.Template, error) {
	return p.layout().ParseFS(adminFiles, "admin/layout.html", "admin/parts*.html")
}
