package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// authorize is the authorization endpoint (RFC 6749 section 3.1). The pages for login and consent come back to it with
// the handle of the request that waits; it then decides from stored state what is still missing.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) error {
	params, err := authorizeParameters(w, r)
	if err != nil {
		return err
	}
	if named := params["client_id"]; len(named) == 1 {
		web.EventFrom(r.Context()).Claimed = named[0]
	}
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	if v.User != nil {
		r = r.WithContext(actAs(r.Context(), account.ActorUser, v.User.ID, v.User.Username))
	}
	decision, err := s.decide(r, params, v)
	if err != nil {
		return err
	}
	if decision.Step == oauth.Reload {
		return s.reload(w, r, params)
	}
	s.follow(w, r, decision)
	return nil
}

func (s *server) decide(r *http.Request, params oauth.Parameters, v oauth.Visitor) (*oauth.Decision, error) {
	if handle := params["interaction"]; len(handle) == 1 && len(params) == 1 {
		return s.Provider.Continue(r.Context(), handle[0], v)
	}
	return s.Provider.Authorize(r.Context(), params, v)
}

// authorizeParameters reads the query of a GET or the body of a POST, never both.
func authorizeParameters(w http.ResponseWriter, r *http.Request) (oauth.Parameters, error) {
	if r.Method == http.MethodPost {
		if r.URL.RawQuery != "" {
			return nil, invalidRequest("a POST carries its parameters in the body alone").By("parameters come in one place", "RFC 6749 section 3.1")
		}
		f, err := readBody(w, r)
		return oauth.Parameters(f.values()), err
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalidRequest("the query of the request is malformed").By(encodedRule, formSource)
	}
	return oauth.Parameters(values), nil
}

// maxReload bounds the URL of a request that came by POST, in bytes.
const maxReload = 16 << 10

// reload has the browser send a posted request again by GET, with its cookies.
func (s *server) reload(w http.ResponseWriter, r *http.Request, params oauth.Parameters) error {
	query := url.Values(params).Encode()
	if len(query) > maxReload {
		return invalidRequest("the request is too long").
			By(fmt.Sprintf("a request that came by POST has at most %d bytes", maxReload), "docs/security.md").Saying(fmt.Sprintf("it has %d", len(query)))
	}
	redirect(w, r, s.base+authorizePath+"?"+query)
	return nil
}

// follow takes the next step of a decision.
func (s *server) follow(w http.ResponseWriter, r *http.Request, d *oauth.Decision) {
	switch d.Step {
	case oauth.Login:
		redirect(w, r, s.interactionURL(loginPath, d.Interaction.Handle))
	case oauth.AskUser:
		redirect(w, r, s.interactionURL(consentPath, d.Interaction.Handle))
	case oauth.DeviceAllowed, oauth.DeviceDenied:
		s.writeDeviceOver(w, r, d.Step)
	default:
		s.respond(w, r, d.Response)
	}
}

func (s *server) interactionURL(path, handle string) string {
	return s.base + path + "?interaction=" + url.QueryEscape(handle)
}

// respond sends an authorization response to the client, by redirect or by a form that posts itself.
func (s *server) respond(w http.ResponseWriter, r *http.Request, response *oauth.Response) {
	if e := response.Refusal; e != nil {
		event := web.EventFrom(r.Context())
		event.Error, event.Description, event.Refusal, event.Claimed = string(e.Code), e.Description, e, response.ClientID
		if e.Cause != nil {
			event.Cause = e.Cause
		}
	}
	if response.Mode == oauth.FormPostMode {
		page := templates.FormPost{Frame: s.frame(""), Action: response.RedirectURI}
		for _, f := range response.Fields {
			page.Fields = append(page.Fields, templates.Field{Name: f.Name, Value: f.Value})
		}
		s.writePage(w, r, http.StatusOK, page, web.FormTargets(response.RedirectURI)...)
		return
	}
	redirect(w, r, withFields(response.RedirectURI, response.Fields))
}

// withFields adds the response to the redirect URI, whose own query stays as it was registered (RFC 6749 section 3.1.2).
func withFields(uri string, fields []oauth.Field) string {
	var b strings.Builder
	b.WriteString(uri)
	separator := byte('?')
	if strings.Contains(uri, "?") {
		separator = '&'
	}
	for _, f := range fields {
		b.WriteByte(separator)
		b.WriteString(url.QueryEscape(f.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(f.Value))
		separator = '&'
	}
	return b.String()
}
