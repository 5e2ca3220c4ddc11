package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func refusalPages() handlers {
	return handlers{
		"GET /admin/refusals":              (*site).refusals,
		"GET /admin/refusals/{request_id}": (*site).refusal,
	}
}

const refusalsPath = "/admin/refusals"

// refusals lists what was refused lately, or leads to the request whose id was typed.
func (s *site) refusals(w http.ResponseWriter, r *http.Request, v *visit) error {
	query := r.URL.Query()
	if typed := strings.TrimSpace(query.Get("request")); typed != "" {
		return s.findRefusal(w, r, v, typed)
	}
	page, err := s.refusalsPage(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, page)
}

// findRefusal sends on to what is known, so that its address can be handed on; of anything else it says why nothing is.
func (s *site) findRefusal(w http.ResponseWriter, r *http.Request, v *visit, typed string) error {
	typed = strings.ToLower(strings.TrimPrefix(typed, "urn:request:"))
	if e, err := s.Provider.Explain(r.Context(), typed); err == nil {
		s.send(w, r, refusalsPath+"/"+e.ID)
		return nil
	} else if !isUnexplained(err) {
		return err
	}
	return s.unexplained(w, r, v, typed, formRefused)
}

func isUnexplained(err error) bool {
	var why *oauth.UnexplainedError
	return errors.As(err, &why)
}

// unexplained shows the list, with the reason why nothing is known of a request.
func (s *site) unexplained(w http.ResponseWriter, r *http.Request, v *visit, id string, status int) error {
	var why *oauth.UnexplainedError
	if _, err := s.Provider.Explain(r.Context(), id); err != nil && !errors.As(err, &why) {
		return err
	}
	page, err := s.refusalsPage(r, v)
	if err != nil {
		return err
	}
	if why != nil {
		page.Find.Value, page.Find.Fault = repeated(id), sentence(why.Why)
	}
	s.write(w, r, status, page)
	return nil
}

// repeated keeps what was typed within what the page should repeat.
func repeated(typed string) string {
	const most = 64
	if len(typed) > most {
		return ""
	}
	return typed
}

func sentence(words string) string { return strings.ToUpper(words[:1]) + words[1:] + "." }

func (s *site) refusalsPage(r *http.Request, v *visit) (templates.AdminRefusals, error) {
	client, after := r.URL.Query().Get("client"), r.URL.Query().Get("after")
	page := templates.AdminRefusals{
		Admin: s.frame(r, v, "refusals", "Refusals"), Client: client,
		Find: templates.Input{
			ID: "request", Label: "Id of the request", Hint: "Error pages show it, and every answer has it in the header X-Request-Id.",
			Autocomplete: "off", MaxLength: 64, Code: true,
		},
	}
	found, next, err := s.Provider.Refusals(r.Context(), client, after, stepSize)
	if err != nil {
		return page, err
	}
	page.Lines = s.refusalLines(r.Context(), v, found)
	page.Steps = templates.Steps{Noun: "refusals", Shown: len(found)}
	link := func(values url.Values) string {
		if client != "" {
			values.Set("client", client)
		}
		return "?" + values.Encode()
	}
	if after != "" {
		page.Steps.Newest = link(url.Values{})
	}
	if next != "" {
		page.Steps.Further = link(url.Values{"after": {next}})
	}
	return page, nil
}

func (s *site) refusalLines(ctx context.Context, v *visit, found []*oauth.Explanation) (lines []templates.RefusalLine) {
	t := teller{s, v, map[string]templates.Mention{}}
	for _, e := range found {
		lines = append(lines, templates.RefusalLine{
			ID: e.ID, Time: e.Time, Client: t.client(ctx, e), Claimed: e.Claimed, Rule: firstOf(e.Rule, e.Description), Near: e.Near, Error: e.Error,
		})
	}
	return lines
}

// client names the client of a refusal without the word before it: it stands under a heading.
func (t teller) client(ctx context.Context, e *oauth.Explanation) templates.Mention {
	if e.ClientID == "" {
		return templates.Mention{}
	}
	m := t.named(ctx, "client", e.ClientID)
	m.Kind = ""
	return m
}

func (s *site) refusal(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := mux.Vars(r)["request_id"]
	e, err := s.Provider.Explain(r.Context(), id)
	if isUnexplained(err) {
		return s.unexplained(w, r, v, id, http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	t := teller{s, v, map[string]templates.Mention{}}
	page := templates.AdminRefusal{
		Admin: s.frame(r, v, "refusals", "Why a request was refused", templates.Link{Path: refusalsPath, Text: "Refusals"}),
		ID:    e.ID, Rule: e.Rule, Source: e.Source, Near: e.Near, Answer: e.Description, Error: e.Error, Status: e.Status,
		Time: e.Time, Expires: e.Expires, Client: t.client(r.Context(), e), Claimed: e.Claimed,
	}
	if e.Subject != "" && e.Subject != e.ClientID {
		page.Subject = t.named(r.Context(), "user", e.Subject)
	}
	for _, f := range []templates.Field{
		{Name: "Asked for", Value: e.Method + " " + e.Path}, {Name: "Grant", Value: e.Grant}, {Name: "From", Value: e.Address}, {Name: "In the log", Value: e.Cause},
	} {
		if f.Value != "" {
			page.Facts = append(page.Facts, f)
		}
	}
	return s.show(w, r, page)
}
