package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

var clientExample = map[string]any{
	"client_name": "Reports", "grant_types": []string{"authorization_code", "refresh_token"},
	"redirect_uris": []string{"https://reports.example.com/callback"}, "scope": "reports:read",
}

func (s *service) clientOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/clients", id: "list-clients", tag: clientsTag,
		summary: "List auth clients", text: "Lists all clients, the newest first unless sort says otherwise. When its secrets were last used is told of a single client only.",
	}, s.listClients)
	register(s, operation{
		method: http.MethodPost, path: "/clients", id: "create-client", tag: clientsTag, status: http.StatusCreated,
		summary: "Register an auth client", example: clientExample, problems: []kind{taken},
		text: "Registers a client. A client that authenticates gets a secret, which this answer shows and no other does.",
		also: "A client to be given permissions, or scopes equal to permissions, needs somebody who holds them himself.",
	}, s.createClient)
	register(s, operation{
		method: http.MethodGet, path: "/clients/{client_id}", id: "read-client", tag: clientsTag,
		summary: "Read an auth client", text: "Shows one client.",
	}, s.readClient)
	register(s, operation{
		method: http.MethodPut, path: "/clients/{client_id}", id: "replace-client", tag: clientsTag,
		summary: "Register or replace an auth client", example: clientExample, problems: []kind{taken, builtIn, conflict},
		text: "Makes sure that there is such a client: registers it under this client_id (201), or replaces all its settings (200). Sent twice it changes " +
			"nothing the second time. With “If-None-Match: *” it only registers, with “If-Match: ETAG” it only replaces that version. Read-only fields may be sent back as they are.",
		also: "Where there is no such client yet it needs the permission “Create Auth Clients” (`clients:create`) as well. A client that is mightier than oneself cannot be edited.",
	}, s.replaceClient)
	register(s, operation{
		method: http.MethodPatch, path: "/clients/{client_id}", id: "update-client", tag: clientsTag,
		summary: "Change an auth client", example: map[string]any{"client_name": "Reports, new", "access_token_lifetime": "5m", "client_uri": nil},
		problems: []kind{taken, builtIn, conflict},
		text:     "Changes the fields that are named, as JSON Merge Patch says (RFC 7396): null takes a field back to its default, a list replaces the whole list.",
	}, s.updateClient)
	register(s, operation{
		method: http.MethodDelete, path: "/clients/{client_id}", id: "delete-client", tag: clientsTag,
		summary: "Delete an auth client", text: "Deletes a client. Its secrets, codes and tokens are refused at once. This cannot be undone.", problems: []kind{builtIn},
	}, s.deleteClient)
	register(s, operation{
		method: http.MethodPost, path: "/clients/{client_id}/enable", id: "enable-client", tag: clientsTag, problems: []kind{builtIn},
		summary: "Enable an auth client", text: "Lets a client that was disabled be used again. What it was issued before is good again, where it has not expired.",
	}, func(ctx context.Context, in *clientIn) (*one[Client], error) {
		return s.setClientState(ctx, in.ClientID, oauth.Enabled)
	})
	register(s, operation{
		method: http.MethodPost, path: "/clients/{client_id}/disable", id: "disable-client", tag: clientsTag, problems: []kind{builtIn},
		summary: "Disable an auth client", text: "Refuses a client and all its tokens until it is enabled again.",
	}, func(ctx context.Context, in *clientIn) (*one[Client], error) {
		return s.setClientState(ctx, in.ClientID, oauth.Disabled)
	})
}

type (
	listClientsIn struct {
		Q      string `query:"q" maxLength:"255" doc:"Finds clients by a part of their name, a redirect URI or the client_id, whatever the case."`
		Sort   string `query:"sort" enum:"number,-number,client_id,-client_id,name,-name,redirect,-redirect,grants,-grants,last_used,-last_used,status,-status,created,-created" doc:"The field to sort by, with “-” before it the other way round. Left out: -number."`
		Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same q and sort."`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	createClientIn struct{ body[NewClient] }
	clientIn       struct {
		ClientID string `path:"client_id" doc:"The client_id."`
	}
	readClientIn struct {
		ClientID    string `path:"client_id" doc:"The client_id."`
		IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what the reader has: 304 where it is that still."`
	}
	replaceClientIn struct {
		ClientID    string `path:"client_id" doc:"The client_id."`
		IfMatch     string `header:"If-Match" doc:"The ETag of what is to be replaced: 412 where it is another by now."`
		IfNoneMatch string `header:"If-None-Match" doc:"“*” registers and never replaces: 412 where there is such a client."`
		body[NewClient]
	}
	updateClientIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		IfMatch  string `header:"If-Match" doc:"The ETag of what is to be changed: 412 where it is another by now."`
		body[oauth.Registration]
	}
	deleteClientIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		IfMatch  string `header:"If-Match" doc:"The ETag of what is to be deleted: 412 where it is another by now."`
	}
)

func showClient(c *oauth.Client, used map[string]time.Time) Client {
	shown := Client{
		Registration: c.Registration, Number: c.Number, BuiltIn: c.BuiltIn, Disabled: c.Disabled, Owner: showActor(c.Owner),
		Secrets: []Secret{}, Created: c.Created, Updated: c.Updated, LastUsed: used[oauth.ClientKey(c.ClientID)],
	}
	for i := range c.Secrets {
		shown.Secrets = append(shown.Secrets, showSecret(c.ClientID, &c.Secrets[i], used))
	}
	return shown
}

func showSecret(clientID string, secret *oauth.ClientSecret, used map[string]time.Time) Secret {
	return Secret{
		ID: secret.ID, Name: secret.Name, Prefix: secret.Prefix, Created: secret.Created, Expires: secret.Expires,
		LastUsed: used[oauth.SecretKey(clientID, secret.ID)],
	}
}

// withUses shows a client with when it and its secrets were last used.
func (s *service) withUses(ctx context.Context, c *oauth.Client) (*Client, error) {
	keys := []string{oauth.ClientKey(c.ClientID)}
	for _, secret := range c.Secrets {
		keys = append(keys, oauth.SecretKey(c.ClientID, secret.ID))
	}
	used, err := s.Provider.LastUsed(ctx, keys...)
	if err != nil {
		return nil, err
	}
	shown := showClient(c, used)
	return &shown, nil
}

func (s *service) listClients(ctx context.Context, in *listClientsIn) (*many[Client], error) {
	page, err := s.Provider.FindClients(ctx, oauth.ClientQuery{Search: in.Q, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(page.Clients, page.Next, func(row oauth.ClientRow) Client {
		return showClient(row.Client, map[string]time.Time{oauth.ClientKey(row.ClientID): row.LastUsed})
	}).counted(page.Total)), nil
}

func (s *service) createClient(ctx context.Context, in *createClientIn) (*made[CreatedClient], error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	return s.registerClient(ctx, n)
}

func (s *service) registerClient(ctx context.Context, n *NewClient) (*made[CreatedClient], error) {
	c, secret, err := s.Provider.RegisterClient(ctx, n.Registration, n.ClientSecret)
	if err != nil {
		return nil, err
	}
	created, tag, err := s.created(ctx, c.ClientID, secret)
	if err != nil {
		return nil, err
	}
	return &made[CreatedClient]{
		Status: http.StatusCreated, ETag: tag, Location: s.base + Path + "/clients/" + url.PathEscape(c.ClientID), Body: created,
	}, nil
}

// created shows a client with a secret that was made this moment, if any was.
func (s *service) created(ctx context.Context, clientID, secret string) (*CreatedClient, string, error) {
	c, version, err := s.Provider.LoadClient(ctx, clientID)
	if err != nil {
		return nil, "", err
	}
	shown, err := s.withUses(ctx, c)
	if err != nil {
		return nil, "", err
	}
	answer := &CreatedClient{Client: *shown, ClientSecret: secret}
	if secret != "" {
		answer.ClientSecretExpiresAt = new(int64)
	}
	return answer, etag(version), nil
}

func (s *service) readClient(ctx context.Context, in *readClientIn) (*one[Client], error) {
	c, version, err := s.Provider.LoadClient(ctx, in.ClientID)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return notModified[Client](etag(version)), nil
	}
	answer, err := s.withUses(ctx, c)
	if err != nil {
		return nil, err
	}
	return shown(answer, version), nil
}

func (s *service) replaceClient(ctx context.Context, in *replaceClientIn) (*made[CreatedClient], error) {
	old, version, err := s.Provider.LoadClient(ctx, in.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return s.putNewClient(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && isFresh(in.IfNoneMatch, etag(version)) {
		return nil, errStale
	}
	expecting, err := expected(in.IfMatch, version)
	if err != nil {
		return nil, err
	}
	next, err := in.replacement(showClient(old, nil))
	if err != nil {
		return nil, err
	}
	if err := inPlace(&next.Registration, in.ClientID); err != nil {
		return nil, err
	}
	// EnsureClient would register a client that is deleted this moment.
	replace := s.ensureClient
	if expecting != 0 || !account.RightsFrom(ctx).Has(account.CreateClients) {
		replace = func(ctx context.Context, next *NewClient) (string, error) {
			return s.replaceVersion(ctx, old, next, version)
		}
	}
	secret, err := replace(ctx, next)
	if err != nil {
		return nil, asStale(err, expecting)
	}
	answer, tag, err := s.created(ctx, in.ClientID, secret)
	if err != nil {
		return nil, err
	}
	return &made[CreatedClient]{Status: http.StatusOK, ETag: tag, Body: answer}, nil
}

func (s *service) putNewClient(ctx context.Context, in *replaceClientIn) (*made[CreatedClient], error) {
	if in.IfMatch != "" {
		return nil, errStale
	}
	if err := account.RightsFrom(ctx).Check(account.CreateClients); err != nil {
		return nil, err
	}
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	if err := inPlace(&n.Registration, in.ClientID); err != nil {
		return nil, err
	}
	answer, err := s.registerClient(ctx, n)
	if errors.Is(err, oauth.ErrClientIDTaken) && in.IfNoneMatch != "" {
		return nil, errStale
	}
	return answer, err
}

// inPlace gives a registration the client_id of its address. It must not name another.
func inPlace(r *oauth.Registration, clientID string) error {
	if r.ClientID != "" && r.ClientID != clientID {
		return invalid.faulty(Fault{Pointer: "/client_id", Detail: "It must be the one in the address, or be left out."})
	}
	r.ClientID = clientID
	return nil
}

// ensureClient brings a client to its new settings. The secret that it gives back was made now, because the client had none.
func (s *service) ensureClient(ctx context.Context, next *NewClient) (secret string, err error) {
	secret, _, err = s.Provider.EnsureClient(ctx, next.Registration, next.ClientSecret)
	return secret, err
}

// replaceVersion is ensureClient for one version of the client.
func (s *service) replaceVersion(ctx context.Context, old *oauth.Client, next *NewClient, version uint64) (secret string, err error) {
	now := old
	if !sameSettings(old.Registration, next.Registration) {
		if now, err = s.Provider.UpdateClient(ctx, next.Registration, version); err != nil {
			return "", err
		}
	}
	if next.ClientSecret != "" || !now.IsPublic() && len(now.Secrets) == 0 {
		return s.Provider.ReplaceSecrets(ctx, now.ClientID, next.ClientSecret)
	}
	return "", nil
}

// sameSettings reports whether two settings are shown alike.
func sameSettings(a, b any) bool {
	left, err := json.Marshal(a)
	right, failed := json.Marshal(b)
	return err == nil && failed == nil && reflect.DeepEqual(left, right)
}

func (s *service) updateClient(ctx context.Context, in *updateClientIn) (*one[Client], error) {
	for attempt := range attempts {
		old, version, err := s.Provider.LoadClient(ctx, in.ClientID)
		if err != nil {
			return nil, err
		}
		expecting, err := expected(in.IfMatch, version)
		if err != nil {
			return nil, err
		}
		next, err := in.patched(&old.Registration, showClient(old, nil))
		if err != nil {
			return nil, err
		}
		if err := inPlace(next, in.ClientID); err != nil {
			return nil, err
		}
		// The patch was made for this version. Without a condition of the caller it is made anew for the next one.
		err = s.saveClient(ctx, old, next, version)
		if errors.Is(err, store.ErrConflict) && expecting == 0 && attempt < attempts-1 {
			continue
		}
		if err != nil {
			return nil, asStale(err, expecting)
		}
		break
	}
	return s.readClient(ctx, &readClientIn{ClientID: in.ClientID})
}

// attempts is how often a change without a condition begins again because others change the same.
const attempts = 8

func (s *service) saveClient(ctx context.Context, old *oauth.Client, next *oauth.Registration, version uint64) error {
	if sameSettings(old.Registration, *next) {
		return nil
	}
	_, err := s.Provider.UpdateClient(ctx, *next, version)
	return err
}

func (s *service) deleteClient(ctx context.Context, in *deleteClientIn) (*nothing, error) {
	if in.IfMatch != "" {
		_, version, err := s.Provider.LoadClient(ctx, in.ClientID)
		if err != nil {
			return nil, err
		}
		if _, err := expected(in.IfMatch, version); err != nil {
			return nil, err
		}
	}
	return &nothing{}, s.Provider.DeleteClient(ctx, in.ClientID)
}

func (s *service) setClientState(ctx context.Context, clientID string, state oauth.ClientState) (*one[Client], error) {
	if err := s.Provider.SetClientState(ctx, clientID, state); err != nil {
		return nil, err
	}
	answer, err := s.readClient(ctx, &readClientIn{ClientID: clientID})
	if err != nil {
		return nil, fmt.Errorf("read client after it was %s: %w", state, err)
	}
	return answer, nil
}
