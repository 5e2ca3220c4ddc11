// RFC 7517: the published key set.
package jose

import (
	"encoding/json"
	"errors"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
)

const maxKeySet = 256 << 10

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

// ParseSet reads a JWK set as public keys and leaves out those that cannot verify our algorithms. A key keeps the kid that
// it was published under; two keys under one kid, a symmetric or a private key spoil the set.
func ParseSet(body []byte) ([]*Key, error) {
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("key set of %d bytes is too large", len(body))
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("parse key set: %w", err)
	}
	var keys []*Key
	seen := make(map[string]bool)
	for _, raw := range set.Keys {
		k, err := parseJWK(raw)
		if err != nil {
			return nil, err
		}
		if k == nil {
			continue
		}
		if seen[k.ID] {
			return nil, errors.New("key set holds two keys under one kid")
		}
		seen[k.ID] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// parseJWK gives nil for a key that is of no use here.
func parseJWK(raw []byte) (*Key, error) {
	var j jose.JSONWebKey
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, nil // RFC 7517 section 5: a key that is not understood is ignored
	}
	if _, symmetric := j.Key.([]byte); symmetric || !j.IsPublic() {
		return nil, errors.New("key set holds a secret key")
	}
	k, err := newKey(j.Key, nil)
	if err != nil || j.Use != "" && j.Use != "sig" || j.Algorithm != "" && j.Algorithm != string(k.Algorithm) {
		return nil, nil
	}
	if j.KeyID != "" {
		k.ID = j.KeyID
	}
	return k, nil
}
