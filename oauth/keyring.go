package oauth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

const (
	maxRetired = 32 // retired keys of one algorithm that are published at a time

	// KeyPublishTime is how long a key is published before it signs. Answers with the key set may be kept for a minute less.
	KeyPublishTime = 6 * time.Minute

	defaultRotateEvery = 90 * 24 * time.Hour
	defaultKeepRetired = 25 * time.Hour
)

// Errors of the keyring.
var (
	ErrKeysNotLoaded = errors.New("the signing keys are not loaded yet")
	ErrNoSigningKey  = errors.New("there is no key to sign with")
	ErrWrongMaster   = errors.New("the keys in this store " + jose.ErrSealed.Error() +
		": start with the master key that they were made under, or with an empty store; nothing was changed")
	ErrRotatedTooOften = errors.New("too many retired keys are still needed to verify tokens: rotate again when they have ended")

	errNoSecret = errors.New("the store holds no shared secret")
	errNotDue   = errors.New("no rotation is due")
	errRotated  = errors.New("another node has rotated")
)

// TooSoonError says that a key would sign of which resource servers may not know yet.
type TooSoonError struct {
	Algorithm  jose.Algorithm
	RetryAfter time.Duration
}

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("the next %s key was published lately and is not known everywhere yet: it can sign in %s",
		e.Algorithm, (e.RetryAfter + time.Second - 1).Truncate(time.Second))
}

// KeyringConfig is what a Keyring works with. Zero durations and an empty algorithm mean the defaults.
type KeyringConfig struct {
	Backend     store.Backend
	Sealer      *jose.Sealer
	Now         func() time.Time
	Algorithm   jose.Algorithm // made at the first start, and meant by an empty algorithm; ES256
	RotateEvery time.Duration  // how long a key signs; 90 days
	KeepRetired time.Duration  // how long a retired key verifies: the longest lifetime of a token and some skew; 25 hours
	Warn        func(string)   // is told by Run what an operator should know, once each time that it changes; nil drops it
}

// Keyring holds the signing keys and the secret that all nodes of one store share. Of every algorithm one key signs, the
// next one is published ahead of its time, and retired ones verify until the last token they signed has ended. What it
// does at a request it does from memory; only Load, Ensure, the rotations and Run talk to the store, and at most once a
// second a request that needs a key which is not known.
type Keyring struct {
	config KeyringConfig
	rings  *store.Collection[ring]
	view   atomic.Pointer[keyView]

	reads   atomic.Uint64 // numbers the reads of the store
	mu      sync.Mutex
	applied uint64     // the read that view came from
	latest  *freshRead // the latest that an unknown key brought about
	ending  keysEnding // nil: nobody is told
}

// keysEnding tells that keys are about to be withdrawn.
type keysEnding func(ctx context.Context, ids []string) error

// OpenKeyring checks the configuration. The keyring is empty until Load.
func OpenKeyring(_ context.Context, c KeyringConfig) (*Keyring, error) {
	if c.Backend == nil || c.Sealer == nil {
		return nil, errors.New("keyring: needs a store and a sealer")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	if c.Algorithm == "" {
		c.Algorithm = jose.ES256
	}
	if c.RotateEvery == 0 {
		c.RotateEvery = defaultRotateEvery
	}
	if c.KeepRetired == 0 {
		c.KeepRetired = defaultKeepRetired
	}
	if c.RotateEvery < 0 || c.KeepRetired < 0 {
		return nil, errors.New("keyring: a duration is negative")
	}
	if err := c.Algorithm.Check(); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return &Keyring{config: c, rings: newRings(c.Backend)}, nil
}

// Load reads the secret and the keys, and makes them in an empty store. It may be called again after an error. Nodes that
// load an empty store at the same time agree.
func (k *Keyring) Load(ctx context.Context) error {
	// All that is there is opened before anything is written: a wrong master key changes nothing.
	err := k.refresh(ctx)
	if errors.Is(err, errNoSecret) {
		err = k.createSecret(ctx)
	}
	if err != nil {
		return fmt.Errorf("load keyring: %w", err)
	}
	return k.Ensure(ctx, k.config.Algorithm)
}

func (k *Keyring) createSecret(ctx context.Context) error {
	secret := make([]byte, sharedSecretSize)
	_, _ = rand.Read(secret) // never fails
	sealed, err := k.config.Sealer.Seal(purposeShared, secret)
	if err != nil {
		return err
	}
	err = k.rings.Create(ctx, &ring{ID: sharedSecretID, Secret: sealed})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return k.refresh(ctx)
}

// Ready reports whether the keyring can sign with its main algorithm.
func (k *Keyring) Ready() bool {
	v := k.view.Load()
	return v != nil && v.signing[k.config.Algorithm] != nil
}

// Ensure makes the keys of a further algorithm if the store has none.
func (k *Keyring) Ensure(ctx context.Context, a jose.Algorithm) error {
	v := k.view.Load()
	if v == nil {
		return ErrKeysNotLoaded
	}
	if v.signing[a] != nil {
		return nil
	}
	if err := a.Check(); err != nil {
		return err
	}
	// What is in the store opens with our master key, or nothing is written beside it.
	if err := k.lookAgain(ctx); err != nil {
		return err
	}
	if k.view.Load().signing[a] != nil {
		return nil
	}
	r, err := k.newRing(a)
	if err != nil {
		return err
	}
	err = k.rings.Create(ctx, r)
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("create %s keys: %w", a, err)
	}
	if err := k.refresh(ctx); err != nil {
		return fmt.Errorf("read %s keys: %w", a, err)
	}
	return nil
}

// Rotate lets the next key of an algorithm sign, retires the current one, and publishes a new next key; an empty algorithm
// means all. Another node that rotates at the same moment counts. *TooSoonError where a next key is younger than
// KeyPublishTime.
func (k *Keyring) Rotate(ctx context.Context, a jose.Algorithm) error {
	return k.rotateWhere(ctx, a, k.nextIsKnown)
}

// RotateNow is Rotate that does not wait until the next key is known. Whoever keeps a key set refuses what is signed until
// reading it again.
func (k *Keyring) RotateNow(ctx context.Context, a jose.Algorithm) error {
	return k.rotateWhere(ctx, a, func(*ring) error { return nil })
}

func (k *Keyring) rotateWhere(ctx context.Context, a jose.Algorithm, allowed func(*ring) error) error {
	v := k.view.Load()
	if v == nil {
		return ErrKeysNotLoaded
	}
	algorithms := []jose.Algorithm{a}
	if a == "" {
		algorithms = v.algorithms()
	}
	// Asked of all before the first is rotated: all or none, but for what other nodes do meanwhile.
	for _, r := range v.rings {
		if slices.Contains(algorithms, jose.Algorithm(r.ID)) {
			if err := allowed(r); err != nil {
				return err
			}
		}
	}
	for _, a := range algorithms {
		if err := k.rotate(ctx, a, allowed); err != nil {
			return fmt.Errorf("rotate %s keys: %w", a, err)
		}
	}
	return nil
}

// rotate is one Swap. Whoever loses it, and then finds another current key, finds that the rotation has happened.
func (k *Keyring) rotate(ctx context.Context, a jose.Algorithm, allowed func(*ring) error) error {
	current := ""
	_, err := k.rings.Update(ctx, string(a), func(r *ring) error {
		if current != "" && current != r.Current.ID {
			return errRotated
		}
		current = r.Current.ID
		if err := allowed(r); err != nil {
			return err
		}
		if err := k.opens(r); err != nil {
			return err
		}
		next, err := k.rotated(r)
		if err != nil {
			return err
		}
		*r = *next
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("there are none")
	}
	if err != nil && !errors.Is(err, errRotated) {
		return err
	}
	// The rotation stands even if it cannot be read back now; Run reads it later.
	_ = k.refresh(ctx)
	return nil
}

// nextIsKnown tells whether the next key may sign: whether every key set from before it was published is out of use.
func (k *Keyring) nextIsKnown(r *ring) error {
	if wait := r.nextKnown().Sub(k.now()); wait > 0 {
		return &TooSoonError{jose.Algorithm(r.ID), wait}
	}
	return nil
}

// refresh reads the store and replaces the view.
func (k *Keyring) refresh(ctx context.Context) error {
	read := k.reads.Add(1)
	var rings []*ring
	err := k.rings.All(ctx, "", func(r *ring) error {
		rings = append(rings, r)
		return nil
	})
	if err != nil {
		return err
	}
	v, err := k.newView(rings)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if read < k.applied {
		return nil // a read that began later has been applied
	}
	k.applied = read
	k.view.Store(v)
	return nil
}

// JWKS gives the published key set, which is shared and not to be changed, and its strong entity tag; nil and "" before
// Load.
func (k *Keyring) JWKS() (body []byte, etag string) {
	v := k.view.Load()
	if v == nil {
		return nil, ""
	}
	return v.jwks, v.etag
}

// Status lists the keys in the order in which they are published; it is empty before Load.
func (k *Keyring) Status() []KeyStatus {
	v := k.view.Load()
	if v == nil {
		return nil
	}
	return slices.Clone(v.status)
}

// Secret derives a key for a purpose from the secret that all nodes share. It panics before Load: whatever needs a secret
// is asked for only by a server that is ready.
func (k *Keyring) Secret(purpose string) [32]byte {
	v := k.view.Load()
	if v == nil {
		panic("oauth: Keyring.Secret before Load")
	}
	derived, err := hkdf.Key(sha256.New, v.secret, nil, "grantor shared 1: "+purpose, 32)
	if err != nil {
		panic("oauth: Keyring.Secret: " + err.Error()) // only for lengths that HKDF cannot give
	}
	return [32]byte(derived)
}

func (k *Keyring) now() time.Time { return k.config.Now().UTC().Round(0) }
