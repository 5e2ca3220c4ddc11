package pages

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) apiNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	asks := noClient
	if v.may(account.CreateClients) {
		asks = newClient
	}
	return s.showAPIForm(w, r, v, http.StatusOK, form{"introspection": {asks}}, nil)
}

// showAPIForm shows the form for a new API.
func (s *site) showAPIForm(w http.ResponseWriter, r *http.Request, v *visit, status int, f form, faults []templates.Fault) error {
	page, err := s.apiForm(r, v, f, faults)
	if err != nil {
		return err
	}
	page.Admin, page.Action, page.Cancel = s.apiFrame(r, v, "Create API"), apisPath+"/-/new", v.afterAPI("")
	page.Introspection = apiClientChoices(v, formView{form: f, faults: faults})
	s.write(w, r, status, page)
	return nil
}

// apiClientChoices asks as which client a new API asks about tokens.
func apiClientChoices(v *visit, f formView) *templates.Choices {
	c := &templates.Choices{ID: "introspection", Legend: "As which auth client?", Fault: f.fault("introspection")}
	add := func(value, label, hint string) {
		item := f.box("introspection", value, label, hint)
		item.Radio = true
		c.Items = append(c.Items, item)
	}
	if v.may(account.CreateClients) {
		add(newClient, "Make an auth client for it", "Its secret is shown once, when the API is created. It can do nothing else.")
	}
	add(oldClient, "An auth client that exists", "Name it below.")
	add(noClient, "None", "It can be given one later.")
	return c
}

// apiCreate registers an API, and the client for introspection that may come with it, whose secret is shown on the answer
// itself.
func (s *site) apiCreate(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := v.Form
	if changedRows(f) {
		return s.showAPIForm(w, r, v, http.StatusOK, f, nil)
	}
	registration, faults := apiRegistrationOf(f)
	if f.Get("introspection") == newClient && !v.may(account.CreateClients) {
		return &account.ForbiddenError{Missing: []account.Permission{account.CreateClients}}
	}
	if len(faults) > 0 {
		return s.showAPIForm(w, r, v, formRefused, f, withChecked(f, faults, registration))
	}
	a, err := s.Provider.RegisterAPI(r.Context(), registration)
	if faults, ok := apiFaults(f, err); ok {
		return s.showAPIForm(w, r, v, formRefused, f, faults)
	}
	if err != nil {
		return err
	}
	if f.Get("introspection") != newClient {
		return s.apiDone(w, r, v, apiPath(a.ID), "api-created")
	}
	return s.giveClient(w, r, v, a)
}

// withChecked adds what the rules say to what is wrong with the form itself, so that all is told at once. What is told of a
// field already is not told twice.
func withChecked(f form, faults []templates.Fault, registration oauth.APIRegistration) []templates.Fault {
	more, _ := apiFaults(f, registration.Check())
	told := map[string]bool{}
	for _, fault := range faults {
		told[fault.Field] = true
	}
	for _, fault := range more {
		if !told[fault.Field] {
			faults = append(faults, fault)
		}
	}
	return faults
}

// giveClient makes the client as which a new API asks about tokens, and shows its secret. The API is there by then: should
// this fail, it is one without a client, which can be given one later.
func (s *site) giveClient(w http.ResponseWriter, r *http.Request, v *visit, a *oauth.API) error {
	c, secret, err := s.clientForAPI(r, a)
	if err != nil {
		return err
	}
	registration := a.APIRegistration
	registration.ClientID = c.ClientID
	if _, err := s.Provider.UpdateAPI(r.Context(), registration, 0); err != nil {
		return err
	}
	return s.show(w, r, templates.ClientSecretShown{
		Admin: s.apiFrame(r, v, "The API was created"), ID: c.ClientID, Name: c.Name(), Secret: secret, Next: v.afterAPI(a.ID),
		Ended: "The API needs both to ask this server about tokens. You find what to do with them on the next page.",
	})
}

// clientForAPI makes a client that can do nothing but prove who it is. No two clients have one name, so the API's address
// helps where the first choice is taken.
func (s *site) clientForAPI(r *http.Request, a *oauth.API) (*oauth.Client, string, error) {
	var err error
	for _, name := range []string{a.Title(), a.Title() + " (API)", a.ID} {
		var c *oauth.Client
		var secret string
		c, secret, err = s.Provider.RegisterClient(r.Context(), oauth.Registration{
			ClientName: shortened(name), TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
		}, "")
		if !errors.Is(err, oauth.ErrNameTaken) {
			return c, secret, err
		}
	}
	return nil, "", err
}

// shortened keeps a name within what a client may be called: an identifier may be longer.
func shortened(name string) string {
	const most = 255
	if letters := []rune(name); len(letters) > most {
		return string(letters[:most])
	}
	return name
}

func (s *site) apiEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, version, err := s.apiOf(r)
	if err != nil {
		return err
	}
	return s.showAPIEdit(w, r, v, http.StatusOK, apiEdit{api: a, version: version, form: apiFormOf(&a.APIRegistration)})
}

// apiEdit is the form of an API that exists.
type apiEdit struct {
	api      *oauth.API
	version  uint64 // that saving will replace
	form     form
	faults   []templates.Fault
	conflict *templates.ClientConflict
}

func (s *site) showAPIEdit(w http.ResponseWriter, r *http.Request, v *visit, status int, e apiEdit) error {
	page, err := s.apiForm(r, v, e.form, e.faults)
	if err != nil {
		return err
	}
	page.Admin = s.apiFrame(r, v, "Edit API", apiLink(e.api))
	page.Action, page.Cancel = apiPath(e.api.ID)+"/edit", v.afterAPI(e.api.ID)
	page.Saved = &templates.ClientSaved{Name: e.api.Title(), Version: versionText(e.version), Conflict: e.conflict}
	page.Basics[0].Value, page.Basics[0].ReadOnly, page.Basics[0].Hint = e.api.Identifier, true, "It can never be changed: tokens and applications name it."
	s.write(w, r, status, page)
	return nil
}

func (s *site) apiSave(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, version, err := s.apiOf(r)
	if err != nil {
		return err
	}
	opened, err := formVersion(v.Form)
	if err != nil {
		return err
	}
	f := v.Form
	delete(f, "introspection")
	f["identifier"] = []string{a.Identifier}
	if changedRows(f) {
		return s.showAPIEdit(w, r, v, http.StatusOK, apiEdit{api: a, version: opened, form: f})
	}
	if opened != version {
		return s.showAPIConflict(w, r, v)
	}
	registration, faults := apiRegistrationOf(f)
	if len(faults) > 0 {
		return s.showAPIEdit(w, r, v, formRefused, apiEdit{api: a, version: version, form: f, faults: withChecked(f, faults, registration)})
	}
	_, err = s.Provider.UpdateAPI(r.Context(), registration, opened)
	if errors.Is(err, store.ErrConflict) {
		return s.showAPIConflict(w, r, v)
	}
	if faults, ok := apiFaults(f, err); ok {
		return s.showAPIEdit(w, r, v, formRefused, apiEdit{api: a, version: version, form: f, faults: faults})
	}
	if err != nil {
		return err
	}
	return s.apiDone(w, r, v, apiPath(a.ID), "api-saved")
}

// showAPIConflict shows the form with what was typed, who saved first, and where the two differ. Saving again replaces what
// is there now.
func (s *site) showAPIConflict(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, version, err := s.apiOf(r)
	if err != nil {
		return err
	}
	conflict := &templates.ClientConflict{When: a.Updated, Changes: apiChanges(apiFormOf(&a.APIRegistration), v.Form)}
	if v.may(account.ViewAudit) {
		events, _, err := s.Audit.Find(r.Context(), account.AuditQuery{Object: "api:" + a.ID, Action: "api", Limit: 1})
		if err != nil {
			return err
		}
		if len(events) > 0 {
			conflict.Who = events[0].Actor.Name
		}
	}
	return s.showAPIEdit(w, r, v, formOutdated, apiEdit{api: a, version: version, form: v.Form, conflict: conflict})
}
