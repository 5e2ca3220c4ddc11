package oauth

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// NewClientSecret is what a further secret of a client is made from.
type NewClientSecret struct {
	Name    string    // to tell it from others; may be empty
	Expires time.Time // zero: never
}

// Bounds of the secrets of a client.
const (
	maxSecrets       = 10 // that can be used at once
	maxSecretName    = 100
	maxSecretOverlap = 366 * day
	maxSecretLife    = 100 * 366 * day
)

// AddSecret gives a client one more secret, which is returned and never shown again. *RegistrationError, with the fields
// name, expires and client_secret; account.ErrBuiltIn, *account.ForbiddenError, store.ErrNotFound.
func (p *Provider) AddSecret(ctx context.Context, clientID string, n NewClientSecret) (kept ClientSecret, shown string, err error) {
	if err := n.check(p.now()); err != nil {
		return ClientSecret{}, "", err
	}
	return p.giveSecret(ctx, clientID, n, "client.secret_added", nil, p.addSecret)
}

// RotateSecrets gives a client a new secret and lets all others end after overlap, 0 for at once. One that ends sooner
// still does. Errors are those of AddSecret, and faults of the field overlap.
func (p *Provider) RotateSecrets(ctx context.Context, clientID string, n NewClientSecret, overlap time.Duration) (kept ClientSecret, shown string, err error) {
	if overlap < 0 || overlap > maxSecretOverlap {
		return ClientSecret{}, "", oneFault("overlap", fmt.Sprintf("must be between 0 and %v", Duration(maxSecretOverlap)))
	}
	if err := n.check(p.now()); err != nil {
		return ClientSecret{}, "", err
	}
	detail := map[string]string{"overlap": Duration(overlap).String()}
	return p.giveSecret(ctx, clientID, n, "client.secret_rotated", detail, func(c *Client, kept ClientSecret) error {
		c.endSecrets(p.now(), overlap)
		return p.addSecret(c, kept)
	})
}

// endSecrets lets the secrets of a client end after overlap.
func (c *Client) endSecrets(now time.Time, overlap time.Duration) {
	if overlap == 0 {
		c.Secrets = nil
		return
	}
	end := now.Add(overlap)
	for i := range c.Secrets {
		if old := &c.Secrets[i]; old.Expires.IsZero() || old.Expires.After(end) {
			old.Expires = end
		}
	}
}

// addSecret lets go of what has expired once the client holds as many as it may.
func (p *Provider) addSecret(c *Client, kept ClientSecret) error {
	if len(c.Secrets) >= maxSecrets {
		c.Secrets = slices.DeleteFunc(c.Secrets, func(old ClientSecret) bool { return !p.usable(&old) })
	}
	if len(c.Secrets) >= maxSecrets {
		return oneFault("client_secret", fmt.Sprintf("must be one of at most %d: revoke one of the others first", maxSecrets))
	}
	c.Secrets = append(c.Secrets, kept)
	return nil
}

// giveSecret makes a secret, keeps it as add says, and shows it this once.
func (p *Provider) giveSecret(
	ctx context.Context, clientID string, n NewClientSecret, action string, detail map[string]string, add func(*Client, ClientSecret) error,
) (kept ClientSecret, shown string, err error) {
	kept, shown, err = p.newSecret(ctx, "")
	if err != nil {
		return ClientSecret{}, "", err
	}
	kept.Name, kept.Expires = n.Name, n.Expires
	err = p.changeClient(ctx, clientID, event{action, kept.detail(detail)}, func(c *Client) error {
		if err := c.guardSecrets(ctx); err != nil {
			return err
		}
		return add(c, kept)
	})
	if err != nil {
		return ClientSecret{}, "", err
	}
	return kept, shown, nil
}

func (c *Client) guardSecrets(ctx context.Context) error {
	if err := c.guard(ctx); err != nil {
		return err
	}
	if c.IsPublic() {
		return oneFault("client_secret", "must not be set for a public client")
	}
	return nil
}

// detail names the secret in the audit log.
func (s *ClientSecret) detail(more map[string]string) map[string]string {
	detail := map[string]string{"secret": s.ID}
	if s.Name != "" {
		detail["name"] = s.Name
	}
	if !s.Expires.IsZero() {
		detail["expires"] = s.Expires.UTC().Format(time.RFC3339)
	}
	for k, v := range more {
		detail[k] = v
	}
	return detail
}

func (n *NewClientSecret) check(now time.Time) error {
	var faults RegistrationError
	n.Expires = n.Expires.UTC().Truncate(time.Millisecond)
	checkLabel(&faults, n.Name, maxSecretName)
	if !n.Expires.IsZero() && !n.Expires.After(now) {
		faults.add("expires", "must lie in the future")
	}
	if n.Expires.After(now.Add(maxSecretLife)) {
		faults.add("expires", "must not lie so far in the future: leave it empty for a secret that does not end")
	}
	return faults.orNil()
}

// checkLabel checks the name that somebody gives a secret or token to recognise it by.
func checkLabel(faults *RegistrationError, name string, most int) {
	if utf8.RuneCountInString(name) > most {
		faults.add("name", "must not be longer than %d characters", most)
	}
	if !isReadable(name) {
		faults.add("name", "must be text without control characters and characters that hide or turn text")
	}
}

// RevokeSecret ends one secret of a client at once. store.ErrNotFound, account.ErrBuiltIn.
func (p *Provider) RevokeSecret(ctx context.Context, clientID, secretID string) error {
	c, _, err := p.LoadClient(ctx, clientID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(c.Secrets, func(s ClientSecret) bool { return s.ID == secretID })
	if at < 0 {
		return store.ErrNotFound
	}
	named := ClientSecret{ID: secretID, Name: c.Secrets[at].Name}
	return p.changeClient(ctx, clientID, event{"client.secret_revoked", named.detail(nil)}, func(c *Client) error {
		if c.BuiltIn {
			return account.ErrBuiltIn
		}
		before := len(c.Secrets)
		c.Secrets = slices.DeleteFunc(c.Secrets, func(s ClientSecret) bool { return s.ID == secretID })
		if len(c.Secrets) == before {
			return store.ErrNotFound
		}
		return nil
	})
}

// ReplaceSecrets gives a client one new secret and ends all others at once. An empty secret is made here and returned.
func (p *Provider) ReplaceSecrets(ctx context.Context, clientID, secret string) (shown string, err error) {
	kept, shown, err := p.newSecret(ctx, secret)
	if err != nil {
		return "", err
	}
	if err := p.changeClient(ctx, clientID, event{"client.secret_rotated", kept.detail(nil)}, func(c *Client) error {
		if err := c.guardSecrets(ctx); err != nil {
			return err
		}
		c.Secrets = []ClientSecret{kept}
		return nil
	}); err != nil {
		return "", err
	}
	return shown, nil
}
