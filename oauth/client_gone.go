package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// goneClient notes for a while that a client was deleted. Nodes that have not heard of it go on to issue in its name for a
// moment: what they issue must not count for a client that is registered under the same id right after.
type goneClient struct {
	ID      string    `json:"id"`
	Until   time.Time `json:"until"` // what began at or before it is the deleted client's
	Expires time.Time `json:"expires"`
}

// goneKept is longer than nodes issue for a client that is gone.
const goneKept = time.Minute

func newGoneClients(b store.Backend) *store.Collection[goneClient] {
	return &store.Collection[goneClient]{
		Backend: b, Kind: store.Kind{Name: "client_gone"},
		ID:      func(g *goneClient) string { return g.ID },
		Expires: func(g *goneClient) time.Time { return g.Expires },
	}
}

// noteGone tells until when what began was that of the client.
func (p *Provider) noteGone(ctx context.Context, id string) (until time.Time, err error) {
	now := p.now()
	err = mergeInto(ctx, p.gone, id, func(g *goneClient) error {
		until = later(now.Add(endSettles), g.Until)
		*g = goneClient{ID: id, Until: until, Expires: now.Add(goneKept)}
		return nil
	})
	if err != nil {
		return until, fmt.Errorf("note that a client is gone: %w", err)
	}
	return until, nil
}

// afterGone has a new client begin after the last one that had its id.
func (p *Provider) afterGone(ctx context.Context, c *Client) error {
	g, err := p.gone.Get(ctx, c.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read who had the client_id before: %w", err)
	}
	c.NotBefore = later(c.NotBefore, g.Until)
	return nil
}
