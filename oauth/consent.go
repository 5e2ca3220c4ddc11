package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

var consentKind = store.Kind{Name: "consent", Spread: true}

// Consent is what a user remembers to have allowed a client.
type Consent struct {
	ID       string    `json:"id"`
	UserID   string    `json:"user_id"`
	ClientID string    `json:"client_id"`
	Scope    Scope     `json:"scope,omitempty"`
	Audience []string  `json:"audience,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Expires  time.Time `json:"expires"`

	// What of Scope was allowed at each of Audience, "" for nobody in particular; nil in older records: all of it.
	Reach map[string]Scope `json:"reach,omitempty"`
}

func newConsents(b store.Backend) *store.Collection[Consent] {
	return &store.Collection[Consent]{
		Backend: b, Kind: consentKind,
		ID:      func(c *Consent) string { return c.ID },
		Tags:    func(c *Consent) []string { return []string{"user:" + c.UserID, "client:" + c.ClientID} },
		Expires: func(c *Consent) time.Time { return c.Expires },
	}
}

// consentID is the same for all that a user allows a client.
func consentID(userID, clientID string) string {
	sum := sha256.Sum256([]byte(userID + " " + clientID)) // neither holds a blank
	return hex.EncodeToString(sum[:16])
}

// consented gives what the user allowed this client before and still counts; an empty Consent where nothing does. What
// was allowed to a client that has been deleted does not count for a later one with its id.
func (p *Provider) consented(ctx context.Context, userID string, c *Client) (*Consent, error) {
	kept, err := p.consents.Get(ctx, consentID(userID, c.ClientID))
	if errors.Is(err, store.ErrNotFound) {
		return &Consent{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read consent: %w", err)
	}
	if !p.counts(kept, c) {
		return &Consent{}, nil
	}
	return kept, nil
}

func (p *Provider) counts(kept *Consent, c *Client) bool {
	return !kept.Created.Before(c.Created) && p.now().Before(kept.Expires)
}

// covers reports whether all of a request was allowed before, each scope wherever it means something: what was allowed at one
// resource is not allowed at another.
func (kept *Consent) covers(r *AuthorizationRequest, x *apiIndex) bool {
	if kept.ID == "" || !kept.Scope.Contains(r.Scope) {
		return false
	}
	allowed := kept.reach(x)
	for identifier, scope := range x.reach(r.Scope, r.Audience) {
		if at, ok := allowed[identifier]; !ok || !at.Contains(scope) {
			return false
		}
	}
	return true
}

// reach is Reach, also of an older record.
func (kept *Consent) reach(x *apiIndex) map[string]Scope {
	if kept.Reach != nil {
		return kept.Reach
	}
	allowed := x.reach(kept.Scope, kept.Audience)
	allowed[""] = kept.Scope // older records do not tell
	return allowed
}

// reach says what of a scope means something at each of an audience, "" for nobody in particular.
func (x *apiIndex) reach(scope Scope, audience []string) map[string]Scope {
	if len(audience) == 0 {
		return map[string]Scope{"": x.meaning(scope, nil)}
	}
	reach := make(map[string]Scope, len(audience))
	for _, identifier := range audience {
		reach[identifier] = x.meaning(scope, []string{identifier})
	}
	return reach
}

// rememberConsent adds what a user allowed now to what he allowed before.
func (p *Provider) rememberConsent(ctx context.Context, userID string, i *Interaction) error {
	for range redeemAttempts {
		err := p.tryRememberConsent(ctx, userID, i)
		if !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return store.ErrConflict
}

func (p *Provider) tryRememberConsent(ctx context.Context, userID string, i *Interaction) error {
	x, err := p.registered(ctx)
	if err != nil {
		return err
	}
	now, r, c := i.AllowedAt, &i.Request, i.Request.client
	next := &Consent{
		ID: consentID(userID, c.ClientID), UserID: userID, ClientID: c.ClientID, Scope: r.Scope, Audience: r.Audience,
		Created: later(now, c.Created), // the client may come from a node whose clock is ahead
		Updated: now, Expires: now.Add(p.lifetimes.Consent),
		Reach: x.reach(r.Scope, r.Audience),
	}
	old, err := p.consents.Load(ctx, next.ID)
	if errors.Is(err, store.ErrNotFound) {
		return p.consents.Create(ctx, next)
	}
	if err != nil {
		return fmt.Errorf("read consent: %w", err)
	}
	if !old.Value.Created.Before(c.Created) {
		next.Created = old.Value.Created
		next.Scope = old.Value.Scope.Union(r.Scope)
		next.Audience = Scope(old.Value.Audience).Union(r.Audience)
		for identifier, scope := range old.Value.reach(x) {
			next.Reach[identifier] = scope.Union(next.Reach[identifier])
		}
	}
	_, err = p.consents.Swap(ctx, old, next)
	return err
}
