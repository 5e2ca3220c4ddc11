package oauth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
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
	keyringPoll    = 400 * time.Millisecond // how often a node looks for what other nodes did
	keyringTimeout = 2 * time.Second        // for one look
	rotateTimeout  = 30 * time.Second       // for one rotation: it may generate an RSA key
	maxRetired     = 32                     // retired keys of one algorithm that are published at a time

	defaultRotateEvery = 90 * 24 * time.Hour
	defaultKeepRetired = 25 * time.Hour
)

// Errors of the keyring.
var (
	ErrKeysNotLoaded = errors.New("the signing keys are not loaded yet")
	ErrWrongMaster   = errors.New("the keys in this store " + jose.ErrSealed.Error() +
		": start with the master key that they were made under, or with an empty store; nothing was changed")
	ErrRotatedTooOften = errors.New("too many retired keys are still needed to verify tokens: rotate again when they have ended")

	errNoSecret = errors.New("the store holds no shared secret")
)

// KeyringConfig is what a Keyring works with. Zero durations and an empty algorithm mean the defaults.
type KeyringConfig struct {
	Backend     store.Backend
	Sealer      *jose.Sealer
	Now         func() time.Time
	Algorithm   jose.Algorithm // made at the first start, and meant by an empty algorithm; ES256
	RotateEvery time.Duration  // how long a key signs; 90 days
	KeepRetired time.Duration  // how long a retired key verifies: the longest lifetime of a token and some skew; 25 hours
}

// Keyring holds the signing keys and the secret that all nodes of one store share. Of every algorithm one key signs, the
// next one is published ahead of its time, and retired ones verify until the last token they signed has ended. What it
// does at a request it does from memory; only Load, Ensure, Rotate and Run talk to the store.
type Keyring struct {
	config KeyringConfig
	rings  store.Collection[ring]
	view   atomic.Pointer[keyView]

	reads   atomic.Uint64 // numbers the reads of the store
	mu      sync.Mutex
	applied uint64 // the read that view came from
}

// OpenKeyring checks the configuration. The keyring is empty until Load.
func OpenKeyring(_ context.Context, c KeyringConfig) (*Keyring, error) {
	if c.Backend == nil || c.Sealer == nil {
		return nil, errors.New("keyring: needs a store and a sealer")
	}
	if c.Now == nil {
		c.Now = time.Now
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
	return &Keyring{config: c, rings: store.Collection[ring]{
		Backend: c.Backend,
		Kind:    keyringKind,
		ID:      func(r *ring) string { return r.ID },
	}}, nil
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
// means all. Another node that rotates at the same moment counts. To rotate again within a second leaves other nodes
// without the key that signs for that second.
func (k *Keyring) Rotate(ctx context.Context, a jose.Algorithm) error {
	v := k.view.Load()
	if v == nil {
		return ErrKeysNotLoaded
	}
	algorithms := []jose.Algorithm{a}
	if a == "" {
		algorithms = v.algorithms()
	}
	for _, a := range algorithms {
		if err := k.rotate(ctx, a, func(*ring) bool { return true }); err != nil {
			return fmt.Errorf("rotate %s keys: %w", a, err)
		}
	}
	return nil
}

// rotate is one Swap. Whoever loses it finds that the rotation has happened.
func (k *Keyring) rotate(ctx context.Context, a jose.Algorithm, due func(*ring) bool) error {
	old, err := k.rings.Load(ctx, string(a))
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("there are none")
	}
	if err != nil {
		return err
	}
	if !due(old.Value) {
		return nil
	}
	next, err := k.rotated(old.Value)
	if err != nil {
		return err
	}
	if _, err := k.rings.Swap(ctx, old, next); err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	// The rotation stands even if it cannot be read back now; Run reads it later.
	_ = k.refresh(ctx)
	return nil
}

// Run follows what other nodes do and rotates on schedule, until ctx ends. It begins once Load has succeeded.
func (k *Keyring) Run(ctx context.Context) {
	tick := time.NewTicker(keyringPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.follow(ctx)
		}
	}
}

// follow leaves everything as it is when the store cannot be read: tokens are signed and verified through an outage.
func (k *Keyring) follow(ctx context.Context) {
	if k.view.Load() == nil || k.look(ctx) != nil {
		return
	}
	for _, r := range k.view.Load().rings {
		if k.due(r) {
			k.rotateDue(ctx, jose.Algorithm(r.ID))
		}
	}
}

func (k *Keyring) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyringTimeout)
	defer cancel()
	return k.refresh(ctx)
}

func (k *Keyring) rotateDue(ctx context.Context, a jose.Algorithm) {
	ctx, cancel := context.WithTimeout(ctx, rotateTimeout)
	defer cancel()
	_ = k.rotate(ctx, a, k.due) // tried again at the next tick
}

// due holds for a key that was activated long ago, or so far ahead that a clock must have been wrong.
func (k *Keyring) due(r *ring) bool {
	return k.now().Sub(r.Current.Activated).Abs() >= k.config.RotateEvery
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

// Sign gives claims as a JWS signed with the current key of an algorithm; the empty one is the main algorithm.
func (k *Keyring) Sign(a jose.Algorithm, typ string, claims []byte) (string, error) {
	v := k.view.Load()
	if v == nil {
		return "", ErrKeysNotLoaded
	}
	if a == "" {
		a = k.config.Algorithm
	}
	key := v.signing[a]
	if key == nil {
		return "", fmt.Errorf("sign: there is no %s key", a)
	}
	return key.Sign(typ, claims)
}

// Verify checks a JWS against the keys in memory and gives its claims; see jose.Verify. A kid that is not known is refused
// without a look into the store: strangers choose it.
func (k *Keyring) Verify(token, typ string) (claims []byte, err error) {
	v := k.view.Load()
	if v == nil {
		return nil, ErrKeysNotLoaded
	}
	now := k.now()
	return jose.Verify(token, typ, func(kid string) (*jose.Key, bool) {
		known, ok := v.keys[kid]
		if !ok || known.ended(now) {
			return nil, false
		}
		return known.key, true
	})
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

// newView opens what was read. errNoSecret, ErrWrongMaster.
func (k *Keyring) newView(records []*ring) (*keyView, error) {
	byID := make(map[string]*ring, len(records))
	for _, r := range records {
		byID[r.ID] = r
	}
	v := &keyView{signing: map[jose.Algorithm]*jose.Key{}, keys: map[string]knownKey{}}
	if shared := byID[sharedSecretID]; shared != nil {
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

// rotated gives the ring after a rotation: next signs, current verifies, ended keys are gone.
func (k *Keyring) rotated(old *ring) (*ring, error) {
	now := k.now()
	retired, err := k.retire(old, now)
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
	current := old.Next
	current.Activated = now
	return &ring{ID: old.ID, Current: current, Next: fresh, Retired: kept}, nil
}

func (k *Keyring) retire(r *ring, now time.Time) (storedKey, error) {
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
	retired.Retired, retired.RemoveAfter = now, now.Add(k.config.KeepRetired)
	return retired, nil
}
