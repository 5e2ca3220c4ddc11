package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

var clientNameKind = store.Kind{Name: "client_name"}

// nameClaim reserves a client's name. It is written before the client has the name, and confirmed after. One whose owner
// is gone, or has another name by now, may be taken over: then its owner died on the way, or moved on. Confirming and
// taking over are Swaps of the one record, so that of two that race one wins and the other learns of it.
type nameClaim struct {
	Name      string    `json:"name"` // digest of the folded name
	ClientID  string    `json:"client_id"`
	Confirmed bool      `json:"confirmed,omitempty"`
	Made      time.Time `json:"made"`
	Expires   time.Time `json:"expires,omitzero"` // set when the name was given up
}

// nameGrace is how long a claim waits for its client, before others may take it over.
const nameGrace = 5 * time.Second

func newClientNames(b store.Backend) *store.Collection[nameClaim] {
	return &store.Collection[nameClaim]{
		Backend: b, Kind: clientNameKind,
		ID:      func(n *nameClaim) string { return n.Name },
		Expires: func(n *nameClaim) time.Time { return n.Expires },
	}
}

// nameDigest folds what people take for the same name, and keeps user input out of keys.
func nameDigest(name string) string {
	visible := strings.Map(func(r rune) rune {
		if isJoiner(r) {
			return -1
		}
		return r
	}, name)
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(visible))))
	return hex.EncodeToString(sum[:])
}

// claimName reserves a name for a client before the client has it. ErrNameTaken.
func (p *Provider) claimName(ctx context.Context, name, clientID string) error {
	if name == "" {
		return nil
	}
	claim := &nameClaim{Name: nameDigest(name), ClientID: clientID, Made: p.now()}
	for {
		err := p.tryClaimName(ctx, claim)
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
}

func (p *Provider) tryClaimName(ctx context.Context, claim *nameClaim) error {
	err := p.clientNames.Create(ctx, claim)
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	old, err := p.clientNames.Load(ctx, claim.Name)
	if err != nil {
		return fmt.Errorf("read name of client: %w", err)
	}
	if old.Value.ClientID == claim.ClientID {
		return nil
	}
	if err := p.givesWay(ctx, old.Value, claim); err != nil {
		return err
	}
	_, err = p.clientNames.Swap(ctx, old, claim)
	return err
}

// givesWay says why a claim cannot be taken over, nil where it can.
func (p *Provider) givesWay(ctx context.Context, old, claim *nameClaim) error {
	if old.ClientID == "" {
		return nil
	}
	owner, err := p.clients.Collection.Get(ctx, old.ClientID)
	if err == nil && nameDigest(owner.ClientName) == claim.Name {
		return ErrNameTaken
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read owner of name: %w", err)
	}
	if !old.Confirmed && claim.Made.Sub(old.Made).Abs() < nameGrace {
		return ErrNameTaken
	}
	return nil
}

// confirmName makes a claim last, once its client has the name. ErrNameTaken where another client took it over.
func (p *Provider) confirmName(ctx context.Context, name, clientID string) error {
	if name == "" {
		return nil
	}
	old, err := p.clientNames.Load(ctx, nameDigest(name))
	if err == nil && old.Value.ClientID == clientID {
		if old.Value.Confirmed {
			return nil
		}
		next := *old.Value
		next.Confirmed = true
		_, err = p.clientNames.Swap(ctx, old, &next)
	} else if err == nil {
		return ErrNameTaken
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return ErrNameTaken
	}
	if err != nil {
		return fmt.Errorf("confirm name of client: %w", err)
	}
	return nil
}

// releaseName gives a name up, if the client still has it. That it may fail blocks nobody, as the claim may be taken
// over; it only tidies up.
func (p *Provider) releaseName(ctx context.Context, name, clientID string) {
	old, err := p.clientNames.Load(ctx, nameDigest(name))
	if err != nil || old.Value.ClientID != clientID {
		return
	}
	next := *old.Value
	next.ClientID, next.Confirmed, next.Expires = "", false, p.now().Add(time.Minute)
	_, _ = p.clientNames.Swap(ctx, old, &next)
}
