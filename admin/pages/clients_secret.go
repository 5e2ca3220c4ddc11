package pages

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// overlaps are how long the old secrets may stay good when a client gets a new one.
var overlaps = []templates.Option{
	{Value: "0", Text: "Now: they are refused at once"},
	{Value: "1h", Text: "In 1 hour"},
	{Value: "1d", Text: "In 1 day"},
	{Value: "7d", Text: "In 7 days"},
	{Value: "30d", Text: "In 30 days"},
}

// showSecret shows a secret, this once, as the answer to the form that made it.
func (s *site) showSecret(w http.ResponseWriter, r *http.Request, v *visit, c *oauth.Client, page templates.ClientSecretShown) error {
	title := "The new secret"
	if page.Created {
		title = "The auth client was created"
	}
	page.Admin = s.clientFrame(r, v, title, clientLink(c))
	page.ID, page.Name, page.Next = c.ClientID, c.Name(), clientPath(c.ClientID)
	if !v.may(account.ViewClients) {
		page.Next = "/admin"
	}
	return s.show(w, r, page)
}

func (s *site) secretNew(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showSecretForm(w, r, v, secretForm{status: http.StatusOK, form: form{}})
}

func (s *site) secretsAskRotate(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showSecretForm(w, r, v, secretForm{status: http.StatusOK, form: form{"overlap": {"1d"}}, rotate: true})
}

// secretForm is the form for one more secret, or for one instead of the others.
type secretForm struct {
	status int
	form   form
	faults []templates.Fault
	rotate bool
}

func (s *site) showSecretForm(w http.ResponseWriter, r *http.Request, v *visit, f secretForm) error {
	c, _, err := s.secretClient(r, v)
	if err != nil {
		return err
	}
	title, action := "Add a secret", "/secrets/new"
	if f.rotate {
		title, action = "Rotate secrets", "/secrets/rotate"
	}
	filled := formView{form: f.form, faults: f.faults}
	input := func(i templates.Input) templates.Input {
		label := i.Label
		i = filled.input(i)
		i.Label = label
		return i
	}
	inputs := []templates.Input{
		input(templates.Input{ID: "name", Label: "Name", Optional: true, MaxLength: 100, Autocomplete: "off", Hint: "To tell it from others, for example the server that will hold it."}),
		input(templates.Input{ID: "expires", Label: "Ends on", Type: "date", Optional: true, Hint: "It is good until the end of that day (UTC). Left empty: until somebody revokes it."}),
	}
	if f.rotate {
		inputs = append(inputs, input(templates.Input{ID: "overlap", Label: "The secrets that it has now end", Type: "select", Options: overlaps}))
	}
	s.write(w, r, f.status, templates.ClientSecretForm{
		Admin: s.clientFrame(r, v, title, clientLink(c)), ClientHead: s.clientHead(v, c, ""),
		Action: clientPath(c.ClientID) + action, Rotate: f.rotate, Faults: f.faults, Inputs: inputs,
	})
	return nil
}

// secretClient is the client of the path, if the visitor may give it secrets.
func (s *site) secretClient(r *http.Request, v *visit) (*oauth.Client, uint64, error) {
	c, version, err := s.editableClient(r, v)
	if err == nil && c.IsPublic() {
		return nil, 0, errNotFound // it has no secrets, so there are no pages about them
	}
	return c, version, err
}

// newSecretOf reads the form of a secret.
func newSecretOf(f form) (n oauth.NewClientSecret, faults []templates.Fault) {
	n.Name = strings.TrimSpace(f.Get("name"))
	if text := strings.TrimSpace(f.Get("expires")); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return n, []templates.Fault{{Field: "expires", Message: "Write the date as year-month-day, for example 2027-01-31."}}
		}
		n.Expires = day.AddDate(0, 0, 1)
	}
	return n, nil
}

// secretFaults words what the rules say of a secret.
func secretFaults(err error) (faults []templates.Fault, ok bool) {
	titles := map[string]string{"name": "The name", "expires": "The end", "overlap": "The time", "client_secret": "The secret"}
	found, ok := fieldFaults(err)
	for _, f := range found {
		if title := titles[f.Field]; title != "" && strings.HasPrefix(f.Message, "must ") {
			f.Message = title + " " + f.Message + "."
		}
		if f.Field == "client_secret" {
			f.Field = "" // it is made here: no field of the form holds it
		}
		faults = append(faults, f)
	}
	return faults, ok
}

func (s *site) secretAdd(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.secretClient(r, v)
	if err != nil {
		return err
	}
	n, faults := newSecretOf(v.Form)
	if len(faults) > 0 {
		return s.showSecretForm(w, r, v, secretForm{status: formRefused, form: v.Form, faults: faults})
	}
	kept, shown, err := s.Provider.AddSecret(r.Context(), c.ClientID, n)
	if faults, ok := secretFaults(err); ok {
		return s.showSecretForm(w, r, v, secretForm{status: formRefused, form: v.Form, faults: faults})
	}
	if err != nil {
		return err
	}
	return s.showSecret(w, r, v, c, templates.ClientSecretShown{Secret: shown, Expires: kept.Expires, Ended: "The secrets that it had before stay good."})
}

func (s *site) secretsRotate(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.secretClient(r, v)
	if err != nil {
		return err
	}
	n, faults := newSecretOf(v.Form)
	overlap, err := oauth.ParseDuration(v.Form.Get("overlap"))
	if err != nil || !slices.ContainsFunc(overlaps, func(o templates.Option) bool { return o.Value == v.Form.Get("overlap") }) {
		faults = append(faults, templates.Fault{Field: "overlap", Message: "Choose when the secrets that it has now end."})
	}
	if len(faults) > 0 {
		return s.showSecretForm(w, r, v, secretForm{status: formRefused, form: v.Form, faults: faults, rotate: true})
	}
	kept, shown, err := s.Provider.RotateSecrets(r.Context(), c.ClientID, n, time.Duration(overlap))
	if faults, ok := secretFaults(err); ok {
		return s.showSecretForm(w, r, v, secretForm{status: formRefused, form: v.Form, faults: faults, rotate: true})
	}
	if err != nil {
		return err
	}
	ended := "The secrets that it had before have ended."
	if overlap > 0 {
		ended = "The secrets that it had before end on " + s.Now().Add(time.Duration(overlap)).UTC().Format("2006-01-02 at 15:04 UTC") + "."
	}
	return s.showSecret(w, r, v, c, templates.ClientSecretShown{Secret: shown, Expires: kept.Expires, Ended: ended})
}

// secretOf is the secret that the path names.
func secretOf(r *http.Request, c *oauth.Client) (oauth.ClientSecret, error) {
	id := mux.Vars(r)["secret_id"]
	at := slices.IndexFunc(c.Secrets, func(s oauth.ClientSecret) bool { return s.ID == id })
	if at < 0 {
		return oauth.ClientSecret{}, errNotFound
	}
	return c.Secrets[at], nil
}

func (s *site) secretAskRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.changeableClient(r)
	if err != nil {
		return err
	}
	secret, err := secretOf(r, c)
	if err != nil {
		return err
	}
	used, err := s.Provider.LastUsed(r.Context(), oauth.SecretKey(c.ClientID, secret.ID))
	if err != nil {
		return err
	}
	points := []string{"Whoever uses it is refused at once. Tokens that were issued already stay good.", "It was never used."}
	if t := used[oauth.SecretKey(c.ClientID, secret.ID)]; !t.IsZero() {
		points[1] = "It was last used on " + t.UTC().Format("2006-01-02 at 15:04 UTC") + "."
	}
	if s.lastSecret(c, secret) {
		points = append(points, "It is the only secret that still works: without it the auth client cannot sign in.")
	}
	return s.show(w, r, templates.ClientAsk{
		Admin:    s.clientFrame(r, v, "Revoke secret", clientLink(c)),
		Question: "Are you sure you want to revoke the secret", Name: secretTitle(secret), Rest: "?", Points: points,
		Action: clientPath(c.ClientID) + "/secrets/" + secret.ID + "/revoke", Button: "Revoke secret", Cancel: clientPath(c.ClientID),
	})
}

// lastSecret reports whether no other secret of the client works.
func (s *site) lastSecret(c *oauth.Client, secret oauth.ClientSecret) bool {
	return !slices.ContainsFunc(c.Secrets, func(other oauth.ClientSecret) bool {
		return other.ID != secret.ID && (other.Expires.IsZero() || other.Expires.After(s.Now()))
	})
}

func secretTitle(secret oauth.ClientSecret) string {
	switch {
	case secret.Name != "":
		return secret.Name
	case secret.Prefix != "":
		return secret.Prefix + "…"
	}
	return "of " + secret.Created.UTC().Format("2006-01-02 15:04 UTC")
}

func (s *site) secretRevoke(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, _, err := s.changeableClient(r)
	if err != nil {
		return err
	}
	secret, err := secretOf(r, c)
	if err != nil {
		return err
	}
	if err := s.Provider.RevokeSecret(r.Context(), c.ClientID, secret.ID); err != nil {
		return err
	}
	return s.clientDone(w, r, v, clientPath(c.ClientID), "client-secret-revoked")
}
