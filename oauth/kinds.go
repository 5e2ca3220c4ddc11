package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/grantor-dev/grantor/store"
)

// Kinds are the kinds of records and counters that this package keeps, for whoever copies a store as a whole.
func Kinds() []store.Kind {
	return []store.Kind{
		apiKind, apiHoldKind, authorizationKind, clientKind, clientNameKind, consentKind, interactionKind, keyringKind, revokedKind,
		withdrawalKind, userCodeKind, devicePolls,
		waitingRequests.Kind, secretGuesses.Kind, userCodeGuesses.Kind, userCodeAddress.Kind, userCodeUses,
		{Name: "usage_tally", Spread: true},
		{Name: "usage_active"},
		{Name: "usage_client"},
		{Name: "usage_authorization", Spread: true},
		{Name: "refusal", Spread: true},
		{Name: "refusals_lost", Spread: true},
		{Name: "client_gone"},
		{Name: "revocation_feed"},
	}
}

// StoreIdentity tells stores apart that were not copied from each other: by the shared secret, as it is sealed, which a store
// gets at its first start and keeps. ErrNotFound where no server has worked on it.
func StoreIdentity(ctx context.Context, b store.Backend) (string, error) {
	r, err := b.Get(ctx, keyringKind, sharedSecretID)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(r.Value)
	return hex.EncodeToString(sum[:16]), nil
}
