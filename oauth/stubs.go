package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/grantor-dev/grantor/account"
)

var errRough = errors.New("not yet")

// EnsureBuiltIn makes sure that the server's own clients are there and as they should be.
func (p *Provider) EnsureBuiltIn(ctx context.Context) error { return errRough }

// LiveAuthorization is an authorization that still stands, as people are shown it.
type LiveAuthorization struct {
	*Authorization
	LastUsed   time.Time // zero: never, or not for long
	Username   string
	ClientName string
}

// LiveAuthorizations gives a page of what still stands under a tag, "user:ID" or "client:ID".
func (p *Provider) LiveAuthorizations(ctx context.Context, tag, cursor string, limit int) ([]*LiveAuthorization, string, error) {
	return nil, "", errRough
}

// LiveAuthorization gives one that still stands. store.ErrNotFound.
func (p *Provider) LiveAuthorization(ctx context.Context, id string) (*LiveAuthorization, error) {
	return nil, errRough
}

// LiveTokens counts what would end with a client.
type LiveTokens struct {
	Authorizations int
	More           bool  // counting stopped at 10,000
	Machine        int64 // client_credentials tokens issued within their lifetime
}

// LiveTokens counts what would end with a client.
func (p *Provider) LiveTokens(ctx context.Context, clientID string) (LiveTokens, error) {
	return LiveTokens{}, errRough
}

// Selection says which tokens to revoke. Zero fields select all; at least one must be set.
type Selection struct {
	ClientID string
	UserID   string
	Before   time.Time // what began before it
}

// ErrNothingSelected reports a Selection without any field set.
var ErrNothingSelected = errors.New("nothing is selected: name a client, a user or a time")

// RevokeSelected ends what is selected.
func (p *Provider) RevokeSelected(ctx context.Context, s Selection) (ended int, err error) {
	return 0, errRough
}

// App is a client to which a user has allowed something.
type App struct {
	Client         *Client
	Scope          Scope
	Audience       []string
	Since          time.Time
	LastUsed       time.Time
	Authorizations int
}

// AppsOf gives what a user has allowed, by the names of the clients.
func (p *Provider) AppsOf(ctx context.Context, userID string) ([]*App, error) { return nil, errRough }

// WithdrawApp takes back what a user has allowed a client.
func (p *Provider) WithdrawApp(ctx context.Context, userID, clientID string) error { return errRough }

// PersonalToken is a personal access token as its user is shown it.
type PersonalToken struct {
	ID, Name, ClientID, ClientName string
	Prefix                         string // the first characters, to recognise it by
	Scope                          Scope
	Created, Expires, LastUsed     time.Time
}

// NewPersonalToken is what a personal access token is made from.
type NewPersonalToken struct {
	ClientID string
	Name     string
	Scope    string
	Lifetime time.Duration // 1 day to 366 days
}

// CreatePersonalToken makes a personal access token of who is signed in, and returns it, this once. *RegistrationError.
func (p *Provider) CreatePersonalToken(ctx context.Context, s *account.Session, n NewPersonalToken) (*PersonalToken, string, error) {
	return nil, "", errRough
}

// PersonalTokens gives the personal access tokens of a user that still stand, the newest first.
func (p *Provider) PersonalTokens(ctx context.Context, userID string) ([]*PersonalToken, error) {
	return nil, errRough
}

// RevokePersonalToken ends a personal access token of a user. store.ErrNotFound.
func (p *Provider) RevokePersonalToken(ctx context.Context, userID, id string) error { return errRough }

// PersonalTokenClients gives the clients for which users may make personal access tokens, by name.
func (p *Provider) PersonalTokenClients(ctx context.Context) ([]*Client, error) { return nil, errRough }

// Access is what the bearer of an access token may do in the administration.
type Access struct {
	Actor    account.Actor
	Rights   account.Rights
	ClientID string
	UserID   string // "" where the client acts for itself
	Scope    Scope
}

// AdminAccess says what the bearer of an access token may do in the administration. ErrNotActive, with the reason.
func (p *Provider) AdminAccess(ctx context.Context, presented string) (*Access, error) {
	return nil, errRough
}
