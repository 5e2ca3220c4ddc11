package templates

// apiSamples are the pages about the REST API, filled with hostile values.
func apiSamples() []any {
	fields := []APIField{
		{Name: hostile, Place: "path", Type: APIType{Words: hostile, Schema: "schema-A"}, Required: true, Text: hostile},
		{Name: "b", Type: APIType{Words: "text"}, Note: "read-only", Text: hostile},
	}
	return []any{
		APIReference{
			Admin: hostileAdmin(), Lead: []string{hostile}, Server: hostile, Document: "/admin/api/v1/openapi.json", Example: hostile,
			Parts: []APIPart{{ID: "part", Name: hostile, Text: hostile, Operations: []APIOperation{
				{ID: "one", Method: "GET", Path: hostile, Summary: hostile, Text: []string{hostile}, Parameters: fields},
				{ID: "two", Method: "PUT", Path: "/b", Summary: hostile, Body: &APIBody{
					MediaTypes: []string{"a/b", "c/d"}, Type: APIType{Words: "A", Schema: "schema-A"}, Text: hostile, Example: hostile,
				}, Answers: []APIAnswer{{Status: "200", Text: hostile, Type: APIType{Words: "A", Schema: "schema-A"}}, {Status: "404", Text: hostile}}},
				{ID: "three", Method: "POST", Path: "/c", Summary: hostile},
				{ID: "four", Method: "DELETE", Path: "/d", Summary: hostile},
			}}},
			Schemas:  []APISchema{{ID: "schema-A", Name: "A", Fields: fields}},
			Problems: []APIProblem{{ID: "problem", Title: hostile, Text: hostile, Status: 422}},
		},
		APIReference{Admin: hostileAdmin(), Document: "/admin/api/v1/openapi.json"},
	}
}
