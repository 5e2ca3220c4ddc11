package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
)

// written is an answer that an operation writes itself.
type written struct{ Body func(huma.Context) }

func (s *service) aboutOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/openapi.json", id: "read-openapi", tag: aboutTag,
		summary: "Read the OpenAPI document", text: "Gives this reference for programs, as OpenAPI 3.1.",
	}, s.readDocument)
	s.responds("/openapi.json", "application/json", &huma.Schema{Type: huma.TypeObject, Description: "An OpenAPI 3.1 document."})
	register(s, operation{
		method: http.MethodGet, path: "/docs", id: "read-docs", tag: aboutTag,
		summary: "Read the reference", text: "Gives this reference as a page for people.",
	}, s.readReference)
	s.responds("/docs", "text/html", &huma.Schema{Type: huma.TypeString})
	register(s, operation{
		method: http.MethodGet, path: "/me", id: "read-me", tag: aboutTag,
		summary: "See who you are", text: "Tells whom the access token acts for, and what it may do here.",
	}, s.readMe)
	register(s, operation{
		method: http.MethodGet, path: "/permissions", id: "list-permissions", tag: aboutTag,
		summary: "List the permissions", text: "Lists all permissions that there are, in words. Each is a scope as well.",
	}, s.listPermissions)
}

// responds says what an operation writes itself.
func (s *service) responds(path, mediaType string, schema *huma.Schema) {
	if item := s.api.OpenAPI().Paths[path]; item != nil {
		item.Get.Responses["200"].Content = map[string]*huma.MediaType{mediaType: {Schema: schema}}
	}
}

type documentIn struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the document that the reader has."`
}

func (s *service) readDocument(_ context.Context, in *documentIn) (*written, error) {
	sum := sha256.Sum256(s.document)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return &written{func(h huma.Context) {
		h.SetHeader("Content-Type", "application/json")
		h.SetHeader("ETag", tag)
		if isFresh(in.IfNoneMatch, tag) {
			h.SetStatus(http.StatusNotModified)
			return
		}
		_, _ = h.BodyWriter().Write(s.document) // the caller may be gone
	}}, nil
}

func (s *service) readReference(context.Context, *struct{}) (*written, error) {
	if len(s.reference) == 0 {
		return nil, errNoOperation
	}
	return &written{func(h huma.Context) {
		_, w := humamux.Unwrap(h)
		web.PageHeaders(w.Header())
		_, _ = w.Write(s.reference) // the caller may be gone
	}}, nil
}

func (s *service) readMe(ctx context.Context, _ *struct{}) (*plain[Me], error) {
	known := exchangeFrom(ctx).access
	return &plain[Me]{Me{
		Actor: Actor(account.ActorFrom(ctx)), ClientID: known.ClientID, UserID: known.UserID, Scope: known.Scope.String(),
		SuperAdmin: known.Rights.SuperAdmin, Permissions: orNone(known.Rights.Permissions),
	}}, nil
}

func (s *service) listPermissions(context.Context, *struct{}) (*plain[Page[Permission]], error) {
	var page Page[Permission]
	for _, w := range account.AllPermissions() {
		page.Items = append(page.Items, Permission(w))
	}
	return &plain[Page[Permission]]{page.counted(len(page.Items))}, nil
}

// orNone makes an absent list an empty one, as JSON shows it.
func orNone[S ~[]E, E any](list S) S {
	if list == nil {
		return S{}
	}
	return list
}
