package templates

// auditSamples are the pages of the audit log, filled with hostile values.
func auditSamples() []any {
	line := EventLine{
		Time: demoNow, Actor: Mention{Kind: "the user", Name: hostile, Path: "/tenant/admin/users/usr_1"}, Before: "updated",
		Object: Mention{Kind: "the auth client", Name: hostile, Path: "/tenant/admin/auth-clients/x"}, After: hostile, Action: hostile,
		Changes: []Change{{hostile, hostile, hostile}, {"name", "", hostile}, {"name", hostile, ""}}, Facts: []Field{{hostile, hostile}},
		Address: hostile, RequestID: hostile,
	}
	a := hostileAdmin()
	a.Section = "audit"
	return []any{
		AdminAudit{Admin: a, Events: []EventLine{line, {}}, Narrowed: true, CSV: "/admin/audit.csv?actor=%3Cscript%3E", JSONL: "/admin/audit.jsonl",
			Filters: []Input{{ID: "actor", Label: "Who", Value: hostile, Fault: hostile}, {ID: "action", Label: "What", Type: "select", Value: hostile, Options: []Option{{hostile, hostile}}}},
			Steps:   Steps{Noun: "events", Shown: 2, Newest: "?", Further: "?cursor=evt_1"}},
		AdminAudit{Admin: a, Narrowed: true},
		AdminAudit{Admin: a, Steps: Steps{Further: "?cursor=evt_1"}},
		AdminAudit{Admin: a},
	}
}
