package templates

// coreSamples are the pages that any other may turn into, filled with hostile values.
func coreSamples() []any {
	a := hostileAdmin()
	return []any{
		AdminMessage{Admin: a, Text: hostile, RequestID: hostile},
		AdminConfirm{Admin: a, Action: "/admin/keys/rotate", Fields: []Field{{Name: hostile, Value: hostile}}, Fault: hostile},
	}
}

func hostileAdmin() Admin {
	return Admin{
		Frame: hostileFrame(), Areas: AllAreas(), Area: AreaAdmin, Menu: AdminMenu(), Section: "clients",
		Trail: []Link{{Path: "/admin/auth-clients", Text: hostile}}, Title: hostile, Notice: &Notice{Kind: Good, Text: hostile}, FormToken: hostile,
	}
}
