package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// keyView is what a node works from between two reads of the store. It never changes.
type keyView struct {
	rings   []*ring // of the algorithms, in the order of jose.Algorithms
	secret  []byte
	signing map[jose.Algorithm]*jose.Key
	keys    map[string]knownKey
	jwks    []byte
	etag    string
	status  []KeyStatus
}

type knownKey struct {
	key         *jose.Key
	removeAfter time.Time
}

func (k knownKey) ended(now time.Time) bool {
	return !k.removeAfter.IsZero() && !now.Before(k.removeAfter)
}

// KeyState says what a key is for at present.
type KeyState string

// The life of a key, in order.
const (
	KeyNext    KeyState = "next"    // published, does not sign yet
	KeyCurrent KeyState = "current" // signs
	KeyRetired KeyState = "retired" // verifies what it signed
)

// KeyStatus describes one key of the keyring.
type KeyStatus struct {
	ID          string         `json:"id"`
	Algorithm   jose.Algorithm `json:"algorithm"`
	State       KeyState       `json:"state"`
	Created     time.Time      `json:"created"`
	Activated   time.Time      `json:"activated,omitzero"`
	Retired     time.Time      `json:"retired,omitzero"`
	RemoveAfter time.Time      `json:"remove_after,omitzero"`
}

// newView opens what was read. errNoSecret, ErrWrongMaster, ErrMasterChanging.
func (k *Keyring) newView(records []*ring) (*keyView, error) {
	byID := make(map[string]*ring, len(records))
	for _, r := range records {
		byID[r.ID] = r
	}
	v := &keyView{signing: map[jose.Algorithm]*jose.Key{}, keys: map[string]knownKey{}}
	if shared := byID[sharedSecretID]; shared != nil {
		if shared.Changing {
			return nil, ErrMasterChanging
		}
		secret, err := k.config.Sealer.Open(purposeShared, shared.Secret)
		if err != nil || len(secret) != sharedSecretSize {
			return nil, ErrWrongMaster
		}
		v.secret = secret
	}
	var published []*jose.Key
	for _, a := range jose.Algorithms { // records of algorithms that this version does not know are left alone
		r := byID[string(a)]
		if r == nil {
			continue
		}
		keys, err := k.addRing(v, r)
		if errors.Is(err, jose.ErrSealed) && v.secret == nil {
			return nil, ErrWrongMaster
		}
		if err != nil {
			return nil, fmt.Errorf("stored %s keys: %w", a, err)
		}
		published = append(published, keys...)
	}
	if v.secret == nil {
		return nil, errNoSecret
	}
	return v, v.publish(published)
}

// addRing gives the keys of the ring that are to be published.
func (k *Keyring) addRing(v *keyView, r *ring) ([]*jose.Key, error) {
	now := k.now()
	var published []*jose.Key
	for _, s := range r.states() {
		key, err := k.open(jose.Algorithm(r.ID), s)
		if err != nil {
			return nil, err
		}
		known := knownKey{key, s.RemoveAfter}
		if known.ended(now) {
			continue
		}
		if s.State == KeyCurrent {
			v.signing[key.Algorithm] = key
		}
		v.keys[key.ID] = known
		v.status = append(v.status, s.KeyStatus)
		published = append(published, key)
	}
	v.rings = append(v.rings, r)
	return published, nil
}

func (v *keyView) publish(keys []*jose.Key) error {
	body, err := jose.MarshalSet(keys)
	if err != nil {
		return fmt.Errorf("marshal key set: %w", err)
	}
	digest := sha256.Sum256(body)
	v.jwks, v.etag = body, `"`+base64.RawURLEncoding.EncodeToString(digest[:16])+`"`
	return nil
}

func (v *keyView) algorithms() []jose.Algorithm {
	var all []jose.Algorithm
	for _, r := range v.rings {
		all = append(all, jose.Algorithm(r.ID))
	}
	return all
}
