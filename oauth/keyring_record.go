package oauth

import (
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

var keyringKind = store.Kind{Name: "keyring"}

const (
	sharedSecretID   = "secret"
	sharedSecretSize = 32

	purposeShared  = "keyring shared secret"
	purposePrivate = "keyring private key"
	purposePublic  = "keyring public key"
)

// ring is a record of the keyring: all keys of one algorithm, so that a rotation is one Swap; or the shared secret, which
// is created before any keys and so also shows whether the master key is the right one.
type ring struct {
	ID      string      `json:"id"` // the algorithm, or sharedSecretID
	Secret  []byte      `json:"secret,omitempty"`
	Current storedKey   `json:"current,omitzero"`
	Next    storedKey   `json:"next,omitzero"`
	Retired []storedKey `json:"retired,omitempty"` // the latest first

	Changing changeMark `json:"changing,omitempty"` // in the shared secret: the master key of the store is being changed
}

// changeMark is set while not all records are known to be sealed under the same master key.
type changeMark bool

func newRings(b store.Backend) *store.Collection[ring] {
	return &store.Collection[ring]{Backend: b, Kind: keyringKind, ID: func(r *ring) string { return r.ID }}
}

// storedKey holds a private key sealed. Of a retired key only the public part is kept, sealed as well: whoever can write
// to the store must not be able to put a key of his own in.
type storedKey struct {
	ID          string    `json:"id"`
	Sealed      []byte    `json:"sealed"`
	Created     time.Time `json:"created"`
	Activated   time.Time `json:"activated,omitzero"`
	Retired     time.Time `json:"retired,omitzero"`
	RemoveAfter time.Time `json:"remove_after,omitzero"`
	Known       time.Time `json:"known,omitzero"` // of a next key: see nextKnown, which tells it where this is zero
}

// activated gives the key as one that signs from then on.
func (s storedKey) activated(moment time.Time) storedKey {
	s.Activated, s.Known = moment, time.Time{}
	return s
}

// sealedPart is something that lies in a record sealed.
type sealedPart struct {
	purpose string
	text    *[]byte
}

// sealed gives all that is sealed in the record.
func (r *ring) sealed() []sealedPart {
	if r.ID == sharedSecretID {
		return []sealedPart{{purposeShared, &r.Secret}}
	}
	parts := []sealedPart{{purposePrivate, &r.Current.Sealed}, {purposePrivate, &r.Next.Sealed}}
	for i := range r.Retired {
		parts = append(parts, sealedPart{purposePublic, &r.Retired[i].Sealed})
	}
	return parts
}

func (r *ring) clone() *ring {
	c := *r
	c.Retired = slices.Clone(r.Retired)
	return &c
}

// opens tells whether a record is sealed under our master key. Asked before it is replaced: a node that works from memory
// must not write what nobody else can open.
func (k *Keyring) opens(r *ring) error {
	for _, p := range r.sealed() {
		if _, err := k.config.Sealer.Open(p.purpose, *p.text); err != nil {
			return err
		}
	}
	return nil
}

// keyOfRing is a stored key with what the place where it stands says about it.
type keyOfRing struct {
	KeyStatus
	sealed []byte
}

func (r *ring) states() []keyOfRing {
	keys := []keyOfRing{r.Current.of(r, KeyCurrent), r.Next.of(r, KeyNext)}
	for _, s := range r.Retired {
		keys = append(keys, s.of(r, KeyRetired))
	}
	return keys
}

func (s storedKey) of(r *ring, state KeyState) keyOfRing {
	return keyOfRing{KeyStatus{
		ID: s.ID, Algorithm: jose.Algorithm(r.ID), State: state,
		Created: s.Created, Activated: s.Activated, Retired: s.Retired, RemoveAfter: s.RemoveAfter,
	}, s.Sealed}
}

// open unseals a key, or takes it from memory where it is known already.
func (k *Keyring) open(a jose.Algorithm, s keyOfRing) (*jose.Key, error) {
	if v := k.view.Load(); v != nil {
		known := v.keys[s.ID].key
		if known != nil && known.Algorithm == a && (known.CanSign() || s.State == KeyRetired) {
			return known, nil
		}
	}
	purpose, parse := purposePrivate, jose.ParsePrivate
	if s.State == KeyRetired {
		purpose, parse = purposePublic, jose.ParsePublic
	}
	plain, err := k.config.Sealer.Open(purpose, s.sealed)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s.ID, err)
	}
	key, err := parse(plain)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s.ID, err)
	}
	if key.ID != s.ID || key.Algorithm != a {
		return nil, fmt.Errorf("key %s: is another key", s.ID)
	}
	return key, nil
}

func (k *Keyring) newRing(a jose.Algorithm) (*ring, error) {
	current, err := k.newStoredKey(a)
	if err != nil {
		return nil, err
	}
	current.Activated = current.Created
	next, err := k.newStoredKey(a)
	if err != nil {
		return nil, err
	}
	return &ring{ID: string(a), Current: current, Next: next}, nil
}

func (k *Keyring) newStoredKey(a jose.Algorithm) (storedKey, error) {
	key, err := jose.GenerateKey(a)
	if err != nil {
		return storedKey{}, err
	}
	private, err := key.MarshalPrivate()
	if err != nil {
		return storedKey{}, err
	}
	sealed, err := k.config.Sealer.Seal(purposePrivate, private)
	if err != nil {
		return storedKey{}, err
	}
	return storedKey{ID: key.ID, Sealed: sealed, Created: k.now()}, nil
}

// rotated gives the ring after a rotation: next signs, current verifies, ended keys are gone. What it notes is never
// earlier than what the ring tells already: a clock that is behind must neither end tokens nor make a new key look old.
func (k *Keyring) rotated(old *ring) (*ring, error) {
	now := k.now()
	moment := k.momentAfter(old)
	retired, err := k.retire(old, moment)
	if err != nil {
		return nil, err
	}
	kept := []storedKey{retired}
	for _, s := range old.Retired {
		if now.Before(s.RemoveAfter) {
			kept = append(kept, s)
		}
	}
	if len(kept) > maxRetired {
		return nil, ErrRotatedTooOften
	}
	fresh, err := k.newStoredKey(jose.Algorithm(old.ID))
	if err != nil {
		return nil, err
	}
	fresh.Created = moment
	return &ring{ID: old.ID, Current: old.Next.activated(moment), Next: fresh, Retired: kept}, nil
}

// momentAfter is now, or later where the ring tells of something later.
func (k *Keyring) momentAfter(r *ring) time.Time {
	return later(k.now(), later(r.Current.Activated, r.Next.Created))
}

func (k *Keyring) retire(r *ring, moment time.Time) (storedKey, error) {
	key, err := k.open(jose.Algorithm(r.ID), r.Current.of(r, KeyCurrent))
	if err != nil {
		return storedKey{}, err
	}
	public, err := key.MarshalPublic()
	if err != nil {
		return storedKey{}, err
	}
	retired := r.Current
	if retired.Sealed, err = k.config.Sealer.Seal(purposePublic, public); err != nil {
		return storedKey{}, err
	}
	retired.Retired, retired.RemoveAfter = moment, moment.Add(k.config.KeepRetired)
	return retired, nil
}
