// RFC 7517: the key set that another server publishes.
package jose

import (
	"crypto"
	"encoding/json"
	"errors"
	"slices"

	jose "github.com/go-jose/go-jose/v4"
)

// ParseSet reads a JWK set and gives those of its keys that verify tokens here, each under the kid of the set. A key of
// another kind or use, without a kid, with a kid that an earlier one has, or with its private part is left out: what is
// published with its private part proves nothing any more. A key without `alg` gets the one that its type has here.
func ParseSet(set []byte) ([]*Key, error) {
	var items []json.RawMessage
	err := eachMember(set, func(name string, value []byte) error {
		if name == "keys" {
			return json.Unmarshal(value, &items)
		}
		return nil
	})
	if err != nil || items == nil {
		return nil, errors.New("parse key set: not a JWK set")
	}
	var keys []*Key
	for _, item := range items {
		k, ok := parseJWK(item)
		if ok && !slices.ContainsFunc(keys, func(o *Key) bool { return o.ID == k.ID }) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func parseJWK(item []byte) (*Key, bool) {
	var m struct{ kid, use, alg string }
	var operations []string
	err := eachMember(item, func(name string, value []byte) error {
		switch name {
		case "kid":
			return readString(value, &m.kid)
		case "use":
			return readString(value, &m.use)
		case "alg":
			return readString(value, &m.alg)
		case "key_ops":
			return json.Unmarshal(value, &operations)
		}
		return nil
	})
	if err != nil || m.kid == "" || m.use != "" && m.use != "sig" || operations != nil && !slices.Contains(operations, "verify") {
		return nil, false
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(item) != nil || !jwk.IsPublic() {
		return nil, false
	}
	a, err := algorithmOf(jwk.Key)
	if err != nil || m.alg != "" && m.alg != string(a) {
		return nil, false
	}
	return &Key{ID: m.kid, Algorithm: a, public: jwk.Key}, true
}

// Equal reports whether both are the same public key under the same name.
func (k *Key) Equal(other *Key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && public.Equal(other.public)
}
