package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// The parts of the reference.
const (
	aboutTag      = "About"
	clientsTag    = "Auth Clients"
	apisTag       = "APIs"
	secretsTag    = "Secrets"
	exchangeTag   = "Import and export"
	tokensTag     = "Tokens"
	usersTag      = "Users"
	groupsTag     = "Groups"
	auditTag      = "Audit log"
	refusalsTag   = "Refusals"
	keysTag       = "Keys"
	statisticsTag = "Statistics"
	storeTag      = "Store"
)

const introduction = `Everything that admins do in the pages of Grantor, programs do here.

Send an access token of this server as “Authorization: Bearer TOKEN”. It must be meant for this server, as all are whose client names no ` +
	`audience, or names {issuer} in it; and it must have the scope “admin”, which reaches all that its user may do, or scopes equal to the permissions that are needed. A client to which ` +
	`permissions were given gets such tokens by client credentials, and users make personal access tokens under “My account”. Cookies are not looked at.

Requests and answers are JSON. Times are UTC as in RFC 3339, durations are written as in “10m”, “12h” and “30d”. Unknown fields, ` +
	`repeated fields and unknown parameters are refused. Lists come in pages: ask for the next with the cursor of the one before, or follow the header Link. ` +
	`Every failure is a problem (RFC 9457) that names each wrong field by a JSON pointer.

A single client, API, user or group has an ETag. Send it back as If-Match with a change, and the change is refused with 412 where somebody else was faster.`

// description is the head of the OpenAPI document.
func (s *service) description() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for plain, described := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[oauth.Duration]():          reflect.TypeFor[durationText](),
		reflect.TypeFor[oauth.GrantType]():         reflect.TypeFor[grantText](),
		reflect.TypeFor[oauth.AuthMethod]():        reflect.TypeFor[methodText](),
		reflect.TypeFor[oauth.AccessTokenFormat](): reflect.TypeFor[formatText](),
		reflect.TypeFor[jose.Algorithm]():          reflect.TypeFor[algorithmText](),
		reflect.TypeFor[account.Permission]():      reflect.TypeFor[permissionText](),
	} {
		registry.RegisterTypeAlias(plain, described)
	}
	issuer := s.Provider.Issuer()
	scopes := map[string]string{oauth.AdminScope: "All that the user, or the client itself, may do."}
	for _, p := range account.AllPermissions() {
		scopes[string(p.Permission)] = p.Sentence
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Grantor administration", Version: "1", Description: strings.ReplaceAll(introduction, "{issuer}", issuer),
			},
			Servers: []*huma.Server{{URL: s.address, Description: "This server."}},
			Tags:    tags(),
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An access token of this server, meant for this server."},
					"oauth2": {Type: "oauth2", Description: "Where access tokens come from.", Flows: &huma.OAuthFlows{
						AuthorizationCode: &huma.OAuthFlow{AuthorizationURL: issuer + "/oauth2/authorize", TokenURL: issuer + "/oauth2/token", Scopes: scopes},
						ClientCredentials: &huma.OAuthFlow{TokenURL: issuer + "/oauth2/token", Scopes: scopes},
					}},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": {Marshal: writeJSON}, "json": {Marshal: writeJSON}},
		DefaultFormat: "application/json", RejectUnknownQueryParameters: true,
		Transformers: []huma.Transformer{s.ownWords},
	}
}

// writeJSON writes an answer at once. A caller who has gone is no failure, which huma would make of it.
func writeJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, _ = w.Write(out.Bytes())
	return nil
}

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: aboutTag, Description: "Who you are here, and what there is."},
		{Name: clientsTag, Description: "The applications that may ask for tokens. Their fields are those of RFC 7591, and some of our own."},
		{Name: apisTag, Description: "The resource servers that tokens are meant for, and what a token may allow at each. Clients are given an API by their `audience`, and scopes of it by their `scope`."},
		{Name: secretsTag, Description: "A client may hold several secrets, so that one can replace another without a gap. Each is shown once."},
		{Name: exchangeTag, Description: "Clients as a file, to keep or to bring to another server."},
		{Name: tokensTag, Description: "What was allowed and still stands, and how to end it."},
		{Name: usersTag, Description: "The people who can sign in, and what each may do."},
		{Name: groupsTag, Description: "What the members of a group may do. Groups may be in groups."},
		{Name: auditTag, Description: "Who did what, when and from where."},
		{Name: refusalsTag, Description: "Why requests were refused."},
		{Name: keysTag, Description: "The keys that sign tokens."},
		{Name: statisticsTag, Description: "How many tokens were issued and refused."},
		{Name: storeTag, Description: "All that the server keeps, as a whole."},
	}
}

// ownWords puts what huma has to say of parameters into the form of our problems, without repeating what was sent.
func (s *service) ownWords(h huma.Context, _ string, answer any) (any, error) {
	theirs, ok := answer.(*huma.ErrorModel)
	if !ok {
		return answer, nil
	}
	var faults []Fault
	for _, e := range theirs.Errors {
		_, name, _ := strings.Cut(e.Location, ".")
		faults = append(faults, Fault{Parameter: name, Detail: sentence(e.Message)})
	}
	return s.named(h.Context(), invalid.faulty(faults...)), nil
}

// describeOperation says of an operation what can be said before its types are looked at.
func (s *service) describeOperation(o operation, rule access.Rule, in reflect.Type) huma.Operation {
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary,
		Description: strings.TrimSpace(o.text + "\n\n" + needText(rule.Need) + " " + o.also), DefaultStatus: o.status,
		Security: security(rule.Need), Responses: map[string]*huma.Response{},
	}
	if o.status == 0 {
		op.DefaultStatus = successOf(o.method)
	}
	op.Responses[strconv.Itoa(op.DefaultStatus)] = &huma.Response{Description: http.StatusText(op.DefaultStatus) + "."}
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	texts := map[int][]string{}
	for _, k := range slices.Compact(append(usualProblems(o, rule, in), o.problems...)) {
		texts[k.status] = append(texts[k.status], fmt.Sprintf("%s (`%s`)", k.title, k.code))
	}
	for status, text := range texts {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: strings.Join(slices.Compact(text), "; ") + ".",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	if _, ok := in.FieldByName("IfNoneMatch"); ok && o.method == http.MethodGet {
		op.Responses["304"] = &huma.Response{Description: "It is still what If-None-Match names."}
	}
	return op
}

func successOf(method string) int {
	if method == http.MethodDelete {
		return http.StatusNoContent
	}
	return http.StatusOK
}

// usualProblems are those that follow from how an operation is asked.
func usualProblems(o operation, rule access.Rule, in reflect.Type) []kind {
	found := []kind{failed, unavailable}
	if rule.Need != access.Nothing {
		found = append(found, noToken, invalidToken, tooNarrow, forbidden)
	}
	if strings.Contains(o.path, "{") {
		found = append(found, notFound)
	}
	asks := false
	for _, field := range reflect.VisibleFields(in) {
		asks = asks || field.Tag.Get("query") != ""
		if name := field.Tag.Get("header"); strings.HasPrefix(name, "If-") && o.method != http.MethodGet {
			found = append(found, stale)
		}
	}
	if reflect.PointerTo(in).Implements(reflect.TypeFor[taker]()) {
		return append(found, malformed, tooLarge, mediaType, invalid)
	}
	if asks {
		found = append(found, malformed, invalid)
	}
	return found
}

func needText(n access.Need) string {
	switch n {
	case access.Nothing:
		return "Open to everybody: no access token is needed."
	case access.SignedIn:
		return "Any access token that is meant for this server will do."
	case access.Any:
		return "Needs any permission of the administration."
	}
	return fmt.Sprintf("Needs the permission “%s” (`%s`).", account.Permission(n).Title(), n)
}

func security(n access.Need) []map[string][]string {
	switch n {
	case access.Nothing:
		return []map[string][]string{}
	case access.SignedIn, access.Any:
		return []map[string][]string{{"bearer": {}}, {"oauth2": {}}}
	}
	return []map[string][]string{{"bearer": {}}, {"oauth2": {string(n)}}, {"oauth2": {oauth.AdminScope}}}
}

// describeBody adds the body to an operation that is registered already. Before that huma would read and check it itself.
func (s *service) describeBody(o operation, in reflect.Type) {
	t, ok := reflect.New(in.Elem()).Interface().(taker)
	if !ok {
		return
	}
	media := &huma.MediaType{Schema: s.api.OpenAPI().Components.Schemas.Schema(t.takes(), true, "")}
	if o.example != nil {
		media.Example = o.example
	}
	content := map[string]*huma.MediaType{"application/json": media}
	if o.method == http.MethodPatch {
		content["application/merge-patch+json"] = media
	}
	s.registered(o).RequestBody = &huma.RequestBody{Required: o.optionalBody == "", Description: o.optionalBody, Content: content}
}

func (s *service) registered(o operation) *huma.Operation {
	item := s.api.OpenAPI().Paths[o.path]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[o.method]
}

// describe writes the document, and the page that is made from it.
func (s *service) describe() (err error) {
	open := s.api.OpenAPI()
	schemas := open.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own form of a problem, which is never answered
	delete(schemas, "ErrorDetail")
	for name, schema := range schemas {
		describeFields(name, schema)
	}
	if s.document, err = json.Marshal(open); err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return s.describeToPeople()
}

// describeFields adds what the types of package oauth do not say of their fields.
func describeFields(kind string, schema *huma.Schema) {
	fields := registrationFields
	if other, ok := fieldsOfKind[kind]; ok {
		fields = other
	}
	for name, field := range schema.Properties {
		if field.Type == huma.TypeArray {
			field.Nullable = false
		}
		words, ok := fields[name]
		if ok && field.Description == "" {
			field.Description = words.text
			field.Examples = []any{words.example}
		}
	}
}
