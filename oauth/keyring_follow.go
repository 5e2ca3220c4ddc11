package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/store"
)

const (
	keyringPoll     = 400 * time.Millisecond // how often a node looks for what other nodes did
	keyringTimeout  = 2 * time.Second        // for one look
	rotateTimeout   = 30 * time.Second       // for one rotation: it may generate an RSA key
	keyringPatience = 5 * time.Second        // with a store that does not answer, before a warning
)

// Run follows what other nodes do and rotates on schedule, until ctx ends. It begins once Load has succeeded.
func (k *Keyring) Run(ctx context.Context) {
	tick := time.NewTicker(keyringPoll)
	defer tick.Stop()
	watch := keyringWatch{warn: k.config.Warn}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if k.view.Load() == nil {
			continue
		}
		if err := k.follow(ctx); ctx.Err() == nil {
			watch.note(err, k.now())
		}
	}
}

// follow leaves everything as it is when the store cannot be read: tokens are signed and verified through an outage.
func (k *Keyring) follow(ctx context.Context) error {
	if err := k.look(ctx); err != nil {
		return err
	}
	var failed []error
	for _, r := range k.view.Load().rings {
		if k.scheduled(r) == nil {
			failed = append(failed, k.rotateDue(ctx, jose.Algorithm(r.ID)))
		}
	}
	return errors.Join(failed...)
}

func (k *Keyring) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyringTimeout)
	defer cancel()
	return k.refresh(ctx)
}

// rotateDue is tried again at the next tick.
func (k *Keyring) rotateDue(ctx context.Context, a jose.Algorithm) error {
	ctx, cancel := context.WithTimeout(ctx, rotateTimeout)
	defer cancel()
	err := k.rotate(ctx, a, k.scheduled)
	if tooSoon := (*TooSoonError)(nil); err == nil || errors.Is(err, errNotDue) || errors.As(err, &tooSoon) {
		return nil // done, or by another node
	}
	return fmt.Errorf("rotate %s keys: %w", a, err)
}

// scheduled tells whether a rotation is due and possible.
func (k *Keyring) scheduled(r *ring) error {
	if !k.due(r) {
		return errNotDue
	}
	return k.nextIsKnown(r)
}

// due holds for a key that was activated long ago. One that was activated ahead of our clock is not due: one of the two
// clocks is wrong, and nodes that took turns in correcting each other would rotate at every look.
func (k *Keyring) due(r *ring) bool {
	return k.now().Sub(r.Current.Activated) >= k.config.RotateEvery
}

// keyringWatch turns what follow answers several times a second into warnings: one when something begins to fail, one
// when it fails in another way, one when it is over.
type keyringWatch struct {
	warn func(string)
	told trouble
	away time.Time // since when the store does not answer
}

// trouble is what an operator would call the same failure; the texts of errors differ from one time to the next.
type trouble string

const (
	noTrouble    trouble = ""
	storeTrouble trouble = "the signing keys cannot be read from the store; those in memory are used"
	sealedKeys   trouble = "the signing keys in the store cannot be opened; those in memory are used"
	damagedKeys  trouble = "the signing keys in the store are missing or damaged; those in memory are used"
	tooManyKeys  trouble = "the signing keys are due for rotation, but cannot be rotated"
)

func troubleOf(err error) trouble {
	switch {
	case err == nil:
		return noTrouble
	case store.IsUnavailable(err):
		return storeTrouble
	case errors.Is(err, ErrWrongMaster), errors.Is(err, ErrMasterChanging), errors.Is(err, jose.ErrSealed):
		return sealedKeys
	case errors.Is(err, ErrRotatedTooOften):
		return tooManyKeys
	}
	return damagedKeys
}

func (w *keyringWatch) note(err error, now time.Time) {
	what := troubleOf(err)
	if what != storeTrouble {
		w.away = time.Time{}
	} else if w.away.IsZero() {
		w.away = now
	}
	if what == w.told || what == storeTrouble && now.Sub(w.away).Abs() < keyringPatience {
		return
	}
	w.told = what
	if what == noTrouble {
		w.warn("the signing keys are read and rotated again")
		return
	}
	w.warn(string(what) + ": " + err.Error())
}
