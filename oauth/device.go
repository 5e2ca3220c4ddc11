package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// RFC 8628: the device authorization grant. A device asks for a pair of codes and shows the short one; a person types that
// here, in a browser of his own, and answers as on every consent page; meanwhile the device asks the token endpoint with the
// long one (grant_device.go).

// DeviceRequest is a device authorization request as it was sent (RFC 8628 section 3.1; RFC 8707 section 2). Its client is
// authenticated already.
type DeviceRequest struct {
	Scope     string
	Resources []string
	Address   string // for the limit on waiting requests; "" is exempt
}

// DeviceCodes are the answer to it (RFC 8628 section 3.2).
type DeviceCodes struct {
	DeviceCode string
	UserCode   string        // as people read it: "WDJB-MJHT"
	Lifetime   time.Duration // of both codes
	Interval   time.Duration // between two questions of the device
}

// PollInterval is how long a device waits between two questions (RFC 8628 section 3.2).
const PollInterval = 5 * time.Second

// deviceState is the device code of an authorization and what became of it. An authorization begins without a user: it is
// the user's from the moment that he allows it.
type deviceState struct {
	Digest  digest       `json:"digest"`
	Expires time.Time    `json:"expires"`
	Status  deviceStatus `json:"status"`
}

// deviceStatus is how far a device authorization has come. Its numbers stand in the store.
type deviceStatus uint8

const (
	deviceWaits deviceStatus = iota
	deviceAllowed
	deviceDenied
	deviceRedeemed // kept, so that a second use is noticed
)

// deviceKept is how long the end of a device code is remembered, so that a device that asks late hears that it is over.
const deviceKept = 5 * time.Minute

// userCode leads from what a person types to the authorization. Its id is a keyed digest: the store alone tells nobody a code
// that he could allow to himself.
type userCode struct {
	ID            string    `json:"id"`
	Authorization string    `json:"authorization"`
	Expires       time.Time `json:"expires"`
}

var userCodeKind = store.Kind{Name: "user_code", Spread: true}

func newUserCodes(b store.Backend) *store.Collection[userCode] {
	return &store.Collection[userCode]{
		Backend: b, Kind: userCodeKind,
		ID:      func(c *userCode) string { return c.ID },
		Expires: func(c *userCode) time.Time { return c.Expires },
	}
}

// What is limited about user codes (RFC 8628 section 5.1). A code is one of 20^8, so a guess hits one of a thousand that wait
// once in 25 million times.
var (
	userCodeGuesses = account.Limit{Kind: store.Kind{Name: "user_code_guesses", Spread: true}, Most: 10, Window: 10 * time.Minute} // of a user
	userCodeAddress = account.Limit{Kind: store.Kind{Name: "user_code_address", Spread: true}, Most: 50, Window: 10 * time.Minute} // of an address
	userCodeUses    = store.Kind{Name: "user_code_uses", Spread: true}                                                             // of a code, by whomever
)

// userCodeTries is how often one code may be typed. One that is sent to many people is an attack on all of them (RFC 8628
// section 5.4).
const userCodeTries = 10

// MaxDeviceCode is the longest life that a device code may be given.
const MaxDeviceCode = time.Hour

// userCodeAttempts bounds how often a code is made to find one that nobody has.
const userCodeAttempts = 8

// AuthorizeDevice begins a device authorization of an authenticated client.
func (p *Provider) AuthorizeDevice(ctx context.Context, c *Client, r *DeviceRequest) (codes *DeviceCodes, err error) {
	defer func() { p.usage.failed(err, c.ClientID) }()
	if !c.MayUse(DeviceCode) {
		return nil, refuse(UnauthorizedClient, "this grant type is not registered for the client").
			By("a client uses the grants that it is registered for", grantSource).Saying(nearGrant(c, DeviceCode))
	}
	scope, audience, _, err := p.ask(ctx, c, r.Scope, r.Resources, c.grantedScope)
	if err != nil {
		return nil, err
	}
	if c.IsPublic() { // anybody can speak for it
		if err := p.directory.Admit(ctx, waitingRequests, r.Address); err != nil {
			return nil, err
		}
	}
	now := c.begin(p.now())
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: c.ClientID, Scope: scope, Audience: audience, Created: now, Expires: now.Add(p.lifetimes.DeviceCode),
	}
	code, t := p.tokens().mint(devicePrefix, a.ID)
	a.Device = &deviceState{Digest: t.digest, Expires: a.Expires}
	if err := p.authorizations.Create(ctx, a); err != nil {
		return nil, fmt.Errorf("keep device authorization: %w", err)
	}
	typed, err := p.nameDevice(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("keep user code: %w", err)
	}
	return &DeviceCodes{DeviceCode: code, UserCode: typed, Lifetime: p.lifetimes.DeviceCode, Interval: PollInterval}, nil
}

// nameDevice gives the authorization a user code that no other has.
func (p *Provider) nameDevice(ctx context.Context, a *Authorization) (string, error) {
	for range userCodeAttempts {
		letters := newUserCode()
		err := p.userCodes.Create(ctx, &userCode{ID: p.userCodeID(letters), Authorization: a.ID, Expires: a.Device.Expires})
		if !errors.Is(err, store.ErrExists) {
			return shownUserCode(letters), err
		}
	}
	return "", errors.New("every code that was tried is taken")
}

// userCodeLetters are those of RFC 8628 section 6.1: no vowels, so that no words come about, and nothing that reads alike.
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

func newUserCode() string {
	letters := make([]byte, 0, userCodeLength)
	for len(letters) < userCodeLength {
		var random [1]byte
		_, _ = rand.Read(random[:])                                // never fails (crypto/rand)
		if n := int(random[0]); n < 256-256%len(userCodeLetters) { // each letter is as likely as any other
			letters = append(letters, userCodeLetters[n%len(userCodeLetters)])
		}
	}
	return string(letters)
}

// UserCode reads what somebody typed, or followed as a link, in the way that it is shown: case, blanks and punctuation do
// not matter (RFC 8628 section 6.1). "" for what is no code.
func UserCode(typed string) string {
	letters, ok := userCodeOf(typed)
	if !ok {
		return ""
	}
	return shownUserCode(letters)
}

// shownUserCode puts a dash into the middle, so that people lose no letter.
func shownUserCode(letters string) string {
	const half = userCodeLength / 2
	return letters[:half] + "-" + letters[half:]
}

// maxTypedCode bounds what is looked at, in bytes.
const maxTypedCode = 64

func userCodeOf(typed string) (letters string, ok bool) {
	if len(typed) > maxTypedCode {
		return "", false
	}
	letters = strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' {
			return c - 'a' + 'A'
		}
		if strings.ContainsRune(" \t-_.·‐‑–—", c) {
			return -1
		}
		return c
	}, typed)
	return letters, len(letters) == userCodeLength && strings.Trim(letters, userCodeLetters) == ""
}

func (p *Provider) userCodeID(letters string) string {
	key := p.userCodeKey()
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(letters))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// ErrUserCode says that what somebody typed is no code that waits here: mistyped, over, or answered already.
var ErrUserCode = errors.New("no device waits with this code")

// EnterUserCode begins the answer of a signed-in user to a device: what comes next is the consent page. ErrLoginNeeded,
// ErrUserCode, *account.ThrottledError.
func (p *Provider) EnterUserCode(ctx context.Context, typed string, v Visitor) (*Interaction, error) {
	if v.Session == nil || v.User == nil {
		return nil, ErrLoginNeeded
	}
	letters, ok := userCodeOf(typed)
	if !ok {
		return nil, ErrUserCode
	}
	// Counted before it is looked up: to guess in parallel gains nothing.
	if err := p.directory.Admit(ctx, userCodeGuesses, v.User.ID); err != nil {
		return nil, err
	}
	if err := p.directory.Admit(ctx, userCodeAddress, v.Address); err != nil {
		return nil, err
	}
	r, err := p.deviceOf(ctx, letters)
	if err != nil {
		return nil, err
	}
	p.directory.Forgive(ctx, userCodeGuesses, v.User.ID)
	p.directory.Forgive(ctx, userCodeAddress, v.Address)
	return p.wait(ctx, r, v)
}

// deviceOf finds what waits under a user code.
func (p *Provider) deviceOf(ctx context.Context, letters string) (*AuthorizationRequest, error) {
	named, err := p.userCodes.Get(ctx, p.userCodeID(letters))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrUserCode
	}
	if err != nil {
		return nil, fmt.Errorf("read user code: %w", err)
	}
	tries, err := p.backend.Add(ctx, userCodeUses, named.ID, 1, MaxDeviceCode)
	if err != nil {
		return nil, fmt.Errorf("count tries of a user code: %w", err)
	}
	if tries > userCodeTries {
		return nil, &account.ThrottledError{RetryAfter: max(named.Expires.Sub(p.now()), time.Second)} // then it is over
	}
	a, err := p.authorizations.Get(ctx, named.Authorization)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrUserCode
	}
	if err != nil {
		return nil, fmt.Errorf("read device authorization: %w", err)
	}
	c, err := p.Client(ctx, a.ClientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.deviceMayBeAnswered(a, c) {
		return nil, ErrUserCode
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	return &AuthorizationRequest{ClientID: c.ClientID, Scope: a.Scope, Audience: a.Audience, Device: a.ID, client: c}, nil
}

// deviceMayBeAnswered reports whether a device waits still, and its client may have what it asked for.
func (p *Provider) deviceMayBeAnswered(a *Authorization, c *Client) bool {
	d := a.Device
	return d != nil && d.Status == deviceWaits && p.now().Before(d.Expires) && c.active(a.Created) && c.MayUse(DeviceCode) &&
		c.scope().Contains(a.Scope) && Scope(c.Audience).Contains(a.Audience)
}

// allowDevice makes the authorization that a device waits for the user's.
func (p *Provider) allowDevice(ctx context.Context, r *AuthorizationRequest, v Visitor, allowed time.Time) error {
	err := p.answerDevice(ctx, r, func(a *Authorization) {
		now := p.now()
		a.UserID, a.SessionID, a.Authenticated = v.User.ID, v.Session.ID, v.Session.Authenticated.Truncate(time.Second)
		a.UserNotBefore, a.Allowed = v.Session.NotBefore, allowed
		a.Created, a.Expires = r.client.begin(now), now.Add(p.lifetimes.RefreshAbsolute)
		a.Device.Status = deviceAllowed
		a.Device.Expires = later(a.Device.Expires, now.Add(2*PollInterval)) // its next question comes in time
	})
	if err != nil {
		return err
	}
	p.usage.userActive(v.User.ID)
	return p.auditConsent(ctx, r, v.User.ID)
}

func (p *Provider) denyDevice(ctx context.Context, r *AuthorizationRequest) error {
	return p.answerDevice(ctx, r, func(a *Authorization) { a.Device.Status = deviceDenied })
}

// answerDevice notes the answer of a user. Of several, in however many browsers, the first counts: ErrNoInteraction for the
// others.
func (p *Provider) answerDevice(ctx context.Context, r *AuthorizationRequest, change func(*Authorization)) error {
	_, err := p.authorizations.Update(ctx, r.Device, func(a *Authorization) error {
		if !p.deviceMayBeAnswered(a, r.client) {
			return ErrNoInteraction
		}
		change(a)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoInteraction
	}
	return err
}
