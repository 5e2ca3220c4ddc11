package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

const ringClaims = `{"sub":"alice"}`

// ringStore is a memory store that can be unreachable and counts how often it is asked.
type ringStore struct {
	store.Backend
	down  atomic.Bool
	asked atomic.Int64
}

func (s *ringStore) ask(op string) error {
	s.asked.Add(1)
	if s.down.Load() {
		return &store.UnavailableError{Op: op, Err: errors.New("connection refused")}
	}
	return nil
}

func (s *ringStore) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	if err := s.ask("get"); err != nil {
		return store.Record{}, err
	}
	return s.Backend.Get(ctx, kind, id)
}

func (s *ringStore) Create(ctx context.Context, r store.Record) (uint64, error) {
	if err := s.ask("create"); err != nil {
		return 0, err
	}
	return s.Backend.Create(ctx, r)
}

func (s *ringStore) Swap(ctx context.Context, old, next store.Record) (uint64, error) {
	if err := s.ask("swap"); err != nil {
		return 0, err
	}
	return s.Backend.Swap(ctx, old, next)
}

func (s *ringStore) List(
	ctx context.Context, kind store.Kind, tag, cursor string, limit int,
) ([]store.Record, string, error) {
	if err := s.ask("list"); err != nil {
		return nil, "", err
	}
	return s.Backend.List(ctx, kind, tag, cursor, limit)
}

// ringClock is a clock that is set by hand.
type ringClock struct{ nanos atomic.Int64 }

func (c *ringClock) now() time.Time        { return time.Unix(1_800_000_000, c.nanos.Load()) }
func (c *ringClock) move(d time.Duration)  { c.nanos.Add(int64(d)) }
func ringMaster(fill byte) []byte          { return bytes.Repeat([]byte{fill}, jose.MasterSize) }
func newRingStore(t *testing.T) *ringStore { return &ringStore{Backend: openMemory(t)} }
func openMemory(t *testing.T) *memory.Store {
	s := memory.New()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// openRing opens a keyring as one node does.
func openRing(t *testing.T, c oauth.KeyringConfig) *oauth.Keyring {
	t.Helper()
	if c.Sealer == nil {
		sealer, err := jose.NewSealer(ringMaster(1))
		if err != nil {
			t.Fatal(err)
		}
		c.Sealer = sealer
	}
	k, err := oauth.OpenKeyring(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func loadRing(t *testing.T, c oauth.KeyringConfig) *oauth.Keyring {
	t.Helper()
	k := openRing(t, c)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

// runRing runs a keyring until the test ends.
func runRing(t *testing.T, k *oauth.Keyring) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func ringSign(t *testing.T, k *oauth.Keyring, a jose.Algorithm) string {
	t.Helper()
	token, err := k.Sign(a, "at+jwt", []byte(ringClaims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func ringAccepts(k *oauth.Keyring, token string) bool {
	claims, err := k.Verify(token, "at+jwt")
	return err == nil && string(claims) == ringClaims
}

// idIn gives the id of the first key of an algorithm that is in a state.
func idIn(k *oauth.Keyring, a jose.Algorithm, state oauth.KeyState) string {
	for _, s := range k.Status() {
		if s.Algorithm == a && s.State == state {
			return s.ID
		}
	}
	return ""
}

// published verifies a token as a resource server does: with the key set alone.
func published(t *testing.T, k *oauth.Keyring, token string) error {
	t.Helper()
	body, _ := k.JWKS()
	var set gojose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	signed, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.ES256, gojose.EdDSA, gojose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	keys := set.Key(signed.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		return fmt.Errorf("%d keys are published under the kid", len(keys))
	}
	_, err = signed.Verify(keys[0])
	return err
}

func TestKeyringSignsAndVerifies(t *testing.T) {
	k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t)})
	for _, a := range []jose.Algorithm{jose.EdDSA, jose.RS256} {
		if _, err := k.Sign(a, "at+jwt", []byte(ringClaims)); err == nil {
			t.Errorf("signed with %s, of which there is no key", a)
		}
		if err := k.Ensure(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []jose.Algorithm{"", jose.ES256, jose.EdDSA, jose.RS256} {
		token := ringSign(t, k, a)
		if !ringAccepts(k, token) {
			t.Errorf("%s: own token refused", a)
		}
		if err := published(t, k, token); err != nil {
			t.Errorf("%s: key set does not verify: %v", a, err)
		}
		if _, err := k.Verify(token, "JWT"); !errors.Is(err, jose.ErrInvalid) {
			t.Errorf("%s: typ is not compared: %v", a, err)
		}
	}
	if err := k.Ensure(t.Context(), "HS256"); err == nil {
		t.Error("made an HS256 key")
	}
	if n := len(k.Status()); n != 6 {
		t.Errorf("%d keys, want current and next of three algorithms", n)
	}
}

func TestKeyringBeforeLoadIsNotReady(t *testing.T) {
	b := newRingStore(t)
	k := openRing(t, oauth.KeyringConfig{Backend: b})
	if b.asked.Load() != 0 || k.Ready() {
		t.Error("OpenKeyring touched the store")
	}
	if _, err := k.Sign("", "at+jwt", nil); !errors.Is(err, oauth.ErrKeysNotLoaded) {
		t.Errorf("Sign: %v", err)
	}
	if _, err := k.Verify("a.b.c", "at+jwt"); !errors.Is(err, oauth.ErrKeysNotLoaded) {
		t.Errorf("Verify: %v", err)
	}
	if err := k.Ensure(t.Context(), jose.EdDSA); !errors.Is(err, oauth.ErrKeysNotLoaded) {
		t.Errorf("Ensure: %v", err)
	}
	if err := k.Rotate(t.Context(), ""); !errors.Is(err, oauth.ErrKeysNotLoaded) {
		t.Errorf("Rotate: %v", err)
	}
	if body, etag := k.JWKS(); body != nil || etag != "" || k.Status() != nil {
		t.Error("keys before Load")
	}
	defer func() {
		if recover() == nil {
			t.Error("Secret before Load did not panic")
		}
	}()
	k.Secret("form")
}

func TestBadKeyringConfigIsRefused(t *testing.T) {
	sealer, err := jose.NewSealer(ringMaster(1))
	if err != nil {
		t.Fatal(err)
	}
	b := newRingStore(t)
	for name, c := range map[string]oauth.KeyringConfig{
		"no store":          {Sealer: sealer},
		"no sealer":         {Backend: b},
		"HS256":             {Backend: b, Sealer: sealer, Algorithm: "HS256"},
		"negative rotation": {Backend: b, Sealer: sealer, RotateEvery: -1},
		"negative keep":     {Backend: b, Sealer: sealer, KeepRetired: -1},
	} {
		if _, err := oauth.OpenKeyring(t.Context(), c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestKeyringSurvivesRestart(t *testing.T) {
	clock := new(ringClock)
	c := oauth.KeyringConfig{Backend: newRingStore(t), Now: clock.now}
	first := loadRing(t, c)
	old := ringSign(t, first, "")
	if err := first.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	second := loadRing(t, c)
	if !ringAccepts(second, old) || !ringAccepts(second, ringSign(t, first, "")) || !ringAccepts(first, ringSign(t, second, "")) {
		t.Error("a token became invalid by a restart")
	}
	if first.Secret("form") != second.Secret("form") || first.Secret("form") == second.Secret("csrf") {
		t.Error("the shared secret is not one per purpose")
	}
	body, etag := first.JWKS()
	again, etagAgain := second.JWKS()
	if !bytes.Equal(body, again) || etag != etagAgain {
		t.Error("two nodes publish different sets")
	}
	if !slices.Equal(first.Status(), second.Status()) {
		t.Errorf("%v\n%v", first.Status(), second.Status())
	}
}

func TestKeySetIsPublicWithStrongTag(t *testing.T) {
	k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t)})
	if err := k.Ensure(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	body, etag := k.JWKS()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 4 {
		t.Errorf("%d keys", len(set.Keys))
	}
	for _, jwk := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, leaked := jwk[private]; leaked {
				t.Errorf("key set holds %q", private)
			}
		}
		if jwk["use"] != "sig" || jwk["alg"] == nil || jwk["kid"] == nil {
			t.Errorf("jwk = %v", jwk)
		}
	}
	if len(etag) < 10 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		t.Errorf("etag = %s", etag)
	}
	if err := k.RotateNow(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	if _, after := k.JWKS(); after == etag {
		t.Error("the tag did not change with the set")
	}
}

func TestRotationKeepsEveryTokenValid(t *testing.T) {
	clock := new(ringClock)
	k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t), Now: clock.now, KeepRetired: time.Hour})
	runRing(t, k)
	old, current, next := ringSign(t, k, ""), idIn(k, jose.ES256, oauth.KeyCurrent), idIn(k, jose.ES256, oauth.KeyNext)
	before, _ := k.JWKS()
	if !strings.Contains(string(before), next) {
		t.Error("the next key is not published ahead")
	}
	if err := k.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if idIn(k, jose.ES256, oauth.KeyCurrent) != next || idIn(k, jose.ES256, oauth.KeyRetired) != current {
		t.Errorf("status after rotation: %+v", k.Status())
	}
	fresh := ringSign(t, k, "")
	for _, token := range []string{old, fresh} {
		if !ringAccepts(k, token) || published(t, k, token) != nil {
			t.Error("a token became invalid by the rotation")
		}
	}
	clock.move(time.Hour - 1)
	if !ringAccepts(k, old) {
		t.Error("a retired key ended too early")
	}
	clock.move(1)
	if ringAccepts(k, old) || !ringAccepts(k, fresh) {
		t.Error("a retired key still verifies after its time")
	}
	eventually(t, "the ended key leaves the key set", func() bool { return published(t, k, old) != nil })
	clock.move(-time.Hour)
	if eventually(t, "the clock went back", func() bool { return ringAccepts(k, old) }); !ringAccepts(k, fresh) {
		t.Error("a clock that goes back breaks the current key")
	}
}

func TestRetiredKeyKeepsNoPrivatePart(t *testing.T) {
	b := newRingStore(t)
	clock := new(ringClock)
	k := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now, KeepRetired: time.Hour})
	size := func() int {
		r, err := b.Backend.Get(t.Context(), store.Kind{Name: "keyring"}, "ES256")
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Value)
	}
	for range 2 {
		if err := k.RotateNow(t.Context(), jose.ES256); err != nil {
			t.Fatal(err)
		}
	}
	two := size()
	clock.move(time.Hour)
	if err := k.RotateNow(t.Context(), jose.ES256); err != nil {
		t.Fatal(err)
	}
	if one := size(); one >= two || len(k.Status()) != 3 {
		t.Errorf("ended keys stay in the store: %d bytes after %d, %+v", one, two, k.Status())
	}
	sealer, err := jose.NewSealer(ringMaster(1))
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Backend.Get(t.Context(), store.Kind{Name: "keyring"}, "ES256")
	if err != nil {
		t.Fatal(err)
	}
	var stored struct{ Retired []struct{ Sealed []byte } }
	if err := json.Unmarshal(r.Value, &stored); err != nil || len(stored.Retired) != 1 {
		t.Fatalf("%s: %v", r.Value, err)
	}
	public, err := sealer.Open("keyring public key", stored.Retired[0].Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := jose.ParsePublic(public); err != nil || key.CanSign() {
		t.Errorf("retired key: %v, %v", key, err)
	}
}

// A key signs only when every key set that was read before it was published is out of use.
func TestRotationWaitsUntilTheNextKeyIsKnown(t *testing.T) {
	clock := new(ringClock)
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
	if err := k.Ensure(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	tooSoon := func(k *oauth.Keyring, want time.Duration) {
		t.Helper()
		before := allRecords(t, b)
		for _, a := range []jose.Algorithm{"", jose.EdDSA} {
			var refused *oauth.TooSoonError
			if err := k.Rotate(t.Context(), a); !errors.As(err, &refused) || refused.RetryAfter != want {
				t.Fatalf("Rotate: %v, want a wait of %s", err, want)
			}
		}
		if allRecords(t, b) != before {
			t.Error("a refused rotation changed the store")
		}
	}
	// The first two keys came together, so the first rotation need not wait.
	if err := k.Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	tooSoon(k, oauth.KeyPublishTime)
	clock.move(oauth.KeyPublishTime - 1)
	tooSoon(k, 1)
	clock.move(1)
	old := idIn(k, jose.ES256, oauth.KeyCurrent)
	if err := k.Rotate(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	other := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
	tooSoon(other, oauth.KeyPublishTime)
	if idIn(k, jose.ES256, oauth.KeyCurrent) != old {
		t.Error("one algorithm was rotated although another could not be")
	}
	if err := other.RotateNow(t.Context(), ""); err != nil {
		t.Errorf("RotateNow: %v", err)
	}
	if idIn(other, jose.ES256, oauth.KeyCurrent) == old {
		t.Error("RotateNow did not rotate")
	}
}

func TestScheduleWaitsUntilTheNextKeyIsKnown(t *testing.T) {
	clock := new(ringClock)
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now, RotateEvery: time.Minute})
	if err := k.Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	current := idIn(k, jose.ES256, oauth.KeyCurrent)
	clock.move(oauth.KeyPublishTime - 1)
	runRing(t, k)
	asked := b.asked.Load()
	eventually(t, "three looks", func() bool { return b.asked.Load() > asked+3 })
	if idIn(k, jose.ES256, oauth.KeyCurrent) != current {
		t.Error("rotated on schedule to a key that was published lately")
	}
	clock.move(1)
	eventually(t, "the rotation", func() bool { return idIn(k, jose.ES256, oauth.KeyCurrent) != current })
}

func TestRotationIsBounded(t *testing.T) {
	clock := new(ringClock)
	k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t), Now: clock.now})
	first := ringSign(t, k, "")
	var err error
	rotations := 0
	for ; err == nil && rotations < 1000; rotations++ {
		err = k.RotateNow(t.Context(), "")
	}
	if !errors.Is(err, oauth.ErrRotatedTooOften) || rotations < 10 {
		t.Fatalf("after %d rotations: %v", rotations, err)
	}
	if !ringAccepts(k, first) {
		t.Error("a token was sacrificed")
	}
	clock.move(25 * time.Hour)
	if err := k.RotateNow(t.Context(), ""); err != nil {
		t.Errorf("after the keys have ended: %v", err)
	}
}

func TestRotationOnSchedule(t *testing.T) {
	clock := new(ringClock)
	b := newRingStore(t)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now, RotateEvery: 30 * 24 * time.Hour}
	nodes := []*oauth.Keyring{loadRing(t, c), loadRing(t, c), loadRing(t, c)}
	first, next := idIn(nodes[0], jose.ES256, oauth.KeyCurrent), idIn(nodes[0], jose.ES256, oauth.KeyNext)
	for _, k := range nodes {
		runRing(t, k)
	}
	everywhere := func(id string) func() bool {
		return func() bool {
			return !slices.ContainsFunc(nodes, func(k *oauth.Keyring) bool { return idIn(k, jose.ES256, oauth.KeyCurrent) != id })
		}
	}
	settled := func() { // every node has looked at least twice more
		asked := b.asked.Load()
		eventually(t, "every node looks twice", func() bool { return b.asked.Load() >= asked+9 })
	}
	clock.move(c.RotateEvery - 1)
	if settled(); !everywhere(first)() {
		t.Error("rotated too early")
	}
	clock.move(1)
	eventually(t, "all nodes rotate", everywhere(next))
	if settled(); !everywhere(next)() || len(nodes[0].Status()) != 3 {
		t.Errorf("rotated more than once: %+v", nodes[0].Status())
	}
	// Neither a small nor a large step backwards stops or repeats anything.
	clock.move(-time.Hour)
	if settled(); !everywhere(next)() {
		t.Error("rotated because the clock went back")
	}
}

// Between a node's look and its rotation another node rotates: the node must notice.
func TestScheduledRotationHappensOnce(t *testing.T) {
	clock := new(ringClock)
	b := newRingStore(t)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	fast := loadRing(t, c)
	next := idIn(fast, jose.ES256, oauth.KeyNext)
	late := &overtaken{Backend: b}
	late.before = func() {
		if err := fast.Rotate(context.Background(), ""); err != nil {
			t.Error(err)
		}
		late.done.Store(true)
	}
	c.Backend = late
	slow := loadRing(t, c)
	clock.move(90 * 24 * time.Hour)
	runRing(t, slow)
	eventually(t, "the slow node is overtaken", late.done.Load)
	asked := b.asked.Load()
	eventually(t, "the slow node looks again", func() bool { return b.asked.Load() > asked+3 })
	if now := idIn(slow, jose.ES256, oauth.KeyCurrent); now != next || len(slow.Status()) != 3 {
		t.Errorf("current key %s, want %s: %+v", now, next, slow.Status())
	}
}

// A node whose clock is far behind neither rotates on its own, nor makes others rotate, nor ends what was signed.
func TestClockFarBehindDoesNoHarm(t *testing.T) {
	clock := new(ringClock)
	b := newRingStore(t)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	right := loadRing(t, c)
	c.Now = func() time.Time { return clock.now().Add(-100 * 24 * time.Hour) }
	behind := loadRing(t, c)
	current, next := idIn(right, jose.ES256, oauth.KeyCurrent), idIn(right, jose.ES256, oauth.KeyNext)
	runRing(t, right)
	runRing(t, behind)
	settled := func() {
		asked := b.asked.Load()
		eventually(t, "both nodes look", func() bool { return b.asked.Load() > asked+5 })
	}
	if settled(); idIn(right, jose.ES256, oauth.KeyCurrent) != current {
		t.Fatal("rotated because a clock is behind")
	}
	old := ringSign(t, right, "")
	clock.move(24 * time.Hour)
	if err := behind.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if settled(); idIn(right, jose.ES256, oauth.KeyCurrent) != next {
		t.Error("a rotation by a clock that is behind made the others rotate")
	}
	if !ringAccepts(right, old) || published(t, right, old) != nil {
		t.Error("a rotation by a clock that is behind ended tokens")
	}
}

// overtaken is a store in which something happens just before the first Get.
type overtaken struct {
	store.Backend
	once   sync.Once
	before func()
	done   atomic.Bool
}

func (o *overtaken) Get(ctx context.Context, kind store.Kind, id string) (store.Record, error) {
	o.once.Do(o.before)
	return o.Backend.Get(ctx, kind, id)
}

// A look that was slow must not bring back what a rotation has replaced since.
func TestSlowLookDoesNotUndoARotation(t *testing.T) {
	slow := &slowList{Backend: newRingStore(t), read: make(chan struct{}), release: make(chan struct{}), next: make(chan struct{})}
	k := loadRing(t, oauth.KeyringConfig{Backend: slow})
	slow.armed.Store(true)
	runRing(t, k)
	<-slow.read
	next := idIn(k, jose.ES256, oauth.KeyNext)
	if err := k.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	close(slow.release)
	<-slow.next // the slow look is over
	if idIn(k, jose.ES256, oauth.KeyCurrent) != next {
		t.Error("an old look was taken for the latest")
	}
	slow.next <- struct{}{}
}

// slowList, once armed, holds the first look back after it has read, and stops before the third.
type slowList struct {
	store.Backend
	armed               atomic.Bool
	looks               atomic.Int64
	read, release, next chan struct{}
}

func (s *slowList) List(
	ctx context.Context, kind store.Kind, tag, cursor string, limit int,
) ([]store.Record, string, error) {
	if !s.armed.Load() {
		return s.Backend.List(ctx, kind, tag, cursor, limit)
	}
	look := s.looks.Add(1)
	if look == 3 {
		s.next <- struct{}{}
		<-s.next
	}
	records, cursor, err := s.Backend.List(ctx, kind, tag, cursor, limit)
	if look == 1 {
		close(s.read)
		<-s.release
	}
	return records, cursor, err
}

func TestNodesThatLoadTogetherAgree(t *testing.T) {
	b := newRingStore(t)
	nodes := make([]*oauth.Keyring, 8)
	var group sync.WaitGroup
	for i := range nodes {
		nodes[i] = openRing(t, oauth.KeyringConfig{Backend: b})
		group.Go(func() {
			if err := nodes[i].Load(context.Background()); err != nil {
				t.Error(err)
			}
			if err := nodes[i].Ensure(context.Background(), jose.EdDSA); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, k := range nodes {
		for _, a := range []jose.Algorithm{jose.ES256, jose.EdDSA} {
			if !ringAccepts(k, ringSign(t, nodes[0], a)) || !ringAccepts(nodes[0], ringSign(t, k, a)) {
				t.Errorf("nodes disagree about %s", a)
			}
		}
		if k.Secret("form") != nodes[0].Secret("form") {
			t.Error("nodes disagree about the secret")
		}
		if n := len(k.Status()); n != 4 {
			t.Errorf("%d keys", n)
		}
	}
}

func TestPlansTellWhenKeysCanAndWillBeRotated(t *testing.T) {
	clock := new(ringClock)
	k := loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t), Now: clock.now, RotateEvery: 24 * time.Hour})
	plan := func() oauth.RotationPlan {
		t.Helper()
		plans := k.Plans()
		if len(plans) != 1 || plans[0].Algorithm != jose.ES256 {
			t.Fatalf("%+v", plans)
		}
		return plans[0]
	}
	if p := plan(); p.Possible.After(clock.now()) || !p.Due.Equal(clock.now().Add(24*time.Hour)) {
		t.Errorf("at first: %+v at %s", p, clock.now())
	}
	if err := k.Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	possible := plan().Possible
	if want := clock.now().Add(oauth.KeyPublishTime); !possible.Equal(want) {
		t.Errorf("possible at %s, not at %s", possible, want)
	}
	clock.move(possible.Sub(clock.now()) - 1)
	if err := k.Rotate(t.Context(), ""); err == nil {
		t.Error("possible before it was said to be")
	}
	clock.move(1)
	if err := k.Rotate(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

// While eight nodes rotate, what any of them has signed verifies on all of them.
func TestRotationsThatRaceAreOrderly(t *testing.T) {
	b, clock := newRingStore(t), new(ringClock)
	nodes := make([]*oauth.Keyring, 8)
	for i := range nodes {
		nodes[i] = loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
	}
	before := ringSign(t, nodes[0], "")
	next := idIn(nodes[0], jose.ES256, oauth.KeyNext)
	clock.move(oauth.KeyPublishTime)
	var group sync.WaitGroup
	for _, k := range nodes {
		group.Go(func() {
			err := k.Rotate(context.Background(), jose.ES256)
			if tooSoon := (*oauth.TooSoonError)(nil); err != nil && !errors.As(err, &tooSoon) {
				t.Error(err)
			}
			if !ringAccepts(k, before) {
				t.Error("a token became invalid")
			}
		})
	}
	group.Wait()
	last := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
	if state, _ := keyState(last, next); state != oauth.KeyCurrent {
		t.Errorf("the next key is %q after rotations at the same time", state)
	}
	for _, k := range nodes {
		if !ringAccepts(last, ringSign(t, k, "")) {
			t.Error("a node signs with a key that is not in the store")
		}
	}
}

func keyState(k *oauth.Keyring, id string) (oauth.KeyState, bool) {
	for _, s := range k.Status() {
		if s.ID == id {
			return s.State, true
		}
	}
	return "", false
}

func TestRotationIsSeenByOtherNodes(t *testing.T) {
	b := newRingStore(t)
	one, two := loadRing(t, oauth.KeyringConfig{Backend: b}), loadRing(t, oauth.KeyringConfig{Backend: b})
	runRing(t, two)
	if err := one.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if !ringAccepts(two, ringSign(t, one, "")) {
		t.Error("the other node does not know the key at once, although it was published ahead")
	}
	began := time.Now()
	eventually(t, "the other node signs with the new key", func() bool {
		return idIn(two, "ES256", oauth.KeyCurrent) == idIn(one, "ES256", oauth.KeyCurrent)
	})
	t.Logf("seen after %s", time.Since(began))
	if err := one.Ensure(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other node knows the new algorithm", func() bool { return ringAccepts(two, ringSign(t, one, jose.EdDSA)) })
}

func TestKeyringWorksThroughAnOutage(t *testing.T) {
	b := newRingStore(t)
	clock := new(ringClock)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	b.down.Store(true)
	k := openRing(t, c)
	runRing(t, k)
	if err := k.Load(t.Context()); !store.IsUnavailable(err) || k.Ready() {
		t.Fatalf("Load without a store: %v", err)
	}
	b.down.Store(false)
	if err := k.Load(t.Context()); err != nil || !k.Ready() {
		t.Fatalf("Load again: %v", err)
	}
	b.down.Store(true)
	asked := b.asked.Load()
	eventually(t, "looks during the outage", func() bool { return b.asked.Load() > asked+1 })
	if token := ringSign(t, k, ""); !ringAccepts(k, token) || published(t, k, token) != nil || !k.Ready() {
		t.Error("the keys were lost with the store")
	}
	if err := k.RotateNow(t.Context(), ""); !store.IsUnavailable(err) {
		t.Errorf("Rotate: %v", err)
	}
	if err := k.Ensure(t.Context(), jose.EdDSA); !store.IsUnavailable(err) {
		t.Errorf("Ensure: %v", err)
	}
	current := idIn(k, jose.ES256, oauth.KeyCurrent)
	clock.move(365 * 24 * time.Hour)
	b.down.Store(false)
	eventually(t, "rotation after the outage", func() bool { return idIn(k, jose.ES256, oauth.KeyCurrent) != current })
}

// Half of a first start may be done when the store goes away.
func TestLoadGoesOnWhereItWasInterrupted(t *testing.T) {
	b := newRingStore(t)
	k := openRing(t, oauth.KeyringConfig{Backend: &failingCreate{b, "ES256"}})
	if err := k.Load(t.Context()); !store.IsUnavailable(err) || k.Ready() {
		t.Fatalf("Load: %v", err)
	}
	secret := k.Secret("form")
	k = loadRing(t, oauth.KeyringConfig{Backend: b})
	if k.Secret("form") != secret || !k.Ready() {
		t.Error("the second Load began anew")
	}
}

type failingCreate struct {
	store.Backend
	id string
}

func (f *failingCreate) Create(ctx context.Context, r store.Record) (uint64, error) {
	if r.ID == f.id {
		return 0, &store.UnavailableError{Op: "create", Err: context.DeadlineExceeded}
	}
	return f.Backend.Create(ctx, r)
}

func TestWrongMasterKeyIsSaidAndChangesNothing(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	wrong, err := jose.NewSealer(ringMaster(2))
	if err != nil {
		t.Fatal(err)
	}
	everything := func() string { return allRecords(t, b) }
	before := everything()
	stranger := openRing(t, oauth.KeyringConfig{Backend: b, Sealer: wrong, Algorithm: jose.EdDSA})
	for range 2 {
		err := stranger.Load(t.Context())
		if !errors.Is(err, oauth.ErrWrongMaster) || !strings.Contains(err.Error(), "start with the master key") {
			t.Errorf("Load: %v", err)
		}
	}
	// Keys without the secret, as an incomplete restore leaves them.
	if _, err := b.Take(t.Context(), store.Kind{Name: "keyring"}, "secret"); err != nil {
		t.Fatal(err)
	}
	without := everything()
	if err := stranger.Load(t.Context()); !errors.Is(err, oauth.ErrWrongMaster) {
		t.Errorf("Load: %v", err)
	}
	if without != everything() || !strings.Contains(before, "secret") || strings.Contains(without, `"secret"`) {
		t.Error("a wrong master key changed the store")
	}
	if stranger.Ready() || !k.Ready() {
		t.Error("ready with a wrong master key")
	}
	if again := loadRing(t, oauth.KeyringConfig{Backend: b}); !ringAccepts(again, ringSign(t, k, "")) {
		t.Error("the right master key no longer opens the keys")
	}
}

func allRecords(t *testing.T, b store.Backend) string {
	t.Helper()
	records, _, err := b.List(t.Context(), store.Kind{Name: "keyring"}, "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, r := range records {
		all.Write(r.Value)
	}
	return all.String()
}

// Whoever can write to the store but has not the master key gets no key in, and a bad record unseats no running node.
func TestTamperedRecordIsRefused(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	runRing(t, k)
	other := newRingStore(t)
	foreign, err := jose.NewSealer(ringMaster(2))
	if err != nil {
		t.Fatal(err)
	}
	stranger := loadRing(t, oauth.KeyringConfig{Backend: other, Sealer: foreign})
	kind := store.Kind{Name: "keyring"}
	replaceRecord(t, b, kind, "ES256", func([]byte) []byte {
		r, err := other.Backend.Get(t.Context(), kind, "ES256")
		if err != nil {
			t.Fatal(err)
		}
		return r.Value
	})
	asked := b.asked.Load()
	eventually(t, "looks at the tampered record", func() bool { return b.asked.Load() > asked+2 })
	if !ringAccepts(k, ringSign(t, k, "")) || ringAccepts(k, ringSign(t, stranger, "")) {
		t.Error("a running node took a foreign key")
	}
	again := openRing(t, oauth.KeyringConfig{Backend: b})
	if err := again.Load(t.Context()); !errors.Is(err, jose.ErrSealed) || again.Ready() {
		t.Errorf("Load: %v", err)
	}
}

func TestKeyUnderAnotherNameIsRefused(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	current, next := idIn(k, jose.ES256, oauth.KeyCurrent), idIn(k, jose.ES256, oauth.KeyNext)
	replaceRecord(t, b, store.Kind{Name: "keyring"}, "ES256", func(value []byte) []byte {
		swapped := strings.NewReplacer(current, next, next, current).Replace(string(value))
		return []byte(swapped)
	})
	if err := openRing(t, oauth.KeyringConfig{Backend: b}).Load(t.Context()); err == nil {
		t.Error("loaded keys under swapped names")
	}
}

func replaceRecord(t *testing.T, b store.Backend, kind store.Kind, id string, change func([]byte) []byte) {
	t.Helper()
	old, err := b.Get(t.Context(), kind, id)
	if err != nil {
		t.Fatal(err)
	}
	next := old
	next.Value = change(old.Value)
	if _, err := b.Swap(t.Context(), old, next); err != nil {
		t.Fatal(err)
	}
}

func TestStoreHoldsNoKeyInClear(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	if err := k.RotateNow(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	records, _, err := b.List(t.Context(), store.Kind{Name: "keyring"}, "", "", 100)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	pkcs8 := []byte{0x2a, 0x86, 0x48, 0xce, 0x3d} // the identifier of elliptic-curve keys, in each of them
	for _, r := range records {
		var sealed struct {
			Secret        []byte
			Current, Next struct{ Sealed []byte }
			Retired       []struct{ Sealed []byte }
		}
		if err := json.Unmarshal(r.Value, &sealed); err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(sealed.Secret, sealed.Current.Sealed, sealed.Next.Sealed)
		for _, s := range sealed.Retired {
			all = append(all, s.Sealed...)
		}
		if len(all) == 0 || bytes.Contains(all, pkcs8) {
			t.Errorf("%s lies in clear", r.ID)
		}
	}
}

// Whoever sends unknown kids, however many at a time, costs one read of the store in a second.
func TestUnknownKidsCostOneReadASecond(t *testing.T) {
	b, clock := newRingStore(t), new(ringClock)
	k := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now})
	foreign := ringSign(t, loadRing(t, oauth.KeyringConfig{Backend: newRingStore(t)}), "")
	flood := func() {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 20 {
					if _, err := k.Verify(foreign, "at+jwt"); !errors.Is(err, jose.ErrInvalid) {
						t.Errorf("Verify: %v", err)
					}
				}
			})
		}
		group.Wait()
	}
	asked := b.asked.Load()
	for _, second := range []int64{1, 2, 3} {
		flood()
		if n := b.asked.Load() - asked; n != second {
			t.Errorf("%d reads in %d seconds", n, second)
		}
		clock.move(time.Second)
	}
}

// Another node has made a key a moment ago, and no look has come by yet.
func TestUnknownKeyIsLookedFor(t *testing.T) {
	b, clock := newRingStore(t), new(ringClock)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	one, two, three := loadRing(t, c), loadRing(t, c), loadRing(t, c)
	if err := one.Ensure(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	if !ringAccepts(two, ringSign(t, one, jose.EdDSA)) {
		t.Error("a key of another node is not known")
	}
	if !ringAccepts(one, ringSign(t, three, jose.EdDSA)) {
		t.Error("does not sign with the key of another node")
	}
	if _, err := three.Sign(jose.RS256, "at+jwt", []byte(ringClaims)); !errors.Is(err, oauth.ErrNoSigningKey) {
		t.Errorf("Sign with a key that nobody has made: %v", err)
	}
}

// Of a token by an unknown key nothing is known while the store is away; it is not called invalid.
func TestUnknownKeyDuringAnOutage(t *testing.T) {
	b, clock := newRingStore(t), new(ringClock)
	c := oauth.KeyringConfig{Backend: b, Now: clock.now}
	one, two := loadRing(t, c), loadRing(t, c)
	if err := one.Ensure(t.Context(), jose.EdDSA); err != nil {
		t.Fatal(err)
	}
	token := ringSign(t, one, jose.EdDSA)
	b.down.Store(true)
	for range 2 {
		if _, err := two.Verify(token, "at+jwt"); !store.IsUnavailable(err) {
			t.Errorf("Verify: %v", err)
		}
		if _, err := two.Sign(jose.EdDSA, "at+jwt", []byte(ringClaims)); !errors.Is(err, oauth.ErrNoSigningKey) {
			t.Errorf("Sign: %v", err)
		}
	}
	b.down.Store(false)
	clock.move(time.Second)
	if !ringAccepts(two, token) {
		t.Error("not accepted when the store is back")
	}
}

// A store that was emptied under a running node must not empty the node.
func TestEmptiedStoreLeavesTheKeys(t *testing.T) {
	b := newRingStore(t)
	k := loadRing(t, oauth.KeyringConfig{Backend: b})
	runRing(t, k)
	for _, id := range []string{"secret", "ES256"} {
		if _, err := b.Take(t.Context(), store.Kind{Name: "keyring"}, id); err != nil {
			t.Fatal(err)
		}
	}
	asked := b.asked.Load()
	eventually(t, "looks at the empty store", func() bool { return b.asked.Load() > asked+2 })
	if !k.Ready() || !ringAccepts(k, ringSign(t, k, "")) {
		t.Error("the keys were lost")
	}
}

func BenchmarkKeyringSign(b *testing.B) {
	sealer, err := jose.NewSealer(ringMaster(1))
	if err != nil {
		b.Fatal(err)
	}
	k, err := oauth.OpenKeyring(b.Context(), oauth.KeyringConfig{Backend: memory.New(), Sealer: sealer})
	if err != nil {
		b.Fatal(err)
	}
	if err := k.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Sign("", "at+jwt", []byte(ringClaims)); err != nil {
			b.Fatal(err)
		}
	}
}

// A client of an algorithm that was registered on another node, while this one cannot read the new keys.
func TestMissingKeyIsTemporary(t *testing.T) {
	w := newWorld(t)
	mine := &ringStore{Backend: w.store}
	here, there := loadRing(t, oauth.KeyringConfig{Backend: mine, Now: w.now}), w.node()
	w.keys = here
	n := w.node()
	there.register(oauth.Registration{
		ClientID: "machine", GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
		AccessTokenFormat: oauth.JWT, AccessTokenSigningAlg: jose.RS256,
	})
	mine.down.Store(true)
	_, err := n.machine(n.client("machine"))
	wantCode(t, err, oauth.TemporarilyUnavailable)
	if refused := (*oauth.Error)(nil); !errors.As(err, &refused) || refused.RetryAfter <= 0 {
		t.Errorf("%v does not say when to try again", err)
	}
	mine.down.Store(false)
	w.move(time.Second)
	_, err = n.machine(n.client("machine"))
	ok(t, err)
}

// ringWarnings keeps what a keyring warns of.
type ringWarnings struct {
	mu   sync.Mutex
	told []string
}

func (w *ringWarnings) warn(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, text)
}

// next waits for the next warning and compares its beginning.
func (w *ringWarnings) next(t *testing.T, want string) {
	t.Helper()
	var got string
	eventually(t, "a warning: "+want, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.told) == 0 {
			return false
		}
		got, w.told = w.told[0], w.told[1:]
		return true
	})
	if !strings.Contains(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func (w *ringWarnings) none(t *testing.T, when string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) > 0 {
		t.Errorf("%s: told %q", when, w.told)
	}
}

const ringWell = "are read and rotated again"

func TestRunWarnsOncePerChange(t *testing.T) {
	b, clock, warnings := newRingStore(t), new(ringClock), new(ringWarnings)
	k := loadRing(t, oauth.KeyringConfig{Backend: b, Now: clock.now, Warn: warnings.warn})
	runRing(t, k)
	looks := func() {
		asked := b.asked.Load()
		eventually(t, "three looks", func() bool { return b.asked.Load() > asked+3 })
	}
	b.down.Store(true)
	looks()
	warnings.none(t, "an outage of a moment")
	clock.move(10 * time.Second)
	warnings.next(t, "cannot be read from the store")
	looks()
	warnings.none(t, "the same outage")
	b.down.Store(false)
	warnings.next(t, ringWell)

	kind := store.Kind{Name: "keyring"}
	sound, err := b.Backend.Get(t.Context(), kind, "ES256")
	ok(t, err)
	put := func(value []byte) { replaceRecord(t, b, kind, "ES256", func([]byte) []byte { return value }) }
	put([]byte(`"torn`))
	warnings.next(t, "missing or damaged")
	foreign, err := jose.NewSealer(ringMaster(2))
	ok(t, err)
	other := newRingStore(t)
	loadRing(t, oauth.KeyringConfig{Backend: other, Sealer: foreign})
	strange, err := other.Backend.Get(t.Context(), kind, "ES256")
	ok(t, err)
	put(strange.Value)
	warnings.next(t, "cannot be opened")
	looks()
	warnings.none(t, "the same foreign key")
	put(sound.Value)
	warnings.next(t, ringWell)
}

func TestRunWarnsOfARotationThatIsRefused(t *testing.T) {
	clock, warnings := new(ringClock), new(ringWarnings)
	c := oauth.KeyringConfig{
		Backend: newRingStore(t), Now: clock.now, Warn: warnings.warn, RotateEvery: time.Hour, KeepRetired: 30 * 24 * time.Hour,
	}
	k := loadRing(t, c)
	var err error
	for err == nil {
		err = k.RotateNow(t.Context(), "")
	}
	if !errors.Is(err, oauth.ErrRotatedTooOften) {
		t.Fatal(err)
	}
	clock.move(2 * time.Hour)
	runRing(t, k)
	warnings.next(t, "cannot be rotated: rotate ES256 keys: "+oauth.ErrRotatedTooOften.Error())
	clock.move(c.KeepRetired)
	warnings.next(t, ringWell)
	warnings.none(t, "after that")
}
