package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// App is a client to which a user has allowed something: he remembers his consent, or what he allowed still stands.
type App struct {
	Client         *Client
	Scope          Scope
	Audience       []string
	Since          time.Time
	LastUsed       time.Time // zero: never, or not for long
	Authorizations int       // that still stand, without personal access tokens
}

// AppsOf gives what a user has allowed, by the names of the clients. Personal access tokens are not among it.
func (p *Provider) AppsOf(ctx context.Context, userID string) ([]*App, error) {
	if userID == "" || len(userTag(userID)) > store.MaxID {
		return nil, nil
	}
	apps := map[string]*App{}
	if err := p.addConsents(ctx, userID, apps); err != nil {
		return nil, err
	}
	if err := p.addAllowed(ctx, userID, apps); err != nil {
		return nil, err
	}
	list := make([]*App, 0, len(apps))
	for _, app := range apps {
		list = append(list, app)
	}
	slices.SortFunc(list, func(a, b *App) int { return byName(a.Client, b.Client) })
	return list, nil
}

// addConsents adds what the user remembers to have allowed.
func (p *Provider) addConsents(ctx context.Context, userID string, apps map[string]*App) error {
	err := p.consents.All(ctx, userTag(userID), func(kept *Consent) error {
		c, err := p.Client(ctx, kept.ClientID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read client: %w", err)
		}
		if kept.UserID == userID && p.counts(kept, c) {
			appOf(apps, c, kept.Created).allow(kept.Scope, kept.Audience)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list consents: %w", err)
	}
	return nil
}

// addAllowed adds what still stands.
func (p *Provider) addAllowed(ctx context.Context, userID string, apps map[string]*App) error {
	owner := map[string]*App{} // by key
	err := p.eachLive(ctx, userTag(userID), func(a *Authorization, c *Client) (bool, error) {
		if a.UserID == userID && !a.IsPersonal() {
			app := appOf(apps, c, a.Created)
			app.allow(a.Scope, a.Audience)
			app.Authorizations++
			owner[AuthorizationKey(a.ID)] = app
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(owner))
	for key := range owner {
		keys = append(keys, key)
	}
	used, err := p.LastUsed(ctx, keys...)
	if err != nil {
		return err
	}
	for key, at := range used {
		if app := owner[key]; app != nil {
			app.LastUsed = later(app.LastUsed, at)
		}
	}
	return nil
}

func appOf(apps map[string]*App, c *Client, since time.Time) *App {
	app := apps[c.ClientID]
	if app == nil {
		app = &App{Client: c, Since: since}
		apps[c.ClientID] = app
	}
	app.Since = earlier(app.Since, since)
	return app
}

func (app *App) allow(scope Scope, audience []string) {
	app.Scope = app.Scope.Union(scope)
	app.Audience = Scope(app.Audience).Union(audience)
}

// WithdrawApp takes back what a user has allowed a client: the consent, so that nothing new begins by it, and every
// authorization. Personal access tokens stay. store.ErrNotFound where nothing was allowed.
func (p *Provider) WithdrawApp(ctx context.Context, userID, clientID string) error {
	if userID == "" || len(userTag(userID)) > store.MaxID || !isClientID(clientID) {
		return store.ErrNotFound
	}
	kept, err := p.consents.Get(ctx, consentID(userID, clientID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read consent: %w", err)
	}
	if err != nil {
		// Without anything to withdraw nothing is noted: every node holds the notes, and anybody could fill them.
		if found, err := p.hasAllowed(ctx, userID, clientID); err != nil || !found {
			return cmp.Or(err, store.ErrNotFound)
		}
	}
	// Noted before anything is taken back: what failed halfway is still listed, and can be done again.
	if err := p.noteWithdrawal(ctx, userID, clientID, kept); err != nil {
		return fmt.Errorf("note that a consent was withdrawn: %w", err)
	}
	if _, err := p.consents.Take(ctx, consentID(userID, clientID)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("forget consent: %w", err)
	}
	err = p.endThose(ctx, userTag(userID), "withdrawn by its user", func(a *Authorization) (bool, error) {
		return a.allowedTo(userID, clientID), nil
	})
	if err != nil {
		return fmt.Errorf("end what was allowed: %w", err)
	}
	return p.audit(ctx, "consent.withdrawn", clientObject(clientID), map[string]string{"user": userID})
}

// allowedTo reports whether it is what the user allowed the client, and not a personal access token for it.
func (a *Authorization) allowedTo(userID, clientID string) bool {
	return a.UserID == userID && a.ClientID == clientID && !a.IsPersonal()
}

// hasAllowed reports whether there is any authorization that withdrawing would end.
func (p *Provider) hasAllowed(ctx context.Context, userID, clientID string) (bool, error) {
	errFound := errors.New("found")
	err := p.authorizations.All(ctx, userTag(userID), func(a *Authorization) error {
		if a.allowedTo(userID, clientID) {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for what was allowed: %w", err)
	}
	return false, nil
}
