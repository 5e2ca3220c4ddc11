package api

import (
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items" doc:"What is on this page."`
	NextCursor string `json:"next_cursor,omitempty" doc:"Give it as cursor to get the next page. Absent on the last page."`
	Total      *int   `json:"total,omitempty" doc:"How many there are on all pages; absent where nobody has counted."`
}

// TokenRequest presents a token, and asks whether an API would accept it.
type TokenRequest struct {
	Token    string `json:"token" writeOnly:"true" doc:"An access token or refresh token of this server."`
	Audience string `json:"audience,omitempty" doc:"The identifier of an API, to be told whether it would accept the token." example:"https://orders.example.com"`
	Scope    string `json:"scope,omitempty" doc:"What that API needs, separated by spaces. Only with audience."`
}

// Inspection says what a token is worth, by the names of RFC 7662.
type Inspection struct {
	Active   bool          `json:"active" doc:"Whether the token is good at this moment."`
	Kind     string        `json:"kind,omitempty" doc:"What it is by its form." example:"opaque access token"`
	Reason   string        `json:"reason,omitempty" doc:"Why it is not good."`
	Rule     string        `json:"rule,omitempty" doc:"Where the rule stands that says so." example:"RFC 7662 section 4"`
	Use      string        `json:"token_use,omitempty" enum:"access_token,refresh_token" doc:"What kind of token it is."`
	ClientID string        `json:"client_id,omitempty" doc:"The client that it was issued to."`
	Subject  string        `json:"sub,omitempty" doc:"The user, or the client itself, that it acts for."`
	Username string        `json:"username,omitempty" doc:"The name that the user signs in with."`
	Scope    string        `json:"scope,omitempty" doc:"What it reaches."`
	Audience []string      `json:"aud,omitempty" doc:"The APIs that it is meant for."`
	APIs     []TokenAPI    `json:"apis,omitempty" doc:"The same APIs, with their names."`
	Issued   int64         `json:"iat,omitempty" doc:"When it was issued, in seconds since 1970."`
	Expires  int64         `json:"exp,omitempty" doc:"When it ends, in seconds since 1970."`
	AuthTime int64         `json:"auth_time,omitempty" doc:"When the user proved who he is, in seconds since 1970."`
	ID       string        `json:"jti,omitempty" doc:"The id of an access token."`
	SeenBy   []string      `json:"seen_by,omitempty" doc:"The clients that introspection tells of it; to all others it is not active."`
	Accepted *bool         `json:"accepted,omitempty" doc:"Whether the API that was asked about would accept it."`
	Refusal  *TokenRefusal `json:"refusal,omitempty" doc:"Why that API would not."`
}

// TokenAPI is an API that a token is meant for.
type TokenAPI struct {
	Identifier string `json:"identifier" doc:"What the token names it by." example:"https://orders.example.com"`
	Name       string `json:"name,omitempty" doc:"Its name; absent where no API is registered under the identifier."`
}

// TokenRefusal is why an API would not accept a token.
type TokenRefusal struct {
	Error  string `json:"error" enum:"invalid_token,insufficient_scope" doc:"What it would answer (RFC 6750)."`
	Reason string `json:"reason" doc:"Why."`
	Rule   string `json:"rule" doc:"Where the rule stands that says so." example:"RFC 6750 section 5.2"`
}

// Revocation says what to revoke: one token, with all that was issued with it; or everything of a client, of a user, before
// a time, or what is all of these at once.
type Revocation struct {
	Token    string    `json:"token,omitempty" writeOnly:"true" doc:"A token, to end it and all that was issued with it. Nothing else may be named then."`
	ClientID string    `json:"client_id,omitempty" doc:"The client whose tokens end."`
	UserID   string    `json:"user_id,omitempty" doc:"The user whose tokens end, by id."`
	Username string    `json:"username,omitempty" doc:"The user whose tokens end, by name."`
	Before   time.Time `json:"before,omitzero" doc:"Only what began before this time ends."`
}

// Revoked says what a revocation came to.
type Revoked struct {
	Ended  int    `json:"ended" doc:"How many authorizations have ended. Tokens of clients acting for themselves are not counted."`
	Reason string `json:"reason,omitempty" doc:"Why there was nothing to end of a token."`
}

// Key is a key that signs tokens, without its private half.
type Key struct {
	ID          string         `json:"id" doc:"The kid of the key."`
	Algorithm   jose.Algorithm `json:"algorithm" doc:"What it signs with."`
	State       oauth.KeyState `json:"state" enum:"next,current,retired" doc:"Whether it will sign, signs, or only verifies."`
	Created     time.Time      `json:"created" doc:"When it was made."`
	Activated   time.Time      `json:"activated,omitzero" doc:"When it began to sign."`
	Retired     time.Time      `json:"retired,omitzero" doc:"When it ceased to sign."`
	RemoveAfter time.Time      `json:"remove_after,omitzero" doc:"Until when it verifies."`
}

// KeyRotation says which keys to rotate and how.
type KeyRotation struct {
	Algorithm jose.Algorithm `json:"algorithm,omitempty" doc:"The algorithm whose keys rotate; absent: all."`
	Force     bool           `json:"force,omitempty" doc:"Rotate at once, for a key that has leaked. An API that keeps the key set refuses new tokens until it reads it again."`
}

// KeyWithdrawal says which keys to withdraw: one by its id, or all.
type KeyWithdrawal struct {
	ID        string         `json:"id,omitempty" maxLength:"255" doc:"The kid of the key to withdraw."`
	All       bool           `json:"all,omitempty" doc:"Withdraw all keys, since they lay beside each other: current, next and retired ones."`
	Algorithm jose.Algorithm `json:"algorithm,omitempty" doc:"With all: only the keys of this algorithm."`
}

// Event is one thing that was done.
type Event struct {
	ID        string            `json:"id" doc:"Names the event."`
	Time      time.Time         `json:"time" doc:"When it was done."`
	Action    string            `json:"action" doc:"What was done." example:"client.updated"`
	Actor     Actor             `json:"actor" doc:"Who did it, and from where."`
	Object    string            `json:"object,omitempty" doc:"What it was done to, as kind:id." example:"client:reports"`
	Detail    map[string]string `json:"detail,omitempty" doc:"What changed, each as old -> new, and what else there is to tell. Never a secret."`
	RequestID string            `json:"request_id,omitempty" doc:"The request that did it."`
}

// Statistics says what was issued and refused in a period.
type Statistics struct {
	Period        oauth.Period   `json:"period" enum:"hour,day,week" doc:"The period."`
	From          time.Time      `json:"from" doc:"When the first step begins."`
	To            time.Time      `json:"to" doc:"When the last step ends, which is under way."`
	Step          oauth.Duration `json:"step" doc:"How long a step is."`
	Issued        []Series       `json:"issued" doc:"Answers of the token endpoint, by grant."`
	Refused       []Series       `json:"refused" doc:"Refused requests, by reason, which is an error code."`
	ActiveClients int64          `json:"active_clients" doc:"About how many clients used their credentials."`
	ActiveUsers   int64          `json:"active_users" doc:"About how many users were active."`
}

// Series is one name counted over the steps of a period.
type Series struct {
	Name   string  `json:"name" doc:"What was counted."`
	Counts []int64 `json:"counts" doc:"How many there were in each step."`
	Total  int64   `json:"total" doc:"How many there were in all."`
}
