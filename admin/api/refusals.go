package api

import (
	"context"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// Refusal is why a request was refused.
type Refusal struct {
	RequestID   string    `json:"request_id" doc:"The id of the request, as in the log and the header X-Request-Id." example:"0192f3d1a4b07c1e9f86d081884c7d65"`
	Time        time.Time `json:"time" doc:"When it was refused."`
	Method      string    `json:"method" doc:"The method of the request." example:"GET"`
	Path        string    `json:"path" doc:"The path of the request, without its query." example:"/oauth2/authorize"`
	Status      int       `json:"status" doc:"The status of the answer; below 400 where the refusal went to the client by redirect." example:"400"`
	Error       string    `json:"error,omitempty" doc:"The error code as answered." example:"invalid_request"`
	Description string    `json:"error_description,omitempty" doc:"What the caller was told." example:"the address to return to is not registered for this application"`
	Rule        string    `json:"rule,omitempty" doc:"The rule that the request broke." example:"redirect_uri equals a registered one, byte for byte"`
	Source      string    `json:"source,omitempty" doc:"Where the rule stands." example:"RFC 6749 section 3.1.2.3, RFC 9700 section 2.1"`
	Near        string    `json:"near,omitempty" doc:"What was expected and what came. What looks like a secret is covered up." example:"registered “https://app.example.com/cb”, got “https://app.example.com/cb/”: it has a slash too many at the end"`
	Cause       string    `json:"cause,omitempty" doc:"What the log tells besides."`
	ClientID    string    `json:"client_id,omitempty" doc:"The client that the request came from, or claims to come from." example:"reports"`
	Claimed     bool      `json:"claimed,omitempty" doc:"Whether nobody has proven to be that client. It may be anybody then."`
	Subject     string    `json:"sub,omitempty" doc:"The user, or the client itself, that it was about."`
	Grant       string    `json:"grant_type,omitempty" doc:"The grant that was asked for."`
	Address     string    `json:"address,omitempty" doc:"Where the request came from."`
	Expires     time.Time `json:"expires" doc:"When this is forgotten."`
}

func (s *service) refusalOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/refusals", id: "list-refusals", tag: refusalsTag,
		summary: "List refused requests", text: "Lists requests that were refused lately, the newest first. Where very many are refused, some are not kept.",
	}, s.listRefusals)
	register(s, operation{
		method: http.MethodGet, path: "/refusals/{request_id}", id: "explain-refusal", tag: refusalsTag,
		summary: "Explain why a request was refused", text: "Tells which rule a request broke, where that rule stands, and by how much the request missed it. " +
			"Where nothing is known of it, the problem says why: it was too long ago, or too many were refused at that time.",
	}, s.explainRefusal)
}

type (
	listRefusalsIn struct {
		ClientID string `query:"client_id" maxLength:"255" doc:"Only those of this client, or that claim to be."`
		Cursor   string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before, with the same question."`
		Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	refusalIn struct {
		ID string `path:"request_id" doc:"The id of the request."`
	}
)

func showRefusal(e *oauth.Explanation) Refusal {
	return Refusal{
		RequestID: e.ID, Time: e.Time, Method: e.Method, Path: e.Path, Status: e.Status, Error: e.Error, Description: e.Description, Rule: e.Rule,
		Source: e.Source, Near: e.Near, Cause: e.Cause, ClientID: e.ClientID, Claimed: e.Claimed, Subject: e.Subject, Grant: e.Grant,
		Address: e.Address, Expires: e.Expires,
	}
}

func (s *service) listRefusals(ctx context.Context, in *listRefusalsIn) (*many[Refusal], error) {
	found, next, err := s.Provider.Refusals(ctx, in.ClientID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(found, next, showRefusal)), nil
}

func (s *service) explainRefusal(ctx context.Context, in *refusalIn) (*plain[Refusal], error) {
	e, err := s.Provider.Explain(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &plain[Refusal]{showRefusal(e)}, nil
}
