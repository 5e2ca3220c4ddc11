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
