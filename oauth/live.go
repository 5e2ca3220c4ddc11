package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// LiveAuthorization is an authorization that still stands, as people are shown it.
type LiveAuthorization struct {
	*Authorization
	LastUsed   time.Time // zero: never, or not for long
	Username   string    // "" where the client acts for itself
	ClientName string
}

// Name is what its user called it, if it is a personal access token.
func (a *Authorization) Name() string {
	if a.Personal == nil {
		return ""
	}
	return a.Personal.Name
}

// IsPersonal reports whether it is a personal access token.
func (a *Authorization) IsPersonal() bool { return a.Personal != nil }

func userTag(id string) string   { return "user:" + id }
func clientTag(id string) string { return "client:" + id }

// isAuthorizationID spares the store a look-up of junk.
func isAuthorizationID(id string) bool {
	return len(id) == 2*tokenIDSize && strings.Trim(id, "0123456789abcdef") == ""
}

// standing tells whether there is anything left of an authorization that can be used. The client is nil where it was
// deleted.
func (p *Provider) standing(ctx context.Context, a *Authorization) (*Client, bool, error) {
	c, err := p.Client(ctx, a.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read client: %w", err)
	}
	if err := p.checkLive(ctx, a, c); errors.Is(err, errEnded) {
		return c, false, nil
	} else if err != nil {
		return c, false, err
	}
	return c, p.now().Before(a.usable(c)), nil
}

// usable is when the last code or token of the authorization ends that its client may still use.
func (a *Authorization) usable(c *Client) time.Time {
	left := *a
	if a.Code != nil && (a.Code.Redeemed || !c.MayUse(AuthorizationCode)) {
		left.Code = nil
	}
	if !c.MayUse(RefreshToken) {
		left.Refresh = nil
	}
	left.Device = nil // it is kept for longer than it is good for
	end := left.ends()
	if d := a.Device; d != nil && d.Status == deviceAllowed && d.Expires.After(end) && c.MayUse(DeviceCode) {
		return d.Expires
	}
	return end
}

// livePage is how many authorizations are read at once.
const livePage = 200

// someLivePages is how many pages are read for one answer to a person: of very many that have ended, few may still stand.
const someLivePages = 50

type liveVisit func(*Authorization, *Client) (enough bool, err error)

// eachLive visits what still stands under a tag until visit says that it has enough.
func (p *Provider) eachLive(ctx context.Context, tag string, visit liveVisit) error {
	for cursor := ""; ; {
		rest, err := p.someLive(ctx, tag, cursor, visit)
		if err != nil || rest == "" {
			return err
		}
		cursor = rest
	}
}

// someLive visits what still stands under a tag, behind the cursor, until visit says that it has enough. Where it read as
// much as one answer may cost before that, it gives the cursor to go on from.
func (p *Provider) someLive(ctx context.Context, tag, cursor string, visit liveVisit) (rest string, err error) {
	if tag == "" || len(tag) > store.MaxID || len(cursor) > store.MaxID {
		return "", nil
	}
	for range someLivePages {
		page, next, err := p.authorizations.List(ctx, tag, cursor, livePage)
		if err != nil {
			return "", fmt.Errorf("list authorizations: %w", err)
		}
		for _, a := range page {
			c, stands, err := p.standing(ctx, a)
			if err != nil {
				return "", err
			}
			if !stands {
				continue
			}
			if enough, err := visit(a, c); enough || err != nil {
				return "", err
			}
		}
		if next == "" {
			return "", nil
		}
		cursor = next
	}
	return cursor, nil
}

// LiveAuthorizations gives a page of what still stands under a tag, "user:ID" or "client:ID", in the order of their
// creation, personal access tokens among them. A page may be shorter than limit without being the last.
func (p *Provider) LiveAuthorizations(ctx context.Context, tag, cursor string, limit int) (page []*LiveAuthorization, next string, err error) {
	const most = 500
	if limit <= 0 || limit > most {
		limit = most
	}
	rest, err := p.someLive(ctx, tag, cursor, func(a *Authorization, c *Client) (bool, error) {
		if len(page) == limit { // there is one more
			next = page[limit-1].ID
			return true, nil
		}
		shown, err := p.show(ctx, a, c)
		page = append(page, shown)
		return false, err
	})
	if err != nil {
		return nil, "", err
	}
	if next == "" {
		next = rest
	}
	return page, next, p.addLastUsed(ctx, page)
}

func (p *Provider) show(ctx context.Context, a *Authorization, c *Client) (*LiveAuthorization, error) {
	shown := &LiveAuthorization{Authorization: a, ClientName: c.Name()}
	if a.UserID == "" {
		return shown, nil
	}
	user, err := p.directory.User(ctx, a.UserID)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // not found: deleted this moment
		return nil, fmt.Errorf("read user: %w", err)
	}
	if err == nil {
		shown.Username = user.Username
	}
	return shown, nil
}

func (p *Provider) addLastUsed(ctx context.Context, page []*LiveAuthorization) error {
	keys := make([]string, len(page))
	for i, a := range page {
		keys[i] = AuthorizationKey(a.ID)
	}
	used, err := p.LastUsed(ctx, keys...)
	if err != nil {
		return err
	}
	for _, a := range page {
		a.LastUsed = used[AuthorizationKey(a.ID)]
	}
	return nil
}

// LiveAuthorization gives an authorization that still stands. store.ErrNotFound.
func (p *Provider) LiveAuthorization(ctx context.Context, id string) (*LiveAuthorization, error) {
	if !isAuthorizationID(id) {
		return nil, store.ErrNotFound
	}
	a, err := p.authorizations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read authorization: %w", err)
	}
	c, stands, err := p.standing(ctx, a)
	if err != nil {
		return nil, err
	}
	if !stands {
		return nil, store.ErrNotFound
	}
	shown, err := p.show(ctx, a, c)
	if err != nil {
		return nil, err
	}
	return shown, p.addLastUsed(ctx, []*LiveAuthorization{shown})
}

// LiveTokens counts what would end with a client.
type LiveTokens struct {
	Authorizations int
	More           bool  // counting stopped at 10,000
	Machine        int64 // tokens that it got by itself within their lifetime; within the newest step of the statistics an estimate
}

const maxCounted = 10_000

// LiveTokens counts what would end with a client. store.ErrNotFound.
func (p *Provider) LiveTokens(ctx context.Context, clientID string) (live LiveTokens, err error) {
	c, err := p.Client(ctx, clientID)
	if err != nil {
		return live, err
	}
	rest, err := p.someLive(ctx, clientTag(clientID), "", func(*Authorization, *Client) (bool, error) {
		if live.Authorizations == maxCounted {
			live.More = true
			return true, nil
		}
		live.Authorizations++
		return false, nil
	})
	live.More = live.More || rest != ""
	if err != nil || c.Disabled {
		return live, err
	}
	live.Machine, err = p.machineTokens(ctx, c)
	return live, err
}

// machineTokens counts from the statistics, as machines' tokens are not indexed. A step in which everything was ended does
// not count.
func (p *Provider) machineTokens(ctx context.Context, c *Client) (n int64, err error) {
	lifetime, err := p.longestLifetime(ctx, c)
	if err != nil {
		return 0, err
	}
	period := Hour
	if lifetime > time.Hour {
		period = Day
	}
	s, err := p.ClientStatistics(ctx, c.ClientID, period)
	if err != nil {
		return 0, err
	}
	began := p.now().Add(-lifetime)
	for _, series := range s.Issued {
		if series.Name != string(ClientCredentials) {
			continue
		}
		for i, count := range series.Counts {
			from := s.From.Add(time.Duration(i) * s.Step)
			ended := c.NotBefore.After(c.Created) && !from.After(c.NotBefore) ||
				!from.Add(s.Step).After(c.Created) // those of another client that had the id before
			if from.Add(s.Step).After(began) && !ended {
				n += count
			}
		}
	}
	return n, nil
}
