package api_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/admin/api"
)

// openAPI is as much of OpenAPI 3.1 as the tests look at.
type openAPI struct {
	OpenAPI    string
	Info       struct{ Title, Version, Description string }
	Servers    []struct{ URL string }
	Tags       []struct{ Name, Description string }
	Paths      map[string]map[string]describedOperation
	Components struct {
		Schemas         map[string]*schema
		SecuritySchemes map[string]struct {
			Type  string
			Flows map[string]struct{ Scopes map[string]string }
		}
	}
}

type describedOperation struct {
	OperationID          string
	Summary, Description string
	Tags                 []string
	Security             []map[string][]string
	Parameters           []struct {
		Name, In, Description string
		Required              bool
		Schema                *schema
	}
	RequestBody *struct {
		Required bool
		Content  map[string]struct {
			Schema  *schema
			Example any
		}
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema *schema }
	}
}

type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Description string
	Properties  map[string]*schema
	Items       *schema
	Enum        []any
}

func document(t *testing.T) (*openAPI, *world) {
	t.Helper()
	w := newWorld(t)
	answer := w.guest().get("/openapi.json").want(http.StatusOK)
	raw := readLoosely[openAPI](answer)
	return &raw, w
}

var braces = regexp.MustCompile(`\{([a-z_]+)\}`)

func TestEveryOperationIsInTheDocument(t *testing.T) {
	d, _ := document(t)
	found := 0
	for _, rule := range access.API() {
		op, ok := d.Paths[strings.TrimPrefix(rule.Path, api.Path)][strings.ToLower(rule.Method)]
		if !ok {
			t.Errorf("%s is not there", rule.Key())
			continue
		}
		found++
		if !account.IsPermission(account.Permission(rule.Need)) {
			continue
		}
		if !strings.Contains(op.Description, "`"+string(rule.Need)+"`") || len(op.Security) != 3 || op.Security[1]["oauth2"][0] != string(rule.Need) {
			t.Errorf("%s does not say what it needs: %q %v", rule.Key(), op.Description, op.Security)
		}
		for _, status := range []string{"401", "403", "500", "503"} {
			if op.Responses[status].Description == "" {
				t.Errorf("%s does not tell of %s", rule.Key(), status)
			}
		}
	}
	for path, item := range d.Paths {
		found -= len(item)
		for method := range item {
			if _, err := access.Find(strings.ToUpper(method), api.Path+path); err != nil {
				t.Error(err)
			}
		}
	}
	if found != 0 {
		t.Errorf("%d operations too many or too few", found)
	}
}

func TestDocumentIsWellFormed(t *testing.T) {
	d, _ := document(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version == "" || len(d.Servers) != 1 || d.Servers[0].URL != issuer+api.Path {
		t.Errorf("%+v %+v", d.Info, d.Servers)
	}
	if len(d.Components.SecuritySchemes["oauth2"].Flows["clientCredentials"].Scopes) != len(account.AllPermissions())+1 {
		t.Errorf("%+v", d.Components.SecuritySchemes)
	}
	ids := map[string]bool{}
	for path, item := range d.Paths {
		for method, op := range item {
			where := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s: the id %q", where, op.OperationID)
			}
			ids[op.OperationID] = true
			if op.Summary == "" || !strings.HasSuffix(op.Description, ".") || len(op.Tags) != 1 || !slices.ContainsFunc(d.Tags, func(tag struct{ Name, Description string }) bool {
				return tag.Name == op.Tags[0] && strings.HasSuffix(tag.Description, ".")
			}) {
				t.Errorf("%s: summary %q, description %q, tags %q", where, op.Summary, op.Description, op.Tags)
			}
			d.checkParameters(t, where, path, op)
			d.checkContents(t, where, op)
		}
	}
	for name, s := range d.Components.Schemas {
		d.checkSchema(t, name, s)
		for field, f := range s.Properties {
			if !strings.HasSuffix(f.Description, ".") && f.Ref == "" {
				t.Errorf("%s.%s is described as %q", name, field, f.Description)
			}
		}
	}
	if d.Components.Schemas["ErrorModel"] != nil {
		t.Error("the problems of huma are described, which are never answered")
	}
}

func (d *openAPI) checkParameters(t *testing.T, where, path string, op describedOperation) {
	t.Helper()
	var declared, used []string
	for _, p := range op.Parameters {
		if !strings.HasSuffix(p.Description, ".") || p.Schema == nil {
			t.Errorf("%s: parameter %s is described as %q", where, p.Name, p.Description)
		}
		if p.In == "path" {
			declared = append(declared, p.Name)
			if !p.Required {
				t.Errorf("%s: %s is not required", where, p.Name)
			}
		}
	}
	for _, found := range braces.FindAllStringSubmatch(path, -1) {
		used = append(used, found[1])
	}
	slices.Sort(declared)
	slices.Sort(used)
	if !slices.Equal(declared, used) {
		t.Errorf("%s: parameters %q, path %q", where, declared, used)
	}
}

func (d *openAPI) checkContents(t *testing.T, where string, op describedOperation) {
	t.Helper()
	if op.RequestBody != nil {
		for mediaType, media := range op.RequestBody.Content {
			if media.Example == nil || media.Schema == nil {
				t.Errorf("%s: %s has no example or schema", where, mediaType)
			}
			d.checkSchema(t, where, media.Schema)
		}
	}
	succeeds := false
	for status, answer := range op.Responses {
		succeeds = succeeds || status[0] == '2'
		if !strings.HasSuffix(answer.Description, ".") {
			t.Errorf("%s: %s is described as %q", where, status, answer.Description)
		}
		for mediaType, media := range answer.Content {
			d.checkSchema(t, where, media.Schema)
			if (mediaType == "application/problem+json") != (status >= "4") {
				t.Errorf("%s: %s answers %s", where, status, mediaType)
			}
		}
	}
	if !succeeds {
		t.Errorf("%s: it never succeeds", where)
	}
}

// checkSchema sees that every reference leads somewhere, and that every list says of what.
func (d *openAPI) checkSchema(t *testing.T, where string, s *schema) {
	t.Helper()
	if s == nil {
		t.Errorf("%s: a schema is missing", where)
		return
	}
	if name, isRef := strings.CutPrefix(s.Ref, "#/components/schemas/"); isRef && d.Components.Schemas[name] == nil || !isRef && s.Ref != "" {
		t.Errorf("%s: nothing is called %s", where, s.Ref)
	}
	if s.Type == "array" {
		d.checkSchema(t, where, s.Items)
	}
	if kinds, several := s.Type.([]any); several {
		t.Errorf("%s: a type of several kinds: %v", where, kinds)
	}
	for name, f := range s.Properties {
		d.checkSchema(t, where+"."+name, f)
	}
}

func TestReferenceIsAPageThatSaysTheSame(t *testing.T) {
	d, w := document(t)
	answer := w.guest().get("/docs").want(http.StatusOK)
	if got := answer.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy %q", policy)
	}
	page, err := html.Parse(answer.Body)
	ok(t, err)
	ids := map[string]bool{}
	for node := range page.Descendants() {
		for _, a := range node.Attr {
			if a.Key == "id" {
				ids[a.Val] = true
			}
			if a.Key == "aria-current" && node.Data == "a" {
				t.Errorf("an entry of the menu is marked as the current page: %v", node.Attr)
			}
		}
	}
	for path, item := range d.Paths {
		for method, op := range item {
			if !ids[op.OperationID] {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name := range d.Components.Schemas {
		if !ids["schema-"+name] {
			t.Errorf("schema %s is not on the page", name)
		}
	}
	if p := w.guest().get("/nothing").problem(); !ids[p.Code()] {
		t.Errorf("%s leads nowhere", p.Type)
	}
}

func TestAPIWorksWithoutItsPage(t *testing.T) {
	w := newWorld(t)
	w.config.Pages = nil
	handler, err := api.New(w.config)
	ok(t, err)
	w.handler = handler
	r := newRequest(http.MethodGet, "/openapi.json")
	w.serve(r).want(http.StatusOK)
}
