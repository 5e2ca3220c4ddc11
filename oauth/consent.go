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

func (kept *Consent) covers(r *AuthorizationRequest) bool {
	return kept.ID != "" && kept.Scope.Contains(r.Scope) && Scope(kept.Audience).Contains(r.Audience)
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
	now, r, c := i.AllowedAt, &i.Request, i.Request.client
	next := &Consent{
		ID: consentID(userID, c.ClientID), UserID: userID, ClientID: c.ClientID, Scope: r.Scope, Audience: r.Audience,
		Created: now, Updated: now, Expires: now.Add(p.lifetimes.Consent),
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
	}
	_, err = p.consents.Swap(ctx, old, next)
	return err
}
