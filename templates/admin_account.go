package templates

import "time"

// accountPages are the pages of the area My account: the name of the file in admin/, and an empty struct.
var accountPages = map[string]any{
	"account_profile":   AccountProfile{},
	"account_password":  AccountPassword{},
	"account_sessions":  AccountSessions{},
	"account_apps":      AccountApps{},
	"account_tokens":    AccountTokens{},
	"account_token_new": AccountTokenNew{},
	"account_token":     AccountToken{},
}

// AccountProfile is who somebody is. It posts name and email.
type AccountProfile struct {
	Admin
	Effective
	Username string
	Created  time.Time
	Groups   []Mention
	Faults   []Fault
	Inputs   []Input
}

// AccountPassword changes one's password. It posts old_password and password.
type AccountPassword struct {
	Admin
	Username string
	Faults   []Fault
	Inputs   []Input
}

// AccountSessions is where one is signed in.
type AccountSessions struct {
	Admin
	SessionList
}

// AccountApps is what one has allowed.
type AccountApps struct {
	Admin
	AppList
}

// AccountTokens are one's personal access tokens.
type AccountTokens struct {
	Admin
	AppList
	CanCreate bool
}

// AccountTokenNew makes a personal access token. Without Form it asks first what the token is for. It posts client_id,
// name, scope, lifetime and expires_on.
type AccountTokenNew struct {
	Admin
	Clients    []Mention // to choose from, where there are several
	Form       bool
	ClientID   string
	ClientName string
	Faults     []Fault
	Name       Input
	Scopes     Choices
	Lifetime   Input
	ExpiresOn  Input
}

// AccountToken shows a new personal access token, this once.
type AccountToken struct {
	Admin
	TokenLine
	Token string
}
