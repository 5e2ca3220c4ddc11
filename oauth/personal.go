package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// Bounds of personal access tokens.
const (
	MinPersonalToken = day
	MaxPersonalToken = 366 * day

	maxPersonalTokens = 100 // of one user
	maxPersonalName   = 100 // characters
)

// PersonalAccessToken is what statistics call a personal access token. It is no grant_type: a user makes such a token by
// hand, for himself, and nothing is exchanged for it.
const PersonalAccessToken GrantType = "personal_access_token"

// personalState is the one token of an authorization that a user made by hand. What it reaches and when it ends is that
// of the authorization.
type personalState struct {
	Name   string `json:"name"`
	Digest digest `json:"digest"`
	Prefix string `json:"prefix"`
}

// PersonalToken is a personal access token as its user is shown it.
type PersonalToken struct {
	ID         string // of its authorization
	Name       string
	ClientID   string
	ClientName string
	Prefix     string // the first characters, to recognise it by
	Scope      Scope
	Created    time.Time
	Expires    time.Time
	LastUsed   time.Time // zero: never
}

// NewPersonalToken is what a personal access token is made from.
type NewPersonalToken struct {
	ClientID string
	Name     string
	Scope    string        // must name something where the client has a scope at all
	Lifetime time.Duration // MinPersonalToken to MaxPersonalToken
}

// CreatePersonalToken makes a personal access token of who is signed in, and returns it, this once. *RegistrationError with
// the fields client_id, name, scope and lifetime; ErrLoginNeeded where the session has ended.
func (p *Provider) CreatePersonalToken(ctx context.Context, s *account.Session, n NewPersonalToken) (*PersonalToken, string, error) {
	c, err := p.Client(ctx, n.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, "", fmt.Errorf("read client: %w", err)
	}
	scope, err := n.check(c)
	if err != nil {
		return nil, "", err
	}
	if err := p.checkPersonalRoom(ctx, s.UserID); err != nil {
		return nil, "", err
	}
	x, err := p.registered(ctx)
	if err != nil {
		return nil, "", err
	}
	audience, err := x.audience(c.Audience, nil, scope, c.DefaultAudience)
	if err != nil {
		return nil, "", err
	}
	if scope, err = x.named(scope, audience); err != nil {
		return nil, "", oneFault("scope", "must name what has a meaning to an API that the client has")
	}
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: c.ClientID, UserID: s.UserID, Scope: scope, Audience: audience,
		SessionID: s.ID, Authenticated: s.Authenticated.Truncate(time.Second), UserNotBefore: s.NotBefore,
		Created: c.begin(p.now()), Expires: p.now().Add(n.Lifetime),
	}
	if err := p.checkLive(ctx, a, c); errors.Is(err, errEnded) {
		return nil, "", ErrLoginNeeded // the session has ended this moment
	} else if err != nil {
		return nil, "", fmt.Errorf("make personal access token: %w", err)
	}
	text, t := p.tokens().mint(personalPrefix, a.ID)
	a.Personal = &personalState{Name: n.Name, Digest: t.digest, Prefix: text[:recognisable]}
	if err := p.authorizations.Create(ctx, a); err != nil {
		return nil, "", fmt.Errorf("keep personal access token: %w", err)
	}
	p.usage.made.add(PersonalAccessToken, Opaque)
	p.usage.issued(c, PersonalAccessToken)
	made := a.personal(c)
	return &made, text, p.audit(ctx, "personal_token.created", clientObject(c.ClientID), map[string]string{
		"authorization": a.ID, "user": a.UserID, "name": n.Name, "scope": scope.String(), "expires": a.Expires.Format(time.RFC3339),
	})
}

// check lists every fault. c is nil where there is no such client.
func (n *NewPersonalToken) check(c *Client) (scope Scope, err error) {
	var faults RegistrationError
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" {
		faults.add("name", "must not be empty: it is what the token is recognised by")
	}
	checkLabel(&faults, n.Name, maxPersonalName)
	if n.Lifetime < MinPersonalToken || n.Lifetime > MaxPersonalToken {
		faults.add("lifetime", "must be between %v and %v", Duration(MinPersonalToken), Duration(MaxPersonalToken))
	}
	scope, ok := ParseScope(n.Scope)
	if c == nil || c.Disabled || !c.PersonalAccessTokens {
		faults.add("client_id", "must be a client that offers personal access tokens")
		return nil, &faults
	}
	switch {
	case !ok:
		faults.add("scope", "must be at most %d scopes separated by spaces", maxScopeTokens)
	case !c.scope().Contains(scope):
		faults.add("scope", "must not name what the client may not have")
	case len(scope) == 0 && len(c.scope()) > 0:
		faults.add("scope", "must name at least one scope")
	}
	return scope, faults.orNil()
}

// checkPersonalRoom keeps a list of tokens one that a person can read.
func (p *Provider) checkPersonalRoom(ctx context.Context, userID string) error {
	tokens, err := p.personalOf(ctx, userID)
	if err != nil {
		return err
	}
	if len(tokens) >= maxPersonalTokens {
		return oneFault("name", fmt.Sprintf("must be that of one of at most %d tokens: revoke another one first", maxPersonalTokens))
	}
	return nil
}

// personalOf gives the authorizations of a user that are personal access tokens and have not expired.
func (p *Provider) personalOf(ctx context.Context, userID string) (tokens []*Authorization, err error) {
	if userID == "" || len(userTag(userID)) > store.MaxID {
		return nil, nil
	}
	err = p.authorizations.All(ctx, userTag(userID), func(a *Authorization) error {
		if a.UserID == userID && a.Personal != nil && p.now().Before(a.Expires) {
			tokens = append(tokens, a)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list personal access tokens: %w", err)
	}
	return tokens, nil
}

func (a *Authorization) personal(c *Client) PersonalToken {
	return PersonalToken{
		ID: a.ID, Name: a.Personal.Name, ClientID: a.ClientID, ClientName: c.Name(), Prefix: a.Personal.Prefix,
		Scope: a.Scope, Created: a.Created, Expires: a.Expires,
	}
}

// PersonalTokens gives the personal access tokens of a user that still stand, the newest first.
func (p *Provider) PersonalTokens(ctx context.Context, userID string) ([]*PersonalToken, error) {
	found, err := p.personalOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	var tokens []*PersonalToken
	var keys []string
	for _, a := range found {
		c, stands, err := p.standing(ctx, a)
		if err != nil {
			return nil, err
		}
		if stands {
			t := a.personal(c)
			tokens, keys = append(tokens, &t), append(keys, AuthorizationKey(a.ID))
		}
	}
	used, err := p.LastUsed(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		t.LastUsed = used[AuthorizationKey(t.ID)]
	}
	slices.SortStableFunc(tokens, func(a, b *PersonalToken) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(b.ID, a.ID))
	})
	return tokens, nil
}

// RevokePersonalToken ends a personal access token of a user. store.ErrNotFound where the user has no such token.
func (p *Provider) RevokePersonalToken(ctx context.Context, userID, id string) error {
	if !isAuthorizationID(id) {
		return store.ErrNotFound
	}
	a, err := p.authorizations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read authorization: %w", err)
	}
	if a.UserID == "" || a.UserID != userID || a.Personal == nil {
		return store.ErrNotFound
	}
	return p.endAuthorization(ctx, a, "revoked by its user")
}

// PersonalTokenClients gives the clients for which users may make personal access tokens, by name.
func (p *Provider) PersonalTokenClients(ctx context.Context) ([]*Client, error) {
	all, err := p.clients.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	var offered []*Client
	for _, c := range all {
		if c.PersonalAccessTokens && !c.Disabled {
			offered = append(offered, c)
		}
	}
	slices.SortStableFunc(offered, byName)
	return offered, nil
}

func byName(a, b *Client) int {
	return cmp.Or(strings.Compare(foldName(a.Name()), foldName(b.Name())), strings.Compare(a.ClientID, b.ClientID))
}

// examinePersonal reads a personal access token. It reaches no further than its client does today: it lives for long, and
// nothing renews it.
func (p *Provider) examinePersonal(ctx context.Context, presented string) (*Introspection, error) {
	t, ok := p.tokens().parse(personalPrefix, presented)
	if !ok {
		return nil, notActive("its check does not match: it is mistyped, cut off, or not of this server", checkSource)
	}
	a, c, err := p.liveAuthorization(ctx, t.Authorization)
	if err != nil {
		return nil, err
	}
	if a.Personal == nil || !a.Personal.Digest.equal(t.digest) {
		return nil, notActive("it is not the personal access token of its authorization", checkSource)
	}
	audience := common(a.Audience, c.Audience)
	if len(audience) == 0 && len(a.Audience) > 0 {
		return nil, notActive("its client may no longer reach any resource that it is meant for", usageSource)
	}
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	seen := p.seen(a, AccessTokenUse)
	seen.Scope = x.meaning(common(a.Scope, c.scope()), audience)
	seen.Audience, seen.Issued, seen.Expires = p.audienceOf(audience), a.Created, a.Expires
	seen.ID, seen.Generation = storedTokenID(a, t.digest), p.generation(a)
	return seen, nil
}
