package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// What ends is told before it ends: where a node dies between the two, APIs refuse a token that is still good here, and the
// caller, who has got no answer, tries again.

// lastUse is when the last access token of an authorization ends at the latest, those among it that may be issued while
// it is being ended; the zero time where there is none. Readers keep no token for longer than MaxAccessToken without
// asking, so what lives longer (a personal access token) need not be told for longer.
func (p *Provider) lastUse(ctx context.Context, a *Authorization) (time.Time, error) {
	now := p.now()
	end := a.JWTUntil
	for i := range a.Access {
		end = later(end, a.Access[i].Expires)
	}
	if a.Personal != nil {
		end = later(end, a.Expires)
	}
	if a.mayIssue(now) {
		lifetime, err := p.longestOf(ctx, a.ClientID)
		if err != nil {
			return time.Time{}, err
		}
		end = later(end, now.Add(lifetime+endSettles))
	}
	if end = earlier(earlier(end, a.Expires), now.Add(MaxAccessToken)); !now.Before(end) {
		return time.Time{}, nil
	}
	return end, nil
}

// mayIssue reports whether a code, a device code or a refresh token may still become an access token.
func (a *Authorization) mayIssue(now time.Time) bool {
	return a.Refresh != nil && now.Before(a.Refresh.Expires) || a.Code != nil && !a.Code.Redeemed && now.Before(a.Code.Expires) ||
		a.Device != nil && a.Device.Status == deviceAllowed && now.Before(a.Device.Expires)
}

// longestOf is the longest that an access token of a client may live that is issued now. One that was deleted is told by
// itself.
func (p *Provider) longestOf(ctx context.Context, clientID string) (time.Duration, error) {
	c, err := p.Client(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read client: %w", err)
	}
	return p.longestLifetime(ctx, c)
}

// untilSecond is the second after which a token that ends at t is over by every count.
func untilSecond(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

// authorizationEnds is what is told of an authorization that ends; nothing where no access token of it can live.
func (p *Provider) authorizationEnds(ctx context.Context, a *Authorization) ([]feedEvent, error) {
	end, err := p.lastUse(ctx, a)
	if err != nil || end.IsZero() {
		return nil, err
	}
	return about(Ended{Type: EndedAuthorization, Authorization: a.ID, Until: untilSecond(end)}, p.reaches(a)), nil
}

// tellAuthorizations tells that authorizations are about to end.
func (p *Provider) tellAuthorizations(ctx context.Context, ending []*Authorization) error {
	var events []feedEvent
	for _, a := range ending {
		told, err := p.authorizationEnds(ctx, a)
		if err != nil {
			return err
		}
		events = append(events, told...)
	}
	return p.feed.tell(ctx, events...)
}

// reaches is all that tokens of an authorization may be meant for.
func (p *Provider) reaches(a *Authorization) []string {
	return append([]string(nil), p.audienceOf(a.Audience)...)
}

// clientEnds is what is told of a client whose state is as given: it says all that of its tokens has ended.
func (p *Provider) clientEnds(c *Client) []feedEvent {
	audience := append([]string{p.issuer}, c.Audience...)
	for _, former := range c.FormerAudience {
		if p.now().Before(former.Until) {
			audience = append(audience, former.URI)
		}
	}
	return about(p.clientEnded(c.ClientID, p.endedBefore(c)), audience)
}

func (p *Provider) clientEnded(clientID string, before int64) Ended {
	until := untilSecond(p.now().Add(endSettles + MaxAccessToken))
	return Ended{Type: EndedClient, ClientID: clientID, Before: before, Until: until}
}

// endedBefore is the last millisecond in which something of a client began that has ended; 0: all has.
func (p *Provider) endedBefore(c *Client) int64 {
	if c.Disabled {
		return 0
	}
	return max(c.NotBefore.UnixMilli(), 1)
}

// FormerAudience is what a client could be given tokens for until a while ago.
type FormerAudience struct {
	URI   string    `json:"uri"`
	Until time.Time `json:"until"` // no token for it lives longer
}

// formerAudience is what was taken from a client's audience, while tokens for it may live.
func formerAudience(old *Client, next []string, now time.Time) []FormerAudience {
	var former []FormerAudience
	left := Scope(next)
	for _, f := range old.FormerAudience {
		if now.Before(f.Until) && !left.Contains(Scope{f.URI}) {
			former, left = append(former, f), append(left[:len(left):len(left)], f.URI)
		}
	}
	for _, uri := range old.Audience {
		if !Scope(next).Contains(Scope{uri}) {
			former = withoutURI(former, uri)
			former = append(former, FormerAudience{uri, now.Add(endSettles + MaxAccessToken)})
		}
	}
	return former
}

func withoutURI(list []FormerAudience, uri string) []FormerAudience {
	var rest []FormerAudience
	for _, f := range list {
		if f.URI != uri {
			rest = append(rest, f)
		}
	}
	return rest
}

// tellClient tells what of a client has ended.
func (p *Provider) tellClient(ctx context.Context, c *Client) error {
	return p.feed.tell(ctx, p.clientEnds(c)...)
}

// userGeneration stands for all that a user began under one NotBefore, without telling the time.
func (p *Provider) userGeneration(userID string, notBefore time.Time) string {
	key := p.generations()
	mac := hmac.New(sha256.New, key[:])
	var at [8]byte
	if !notBefore.IsZero() {
		binary.BigEndian.PutUint64(at[:], uint64(notBefore.UnixMilli()))
	}
	mac.Write(at[:])
	mac.Write([]byte(userID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:8])
}

// generation is the `gen` of an authorization's tokens; "" for those of a machine.
func (p *Provider) generation(a *Authorization) string {
	if a.UserID == "" {
		return ""
	}
	return p.userGeneration(a.UserID, a.UserNotBefore)
}

// Ending tells the feed what is about to end in the directory. The directory calls it before it writes.
func (p *Provider) Ending(ctx context.Context, e account.Ending) error {
	if !p.keys.Ready() {
		return ErrKeysNotLoaded
	}
	var events []feedEvent
	var err error
	if e.SessionID != "" {
		events, err = p.sessionEnds(ctx, e)
	} else {
		events, err = p.userEnds(ctx, e)
	}
	if err != nil {
		return err
	}
	return p.feed.tell(ctx, events...)
}

// userEnds is what is told of a user of whom everything ends that began until now.
func (p *Provider) userEnds(ctx context.Context, e account.Ending) ([]feedEvent, error) {
	reached, err := p.generationsOf(ctx, e.UserID)
	if err != nil {
		return nil, err
	}
	var events []feedEvent
	for generation, r := range reached {
		events = append(events, about(p.subjectEnded(e.UserID, generation, r.until), r.audience)...)
	}
	return events, nil
}

// subjectEnded lasts long enough for what is issued until everybody has heard.
func (p *Provider) subjectEnded(userID, generation string, until int64) Ended {
	until += 2 * int64(settleAfter/time.Second)
	return Ended{Type: EndedSubject, Subject: userID, Generation: generation, Before: p.now().Unix(), Until: until}
}

// reached is what living access tokens of one generation of a user are meant for.
type reached struct {
	audience []string
	until    int64
}

// generationsOf gives what a user's tokens reach, by their generation: usually there is one.
func (p *Provider) generationsOf(ctx context.Context, userID string) (map[string]reached, error) {
	all := map[string]reached{}
	if userID == "" || len(userTag(userID)) > store.MaxID {
		return all, nil
	}
	err := p.authorizations.All(ctx, userTag(userID), func(a *Authorization) error {
		end, err := p.lastUse(ctx, a)
		if err != nil || end.IsZero() || a.UserID != userID {
			return err
		}
		generation := p.generation(a)
		r := all[generation]
		all[generation] = reached{Scope(r.audience).Union(p.reaches(a)), max(r.until, untilSecond(end))}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what a user allowed: %w", err)
	}
	return all, nil
}

// sessionEnds is what is told of a session: the authorizations that were allowed in it.
func (p *Provider) sessionEnds(ctx context.Context, e account.Ending) (events []feedEvent, err error) {
	if e.UserID == "" || len(userTag(e.UserID)) > store.MaxID {
		return nil, nil
	}
	err = p.authorizations.All(ctx, userTag(e.UserID), func(a *Authorization) error {
		if a.UserID != e.UserID || a.SessionID != e.SessionID {
			return nil
		}
		end, err := p.lastUse(ctx, a)
		if err != nil || end.IsZero() {
			return err
		}
		ended := Ended{Type: EndedSession, Authorization: a.ID, Subject: a.UserID, Until: untilSecond(end)}
		events = append(events, about(ended, p.reaches(a))...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what was allowed in a session: %w", err)
	}
	return events, nil
}

// tokenEnds is what is told of a machine's JWT.
func (p *Provider) tokenEnds(claims *accessClaims) []feedEvent {
	return about(Ended{Type: EndedToken, ID: claims.ID, Until: claims.Expires}, append([]string(nil), claims.Audience...))
}
