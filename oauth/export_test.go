package oauth

import (
	"context"
	"time"
)

// ExpireSecrets lets the secrets of a client end, as pages that hold several will.
func (p *Provider) ExpireSecrets(ctx context.Context, clientID string, at time.Time) error {
	return p.changeClient(ctx, clientID, event{action: "client.secret_expires"}, func(c *Client) error {
		for i := range c.Secrets {
			c.Secrets[i].Expires = at
		}
		return nil
	})
}

// AlterClient writes a client as an earlier version of the program may have left it.
func (p *Provider) AlterClient(ctx context.Context, id string, alter func(*Client)) error {
	return p.changeClient(ctx, id, event{action: "client.altered"}, func(c *Client) error {
		alter(c)
		return nil
	})
}

// PlantClient keeps a client under an id that nobody can register today.
func (p *Provider) PlantClient(ctx context.Context, r Registration) error {
	return p.keepClient(ctx, p.newClient(ctx, r.AsKept()))
}

// Sweep ends what outlived a withdrawal, as a node does every second.
func (p *Provider) Sweep(ctx context.Context) error { return p.sweep(ctx, map[string]time.Time{}) }

// PlantEnded leaves authorizations of a user behind as a busy client does, the oldest first, all of them ended.
func (p *Provider) PlantEnded(ctx context.Context, n int, clientID, userID string) error {
	for range n {
		a := &Authorization{
			ID: newAuthorizationID(), ClientID: clientID, UserID: userID, Created: time.Unix(1, 0), Expires: p.now().Add(time.Hour),
			JWTUntil: p.now().Add(time.Hour), // kept so long
		}
		if err := p.authorizations.Create(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// AlterAuthorization writes an authorization as another version of the program, or another node, may have left it.
func (p *Provider) AlterAuthorization(ctx context.Context, id string, alter func(*Authorization)) error {
	_, err := p.authorizations.Update(ctx, id, func(a *Authorization) error {
		alter(a)
		return nil
	})
	return err
}

// SetDeviceStatus is AlterAuthorization for what became of a device.
func (a *Authorization) SetDeviceStatus(status uint8) { a.Device.Status = deviceStatus(status) }

// NewUserCode is one letter after the other.
func NewUserCode() string { return newUserCode() }
