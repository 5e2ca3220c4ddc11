package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

var authorizationKind = store.Kind{Name: "authorization", Spread: true}

// maxAccessTokens bounds the opaque access tokens of one authorization that live at once; the oldest gives way.
const maxAccessTokens = 32

// Authorization is what a subject permitted a client, with the digests of the code and tokens that stand for it. It is
// one record, so that redeeming, rotating and detecting a second use are one Swap, and revoking is one Take. Its form in
// the store is that of authorization_codec.go; the names here are those of older records.
type Authorization struct {
	ID            string         `json:"id"`
	ClientID      string         `json:"client_id"`
	UserID        string         `json:"user_id,omitempty"` // empty: the client acts for itself, or a device waits for its user
	Scope         Scope          `json:"scope,omitempty"`
	Audience      []string       `json:"audience,omitempty"`
	SessionID     string         `json:"session_id,omitempty"`
	Authenticated time.Time      `json:"authenticated,omitzero"`   // when the user logged in
	UserNotBefore time.Time      `json:"user_not_before,omitzero"` // the user's when the session began: it ends when that moves
	Created       time.Time      `json:"created"`
	Expires       time.Time      `json:"expires"` // nothing of it lives longer
	Code          *codeState     `json:"code,omitempty"`
	Device        *deviceState   `json:"device,omitempty"`
	Refresh       *refreshState  `json:"refresh,omitempty"`
	Previous      *usedRefresh   `json:"previous,omitempty"`
	Access        []accessState  `json:"access,omitempty"`
	Allowed       time.Time      `json:"allowed,omitzero"`   // when its user gave the consent that it relies on
	Personal      *personalState `json:"personal,omitempty"` // set for a personal access token, which has no other
	JWTUntil      time.Time      `json:"jwt_until,omitzero"` // when the last JWT access token of it ends
}

// codeState is the authorization code, kept after its use so that a second use is noticed.
type codeState struct {
	Digest      digest    `json:"digest"`
	Expires     time.Time `json:"expires"`
	RedirectURI string    `json:"redirect_uri"`
	URIGiven    bool      `json:"uri_given"` // the authorization request named the URI, so the token request must, too
	Challenge   string    `json:"challenge"` // S256 (RFC 7636)
	Redeemed    bool      `json:"redeemed,omitempty"`
}

// refreshState is the one refresh token that may be used.
type refreshState struct {
	Digest  digest    `json:"digest"`
	Expires time.Time `json:"expires"`
}

// usedRefresh is the refresh token before it. Sealed holds what its use was answered with, under a key derived from the
// token itself: only who has the token can read it.
type usedRefresh struct {
	Digest digest    `json:"digest"`
	Used   time.Time `json:"used"`
	Sealed []byte    `json:"sealed"`
}

// accessState is an opaque access token.
type accessState struct {
	Digest   digest    `json:"digest"`
	Scope    Scope     `json:"scope,omitempty"`
	Audience []string  `json:"audience,omitempty"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
}

func newAuthorizations(b store.Backend) *store.Collection[Authorization] {
	return &store.Collection[Authorization]{
		Backend: b, Kind: authorizationKind,
		ID:      func(a *Authorization) string { return a.ID },
		Tags:    (*Authorization).tags,
		Expires: (*Authorization).ends,
		Encode:  encodeAuthorization,
		Decode:  decodeAuthorization,
	}
}

// tags index what users have permitted. Tokens of machines are many and short-lived: they are not indexed.
func (a *Authorization) tags() []string {
	if a.UserID == "" {
		return nil
	}
	return []string{userTag(a.UserID), clientTag(a.ClientID)}
}

// ends is when nothing of the authorization can be used, or noticed as used twice, any more.
func (a *Authorization) ends() time.Time {
	end := a.JWTUntil
	later := func(t time.Time) {
		if t.After(end) {
			end = t
		}
	}
	if a.Code != nil {
		later(a.Code.Expires)
	}
	if a.Device != nil {
		later(a.Device.Expires.Add(deviceKept))
	}
	if a.Refresh != nil {
		later(a.Refresh.Expires)
	}
	for i := range a.Access {
		later(a.Access[i].Expires)
	}
	if a.Personal != nil {
		later(a.Expires)
	}
	return end
}

// subject is the `sub` of its tokens: the user, or the client itself. Ids of both never meet.
func (a *Authorization) subject() string {
	if a.UserID == "" {
		return a.ClientID
	}
	return a.UserID
}

// addAccess keeps an opaque access token and lets go of those that have ended.
func (a *Authorization) addAccess(s accessState, now time.Time) {
	kept := make([]accessState, 0, len(a.Access)+1)
	for _, old := range a.Access {
		if now.Before(old.Expires) {
			kept = append(kept, old)
		}
	}
	if len(kept) >= maxAccessTokens {
		kept = kept[1:]
	}
	a.Access = append(kept, s)
}

// access finds an opaque access token that has not expired.
func (a *Authorization) access(d digest, now time.Time) (accessState, bool) {
	for _, s := range a.Access {
		if s.Digest.equal(d) {
			return s, now.Before(s.Expires)
		}
	}
	return accessState{}, false
}

// errEnded says that an authorization is no longer good, whatever token is shown for it. What wraps it says why.
var errEnded = errors.New("the authorization has ended")

func ended(why string) error { return fmt.Errorf("%w: %s", errEnded, why) }

// checkLive is the one place that says whether an authorization still stands: its client and its user exist, are not
// disabled or blocked, and have not ended everything since, or taken it back. errEnded, or a failure of the store.
func (p *Provider) checkLive(ctx context.Context, a *Authorization, c *Client) error {
	switch {
	case c.Disabled:
		return ended("its client is disabled")
	case !c.active(a.Created):
		return ended("everything that its client had was revoked after it began")
	case !p.now().Before(a.Expires):
		return ended("its authorization has expired")
	case a.Personal != nil && !c.PersonalAccessTokens:
		return ended("its client offers no personal access tokens any more")
	case a.UserID == "":
		return nil
	}
	user, err := p.directory.User(ctx, a.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return ended("its user was deleted")
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	if user.Blocked {
		return ended("its user is blocked")
	}
	if !user.Stands(a.UserNotBefore) {
		return ended("its user has a new password since, or everything of the user was ended")
	}
	if a.Allowed.IsZero() {
		return nil
	}
	withdrawn, err := p.withdrawn(ctx, a.UserID, a.ClientID)
	if err == nil && !a.Allowed.After(withdrawn) {
		return ended("its user took back what the client was allowed")
	}
	return err
}

// Authorizations gives a page of what is live under a tag, "user:ID" or "client:ID".
func (p *Provider) Authorizations(ctx context.Context, tag, cursor string, limit int) ([]*Authorization, string, error) {
	return p.authorizations.List(ctx, tag, cursor, limit)
}

// endAuthorization deletes an authorization: all that stands for it is refused from now on. One that is gone is fine.
func (p *Provider) endAuthorization(ctx context.Context, a *Authorization, reason string) error {
	return p.endAll(ctx, []*Authorization{a}, reason)
}

// endAll is endAuthorization for several, told together.
func (p *Provider) endAll(ctx context.Context, ending []*Authorization, reason string) error {
	if err := p.tellAuthorizations(ctx, ending); err != nil {
		return err
	}
	for _, a := range ending {
		if err := p.takeAuthorization(ctx, a, reason); err != nil {
			return err
		}
	}
	return nil
}

// endThose ends, of what is listed under a tag, what which chooses.
func (p *Provider) endThose(ctx context.Context, tag, reason string, which func(*Authorization) (bool, error)) error {
	for cursor := ""; ; {
		page, next, err := p.authorizations.List(ctx, tag, cursor, livePage)
		if err != nil {
			return fmt.Errorf("list authorizations: %w", err)
		}
		var ending []*Authorization
		for _, a := range page {
			ends, err := which(a)
			if err != nil {
				return err
			}
			if ends {
				ending = append(ending, a)
			}
		}
		if err := p.endAll(ctx, ending, reason); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

func (p *Provider) takeAuthorization(ctx context.Context, a *Authorization, reason string) error {
	if _, err := p.authorizations.Take(ctx, a.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("end authorization: %w", err)
	}
	detail := map[string]string{"authorization": a.ID, "user": a.UserID, "reason": reason}
	if a.IsPersonal() {
		detail["name"] = a.Name()
	}
	return p.audit(ctx, "authorization.revoked", clientObject(a.ClientID), detail)
}
