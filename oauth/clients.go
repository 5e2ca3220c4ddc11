package oauth

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

var clientKind = store.Kind{Name: "client"}

// ErrNameTaken reports that another client has the name, or the client_id.
var (
	ErrNameTaken     = errors.New("another client has this name")
	ErrClientIDTaken = errors.New("another client has this client_id")
)

func newClients(b store.Backend) *store.Cache[Client] {
	return store.NewCache(&store.Collection[Client]{
		Backend: b, Kind: clientKind,
		ID: func(c *Client) string { return c.ClientID },
	})
}

// Client gives a registered client, as it was at most a second ago. It is shared and must not be changed.
// store.ErrNotFound for an id that nobody has, in whatever form.
func (p *Provider) Client(ctx context.Context, id string) (*Client, error) {
	if !isClientID(id) {
		return nil, store.ErrNotFound
	}
	return p.clients.Get(ctx, id)
}

// LoadClient gives a client as it is in the store now, with the version that UpdateClient compares. store.ErrNotFound.
func (p *Provider) LoadClient(ctx context.Context, id string) (*Client, uint64, error) {
	if !isClientID(id) {
		return nil, 0, store.ErrNotFound
	}
	stored, err := p.clients.Load(ctx, id)
	if err != nil {
		return nil, 0, fmt.Errorf("read client: %w", err)
	}
	return stored.Value, stored.Version, nil
}

// Clients gives a page of the registered clients in the order of their ids.
func (p *Provider) Clients(ctx context.Context, cursor string, limit int) ([]*Client, string, error) {
	return p.clients.List(ctx, "", cursor, limit)
}

// RegisterClient adds a client. An empty client_id is chosen at random. A confidential client gets the secret given, or,
// where that is empty, a new one, which is returned and never shown again. *RegistrationError, ErrNameTaken,
// ErrClientIDTaken, *account.ForbiddenError.
func (p *Provider) RegisterClient(ctx context.Context, r Registration, secret string) (c *Client, shown string, err error) {
	if r.ClientID == "" {
		r.ClientID = uuid.NewString()
	}
	r = r.AsKept()
	if err := r.check(); err != nil {
		return nil, "", err
	}
	if r.ClientID == CommandLineClient {
		return nil, "", oneFault("client_id", "must not be "+CommandLineClient+", which is the server's own")
	}
	if err := guardPowers(ctx, &r); err != nil {
		return nil, "", err
	}
	ctx, release, err := p.giveAPIs(ctx, &Registration{}, &r)
	if err != nil {
		return nil, "", err
	}
	defer release()
	if err := p.checkClientAPIs(ctx, &r); err != nil {
		return nil, "", err
	}
	if err := p.guardServed(ctx, r.ClientID); err != nil {
		return nil, "", err
	}
	c = p.newClient(ctx, r)
	if !c.IsPublic() {
		var kept ClientSecret
		if kept, shown, err = p.newSecret(ctx, secret); err != nil {
			return nil, "", err
		}
		c.Secrets = []ClientSecret{kept}
	}
	if err := p.keepClient(ctx, c); err != nil {
		return nil, "", err
	}
	return c, shown, p.audit(ctx, "client.created", clientObject(c.ClientID), describe(r))
}

func (p *Provider) newClient(ctx context.Context, r Registration) *Client {
	now, owner := p.now(), account.ActorFrom(ctx)
	owner.Address = ""
	return &Client{Registration: r, Created: now, Updated: now, NotBefore: now.Add(-time.Millisecond), Owner: owner}
}

func (p *Provider) keepClient(ctx context.Context, c *Client) (err error) {
	if _, err := p.clients.Collection.Get(ctx, c.ClientID); err == nil {
		return ErrClientIDTaken
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("register client: %w", err)
	}
	if err := p.afterGone(ctx, c); err != nil {
		return err
	}
	if err := p.ensureKey(ctx, &c.Registration); err != nil {
		return err
	}
	if err := p.claimName(ctx, c.ClientName, c.ClientID); err != nil {
		return err
	}
	if !c.BuiltIn { // nobody registered it
		if c.Number, err = p.backend.Add(ctx, clientKind, "number", 1, 0); err != nil {
			return fmt.Errorf("number client: %w", err)
		}
	}
	err = p.clients.Create(ctx, c)
	if errors.Is(err, store.ErrExists) {
		return ErrClientIDTaken
	}
	if err != nil {
		return fmt.Errorf("register client: %w", err)
	}
	return p.settleName(ctx, c)
}

// settleName confirms the name of a new client, or takes the client back where another was faster to the name.
func (p *Provider) settleName(ctx context.Context, c *Client) error {
	err := p.confirmName(ctx, c.ClientName, c.ClientID)
	if !errors.Is(err, ErrNameTaken) {
		return err
	}
	if _, gone := p.clients.Take(ctx, c.ClientID); gone != nil && !errors.Is(gone, store.ErrNotFound) {
		return fmt.Errorf("withdraw client: %w", gone)
	}
	return err
}

// ensureKey makes sure that what is signed for the registration can be, before the first one is asked for.
func (p *Provider) ensureKey(ctx context.Context, r *Registration) error {
	if alg := r.IntrospectionSignedResponseAlg; alg != "" {
		if err := p.keys.Ensure(ctx, alg); err != nil {
			return err
		}
	}
	if r.AccessTokenFormat != JWT || r.AccessTokenSigningAlg == "" {
		return nil
	}
	return p.keys.Ensure(ctx, r.AccessTokenSigningAlg)
}

// UpdateClient replaces the registration of a client. version is what LoadClient gave, 0 for "whatever is there".
// store.ErrNotFound, store.ErrConflict (someone else saved first), *RegistrationError, ErrNameTaken, account.ErrBuiltIn,
// *account.ForbiddenError.
func (p *Provider) UpdateClient(ctx context.Context, r Registration, version uint64) (*Client, error) {
	r = r.AsKept()
	if err := r.check(); err != nil {
		return nil, err
	}
	old, err := p.clients.Load(ctx, r.ClientID)
	if err != nil {
		return nil, err
	}
	if err := old.Value.guard(ctx); err != nil {
		return nil, err
	}
	if err := guardPowers(ctx, &r); err != nil {
		return nil, err
	}
	ctx, release, err := p.giveAPIs(ctx, &old.Value.Registration, &r)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.checkClientAPIs(ctx, &r); err != nil {
		return nil, err
	}
	if version != 0 && version != old.Version {
		return nil, store.ErrConflict
	}
	return p.replaceClient(ctx, old, r)
}

// replaceClient writes a checked registration over the one that was read.
func (p *Provider) replaceClient(ctx context.Context, old store.Stored[Client], r Registration) (*Client, error) {
	if err := p.ensureKey(ctx, &r); err != nil {
		return nil, err
	}
	if err := p.claimName(ctx, r.ClientName, r.ClientID); err != nil {
		return nil, err
	}
	next := *old.Value
	next.Registration, next.Updated = r, p.now()
	next.FormerAudience = formerAudience(old.Value, r.Audience, p.now())
	if next.IsPublic() {
		next.Secrets = nil // a client that becomes confidential again starts with a new one
	}
	if _, err := p.clients.Swap(ctx, old, &next); err != nil {
		return nil, err
	}
	if err := p.settleRename(ctx, &next, old.Value.ClientName); err != nil {
		return nil, err
	}
	return &next, p.audit(ctx, "client.updated", clientObject(r.ClientID), changes(old.Value.Registration, r))
}

// settleRename confirms the name that a client has now and gives up the one it had, or gives it that one back where
// another client was faster to the new name.
func (p *Provider) settleRename(ctx context.Context, c *Client, was string) error {
	err := p.confirmName(ctx, c.ClientName, c.ClientID)
	if err == nil && was != "" && foldName(was) != foldName(c.ClientName) {
		p.releaseName(ctx, was, c.ClientID)
	}
	if !errors.Is(err, ErrNameTaken) {
		return err
	}
	if _, err := p.clients.Update(ctx, c.ClientID, func(now *Client) error {
		if now.ClientName == c.ClientName {
			now.ClientName = was
		}
		return nil
	}); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("give a client its old name back: %w", err)
	}
	return err
}

// changes names the fields that differ, "old -> new". No field of a registration is secret.
func changes(old, next Registration) map[string]string {
	diff := map[string]string{}
	from, to := textOf(old), textOf(next)
	for i, field := range to {
		if from[i].Value != field.Value {
			diff[field.Name] = from[i].Value + " -> " + field.Value
		}
	}
	return diff
}

// describe names the fields that a registration sets.
func describe(r Registration) map[string]string {
	detail := map[string]string{}
	none := textOf(Registration{})
	for i, field := range textOf(r) {
		if field.Value != none[i].Value && field.Name != "client_id" {
			detail[field.Name] = field.Value
		}
	}
	return detail
}

// textOf gives the fields of a registration as people read them.
func textOf(r Registration) []Field {
	v := reflect.ValueOf(r)
	fields := make([]Field, v.NumField())
	for i := range fields {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[i] = Field{name, shownValue(v.Field(i))}
	}
	return fields
}

// shownValue writes a value for people: a list with commas between.
func shownValue(v reflect.Value) string {
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v.Interface())
	}
	values := make([]string, v.Len())
	for i := range values {
		values[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(values, ", ")
}

// EnsureClient brings a client to a declared state: registers it, or updates what differs. secret is as for
// RegisterClient; a client that has a secret keeps it where none is declared. shown is a secret that was made now;
// changed tells whether anything was written. Errors are those of RegisterClient and UpdateClient.
func (p *Provider) EnsureClient(ctx context.Context, r Registration, secret string) (shown string, changed bool, err error) {
	r = r.AsKept()
	for range ensureAttempts {
		shown, changed, err = p.tryEnsureClient(ctx, r, secret)
		if !errors.Is(err, ErrClientIDTaken) && !errors.Is(err, store.ErrConflict) {
			break
		}
		// Another node declares the same client: look again at what is there now.
	}
	return shown, changed, err
}

const ensureAttempts = 8

func (p *Provider) tryEnsureClient(ctx context.Context, r Registration, secret string) (shown string, changed bool, err error) {
	stored, err := p.clients.Load(ctx, r.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		_, shown, err = p.RegisterClient(ctx, r, secret)
		return shown, err == nil, err
	}
	if err != nil {
		return "", false, fmt.Errorf("read client: %w", err)
	}
	if stored.Value.BuiltIn {
		return "", false, account.ErrBuiltIn
	}
	if !reflect.DeepEqual(normalised(stored.Value.Registration), normalised(r)) {
		if _, err := p.UpdateClient(ctx, r, stored.Version); err != nil {
			return "", false, err
		}
		changed = true
	}
	if r.TokenEndpointAuthMethod == NoSecret {
		return "", changed, nil
	}
	if secret != "" { // what follows tells whether it is the right one
		if err := stored.Value.guard(ctx); err != nil {
			return "", changed, err
		}
	}
	match, err := p.hasSecret(ctx, stored.Value, secret)
	if err != nil || match {
		return "", changed, err
	}
	shown, err = p.ReplaceSecrets(ctx, r.ClientID, secret)
	return shown, err == nil, err
}

// normalised makes an absent list and an empty one the same.
func normalised(r Registration) Registration {
	r.RedirectURIs = slices.Clip(append([]string{}, r.RedirectURIs...))
	r.Audience = slices.Clip(append([]string{}, r.Audience...))
	r.GrantTypes = append([]GrantType{}, r.GrantTypes...)
	r.Permissions = append(account.Permissions{}, r.Permissions...)
	return r
}

// hasSecret reports whether the declared secret is one of the client's, or none is declared and it has one.
func (p *Provider) hasSecret(ctx context.Context, c *Client, secret string) (bool, error) {
	if secret == "" {
		return len(c.Secrets) > 0, nil
	}
	return p.verifySecret(ctx, c, secret)
}

// DeleteClient removes a client: with it its secrets, codes and tokens are refused at once. store.ErrNotFound,
// account.ErrBuiltIn.
func (p *Provider) DeleteClient(ctx context.Context, id string) error {
	old, _, err := p.LoadClient(ctx, id)
	if err != nil {
		return err
	}
	if old.BuiltIn { // it is not taken over later: only EnsureBuiltIn makes one
		return account.ErrBuiltIn
	}
	until, err := p.noteGone(ctx, id)
	if err != nil {
		return err
	}
	gone := *old
	gone.Disabled, gone.NotBefore = false, until // whoever is registered under the id next begins after it
	if err := p.tellClient(ctx, &gone); err != nil {
		return err
	}
	c, err := p.clients.Take(ctx, id)
	if err != nil {
		return err
	}
	if c.ClientName != "" {
		p.releaseName(ctx, c.ClientName, id)
	}
	return p.audit(ctx, "client.deleted", clientObject(id), map[string]string{"client_name": c.ClientName})
}

func clientObject(id string) string { return "client:" + id }

// audit records an act of whoever the context names.
func (p *Provider) audit(ctx context.Context, action, object string, detail map[string]string) error {
	err := p.auditLog.Record(ctx, account.Event{Action: action, Object: object, Detail: detail})
	if err != nil {
		return fmt.Errorf("write audit event %s: %w", action, err)
	}
	return nil
}
