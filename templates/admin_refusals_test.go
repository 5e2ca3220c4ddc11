package templates

// refusalSamples are the pages about refused requests, filled with hostile values.
func refusalSamples() []any {
	a := hostileAdmin()
	a.Section = "refusals"
	client := Mention{Name: hostile, Path: "/tenant/admin/auth-clients/x"}
	line := RefusalLine{ID: "0192f3d1a4b07c1e9f86d081884c7d65", Time: demoNow, Client: client, Claimed: true, Rule: hostile, Near: hostile, Error: hostile}
	find := Input{ID: "request", Label: "Id", Value: hostile, Fault: hostile, Hint: hostile, Code: true}
	return []any{
		AdminRefusals{Admin: a, Find: find, Client: hostile, Lines: []RefusalLine{line, {ID: "b"}}, Steps: Steps{Noun: "refusals", Shown: 2, Newest: "?", Further: "?after=x"}},
		AdminRefusals{Admin: a, Find: find},
		AdminRefusal{
			Admin: a, ID: line.ID, Rule: hostile, Source: hostile, Near: hostile, Answer: hostile, Error: hostile, Status: 400, Time: demoNow, Expires: demoNow,
			Client: client, Claimed: true, Subject: client, Facts: []Field{{hostile, hostile}},
		},
		AdminRefusal{Admin: a, ID: line.ID, Answer: hostile, Status: 302, Time: demoNow, Expires: demoNow},
	}
}
