package api

import (
	"time"

	"github.com/grantor-dev/grantor/account"
)

// User is somebody who can sign in.
type User struct {
	ID          string              `json:"id" readOnly:"true" doc:"Names the user: usr_ and 32 hexadecimal digits." example:"usr_0197a2c4d5e67f8899aabbccddeeff00"`
	Username    string              `json:"username" doc:"The name that the user signs in with." example:"alice"`
	Name        string              `json:"name" doc:"The name that people read." example:"Alice Example"`
	Email       string              `json:"email" doc:"The e-mail address." example:"alice@example.com"`
	Blocked     bool                `json:"blocked" readOnly:"true" doc:"Whether the user is kept out. The operations block and unblock change it."`
	SuperAdmin  bool                `json:"super_admin" doc:"Whether the user passes every check."`
	Groups      []string            `json:"groups" doc:"The ids of the groups that the user is in."`
	GroupNames  []string            `json:"group_names" readOnly:"true" doc:"The names of those groups, in the same order."`
	Permissions account.Permissions `json:"permissions" doc:"The permissions that the user holds directly. Groups may add to them."`
	Created     time.Time           `json:"created" readOnly:"true" doc:"When the user was made."`
	Updated     time.Time           `json:"updated" readOnly:"true" doc:"When the user was last changed."`
}

// UserSettings is what of a user may be written.
type UserSettings struct {
	Username    string              `json:"username" doc:"The name that the user signs in with." example:"alice"`
	Name        string              `json:"name,omitempty" doc:"The name that people read." example:"Alice Example"`
	Email       string              `json:"email,omitempty" doc:"The e-mail address." example:"alice@example.com"`
	SuperAdmin  bool                `json:"super_admin,omitempty" doc:"Whether the user passes every check."`
	Groups      []string            `json:"groups,omitempty" doc:"The ids of the groups that the user is in."`
	Permissions account.Permissions `json:"permissions,omitempty" doc:"The permissions that the user holds directly."`
}

// NewUser is what a user is made from.
type NewUser struct {
	UserSettings
	Password string `json:"password" writeOnly:"true" doc:"The password, at least 8 characters. It is kept as a hash and never shown."`
}

// NewPassword is what a password is replaced with.
type NewPassword struct {
	Password string `json:"password" writeOnly:"true" doc:"The new password, at least 8 characters. Everything begun under the old one ends."`
}

// Session is someone signed in on one browser.
type Session struct {
	ID            string    `json:"id" doc:"Names the session, to end it by. It is not the cookie of the browser."`
	Authenticated time.Time `json:"authenticated" doc:"When the password was given."`
	Created       time.Time `json:"created" doc:"When the session began."`
	Seen          time.Time `json:"seen" doc:"When it was last used, precise to a minute."`
	Address       string    `json:"address,omitempty" doc:"The address that it began from."`
	UserAgent     string    `json:"user_agent,omitempty" doc:"What the browser calls itself."`
}

// EffectivePermissions is what a user may do, and why.
type EffectivePermissions struct {
	SuperAdmin  bool      `json:"super_admin" doc:"Whether the user passes every check, whatever is listed below."`
	Blocked     bool      `json:"blocked" doc:"Whether the user is blocked, and so may do nothing."`
	Permissions []Grounds `json:"permissions" doc:"Each permission that the user has, with where it comes from."`
}

// Grounds says where a permission of a user comes from.
type Grounds struct {
	Permission account.Permission `json:"permission" doc:"The permission."`
	Title      string             `json:"title" doc:"The permission in words."`
	Sources    []Source           `json:"sources" doc:"The ways in which the user comes to it."`
}

// Source is one way in which a user comes to a permission.
type Source struct {
	Groups []Reference `json:"groups" doc:"The groups on the way, the one that the user is in first. Empty: the user holds the permission directly."`
}

// Reference names something by id and name.
type Reference struct {
	ID   string `json:"id" doc:"The id."`
	Name string `json:"name" doc:"The name."`
}

// Group is a set of users and of groups that share what they may do.
type Group struct {
	ID            string              `json:"id" readOnly:"true" doc:"Names the group: grp_ and 32 hexadecimal digits." example:"grp_0197a2c4d5e67f8899aabbccddeeff00"`
	Name          string              `json:"name" doc:"The name of the group, which no other group has." example:"Operators"`
	Description   string              `json:"description" doc:"What the group is for." example:"They run the service."`
	Permissions   account.Permissions `json:"permissions" doc:"What the members may do."`
	MemberOf      []string            `json:"member_of" doc:"The ids of the groups that this one is in: what they may, its members may."`
	MemberOfNames []string            `json:"member_of_names" readOnly:"true" doc:"The names of those groups, in the same order."`
	Created       time.Time           `json:"created" readOnly:"true" doc:"When the group was made."`
	Updated       time.Time           `json:"updated" readOnly:"true" doc:"When the group was last changed."`
}

// GroupSettings is what of a group may be written.
type GroupSettings struct {
	Name        string              `json:"name" doc:"The name of the group, which no other group has." example:"Operators"`
	Description string              `json:"description,omitempty" doc:"What the group is for." example:"They run the service."`
	Permissions account.Permissions `json:"permissions,omitempty" doc:"What the members may do."`
	MemberOf    []string            `json:"member_of,omitempty" doc:"The ids of the groups that this one is in: what they may, its members may."`
}

// Members is who is in a group directly.
type Members struct {
	Users  []Reference `json:"users" doc:"The users, by user name."`
	Groups []Reference `json:"groups" doc:"The groups, by name."`
}

// Me says who a token acts for and what it reaches.
type Me struct {
	Actor       Actor               `json:"actor" doc:"Who acts, as the audit log will name it."`
	ClientID    string              `json:"client_id,omitempty" doc:"The client that the token was issued to."`
	UserID      string              `json:"user_id,omitempty" doc:"The user whom the token acts for; absent where the client acts for itself."`
	Scope       string              `json:"scope" doc:"The scope of the token."`
	SuperAdmin  bool                `json:"super_admin" doc:"Whether every check is passed."`
	Permissions account.Permissions `json:"permissions" doc:"What the token may do in the administration."`
}

// Permission says a permission in words.
type Permission struct {
	Permission account.Permission `json:"permission" doc:"The permission, which is a scope as well."`
	Title      string             `json:"title" doc:"The permission in a few words."`
	Sentence   string             `json:"sentence" doc:"What it lets somebody do."`
}
