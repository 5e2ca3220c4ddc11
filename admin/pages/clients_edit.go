package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) clientEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, version, err := s.editableClient(r, v)
	if err != nil {
		return err
	}
	apis, err := s.offeredAPIs(r.Context(), v)
	if err != nil {
		return err
	}
	return s.showEdit(w, r, v, http.StatusOK, edit{client: c, version: version, form: parted(clientFormOf(&c.Registration), apis), apis: apis})
}

// edit is the form of a client that exists.
type edit struct {
	client   *oauth.Client
	version  uint64 // that saving will replace
	form     form
	apis     []*oauth.API // to choose from
	faults   []templates.Fault
	conflict *templates.ClientConflict
}

func (s *site) showEdit(w http.ResponseWriter, r *http.Request, v *visit, status int, e edit) error {
	page := s.clientForm(v, e.form, e.apis, e.faults)
	page.Admin = s.clientFrame(r, v, "Edit Auth Client", clientLink(e.client))
	page.Action, page.Cancel = clientPath(e.client.ClientID)+"/edit", clientPath(e.client.ClientID)
	page.Saved = &templates.ClientSaved{Name: e.client.Name(), Version: strconv.FormatUint(e.version, 10), Conflict: e.conflict}
	s.write(w, r, status, page)
	return nil
}

func (s *site) clientSave(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, version, err := s.editableClient(r, v)
	if err != nil {
		return err
	}
	opened, err := strconv.ParseUint(v.Form.Get("version"), 10, 64)
	if err != nil || opened == 0 {
		return errForm
	}
	if opened != version {
		return s.showConflict(w, r, v)
	}
	apis, err := s.offeredAPIs(r.Context(), v)
	if err != nil {
		return err
	}
	registration, faults := registrationOf(v.Form, apis)
	registration.ClientID = c.ClientID
	if more, ok := clientFaults(v.Form, checked(registration)); ok {
		faults = append(faults, more...)
	}
	if len(faults) > 0 {
		return s.showEdit(w, r, v, formRefused, edit{client: c, version: version, form: v.Form, apis: apis, faults: withoutRepeats(faults)})
	}
	inOrderOf(&registration, &c.Registration)
	_, err = s.Provider.UpdateClient(r.Context(), registration, opened)
	if errors.Is(err, store.ErrConflict) {
		return s.showConflict(w, r, v)
	}
	if faults, ok := clientFaults(v.Form, err); ok {
		return s.showEdit(w, r, v, formRefused, edit{client: c, version: version, form: v.Form, apis: apis, faults: faults})
	}
	if err != nil {
		return err
	}
	if c.IsPublic() && registration.TokenEndpointAuthMethod != oauth.NoSecret {
		return s.clientDone(w, r, v, clientPath(c.ClientID)+"/secrets/new", "client-saved") // it has none yet
	}
	return s.clientDone(w, r, v, clientPath(c.ClientID), "client-saved")
}

// showConflict shows the form with what was typed, who saved first, and where the two differ. Saving again replaces what
// is there now.
func (s *site) showConflict(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, version, err := s.editableClient(r, v)
	if err != nil {
		return err
	}
	apis, err := s.offeredAPIs(r.Context(), v)
	if err != nil {
		return err
	}
	conflict := &templates.ClientConflict{When: c.Updated, Changes: formChanges(clientFormOf(&c.Registration), v.Form)}
	if v.may(account.ViewAudit) {
		if conflict.Who, err = s.lastEditor(r.Context(), c.ClientID); err != nil {
			return err
		}
	}
	return s.showEdit(w, r, v, http.StatusConflict, edit{client: c, version: version, form: v.Form, apis: apis, conflict: conflict})
}

// lastEditor names who changed a client last, "" where the log does not know.
func (s *site) lastEditor(ctx context.Context, id string) (string, error) {
	events, _, err := s.Audit.Find(ctx, account.AuditQuery{Object: "client:" + id, Action: "client", Limit: 1})
	if err != nil || len(events) == 0 {
		return "", err
	}
	return events[0].Actor.Name, nil
}

// formChanges names the settings in which two forms differ, in words.
func formChanges(saved, typed form) []templates.Change {
	var changes []templates.Change
	for _, f := range clientFields {
		if f.field == "client_id" {
			continue
		}
		old, next := shownValue(saved, f.field), shownValue(typed, f.field)
		if old != next && !sameSet(saved, typed, f.field) {
			changes = append(changes, templates.Change{Name: f.title, Old: old, New: next})
		}
	}
	return changes
}

// shownValue is a setting of a form as a person reads it.
func shownValue(f form, field string) string {
	switch field {
	case "grant_types":
		var titles []string
		for _, grant := range oauth.GrantTypes {
			if slices.Contains(f.All(field), string(grant)) {
				titles = append(titles, grantTitle(grant))
			}
		}
		return strings.Join(titles, ", ")
	case "permissions":
		var titles []string
		for _, w := range account.AllPermissions() {
			if slices.Contains(f.All(field), string(w.Permission)) {
				titles = append(titles, w.Title)
			}
		}
		return strings.Join(titles, ", ")
	case "redirect_uris":
		return strings.Join(f.Lines(field), "\n")
	case "audience":
		return strings.Join(wholeAudience(f), "\n")
	case "scope":
		return strings.Join(wholeScope(f), " ")
	case "token_endpoint_auth_method":
		return authTitle(oauth.AuthMethod(f.Get(field)))
	}
	return words(f.Get(field))
}

func authTitle(m oauth.AuthMethod) string {
	switch m {
	case oauth.NoSecret:
		return "Public"
	case oauth.ClientSecretPost:
		return "Confidential, secret in the form"
	case oauth.ClientSecretBasic:
		return "Confidential"
	}
	return string(m)
}
