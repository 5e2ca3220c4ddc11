package templates

import "time"

// What pages about users, groups and one's own account share. Paths in it begin with Base.

// Effective is what somebody may do in the end, and where it comes from; shown by {{template "effective" .}}.
type Effective struct {
	Everything bool // a super admin: every check is passed
	Suspended  bool // blocked: it counts again once the user is unblocked
	Grounds    []Ground
}

// Ground is a permission and the ways in which it is come by.
type Ground struct {
	Name, Title, Sentence string
	Ways                  []Way
}

// Way leads to a permission: through groups, the nearest first; one without groups is direct.
type Way []Mention

// SessionList is where somebody is signed in, shown by {{template "sessions" .}}.
type SessionList struct {
	Sessions     []SessionLine
	SessionsPath string // what "/ID/end" and "/end" are put behind
	MayEnd       bool
}

// SessionLine is one browser in which somebody is signed in.
type SessionLine struct {
	ID            string
	Browser       string // in words
	Agent         string // as it calls itself
	Address       string
	Created, Seen time.Time
	Here          bool // the one that shows the page
}

// Elsewhere counts the sessions but the one that shows the page.
func (l SessionList) Elsewhere() int {
	n := len(l.Sessions)
	for _, s := range l.Sessions {
		if s.Here {
			n--
		}
	}
	return n
}

// AppList is what acts for somebody: applications, and personal access tokens.
type AppList struct {
	Apps       []AppLine
	AppsPath   string // what "/ID/revoke" is put behind
	Tokens     []TokenLine
	TokensPath string
	MayRevoke  bool
}

// AppLine is an application and what it was allowed.
type AppLine struct {
	ID              string // ready to stand in a path
	Name, ClientID  string
	Scopes          []ScopeLine
	Audience        []Mention // the APIs
	Since, LastUsed time.Time
}

// TokenLine is a personal access token.
type TokenLine struct {
	ID                         string
	Name, ClientName, Prefix   string
	Scopes                     []ScopeLine
	Created, Expires, LastUsed time.Time
}

// Outdated says that somebody else saved while a form was open, and what is stored now.
type Outdated struct {
	Changes []Change // Old is what is stored now, New what was typed
}

// Ends counts what ends with an act.
type Ends struct {
	Sessions, Apps, Tokens int
}

// Branch is a group with those inside it, shown by {{template "branches" .}} as a tree.
type Branch struct {
	Group  Mention
	Inside []Branch
}
