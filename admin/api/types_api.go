package api

import (
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

// API is a resource server as it is shown. Its settings may be written, the rest is read-only.
type API struct {
	oauth.APIRegistration
	ID      string    `json:"id" readOnly:"true" doc:"Names the API: api_ and 32 hexadecimal digits, which follow from its identifier." example:"api_0197a2c4d5e67f8899aabbccddeeff00"`
	Owner   *Actor    `json:"owner,omitempty" readOnly:"true" doc:"Who registered the API."`
	Created time.Time `json:"created" readOnly:"true" doc:"When the API was registered."`
	Updated time.Time `json:"updated" readOnly:"true" doc:"When the API was last changed."`
}

// ClientOfAPI is an auth client that may get tokens meant for an API.
type ClientOfAPI struct {
	ClientID   string `json:"client_id" doc:"The client."`
	ClientName string `json:"client_name,omitempty" doc:"The name of the client."`
	Scope      string `json:"scope,omitempty" doc:"The scopes of the API that the client has, separated by spaces."`
	Default    bool   `json:"default" doc:"Whether the API is what the client's requests are for that name none."`
	Disabled   bool   `json:"disabled" doc:"Whether the client is refused at present."`
}
