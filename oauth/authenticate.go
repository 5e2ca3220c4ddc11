package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// Credentials are what a request says of who sends it (RFC 6749 section 2.3).
type Credentials struct {
	Method   AuthMethod
	ClientID string
	Secret   string
	Address  string // of the sender, for the limit on guesses; "" is exempt
}

// secretGuesses bounds the secrets that people chose which one address may get wrong: each costs us an argon2id, and is a
// guess at something that can be guessed. A secret that this server made is neither.
var secretGuesses = account.Limit{
	Kind: store.Kind{Name: "secret_guesses", Spread: true}, Most: 300, Window: 5 * time.Minute,
}

// maxClientSecret bounds a presented or chosen secret in bytes.
const maxClientSecret = 1024

// sha256Prefix marks the hash of a secret that this server made; any other hash is argon2id in PHC form.
const sha256Prefix = "sha256:"

// Authenticate gives the client whose credentials these are. Whether the client is unknown, disabled, registered for
// another method, or the secret is wrong is the same answer at the same cost: a secret in the form of ours costs one
// SHA-256, any other one argon2id, whoever it is for.
func (p *Provider) Authenticate(ctx context.Context, cred Credentials) (*Client, error) {
	c, proven, err := p.prove(ctx, cred)
	if err != nil {
		return nil, err
	}
	if !proven {
		p.usage.unknown(c)
		return nil, p.refuseCredentials(c, cred)
	}
	if cred.Method != NoSecret {
		p.usage.clientUsed(c.ClientID, p.presented(c, cred.Secret))
	}
	return c, nil
}

// refuseCredentials is one answer to all that can be wrong with them. What the explanation needs of the secret is found out
// here for each alike, so that the secret itself is not kept.
func (p *Provider) refuseCredentials(c *Client, cred Credentials) *Error {
	form, hash := secretForm(cred.Secret), ""
	if isGeneratedSecret(cred.Secret) {
		hash = hashGenerated(cred.Secret)
	}
	return refuse(InvalidClient, "client authentication failed").
		By("a client authenticates as it is registered", "RFC 6749 section 2.3").
		But(func() string { return p.nearSecret(c, cred.Method, form, hash) })
}

// prove is Authenticate without a trace in the statistics. The client is nil where there is none.
func (p *Provider) prove(ctx context.Context, cred Credentials) (c *Client, proven bool, err error) {
	c, err = p.Client(ctx, cred.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, false, fmt.Errorf("read client: %w", err)
	}
	if cred.Method == NoSecret {
		return c, c != nil && !c.Disabled && c.IsPublic(), nil
	}
	match, err := p.verifyLimited(ctx, c, cred)
	return c, match && !c.Disabled && c.TokenEndpointAuthMethod == cred.Method, err
}

// verifyLimited counts before it verifies what is slow to verify, and takes the count back where the secret was right.
func (p *Provider) verifyLimited(ctx context.Context, c *Client, cred Credentials) (bool, error) {
	// The usual case first: a right secret needs no look at its check digits.
	if len(cred.Secret) == len(clientSecretPrefix)+generatedSecretText && p.verifyGenerated(c, cred.Secret) {
		return true, nil
	}
	if !isSecretLength(cred.Secret) || isGeneratedSecret(cred.Secret) || c != nil && p.remembers(c, cred.Secret) {
		return p.verifySecret(ctx, c, cred.Secret)
	}
	if err := p.directory.Admit(ctx, secretGuesses, cred.Address); err != nil {
		return false, err
	}
	match, err := p.verifySecret(ctx, c, cred.Secret)
	if match {
		p.directory.Forgive(ctx, secretGuesses, cred.Address)
	}
	return match, err
}

// remembers reports whether the secret was right before and still is the client's.
func (p *Provider) remembers(c *Client, secret string) bool {
	for i := range c.Secrets {
		if kept := &c.Secrets[i]; p.usable(kept) && p.verified.holds(kept.Hash, secret) {
			return true
		}
	}
	return false
}

// verifySecret reports whether secret is one of the client's that has not expired. c may be nil.
func (p *Provider) verifySecret(ctx context.Context, c *Client, secret string) (bool, error) {
	if !isSecretLength(secret) {
		return false, nil
	}
	if isGeneratedSecret(secret) {
		return p.verifyGenerated(c, secret), nil
	}
	return p.verifyChosen(ctx, c, secret)
}

// isSecretLength is false for what is no secret at all: client libraries try an empty one for public clients.
func isSecretLength(s string) bool { return s != "" && len(s) <= maxClientSecret }

func (p *Provider) verifyGenerated(c *Client, secret string) bool {
	presented := generatedHash(secret)
	if c == nil {
		return false
	}
	match := 0
	for i := range c.Secrets {
		if kept := &c.Secrets[i]; len(kept.Hash) == len(presented) && p.usable(kept) {
			match |= subtle.ConstantTimeCompare(presented[:], []byte(kept.Hash))
		}
	}
	return match == 1
}

func (p *Provider) usable(s *ClientSecret) bool {
	return s.Expires.IsZero() || p.now().Before(s.Expires)
}

func hashGenerated(secret string) string {
	text := generatedHash(secret)
	return string(text[:])
}

// generatedHash is what is kept of a secret that this server made.
func generatedHash(secret string) (text [len(sha256Prefix) + (sha256.Size*8+5)/6]byte) {
	var input [len(clientSecretPrefix) + generatedSecretText]byte
	sum := sha256.Sum256(append(input[:0], secret...))
	copy(text[:], sha256Prefix)
	base64.RawURLEncoding.Encode(text[len(sha256Prefix):], sum[:])
	return text
}

// verifyChosen compares with the secrets that people chose. One that was right is remembered, so that a client pays for
// argon2id once in the life of the process and not at every token.
func (p *Provider) verifyChosen(ctx context.Context, c *Client, secret string) (bool, error) {
	computed := false
	if c != nil {
		for i := range c.Secrets {
			kept := &c.Secrets[i]
			if strings.HasPrefix(kept.Hash, sha256Prefix) || !p.usable(kept) {
				continue
			}
			if p.verified.holds(kept.Hash, secret) {
				return true, nil
			}
			match, _, err := p.hasher.Verify(ctx, kept.Hash, secret)
			computed = true
			if err != nil {
				return false, busy(err)
			}
			if match {
				p.verified.add(kept.Hash, secret)
				return true, nil
			}
		}
	}
	if computed {
		return false, nil
	}
	return false, busy(p.hasher.VerifyNothing(ctx))
}

// busy makes the refusal of the hash gate one that a client may read.
func busy(err error) error {
	if errors.Is(err, account.ErrBusy) {
		return &Error{Code: TemporarilyUnavailable, Description: "too many requests at once, try again", RetryAfter: retrySoon, Cause: err}
	}
	return err
}

// newSecret makes what is kept of a secret. An empty one is generated and returned in clear, this once.
func (p *Provider) newSecret(ctx context.Context, secret string) (kept ClientSecret, shown string, err error) {
	kept = ClientSecret{ID: uuid.NewString(), Created: p.now()}
	if secret == "" {
		shown = GenerateSecret()
		secret = shown
	}
	if isGeneratedSecret(secret) {
		kept.Hash, kept.Prefix = hashGenerated(secret), secret[:recognisable]
		return kept, shown, nil
	}
	if len(secret) < minClientSecret || len(secret) > maxClientSecret {
		return kept, "", oneFault("client_secret",
			fmt.Sprintf("must be %d to %d bytes, or absent so that one is made", minClientSecret, maxClientSecret))
	}
	kept.Hash, err = p.hasher.Hash(ctx, secret)
	return kept, "", busy(err)
}

// minClientSecret is the shortest secret that somebody may choose, in bytes.
const minClientSecret = 8

// verifiedSecrets remembers right secrets by a hash under a key that only this process knows.
type verifiedSecrets struct {
	key     [32]byte
	mu      sync.RWMutex
	entries map[[32]byte]struct{}
}

// maxVerified bounds what is remembered; beyond it everything is forgotten and verified anew.
const maxVerified = 10_000

func newVerifiedSecrets() *verifiedSecrets {
	v := &verifiedSecrets{entries: map[[32]byte]struct{}{}}
	_, _ = rand.Read(v.key[:]) // never fails (crypto/rand)
	return v
}

func (v *verifiedSecrets) entry(hash, secret string) [32]byte {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write([]byte(hash)) // a PHC string holds no NUL
	mac.Write([]byte{0})
	mac.Write([]byte(secret))
	return [32]byte(mac.Sum(nil))
}

func (v *verifiedSecrets) holds(hash, secret string) bool {
	e := v.entry(hash, secret)
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, ok := v.entries[e]
	return ok
}

func (v *verifiedSecrets) add(hash, secret string) {
	e := v.entry(hash, secret)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.entries) >= maxVerified {
		clear(v.entries)
	}
	v.entries[e] = struct{}{}
}
