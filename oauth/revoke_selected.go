package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Selection says which tokens to revoke. Zero fields select all; at least one must be set.
type Selection struct {
	ClientID string
	UserID   string
	Before   time.Time // what began before it
}

// ErrNothingSelected reports a Selection without any field set.
var ErrNothingSelected = errors.New("nothing is selected: name a client, a user or a time")

// RevokeSelected ends what is selected, personal access tokens and, where no user is named, tokens of machines among it.
// ended counts the authorizations that stood until then. store.ErrNotFound for an unknown client or user.
func (p *Provider) RevokeSelected(ctx context.Context, s Selection) (ended int, err error) {
	switch {
	case s.UserID != "":
		return p.revokeOfUser(ctx, s)
	case s.ClientID != "":
		return p.revokeOfClient(ctx, s.ClientID, s.Before)
	case s.Before.IsZero():
		return 0, ErrNothingSelected
	}
	err = p.clients.All(ctx, "", func(c *Client) error {
		n, err := p.revokeOfClient(ctx, c.ClientID, s.Before)
		ended += n
		if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		return ended, fmt.Errorf("revoke of every client: %w", err)
	}
	return ended, nil
}

// revokeOfClient moves the time before which nothing of the client counts: one write, which reaches what is not indexed,
// too.
func (p *Provider) revokeOfClient(ctx context.Context, clientID string, before time.Time) (ended int, err error) {
	if _, err := p.Client(ctx, clientID); err != nil {
		return 0, err
	}
	everything := before.IsZero() || before.After(p.now())
	err = p.eachLive(ctx, clientTag(clientID), func(a *Authorization, _ *Client) (bool, error) {
		if everything || a.Created.Before(before) {
			ended++
		}
		return false, nil
	})
	if err != nil {
		return 0, err
	}
	if everything {
		return ended, p.EndClientTokens(ctx, clientID)
	}
	last := before.Add(-1).Truncate(time.Millisecond) // the last moment before it, in the precision of the store
	e := event{"client.tokens_revoked", map[string]string{"before": before.UTC().Format(time.RFC3339)}}
	return ended, p.changeClient(ctx, clientID, e, func(c *Client) error {
		c.NotBefore = later(last, c.NotBefore) // never back: what has ended stays so
		return nil
	})
}

func (p *Provider) revokeOfUser(ctx context.Context, s Selection) (ended int, err error) {
	if _, err := p.directory.User(ctx, s.UserID); err != nil {
		return 0, err
	}
	if s.ClientID != "" {
		if _, err := p.Client(ctx, s.ClientID); err != nil {
			return 0, err
		}
	}
	err = p.endThose(ctx, userTag(s.UserID), "revoked by hand", func(a *Authorization) (bool, error) {
		if a.UserID != s.UserID || s.ClientID != "" && a.ClientID != s.ClientID || !s.Before.IsZero() && !a.Created.Before(s.Before) {
			return false, nil
		}
		_, stands, err := p.standing(ctx, a)
		if stands {
			ended++
		}
		return true, err
	})
	if err != nil {
		return ended, fmt.Errorf("revoke what a user allowed: %w", err)
	}
	return ended, nil
}
