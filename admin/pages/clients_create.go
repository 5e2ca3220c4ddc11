package pages

import (
	"net/http"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// clientKinds are the templates to begin with: what is sound for each kind of application.
var clientKinds = []struct {
	key, label, hint string
	settings         oauth.Registration
}{
	{"web", "Web application", "Runs on a server of yours and keeps a secret.", oauth.Registration{
		TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken},
		Scope: "profile", AccessTokenFormat: oauth.Opaque,
	}},
	{"app", "Single-page or native app", "Runs in browsers, on phones or on desks, where no secret stays one.", oauth.Registration{
		TokenEndpointAuthMethod: oauth.NoSecret, GrantTypes: []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken},
		Scope: "profile", AccessTokenFormat: oauth.Opaque,
	}},
	{"machine", "Machine to machine", "A job or a service that acts for itself, with nobody signed in.", oauth.Registration{
		TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, AccessTokenFormat: oauth.Opaque,
	}},
	{"device", "Device or command line", "Has no keyboard or no browser of its own. It shows a code, which people enter on a phone or a computer.", oauth.Registration{
		TokenEndpointAuthMethod: oauth.NoSecret, GrantTypes: []oauth.GrantType{oauth.DeviceCode, oauth.RefreshToken},
		Scope: "profile", AccessTokenFormat: oauth.Opaque,
	}},
	{"none", "Something else", "Start from nothing and choose every setting.", oauth.Registration{
		TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{}, AccessTokenFormat: oauth.Opaque,
	}},
}

// clientNew asks first what kind of application it is, then shows the form with what is sound for that.
func (s *site) clientNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	asked := r.URL.Query().Get("template")
	choices := templates.Choices{ID: "template", Legend: "What is it?", Hint: "This fills in sound settings; you can change each of them.", Cards: true}
	for i, kind := range clientKinds {
		if kind.key == asked {
			settings := kind.settings
			apis, err := s.offeredAPIs(r.Context(), v)
			if err != nil {
				return err
			}
			return s.showClientForm(w, r, v, http.StatusOK, s.clientForm(v, clientFormOf(&settings), apis, nil))
		}
		choices.Items = append(choices.Items, templates.Choice{
			ID: "template-" + kind.key, Name: "template", Value: kind.key, Label: kind.label, Hint: kind.hint, Radio: true, Checked: i == 0,
		})
	}
	return s.show(w, r, templates.ClientChoice{Admin: s.clientFrame(r, v, "Create Auth Client"), Kinds: choices})
}

// showClientForm shows the form for a new client.
func (s *site) showClientForm(w http.ResponseWriter, r *http.Request, v *visit, status int, page templates.ClientForm) error {
	page.Admin = s.clientFrame(r, v, "Create Auth Client")
	page.Action, page.Cancel = clientsPath+"/-/new", clientsPath
	id := formView{form: v.Form, faults: page.Faults}.input(templates.Input{
		ID: "client_id", Code: true, Optional: true, MaxLength: 128, Autocomplete: "off",
		Hint: "Left empty, the server chooses one at random, which is best. It can never be changed.",
	})
	page.More[len(page.More)-2].Inputs = append(page.More[len(page.More)-2].Inputs, id)
	s.write(w, r, status, page)
	return nil
}

// clientCreate registers a client. The secret of a confidential one is shown on the answer itself: it never is in a URL, a
// cookie or the store.
func (s *site) clientCreate(w http.ResponseWriter, r *http.Request, v *visit) error {
	apis, err := s.offeredAPIs(r.Context(), v)
	if err != nil {
		return err
	}
	registration, faults := registrationOf(v.Form, apis)
	if len(faults) > 0 {
		// All that is wrong at once: what the rules say as well.
		if more, ok := clientFaults(v.Form, checked(registration)); ok {
			faults = append(faults, more...)
		}
		return s.showClientForm(w, r, v, formRefused, s.clientForm(v, v.Form, apis, withoutRepeats(faults)))
	}
	c, secret, err := s.Provider.RegisterClient(r.Context(), registration, "")
	if faults, ok := clientFaults(v.Form, err); ok {
		return s.showClientForm(w, r, v, formRefused, s.clientForm(v, v.Form, apis, faults))
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return s.clientDone(w, r, v, clientPath(c.ClientID), "client-created")
	}
	return s.showSecret(w, r, v, c, templates.ClientSecretShown{Created: true, Secret: secret})
}

// checked is what the rules say of a registration without registering it. The client id is chosen later.
func checked(r oauth.Registration) error {
	if r.ClientID == "" {
		r.ClientID = "later"
	}
	return r.Check()
}

// withoutRepeats keeps the first fault of each field: one about reading a field says more than what the rules make of it.
func withoutRepeats(faults []templates.Fault) []templates.Fault {
	var kept []templates.Fault
	read := map[string]bool{}
	for _, f := range faults {
		if f.Field != "" && read[f.Field] && !isLines(f.Field) {
			continue
		}
		read[f.Field] = true
		kept = append(kept, f)
	}
	return kept
}
