package templates

// accountSamples are the pages of the area My account, filled with hostile values.
func accountSamples() []any {
	a := hostileAdmin()
	a.Area, a.Menu, a.Section = AreaAccount, AccountMenu(), "profile"
	apps := hostileApps("/tenant/account")
	old := Input{ID: "old_password", Label: "Old password", Type: "password", Fault: hostile}
	return []any{
		AccountProfile{Admin: a, Effective: hostileEffective(), Username: hostile, Groups: []Mention{{Name: hostile}}, Faults: []Fault{{"name", hostile}},
			Inputs: []Input{{ID: "name", Label: "Name", Value: hostile, Fault: hostile}}},
		AccountPassword{Admin: a, Username: hostile, Faults: []Fault{{"old_password", hostile}}, Inputs: []Input{old}},
		AccountSessions{Admin: a, SessionList: hostileSessions("/tenant/account/sessions")},
		AccountApps{Admin: a, AppList: apps},
		AccountApps{Admin: a},
		AccountTokens{Admin: a, AppList: apps, CanCreate: true},
		AccountTokens{Admin: a, CanCreate: true},
		AccountTokens{Admin: a},
		AccountTokenNew{Admin: a, Clients: []Mention{{Name: hostile, Path: "?client=a"}}},
		AccountTokenNew{Admin: a, Form: true, ClientID: hostile, ClientName: hostile, Faults: []Fault{{"name", hostile}, {"client_id", hostile}, {"scope", hostile}},
			Name: Input{ID: "name", Label: "Name", Value: hostile, Fault: hostile}, Scopes: hostileChoices("scope"),
			Lifetime:  Input{ID: "lifetime", Label: "Expires", Type: "select", Fault: hostile, Options: []Option{{"30", hostile}}},
			ExpiresOn: Input{ID: "expires_on", Label: "On", Type: "date", Value: hostile}},
		AccountToken{Admin: a, TokenLine: apps.Tokens[0], Token: hostile},
	}
}
