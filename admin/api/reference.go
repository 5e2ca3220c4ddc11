package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grantor-dev/grantor/templates"
)

// describeToPeople makes the page from the OpenAPI document, so that both say the same.
func (s *service) describeToPeople() error {
	if s.Pages == nil {
		return nil
	}
	issuer, err := url.Parse(s.Provider.Issuer())
	if err != nil {
		return err
	}
	open := s.api.OpenAPI()
	page := templates.APIReference{
		Admin: templates.Admin{
			Frame: templates.Frame{Base: s.base, Host: issuer.Host}, Areas: templates.AllAreas(), Section: "reference", Title: "REST API",
			Trail: []templates.Link{{Path: "/", Text: "Home"}, {Path: "/admin", Text: "Admin"}},
		},
		Lead: strings.Split(open.Info.Description, "\n\n"), Server: s.address, Document: Path + "/openapi.json",
		Example: "curl -H \"Authorization: Bearer $TOKEN\" " + s.address + "/me",
	}
	for _, tag := range open.Tags {
		part := templates.APIPart{ID: anchor(tag.Name), Name: tag.Name, Text: tag.Description, Operations: s.operationsOf(tag.Name)}
		page.Parts = append(page.Parts, part)
		page.Menu = append(page.Menu, templates.MenuItem{Key: iconOf(tag.Name), Path: Path + "/docs#" + part.ID, Text: part.Name})
	}
	page.Menu = append(page.Menu,
		templates.MenuItem{Path: Path + "/docs#schemas", Text: "Schemas"}, templates.MenuItem{Path: Path + "/docs#problems", Text: "Problems"})
	schemas := open.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		page.Schemas = append(page.Schemas, templates.APISchema{ID: schemaAnchor(name), Name: name, Fields: fieldsOfSchema(schemas[name])})
	}
	for _, k := range kinds() {
		page.Problems = append(page.Problems, templates.APIProblem{ID: k.code, Title: k.title, Text: k.text, Status: k.status})
	}
	var out bytes.Buffer
	if err := s.Pages.Render(&out, page); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	s.reference = out.Bytes()
	return nil
}

// iconOf gives a part the picture of the pages that are about the same.
func iconOf(tag string) string {
	return map[string]string{
		clientsTag: "clients", secretsTag: "password", tokensTag: "tokens", usersTag: "users", groupsTag: "groups", auditTag: "audit", keysTag: "keys",
		apisTag: "apis", refusalsTag: "refusals", statisticsTag: "dashboard",
	}[tag]
}

func anchor(words string) string { return strings.ToLower(strings.ReplaceAll(words, " ", "-")) }

func schemaAnchor(name string) string { return "schema-" + name }

// operationsOf gives the operations of a part by path, reading before writing.
func (s *service) operationsOf(tag string) []templates.APIOperation {
	var all []*huma.Operation
	for _, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				all = append(all, op)
			}
		}
	}
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	slices.SortFunc(all, func(a, b *huma.Operation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), slices.Index(methods, a.Method)-slices.Index(methods, b.Method))
	})
	var shown []templates.APIOperation
	for _, op := range all {
		shown = append(shown, operationForPeople(op))
	}
	return shown
}

func operationForPeople(op *huma.Operation) templates.APIOperation {
	shown := templates.APIOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary,
		Text: strings.Split(strings.ReplaceAll(op.Description, "`", ""), "\n\n"),
	}
	for _, p := range op.Parameters {
		field := fieldForPeople(p.Name, p.Schema)
		field.Place, field.Required, field.Text = p.In, p.Required, p.Description
		shown.Parameters = append(shown.Parameters, field)
	}
	if body := op.RequestBody; body != nil {
		media := body.Content["application/json"]
		shown.Body = &templates.APIBody{
			MediaTypes: slices.Sorted(maps.Keys(body.Content)), Type: typeForPeople(media.Schema), Text: body.Description, Example: indented(media.Example),
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		answer := templates.APIAnswer{Status: status, Text: strings.ReplaceAll(op.Responses[status].Description, "`", "")}
		for _, media := range op.Responses[status].Content {
			answer.Type = typeForPeople(media.Schema)
		}
		shown.Answers = append(shown.Answers, answer)
	}
	return shown
}

func indented(example any) string {
	if example == nil {
		return ""
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(example) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

func fieldsOfSchema(schema *huma.Schema) []templates.APIField {
	var fields []templates.APIField
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		fields = append(fields, fieldForPeople(name, schema.Properties[name]))
	}
	return fields
}

func fieldForPeople(name string, schema *huma.Schema) templates.APIField {
	field := templates.APIField{Name: name, Type: typeForPeople(schema), Text: schema.Description}
	switch {
	case schema.ReadOnly:
		field.Note = "read-only"
	case schema.WriteOnly:
		field.Note = "write-only"
	}
	return field
}

// typeForPeople says a type in words.
func typeForPeople(schema *huma.Schema) templates.APIType {
	if schema == nil {
		return templates.APIType{}
	}
	if name, ok := strings.CutPrefix(schema.Ref, "#/components/schemas/"); ok {
		return templates.APIType{Words: name, Schema: schemaAnchor(name)}
	}
	switch {
	case schema.Type == huma.TypeArray && schema.Items != nil:
		inner := typeForPeople(schema.Items)
		return templates.APIType{Words: "list of " + inner.Words, Schema: inner.Schema}
	case len(schema.Enum) > 0:
		words := make([]string, len(schema.Enum))
		for i, value := range schema.Enum {
			words[i] = fmt.Sprint(value)
		}
		return templates.APIType{Words: "one of " + strings.Join(words, ", ")}
	case schema.Format == "date-time":
		return templates.APIType{Words: "time"}
	case schema.Format == durationFormat:
		return templates.APIType{Words: "duration"}
	}
	words := map[string]string{huma.TypeString: "text", huma.TypeBoolean: "true or false", huma.TypeInteger: "number", huma.TypeObject: "object"}
	return templates.APIType{Words: cmp.Or(words[schema.Type], schema.Type)}
}
