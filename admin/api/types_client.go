package api

import (
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// Client is an auth client as it is shown. What RFC 7591 and its own settings name may be written, the rest is read-only.
type Client struct {
	oauth.Registration
	Number   int64     `json:"number" readOnly:"true" doc:"How many clients had been registered when this one was. It is never given twice."`
	BuiltIn  bool      `json:"built_in" readOnly:"true" doc:"Whether the server itself needs the client. Such a client cannot be changed."`
	Disabled bool      `json:"disabled" readOnly:"true" doc:"Whether the client is refused at present. The operations enable and disable change it."`
	Owner    *Actor    `json:"owner,omitempty" readOnly:"true" doc:"Who registered the client."`
	Secrets  []Secret  `json:"secrets" readOnly:"true" doc:"The secrets that the client has, without the secrets themselves."`
	Created  time.Time `json:"created" readOnly:"true" doc:"When the client was registered."`
	Updated  time.Time `json:"updated" readOnly:"true" doc:"When the client was last changed."`
	LastUsed time.Time `json:"last_used,omitzero" readOnly:"true" doc:"When the client last used its credentials, precise to a minute. It does not change the ETag."`
}

// NewClient is what a client is registered or replaced with.
type NewClient struct {
	oauth.Registration
	ClientSecret string `json:"client_secret,omitempty" writeOnly:"true" doc:"A secret that was chosen elsewhere, 8 to 1024 bytes. Leave it out and the server makes one of 256 bits, which is better."`
}

// CreatedClient is the answer to a client that was registered: the only one that holds its secret.
type CreatedClient struct {
	Client
	ClientSecret          string `json:"client_secret,omitempty" doc:"The secret that the server made. It is shown this once."`
	ClientSecretExpiresAt *int64 `json:"client_secret_expires_at,omitempty" doc:"When the secret ends, in seconds since 1970; 0 where it does not (RFC 7591 section 3.2.1)."`
}

// Secret is what is told of a secret of a client.
type Secret struct {
	ID       string    `json:"id" doc:"Names the secret, to revoke it by."`
	Name     string    `json:"name,omitempty" doc:"What somebody called the secret."`
	Prefix   string    `json:"prefix,omitempty" doc:"The first characters of the secret, to recognise it by. A secret that was chosen elsewhere shows none."`
	Created  time.Time `json:"created" doc:"When the secret was made."`
	Expires  time.Time `json:"expires,omitzero" doc:"When the secret ends; absent where it does not."`
	LastUsed time.Time `json:"last_used,omitzero" doc:"When the client last authenticated with the secret, precise to a minute."`
}

// NewSecret is what a further secret of a client is made from.
type NewSecret struct {
	Name    string    `json:"name,omitempty" doc:"A name to tell the secret from others, at most 100 characters." example:"deployment of May"`
	Expires time.Time `json:"expires,omitzero" doc:"When the secret ends; absent for never."`
}

// Rotation is what a client's secrets are replaced with.
type Rotation struct {
	NewSecret
	Overlap oauth.Duration `json:"overlap,omitzero" doc:"How long the secrets that there are stay good; absent or 0: they end at once."`
}

// CreatedSecret is the answer to a secret that was made: the only one that holds it.
type CreatedSecret struct {
	Secret
	ClientSecret          string `json:"client_secret" doc:"The secret. It is shown this once."`
	ClientSecretExpiresAt int64  `json:"client_secret_expires_at" doc:"When the secret ends, in seconds since 1970; 0 where it does not (RFC 7591 section 3.2.1)."`
}

// ExportedClient is a client without what belongs to this server alone: it can be imported elsewhere.
type ExportedClient struct {
	NewClient
	Disabled bool `json:"disabled,omitempty" doc:"Whether the client is refused at present."`
}

// ClientFile is what clients are exported as and imported from.
type ClientFile struct {
	Clients []ExportedClient `json:"clients" doc:"The clients, by their client_id. None holds a secret when exported."`
}

// Outcome says what came of something that was declared.
type Outcome string

// The outcomes of an import.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// ImportedClient says what came of one client of an import.
type ImportedClient struct {
	ClientID     string  `json:"client_id" doc:"The client."`
	Outcome      Outcome `json:"outcome" enum:"created,updated,unchanged" doc:"What was done."`
	ClientSecret string  `json:"client_secret,omitempty" doc:"The secret that the server made, where the client had none. It is shown this once."`
}

// Imported is the answer to an import.
type Imported struct {
	Clients []ImportedClient `json:"clients" doc:"What came of each client, in the order in which they were sent."`
}

// Authorization is what a user, or a client acting for itself, has allowed and still stands.
type Authorization struct {
	ID            string    `json:"id" doc:"Names the authorization."`
	ClientID      string    `json:"client_id" doc:"The client that it was given to."`
	ClientName    string    `json:"client_name,omitempty" doc:"The name of the client."`
	UserID        string    `json:"user_id,omitempty" doc:"The user who gave it; absent where the client acts for itself."`
	Username      string    `json:"username,omitempty" doc:"The name that the user signs in with."`
	Name          string    `json:"name,omitempty" doc:"What the user called it, where it is a personal access token."`
	Personal      bool      `json:"personal" doc:"Whether it is a personal access token."`
	Scope         string    `json:"scope,omitempty" doc:"What was allowed."`
	Audience      []string  `json:"audience,omitempty" doc:"The APIs that its tokens are meant for."`
	Authenticated time.Time `json:"authenticated,omitzero" doc:"When the user proved who he is."`
	Created       time.Time `json:"created" doc:"When it was given."`
	Expires       time.Time `json:"expires" doc:"When all of it ends."`
	LastUsed      time.Time `json:"last_used,omitzero" doc:"When a token of it was last used, precise to five minutes."`
}

// LiveTokens counts what would end with a client.
type LiveTokens struct {
	Authorizations int   `json:"authorizations" doc:"How many authorizations of users stand."`
	More           bool  `json:"more" doc:"Whether counting stopped at 10,000."`
	Machine        int64 `json:"machine" doc:"How many tokens the client got for itself within their lifetime."`
}

// Consent is what a user allows a client, however often.
type Consent struct {
	ClientID       string    `json:"client_id" doc:"The client."`
	ClientName     string    `json:"client_name,omitempty" doc:"The name of the client."`
	Scope          string    `json:"scope,omitempty" doc:"What the user allows."`
	Audience       []string  `json:"audience,omitempty" doc:"The APIs that tokens may be meant for."`
	Since          time.Time `json:"since" doc:"When the user first allowed it."`
	LastUsed       time.Time `json:"last_used,omitzero" doc:"When a token was last used, precise to five minutes."`
	Authorizations int       `json:"authorizations" doc:"How many authorizations stand."`
}

// Actor is who does something.
type Actor struct {
	Kind    string `json:"kind" enum:"user,client,system,cli,guest" doc:"What the actor is."`
	ID      string `json:"id,omitempty" doc:"The id of the user or client."`
	Name    string `json:"name,omitempty" doc:"The name that the user or client had."`
	Address string `json:"address,omitempty" doc:"The address that the request came from."`
}

func showActor(a account.Actor) *Actor {
	if a == (account.Actor{}) {
		return nil
	}
	shown := Actor(a)
	return &shown
}
