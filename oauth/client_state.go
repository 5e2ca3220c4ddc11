package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// ClientState is whether a client may be used.
type ClientState string

// The states of a client.
const (
	Enabled  ClientState = "enabled"
	Disabled ClientState = "disabled"
)

// SetClientState enables or disables a client. While disabled it cannot authenticate and its tokens are refused.
// store.ErrNotFound, account.ErrBuiltIn, and *account.ForbiddenError where a mightier client is to be enabled.
func (p *Provider) SetClientState(ctx context.Context, clientID string, state ClientState) error {
	if state != Enabled && state != Disabled {
		return fmt.Errorf("change client %s: unknown state %q", clientID, state)
	}
	var changed *Client
	err := p.changeClient(ctx, clientID, event{action: "client." + string(state)}, func(c *Client) error {
		if c.BuiltIn {
			return account.ErrBuiltIn
		}
		if state == Enabled {
			if err := c.guard(ctx); err != nil {
				return err
			}
		}
		c.Disabled = state == Disabled
		changed = c
		return nil
	})
	if err != nil || state == Disabled {
		return err
	}
	// Told after it was written, also where nothing changed: APIs let its tokens in again only when they are good here.
	return p.tellClient(ctx, changed)
}

// endSettles is how long nodes may not have heard of an end, two seconds (store.Cache), and by how much their clocks may be ahead
// besides, as much again: what they issue meanwhile has ended as well.
const endSettles = 4 * time.Second

// EndClientTokens ends every code and token of a client that was issued until now.
func (p *Provider) EndClientTokens(ctx context.Context, clientID string) error {
	return p.changeClient(ctx, clientID, event{action: "client.tokens_revoked"}, func(c *Client) error {
		c.NotBefore = c.begin(p.now().Add(endSettles))
		return nil
	})
}

// event is what a change is called in the audit log.
type event struct {
	action string
	detail map[string]string
}

func (p *Provider) changeClient(ctx context.Context, id string, e event, change func(*Client) error) error {
	if !isClientID(id) {
		return store.ErrNotFound
	}
	if _, err := p.clients.Update(ctx, id, func(c *Client) error {
		was := *c
		c.Updated = p.now()
		if err := change(c); err != nil {
			return err
		}
		if c.Disabled && !was.Disabled || c.NotBefore.After(was.NotBefore) {
			return p.tellClient(ctx, c)
		}
		return nil
	}); err != nil {
		return err
	}
	return p.audit(ctx, e.action, clientObject(id), e.detail)
}
