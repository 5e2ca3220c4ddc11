package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/templates"
)

// clientFile is what clients are exported as and imported from, here and by the REST API.
type clientFile struct {
	Clients []fileClient `json:"clients"`
}

// fileClient is a client without what belongs to one server alone. Exports never hold a secret.
type fileClient struct {
	oauth.Registration
	ClientSecret string `json:"client_secret,omitempty"`
	Disabled     bool   `json:"disabled,omitempty"`
}

// maxImported is how many clients a file may hold.
const maxImported = 1000

// clientExport writes every client but the server's own, in the order of their ids.
func (s *site) clientExport(w http.ResponseWriter, r *http.Request, _ *visit) error {
	file := clientFile{Clients: []fileClient{}}
	for cursor := ""; ; {
		clients, next, err := s.Provider.Clients(r.Context(), cursor, 500)
		if err != nil {
			return fmt.Errorf("read clients: %w", err)
		}
		for _, c := range clients {
			if !c.BuiltIn {
				file.Clients = append(file.Clients, fileClient{Registration: c.Registration, Disabled: c.Disabled})
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	body, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("write clients: %w", err)
	}
	web.NoStore(w.Header())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="auth-clients.json"`)
	_, _ = w.Write(append(body, '\n')) // the caller may be gone
	return nil
}

func (s *site) clientImport(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showImport(w, r, v, http.StatusOK, templates.ClientImport{})
}

func (s *site) showImport(w http.ResponseWriter, r *http.Request, v *visit, status int, page templates.ClientImport) error {
	page.Admin = s.clientFrame(r, v, "Import Auth Clients")
	page.Text.ID, page.Text.Label, page.Text.Type, page.Text.Code, page.Text.Rows = "text", "Or paste it here", "textarea", true, 8
	s.write(w, r, status, page)
	return nil
}

// clientImported shows what a file would change, and, once that is confirmed, does it.
func (s *site) clientImported(w http.ResponseWriter, r *http.Request, v *visit) error {
	text := firstOf(v.Form.Get("file"), v.Form.Get("text"))
	page := templates.ClientImport{Text: templates.Input{Value: text}}
	refuse := func(faults ...templates.Fault) error {
		page.Faults = faults
		return s.showImport(w, r, v, formRefused, page)
	}
	file, fault := readClientFile(text)
	if fault != "" {
		return refuse(templates.Fault{Field: "text", Message: fault})
	}
	plan, faults, err := s.planImport(r.Context(), v, file)
	if err != nil {
		return err
	}
	for _, step := range plan {
		page.Lines = append(page.Lines, step.line)
	}
	if page.Checked = true; len(faults) > 0 {
		return refuse(faults...)
	}
	// What is done is what was seen: where somebody changed a client meanwhile, it is shown anew.
	if page.Seen = planDigest(page.Lines); v.Form.Get("seen") != page.Seen {
		return s.showImport(w, r, v, http.StatusOK, page)
	}
	return s.runImport(w, r, v, plan)
}

// planDigest tells one plan from another.
func planDigest(lines []templates.ImportLine) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", lines))
	return hex.EncodeToString(sum[:])
}

// readClientFile reads a file strictly: a misspelt field would silently mean nothing. fault is a sentence, "" for none.
func readClientFile(text string) (file *clientFile, fault string) {
	if strings.TrimSpace(text) == "" {
		return nil, "Choose a file, or paste what stands in it."
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&file)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows behind its end")
		}
	}
	if err != nil {
		return nil, "This is no file of auth clients: " + fileFault(err) + "."
	}
	if file == nil {
		return nil, "This is no file of auth clients: it holds nothing."
	}
	if len(file.Clients) > maxImported {
		return nil, fmt.Sprintf("A file may hold %d auth clients at most.", maxImported)
	}
	return file, ""
}

// fileFault says what is wrong with a file without repeating values of it, which may be secret, but for lifetimes.
func fileFault(err error) string {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return "the field " + wrong.Field + " has a value of another kind than it must have"
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not JSON from character %d on", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// importStep is what is to be done to one client.
type importStep struct {
	client fileClient
	line   templates.ImportLine
	state  oauth.ClientState // to be put in place, "" to leave it
}

// planImport compares a file with what is there. Nothing is written. Whoever may only create can change nothing.
func (s *site) planImport(ctx context.Context, v *visit, file *clientFile) (plan []importStep, faults []templates.Fault, err error) {
	var seen []string
	for i, c := range file.Clients {
		step, err := s.planClient(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		step.line.Name = firstOf(c.ClientName, c.ClientID)
		plan = append(plan, step.importStep)
		refused := step.refused
		switch {
		case c.ClientID == "":
			refused = append(refused, "client_id is missing")
		case slices.Contains(seen, c.ClientID):
			refused = append(refused, "its client_id stands in the file twice")
		}
		if step.line.Outcome == importUpdated && !v.may(account.EditClients) {
			refused = append(refused, "you may not edit auth clients")
		}
		if v.Rights.CheckCovers(c.Powers()) != nil || v.Rights.CheckCovers(step.powers) != nil {
			refused = append(refused, "it may do more than you may")
		}
		if !v.may(account.ViewClients) && !v.may(account.EditClients) {
			plan[i].line.Changes = nil // they tell what is there
		}
		seen = append(seen, c.ClientID)
		if len(refused) > 0 {
			faults = append(faults, templates.Fault{Message: fmt.Sprintf("Auth client %d, “%s”: %s.", i+1, step.line.Name, strings.Join(refused, "; "))})
		}
	}
	return plan, faults, nil
}

// The outcomes of an import, as the REST API calls them.
const (
	importCreated   = "created"
	importUpdated   = "updated"
	importUnchanged = "unchanged"
)

// plannedClient is a step with what is in its way.
type plannedClient struct {
	importStep
	refused []string
	powers  account.Rights // of what is there
}

func (s *site) planClient(ctx context.Context, c fileClient) (plannedClient, error) {
	planned := plannedClient{importStep: importStep{client: c, line: templates.ImportLine{ID: c.ClientID, Outcome: importCreated}}}
	if err := checked(c.Registration); err != nil {
		planned.refused = append(planned.refused, err.Error())
	}
	now, _, err := s.Provider.LoadClient(ctx, c.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		if c.Disabled {
			planned.state = oauth.Disabled
		}
		return planned, nil
	}
	if err != nil {
		return planned, err
	}
	if now.BuiltIn {
		planned.refused = append(planned.refused, "it belongs to the server itself")
	}
	planned.line.Outcome, planned.powers = importUnchanged, now.Powers()
	planned.line.Changes = formChanges(clientFormOf(&now.Registration), clientFormOf(usual(c.Registration)))
	if c.Disabled != now.Disabled {
		planned.state = oauth.Enabled
		if c.Disabled {
			planned.state = oauth.Disabled
		}
		planned.line.Changes = append(planned.line.Changes, templates.Change{Name: "Status", Old: statusText(now.Disabled), New: statusText(c.Disabled)})
	}
	if c.ClientSecret != "" {
		planned.line.Changes = append(planned.line.Changes, templates.Change{Name: "Secret", New: "the one in the file, if it is another"})
	}
	if len(planned.line.Changes) > 0 {
		planned.line.Outcome = importUpdated
	}
	return planned, nil
}

// usual fills in what a registration means where it says nothing, as the rules do when they keep it.
func usual(r oauth.Registration) *oauth.Registration {
	if r.TokenEndpointAuthMethod == "" {
		r.TokenEndpointAuthMethod = oauth.ClientSecretBasic
	}
	if r.GrantTypes == nil {
		r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode}
	}
	if r.AccessTokenFormat == "" {
		r.AccessTokenFormat = oauth.Opaque
	}
	r.Scope, r.DefaultScope, r.ClientName = words(r.Scope), words(r.DefaultScope), strings.TrimSpace(r.ClientName)
	return &r
}

func statusText(disabled bool) string {
	if disabled {
		return "Disabled"
	}
	return "Enabled"
}

// runImport does what was planned, one client after the other, and shows the secrets that were made. Where one fails, those
// before it stay: the page says so, and the same file can be imported again.
func (s *site) runImport(w http.ResponseWriter, r *http.Request, v *visit, plan []importStep) error {
	page := templates.ClientImported{Admin: s.clientFrame(r, v, "The auth clients were imported")}
	for i, step := range plan {
		if step.line.Outcome == importUnchanged {
			page.Lines = append(page.Lines, step.line)
			continue
		}
		secret, err := s.importClient(r.Context(), step)
		if faults, ok := clientFaults(form{}, err); ok {
			page.Title = "The import stopped"
			page.Failed = fmt.Sprintf("Auth client %d, “%s”: %s Those before it are done; the others are not.", i+1, step.line.Name, faults[0].Message)
			break
		}
		if err != nil && len(page.Secrets) == 0 {
			return err
		}
		if err != nil { // secrets that were made must be shown all the same
			web.EventFrom(r.Context()).Cause = err
			page.Title = "The import stopped"
			page.Failed = fmt.Sprintf("Auth client %d, “%s”, could not be imported. Those before it are done; the others are not.", i+1, step.line.Name)
			break
		}
		page.Lines = append(page.Lines, step.line)
		if secret != "" {
			page.Secrets = append(page.Secrets, templates.Field{Name: step.line.ID, Value: secret})
		}
	}
	return s.show(w, r, page)
}

func (s *site) importClient(ctx context.Context, step importStep) (secret string, err error) {
	secret, _, err = s.Provider.EnsureClient(ctx, step.client.Registration, step.client.ClientSecret)
	if err != nil || step.state == "" {
		return secret, err
	}
	return secret, s.Provider.SetClientState(ctx, step.client.ClientID, step.state)
}
