package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// How long a set-up link works, and how many work side by side: each node that starts without a user prints one.
const (
	setupLifetime = 24 * time.Hour
	setupLinksMax = 16
	setupID       = "first"
)

// setupLinks is the one record of the links by which the first super admin can be made. Whoever takes it makes the first
// super admin.
type setupLinks struct {
	Links []setupLink `json:"links"`
}

type setupLink struct {
	Digest  string    `json:"digest"`
	Expires time.Time `json:"expires"`
}

func setupCollection(b store.Backend) store.Collection[setupLinks] {
	return store.Collection[setupLinks]{
		Backend: b,
		Kind:    store.Kind{Name: "setup"},
		ID:      func(*setupLinks) string { return setupID },
		Expires: func(s *setupLinks) time.Time {
			var last time.Time
			for _, l := range s.Links {
				last = later(l.Expires, last)
			}
			return last
		},
	}
}

// SetupLink gives a token that makes the first super admin, once, within 24 hours, as long as there is no user.
// ErrSetupDone.
func (d *Directory) SetupLink(ctx context.Context) (token string, err error) {
	if err := d.unsettled(ctx); err != nil {
		return "", err
	}
	token = newSecret()
	link := setupLink{Digest: setupDigest(token), Expires: d.now().Add(setupLifetime)}
	for range raceAttempts {
		err = d.addSetupLink(ctx, link)
		if err == nil || !lostStep(err) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("write the set-up link: %w", err)
	}
	return token, d.Audit.Record(ctx, Event{Action: "setup.link_created"})
}

func (d *Directory) addSetupLink(ctx context.Context, link setupLink) error {
	old, err := d.setups.Load(ctx, setupID)
	if errors.Is(err, store.ErrNotFound) {
		return d.setups.Create(ctx, &setupLinks{Links: []setupLink{link}})
	}
	if err != nil {
		return err
	}
	links := append(slices.Clone(old.Value.Links), link)
	if len(links) > setupLinksMax {
		links = links[len(links)-setupLinksMax:]
	}
	_, err = d.setups.Swap(ctx, old, &setupLinks{Links: links})
	return err
}

// unsettled tells that the first user is still to be made. ErrSetupDone.
func (d *Directory) unsettled(ctx context.Context) error {
	settled, err := d.HasUsers(ctx)
	if err != nil {
		return err
	}
	if settled {
		return ErrSetupDone
	}
	return nil
}

// CheckSetup tells whether a set-up link works, without using it up. ErrSetupLink, ErrSetupDone.
func (d *Directory) CheckSetup(ctx context.Context, token string) error {
	if err := d.unsettled(ctx); err != nil {
		return err
	}
	if !isSecret(token) {
		return ErrSetupLink
	}
	links, err := d.setups.Get(ctx, setupID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrSetupLink
	}
	if err != nil {
		return fmt.Errorf("read the set-up link: %w", err)
	}
	if !links.opens(token, d.now()) {
		return ErrSetupLink
	}
	return nil
}

func (s *setupLinks) opens(token string, now time.Time) bool {
	want := []byte(setupDigest(token))
	found := false
	for _, l := range s.Links {
		if subtle.ConstantTimeCompare(want, []byte(l.Digest)) == 1 && now.Before(l.Expires) {
			found = true
		}
	}
	return found
}

// CompleteSetup makes the first super admin by a set-up link, and uses all links up. A wrong field uses up nothing.
// *FieldErrors, ErrSetupLink, ErrSetupDone.
func (d *Directory) CompleteSetup(ctx context.Context, token string, n NewUser) (*User, error) {
	if err := d.CheckSetup(ctx, token); err != nil {
		return nil, err
	}
	n.SuperAdmin = true
	p, err := d.prepare(ctx, n, chosen)
	if err != nil {
		return nil, err
	}
	links, err := d.setups.Take(ctx, setupID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrSetupLink
	}
	if err != nil {
		return nil, fmt.Errorf("use up the set-up link: %w", err)
	}
	u, err := d.firstUser(ctx, links, token, p)
	if err != nil {
		// Put back for another try. Where that fails too, the next start prints a new link.
		_ = d.setups.Create(ctx, links)
		return nil, asFieldError(err)
	}
	actor := Actor{Kind: ActorUser, ID: u.ID, Name: u.Username, Address: ActorFrom(ctx).Address}
	return u, d.record(WithActor(ctx, actor), "setup.completed", u.ID, "username", u.Username)
}

// firstUser asks again what CheckSetup asked, now that nobody else holds the links.
func (d *Directory) firstUser(ctx context.Context, links *setupLinks, token string, p *person) (*User, error) {
	if !links.opens(token, d.now()) {
		return nil, ErrSetupLink
	}
	if err := d.unsettled(ctx); err != nil {
		return nil, err
	}
	return d.insert(ctx, p)
}

func setupDigest(token string) string { return digest("setup", token) }
