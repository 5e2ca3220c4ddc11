package templates

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var longAgo = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

const placeOfSample = "/tenant/admin/users/usr_1"

func hostileMention() Mention { return Mention{Name: hostile, Path: "/tenant/admin/groups/grp_1"} }

func hostileWays() []Way {
	return []Way{{}, {hostileMention()}, {hostileMention(), {Name: hostile}}}
}

func hostileEffective() Effective {
	return Effective{Everything: true, Suspended: true, Grounds: []Ground{{hostile, hostile, hostile, hostileWays()}, {hostile, hostile, hostile, []Way{{}}}}}
}

func hostileSessions(path string) SessionList {
	return SessionList{SessionsPath: path, MayEnd: true, Sessions: []SessionLine{
		{ID: "a", Browser: hostile, Agent: hostile, Address: hostile, Created: longAgo, Seen: longAgo, Here: true}, {ID: "b", Browser: hostile},
	}}
}

func hostileApps(path string) AppList {
	scopes := []ScopeLine{{Name: hostile, Sentence: hostile}, {Name: "plain"}}
	return AppList{AppsPath: path + "/apps", TokensPath: path + "/tokens", MayRevoke: true,
		Apps: []AppLine{{ID: "c1", Name: hostile, ClientID: hostile, Scopes: scopes, Audience: []Mention{{Name: hostile, Path: "/tenant/admin/apis/x"}, {Name: hostile}}, Since: longAgo}, {ID: "c2", Name: hostile}},
		Tokens: []TokenLine{{ID: "aut_1", Name: hostile, ClientName: hostile, Prefix: hostile, Scopes: scopes, Created: longAgo, Expires: longAgo},
			{ID: "aut_2", Name: hostile}},
	}
}

func hostileChoices(id string) Choices {
	return Choices{ID: id, Legend: hostile, Hint: hostile, Fault: hostile, Items: []Choice{
		{ID: id + "-1", Name: id, Value: hostile, Label: hostile, Hint: hostile, Mark: hostile, Checked: true}, {ID: id + "-2", Name: id, Label: hostile, Disabled: true},
	}}
}

func hostileHead(tab string) UserHead {
	return UserHead{Path: placeOfSample, Username: hostile, SuperAdmin: true, Blocked: true, Beyond: hostile, CanView: true, CanEdit: true, CanDelete: true,
		CanApps: true, CanHistory: true, Tab: tab}
}

func hostileOutdated() *Outdated {
	return &Outdated{Changes: []Change{{hostile, hostile, ""}, {hostile, "", hostile}}}
}

// userSamples are the pages of the area Users, filled with hostile values.
func userSamples() []any {
	a := hostileAdmin()
	l := ReadListing(url.Values{"q": {hostile}}, "Users", []string{"username"})
	l.Found(40)
	inputs := []Input{{ID: "username", Label: "Username", Value: hostile, Fault: hostile, Hint: hostile}, {ID: "email", Label: "E-mail", Type: "email", Value: hostile}}
	faults := []Fault{{"username", hostile}, {"", hostile}}
	secret := Input{ID: "password", Label: "Password", Type: "password", Hint: hostile, Fault: hostile}
	self := hostileHead("")
	self.Self, self.Blocked = true, false
	return []any{
		AdminUsers{Admin: a, Listing: l, CanCreate: true, Rows: []UserRow{
			{Path: placeOfSample, Username: hostile, Name: hostile, Email: hostile, Groups: []Mention{hostileMention(), {Name: hostile}}, MoreGroups: 2,
				SuperAdmin: true, Blocked: true, Created: longAgo, CanEdit: true, CanDelete: true},
			{Path: placeOfSample, Username: hostile},
		}},
		AdminUsers{Admin: a, Listing: l},
		AdminUser{Admin: a, UserHead: hostileHead(""), Effective: hostileEffective(), SessionList: hostileSessions(placeOfSample + "/sessions"), Name: hostile,
			Email: hostile, Groups: []Mention{hostileMention()}},
		AdminUser{Admin: a, UserHead: self},
		AdminUserNew{Admin: a, Faults: faults, Inputs: inputs, Credential: hostileChoices("credential"), Password: secret, Groups: hostileChoices("groups"),
			SuperAdmin: &Choice{ID: "super_admin", Name: "super_admin", Label: hostile, Hint: hostile}},
		AdminUserSecret{Admin: a, Path: placeOfSample, Username: hostile, Password: hostile, Ended: true},
		AdminUserEdit{Admin: a, UserHead: hostileHead("edit"), Version: "3", Faults: faults, Outdated: hostileOutdated(), Inputs: inputs,
			AsSuper: &Choice{ID: "super_admin", Name: "super_admin", Label: hostile}},
		AdminUserPassword{Admin: a, UserHead: hostileHead("password"), Faults: []Fault{{"password", hostile}}, Credential: hostileChoices("credential"), Password: secret},
		AdminUserPermissions{Admin: a, UserHead: hostileHead("permissions"), Effective: hostileEffective(), Version: "3", Outdated: hostileOutdated(),
			Groups: hostileChoices("groups"), Permissions: []Choices{hostileChoices("permissions"), hostileChoices("permissions-keys")}},
		AdminUserApps{Admin: a, UserHead: hostileHead("apps"), AppList: hostileApps(placeOfSample)},
		AdminUserApps{Admin: a, UserHead: hostileHead("apps")},
		AdminUserHistory{Admin: a, UserHead: hostileHead("history"), Events: hostileEvents(), Steps: Steps{Noun: "events", Further: "?cursor=x"}},
		AdminUserHistory{Admin: a, UserHead: hostileHead("history")},
		AdminUserDelete{Admin: a, UserHead: self, Ends: Ends{1, 2, 1000}},
	}
}

func hostileEvents() []EventLine {
	return []EventLine{{Time: longAgo, Actor: Mention{Kind: hostile, Name: hostile}, Before: hostile, Object: hostileMention(), After: hostile, Action: hostile,
		Changes: []Change{{hostile, hostile, hostile}}, Facts: []Field{{hostile, hostile}}, Address: hostile}}
}

func TestPasswordsAreNeverWrittenIntoAForm(t *testing.T) {
	page := AdminUserPassword{UserHead: UserHead{Path: placeOfSample}, Password: Input{ID: "password", Label: "Password", Type: "password", Value: "typed"}}
	if got := attribute(named(t, render(t, page), "password"), "value"); got != "" {
		t.Errorf("the page holds the password %q", got)
	}
}

func TestTheWayToAPermissionIsToldNearestFirst(t *testing.T) {
	way := Way{{Name: "B"}, {Name: "A"}}
	page := AdminUser{Effective: Effective{Grounds: []Ground{{Title: "View Users", Ways: []Way{{}, way}}}}}
	var text strings.Builder
	for node := range find(render(t, page), "main").Descendants() {
		if node.Type == html.TextNode {
			text.WriteString(node.Data)
		}
	}
	for _, want := range []string{"Directly", "Group B, within Group A"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not told: %s", want, text.String())
		}
	}
}
