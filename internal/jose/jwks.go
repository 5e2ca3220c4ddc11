// RFC 7517: the published key set.
package jose

import (
	"encoding/json"

	jose "github.com/go-jose/go-jose/v4"
)

// MarshalSet gives the public halves of keys as a JWK set. Equal keys in equal order give equal bytes.
func MarshalSet(keys []*Key) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: k.public, KeyID: k.ID, Algorithm: string(k.Algorithm), Use: "sig",
		})
	}
	return json.Marshal(set)
}
