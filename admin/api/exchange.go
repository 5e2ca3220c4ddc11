package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (s *service) exchangeOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/export/clients", id: "export-clients", tag: exchangeTag,
		summary: "Export auth clients", text: "Gives all clients but the server's own, in the form that an import reads. Secrets are not kept and so not exported: " +
			"an import makes new ones where a client has none.",
	}, s.exportClients)
	register(s, operation{
		method: http.MethodPost, path: "/import/clients", id: "import-clients", tag: exchangeTag,
		summary: "Import auth clients", text: "Registers or replaces every client of the file, by its client_id. All are checked before any is written. " +
			"Clients that the file does not name stay as they are. An import of an export changes nothing.",
		also:     "To replace a client that there is it needs the permission “Edit Auth Clients” (`clients:edit`) as well.",
		example:  map[string]any{"clients": []any{map[string]any{"client_id": "reports", "client_name": "Reports", "redirect_uris": []string{"https://reports.example.com/callback"}}}},
		problems: []kind{taken, builtIn, conflict},
	}, s.importClients)
}

func (s *service) exportClients(ctx context.Context, _ *struct{}) (*plain[ClientFile], error) {
	file := ClientFile{Clients: []ExportedClient{}}
	for cursor := ""; ; {
		page, next, err := s.Provider.Clients(ctx, cursor, exportPage)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if !c.BuiltIn {
				file.Clients = append(file.Clients, ExportedClient{NewClient: NewClient{Registration: c.Registration}, Disabled: c.Disabled})
			}
		}
		if cursor = next; cursor == "" {
			return &plain[ClientFile]{file}, nil
		}
	}
}

const exportPage = 200

type importClientsIn struct{ body[ClientFile] }

func (s *service) importClients(ctx context.Context, in *importClientsIn) (*plain[Imported], error) {
	file, err := in.value()
	if err != nil {
		return nil, err
	}
	if err := checkFile(file); err != nil {
		return nil, err
	}
	if err := s.mayReplace(ctx, file); err != nil {
		return nil, err
	}
	answer := Imported{Clients: []ImportedClient{}}
	for i := range file.Clients {
		came, err := s.importClient(ctx, &file.Clients[i])
		if err != nil {
			return nil, ofItem(err, i, answer.Clients)
		}
		answer.Clients = append(answer.Clients, *came)
	}
	return &plain[Imported]{answer}, nil
}

// checkFile finds what is wrong with a file before any of it is written.
func checkFile(file *ClientFile) error {
	var faults []Fault
	seen := map[string]bool{}
	for i := range file.Clients {
		if len(faults) > maxFaults {
			break
		}
		at := fmt.Sprintf("/clients/%d", i)
		c := &file.Clients[i]
		check := c.Registration
		if c.ClientID == "" {
			check.ClientID = "named-later" // it is told once that there is none
			faults = append(faults, Fault{Pointer: at + "/client_id", Detail: "It must be there, so that a second import finds the client again."})
		} else if seen[c.ClientID] {
			faults = append(faults, Fault{Pointer: at + "/client_id", Detail: "Another client of the file has it."})
		}
		seen[c.ClientID] = true
		for _, f := range faultsOf(check.Check()) {
			faults = append(faults, Fault{Pointer: at + f.Pointer, Detail: f.Detail})
		}
	}
	if len(faults) > 0 {
		return invalid.faulty(faults...)
	}
	return nil
}

// mayReplace says whether whoever imports may do so with clients that there are.
func (s *service) mayReplace(ctx context.Context, file *ClientFile) error {
	rights := account.RightsFrom(ctx)
	if rights.Has(account.EditClients) {
		return nil
	}
	for i := range file.Clients {
		_, _, err := s.Provider.LoadClient(ctx, file.Clients[i].ClientID)
		if err == nil {
			return rights.Check(account.EditClients)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (s *service) importClient(ctx context.Context, c *ExportedClient) (*ImportedClient, error) {
	came := &ImportedClient{ClientID: c.ClientID, Outcome: Unchanged}
	old, _, err := s.Provider.LoadClient(ctx, c.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	secret, changed, err := s.ensureImported(ctx, c)
	if err != nil {
		return nil, err
	}
	came.ClientSecret = secret
	switch {
	case old == nil:
		came.Outcome = Created
	case changed, old.Disabled != c.Disabled:
		came.Outcome = Updated
	}
	if (old != nil && old.Disabled) == c.Disabled {
		return came, nil
	}
	state := oauth.Enabled
	if c.Disabled {
		state = oauth.Disabled
	}
	return came, s.Provider.SetClientState(ctx, c.ClientID, state)
}

// ensureImported replaces nothing for who may only register, not even a client that was registered this moment.
func (s *service) ensureImported(ctx context.Context, c *ExportedClient) (secret string, changed bool, err error) {
	if account.RightsFrom(ctx).Has(account.EditClients) {
		return s.Provider.EnsureClient(ctx, c.Registration, c.ClientSecret)
	}
	_, secret, err = s.Provider.RegisterClient(ctx, c.Registration, c.ClientSecret)
	return secret, err == nil, err
}

// ofItem says of a failure in the middle of an import which client it is about, and what was done with those before: their
// new secrets would be lost otherwise.
func ofItem(err error, i int, done []ImportedClient) error {
	cause := problemOf(err)
	p := *cause
	p.Imported = done
	p.Detail += fmt.Sprintf(" This is about client %d of the file, counted from 0; the %d before it are imported.", i, len(done))
	p.Errors = nil
	for _, f := range cause.Errors {
		p.Errors = append(p.Errors, Fault{Pointer: fmt.Sprintf("/clients/%d%s", i, f.Pointer), Detail: f.Detail})
	}
	return errors.Join(&p, err)
}
