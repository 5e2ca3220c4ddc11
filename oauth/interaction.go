package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

var interactionKind = store.Kind{Name: "interaction", Spread: true}

// Interaction is an authorization request that waits for login or consent. It belongs to one browser, and what the
// person did for it is noted in it: a page can add to it only by the functions of this file.
type Interaction struct {
	ID        string               `json:"id"` // digest of the handle that the browser carries
	Request   AuthorizationRequest `json:"request"`
	Browser   string               `json:"browser"` // digest of the browser's cookie
	Created   time.Time            `json:"created"`
	Expires   time.Time            `json:"expires"`
	Session   string               `json:"session,omitempty"`   // the session of a login that was made for this request
	Allowed   string               `json:"allowed,omitempty"`   // the user who pressed Allow for this request
	AllowedAt time.Time            `json:"allowed_at,omitzero"` // when he did

	// Handle is how the browser names the interaction. It is not stored.
	Handle string `json:"-"`
}

// ErrNoInteraction reports that a request is unknown, over, or another browser's.
var ErrNoInteraction = errors.New("no such authorization request is waiting")

func newInteractions(b store.Backend) *store.Collection[Interaction] {
	return &store.Collection[Interaction]{
		Backend: b, Kind: interactionKind,
		ID:      func(i *Interaction) string { return i.ID },
		Expires: func(i *Interaction) time.Time { return i.Expires },
	}
}

func handleDigest(purpose, s string) string {
	sum := sha256.Sum256([]byte(purpose + " " + s))
	return hex.EncodeToString(sum[:])
}

// waitingRequests bounds what one address can leave in the store by requests that nobody ever answers.
var waitingRequests = account.Limit{
	Kind: store.Kind{Name: "waiting_requests", Spread: true}, Most: 1000, Window: 10 * time.Minute,
}

// wait keeps a request until its person has logged in or answered.
func (p *Provider) wait(ctx context.Context, r *AuthorizationRequest, v Visitor) (*Interaction, error) {
	if err := p.directory.Admit(ctx, waitingRequests, v.Address); err != nil {
		return nil, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	now := p.now()
	i := &Interaction{
		Request: *r, Created: r.client.begin(now), Expires: now.Add(p.lifetimes.Interaction),
		Handle: base64.RawURLEncoding.EncodeToString(random[:]), Browser: handleDigest("browser", v.Browser),
	}
	i.ID = handleDigest("interaction", i.Handle)
	if err := p.interactions.Create(ctx, i); err != nil {
		return nil, fmt.Errorf("keep authorization request: %w", err)
	}
	return i, nil
}

// Waiting gives the request that a browser's handle names, with its client. ErrNoInteraction.
func (p *Provider) Waiting(ctx context.Context, handle, browser string) (*Interaction, *Client, error) {
	if len(handle) != base64.RawURLEncoding.EncodedLen(32) || browser == "" {
		return nil, nil, ErrNoInteraction
	}
	i, err := p.interactions.Get(ctx, handleDigest("interaction", handle))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, ErrNoInteraction
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read authorization request: %w", err)
	}
	owner := handleDigest("browser", browser)
	if subtle.ConstantTimeCompare([]byte(owner), []byte(i.Browser)) != 1 || !p.now().Before(i.Expires) {
		return nil, nil, ErrNoInteraction
	}
	c, err := p.Client(ctx, i.Request.ClientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !i.stillAllowed(c) {
		return nil, nil, ErrNoInteraction
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read client: %w", err)
	}
	i.Handle, i.Request.client = handle, c
	return i, c, nil
}

// stillAllowed reports whether the client may still ask for what it asked when the request came.
func (i *Interaction) stillAllowed(c *Client) bool {
	r := &i.Request
	mayReturn := c.MayUse(AuthorizationCode) && c.AllowsRedirect(r.RedirectURI)
	if r.Device != "" {
		mayReturn = c.MayUse(DeviceCode)
	}
	return mayReturn && c.active(i.Created) &&
		c.scope().Contains(r.Scope) && Scope(c.Audience).Contains(r.Audience)
}

// LoggedIn notes that the person logged in for this request, in the session named.
func (p *Provider) LoggedIn(ctx context.Context, i *Interaction, sessionID string) error {
	return p.changeInteraction(ctx, i, func(i *Interaction) { i.Session = sessionID })
}

// ErrLoginNeeded reports that a request wants a login first, so that an answer to it does not count yet.
var ErrLoginNeeded = errors.New("the request wants a login first")

// Allow notes that the signed-in user allowed what the request asks for, and remembers it, but for a device: nobody proves
// which device asks, so each time is asked about (RFC 8628 section 5.4). ErrLoginNeeded, ErrNoInteraction.
func (p *Provider) Allow(ctx context.Context, i *Interaction, v Visitor) error {
	if p.needsLogin(i, v) {
		return ErrLoginNeeded
	}
	// First what ends with the request: one that was denied in another tab must leave no consent behind.
	at, err := p.allowing(ctx, v.User.ID, i.Request.ClientID)
	if err != nil {
		return err
	}
	if err := p.changeInteraction(ctx, i, func(i *Interaction) { i.Allowed, i.AllowedAt = v.User.ID, at }); err != nil {
		return err
	}
	if i.Request.Device != "" {
		return nil // it is granted when the device is allowed to go on, which somebody else may have answered meanwhile
	}
	if err := p.rememberConsent(ctx, v.User.ID, i); err != nil {
		return fmt.Errorf("remember consent: %w", err)
	}
	return p.auditConsent(ctx, &i.Request, v.User.ID)
}

func (p *Provider) auditConsent(ctx context.Context, r *AuthorizationRequest, userID string) error {
	detail := map[string]string{"user": userID, "scope": r.Scope.String(), "audience": strings.Join(r.Audience, " ")}
	if r.Device != "" {
		detail["device"] = "true"
	}
	return p.audit(ctx, "consent.granted", clientObject(r.ClientID), detail)
}

// Deny ends the request with access_denied (RFC 6749 section 4.1.2.1; RFC 8628 section 3.5). Of several answers to one request
// one counts.
func (p *Provider) Deny(ctx context.Context, i *Interaction) (*Decision, error) {
	if err := p.finish(ctx, i); err != nil {
		return nil, err
	}
	if i.Request.Device != "" {
		return &Decision{Step: DeviceDenied}, p.denyDevice(ctx, &i.Request)
	}
	return respond(p.respondError(&i.Request, refuse(AccessDenied, "the user did not allow it").
		By("the user allows what is asked for", "RFC 6749 section 4.1.2.1").
		Saying("asked for: "+covered(i.Request.Scope.String(), 600)))), nil
}

// finish uses the interaction up. ErrNoInteraction where it was used already.
func (p *Provider) finish(ctx context.Context, i *Interaction) error {
	_, err := p.interactions.Take(ctx, i.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoInteraction
	}
	if err != nil {
		return fmt.Errorf("end authorization request: %w", err)
	}
	return nil
}

func (p *Provider) changeInteraction(ctx context.Context, i *Interaction, change func(*Interaction)) error {
	_, err := p.interactions.Update(ctx, i.ID, func(stored *Interaction) error {
		change(stored)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoInteraction
	}
	if err != nil {
		return fmt.Errorf("keep authorization request: %w", err)
	}
	change(i)
	return nil
}
